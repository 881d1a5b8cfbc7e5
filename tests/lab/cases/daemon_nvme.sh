# timeout: 150
# SPDX-License-Identifier: LGPL-2.1-or-later
# NVMe namespaces with asymmetric access: checker none and prioritizer ana, both as detected, under verified I/O.

note "one namespace, two controllers"
san_nvme 1 2 || { note "left out: this kernel has no NVMe loop transport"; exit 0; }
daemon_config "polling_interval 2
	max_polling_interval 4
	path_grouping_policy group_by_prio" "blacklist_exceptions {
	property \"(ID_WWN|SCSI_IDENT_|ID_SERIAL|DEVNAME)\"
}"
daemon_start || fail "the daemon does not start"
first=nvme0n1 second=nvme1n1
seen() { [ "$(path_field $first %p)/$(path_field $second %p)" = "$1" ]; }
wait_for 20 seen 50/10 || { multipathd show paths; fail "no priorities"; }
same "checker" none "$(path_field $first %c)"
map=$(path_field $first %w)
wait_for 20 '[ -e "/dev/mapper/$map" ]' || { multipathd show maps; fail "no map"; }
io_start "$map" || fail "no I/O"
in_use() { [ "$(group_state "$map" "$1")" = A ]; }
wait_for 20 in_use 1 || fail "the optimized group is not in use"

note "the states change places, and back"
inj_ana 2 optimized
inj_ana 1 non-optimized
wait_for 15 seen 10/50 || fail "priorities stay: $(path_field $first %p)/$(path_field $second %p)"
wait_for 10 in_use 2 || fail "no switch to the optimized group"
io_goes_on || fail "I/O stands still"
inj_ana 1 optimized
inj_ana 2 non-optimized
wait_for 15 seen 50/10 || fail "priorities stay"
wait_for 10 in_use 1 || fail "no switch back"
io_goes_on || fail "I/O stands still"

note "in transition a path keeps its priority"
inj_ana 2 change
# Twice the checks of both paths.
checks() { mpathctl status --json | jq '[.. | .checks_finished? // empty] | first'; }
before=$(checks)
wait_for 20 '[ "$(checks)" -ge '$((before + 4))' ]' || fail "no checks"
seen 50/10 || fail "the priority was lost: $(path_field $first %p)/$(path_field $second %p)"
inj_ana 2 non-optimized
io_goes_on || fail "I/O stands still"
io_stop || fail "I/O errors"
daemon_stop || fail "the daemon does not end"
note "done"
