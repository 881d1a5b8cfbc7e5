# timeout: 150
# SPDX-License-Identifier: LGPL-2.1-or-later
# A volume grows and shrinks under verified I/O. Nobody rescans the paths but the daemon.

# volume MB: the array gives the LUN another size.
volume() { truncate -s "$1M" /run/tcm/lu0 && echo "fd_dev_size=$(($1 << 20))" >"$(lab_tcm_core 0)/control"; }
sectors() { blockdev --getsz /dev/mapper/"$map"; }

note "one LUN, four paths, 16 MB"
san_tcm 1 4 16 || fail "no array"
map=$(tcm_wwid 0)
check_often="polling_interval 2
	max_polling_interval 4"
daemon_config "$check_often"
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 1 4 || fail "no map"
same "size" 32768 "$(sectors)"
io_start "$map" || fail "no I/O"

note "it grows"
volume 32
sg_readcap --16 "/dev/$(tcm_disk 0 0)" | grep -q "Device size: 33554432" || { note "left out: the array's size does not follow its file"; exit 0; }
same "reply" ok "$(multipathd resize map "$map")"
same "size" 65536 "$(sectors)"
for path in 0 1 2 3; do same "size of path $path" 65536 "$(cat "/sys/block/$(tcm_disk $path 0)/size")"; done
io_goes_on || fail "I/O stands still"
same "resize to the size it has" ok "$(multipathd resize map "$map")"

note "by itself"
daemon_config "$check_often
	auto_resize grow_only"
same "reply" ok "$(multipathd reconfigure)"
wait_for 10 daemon_idle || fail "not idle"
volume 48
inj_rescan "$(tcm_disk 2 0)"
wait_for 15 '[ "$(sectors)" = 98304 ]' || fail "it does not follow its paths: $(sectors)"
io_goes_on || fail "I/O stands still"
io_stop || fail "I/O errors"

note "a path that lags is named"
lagging=$(tcm_disk 3 0)
inj_offline "$lagging"
wait_for 15 '[ "$(path_field '"$lagging"' %T)" = faulty ]' || fail "not seen offline"
volume 64
said=$(multipathd resize map "$map")
[[ $said == *"$lagging still has 98304 sectors"* ]] || fail "it is not named: $said"
same "size" 98304 "$(sectors)"
inj_online "$lagging"
wait_for 15 '[ "$(path_field '"$lagging"' %T)" = ready ]' || fail "not back"
wait_for 15 '[ "$(multipathd resize map '"$map"')" = ok ]' || fail "not resized with it"
same "size" 131072 "$(sectors)"

note "smaller, by command only"
volume 16
for path in 0 1 2 3; do inj_rescan "$(tcm_disk $path 0)"; done
sleep 2
same "size" 131072 "$(sectors)"
same "reply" ok "$(multipathd resize map "$map")"
same "size" 32768 "$(sectors)"
daemon_stop || fail "the daemon does not end"
note "done"
