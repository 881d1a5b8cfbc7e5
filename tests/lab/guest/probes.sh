# SPDX-License-Identifier: LGPL-2.1-or-later
# Counts calls inside device-mapper: event numbers do not count table loads. Sourced by lib.sh.

lab_trace=/sys/kernel/tracing

# probe_start: counts from now on, from zero. table_load: tables loaded; dm_swap_table: tables made live.
probe_start() {
  local name
  modprobe dm_mod
  probe_stop
  for name in table_load dm_swap_table; do
    echo "p:lab/$name dm_mod:$name" >>"$lab_trace/kprobe_events" || return
    echo 1 >"$lab_trace/events/lab/$name/enable" || return
  done
}

# probe_count NAME: prints how often it was called since probe_start.
probe_count() {
  local name hits rest
  while read -r name hits rest; do
    [ "$name" != "$1" ] || { echo "$hits"; return; }
  done <"$lab_trace/kprobe_profile"
  return 1
}

probe_stop() {
  [ -d "$lab_trace/events/lab" ] || return 0
  echo 0 >"$lab_trace/events/lab/enable"
  echo '-:lab/' >>"$lab_trace/kprobe_events"
}
