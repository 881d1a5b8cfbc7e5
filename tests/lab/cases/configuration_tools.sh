# timeout: 150
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the configuration says of real disks: multipath -t and -T, mpathctl lint and why, as root and as somebody else, with and without
# the daemon.

note "two LUNs, four paths, an alias"
san_tcm 2 4 16 || fail "no array"
daemon_config "user_friendly_names yes" "multipaths {
	multipath {
		wwid $(tcm_wwid 1)
		alias first
		no_path_retry 7
	}
}"
disk=$(tcm_disk 0 1)
# The machine lays the tree with the modes of a private folder.
chmod 755 / /usr
nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }

note "without the daemon"
mpathctl lint >/run/lint
same "status of lint: $(cat /run/lint)" 0 $?
nobody mpathctl lint >/dev/null || fail "lint needs root"
nobody multipath -t >/run/all 2>/dev/null || fail "multipath -t needs root"
nobody multipath -T >/dev/null 2>&1 && fail "multipath -T does not need root"
nobody mpathctl why "/dev/$disk" no_path_retry >/run/why || fail "why needs root"
grep -q "$disk: vendor \"LIO-ORG\".* WWID $(tcm_wwid 1)" /run/why || fail "the disk is not described: $(cat /run/why)"
grep -q '^no_path_retry 7 .*/etc/multipath.conf:[0-9]* (multipaths)' /run/why || fail "the value: $(cat /run/why)"
grep -q 'not "queue" .*(devices)' /run/why || fail "what was overridden: $(cat /run/why)"
cp /run/why /run/why.before
multipath -T >/run/used 2>/run/said || fail "multipath -T: $(cat /run/said)"
same "devices of multipath -t" yes "$([ "$(grep -c $'^\tdevice {' /run/all)" -gt 50 ] && echo yes)"
grep -q 'vendor "LIO-ORG"' /run/used || fail "the used entry is not printed"
grep -q 'vendor "NETAPP"' /run/used && fail "an unused entry is printed"

note "with the daemon and its maps"
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 2 8 || fail "no maps"
multipath -T >/run/used 2>/run/said || fail "multipath -T: $(cat /run/said)"
multipathd show config local >/run/local
diff /run/used /run/local || fail "multipath -T and show config local differ"
grep -q '# alias "first"' /run/used || fail "the map's name is not printed"
same "blocks of multipaths" 2 "$(grep -c $'^\tmultipath {' /run/used)"
mpathctl why "$disk" no_path_retry | diff - /run/why.before || fail "the answer depends on the daemon"
mpathctl lint /run/used >/run/lint
[ $? -lt 2 ] || fail "errors in our own dump: $(cat /run/lint)"

note "a broken file"
printf 'blacklist {\n\tdevnode "^(sd"\n}\n' >>/etc/multipath.conf
mpathctl lint >/run/lint
same "status of lint" 2 $?
multipath -t >/dev/null 2>&1
same "status of multipath -t" 1 $?
multipathd reconfigure >/dev/null
wait_for 10 daemon_idle || fail "the daemon is gone"
wait_for 5 grep -q "the running one stays in force" "$daemon_log" || fail "the refusal is not told"
multipathd show config local | diff - /run/local || fail "the running configuration changed"
daemon_stop || fail "the daemon does not end"
