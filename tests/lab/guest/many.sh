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
  for disk in /sys/block/sd*; do
    address=$(readlink -f "$disk/device") && address=${address##*/}
    if (((${address##*:} + ${address%%:*} - first) % PATHS == 0)); then bad+=("$address"); else good+=("${disk##*/}"); fi
  done
  same "paths that hang" "$LUNS" ${#bad[@]}

  note "${#bad[@]} of $((PATHS * LUNS)) paths hang"
  for address in "${bad[@]}"; do inj_hang "$address"; done

  slowest=0
  most_threads=0
  most_sleeping=0
  most_hung=0
  declare -A last_count=() last_time=()
  latest=0
  # Every so many of the good paths: reading all of them would keep the machine busy.
  sample=()
  for ((at = 0; at < ${#good[@]}; at += 7)); do sample+=("${good[at]}"); done
  end=$((SECONDS + 45))
  while ((SECONDS < end)); do
    lab_answer $IN_TIME multipathd show daemon
    lab_answer $IN_TIME multipathd show paths
    lab_answer $IN_TIME multipathd show maps
    lab_answer $IN_TIME multipathd show topology
    lab_answer $IN_TIME mpathctl status
    count=$(sed -n 's/^checks .* \([0-9]*\) outstanding/\1/p' /run/answer); ((count > most_hung)) && most_hung=$count
    for disk in "${sample[@]}"; do
      count=$(<"/sys/block/$disk/device/iodone_cnt")
      time=${EPOCHREALTIME/./}
      if [ "${last_count[$disk]-}" != "$count" ]; then
        last_count[$disk]=$count
        last_time[$disk]=$time
      elif ((time - last_time[$disk] > latest)); then
        latest=$((time - last_time[$disk]))
      fi
    done
    count=$(daemon_threads); ((count > most_threads)) && most_threads=$count
    count=$(submissions_asleep); ((count > most_sleeping)) && most_sleeping=$count
    # Nothing sleeps, so nothing is added.
    ((count > 0 || $(daemon_threads) <= BASE_THREADS + 1)) || fail "$(daemon_threads) threads while no submission sleeps"
  done
  printf '  slowest answer %d ms (%s), checks outstanding at most %d, most threads %d, most submissions asleep %d\n' \
    $slowest "$slowest_question" $most_hung $most_threads $most_sleeping
  printf '  longest time without a check of a good path: %d ms\n' $((latest / 1000))
  ((latest <= LATEST * 1000000)) || fail "a good path was not checked for $((latest / 1000)) ms"
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

daemon_threads() { local list=(/proc/"$daemon_pid"/task/*); echo ${#list[@]}; }
# submissions_asleep: how many threads of the daemon the kernel holds while they hand it a command.
submissions_asleep() { cat /proc/"$daemon_pid"/task/*/stat | awk '/\(mpath-submit\) D / { ++count } END { print count + 0 }'; }

# lab_answer MILLISECONDS COMMAND...: the command answers in time; what it says is in /run/answer. Keeps the slowest in $slowest.
lab_answer() {
  local limit=$1 begin=${EPOCHREALTIME/./} took
  shift
  "$@" >/run/answer || [ "$1" = mpathctl ] || fail "$*: no answer"
  took=$(((${EPOCHREALTIME/./} - begin) / 1000))
  [ -s /run/answer ] || fail "$*: nothing"
  ((took <= limit)) || fail "$*: answered after $took ms"
  ((took > slowest)) && slowest=$took slowest_question="$*"
  return 0
}
