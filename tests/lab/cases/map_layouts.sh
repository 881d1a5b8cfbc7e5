# timeout: 300
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every grouping policy with every path selector that this kernel has, on an ALUA array: the table is loaded once, and what the kernel
# prints of it is known as right, so that the next reconfiguration loads nothing.

groups_of() { local words; read -r -a words < <(dmsetup table "$map"); echo "${words[@]}" | grep -o "$1" | wc -l; }
reconfigured() {
  local before
  before=$(grep -c '| configured: ' "$daemon_log")
  same "reply to reconfigure" ok "$(multipathd reconfigure)"
  wait_for 15 '[ "$(grep -c "| configured: " '"$daemon_log"')" -gt '"$before"' ]' || fail "not reconfigured"
  wait_for 15 daemon_idle || fail "not idle"
}
quiet() {
  local count=$1
  wait_for 5 '[ "$(probe_count dm_swap_table)" = "$(probe_count table_load)" ]'
  [ "$(probe_count table_load)" = "$count" ]
}

note "one LUN, four paths"
TCM_ACCESS=1 san_tcm 1 4 16 || fail "no array"
map=$(tcm_wwid 0)
daemon_config
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 1 4 || fail "no map"
probe_start || fail "no kprobes"

selectors=("round-robin 0" "queue-length 0" "service-time 0")
modprobe dm-historical-service-time 2>/dev/null && selectors+=("historical-service-time 0" "historical-service-time 2 900 1") ||
  note "left out: historical-service-time, the kernel has no module for it"
modprobe dm-io-affinity 2>/dev/null && selectors+=("io-affinity 0") || note "left out: io-affinity, the kernel has no module for it"

for selector in "${selectors[@]}"; do
  # Number of groups of each policy. The kernel takes a CPU mask of io-affinity for one path of a group only.
  for expected in failover:4 multibus:1 group_by_serial:1 group_by_prio:2 group_by_node_name:1 group_by_tpg:2; do
    policy=${expected%:*} groups=${expected#*:}
    [[ $selector != io-affinity* || $policy = failover ]] || continue
    daemon_config "" "overrides {
	detect_pgpolicy no
	path_grouping_policy $policy
	path_selector \"$selector\"
}"
    reconfigured
    wait_for 10 '[ "$(groups_of " '"${selector%% *}"' ")" = '"$groups"' ]' ||
      fail "$policy, $selector: $groups groups expected: $(dmsetup table "$map")"
    before=$(probe_count table_load)
    reconfigured
    quiet "$before" || fail "$policy, $selector: loaded again: $(dmsetup table "$map")"
  done
  note "$selector: $(dmsetup table "$map")"
done
grep "it is not loaded again" "$daemon_log" && fail "a table was not known as right"
daemon_stop || fail "the daemon does not end"
note "done"
