# timeout: 240
# memory: 1536
# udev: fast
# SPDX-License-Identifier: LGPL-2.1-or-later
# One host hangs so that handing it a command sleeps in the kernel: I/O scheduler "none", few tags, more paths than twice as many, and I/O
# that waits for the tags as well. All other hosts are checked on time, the daemon says which host it is and when that is over, and neither
# threads nor memory grow.

HOSTS=4
LUNS=40
TAGS=16                 # can_queue of a host
BASE_THREADS=8
SPARE_LANES=8           # limits::spare_submission_lanes
LATEST=4                # seconds: interval, and what a busy machine may be late
WATCHED=60              # seconds

note "$LUNS LUNs behind $HOSTS hosts with $TAGS tags each"
ln -sf /dev/null /etc/udev/rules.d/60-multipath.rules
udevadm control --reload
san_sdebug $LUNS $HOSTS max_queue=$TAGS || fail "no scsi_debug"
[ -e "$(lab_error sda)" ] || { note "left out: this kernel's scsi_debug has no error injection per disk"; exit 0; }
for disk in /sys/block/sd*; do
  echo none >"$disk/queue/scheduler"
  echo 20 >"$disk/device/timeout"
done
sick=$(scsi_address sda) && sick=${sick%%:*}
same "can_queue" $TAGS "$(cat "/sys/class/scsi_host/host$sick/can_queue")"
daemon_config "polling_interval 1
	max_polling_interval 1
	detect_pgpolicy no
	detect_prio no
	path_grouping_policy multibus
	prio const"
daemon_start || fail "the daemon does not start"
wait_for 60 maps_up $LUNS $((HOSTS * LUNS)) || fail "no maps"
udevadm settle --timeout=60

resident() { awk '/^VmRSS/ { print $2 }' "/proc/$daemon_pid/status"; }
same "threads" $BASE_THREADS "$(daemon_threads)"
before=$(resident)

mine=()
others=()
for disk in /sys/block/sd*; do
  disk=${disk##*/}
  address=$(scsi_address "$disk")
  if [ "${address%%:*}" = "$sick" ]; then mine+=("$disk"); else others+=("$disk"); fi
done
same "paths of the host" $LUNS ${#mine[@]}

# How often each disk has answered, by the kernel's count: of disks without other I/O these are the checks.
answers() {
  local disk
  for disk in "${others[@]}"; do
    printf '%s %d\n' "$disk" "$(<"/sys/block/$disk/device/iodone_cnt")"
  done
}

note "the host hangs"
for disk in "${mine[@]}"; do inj_hang "$disk"; done
for disk in "${mine[@]}"; do
  (exec dd if="/dev/$disk" of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null) &
done
wait_for 30 '[ "$(cat /sys/class/scsi_host/host'"$sick"'/host_busy)" -ge '$TAGS' ]' || fail "the host is not full"
wait_for 30 grep -q "host $sick: has taken no command for" "$daemon_log" || fail "the log does not name the host"
grep "host $sick: " "$daemon_log" | tail -1
mpathctl status | grep "stuck     host $sick" || fail "mpathctl status does not name the host"

most_threads=0
most_sleeping=0
slowest=0
declare -A last_count last_time
latest=0
end=$((SECONDS + WATCHED))
while ((SECONDS < end)); do
  while read -r disk count; do
    time=${EPOCHREALTIME/./}
    if [ "${last_count[$disk]-}" != "$count" ]; then
      last_count[$disk]=$count
      last_time[$disk]=$time
    elif ((time - last_time[$disk] > latest)); then
      latest=$((time - last_time[$disk]))
    fi
  done < <(answers)
  count=$(daemon_threads); ((count > most_threads)) && most_threads=$count
  count=$(submissions_asleep); ((count > most_sleeping)) && most_sleeping=$count
  begin=${EPOCHREALTIME/./}
  multipathd show daemon >/dev/null || fail "the daemon does not answer"
  took=$((${EPOCHREALTIME/./} - begin)); ((took > slowest)) && slowest=$took
  sleep 0.2
done
printf '  in %d s: longest time without a check of another path %d ms, most threads %d, most submissions asleep %d, slowest reply %d ms\n' \
  $WATCHED $((latest / 1000)) $most_threads $most_sleeping $((slowest / 1000))
((latest <= LATEST * 1000000)) || fail "a path of another host was not checked for $((latest / 1000)) ms"
((most_threads <= BASE_THREADS + SPARE_LANES)) || fail "$most_threads threads"
((slowest <= 2000000)) || fail "a reply took $((slowest / 1000)) ms"
states=$(multipathd show paths raw format "%i %d %t %T")
good=$(grep -v "^$sick:" <<<"$states" | grep -c "active ready")
same "good paths of the other hosts" $(((HOSTS - 1) * LUNS)) "$good"
for lun in 1 17 39; do
  timeout 10 dd if="/dev/mapper/$(sdebug_wwid $lun)" of=/dev/null bs=4096 count=64 iflag=direct 2>/run/dd || fail "I/O waits: $(cat /run/dd)"
done
mpathctl status | grep -E "^(health|stuck|turns)"
((most_sleeping > 0)) || note "no submission slept: the host was seen to be full each time"

note "it answers again"
for disk in "${mine[@]}"; do inj_unhang "$disk"; done
# Commands that ended by their time-out have let it go on in between, too.
wait_for 90 '[[ $(grep "host $sick: " "$daemon_log" | tail -n 1) == *"takes commands again, after"* ]]' || fail "the log does not say that it is over"
grep "host $sick: " "$daemon_log" | tail -n 1
wait_for 90 maps_up $LUNS $((HOSTS * LUNS)) || fail "not all paths return"
wait_for 20 '[ "$(daemon_threads)" = '$BASE_THREADS' ]' || fail "$(daemon_threads) threads stay"
after=$(resident)
printf '  resident %d KiB before, %d KiB after\n' "$before" "$after"
((after - before < 4096)) || fail "memory has grown by $((after - before)) KiB"
[[ $(mpathctl status) != *"stuck "* ]] || fail "mpathctl status still names the host"
daemon_stop || fail "the daemon does not end"
note "done"
