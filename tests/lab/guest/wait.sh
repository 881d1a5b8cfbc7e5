# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by lib.sh.

# wait_for SECONDS CONDITION...: polls until the condition holds. One word is evaluated as shell text, several are a
# command. Status 1, and a line that says what was waited for, when the time is up.
# The processor belongs to what is waited for: asking takes no more than half of it, and the clients that only ask do not
# look for leaks when they end, which is a third of their time.
wait_for() {
  local limit=$1 fraction=000000 end output asked pause
  local -x ASAN_OPTIONS=detect_leaks=0
  shift
  case $limit in *.*) fraction=${limit#*.}000000 ;; esac
  end=$((${EPOCHREALTIME/./} + ${limit%.*} * 1000000 + 10#${fraction:0:6}))
  while :; do
    asked=${EPOCHREALTIME/./}
    if [ $# = 1 ]; then
      output=$(eval "$1" 2>&1) && return
    else
      output=$("$@" 2>&1) && return
    fi
    ((${EPOCHREALTIME/./} < end)) || break
    pause=$((${EPOCHREALTIME/./} - asked))
    ((pause > 50000)) || pause=50000
    ((pause < 500000)) || pause=500000
    printf -v pause '0.%06d' "$pause"
    sleep "$pause"
  done
  printf 'waited %s s in vain for: %s\n' "$limit" "$*" >&2
  [ -z "$output" ] || printf '  last output: %s\n' "${output:0:400}" >&2
  return 1
}
