# timeout: 150
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the daemon is as a process: readiness told, pid file, memory locked, few threads, no file opened outside the kernel's
# own file systems once it is up; background mode; the interactive client on a pipe.

# locked: locked memory of the daemon in kB.
locked() { awk '/^VmLck/ { print $2 }' "/proc/$daemon_pid/status"; }

note "two LUNs, four paths"
san_tcm 2 4 16 || fail "no array"
daemon_config "polling_interval 1
	max_polling_interval 2"

note "readiness"
python3 - >/run/notified <<'PYTHON' &
import os, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("/run/notify")
while True:
    print(listener.recv(4096).decode().replace("\n", " "), flush=True)
PYTHON
listener=$!
wait_for 5 test -S /run/notify || fail "no listener"
NOTIFY_SOCKET=/run/notify daemon_start || fail "the daemon does not start"
wait_for 5 grep -q READY=1 /run/notified || fail "readiness is not told"
grep -q "READY=1 STATUS=up" /run/notified || fail "no status is told"
wait_for 20 maps_up 2 8 || fail "no maps"
same "the pid file" "$daemon_pid" "$(cat /run/multipathd.pid)"

note "process"
if sanitized; then
  note "left out: a daemon with sanitizers locks no memory"
else
  (($(locked) > 0)) || fail "memory is not locked"
  (($(locked) < 100000)) || fail "$(locked) kB are locked"
fi
threads=$(ls "/proc/$daemon_pid/task" | wc -l)
((threads <= 8)) || fail "$threads threads: $(cat /proc/$daemon_pid/task/*/comm)"
same "OOM score" -1000 "$(cat "/proc/$daemon_pid/oom_score_adj")"
same "its folder" / "$(readlink "/proc/$daemon_pid/cwd")"
printf '  %s kB locked, %s threads: %s\n' "$(locked)" "$threads" "$(cat /proc/$daemon_pid/task/*/comm | sort | uniq -c | tr -s ' \n' ' ')"

note "files opened while paths fail, leave and return"
strace -f -y -qq -e trace=openat,open,creat,execve,connect,socket -o /run/strace -p "$daemon_pid" &
tracer=$!
wait_for 10 'grep -q "^TracerPid:.[1-9]" /proc/'"$daemon_pid"'/status' || fail "no trace"
inj_controller A offline
wait_for 15 '[ "$(multipathd show paths | grep -c faulty)" = 4 ]' || fail "failures are not seen"
inj_controller A online
wait_for 15 '[ "$(multipathd show paths | grep -c ready)" = 8 ]' || fail "the paths do not return"
tcm_unmap 3 1
wait_for 15 maps_up 2 7 || fail "the path does not leave"
tcm_map 3 1 || fail "no LUN"
wait_for 30 maps_up 2 8 || fail "the path does not return"
multipathd show topology >/dev/null
multipathd show paths >/dev/null
mpathctl status >/dev/null
kill "$tracer"
wait "$tracer" 2>/dev/null
[ "$(grep -c openat /run/strace)" -gt 10 ] || fail "the trace is empty"
# Decoded descriptors (-y) give the folder of a relative name. libudev walks to /sys from the root folder, which is in memory
# as long as it is mounted.
grep -E 'open(at)?\(|creat\(' /run/strace |
  grep -vE '"/(dev|sys|proc|run|etc/multipath)(/[^"]*)?"|<(/dev|/sys|/proc|/run|/etc/multipath)(/[^>]*)?>, "[^/]' |
  grep -vE 'AT_FDCWD<[^>]*>, "/", [A-Z_|]*O_PATH|openat\([0-9]+</>, "(sys|dev|proc|run)", [A-Z_|]*O_PATH' >/run/foreign
[ ! -s /run/foreign ] || fail "opened besides /dev, /sys, /proc, /run and /etc/multipath: $(sort -u /run/foreign | head -n 10)"
grep execve /run/strace && fail "it executes programs"
printf '  %s files opened\n' "$(grep -c openat /run/strace)"
threads=$(ls "/proc/$daemon_pid/task" | wc -l)
((threads <= 8)) || fail "$threads threads after the faults"

note "the interactive client on a pipe"
printf 'show daemon\n\nshow maps raw format %%n\nnonsense\nquit\n' | multipathd -k >/run/replies || fail "status of multipathd -k"
grep -q "pid $daemon_pid idle" /run/replies || fail "no answer to show daemon: $(cat /run/replies)"
grep -q "$(tcm_wwid 1)" /run/replies || fail "no answer to show maps: $(cat /run/replies)"
same "one command as an argument" "pid $daemon_pid idle" "$(multipathd -k'show daemon')"

note "orderly end"
daemon_stop || fail "the daemon does not end"
wait_for 5 grep -q STOPPING=1 /run/notified || fail "the end is not told"
[ ! -e /run/multipathd.pid ] || fail "the pid file stayed"
kill "$listener"
same "maps that stay" 2 "$(dmsetup ls --target multipath | wc -l)"

note "background mode"
multipathd || fail "multipathd does not go to the background"
wait_for 20 '[[ $(multipathd show daemon) == *idle ]]' || fail "no daemon in the background"
daemon_pid=$(</run/multipathd.pid)
same "who answers" "pid $daemon_pid idle" "$(multipathd show daemon)"
same "its session" "1" "$(awk '{ print ($6 != '$$') }' "/proc/$daemon_pid/stat")"
for fd in 0 1 2; do same "descriptor $fd" /dev/null "$(readlink "/proc/$daemon_pid/fd/$fd")"; done
wait_for 20 maps_up 2 8 || fail "not all paths"
kill -TERM "$daemon_pid"
daemon_ends || fail "SIGTERM does not end it"
note "done"
