# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon under test and verified I/O on its maps. Sourced by lib.sh.

daemon_log=/run/multipathd.log

# daemon_config [DEFAULTS [SECTIONS]]: writes /etc/multipath.conf: every disk but the machine's own is taken, ALUA or
# equal paths; lines for the section "defaults", and whole sections.
daemon_config() {
  mkdir -p /etc/multipath
  cat >/etc/multipath.conf <<CONF
defaults {
	find_multipaths greedy
	failback immediate
	no_path_retry queue
	path_checker tur
	${1-}
}
blacklist {
	devnode "^vd"
}
devices {
	device {
		vendor LIO-ORG
		product .*
		path_checker tur
		no_path_retry queue
		failback immediate
	}
}
${2-}
CONF
}

# daemon_start [ARG...]: starts multipathd -d -v3 and waits until it is up. Sets daemon_pid; its log is $daemon_log.
daemon_start() {
  multipathd -d -v3 "$@" >>"$daemon_log" 2>&1 &
  daemon_pid=$!
  disown "$daemon_pid"
  wait_for 30 daemon_idle
}
daemon_idle() { [[ $(multipathd show daemon) == "pid $daemon_pid idle" ]]; }

# sanitized: the daemon is a build with sanitizers: what it needs of memory and time, and how much it locks, says nothing of others.
sanitized() { grep -qE '__(a|t)san_init|__ubsan_handle' "$(command -v multipathd)"; }

# daemon_memory: how much memory of its own the daemon has, in KiB: without what it shares with files.
daemon_memory() { awk '/^RssAnon/ { print $2 }' "/proc/$daemon_pid/status"; }

# daemon_ends: the daemon is gone.
daemon_ends() { wait_for "${1:-10}" '[ ! -d /proc/'"$daemon_pid"' ]'; }

# daemon_stop: orderly.
daemon_stop() { multipathd shutdown >/dev/null && daemon_ends; }

# A case that fails shows what the daemon said.
daemon_tell() {
  local status=$?
  if [ "$status" != 0 ] && [ -s "$daemon_log" ]; then
    echo "---- end of the daemon's log" && tail -n 40 "$daemon_log" && echo "----"
  fi >&2
  return "$status"
}
trap daemon_tell EXIT

# maps_up COUNT PATHS: that many maps are there, all together with that many usable paths, links included.
maps_up() {
  local links=(/dev/mapper/[!c]*) line paths=0
  [ -e "${links[0]}" ] && [ ${#links[@]} = "$1" ] || return
  while read -r line; do paths=$((paths + line)); done < <(multipathd show maps raw format %N)
  [ "$paths" = "$2" ]
}

# path_field DISK WILDCARD: what the daemon shows of a path, as in path_field sda %T.
path_field() {
  local disk value
  while read -r disk value; do
    [ "$disk" != "$1" ] || { echo "$value"; return; }
  done < <(multipathd show paths raw format "%d $2")
  return 1
}

# path_is DISK CHECKER-STATE DM-STATE: in `multipathd show paths`.
path_is() { [ "$(path_field "$1" '%T/%t')" = "$2/$3" ]; }

# both_see MAP DISK up|failed: the daemon and the kernel's table agree about a path.
both_see() {
  case $3 in
    up) path_is "$2" ready active && [ "$(dm_path_state "$1" "$2")" = A ] ;;
    failed) path_is "$2" faulty failed && [ "$(dm_path_state "$1" "$2")" = F ] ;;
  esac
}

# group_state MAP GROUP: A (in use), E or D: the state of a group in the kernel's status, 1 is the first.
group_state() {
  local words word i n
  read -r -a words < <(dmsetup status --noflush "$1")
  i=3
  n=${words[i]}; i=$((i + 1 + n))             # features
  n=${words[i]}; i=$((i + 1 + n))             # hardware handler
  i=$((i + 2))                                # number of groups, the one to try
  for ((group = 1; group < $2; group++)); do
    n=${words[i + 1]}; i=$((i + 2 + n))       # state, selector's words
    local paths=${words[i]} more=${words[i + 1]}
    i=$((i + 2 + paths * (3 + more)))
  done
  echo "${words[i]}"
}

# --- verified I/O

# io_start MAP [FIO-ARG...]: fio writes and verifies (crc32c, any error ends it) until io_stop.
io_start() {
  io_map=$1
  shift
  io_dm=$(readlink -f "/dev/mapper/$io_map") && io_dm=${io_dm##*/}
  fio --name=io --filename="/dev/mapper/$io_map" --ioengine=libaio --direct=1 --rw=randwrite --bs=4k --size=8M \
    --iodepth=8 --verify=crc32c --verify_fatal=1 --verify_backlog=64 --rate_iops=200,200 --time_based --runtime=1000 \
    --output=/run/fio.json --output-format=json "$@" >/run/fio.log 2>&1 &
  io_pid=$!
  io_goes_on 20
}

# io_done: prints how many reads and writes the map has completed.
io_done() {
  local r x y z w rest
  read -r r x y z w rest <"/sys/block/$io_dm/stat" && echo $((r + w))
}

# io_goes_on [SECONDS [COUNT]]: that many (100) further I/Os complete within the time (10 s).
io_goes_on() {
  [ -d "/proc/$io_pid" ] || { cat /run/fio.log; return 1; }
  local before
  before=$(io_done)
  wait_for "${1:-10}" "(( \$(io_done) >= $((before + ${2:-100})) ))"
}

# io_stop: ends fio; fails unless there was no error. Prints reads and writes done and the longest completion time.
io_stop() {
  local status
  kill -INT "$io_pid"
  wait "$io_pid"
  status=$?
  # 128: ended by a signal, which is what was asked for.
  [ "$status" = 0 ] || [ "$status" = 128 ] || { echo "fio's status is $status"; cat /run/fio.log; return 1; }
  python3 - <<'PYTHON'
import json, sys
text = open("/run/fio.json").read()
job = json.loads(text[text.index("{"):])["jobs"][0]
worst = max(job[way]["clat_ns"]["max"] for way in ("read", "write"))
print(f"I/O: {job['write']['total_ios']} writes, {job['read']['total_ios']} verifying reads, "
      f"errors {job['error']}, longest {worst / 1e6:.0f} ms")
sys.exit(job["error"] != 0 or job["write"]["total_ios"] < 100)
PYTHON
}
