# timeout: 180
# cpus: 2
# SPDX-License-Identifier: LGPL-2.1-or-later
# Ports, a controller and access states change under verified I/O. Checks are 20 s apart, so what is seen within a few
# seconds is seen because the kernel's events are listened to.

# An event is noticed at once; the limit leaves room for a busy host.
AT_ONCE=5

# seen DISK up|failed SECONDS: waits until daemon and kernel agree; says how long it took.
seen() {
  local begin=${EPOCHREALTIME/./}
  wait_for "$3" both_see "$io_map" "$1" "$2" || return
  printf '  %s seen %s after %d ms\n' "$1" "$2" $(((${EPOCHREALTIME/./} - begin) / 1000))
}

note "two LUNs, four paths"
TCM_ACCESS=1 san_tcm 2 4 16 || fail "no array"
daemon_config "polling_interval 20
	max_polling_interval 20"
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 2 8 || fail "no maps"
map=$(tcm_wwid 0)
disks=()
for path in 0 1 2 3; do disks+=("$(tcm_disk $path 0)"); done
same "state of A's group" A "$(group_state "$map" 1)"
same "state of B's group" E "$(group_state "$map" 2)"
io_start "$map" || fail "no I/O"

note "ports fail one by one"
for path in 0 1; do
  inj_tcm_port $path offline
  # The paths in use are failed by I/O; nobody waits for a check.
  seen "${disks[path]}" failed $AT_ONCE || fail "path $path is not seen failed at once"
  io_goes_on || fail "I/O stands still"
done
same "state of B's group" A "$(group_state "$map" 2)"
inj_tcm_port 2 offline
seen "${disks[2]}" failed $AT_ONCE || fail "path 2 is not seen failed at once"
io_goes_on || fail "I/O stands still"
same "failed paths in the table" 3 "$(dmsetup status --noflush "$map" | grep -o ' F ' | wc -l)"
same "usable paths" "1" "$(multipathd show map "$map" raw format %N | tr -d ' ')"
same "the last path" A "$(dm_path_state "$map" "${disks[3]}")"

note "they return; from now on checks are 4 s apart"
daemon_config "polling_interval 4
	max_polling_interval 4"
same "reply to reconfigure" ok "$(multipathd reconfigure)"
for path in 0 1 2; do inj_tcm_port $path online; done
for path in 0 1 2; do
  seen "${disks[path]}" up 45 || fail "path $path does not come back"
done
wait_for $AT_ONCE '[ "$(group_state "$io_map" 1)" = A ]' || fail "no failback"
io_goes_on || fail "I/O stands still"

note "controller A goes, and returns"
inj_controller A offline
for path in 0 1; do
  seen "${disks[path]}" failed $AT_ONCE || fail "path $path is not seen failed at once"
done
io_goes_on || fail "I/O stands still"
same "state of B's group" A "$(group_state "$map" 2)"
inj_controller A online
for path in 0 1; do
  seen "${disks[path]}" up 30 || fail "path $path does not come back"
done
wait_for $AT_ONCE '[ "$(group_state "$io_map" 1)" = A ]' || fail "no failback"
io_goes_on || fail "I/O stands still"

note "access states change places, and back"
# in_use GROUP: the kernel sends I/O to it and the daemon shows so. The order of the groups in the table stays.
in_use() { [ "$(group_state "$io_map" "$1")" = A ] && [ "$(multipathd show map "$io_map" topology | grep -o 'status=active\|status=enabled' | sed -n "$1p")" = status=active ]; }
inj_alua A non-optimized
inj_alua B optimized
wait_for 15 '[ "$(path_field '"${disks[2]}"' %p)/$(path_field '"${disks[0]}"' %p)" = 50/10 ]' || fail "priorities stay"
wait_for $AT_ONCE in_use 2 || fail "no switch to the optimized group"
io_goes_on || fail "I/O stands still"
inj_alua A optimized
inj_alua B non-optimized
wait_for 15 '[ "$(path_field '"${disks[0]}"' %p)/$(path_field '"${disks[2]}"' %p)" = 50/10 ]' || fail "priorities stay"
wait_for $AT_ONCE in_use 1 || fail "no switch back"
io_goes_on || fail "I/O stands still"

io_stop || fail "I/O errors"
same "the other map's paths" 4 "$(multipathd show map "$(tcm_wwid 1)" raw format %N | tr -d ' ')"
daemon_stop || fail "the daemon does not end"
note "done"
