# timeout: 150
# SPDX-License-Identifier: LGPL-2.1-or-later
# Others at work on maps: removed and renamed from outside, with what is known of who did it; devices that use a path directly; a partition
# map that comes back when its map stays; removals without a daemon, bounded in time; a path that becomes read-only.

ask() { same "reply to $*" ok "$(multipathd "$@")"; }
logged() { grep -q "$1" "$daemon_log"; }

note "two LUNs, two paths"
san_tcm 2 2 16 || fail "no array"
map=$(tcm_wwid 0)
other=$(tcm_wwid 1)
disk=$(tcm_disk 0 0)
daemon_config
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 2 4 || fail "no maps"

note "removed from outside"
dmsetup remove "$other" || fail "cannot be removed"
wait_for 10 'logged "$other: was removed from outside, by none of this daemon.s actions"' || fail "not noticed"
grep "$other: was removed from outside" "$daemon_log" | sed 's/^/  /'
logged "was removed from outside.*dmsetup (" || note "dmsetup was gone before anybody could look"
[[ $(mpathctl history) == *"$other: serving -> absent"*"removed from outside"* ]] || fail "not in the history: $(mpathctl history | tail -n 3)"
ask add map "$other"
wait_for 10 maps_up 2 4 || fail "not made again"

note "renamed from outside"
dmsetup rename "$other" moved || fail "cannot be renamed"
wait_for 10 'logged "moved: was called $other and renamed from outside"' || fail "not noticed"
grep "renamed from outside" "$daemon_log" | sed 's/^/  /'
wait_for 10 '[[ $(multipathd show maps raw format %n) == *moved* ]]' || fail "the name is not taken over"

note "removed by command: the client is named"
ask remove map moved
wait_for 5 'logged "moved: remove: asked for by multipathd (.*) of user 0"' || fail "who asked is not said: $(grep 'remove:' "$daemon_log")"
ask add map "$other"
wait_for 10 maps_up 2 4 || fail "not made again"

note "a device on a path is put onto the map"
ask remove map "$map"
dmsetup create direct --table "0 4096 linear /dev/$disk 2048" || fail "no device on the disk"
number=$(dmsetup table direct | cut -d' ' -f4)
dmsetup create "$map" --uuid "mpath-$map" --table "0 $(blockdev --getsz "/dev/$disk") multipath 0 0 1 1 service-time 0 1 1 $number 1" 2>/dev/null ||
  note "left out: this kernel lets no map share a disk with another device"
if dmsetup info "$map" >/dev/null 2>&1; then
  wait_for 10 '[[ $(multipathd show maps raw format %w) == *"$map"* ]]' || fail "the map is not taken over"
  ask reset map "$map"
  dm=$(readlink -f "/dev/mapper/$map")
  [[ $(dmsetup table direct) == "0 4096 linear $(cat "/sys/block/${dm##*/}/dev") 2048" ]] || fail "not put onto the map: $(dmsetup table direct)"
  ask reset map "$map"
fi
same "state of the device" Active "$(dmsetup info -c --noheadings -o suspended direct)"
dmsetup remove direct
dmsetup info "$map" >/dev/null 2>&1 || ask add map "$map"
wait_for 20 maps_up 2 4 || fail "not as before: $(multipathd show topology)"

note "a partition map comes back when its map stays"
dmsetup create "${map}-part7" --uuid "part7-mpath-$map" --table "0 10 zero" || fail "no partition map"
exec 7<"/dev/mapper/$map"
said=$(multipathd remove map "$map")
echo "  $said"
[[ $said == *"its partition maps were made again"* ]] || fail "the partition is not made again: $said"
[[ $(dmsetup table "${map}-part7") == "0 10 zero"* ]] || fail "the partition is not there"
same "uuid of the partition" "part7-mpath-$map" "$(dmsetup info -c --noheadings -o uuid "${map}-part7")"
[[ $said != *multipathd* ]] || fail "the daemon names itself as a holder: $said"

note "in use: bounded in time, with and without a daemon"
begin=$SECONDS
said=$(multipath -R 2 -f "$map") && fail "a map in use was removed"
echo "  $said"
((SECONDS - begin <= 8)) || fail "it took $((SECONDS - begin)) s"
[[ $said == *"open by bash ($$)"* && $said != *"open by multipath"* ]] || fail "who uses it is not said"
daemon_stop || fail "the daemon does not end"
said=$(multipath -f "$map" 2>&1) && fail "a map in use was removed"
echo "  $said"
[[ $said == *"map in use: open by bash ($$)"* && $said != *"open by multipath"* ]] || fail "who uses it is not said"
multipath -F 2>/run/said && fail "a map in use is no failure"
wait_for 5 '[ ! -e /dev/mapper/'"$other"' ]' || fail "the map that is not in use stays"
exec 7<&-
said=$(multipath -f "/dev/mapper/$map" 2>&1) || fail "not removed: $said"
[ ! -e "/dev/mapper/$map" ] && [ ! -e "/dev/mapper/${map}-part7" ] || fail "it is still there"
said=$(multipath -f "$map" 2>&1) && fail "a map that is gone was removed"
same "message" "multipath: $map is not a multipath device" "$said"
said=$(multipath -f "/dev/mapper/$map" 2>&1) && fail "a map that is gone was removed"
same "message" "multipath: '/dev/mapper/$map' is not a valid argument" "$said"
multipath -F || fail "nothing to remove is no failure"

note "a path that becomes read-only, and writable again"
daemon_start || fail "the daemon does not start again"
wait_for 20 maps_up 2 4 || fail "no maps"
blockdev --setro "/dev/$disk" && echo change >"/sys/block/$disk/uevent"
wait_for 10 '[[ $(multipathd show maps raw format "%w %r") == *"$map ro"* ]]' || fail "a map with a read-only path is writable"
blockdev --setrw "/dev/$disk" && echo change >"/sys/block/$disk/uevent"
wait_for 10 '[[ $(multipathd show maps raw format "%w %r") == *"$map rw"* ]]' || fail "it stays read-only"
daemon_stop || fail "the daemon does not end"
note "done"
