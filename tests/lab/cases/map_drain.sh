# timeout: 150
# SPDX-License-Identifier: LGPL-2.1-or-later
# Paths are drained under verified I/O: none fails, I/O on them ends, nothing is loaded; what nobody confirms is undone, also by the
# daemon that comes after one that was killed.

failed() { [ "$(dm_path_state "$map" "$1")" = F ]; }
active() { [ "$(dm_path_state "$map" "$1")" = A ]; }
in_flight() { local r w; read -r r w <"/sys/block/$1/inflight" && echo $((r + w)); }

note "one LUN, four paths, all in use"
TCM_ACCESS=1 san_tcm 1 4 16 || fail "no array"
daemon_config "polling_interval 2
	max_polling_interval 2
	path_grouping_policy multibus
	detect_pgpolicy no"
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 1 4 || fail "no map"
map=$(tcm_wwid 0)
disks=()
for path in 0 1 2 3; do disks+=("$(tcm_disk $path 0)"); done
io_start "$map" || fail "no I/O"
probe_start || fail "no probes"

note "a path is drained"
mpathctl drain "${disks[0]}" >/run/drained || fail "drain gives $?: $(cat /run/drained)"
cat /run/drained
failed "${disks[0]}" || fail "the kernel has not failed it"
same "I/O under way on it" 0 "$(in_flight "${disks[0]}")"
done_there() { local r x y z w rest; read -r r x y z w rest <"/sys/block/${disks[0]}/stat" && echo $((r + w)); }
before=$(done_there)
io_goes_on || fail "I/O stands still"
same "I/O done by it meanwhile" "$before" "$(done_there)"
wait_for 10 path_is "${disks[0]}" ready failed || fail "its checks do not go on"

note "what would leave too little is refused"
host=host$(tcm_address 1 0 | cut -d: -f1)
mpathctl drain --keep 3 "$host" 2>/run/refused && fail "it was not refused"
grep -q "$map (2 of 3 left)" /run/refused || fail "it names no map: $(cat /run/refused)"

note "a drain of a whole host that nobody confirms"
mpathctl drain --confirm-within 5s "$host" || fail "drain gives $?"
failed "${disks[1]}" || fail "the kernel has not failed it"
wait_for 15 active "${disks[1]}" || fail "it is not undone"
failed "${disks[0]}" || fail "the other one was undone too"

note "the daemon is killed; the time of one drain passes meanwhile"
mpathctl drain --confirm-within 3s "${disks[1]}" || fail "drain gives $?"
mpathctl drain --confirm-within 60s "${disks[2]}" || fail "drain gives $?"
kill -9 "$daemon_pid"
daemon_ends || fail "the daemon does not end"
begin=${EPOCHREALTIME%.*}
wait_for 10 '(( ${EPOCHREALTIME%.*} - begin >= 4 ))'
daemon_start || fail "the daemon does not start again"
wait_for 15 active "${disks[1]}" || fail "the drain whose time passed is not undone"
failed "${disks[0]}" || fail "a confirmed drain was forgotten"
failed "${disks[2]}" || fail "a drain that may still be confirmed was forgotten"
same "drained paths" 2 "$(mpathctl drain | wc -l)"
mpathctl drain --confirm "${disks[2]}" || fail "not confirmed"
io_goes_on || fail "I/O stands still"

same "loads" 0 "$(probe_count table_load)"
probe_stop

note "the device of a drained path goes and returns"
tcm_unmap 0 0
wait_for 15 '[ "$(multipathd show map "$map" raw format %N | tr -d " ")" = 2 ] && [ "$(multipathd show paths raw format %d | wc -l)" = 3 ]' || fail "it does not go"
tcm_map 0 0
wait_for 30 '[ "$(multipathd show paths raw format %d | wc -l)" = 4 ]' || fail "it does not return"
again=$(tcm_disk 0 0)
wait_for 30 failed "$again" || fail "it carries I/O"
wait_for 10 path_is "$again" ready failed || fail "it is not checked"

note "all back"
mpathctl undrain "$again" "${disks[2]}" || fail "not undrained"
wait_for 10 active "$again" || fail "the first is not back"
wait_for 10 active "${disks[2]}" || fail "the third is not back"
io_goes_on || fail "I/O stands still"
io_stop || fail "I/O errors"
daemon_stop || fail "the daemon does not end"
note "done"
