# SPDX-License-Identifier: LGPL-2.1-or-later
# Very many paths, of which a quarter hangs: the two cases that do that differ in how many. Sourced by lib.sh.

# many_paths LUNS: four paths each, one of each map hangs. Every question is answered in time, the others are checked on time, and threads
# do not grow with paths.
many_paths() {
  local LUNS=$1
  local PATHS=4
  local TAGS=192                # can_queue: a host has room for all commands that hang
  local BASE_THREADS=8
  local SPARE_LANES=8           # limits::spare_submission_lanes
  local IN_TIME=2000            # milliseconds: longest time for an answer
  local INTERVAL=5              # seconds between the checks of a path
  local LATEST=$((INTERVAL + 3))  # and what a busy machine may be late
  local WATCHED=20              # seconds

  note "$LUNS LUNs, $PATHS paths each"
  ln -sf /dev/null /etc/udev/rules.d/60-multipath.rules
  udevadm control --reload
  san_sdebug "$LUNS" $PATHS max_queue=$TAGS || fail "no scsi_debug"
  [ -e "$(lab_error sda)" ] || { note "left out: this kernel's scsi_debug has no error injection per disk"; return; }
  note "all disks are there"
  daemon_config "polling_interval $INTERVAL
	max_polling_interval $INTERVAL
	detect_pgpolicy no
	detect_prio no
	path_grouping_policy multibus
	prio const"
  daemon_start || fail "the daemon does not start"
  wait_for 200 maps_up "$LUNS" $((PATHS * LUNS)) || fail "no maps"
  udevadm settle --timeout=200
  note "all maps are there"

  wait_for 20 '[ "$(daemon_threads)" = '$BASE_THREADS' ]' || fail "$(daemon_threads) threads at rest"

  first=$(scsi_address sda) && first=${first%%:*}
  good=()
  bad=()
  for place in /sys/class/scsi_disk/*; do
    address=${place##*/}
    disk=("$place"/device/block/*)
    if (((${address##*:} + ${address%%:*} - first) % PATHS == 0)); then
      bad+=("$address")
      # What has been sent ends a little after the watch: sooner than by itself.
      echo $((WATCHED + 2)) >"$place/device/timeout"
    else
      good+=("${disk[0]##*/}")
    fi
  done
  same "paths that hang" "$LUNS" ${#bad[@]}

  note "${#bad[@]} of $((PATHS * LUNS)) paths hang"
  for address in "${bad[@]}"; do inj_hang "$address"; done

  slowest=0
  most_hung=0
  # Every so many of the good paths: reading all of them would keep the machine busy.
  sample=()
  for ((at = 0; at < ${#good[@]}; at += 7)); do sample+=("${good[at]}"); done
  watch_begin
  end=$((SECONDS + WATCHED))
  while ((SECONDS < end)); do
    lab_answer $IN_TIME multipathd show daemon
    lab_answer $IN_TIME multipathd show paths
    lab_answer $IN_TIME multipathd show maps
    lab_answer $IN_TIME multipathd show topology
    lab_answer $IN_TIME mpathctl status
    count=$(sed -n 's/^checks .* \([0-9]*\) outstanding/\1/p' /run/answer); ((count > most_hung)) && most_hung=$count
    watch_once "${sample[@]}"
    # Nothing sleeps, so nothing is added.
    ((asleep > 0 || $(daemon_threads) <= BASE_THREADS + 1)) || fail "$(daemon_threads) threads while no submission sleeps"
  done
  printf '  slowest answer %d ms (%s), checks outstanding at most %d, most threads %d, most submissions asleep %d\n' \
    $slowest "$slowest_question" $most_hung $most_threads $most_asleep
  printf '  longest time without a check of a good path: %d ms\n' $longest_pause
  ((longest_pause <= LATEST * 1000)) || fail "a good path was not checked for $longest_pause ms"
  ((most_threads <= BASE_THREADS + SPARE_LANES)) || fail "$most_threads threads"
  same "good paths" ${#good[@]} "$(multipathd show paths raw format "%t %T" | grep -c "active ready")"
  mpathctl status | grep -E "^(health|stuck|turns)"
  timeout 10 dd if="/dev/mapper/$(sdebug_wwid 3)" of=/dev/null bs=4096 count=64 iflag=direct 2>/run/dd || fail "I/O waits: $(cat /run/dd)"

  note "they answer again"
  for address in "${bad[@]}"; do inj_unhang "$address"; done
  wait_for 120 maps_up "$LUNS" $((PATHS * LUNS)) || fail "not all paths return"
  wait_for 20 '[ "$(daemon_threads)" = '$BASE_THREADS' ]' || fail "$(daemon_threads) threads stay"
  daemon_stop || fail "the daemon does not end"
  note "done"
}
