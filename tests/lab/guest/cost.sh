# SPDX-License-Identifier: LGPL-2.1-or-later
# Counts what a process costs: system calls, allocations, SCSI commands, by the kernel's own tracing. Sourced by lib.sh.

# cost_start EVENT...: counts from now on, from zero: calls (system calls by thread), commands (SCSI commands by opcode),
# allocations (calls of the C library's allocator by thread; each is a trap, so it slows the program down).
cost_start() {
  local event trigger
  modprobe scsi_mod
  for event; do
    case $event in
      calls) trigger=keys=common_pid,id.syscall ;;
      commands) trigger=keys=opcode ;;
      allocations) lab_allocator_probes || return; trigger=keys=common_pid ;;
    esac
    cost_end "$event"
    lab_cost_trigger[$event]="hist:$trigger:size=16384"
    lab_cost_file[$event]=$(lab_cost_event "$event")/trigger
    echo "${lab_cost_trigger[$event]}:pause" >"${lab_cost_file[$event]}" || return
    [ "$event" != allocations ] || echo 1 >"$(lab_cost_event "$event")/enable"
  done
  lab_cost_say cont "$@"
}
declare -A lab_cost_trigger=() lab_cost_file=()

# All of them in the same moment, as far as can be: no program is started in between.
lab_cost_say() {
  local event what=$1
  shift
  for event; do
    # Opened to write from its beginning it would forget what it has.
    echo "${lab_cost_trigger[$event]}:$what" >>"${lab_cost_file[$event]}" || return
  done
}

lab_cost_event() {
  case $1 in
    calls) echo "$lab_trace/events/raw_syscalls/sys_enter" ;;
    commands) echo "$lab_trace/events/scsi/scsi_dispatch_cmd_start" ;;
    allocations) echo "$lab_trace/events/labcost/allocation" ;;
  esac
}

# cost_stop EVENT...: what has been counted stays as it is.
cost_stop() { lab_cost_say pause "$@"; }

# cost_end EVENT...: as if there had never been a count.
cost_end() {
  local event folder
  for event; do
    folder=$(lab_cost_event "$event")
    [ -d "$folder" ] || continue
    [ "$event" != allocations ] || echo 0 >"$folder/enable"
    : >"$folder/trigger"
  done
}

# cost_of calls|allocations PID...: prints how many the threads of these processes made.
cost_of() {
  local event=$1 threads
  shift
  threads=$(printf '/proc/%s/task\n' "$@" | xargs ls | tr '\n' ' ')
  awk -v threads="$threads" '
    BEGIN { count = split(threads, list, " "); for (at = 1; at <= count; ++at) ours[list[at]] = 1 }
    $2 == "common_pid:" {
      thread = $3; sub(/[,}].*/, "", thread)
      if (thread in ours) sum += $NF
    }
    END { print sum + 0 }' "$(lab_cost_event "$event")/hist"
}

# cost_calls PID: prints the system calls of a process by name, the most frequent first.
cost_calls() {
  local threads
  threads=$(ls "/proc/$1/task" | tr '\n' ' ')
  awk -v threads="$threads" '
    BEGIN { count = split(threads, list, " "); for (at = 1; at <= count; ++at) ours[list[at]] = 1 }
    $2 == "common_pid:" {
      thread = $3; sub(/[,}].*/, "", thread)
      if (thread in ours) calls[$5] += $NF
    }
    END { for (name in calls) print calls[name], name }' "$(lab_cost_event calls)/hist" | sort -rn
}

# cost_commands [OPCODE]: prints how many SCSI commands were sent, of all kinds or of one (decimal).
cost_commands() {
  awk -v opcode="${1-}" '
    $2 == "opcode:" { code = $3; sub(/[,}].*/, "", code); if (opcode == "" || code == opcode) sum += $NF }
    END { print sum + 0 }' "$(lab_cost_event commands)/hist"
}

# One probe for each function that allocates; all are the same event.
lab_allocator_probes() {
  local place
  [ ! -d "$lab_trace/events/labcost" ] || return 0
  for place in $(python3 - <<'PYTHON'
import glob, struct
path = glob.glob("/usr/lib/*/libc.so.6")[0]
data = open(path, "rb").read()
wanted = {b"malloc", b"calloc", b"realloc", b"reallocarray", b"memalign", b"aligned_alloc", b"posix_memalign"}
segments, sections = [], []
phoff, shoff = struct.unpack_from("<QQ", data, 32)
phentsize, phnum, shentsize, shnum = struct.unpack_from("<HHHH", data, 54)
for number in range(phnum):
    kind, flags, offset, address, _, size = struct.unpack_from("<IIQQQQ", data, phoff + number * phentsize)
    if kind == 1:
        segments.append((address, size, offset))
for number in range(shnum):
    sections.append(struct.unpack_from("<IIQQQQIIQQ", data, shoff + number * shentsize))
places = set()
for section in sections:
    if section[1] != 11:  # SHT_DYNSYM
        continue
    strings = sections[section[6]][4]
    for at in range(section[4], section[4] + section[5], 24):
        name, info, _, index, value, size = struct.unpack_from("<IBBHQQ", data, at)
        begin = strings + name
        if index and info & 15 == 2 and data[begin:data.index(b"\0", begin)] in wanted:
            places.update(value - address + offset for address, length, offset in segments if address <= value < address + length)
for place in sorted(places):
    print(f"{path}:{place:#x}")
PYTHON
  ); do
    echo "p:labcost/allocation $place" >>"$lab_trace/uprobe_events" || return
  done
}

# cost_window SECONDS: waits for so long in one system call, and prints how many instructions all programs together executed
# in user mode meanwhile; nothing where the machine does not count them ("# count: instructions" at the head of the case).
cost_window() {
  /usr/lib/multipath-lab/probe_sys window "$1" || return
  [ ! -e /lab/instructions ] || tail -n 2 /lab/instructions | { read -r before; read -r after; echo $((after - before)); }
}

# idle_daemon SECONDS: a daemon without maps makes no system call and no wake-up in this time. Its memory then is in $idle_memory (KiB).
idle_daemon() {
  local helpers before
  daemon_config
  daemon_start || fail "the daemon does not start"
  sleep 3
  helpers=$(pgrep -P "$daemon_pid" | tr '\n' ' ')
  before=$(lab_switches)
  cost_start calls || fail "the kernel cannot count system calls"
  /usr/bin/sleep "$1"
  cost_stop calls
  [ "$(cost_of calls 1 $$)" -gt 0 ] || fail "system calls are not counted"
  same "system calls in $1 s without anything to do" 0 "$(cost_of calls "$daemon_pid" $helpers)"
  same "wake-ups in $1 s without anything to do" 0 "$(($(lab_switches) - before))"
  printf '  in %d s: no system call, no wake-up\n' "$1"
  idle_memory=$(daemon_memory)
  daemon_stop || fail "the daemon does not end"
}
lab_switches() { cat /proc/"$daemon_pid"/task/*/status | awk '/^voluntary_ctxt_switches/ { sum += $2 } END { print sum }'; }
