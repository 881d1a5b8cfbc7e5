# timeout: 900
# label: long
# memory: 2048
# cpus: 1
# udev: fast
# count: instructions
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the daemon costs, counted on the whole process: without maps nothing at all, and for each check of a path so many system calls,
# instructions and allocations, and so much memory for each path.

MOST_CALLS=2.2          # per check, each path once a second
MOST_CALLS_FEW=7        # per check, at default intervals: a map has few paths to share a turn, and each host has a lane of its own
MOST_INSTRUCTIONS=30000 # per check, in user mode
MOST_ALLOCATIONS=0.5    # per check, of the whole process: a check has none itself, but a map is read every minute
MOST_MEMORY=8192        # bytes for each path more, of the whole process with the gaps of its heap (the engine's share is in its unit tests)
LUNS=128
FEW=16

# at_most WHAT FIGURE LIMIT
at_most() {
  printf '  %s: %s\n' "$1" "$2"
  awk -v figure="$2" -v limit="$3" 'BEGIN { exit !(figure <= limit) }' || fail "$1: $2 instead of at most $3"
}
per() { awk -v all="$1" -v each="$2" 'BEGIN { if (each == 0) exit 1; printf "%.3f", all / each }'; }
# configured INTERVALS [SECTIONS]
configured() {
  daemon_config "$1
	detect_prio no
	prio const
	path_grouping_policy multibus" "$2"
}

note "no maps, no event, nothing to do: nothing is done for a minute"
idle_daemon 60

note "$LUNS LUNs, four paths each"
ln -sf /dev/null /etc/udev/rules.d/60-multipath.rules
udevadm control --reload
san_sdebug $LUNS 4 || fail "no scsi_debug"

every_second='polling_interval 1
	max_polling_interval 1'

# Checks fall together every quarter of a second of the machine's clock: a count begins and ends between two such moments.
between_ticks() {
  local now rest
  while :; do
    read -r now rest </proc/uptime
    (((10#${now#*.}) % 25 >= 11 && (10#${now#*.}) % 25 <= 14)) && return
    sleep 0.005
  done
}
# count_checks SECONDS: system calls, instructions and checks of that time.
count_checks() {
  between_ticks
  cost_start calls commands || fail "the kernel cannot count system calls"
  instructions=$(cost_window "$1")
  between_ticks
  cost_stop commands calls
  calls=$(cost_of calls "$daemon_pid" $(pgrep -P "$daemon_pid"))
  checks=$(cost_commands 0)
  others=$(($(cost_commands) - checks))
  printf '  %d checks, %d other commands, %d system calls\n' "$checks" "$others" "$calls"
}

note "$((FEW * 4)) paths at default intervals"
configured "" 'blacklist {
	wwid ".*"
}
blacklist_exceptions {
	wwid "^333333330000007d"
}'
daemon_start || fail "the daemon does not start"
wait_for 60 maps_up $FEW $((4 * FEW)) || fail "no maps"
# The intervals double up to the longest.
sleep 50
count_checks 60
[ "$checks" -ge $((4 * FEW * 2)) ] || fail "only $checks checks in 60 s"
cost_calls "$daemon_pid" | head -12
at_most "system calls per check" "$(per "$calls" "$checks")" $MOST_CALLS_FEW
few_memory=$(daemon_memory)
few_threads=$(daemon_threads)
daemon_stop || fail "the daemon does not end"

note "all maps, each path once a second"
configured "$every_second"
daemon_start || fail "the daemon does not start"
wait_for 300 maps_up $LUNS $((4 * LUNS)) || fail "no maps"
udevadm settle --timeout=120
sleep 10
with=$(daemon_memory)
with_threads=$(daemon_threads)
count_checks 20
[ "$checks" -ge $((4 * LUNS * 16)) ] || fail "only $checks checks in 20 s"
cost_calls "$daemon_pid" | head -12
at_most "system calls per check" "$(per "$calls" "$checks")" $MOST_CALLS
if sanitized; then
  note "instructions, allocations and memory of a build with sanitizers say nothing"
else
  if [ -n "$instructions" ]; then
    at_most "instructions in user mode per check, of all programs" "$(per "$instructions" "$checks")" $MOST_INSTRUCTIONS
  else
    note "instructions are not counted here"
  fi
  # Long enough for each map to be read once.
  cost_start commands allocations || fail "the kernel cannot count allocations"
  sleep 65
  cost_stop commands allocations
  [ "$(cost_of allocations $$)" -gt 0 ] || fail "allocations are not counted"
  allocations=$(cost_of allocations "$daemon_pid")
  printf '  %d allocations\n' "$allocations"
  at_most "allocations per check" "$(per "$allocations" "$(cost_commands 0)")" $MOST_ALLOCATIONS
  cost_end allocations
  printf '  memory of its own: %d KiB without paths, %d KiB with %d, %d KiB with %d\n' \
    "$idle_memory" "$few_memory" $((4 * FEW)) "$with" $((4 * LUNS))
  # A thread more is 256 KiB, and no path's.
  more=$((with - few_memory - 256 * (with_threads - few_threads)))
  at_most "bytes for each path more" "$(per $((more * 1024)) $((4 * (LUNS - FEW))))" $MOST_MEMORY
fi
mpathctl status | grep -E '^(checks|turns)'
daemon_stop || fail "the daemon does not end"
note "done"
