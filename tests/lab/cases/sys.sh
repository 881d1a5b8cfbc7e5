# timeout: 150
# cpus: 2
# udev: lean
# SPDX-License-Identifier: LGPL-2.1-or-later
# libmpath/sys and the thread lanes on a real kernel, without the daemon: discovery, checks, device-mapper, a host that sleeps.
probe=/usr/lib/multipath-lab/probe_sys

note "discovery"
san_sdebug 4 4 || fail "no disks"
$probe paths >/tmp/paths || fail "discovery failed"
same "SCSI disks found" 16 "$(grep -c '\[Linux|scsi_debug|' /tmp/paths)"
same "the order of their names" "$(printf '%s\n' sd{a..p})" "$(sed -n 's/ .*//p' /tmp/paths | grep ^sd)"

note "TEST UNIT READY to all of them"
$probe check 20 >/tmp/check || fail "a good disk did not answer: $(tail -1 /tmp/check)"
grep -qv 'threads 7$' /tmp/check && fail "more threads than a healthy system needs: $(grep -v 'threads 7$' /tmp/check | head -1)"

note "the life of a map"
modprobe dm-multipath || fail "no dm-multipath"
$probe map probe "$(sdebug_wwid 0)" sda sde >/tmp/map || { cat /tmp/map; fail "device-mapper"; }
PROBE_UDEV_SYNC=1 $probe map probe "$(sdebug_wwid 0)" sda sde >/tmp/map || { cat /tmp/map; fail "device-mapper with cookies"; }
[[ -e /dev/mapper/probe-new ]] && fail "a node is left over"
same "cookies left over" 0 "$(ipcs -s | grep -c 0x0d4d)"

note "a hung disk holds nobody"
inj_hang sda
$probe watch 4 >/tmp/watch || fail "watch"
grep -q '^sda host [0-9]*: 0 answers' /tmp/watch || fail "sda answered: $(head -1 /tmp/watch)"
while read -r disk _ _ answers _; do
  [[ $disk == sda || $disk == most || $disk == host || $disk == lane ]] && continue
  ((answers >= 10)) || { cat /tmp/watch; fail "$disk was held back"; }
done </tmp/watch

note "a host without a free slot holds no other host"
host=$(readlink /sys/block/sda/device) host=${host##*/} host=${host%%:*}
for disk in /sys/block/sd*; do echo none >"$disk/queue/scheduler"; done
for i in {1..40}; do
  dd if=/dev/sda of=/dev/null bs=4k count=1 skip="$i" iflag=direct 2>/dev/null &
done
wait_for 10 '(( $(jobs -r | wc -l) >= 40 ))'
# A thread that sleeps in the kernel holds its process: only what it printed counts.
$probe watch 4 >/tmp/full &
wait_for 20 'grep -q "^most threads" /tmp/full'
cat /tmp/full
while read -r disk _ number answers _; do
  [[ $disk == sd* && $number != "$host:" ]] || continue
  ((answers >= 10)) || fail "$disk was held back by host $host"
done </tmp/full
grep -q "^host $host stalled" /tmp/full || fail "nothing says that host $host is stalled"
