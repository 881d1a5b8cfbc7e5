# timeout: 180
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon is killed, or ends, under verified I/O and is started again: the kernel's tables are left alone. Loads are
# counted by probes inside device-mapper; its event numbers would not show them.

# loads TEXT NUMBER: as many tables were loaded, and as many made live, since the probes were set.
loads() {
  same "tables loaded $1" "$2" "$(probe_count table_load)"
  same "tables swapped $1" "$2" "$(probe_count dm_swap_table)"
}
# settled: what the daemon wishes to do it has done: all paths were checked, no event waits, the groups in use are known.
settled() {
  [[ $(multipathd show status) == *"up  "*" 8"*"busy: False"* ]] && daemon_idle && maps_up 2 8 &&
    [ "$(multipathd show topology | grep -c 'prio=50 status=active')" = 2 ]
}
picture() { multipathd show maps && multipathd show topology; }

note "two LUNs, four paths"
san_tcm 2 4 16 || fail "no array"
daemon_config "polling_interval 2
	max_polling_interval 4
	user_friendly_names yes"
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 2 8 || fail "no maps"
map=mpatha
probe_start || fail "no kprobes"
io_start $map || fail "no I/O"
wait_for 20 settled || fail "not settled"
before=$(picture)
table=$(dmsetup table)

note "killed and started again, twice"
for round in 1 2; do
  kill -KILL "$daemon_pid"
  daemon_ends || fail "the daemon cannot be killed"
  io_goes_on || fail "I/O stands still without a daemon"
  begin=${EPOCHREALTIME/./}
  daemon_start || fail "the daemon does not start again"
  printf '  up again after %d ms\n' $(((${EPOCHREALTIME/./} - begin) / 1000))
  wait_for 20 settled || fail "not settled"
  io_goes_on || fail "I/O stands still"
  same "what is shown" "$before" "$(picture)"
  loads "by kill and start" 0
done

note "killed while a path is down, and it returns meanwhile"
disk=$(tcm_disk 0 0)
inj_tcm_port 0 offline
wait_for 15 both_see $map "$disk" failed || fail "the path is not seen failed"
kill -KILL "$daemon_pid"
daemon_ends || fail "the daemon cannot be killed"
inj_tcm_port 0 online
daemon_start || fail "the daemon does not start again"
wait_for 20 both_see $map "$disk" up || fail "the path does not come back"
wait_for 20 settled || fail "not settled"
io_goes_on || fail "I/O stands still"
loads "by a path that failed and returned" 0

note "orderly"
daemon_stop || fail "the daemon does not end"
[ ! -e /run/multipathd.pid ] || fail "the pid file stayed"
io_goes_on || fail "I/O stands still without a daemon"
daemon_start || fail "the daemon does not start again"
wait_for 20 settled || fail "not settled"
same "the tables" "$table" "$(dmsetup table)"
loads "by shutdown and start" 0

note "reconfigure"
same "reply to reconfigure" ok "$(multipathd reconfigure)"
wait_for 20 settled || fail "not settled"
io_goes_on || fail "I/O stands still"
loads "by reconfigure" 0
same "reply to reconfigure all" ok "$(multipathd reconfigure all)"
wait_for 20 '[ "$(probe_count dm_swap_table)" -ge 2 ]' || fail "reconfigure all loads nothing"
wait_for 20 settled || fail "not settled"
io_goes_on || fail "I/O stands still"
loads "by reconfigure all: one for each map" 2
same "the tables" "$table" "$(dmsetup table)"

io_stop || fail "I/O errors"
same "what is shown" "$before" "$(picture)"
daemon_stop || fail "the daemon does not end"

note "a map whose making was cut short"
dmsetup remove "$map" || fail "the map cannot be removed"
dmsetup create "$map" --notable --uuid "mpath-$(tcm_wwid 0)" || fail "no empty device"
daemon_start || fail "the daemon does not start again"
wait_for 20 maps_up 2 8 || fail "the volume has no map: $(dmsetup table)"
daemon_stop || fail "the daemon does not end"
note "done"
