# timeout: 180
# SPDX-License-Identifier: LGPL-2.1-or-later
# Checkers other than the default on the real kernel, under verified I/O: alua, where one path speaks for its port group, and directio,
# also while the daemon is killed with a read outstanding.

# state DISK STATE: in the daemon's view.
state() { [ "$(path_field "$1" %T)" = "$2" ]; }

note "checker alua: two LUNs, four paths"
san_tcm 2 4 16 || fail "no array"
daemon_config "polling_interval 2
	max_polling_interval 4" "overrides {
	path_checker alua
}"
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 2 8 || fail "no maps"
map=$(tcm_wwid 0)
a=$(tcm_disk 0 0) b=$(tcm_disk 2 0)
same "checker" alua "$(path_field "$a" %c)"
io_start "$map" || fail "no I/O"

note "a port goes, and returns"
inj_tcm_port 0 offline
wait_for 15 both_see "$map" "$a" failed || fail "the lost port is not seen"
io_goes_on || fail "I/O stands still"
inj_tcm_port 0 online
wait_for 15 both_see "$map" "$a" up || fail "the port does not come back"

note "access states change places, and a group goes to standby"
inj_alua A non-optimized
inj_alua B optimized
wait_for 15 '[ "$(path_field '"$b"' %p)/$(path_field '"$a"' %p)" = 50/10 ]' || fail "priorities stay"
io_goes_on || fail "I/O stands still"
inj_alua A standby
wait_for 15 state "$a" ghost || fail "standby is not seen"
state "$b" ready || fail "the other group suffers"
io_goes_on || fail "I/O stands still"
inj_alua A optimized
inj_alua B non-optimized
wait_for 15 '[ "$(path_field '"$a"' %T/%p)/$(path_field '"$b"' %p)" = ready/50/10 ]' || fail "the states do not come back"
io_goes_on || fail "I/O stands still"
io_stop || fail "I/O errors"
daemon_stop || fail "the daemon does not end"
for dm in "$map" "$(tcm_wwid 1)"; do dmsetup remove --retry "$dm"; done
san_tcm_quiet

note "checker directio: one LUN, three paths; one hangs"
san_sdebug 1 4 || fail "no scsi_debug"
inj_delete sdc  # in standby: the kernel cannot use it
hung=sdb
[ -e "$(lab_error $hung)" ] || { note "left out: this kernel's scsi_debug has no error injection per disk"; exit 0; }
daemon_config "polling_interval 2
	max_polling_interval 4
	checker_timeout 6
	detect_prio no
	detect_pgpolicy no
	path_grouping_policy multibus" "overrides {
	detect_checker no
	path_checker directio
}"
daemon_start || fail "the daemon does not start"
wait_for 20 '[ "$(path_field sdb %c/%T)/$(path_field sdd %T)" = directio/ready/ready ]' || fail "the paths are not ready"
inj_hang $hung
wait_for 25 state $hung faulty || fail "the hung path is not seen: $(path_field $hung %T)"
state sdd ready || fail "another path suffers"

note "killed meanwhile"
kill -KILL "$daemon_pid"
daemon_ends 2 || fail "the read holds the dead daemon"
begin=${EPOCHREALTIME/./}
daemon_start || fail "the daemon does not start again"
took=$(((${EPOCHREALTIME/./} - begin) / 1000))
printf '  serves again after %d ms\n' "$took"
sanitized && limit=4000 || limit=2000  # either way before the hung read has its answer, 6 s after it was sent
[ "$took" -le $limit ] || fail "a new daemon serves after $took ms only"
wait_for 20 state sdd ready || fail "the good path is not seen"

note "the path answers again"
inj_unhang $hung
wait_for 60 state $hung ready || fail "the path does not come back"
daemon_stop || fail "the daemon does not end"
note "done"
