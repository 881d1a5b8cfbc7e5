# timeout: 170
# SPDX-License-Identifier: LGPL-2.1-or-later
# The checker directio on the real kernel: a disk that hangs, the death of the reading child, the death of the daemon while the kernel holds
# a read, recovery.

# readers STATES: process ids of the helper and the readers in one of these states (ps letters).
readers() {
  local dir comm stat
  for dir in /proc/[0-9]*; do
    read -r comm 2>/dev/null <"$dir/comm" && [ "$comm" = mpath-reads ] || continue
    stat=$(<"$dir/stat") || continue
    stat=${stat##*) }
    [[ ${1-} != *"${stat%% *}"* ]] || echo "${dir#/proc/}"
  done 2>/dev/null
}
# others_ready DISK: all paths but the disk's are ready.
others_ready() { [ "$(multipathd show paths raw format '%d %T' | grep -v "^$1 " | grep -c ready)" = 7 ]; }
# held DISK: the block layer has a read of the disk under way.
held() { [ "$(awk '{ print $1 }' "/sys/block/$1/inflight")" -ge 1 ]; }

note "four LUNs, two paths: a third host of scsi_debug would be in standby, where the kernel refuses ordinary I/O"
san_sdebug 4 2 || fail "no disks"
daemon_config "polling_interval 1
	max_polling_interval 2
	detect_checker no
	checker_timeout 5
	path_checker directio"
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 4 8 || fail "no maps"
same "the checker" directio "$(multipathd show config local | sed -n 's/.*path_checker "\?\([a-z0-9]*\)"\?$/\1/p' | sort -u | tail -n 1)"
same "the helper and one reader" 2 "$(readers SR | wc -l)"

note "a disk hangs"
inj_hang sda
wait_for 15 path_is sda faulty failed || wait_for 5 '[ "$(path_field sda %t)" = failed ]' || fail "the path stays: $(path_field sda %T)"
others_ready sda || fail "other paths suffer: $(multipathd show paths)"
wait_for 5 held sda || fail "no read is held"

note "the reader is killed while the kernel holds its read"
for pid in $(readers SR); do
  [ "$(readlink "/proc/$pid/fd/4")" = "" ] || kill -KILL "$pid"
done
wait_for 5 '[ "$(readers D | wc -l)" = 1 ]' || fail "no reader hangs: $(readers RSDZ)"
wait_for 30 '[ "$(readers SR | wc -l)" = 2 ]' || fail "it is not replaced"
wait_for 10 others_ready sda || fail "other paths suffer: $(multipathd show paths)"

note "the daemon is killed while a read is held"
wait_for 10 '[ "$(cat /sys/block/sda/inflight | awk "{ print \$1 }")" -ge 1 ]' || fail "no read is held"
begin=${EPOCHREALTIME/./}
kill -KILL "$daemon_pid"
daemon_ends 2 || fail "the daemon is held by the read"
multipathd -d -v3 >>"$daemon_log" 2>&1 &
daemon_pid=$!
disown "$daemon_pid"
wait_for 10 '[[ $(multipathd show daemon) == "pid $daemon_pid "* ]]' || fail "the new daemon does not answer"
served=$(((${EPOCHREALTIME/./} - begin) / 1000))
wait_for 20 others_ready sda || fail "not all others are ready: $(multipathd show paths)"
printf '  a new daemon answered after %d ms, all other paths were ready after %d ms\n' "$served" $(((${EPOCHREALTIME/./} - begin) / 1000))
sanitized && limit=4000 || limit=2000
((served <= limit)) || fail "it took the new daemon $served ms to serve"
[ "$(readers D | wc -l)" -ge 1 ] || fail "no old reader is held: the case shows nothing"

note "the disk answers again"
inj_unhang sda
wait_for 60 '[ "$(readers D | wc -l)" = 0 ]' || fail "an old reader stays"
wait_for 40 path_is sda ready active || fail "the path does not return: $(multipathd show paths)"
wait_for 20 maps_up 4 8 || fail "not all paths"
same "the helper and one reader" 2 "$(readers SR | wc -l)"

note "orderly end"
daemon_stop || fail "the daemon does not end"
wait_for 5 '[ "$(readers RSDZ | wc -l)" = 0 ]' || fail "a child stays"
note "done"
