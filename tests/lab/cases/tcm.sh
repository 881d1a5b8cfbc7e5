# timeout: 120
# tree: none
# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel's own target as an array: two controllers as ALUA groups, state changes, ports going down, LUNs leaving.

# rtpg_state DISK GROUP: the access state (two hexadecimal digits) that the array reports for a group through a disk.
rtpg_state() {
  sg_rtpg "/dev/$1" |
    awk -v want="0x$2" '/target port group id/ { id = $6 } /asymmetric access state/ && id == want { print substr($8, 3) }'
}

note "two LUNs, four paths"
san_tcm 2 4 16 || fail "no array"
for path in 0 1 2 3; do
  for lun in 0 1; do
    disk=$(tcm_disk "$path" "$lun") || fail "no disk on path $path for LUN $lun"
    same "ID_SERIAL of $disk" "$(tcm_wwid "$lun")" "$(udevadm info -q property --property=ID_SERIAL --value "/dev/$disk")"
  done
done
a=$(tcm_disk 0 0) b=$(tcm_disk 2 0)

note "groups"
same "groups reported" 2 "$(sg_rtpg "/dev/$a" | grep -c 'target port group id')"
same "state of group A" 00 "$(rtpg_state "$a" 1)"
same "state of group B" 01 "$(rtpg_state "$a" 2)"
same "group of $b" "0x2" "$(sg_vpd -p di "/dev/$b" | awk '/Target port group:/ { print $4 }')"
same "the kernel's view of $b" active/non-optimized "$(cat "/sys/block/$b/device/access_state")"

note "transition"
inj_alua A standby 0
inj_alua B optimized 0
same "state of group A" 02 "$(rtpg_state "$b" 1)"
same "state of group B" 00 "$(rtpg_state "$b" 2)"
same "state of group A of the other LUN" 00 "$(rtpg_state "$(tcm_disk 0 1)" 1)"
inj_alua A optimized 0
inj_alua B non-optimized 0

note "port down"
wait_for 5 path_ready "$b" || fail "the path is not ready"  # the first answer is a unit attention
inj_tcm_port 2 offline
path_ready "$b" && fail "a path through a closed port is ready"
wait_for 5 path_ready "$a" || fail "another path suffers"
inj_tcm_port 2 online
wait_for 5 path_ready "$b" || fail "the path did not come back"

note "controller down"
inj_controller A offline
path_ready "$a" && fail "a path to the closed controller is ready"
path_ready "$b" || fail "a path to the other controller suffers"
inj_controller A online
wait_for 5 path_ready "$a" || fail "the path did not come back"

note "LUN leaves and returns"
tcm_unmap 3 1
[ ! -e "/sys/class/scsi_device/$(tcm_address 3 1)" ] || fail "the disk is still there"
tcm_map 3 1 || fail "cannot map the LUN again"
udevadm settle
tcm_disk 3 1 >/dev/null || fail "the disk did not come back"

note "teardown"
san_tcm_quiet
same "disks left" 0 "$(find /sys/class/scsi_disk -mindepth 1 | wc -l)"
note "done"
