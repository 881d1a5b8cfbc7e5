# timeout: 200
# memory: 1536
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the daemon knew of its paths is in force again after SIGKILL, before any I/O goes there: quarantine, suspicion, a path failed by
# command, a marginal mark, ghost_delay. And the fields of a change of state in the journal.

INTERVAL=2
configured() {
  daemon_config "polling_interval $INTERVAL
	max_polling_interval $INTERVAL
	detect_pgpolicy no
	detect_prio no
	path_grouping_policy multibus
	prio const
	ghost_delay 60"
}
kill_daemon() { kill -KILL "$daemon_pid" && daemon_ends; }
noted() { grep -q "$1" /run/multipath/state; }
sectors_read() { awk '{ print $3 }' "/sys/block/$1/stat"; }
ready_flag() { udevadm info -q property -n "/dev/mapper/$1" | sed -n 's/^MPATH_DEVICE_READY=//p'; }

note "an iSCSI array with two volumes and two sessions, scsi_debug with two disks on two hosts"
# First, so that its hosts have even and odd numbers that it does not take for standby.
san_sdebug 3 2 || fail "no scsi_debug"
san_iscsi 3 2 || fail "no iSCSI"
# The third volume is only what the second session is led to.
for session in 0 1; do inj_delete "$(iscsi_disk $session 2)"; done
[ -e "$(lab_error "$(basename /sys/bus/pseudo/devices/adapter0/host*/target*/*:0/block/*)")" ] ||
  { note "left out: this kernel's scsi_debug has no error injection per disk"; exit 0; }
configured
daemon_start || fail "the daemon does not start"
wait_for 30 maps_up 5 10 || fail "no maps"
iscsi_map=$(tcm_wwid 0)
stranger=$(iscsi_disk 1 0)
debug_disk() { local list=(/sys/bus/pseudo/devices/adapter"$1"/host*/target*/*:"$2"/block/*); echo "${list[0]##*/}"; }
hung=$(debug_disk 1 0)
disabled=$(debug_disk 1 1)
marginal=$(debug_disk 1 2)
echo 30 >"/sys/block/$hung/device/timeout"

note "$stranger becomes another volume, $hung hangs, $disabled is failed by command, $marginal is marginal"
iscsi_remap 1 0 2 || fail "no other volume"
same "fail path" ok "$(multipathd fail path "$disabled")"
same "setmarginal" ok "$(multipathd setmarginal path "$marginal")"
inj_hang "$hung"
# The array tells by a unit attention; where it does not, the next failure of the path does.
inj_offline "$stranger"; sleep $((INTERVAL + 1)); inj_online "$stranger"
for word in quarantined suspect disabled marginal=; do
  wait_for 30 noted " $word" || fail "$word is not in /run/multipath/state: $(cat /run/multipath/state)"
done
cat /run/multipath/state
states() {
  local disk map
  for disk in "$stranger" "$hung" "$disabled"; do
    for map in /dev/mapper/[!c]*; do dm_path_state "${map##*/}" "$disk"; done
  done | tr -d '\n'
}
wait_for 10 '[[ $(states) != *A* ]]' || fail "a path is in use: $(states)"

note "SIGKILL; somebody makes all paths active meanwhile; a new daemon"
kill_daemon || fail "the daemon lives on"
declare -A before
for disk in "$stranger" "$disabled"; do before[$disk]=$(sectors_read "$disk"); done
daemon_start || fail "the daemon does not start again"
for round in 1 2 3 4 5; do
  [[ $(states) != *A* ]] || fail "a path is in use again: $(states)"
  for map in /dev/mapper/[!c]*; do
    timeout 10 dd if="$map" of=/dev/null bs=4096 count=32 iflag=direct 2>/run/dd || fail "I/O on $map waits: $(cat /run/dd)"
  done
  sleep 1
done
for disk in "$stranger" "$disabled"; do
  same "sectors read from $disk since" 0 $(($(sectors_read "$disk") - before[$disk]))
done
for word in quarantined disabled marginal=; do noted " $word" || fail "$word is forgotten: $(cat /run/multipath/state)"; done
same "the mark of $marginal" marginal "$(path_field "$marginal" %M)"

note "all is well again"
inj_unhang "$hung"
iscsi_remap 1 0 0 || fail "the volume does not come back"
same "reinstate path" ok "$(multipathd reinstate path "$disabled")"
same "unsetmarginal" ok "$(multipathd unsetmarginal path "$marginal")"
wait_for 90 maps_up 5 10 || fail "not all paths come back: $(multipathd show paths)"
wait_for 10 '[ ! -s /run/multipath/state ]' || fail "something stays in /run/multipath/state: $(cat /run/multipath/state)"
daemon_stop || fail "the daemon does not end"

note "ghost_delay goes on in the next daemon"
for map in /dev/mapper/[!c]*; do dmsetup remove --retry "${map##*/}"; done
for lun in 0 1 2; do for host in 0 1; do inj_sense "$(debug_disk $host $lun)" 0x02 0x04 0x0b 0x00; done; done
daemon_start || fail "the daemon does not start"
ghost=$(sdebug_wwid 0)
wait_for 30 '[ -e "/dev/mapper/'"$ghost"'" ]' || fail "no map of ghosts"
wait_for 10 noted ready-at= || fail "the delay is not in /run/multipath/state"
same "is the map ready" 0 "$(ready_flag "$ghost")"
kill_daemon || fail "the daemon lives on"
daemon_start || fail "the daemon does not start again"
sleep $((2 * INTERVAL))
same "is the map ready" 0 "$(ready_flag "$ghost")"
for lun in 0 1 2; do for host in 0 1; do inj_unsense "$(debug_disk $host $lun)" 0x00; done; done
wait_for 30 '[ "$(ready_flag '"$ghost"')" = 1 ]' || fail "the map does not become ready"

note "the journal's fields"
kill_daemon || fail "the daemon lives on"
mkdir -p /run/systemd/journal
rm -f /run/systemd/journal/socket
python3 - /run/journal <<'PYTHON' &
import socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("/run/systemd/journal/socket")
with open(sys.argv[1], "wb", buffering=0) as out:
    while True:
        out.write(listener.recv(1 << 16) + b"\n")
PYTHON
listener=$!
wait_for 10 '[ -S /run/systemd/journal/socket ]' || fail "no listener"
exec 4>>"$daemon_log"
JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/4) daemon_start || fail "the daemon does not start"
wait_for 30 maps_up 5 10 || fail "not all paths"
inj_offline "$disabled"
wait_for 20 grep -q "^MULTIPATH_DEVICE=$disabled" /run/journal || fail "nothing of $disabled in the journal"
wait_for 20 grep -q "^MULTIPATH_NEW_STATE=down" /run/journal || fail "no state in the journal"
python3 - "$disabled" <<'PYTHON' || fail "the fields are not what they should be"
import sys
disk = sys.argv[1]
entries = []
for block in open("/run/journal", encoding="utf-8", errors="replace").read().split("\n\n"):
    entries.append(dict(line.split("=", 1) for line in block.splitlines() if "=" in line))
ours = [entry for entry in entries if entry.get("MULTIPATH_DEVICE") == disk and entry.get("MULTIPATH_NEW_STATE") not in (None, "up")]
print(ours[-1:])
last = ours[-1]
good = last["SYSLOG_IDENTIFIER"] == "multipathd" and last["PRIORITY"].isdigit() and disk in last["MESSAGE"]
good = good and last["MULTIPATH_OLD_STATE"] == "up" and last["MULTIPATH_CAUSE"] and last["MULTIPATH_MAP"]
sys.exit(not good)
PYTHON
inj_online "$disabled"
wait_for 30 maps_up 5 10 || fail "the path does not return"
kill "$listener"
daemon_stop || fail "the daemon does not end"
note "done"
