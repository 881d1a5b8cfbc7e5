# timeout: 170
# SPDX-License-Identifier: LGPL-2.1-or-later
# What would be done is said before it is done: mpathctl plan, explain and what-if with a running daemon, multipath -d with and without one.
# Nothing of it touches the kernel, and a reconfigure then does exactly what the plan said.

ask() { same "reply to $*" ok "$(multipathd "$@")"; }
# said STATUS PATTERN... -- COMMAND...: the command ends so and its output holds every text.
said() {
  local status=$1 patterns=() output
  shift
  while [ "$1" != -- ]; do patterns+=("$1"); shift; done
  shift
  output=$("$@" 2>&1)
  same "exit status of $*" "$status" $?
  for pattern in "${patterns[@]}"; do
    [[ $output == *"$pattern"* ]] || fail "$*: '$pattern' is missing in: $output"
  done
}
reconfigured() {
  local before
  before=$(grep -c '| configured: ' "$daemon_log")
  ask reconfigure
  wait_for 15 '[ "$(grep -c "| configured: " '"$daemon_log"')" -gt '"$before"' ]' || fail "not reconfigured"
  wait_for 15 daemon_idle || fail "not idle"
}
quiet() { wait_for 15 '[ "$(mpathctl plan | tail -n 1)" = "0 actions on 0 of 2 maps; 0 disks judged otherwise" ]'; }
untouched() {
  same "tables loaded by looking" 0 "$(probe_count table_load)"
  same "the tables" "$tables" "$(dmsetup table --target multipath)"
}

note "two LUNs, four paths"
TCM_ACCESS=1 san_tcm 2 4 16 || fail "no array"
wwid=$(tcm_wwid 0)
other=$(tcm_wwid 1)
first=$(tcm_disk 0 0)
daemon_config

note "without a daemon and without maps"
said 0 ": $wwid undef LIO-ORG" "status=undef" "undef ready running" -- multipath -d
said 0 ": $other undef" -- multipath -d
same "names only" "$wwid
$other" "$(multipath -d -v1)"
same "nothing at -v0" "" "$(multipath -d -v0)"
same "maps made by looking" "" "$(dmsetup ls --target multipath | grep -v 'No devices')"
same "one volume by its disk" 1 "$(multipath -d -v1 "/dev/$first" | wc -l)"
same "groups with -p failover" 4 "$(multipath -d -p failover "/dev/$first" | grep -c "policy=")"
same "groups with -p multibus" 1 "$(multipath -d -p multibus "$wwid" | grep -c "policy=")"
said 1 "vda: is no path: blacklisted" -- multipath -d /dev/vda
said 1 "'nonsense' is not a valid policy" -- multipath -d -p nonsense
said 1 "'/dev/nowhere' is not a valid argument" -- multipath -d /dev/nowhere
said 0 "===== paths list =====" "$first" "create: map missing" -- multipath -d -v3
[ ! -e /etc/multipath/wwids ] || fail "looking wrote a state file"

note "a running daemon, nothing to do"
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 2 8 || fail "no maps"
quiet || fail "the plan is not empty after the start: $(mpathctl plan)"
reconfigured
quiet || fail "the plan is not empty after a reconfiguration: $(mpathctl plan)"
same "exit status of an empty plan" 0 "$(mpathctl plan >/dev/null; echo $?)"
tables=$(dmsetup table --target multipath)
probe_start || fail "no kprobes"
said 0 ": $wwid dm-" "status=active" "active ready running" -- multipath -d

note "another configuration: the plan says what, why and where it stands"
cat >/run/other.conf <<CONF
defaults {
	find_multipaths greedy
	failback immediate
	no_path_retry queue
	path_selector "queue-length 0"
}
blacklist {
	devnode "^vd"
}
overrides {
	detect_pgpolicy no
	path_grouping_policy multibus
	path_checker tur
	no_path_retry queue
}
multipaths {
	multipath {
		wwid $wwid
		alias data
	}
}
CONF
said 2 "rename: name differs: $wwid becomes data" "alias \"data\"" "/run/other.conf:19 (multipaths)" "reload: path selector differs" \
  "path_selector \"queue-length 0\"" "/run/other.conf:5 (defaults)" "path_grouping_policy \"multibus\"" "+group 1: queue-length 0" " $first 1" \
  "3 actions on 2 of 2 maps" -- mpathctl plan --config /run/other.conf
said 2 '"changes": true' '"new_name": "data"' -- mpathctl plan --json --config /run/other.conf
said 2 "1 action on 1 of 1 map" -- mpathctl plan --config /run/other.conf "$other"
planned=$(mpathctl plan --config /run/other.conf | grep -Eo '^  (reload|rename|create|resize)' | sort | uniq -c)
untouched
cp /run/other.conf /etc/multipath.conf
said 0 ": data ($wwid) dm-" "policy='queue-length 0' prio=30 status=undef" -- multipath -d "$wwid"
same "what the system's file would bring" "3" "$(mpathctl plan | grep -Ec '^  (reload|rename)')"
untouched

note "and that is what is done"
lines=$(wc -l <"$daemon_log")
reconfigured
wait_for 10 '[ "$(probe_count dm_swap_table)" = 2 ]' || fail "not loaded: $(probe_count dm_swap_table)"
same "what was done" "$planned" "$(tail -n "+$((lines + 1))" "$daemon_log" | grep -Eo ': (reload|rename|create|resize): ' | tr -d ':' | sed 's/^ /  /; s/ $//' | sort | uniq -c)"
quiet || fail "something is left: $(mpathctl plan)"
same "tables loaded" 2 "$(probe_count table_load)"

note "explain"
said 0 "multibus: all paths are one group" "/etc/multipath.conf:12 (overrides)" "queue-length 0" -- mpathctl explain data
said 0 "ready (up)" "data; in its table active" "prioritizer alua" -- mpathctl explain "$first"
said 0 "not used" "blacklisted by the device node rule" "in use      mounted on /" -- mpathctl explain vda
said 1 "nowhere" -- mpathctl explain nowhere

note "a disk that others hold gets no map, and they are named"
san_sdebug 1 1 dev_size_mb=16 >/dev/null 2>&1 || fail "no further disk"
held=$(lsblk -dno NAME,VENDOR | while read -r name vendor; do [ "$vendor" = Linux ] && echo "$name"; done)
wait_for 15 '[ "$(multipathd show maps raw format %n | wc -l)" = 3 ]' || fail "no third map"
third=$(sdebug_wwid 0)
[ -e "/dev/mapper/$third" ] || third=$(multipathd show maps raw format %n | grep -v -e data -e "$other")
ask remove map "$third"
# (Other dm devices share a disk with a map; who opened it for himself does not.)
python3 -c 'import os, sys, time; os.open(sys.argv[1], os.O_RDWR | os.O_EXCL); print("open", flush=True); time.sleep(1000)' "/dev/$held" >/run/holder.out &
holder=$!
wait_for 10 'grep -q open /run/holder.out' || fail "the disk cannot be held"
multipathd add map "$third" >/run/add.out
wait_for 15 'grep -q "$third: create failed: .*open by python3 ($holder)" '"$daemon_log" || fail "the holder is not named: $(grep "create failed" "$daemon_log")"
grep "create failed" "$daemon_log" | head -n 1 | sed 's/^/  /'
wait_for 5 '[ -e "/run/multipath/failed_wwids/$third" ]' || fail "the failed map is not marked"
same "mode of the mark" 400 "$(stat -c %a "/run/multipath/failed_wwids/$third")"
said 0 "in use      open by python3 ($holder)" -- mpathctl explain "$held"
kill "$holder"
wait_for 70 '[ -e "/dev/mapper/$third" ]' || fail "not made when the disk is free"
wait_for 5 '[ ! -e "/run/multipath/failed_wwids/$third" ]' || fail "the mark stays"

note "what if"
said 0 "data dm-" "3 of 4 paths left without $first: stays redundant" -- mpathctl what-if fail "$first"
said 2 "data dm-" "would have NO path" -- mpathctl what-if remove "$first" "$(tcm_disk 1 0)" "$(tcm_disk 2 0)" "$(tcm_disk 3 0)"
said 64 "nothere" -- mpathctl what-if fail nothere

daemon_stop || fail "the daemon does not end"
note "done"
