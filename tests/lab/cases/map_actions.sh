# timeout: 170
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every action on a map that is in use under verified I/O: rename, reload, suspend and resume, switch of group, queueing, failing and
# reinstating, a path that goes and returns. Loads are counted by probes inside device-mapper.

loads() { same "tables loaded $1" "$2" "$(probe_count table_load)"; }
settled() { [[ $(multipathd show status) == *"busy: False"* ]] && daemon_idle && [[ $(multipathd show maps raw format %N) == "$1" ]]; }
ask() { same "reply to $*" ok "$(multipathd "$@")"; }
suspended() { [[ $(dmsetup info -c --noheadings -o suspended "$1") == "$2" ]]; }

goes_on() { io_goes_on || fail "I/O stands still"; }
note "one LUN, four paths"
TCM_ACCESS=1 san_tcm 1 4 16 || fail "no array"  # or the array itself changes what a switched group is worth
wwid=$(tcm_wwid 0)
settings="polling_interval 2
	max_polling_interval 4"
daemon_config "$settings"
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 1 4 || fail "no map"
probe_start || fail "no kprobes"
dm=$(readlink -f "/dev/mapper/$wwid")
# By its number: fio opens it anew at every pass, and the name changes.
io_start "../${dm##*/}" || fail "no I/O"
wait_for 20 settled 4 || fail "not settled"

note "start and reconfigure of what is right: no action"
# (An orderly end switches queueing off, which the next start has to undo.)
kill -KILL "$daemon_pid"
daemon_ends || fail "the daemon cannot be killed"
daemon_start || fail "the daemon does not start again"
wait_for 20 settled 4 || fail "not settled"
mpathctl status | grep -q "configured with 0 actions" || fail "the start needed actions: $(mpathctl status | grep actions)"
ask reconfigure
wait_for 20 settled 4 || fail "not settled"
mpathctl status | grep -q "configured with 0 actions" || fail "the reconfiguration needed actions"
loads "by restart and reconfigure" 0

note "rename"
daemon_config "$settings" "multipaths {
	multipath {
		wwid $wwid
		alias data
	}
}"
ask reconfigure
wait_for 10 '[ -e /dev/mapper/data ] && [ ! -e /dev/mapper/'"$wwid"' ]' || fail "not renamed"
same "the daemon's name" data "$(multipathd show maps raw format %n)"
goes_on
loads "by a rename" 0
map=data

note "messages"
disk=$(tcm_disk 0 0)
ask fail path "$disk"
wait_for 10 '[ "$(dm_path_state data '"$disk"')" = F ]' || fail "not failed"
ask reinstate path "$disk"
wait_for 10 '[ "$(dm_path_state data '"$disk"')" = A ]' || fail "not reinstated"
ask disablequeueing map data
wait_for 10 '[[ $(dmsetup table data) != *queue_if_no_path* ]]' || fail "it still queues"
ask restorequeueing map data
wait_for 10 '[[ $(dmsetup table data) == *queue_if_no_path* ]]' || fail "it does not queue again"
ask switchgroup map data group 2
goes_on
loads "by messages" 0

note "a path fails and returns: no load"
inj_tcm_port 1 offline
second=$(tcm_disk 1 0)
wait_for 15 both_see data "$second" failed || fail "not seen failed"
inj_tcm_port 1 online
wait_for 15 both_see data "$second" up || fail "does not come back"
loads "by a path that failed and returned" 0

note "suspend and resume"
ask suspend map data
suspended data Suspended || fail "not suspended"
multipathd show topology >/dev/null || fail "no reply while a map stands still"
ask resume map data
suspended data Active || fail "not resumed"
goes_on
loads "by suspend and resume" 0

note "suspended, and the daemon dies"
ask suspend map data
kill -KILL "$daemon_pid"
daemon_ends || fail "the daemon cannot be killed"
suspended data Suspended || fail "not suspended"
daemon_start || fail "the daemon does not start again"
wait_for 10 suspended data Active || fail "left suspended"
goes_on
wait_for 20 settled 4 || fail "not settled"
loads "by a suspended map" 0

note "a path goes and returns: one load each"
tcm_unmap 3 0 || fail "cannot unmap"
wait_for 20 settled 3 || fail "the path is still there"
wait_for 10 '[ "$(probe_count dm_swap_table)" = 1 ]' || fail "no load without it"
loads "by a path that went" 1
tcm_map 3 0 || fail "cannot map"
wait_for 20 settled 4 || fail "the path does not come back"
wait_for 10 '[ "$(probe_count dm_swap_table)" = 2 ]' || fail "no load with it"
loads "by a path that is new" 2

note "reload"
ask reload map data
wait_for 10 '[ "$(probe_count dm_swap_table)" = 3 ]' || fail "not loaded"
goes_on
loads "by reload map" 3

io_stop || fail "I/O errors"
note "in use, and removal"
exec 7<>/dev/mapper/data
# (The daemon looks for that process for a limited time.)
named() { said=$(multipathd remove map data); [[ $said == *"map or partition in use"*"open by bash ($$)"* ]] || { echo "$said"; false; }; }
wait_for 10 named || fail "who holds it is not said"
exec 7>&-
wait_for 10 '[ "$(multipathd remove map data)" = ok ]' || fail "not removed"
wait_for 5 '[ ! -e /dev/mapper/data ]' || fail "still there"
ask add map "$wwid"
wait_for 10 maps_up 1 4 || fail "not made again"
daemon_stop || fail "the daemon does not end"
note "done"
