# timeout: 180
# memory: 1536
# udev: fast
# SPDX-License-Identifier: LGPL-2.1-or-later
# One host hangs so that handing it a command sleeps in the kernel: I/O scheduler "none", few tags, more paths than twice as many, and I/O
# that waits for the tags as well. All other hosts are checked on time, the daemon says which host it is and when that is over, and neither
# threads nor memory grow.

HOSTS=3
LUNS=34                 # behind each: more than twice can_queue
TAGS=16                 # can_queue of a host
BASE_THREADS=8
SPARE_LANES=8           # limits::spare_submission_lanes
LATEST=4                # seconds: interval, and what a busy machine may be late
IN_TIME=2000            # milliseconds: longest time for an answer
WATCHED=30              # seconds

note "$LUNS LUNs behind $HOSTS hosts with $TAGS tags each"
ln -sf /dev/null /etc/udev/rules.d/60-multipath.rules
udevadm control --reload
san_sdebug $LUNS $HOSTS max_queue=$TAGS || fail "no scsi_debug"
[ -e "$(lab_error sda)" ] || { note "left out: this kernel's scsi_debug has no error injection per disk"; exit 0; }
for disk in /sys/block/sd*; do
  echo none >"$disk/queue/scheduler"
  echo 20 >"$disk/device/timeout"
done
note "all disks are there"
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
note "all maps are there"

same "threads" $BASE_THREADS "$(daemon_threads)"
before=$(daemon_memory)

mine=()
others=()
for place in /sys/class/scsi_disk/*; do
  address=${place##*/}
  disk=("$place"/device/block/*)
  if [ "${address%%:*}" = "$sick" ]; then mine+=("${disk[0]##*/}"); else others+=("${disk[0]##*/}"); fi
done
same "paths of the host" $LUNS ${#mine[@]}

note "the host hangs"
for disk in "${mine[@]}"; do inj_hang "$disk"; done
for disk in "${mine[@]}"; do
  (exec dd if="/dev/$disk" of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null) &
done
wait_for 30 '[ "$(cat /sys/class/scsi_host/host'"$sick"'/host_busy)" -ge '$TAGS' ]' || fail "the host is not full"
wait_for 30 grep -q "host $sick: has taken no command for" "$daemon_log" || fail "the log does not name the host"
grep "host $sick: " "$daemon_log" | tail -1
mpathctl status | grep "stuck     host $sick" || fail "mpathctl status does not name the host"

slowest=0
watch_begin
end=$((SECONDS + WATCHED))
while ((SECONDS < end)); do
  watch_once "${others[@]}"
  lab_answer $IN_TIME multipathd show daemon
  sleep 0.2
done
printf '  in %d s: longest time without a check of another path %d ms, most threads %d, most submissions asleep %d, slowest reply %d ms\n' \
  $WATCHED $longest_pause $most_threads $most_asleep $slowest
((longest_pause <= LATEST * 1000)) || fail "a path of another host was not checked for $longest_pause ms"
((most_threads <= BASE_THREADS + SPARE_LANES)) || fail "$most_threads threads"
states=$(multipathd show paths raw format "%i %d %t %T")
good=$(grep -v "^$sick:" <<<"$states" | grep -c "active ready")
same "good paths of the other hosts" $(((HOSTS - 1) * LUNS)) "$good"
for lun in 1 17 33; do
  timeout 10 dd if="/dev/mapper/$(sdebug_wwid $lun)" of=/dev/null bs=4096 count=64 iflag=direct 2>/run/dd || fail "I/O waits: $(cat /run/dd)"
done
mpathctl status | grep -E "^(health|stuck|turns)"
((most_asleep > 0)) || note "no submission slept: the host was seen to be full each time"

note "it answers again"
for disk in "${mine[@]}"; do inj_unhang "$disk"; done
# Commands that ended by their time-out have let it go on in between, too.
wait_for 90 '[[ $(grep "host $sick: " "$daemon_log" | tail -n 1) == *"takes commands again, after"* ]]' || fail "the log does not say that it is over"
grep "host $sick: " "$daemon_log" | tail -n 1
wait_for 90 maps_up $LUNS $((HOSTS * LUNS)) || fail "not all paths return"
wait_for 20 '[ "$(daemon_threads)" = '$BASE_THREADS' ]' || fail "$(daemon_threads) threads stay"
after=$(daemon_memory)
printf '  memory of its own %d KiB before, %d KiB after\n' "$before" "$after"
if sanitized; then
  note "how far the memory of a build with sanitizers grows says nothing"
else
  ((after - before < 1024)) || fail "memory has grown by $((after - before)) KiB"
fi
[[ $(mpathctl status) != *"stuck "* ]] || fail "mpathctl status still names the host"
daemon_stop || fail "the daemon does not end"
note "done"
