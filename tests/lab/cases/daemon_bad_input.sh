# timeout: 200
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is missing, broken, forbidden or hostile gives one clear line and the right exit status; existing maps stay as they are.

# refused TEXT: multipathd does not start: status 1 within 10 s, and one line of its log contains the text.
refused() {
  local status
  timeout 10 multipathd -d >/run/said 2>&1
  status=$?
  same "status of multipathd" 1 "$status"
  same "lines about '$1' in: $(cat /run/said)" 1 "$(grep -c -- "$1" /run/said)"
  printf '  %s\n' "$(grep -- "$1" /run/said)"
  same "the map" "$table" "$(dmsetup table)"
}
# as_nobody COMMAND...
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

note "one LUN, two paths; a kernel without device-mapper multipath"
san_sdebug 1 2 || fail "no scsi_debug"
daemon_config "detect_pgpolicy no
	detect_prio no
	path_grouping_policy multibus
	prio const
	polling_interval 2"
hide_modules() { mount -t tmpfs none "/lib/modules/$(uname -r)"; }
show_modules() { umount "/lib/modules/$(uname -r)"; }
for module in dm_round_robin dm_service_time dm_queue_length dm_multipath; do rmmod "$module" 2>/dev/null; done
grep -q '^dm_multipath ' /proc/modules && fail "dm_multipath cannot be unloaded"
modprobe dm_mod || fail "no dm_mod"
hide_modules || fail "cannot hide modules"
table=$(dmsetup table)
refused "modprobe dm-multipath"
rmmod dm_mod || fail "dm_mod cannot be unloaded"
table=
dmsetup() { [ "$1" = table ] || command dmsetup "$@"; }
refused "modprobe dm-mod"
unset -f dmsetup
show_modules
modprobe -a dm_multipath dm_service_time || fail "no dm_multipath"

note "a map, then a broken configuration"
daemon_start || fail "the daemon does not start"
map=$(sdebug_wwid 0)
wait_for 20 maps_up 1 2 || fail "no map"
daemon_stop || fail "the daemon does not end"
table=$(dmsetup table)
cp /etc/multipath.conf /run/good.conf
printf 'blacklist {\n\tdevnode "sd[a"\n}\n' >>/etc/multipath.conf
timeout 10 multipathd -d >/run/said 2>&1
printf '  status %s: %s\n' $? "$(cat /run/said)"
cp /run/good.conf /etc/multipath.conf
rm /etc/multipath.conf && mkdir /etc/multipath.conf
refused "multipath.conf"
rmdir /etc/multipath.conf && cp /run/good.conf /etc/multipath.conf

note "another user"
as_nobody multipathd -d >/run/said 2>&1
same "status" 1 $?
same "words" "need to be root" "$(cat /run/said)"
as_nobody multipath -ll >/run/said 2>&1
same "status of multipath -ll" 1 $?
same "words of multipath -ll" "need to be root" "$(cat /run/said)"
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 1 2 || fail "no map"
# As long as there is a daemon I/O without a path is queued.
wait_for 10 '[[ $(dmsetup table) == *queue_if_no_path* ]]' || fail "no queueing"
table=$(dmsetup table)
same "show to another user" "pid $daemon_pid idle" "$(as_nobody multipathd show daemon)"
as_nobody multipathd reconfigure >/run/said 2>&1
same "status of reconfigure" 1 $?
same "words of reconfigure" "permission deny: need to be root" "$(cat /run/said)"
as_nobody multipathd del map "$map" >/run/said 2>&1
same "status of del map" 1 $?
as_nobody mpathctl status >/dev/null || fail "mpathctl status for another user"

note "a second daemon"
timeout 10 multipathd -d >/run/said 2>&1
same "status" 1 $?
grep -q "already running.*$daemon_pid" /run/said || fail "the running daemon is not named: $(cat /run/said)"
same "lines" 1 "$(wc -l </run/said)"
same "the first one" "pid $daemon_pid idle" "$(multipathd show daemon)"

note "a broken configuration at reconfigure"
for broken in directory expression; do
  rm -r /etc/multipath.conf
  case $broken in
    directory) mkdir /etc/multipath.conf ;;
    expression) printf 'blacklist {\n\tdevnode "sd[a"\n}\n' >/etc/multipath.conf ;;
  esac
  multipathd reconfigure >/dev/null
  wait_for 10 daemon_idle || fail "the daemon is not idle again"
  wait_for 5 'tail -n 2 "$daemon_log" | grep -q "the running one stays in force"' || fail "no word about the broken configuration"
  same "the running configuration" 1 "$(multipathd show config | grep -c 'polling_interval 2$')"
  same "the table" "$table" "$(dmsetup table)"
done
rm -r /etc/multipath.conf
cp /run/good.conf /etc/multipath.conf
multipathd reconfigure >/dev/null
wait_for 10 daemon_idle || fail "the daemon is not idle again"

note "hostile clients"
python3 - <<'PYTHON' || fail "hostile clients disturb the daemon"
import socket, struct, sys, time
PATH = "/run/multipathd.socket"

def client():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.connect(PATH)  # blocks while the queue of connections is full
    s.settimeout(10)
    return s

def ask(text, s=None):
    s = s or client()
    body = text.encode() + b"\0"
    s.sendall(struct.pack("=Q", len(body)) + body)
    return answer(s)

def answer(s):
    head = b""
    while len(head) < 8:
        part = s.recv(8 - len(head))
        if not part:
            return None
        head += part
    size, = struct.unpack("=Q", head)
    body = b""
    while len(body) < size:
        body += s.recv(size - len(body))
    return body.rstrip(b"\0").decode()

def quick(what):
    begin = time.monotonic()
    said = ask("show daemon")
    took = time.monotonic() - begin
    assert said and said.endswith("idle\n"), (what, said)
    assert took < 2, (what, took)
    return took

worst = quick("at rest")
held = []
for length in (2**64 - 1, 2**63, 1 << 40, 513, 0):
    s = client()
    s.sendall(struct.pack("=Q", length) + b"show")
    try:
        assert s.recv(1) == b"", length
    except ConnectionResetError:
        pass
    worst = max(worst, quick(f"length {length}"))
for part in (b"\x05", struct.pack("=Q", 100) + b"show", struct.pack("=Q", 12)):  # frames cut short, kept open
    s = client()
    s.sendall(part)
    held.append(s)
    worst = max(worst, quick("part of a frame"))
for text in ("", "\n", "x" * 511, "\x1b[2J\xff\x00\x01", "show paths raw format " + "%" * 400, "mpathctl/1 {", "mpathctl/1 [[[[", "\"" * 300):
    said = ask(text) if len(text) < 512 else None
    worst = max(worst, quick(f"text {text[:10]!r}"))
for _ in range(900):  # connected and silent
    held.append(client())
worst = max(worst, quick("900 connections"))
reader = client()  # asks and never reads
body = b"show config\0"
for _ in range(50):
    reader.sendall(struct.pack("=Q", len(body)) + body)
worst = max(worst, quick("a client that does not read"))
late = answer(held[1])  # the frame cut short is answered with a time-out and the connection ends
assert late == "fail\ntimeout\n", late
for s in held:
    s.close()
worst = max(worst, quick("all gone"))
print(f"  slowest answer beside them: {worst * 1000:.0f} ms")
PYTHON
same "the table" "$table" "$(dmsetup table)"

cp /run/good.conf /etc/multipath.conf
daemon_stop || fail "the daemon does not end"

note "no sg module"
rmmod sg || fail "sg cannot be unloaded"
hide_modules || fail "cannot hide modules"
daemon_start || fail "the daemon does not start without sg"
wait_for 20 '[ "$(multipathd show paths | grep -c "ready  *running")" = 2 ]' || fail "paths are not checked without sg"
wait_for 5 '[[ $(mpathctl status) == *"modprobe sg"* ]]' || fail "not shown by mpathctl status: $(mpathctl status)"
mpathctl status | sed -n 's/^platform/  platform/p'
table=$(dmsetup table)
inj_offline sda
wait_for 15 path_is sda faulty failed || fail "a failure is not seen without sg"
inj_online sda
wait_for 15 path_is sda ready active || fail "the return is not seen without sg"
same "the table" "$table" "$(dmsetup table)"
show_modules
daemon_stop || fail "the daemon does not end"
note "done"
