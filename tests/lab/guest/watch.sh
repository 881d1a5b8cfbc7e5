# SPDX-License-Identifier: LGPL-2.1-or-later
# Watching the daemon while something hangs: is every other path checked on time, and do threads stay few? Sourced by lib.sh.

# watch_begin: forgets what was seen.
watch_begin() {
  declare -gA watch_answers=() watch_since=()
  longest_pause=0   # milliseconds: the longest time that one of the watched disks went without an answer
  most_threads=0    # of the daemon
  most_asleep=0     # threads that the kernel held while they handed it a command
}

# watch_once DISK...: looks once. How often a disk has answered is the kernel's count: of disks without other I/O these are the checks.
watch_once() {
  local disk count time
  for disk; do
    read -r count <"/sys/block/$disk/device/iodone_cnt"
    time=${EPOCHREALTIME/./}
    if [ "${watch_answers[$disk]-}" != "$count" ]; then
      watch_answers[$disk]=$count
      watch_since[$disk]=$time
    fi
    time=$(((time - watch_since[$disk]) / 1000))
    ((time > longest_pause)) && longest_pause=$time
  done
  threads=$(daemon_threads)
  ((threads > most_threads)) && most_threads=$threads
  asleep=$(submissions_asleep)
  ((asleep > most_asleep)) && most_asleep=$asleep
  return 0
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
