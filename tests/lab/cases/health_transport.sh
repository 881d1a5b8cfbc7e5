# timeout: 150
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the daemon writes to the kernel's transports: the timeout of iSCSI sessions, the deadline of error handling of a host, the retries of
# a disk; with the reference's rules, and again when a session is a new one.

setting() { cat "/sys/class/$1" 2>/dev/null; }
recovery() { setting "iscsi_session/$(iscsi_session "$1")/recovery_tmo"; }
retries() { setting "scsi_disk/$(scsi_address "$1")/max_retries"; }
# configured OVERRIDES [DEFAULTS]
configured() {
  daemon_config "polling_interval 1
	max_polling_interval 1
	${2-}" "overrides {
	$1
}"
}
reconfigured() {
  configured "$@"
  same "reply to reconfigure" ok "$(multipathd reconfigure)"
  wait_for 10 daemon_idle || fail "the daemon does not come to rest"
}

note "two LUNs, two iSCSI sessions; one LUN, two other hosts"
san_iscsi 2 2 || fail "no iSCSI"
for session in 0 1; do
  same "recovery_tmo of session $session, as open-iscsi sets it" 120 "$(recovery $session)"
done
# The kernel takes no deadline from hosts of iSCSI sessions, so there is another array.
san_sdebug 1 2 || fail "no scsi_debug"
debug=(/sys/bus/pseudo/devices/adapter*/host*/scsi_host/host*)
same "hosts of scsi_debug" 2 ${#debug[@]}
debug=("${debug[@]##*/}")
deadlines() { echo "$(setting "scsi_host/${debug[0]}/eh_deadline") $(setting "scsi_host/${debug[1]}/eh_deadline")"; }
same "deadlines of error handling" "off off" "$(deadlines)"
configured "no_path_retry queue"
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 3 6 || fail "no maps"
same "protocol" scsi:iscsi "$(path_field "$(iscsi_disk 0 0)" %P)"

note "fast_io_fail_tmo is 5 unless something else is said"
for session in 0 1; do wait_for 10 '[ "$(recovery '$session')" = 5 ]' || fail "recovery_tmo of session $session is $(recovery $session)"; done

note "what is said"
reconfigured "no_path_retry queue
	fast_io_fail_tmo 17
	dev_loss_tmo 60
	eh_deadline 30" "max_retries 3"
for session in 0 1; do
  wait_for 10 '[ "$(recovery '$session')" = 17 ]' || fail "recovery_tmo of session $session is $(recovery $session)"
  for lun in 0 1; do
    disk=$(iscsi_disk $session $lun)
    wait_for 5 '[ "$(retries "$disk")" = 3 ]' || fail "max_retries of $disk is $(retries "$disk")"
  done
done
wait_for 5 '[ "$(deadlines)" = "30 30" ]' || fail "the deadlines are $(deadlines)"
wait_for 5 grep -q "dev_loss_tmo 60 becomes 4294967295" "$daemon_log" || fail "nothing is said of dev_loss_tmo"
wait_for 5 grep -q "eh_deadline 30 is refused" "$daemon_log" || fail "nothing is said of what the kernel refuses"

note "off: the session keeps what it has; the others are switched off"
reconfigured "no_path_retry queue
	fast_io_fail_tmo off
	eh_deadline off" "max_retries off"
wait_for 10 '[ "$(deadlines)" = "off off" ]' || fail "the deadlines are $(deadlines)"
for session in 0 1; do
  wait_for 5 '[ "$(retries "$(iscsi_disk '$session' 0)")" = -1 ]' || fail "max_retries is not off"
  same "recovery_tmo of session $session" 17 "$(recovery $session)"
done

note "not below dev_loss_tmo, which no_path_retry 2 makes 7 s: fast_io_fail_tmo is not used"
reconfigured "no_path_retry 2
	fast_io_fail_tmo 9
	eh_deadline 10"
wait_for 10 '[ "$(deadlines)" = "10 10" ]' || fail "the deadlines are $(deadlines)"
for session in 0 1; do same "recovery_tmo of session $session" 17 "$(recovery $session)"; done
wait_for 5 grep -q "fast_io_fail_tmo 9 is switched off" "$daemon_log" || fail "nothing is said of it"

note "a session that is lost and found: it gets the settings again"
reconfigured "no_path_retry queue
	fast_io_fail_tmo 8
	eh_deadline 20"
for session in 0 1; do wait_for 10 '[ "$(recovery '$session')" = 8 ]' || fail "recovery_tmo of session $session is $(recovery $session)"; done
iscsiadm -m node -p 127.0.0.2 --logout >/dev/null || fail "no logout"
wait_for 20 maps_up 3 4 || fail "the paths do not leave"
iscsiadm -m node -p 127.0.0.2 --login >/dev/null || fail "no login"
wait_for 20 maps_up 3 6 || fail "the paths do not return"
wait_for 10 '[ "$(recovery 1)" = 8 ]' || fail "recovery_tmo of the new session is $(recovery 1)"
same "deadlines of error handling" "20 20" "$(deadlines)"
daemon_stop || fail "the daemon does not end"
note "done"
