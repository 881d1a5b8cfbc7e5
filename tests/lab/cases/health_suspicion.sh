# timeout: 170
# SPDX-License-Identifier: LGPL-2.1-or-later
# All paths behind one port hang under verified I/O. Checks are 20 s apart, so without suspicion it would take up to 50 s until the last of
# them is out of service: its interval, and the time of its check.

LUNS=16
IN_TIME=5

note "$LUNS LUNs, two ports; commands end after 15 s"
san_sdebug $LUNS 2 || fail "no scsi_debug"
[ -e "$(lab_error sda)" ] || { note "left out: this kernel's scsi_debug has no error injection per disk"; exit 0; }
for disk in /sys/block/sd*; do echo 15 >"$disk/device/timeout"; done
daemon_config "polling_interval 20
	max_polling_interval 20
	detect_pgpolicy no
	detect_prio no
	path_grouping_policy multibus
	prio const"
daemon_start || fail "the daemon does not start"
wait_for 40 maps_up $LUNS $((2 * LUNS)) || fail "no maps"
io_start "$(sdebug_wwid 0)" || fail "no I/O"

port=()
others=()
sick=$(scsi_address sda)
for disk in /sys/block/sd*; do
  disk=${disk##*/}
  address=$(scsi_address "$disk")
  if [ "${address%%:*}" = "${sick%%:*}" ]; then port+=("$disk"); else others+=("$disk"); fi
done
same "paths of the port" $LUNS ${#port[@]}
failed_paths() { dmsetup status --noflush --target multipath | grep -o ' F [0-9]' | wc -l; }
same "failed paths" 0 "$(failed_paths)"

note "the port goes silent"
for disk in "${port[@]}"; do inj_hang "$disk"; done
begin=${EPOCHREALTIME/./}
wait_for $IN_TIME '[ "$(failed_paths)" = '$LUNS' ]' || fail "not all paths are out of service"
printf '  out of service after %d ms\n' $(((${EPOCHREALTIME/./} - begin) / 1000))
# What was sent before is with the port; what comes now must not go there.
for lun in 1 7 15; do
  timeout 5 dd if="/dev/mapper/$(sdebug_wwid $lun)" of=/dev/null bs=4096 count=64 iflag=direct 2>/run/dd || fail "new I/O waits: $(cat /run/dd)"
done
same "failed paths" $LUNS "$(failed_paths)"
states=$(multipathd show paths raw format "%d %t %T")
for disk in "${others[@]}"; do
  [[ $states == *"$disk active ready"* ]] || fail "$disk is touched too"
done
mpathctl status | grep suspect | head -3

note "it answers again"
for disk in "${port[@]}"; do inj_unhang "$disk"; done
wait_for 60 maps_up $LUNS $((2 * LUNS)) || fail "not all paths return"
same "failed paths" 0 "$(failed_paths)"
io_goes_on || fail "I/O stands still"
io_stop || fail "I/O failed"
daemon_stop || fail "the daemon does not end"
note "done"
