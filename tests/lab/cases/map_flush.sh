# timeout: 120
# SPDX-License-Identifier: LGPL-2.1-or-later
# Maps that are to go: with a partition on top, in use by a mount, a device or a process, whose names are said; nothing is left suspended
# or without its partition for being in use; a deferred removal is called off when a path returns.

kpart() { dmsetup create "${map}-part1" --uuid "part1-mpath-$map" --table "0 8192 linear /dev/mapper/$map 2048"; }
none_suspended() { ! dmsetup info -c --noheadings -o name,suspended | grep Suspended; }

note "two LUNs, two paths"
san_tcm 2 2 16 || fail "no array"
daemon_config
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 2 4 || fail "no maps"
map=$(tcm_wwid 0)
other=$(tcm_wwid 1)
kpart || fail "no partition map"

note "the partition is in use by a process"
exec 7<"/dev/mapper/${map}-part1"
said=$(multipath -f "$map")
same "exit status" 1 $?
echo "  $said"
[[ $said == *"map or partition in use"*"map in use by its partition ${map}-part1: open by bash ($$)"* ]] || fail "who uses it is not said"
[ -e "/dev/mapper/${map}-part1" ] || fail "the partition is gone"
exec 7<&-

note "held by a device"
dmsetup create top --table "0 4096 linear /dev/mapper/$map 0" || fail "no device on top"
said=$(multipathd remove map "$map")
echo "  $said"
[[ $said == *"map in use: held by top (dm-"* ]] || fail "who holds it is not said"
none_suspended || fail "a map is suspended"
[[ $(dmsetup table "$map") == *queue_if_no_path* ]] || fail "its queueing is gone"
dmsetup remove top

note "mounted"
if mkfs.ext4 -q "/dev/mapper/${map}-part1" 2>/dev/null && mkdir -p /run/mnt && mount "/dev/mapper/${map}-part1" /run/mnt; then
  said=$(multipathd remove map "$map")
  echo "  $said"
  [[ $said == *"mounted on /run/mnt"* ]] || fail "the mount is not said"
  umount /run/mnt
else
  note "left out: no file system can be made here"
fi

note "all maps, one of them in use"
exec 7<"/dev/mapper/$other"
multipath -F >/run/said && fail "a map in use is no failure"
grep -q "$other: map in use: open by bash" /run/said || fail "which map is in use is not said: $(cat /run/said)"
wait_for 5 '[ ! -e /dev/mapper/'"$map"' ] && [ ! -e /dev/mapper/'"$map"'-part1 ]' || fail "the map that is not in use stays"
[ -e "/dev/mapper/$other" ] || fail "the map in use is gone"
exec 7<&-
wait_for 10 'multipath -F' || fail "not removed"
same "maps left" "" "$(dmsetup ls --target multipath | grep -v 'No devices')"

note "deferred, and called off"
daemon_config "deferred_remove yes
	no_path_retry fail"
same "reply" ok "$(multipathd reconfigure)"
wait_for 20 maps_up 2 4 || fail "no maps"
exec 7<"/dev/mapper/$map"
tcm_unmap 0 0
tcm_unmap 1 0
wait_for 15 '[[ $(dmsetup info '"$map"') == *"DEFERRED REMOVE"* ]]' || fail "not to go with its last user: $(dmsetup info "$map")"
tcm_map 0 0 || fail "cannot map"
wait_for 20 '[[ $(dmsetup info '"$map"') != *"DEFERRED REMOVE"* ]]' || fail "not called off"
exec 7<&-
[ -e "/dev/mapper/$map" ] || fail "it went in spite of its path"
wait_for 10 '[[ $(dmsetup table '"$map"') == *" 1 8:"* || $(dmsetup table '"$map"') == *"service-time 0 1"* ]]' || fail "the path is not taken: $(dmsetup table "$map")"
none_suspended || fail "a map is suspended"
daemon_stop || fail "the daemon does not end"
note "done"
