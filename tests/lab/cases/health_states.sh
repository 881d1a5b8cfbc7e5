# timeout: 240
# SPDX-License-Identifier: LGPL-2.1-or-later
# What becomes of I/O when every path is dead (no_path_retry queue, a number, fail), what failback does, paths in standby, and what
# survives the daemon's death; times when the clock is set.

queues() { [[ $(dmsetup table --noflush "$map") == *queue_if_no_path* ]]; }
failed_paths() { dmsetup status --noflush "$map" | grep -o ' F ' | wc -l; }
# configured SETTINGS: they go before what the array's entry says.
configured() {
  daemon_config "polling_interval 1
	max_polling_interval 1" "overrides {
	$1
}"
}
# reconfigured SETTINGS: no load.
reconfigured() {
  configured "$1"
  same "reply to reconfigure" ok "$(multipathd reconfigure)"
  wait_for 10 daemon_idle || fail "the daemon does not come to rest"
}

note "one LUN, four paths, two controllers"
TCM_ACCESS=1 san_tcm 1 4 16 || fail "no array"
configured "no_path_retry queue"
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 1 4 || fail "no map"
map=$(tcm_wwid 0)
disks=()
for path in 0 1 2 3; do disks+=("$(tcm_disk $path 0)"); done

note "all paths dead with no_path_retry queue: I/O waits, and goes on"
io_start "$map" || fail "no I/O"
inj_controller A offline
inj_controller B offline
wait_for 15 '[ "$(failed_paths)" = 4 ]' || fail "dead paths are not failed"
queues || fail "the map does not queue"
sleep 5
queues || fail "the map gave up queueing"
inj_controller A online
inj_controller B online
wait_for 20 maps_up 1 4 || fail "the paths do not come back"
io_goes_on || fail "I/O stands still"
io_stop || fail "I/O errors"

note "no_path_retry 8: queued for eight intervals, then failed, and queueing again with the first path"
reconfigured "no_path_retry 8"
queues || fail "the map does not queue"
inj_controller A offline
inj_controller B offline
wait_for 15 '[ "$(failed_paths)" = 4 ]' || fail "dead paths are not failed"
begin=${EPOCHREALTIME/./}
queues || fail "queueing was given up before its time"
wait_for 20 '! queues' || fail "queueing is not given up"
took=$(((${EPOCHREALTIME/./} - begin) / 1000))
printf '  gave up after %d ms\n' $took
[ $took -ge 5000 ] || fail "queueing was given up after $took ms"
same "reading a map that has given up" failed "$(dd if=/dev/mapper/"$map" of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null && echo read || echo failed)"
history=$(mpathctl history "$map")
[[ $history == *no_path_retry* ]] || fail "the history does not say why: $history"

note "the daemon dies meanwhile: it does not begin to queue again"
kill -KILL "$daemon_pid"
daemon_ends || fail "the daemon lives on"
daemon_start || fail "the daemon does not start again"
sleep 3
! queues || fail "the new daemon queues again"
inj_controller A online
wait_for 20 queues || fail "no queueing with a path"
inj_controller B online
wait_for 20 maps_up 1 4 || fail "the paths do not come back"

note "no_path_retry fail"
reconfigured "no_path_retry fail"
wait_for 5 '! queues' || fail "the map queues"
inj_controller A offline
inj_controller B offline
wait_for 15 '[ "$(failed_paths)" = 4 ]' || fail "dead paths are not failed"
same "reading a map without paths" failed "$(dd if=/dev/mapper/"$map" of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null && echo read || echo failed)"
inj_controller A online
inj_controller B online
wait_for 20 maps_up 1 4 || fail "the paths do not come back"

note "failback manual stays, a number waits, immediate goes"
# left_for_b: controller A was away, and I/O is on B's group.
left_for_b() {
  inj_controller A offline
  wait_for 10 '[ "$(group_state "$map" 2)" = A ]' || fail "no failover"
  inj_controller A online
  wait_for 20 maps_up 1 4 || fail "the paths do not come back"
}
reconfigured "no_path_retry 8
	failback manual"
io_start "$map" || fail "no I/O"
left_for_b
sleep 4
same "state of B's group with failback manual" A "$(group_state "$map" 2)"
reconfigured "no_path_retry 8
	failback 6"
wait_for 15 '[ "$(group_state "$map" 1)" = A ]' || fail "a reconfiguration does not go back"
left_for_b
same "state of B's group before failback's time" A "$(group_state "$map" 2)"
wait_for 15 '[ "$(group_state "$map" 1)" = A ]' || fail "no failback after 6 s"
reconfigured "no_path_retry 8
	failback immediate"
left_for_b
wait_for 5 '[ "$(group_state "$map" 1)" = A ]' || fail "no immediate failback"

note "standby is a ghost: it works, and carries no I/O while another path does"
inj_alua B standby
for path in 2 3; do wait_for 10 path_is "${disks[path]}" ghost active || fail "path $path is no ghost"; done
io_goes_on || fail "I/O stands still"
inj_alua B non-optimized
for path in 2 3; do wait_for 10 path_is "${disks[path]}" ready active || fail "path $path stays a ghost"; done

note "what survives SIGKILL: disabled queueing and a marginal mark"
same "setmarginal" ok "$(multipathd setmarginal path "${disks[3]}")"
same "disablequeueing" ok "$(multipathd disablequeueing map "$map")"
wait_for 5 '! queues' || fail "queueing is not disabled"
wait_for 5 grep -q queueing-disabled /run/multipath/state || fail "it is not in /run/multipath/state"
probe_start || fail "no probes"
kill -KILL "$daemon_pid"
daemon_ends || fail "the daemon lives on"
daemon_start || fail "the daemon does not start again"
wait_for 10 maps_up 1 4 || fail "the map is not taken over"
sleep 2
! queues || fail "disabled queueing was forgotten"
same "the mark after the restart" marginal "$(path_field "${disks[3]}" %M)"
same "loads by the restart" 0 "$(probe_count table_load)"
probe_stop
same "unsetmarginal" ok "$(multipathd unsetmarginal map "$map")"
same "restorequeueing" ok "$(multipathd restorequeueing map "$map")"
wait_for 5 queues || fail "queueing is not restored"
io_goes_on || fail "I/O stands still"
io_stop || fail "I/O errors"
mpathctl history "${disks[0]}" | tail -3

note "somebody sets the clock: what happened before keeps its time"
entry() { mpathctl history "${disks[0]}" | "$1" -1 | cut -d" " -f1; }
oldest=$(entry head)
date -s "+2 hours" >/dev/null
set_at=$(date -u +%Y-%m-%dT%H:%M:%S)
same "setmarginal" ok "$(multipathd setmarginal path "${disks[0]}")"
same "the oldest transition" "$oldest" "$(entry head)"
[[ ! $(entry tail) < $set_at ]] || fail "the newest transition is of $(entry tail), the clock was set at $set_at"
same "unsetmarginal" ok "$(multipathd unsetmarginal path "${disks[0]}")"
mpathctl history --json "$map" >/dev/null || fail "no history for programs"
daemon_stop || fail "the daemon does not end"
note "done"
