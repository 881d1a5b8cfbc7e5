# timeout: 120
# SPDX-License-Identifier: LGPL-2.1-or-later
# The udev rules, with maps made by dmsetup: links, who belongs to a map, when a map is ready and when it is looked at.

# prop DEVICE NAME: the property that udev keeps; empty if there is none.
prop() { udevadm info -q property --property="$2" --value "/dev/${1#/dev/}"; }
# settled COMMAND...: runs it and waits until udev has worked on its events.
settled() { "$@" && udevadm settle; }

# resume NAME FLAGS: what multipathd does to put a loaded table into force: one ioctl, with udev flags and no cookie.
resume() {
  python3 - "$1" "$2" <<'PYTHON'
import fcntl, struct, sys
DM_DEV_SUSPEND, PRIMARY_SOURCE, NO_LIBRARY_FALLBACK = 0xC138FD06, 0x40, 0x20
name, flags = sys.argv[1].encode(), int(sys.argv[2], 0) << 8 | PRIMARY_SOURCE | NO_LIBRARY_FALLBACK
request = bytearray(struct.pack("=3I2I1iIIIIQ128s129s7s", 4, 0, 0, 312, 312, 0, 0, 0, flags << 16, 0, 0, name, b"", b""))
with open("/dev/mapper/control", "rb+", buffering=0) as control:
    fcntl.ioctl(control, DM_DEV_SUSPEND, request)
PYTHON
}
# reload FLAGS DISK...: another table for the map, put into force with the flags.
reload() {
  local flags=$1 table disk
  shift
  table="0 $(blockdev --getsz /dev/sda) multipath 0 0 1 1 round-robin 0 $# 1"
  for disk; do table+=" /dev/$disk 1"; done
  dmsetup load lab --table "$table" && resume lab "$flags" && udevadm settle
}

SAME_CONTENTS=1 NO_PATHS=4  # subsystem flags 0 and 2

note "two paths with a file system, one further disk"
san_sdebug 2 2 || fail "no scsi_debug"
wwid=$(sdebug_wwid 0)
disks=()
for disk in /sys/block/sd*; do
  disk=${disk##*/}
  [ "$(prop "$disk" ID_SERIAL)" = "$wwid" ] && disks+=("$disk") || other=$disk
done
first=${disks[0]} second=${disks[1]}
mke2fs -q -L labdisk "/dev/$first"
settled udevadm trigger --settle --action=change "/dev/$first" "/dev/$second" "/dev/$other"
same "claim on a free disk" "" "$(prop "$first" DM_MULTIPATH_DEVICE_PATH)"
same "file system of a free disk" ext2 "$(prop "$first" ID_FS_TYPE)"

note "a map: links, readiness"
settled dm_map lab "$wwid" "$first" "$second" || fail "no map"
dm=$(readlink -f /dev/mapper/lab)
for link in mapper/lab disk/by-id/dm-name-lab "disk/by-id/dm-uuid-mpath-$wwid" "disk/by-id/scsi-$wwid" \
            "disk/by-id/wwn-0x${wwid#3}" disk/by-label/labdisk; do
  same "where /dev/$link leads" "$dm" "$(readlink -f "/dev/$link")"
done
same "ready" 1 "$(prop "$dm" MPATH_DEVICE_READY)"
same "unchanged" 0 "$(prop "$dm" MPATH_UNCHANGED)"
same "file system of the map" ext2 "$(prop "$dm" ID_FS_TYPE)"

note "its paths are members, the further disk is not"
settled udevadm trigger --settle --action=change "/dev/$first" "/dev/$second" "/dev/$other"
for disk in "$first" "$second"; do
  same "claim on $disk" 1 "$(prop "$disk" DM_MULTIPATH_DEVICE_PATH)"
  same "file system of $disk" mpath_member "$(prop "$disk" ID_FS_TYPE)"
  same "readiness of $disk for systemd" 0 "$(prop "$disk" SYSTEMD_READY)"
  same "identity of $disk" "$wwid" "$(prop "$disk" ID_SERIAL)"
done
same "claim on $other" "" "$(prop "$other" DM_MULTIPATH_DEVICE_PATH)"
same "whose label" "$dm" "$(readlink -f /dev/disk/by-label/labdisk)"

note "path events"
number=$(<"/sys/block/$first/dev")
settled dmsetup message lab 0 "fail_path $number"
same "ready with one path" 1 "$(prop "$dm" MPATH_DEVICE_READY)"
same "unchanged by a failed path" 1 "$(prop "$dm" MPATH_UNCHANGED)"
same "file system after a path event" ext2 "$(prop "$dm" ID_FS_TYPE)"
same "label after a path event" "$dm" "$(readlink -f /dev/disk/by-label/labdisk)"
settled dmsetup message lab 0 "fail_path $(<"/sys/block/$second/dev")"
same "ready without a path" 0 "$(prop "$dm" MPATH_DEVICE_READY)"
same "label without a path" "$dm" "$(readlink -f /dev/disk/by-label/labdisk)"
same "other rules afterwards" "" "$(prop "$dm" DM_UDEV_DISABLE_OTHER_RULES_FLAG)"
settled udevadm trigger --settle --action=change "$dm"
same "ready after a trigger" 0 "$(prop "$dm" MPATH_DEVICE_READY)"
settled dmsetup message lab 0 "reinstate_path $number"
same "ready again" 1 "$(prop "$dm" MPATH_DEVICE_READY)"
same "looked at again" 0 "$(prop "$dm" MPATH_UNCHANGED)"
same "activation" 1 "$(prop "$dm" DM_ACTIVATION)"
settled dmsetup message lab 0 "reinstate_path $(<"/sys/block/$second/dev")"
same "unchanged by a second path" 1 "$(prop "$dm" MPATH_UNCHANGED)"

note "tables"
reload $SAME_CONTENTS "$first" || fail "no reload"
same "unchanged by a reload" 1 "$(prop "$dm" MPATH_UNCHANGED)"
same "activation by a reload" 0 "$(prop "$dm" DM_ACTIVATION)"
same "label after a reload" "$dm" "$(readlink -f /dev/disk/by-label/labdisk)"
settled udevadm trigger --settle --action=change "/dev/$second"
same "claim on a path that is out of the table" 1 "$(prop "$second" DM_MULTIPATH_DEVICE_PATH)"
reload $((SAME_CONTENTS | NO_PATHS)) "$first" "$second" || fail "no reload"
same "ready by a table without paths" 0 "$(prop "$dm" MPATH_DEVICE_READY)"
reload $SAME_CONTENTS "$first" "$second" || fail "no reload"
same "ready by a table" 1 "$(prop "$dm" MPATH_DEVICE_READY)"
same "looked at when ready again" 0 "$(prop "$dm" MPATH_UNCHANGED)"
e2label /dev/mapper/lab other
reload 0 "$first" "$second" || fail "no reload"
same "label by a table with other contents" "$dm" "$(readlink -f /dev/disk/by-label/other)"

note "suspended while udev looks"
dmsetup suspend --noflush lab
settled udevadm trigger --settle --action=add "$dm"
same "label while suspended" "$dm" "$(readlink -f /dev/disk/by-label/other)"
same "put off" 1 "$(prop "$dm" MPATH_SCAN_DUE)"
resume lab $SAME_CONTENTS && udevadm settle
same "put off no more" "" "$(prop "$dm" MPATH_SCAN_DUE)"
same "looked at afterwards" 0 "$(prop "$dm" MPATH_UNCHANGED)"
same "activation afterwards" 1 "$(prop "$dm" DM_ACTIVATION)"

note "nothing known of the map, as after a start without the database"
settled dmsetup message lab 0 "fail_path $number"
rm -f /run/udev/data/b"$(<"/sys/block/${dm#/dev/}/dev")"
settled udevadm trigger --settle --action=change "$dm"
same "ready by the kernel's word" 1 "$(prop "$dm" MPATH_DEVICE_READY)"
dmsetup message lab 0 "fail_path $(<"/sys/block/$second/dev")" && udevadm settle
rm -f /run/udev/data/b"$(<"/sys/block/${dm#/dev/}/dev")"
settled udevadm trigger --settle --action=change "$dm"
same "not ready by the kernel's word" 0 "$(prop "$dm" MPATH_DEVICE_READY)"

note "the map goes, its paths are free"
settled dmsetup remove lab || fail "cannot remove the map"
[ ! -e "/dev/disk/by-id/dm-uuid-mpath-$wwid" ] || fail "the link stayed"
settled udevadm trigger --settle --action=change "/dev/$first"
same "claim on a released disk" 0 "$(prop "$first" DM_MULTIPATH_DEVICE_PATH)"
same "file system of a released disk" ext2 "$(prop "$first" ID_FS_TYPE)"

note "a linear mapping claims nothing"
settled dmsetup create plain --uuid LVM-x --table "0 2048 linear /dev/$other 0" || fail "no mapping"
settled udevadm trigger --settle --action=change "/dev/$other"
same "claim on its disk" "" "$(prop "$other" DM_MULTIPATH_DEVICE_PATH)"
note "done"
