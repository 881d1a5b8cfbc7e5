# timeout: 170
# SPDX-License-Identifier: LGPL-2.1-or-later
# Persistent reservations on the kernel's target: while this host holds one, paths that appear are registered before they carry I/O, over
# restarts and kills and under verified I/O; after another host has preempted it, nothing is registered again.

ours=0x123abc theirs=0x777
out() { local disk=$1; shift; sg_persist --out --no-inquiry "$@" "/dev/$disk" >/run/persist 2>&1; }
# keys: how many I_T nexuses are registered with our key, and how many with the other host's.
keys() {
  local text
  text=$(sg_persist --in --no-inquiry --read-keys "/dev/$other") || return
  echo "$(grep -c "^ *$ours\$" <<<"$text") $(grep -c "^ *$theirs\$" <<<"$text")"
}
status() { multipathd getprstatus map "$map"; }
registered() { [ "$(keys)" = "$1" ]; }
loads() { same "tables loaded $1" "$2" "$(probe_count table_load)"; }
usable() { [ "$(multipathd show map "$map" raw format %N | tr -d ' ')" = "$1" ]; }
writes() { dd if=/dev/zero of="/dev/$1" bs=4k count=1 seek=3000 oflag=direct conv=notrunc 2>/run/written; }

note "one LUN, four paths, and another host's"
mkdir -p /etc/target/pr /var/target/pr  # where the target keeps registrations, and fails each one if it cannot
san_tcm 1 5 16 || fail "no array"
other=$(tcm_disk 4 0)
config() {
  daemon_config "polling_interval 2
	max_polling_interval 4
	path_grouping_policy multibus
	detect_pgpolicy no
	$1" "blacklist {
	devnode \"^$other\$\"
}"
}
config "reservation_key $ours"
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 1 4 || fail "no map"
map=$(tcm_wwid 0)
disks=()
for path in 0 1 2 3; do disks+=("$(tcm_disk $path 0)"); done
same "the status of a volume that nobody registered" unset "$(status)"
same "the key" "$ours" "$(multipathd getprkey map "$map")"

note "registered and reserved"
for disk in "${disks[@]}"; do out "$disk" --register --param-sark=$ours || fail "not registered: $(cat /run/persist)"; done
same "setprstatus" ok "$(multipathd setprstatus map "$map")"
same "the status" set "$(status)"
out "${disks[0]}" --reserve --param-rk=$ours --prout-type=5 || fail "not reserved: $(cat /run/persist)"
multipathd setprhold map "$map" >/dev/null
same "registrations" "4 0" "$(keys)"
writes "$other" && fail "another host can write"
io_start "$map" || fail "no I/O"

note "a path leaves, and returns as one that is not registered"
tcm_unmap 3 0
wait_for 15 usable 3 || fail "it does not go"
same "registrations" "3 0" "$(keys)"
io_goes_on || fail "I/O stands still"
tcm_map 3 0
wait_for 20 usable 4 || fail "it does not return: $(mpathctl status)"
same "registrations" "4 0" "$(keys)"
io_goes_on || fail "I/O stands still"

note "a path fails and returns"
inj_tcm_port 1 offline
wait_for 15 both_see "$map" "${disks[1]}" failed || fail "the path is not seen failed"
probe_start || fail "no probes"
inj_tcm_port 1 online
wait_for 20 both_see "$map" "${disks[1]}" up || fail "the path does not come back"
io_goes_on || fail "I/O stands still"

note "killed, ended in order, and started again"
for how in KILL TERM; do
  kill -$how "$daemon_pid"
  daemon_ends || fail "the daemon does not end"
  io_goes_on || fail "I/O stands still without a daemon"
  daemon_start || fail "the daemon does not start again"
  wait_for 20 '[ "$(status)" = set ] && usable 4' || fail "not set again: $(status)"
  same "who holds the reservation" set "$(multipathd getprhold map "$map")"
  io_goes_on || fail "I/O stands still"
done
loads "by a path that returned, a kill and an end" 0
same "registrations" "4 0" "$(keys)"

note "a path is exchanged for one that is not registered while no daemon runs"
kill -KILL "$daemon_pid"
daemon_ends || fail "the daemon cannot be killed"
tcm_unmap 2 0
tcm_map 2 0
same "registrations" "3 0" "$(keys)"
daemon_start || fail "the daemon does not start again"
wait_for 25 'usable 4 && registered "4 0"' || fail "it is not taken: $(keys), $(mpathctl status)"
io_goes_on || fail "I/O stands still"
io_stop || fail "I/O errors"

note "another host preempts"
out "$other" --register --param-sark=$theirs || fail "the other host cannot register: $(cat /run/persist)"
out "$other" --preempt --param-rk=$theirs --param-sark=$ours --prout-type=5 || fail "not preempted: $(cat /run/persist)"
same "registrations" "0 1" "$(keys)"
inj_tcm_port 1 offline
wait_for 15 both_see "$map" "${disks[1]}" failed || fail "the path is not seen failed"
inj_tcm_port 1 online
wait_for 20 both_see "$map" "${disks[1]}" up || fail "the path does not come back"
wait_for 10 '[ "$(status)" = unset ]' || fail "the status is $(status)"
tcm_unmap 3 0
tcm_map 3 0
wait_for 20 usable 4 || fail "the path does not return"
kill -KILL "$daemon_pid"
daemon_ends || fail "the daemon cannot be killed"
daemon_start || fail "the daemon does not start again"
wait_for 20 usable 4 || fail "the daemon does not see its paths"
same "the status" unset "$(status)"
same "registrations" "0 1" "$(keys)"
writes "mapper/$map" && fail "a preempted host can write"
mpathctl explain "$map" | grep '^  reservation'

note "a key in the file"
config "reservation_key file"
multipathd reconfigure >/dev/null
wait_for 10 daemon_idle || fail "the daemon is not idle again"
same "the key" none "$(multipathd getprkey map "$map")"
same "setprkey" ok "$(multipathd setprkey map "$map" key 0xabc:aptpl)"
same "the key" 0xabc:aptpl "$(multipathd getprkey map "$map")"
grep -q "^0X0000000000000abc $map\$" /etc/multipath/prkeys || fail "not in the file: $(cat /etc/multipath/prkeys)"
same "unsetprkey" ok "$(multipathd unsetprkey map "$map")"
grep -q "^#X0000000000000abc $map\$" /etc/multipath/prkeys || fail "still in the file: $(cat /etc/multipath/prkeys)"
daemon_stop || fail "the daemon does not end"
note "done"
