# timeout: 110
# SPDX-License-Identifier: LGPL-2.1-or-later
# Devices that do not fit or belong to somebody else: what LVM, a mount or a dm device holds, read-only disks, disks of another size, devices
# of other kinds that have a volume's name or WWID. Each is named, with its holder and what to do, and nothing of others is harmed.

logged() { grep -qE "$1" "$daemon_log" || { note "in vain: $1"; false; }; }
# explained NAME TEXT...: mpathctl explain says all of it.
explained() {
  local said name=$1 text
  shift
  said=$(mpathctl explain "$name") || fail "nothing is known of $name"
  for text in "$@"; do [[ $said == *"$text"* ]] || fail "explain $name: '$text' is missing in: $said"; done
}
target() { dmsetup table "$1" | cut -d' ' -f4; }
number() { local dm; dm=$(readlink -f "/dev/mapper/$1"); cat "/sys/block/${dm##*/}/dev"; }

note "seven LUNs, two paths, and who has them already"
san_tcm 7 2 32 || fail "no array"
wwids=()
for lun in 0 1 2 3 4 5 6; do wwids[lun]=$(tcm_wwid $lun); done
lvm_disk=$(tcm_disk 0 0) mounted_disk=$(tcm_disk 0 1) read_only_disk=$(tcm_disk 1 2) part_disk=$(tcm_disk 0 6)
pvcreate -q "/dev/$lvm_disk" >/run/lvm.out 2>&1 && vgcreate -q --config 'devices { filter = [ "a|/dev/'"$lvm_disk"'$|", "r|.*|" ] }' vg "/dev/$lvm_disk" >>/run/lvm.out 2>&1 &&
  lvcreate -q --config 'devices { filter = [ "a|/dev/'"$lvm_disk"'$|", "r|.*|" ] }' -Zn -Wn -n data -L 8M vg >>/run/lvm.out 2>&1
if [ -e /dev/mapper/vg-data ]; then
  holder=vg-data
else
  note "no LVM here, so a plain dm device: $(tail -n 1 /run/lvm.out)"
  holder=plain-data
  dmsetup create "$holder" --table "0 8192 linear /dev/$lvm_disk 2048" || fail "no device on the disk"
fi
# partition DISK: makes its first one.
partition() {
  # One entry of an MBR: Linux, from sector 2048, 16384 sectors.
  { head -c 446 /dev/zero; printf '\0\0\0\0\203\0\0\0\0\010\0\0\0\100\0\0'; head -c 48 /dev/zero; printf '\125\252'; } |
    dd of="/dev/$1" conv=fsync status=none || fail "no partition table"
  blockdev --rereadpt "/dev/$1" 2>/dev/null
  wait_for 10 '[ -b "/dev/'"${1}1"'" ]' || fail "the kernel has no partition"
}
partition "$mounted_disk"
mkfs.ext4 -q "/dev/${mounted_disk}1" && mkdir -p /run/mnt && mount "/dev/${mounted_disk}1" /run/mnt || fail "no mount"
blockdev --setro "/dev/$read_only_disk"
truncate -s 48M /run/tcm/lu3 && echo "fd_dev_size=$((48 << 20))" >"$(lab_tcm_core 3)/control"
inj_rescan "$(tcm_disk 1 3)"
dmsetup create foreign --uuid "mpath-${wwids[4]}" --table "0 8 zero" || fail "no foreign device"
dmsetup create "${wwids[5]}" --uuid "OTHER-${wwids[5]}" --table "0 8 zero" || fail "no device of that name"
partition "$part_disk"
dmsetup create onpart --table "0 8192 linear /dev/${part_disk}1 8" || fail "no device on the partition"
daemon_config
daemon_start || fail "the daemon does not start"
wait_for 20 '[ "$(multipathd show maps raw format %n | wc -l)" -ge 3 ]' || fail "no maps: $(multipathd show topology)"

note "held by $holder: shared, and said"
[ -e "/dev/mapper/${wwids[0]}" ] || fail "no map beside $holder"
wait_for 5 'logged "${wwids[0]}: $holder uses one of its paths directly, past the map; .multipathd reset map"' || fail "the holder is not named"
explained "$lvm_disk" "also used   held by $holder (dm-" "past the map (multipathd reset map ${wwids[0]}"
same "what reset map says" ok "$(multipathd reset map "${wwids[0]}")"
same "what $holder stands on" "$(number "${wwids[0]}")" "$(target $holder)"
same "its state" Active "$(dmsetup info -c --noheadings -o suspended $holder)"
said=$(multipathd remove map "${wwids[0]}")
[[ $said == *"map in use: held by $holder (dm-"* ]] || fail "who holds the map is not said: $said"

note "mounted: no map, and the mount is named"
wait_for 10 'logged "${wwids[1]}: create failed: .*$mounted_disk \\([0-9:]+\\) is mounted on /run/mnt"' || fail "the mount is not named: $(grep "create failed" "$daemon_log")"
wait_for 5 '[ -e "/run/multipath/failed_wwids/${wwids[1]}" ]' || fail "no mark"
explained "$mounted_disk" "mounted on /run/mnt" "create failed: " "tried again in" "marked in /run/multipath/failed_wwids" "multipathd add map ${wwids[1]}"
explained "${wwids[1]}" "create failed: "
same "health" 1 "$(mpathctl status >/run/status; echo $?)"
grep -q "${wwids[1]}: has no map" /run/status || fail "the status does not say so: $(cat /run/status)"

note "read-only: the map is, and the disk is named"
logged "${wwids[2]}: is read-only, because $read_only_disk is" || fail "the disk is not named"
[[ $(multipathd show maps raw format "%w %r") == *"${wwids[2]} ro"* ]] || fail "a map with a read-only path is writable"

note "another size: stays out, and both sizes are said"
if [ "$(cat "/sys/block/$(tcm_disk 1 3)/size")" = 98304 ]; then
  wait_for 10 'logged "${wwids[3]}: sd[a-z]+ stays out: it has [0-9]+ sectors, the map [0-9]+\. Let the kernel look again"' || fail "the misfit is not named"
  same "paths of the map" 1 "$(multipathd show paths raw format "%w %m" | grep -c "${wwids[3]} ${wwids[3]}")"
else
  note "left out: the array's size does not follow its file"
fi

note "others' devices with the WWID or the name: kept, and named"
wait_for 10 'logged "${wwids[4]}: .*the volume has a map already, named foreign"' || fail "the foreign device is not named"
wait_for 10 'logged "${wwids[5]}: .*there is a device of this name already"' || fail "the device of that name is not named"
same "the foreign device" "0 8 zero" "$(dmsetup table foreign | sed 's/ *$//')"
same "the device of that name" "0 8 zero" "$(dmsetup table "${wwids[5]}" | sed 's/ *$//')"
[ ! -e "/run/multipath/failed_wwids/${wwids[4]}" ] || fail "a map that others have is no failed one"
dmsetup remove foreign
dmsetup remove "${wwids[5]}"
umount /run/mnt
for lun in 1 4 5; do same "add map" ok "$(multipathd add map "${wwids[lun]}")"; done
wait_for 20 '[ "$(multipathd show maps raw format %n | wc -l)" = 6 ]' || fail "not made when nothing is in the way: $(multipathd show maps raw format %n)"
[ ! -e "/run/multipath/failed_wwids/${wwids[1]}" ] || fail "the mark stays"

note "a device on a partition of a disk: no map, and it is named"
logged "${wwids[6]}: create failed: .*$part_disk \\([0-9:]+\\) is held by onpart" || fail "it is not named"
explained "$part_disk" "held by onpart (dm-"
dmsetup remove onpart
same "add map" ok "$(multipathd add map "${wwids[6]}")"
wait_for 20 '[ -e "/dev/mapper/${wwids[6]}" ]' || fail "not made when the partition is free"

note "devices on paths, with reassign_maps: planned, done, and done again for a path that comes later"
dmsetup create direct --table "0 8 linear /dev/$part_disk 0" || fail "no device on the path"
dmsetup create similar --table "0 8 zero" || fail "no other device"
daemon_config "reassign_maps yes"
[[ $(mpathctl plan) == *"put direct onto the map"*"reassign_maps \"yes\""* ]] || fail "the plan does not say so: $(mpathctl plan)"
same "reply" ok "$(multipathd reconfigure)"
wait_for 10 '[ "$(target direct)" = "$(number "${wwids[6]}")" ]' || fail "it stays on the path: $(dmsetup table direct)"
members() { multipathd show paths raw format "%w %m" | grep -c "${wwids[6]} ${wwids[6]}"; }
tcm_unmap 1 6
wait_for 10 '[ "$(members)" = 1 ]' || fail "the path stays"
udevadm control --stop-exec-queue
tcm_map 1 6
wait_for 10 '[ -b "/dev/$(tcm_disk 1 6)" ]' || fail "the disk does not return"
dmsetup create --noudevsync late --table "0 8 linear /dev/$(tcm_disk 1 6) 0" || fail "no device on the path"
udevadm control --start-exec-queue
wait_for 15 '[ "$(members)" = 2 ]' || fail "the path does not return"
wait_for 10 '[ "$(target late)" = "$(number "${wwids[6]}")" ]' || fail "it stays on the path: $(dmsetup table late)"

note "another's table in place of a map's"
dmsetup wipe_table "${wwids[2]}" || fail "the table cannot be replaced"
wait_for 10 'logged "${wwids[2]}: cannot be read: .*the device is not one multipath target"' || fail "it is not said"
same "reply" ok "$(multipathd show maps raw format %n >/dev/null && echo ok)"
daemon_stop || fail "the daemon does not end"
note "done"
