# timeout: 120
# tree: none
# SPDX-License-Identifier: LGPL-2.1-or-later
# The machine has what the other cases build on: udevd, device-mapper multipath, scsi_debug, probes, injected errors.

note "udevd"
udevadm control --ping --timeout=5 || fail "udevd does not answer"
modprobe -a dm_multipath sg || fail "a module is missing"

note "two paths to one LUN"
san_sdebug 1 2 || fail "no scsi_debug"
wwid=$(sdebug_wwid 0)
for disk in sda sdb; do
  same "ID_SERIAL of $disk" "$wwid" "$(udevadm info -q property --property=ID_SERIAL --value "/dev/$disk")"
done

note "a map over both"
probe_start || fail "no kprobes"
dm_map lab "$wwid" sda sdb || fail "no map"
wait_for 10 test -e /dev/mapper/lab || fail "udev made no link"
same "tables loaded" 1 "$(probe_count table_load)"
same "tables swapped" 1 "$(probe_count dm_swap_table)"
head -c 1M /dev/urandom >/run/written
dd if=/run/written of=/dev/mapper/lab oflag=direct bs=64k status=none || fail "cannot write"
dd if=/dev/mapper/lab iflag=direct bs=64k count=16 status=none | cmp - /run/written || fail "read other data than written"

note "fail and reinstate by message"
dmsetup message lab 0 'fail_path 8:0'
same "state of sda" F "$(dm_path_state lab sda)"
same "state of sdb" A "$(dm_path_state lab sdb)"
dmsetup message lab 0 'reinstate_path 8:0'
same "state of sda" A "$(dm_path_state lab sda)"
same "tables loaded after messages" 1 "$(probe_count table_load)"

note "an offline path is failed by I/O"
inj_offline sdb
for _ in 1 2; do
  dd if=/dev/mapper/lab of=/dev/null iflag=direct bs=64k count=64 status=none || fail "a read failed with a path left"
done
wait_for 5 '[ "$(dm_path_state lab sdb)" = F ]' || fail "the kernel did not fail the path"
inj_online sdb

note "injected errors"
if [ -e "/sys/kernel/debug/scsi_debug/$(scsi_address sda)/error" ]; then
  inj_sense sda 2 4 3 0x00
  path_ready sda && fail "the injected sense was not seen"
  inj_unsense sda 0x00
  path_ready sda || fail "the injection stayed"
  inj_noconn sda
  path_ready sda && fail "the lost connection was not seen"
  inj_conn sda
  path_ready sda || fail "the connection stayed lost"
else
  note "left out: this kernel's scsi_debug has no error injection per disk"
fi

note "a removed disk comes back"
address=$(scsi_address sdb)
dmsetup remove lab
inj_delete sdb
[ ! -d "/sys/class/scsi_device/$address" ] || fail "the disk is still there"
inj_scan_all
wait_for 10 test -d "/sys/class/scsi_device/$address/device/block" || fail "the disk did not come back"
udevadm settle
note "done"
