# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by lib.sh.

# wait_for SECONDS CONDITION...: polls until the condition holds. One word is evaluated as shell text, several are a
# command. Status 1, and a line that says what was waited for, when the time is up.
wait_for() {
  local limit=$1 fraction=000000 end output
  shift
  case $limit in *.*) fraction=${limit#*.}000000 ;; esac
  end=$((${EPOCHREALTIME/./} + ${limit%.*} * 1000000 + 10#${fraction:0:6}))
  while :; do
    if [ $# = 1 ]; then
      output=$(eval "$1" 2>&1) && return
    else
      output=$("$@" 2>&1) && return
    fi
    ((${EPOCHREALTIME/./} < end)) || break
    sleep 0.05
  done
  printf 'waited %s s in vain for: %s\n' "$limit" "$*" >&2
  [ -z "$output" ] || printf '  last output: %s\n' "${output:0:400}" >&2
  return 1
}
