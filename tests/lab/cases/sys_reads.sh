# timeout: 150
# udev: lean
# SPDX-License-Identifier: LGPL-2.1-or-later
# Reads past the page cache on a real kernel, without the daemon: a disk that hangs, a host without a free slot, the death of the child
# while a read holds it, the death of the program; NVMe admin commands.
probe=/usr/lib/multipath-lab/probe_sys

# others_answer FILE DISK...: all disks but those have answered often and never failed.
others_answer() {
  local file=$1 disk answers rest
  shift
  while read -r disk _ _ answers rest; do
    [[ $disk == sd* && " $* " != *" $disk "* ]] || continue
    ((answers >= 10)) || { cat "$file"; fail "$disk was held back"; }
    [[ $rest != *failed* ]] || { cat "$file"; fail "reads of $disk failed"; }
  done <"$file"
}
# children: process ids of the helper and its children.
children() { grep -l mpath-reads /proc/[0-9]*/comm 2>/dev/null | cut -d/ -f3 | tr '\n' ' '; }

note "good disks"
san_sdebug 4 4 || fail "no disks"
$probe read 3 >/tmp/good || fail "read"
others_answer /tmp/good
same "disks" 16 "$(grep -c '^sd' /tmp/good)"

note "a hung disk holds nobody"
inj_hang sda
$probe read 4 >/tmp/hang || fail "read"
grep -q '^sda host [0-9]*: 0 answers.*one open' /tmp/hang || fail "sda answered: $(head -1 /tmp/hang)"
others_answer /tmp/hang sda
inj_unhang sda

note "a child that is killed while the kernel holds its read"
inj_hang sde
$probe read 14 >/tmp/killed &
prober=$!
wait_for 10 '[ "$(children | wc -w)" -ge 2 ]' || fail "no child: $(children)"
wait_for 10 'grep -q . /sys/block/sde/inflight && [ "$(awk "{ print \$1 }" /sys/block/sde/inflight)" -ge 1 ]' || fail "no read under way"
for pid in $(children); do
  # The child is the one with the many descriptors, the helper has four.
  [ "$(ls "/proc/$pid/fd" 2>/dev/null | wc -l)" -le 5 ] || kill -KILL "$pid"
done
wait "$prober" || fail "the program failed"
cat /tmp/killed | tail -n 3
grep -q '^children lost [1-9]' /tmp/killed || fail "nobody missed the child"
while read -r disk _ _ answers _; do
  [[ $disk != sd* || $disk == sde ]] || ((answers >= 60)) || { cat /tmp/killed; fail "$disk: reads did not go on"; }
done </tmp/killed
inj_unhang sde

note "a host without a free slot"
host=$(readlink /sys/block/sdb/device) host=${host##*/} host=${host%%:*}
for disk in /sys/block/sd*; do echo none >"$disk/queue/scheduler"; done
inj_hang sdi
for i in {1..40}; do
  dd if=/dev/sdi of=/dev/null bs=4k count=1 skip="$i" iflag=direct 2>/dev/null &
done
wait_for 10 '(( $(jobs -r | wc -l) >= 40 ))'
stuck=$(readlink /sys/block/sdi/device) stuck=${stuck##*/} stuck=${stuck%%:*}
$probe read 4 >/tmp/full || fail "read"
same_host=()
for disk in /sys/block/sd*; do
  at=$(readlink "$disk/device") at=${at##*/}
  [ "${at%%:*}" != "$stuck" ] || same_host+=("${disk##*/}")
done
others_answer /tmp/full "${same_host[@]}"

note "NVMe"
if san_nvme 1 2; then
  $probe nvme nvme0n1 || fail "Identify Controller"
else
  note "left out: no nvme-loop in this kernel"
fi
note "done"
