# timeout: 240
# SPDX-License-Identifier: LGPL-2.1-or-later
# Which maps come of which disks: identities, names, layouts, paths that come and go, links, state files, and what
# multipath(8) prints, compared with tests/data/topology byte by byte.

# configure [OVERRIDES [DEFAULTS]]: the paths of the LIO map are found in both controllers' groups.
configure() {
  daemon_config "polling_interval 1
	max_polling_interval 2
	user_friendly_names yes
	${2-}" "multipaths {
	multipath {
		wwid $lio
		alias data
	}
}
overrides {
	${1:-no_path_retry 5}
}"
}
reconfigure() { same "reply to reconfigure" ok "$(multipathd reconfigure)"; }

# paths_of MAP COUNT: so many usable paths.
paths_of() { [ "$(multipathd show map "$1" raw format %N | tr -d ' ')" = "$2" ]; }
# table_is MAP TABLE, but for the group that is tried first, which moves with the I/O.
table_is() { [ "$(dmsetup table "$1" | sed -E 's/^(.* alua [0-9]+) [0-9]+ /\1 N /; s/ *$//')" = "$2" ]; }
golden() {  # FILE COMMAND...
  local expected="/lab/data/topology/$1"
  shift
  "$@" >/run/printed 2>/run/errors || fail "$*: status $?"
  [ ! -s /run/errors ] || fail "$* complains: $(cat /run/errors)"
  cmp -s "$expected" /run/printed || fail "$* prints other than $expected: $(diff "$expected" /run/printed | cat -A)"
}

note "an ALUA volume on four paths; another on two comes while the daemon runs"
san_sdebug 1 2 || fail "no scsi_debug"
inj_delete sda
inj_delete sdb
san_tcm 1 4 64 || fail "no array"
lio=$(tcm_wwid 0) debug=$(sdebug_wwid 0)
configure
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 1 4 || fail "no map"
for host in 0 1; do
  echo "- - -" >"/sys/class/scsi_host/host$host/scan"
  wait_for 20 maps_up 2 $((5 + host)) || fail "no second map, or not all of its paths"
done
disk() { tcm_disk "$1" 0; }
same "disks" "sda sdb sdc sdd" "$(disk 0) $(disk 1) $(disk 2) $(disk 3)"
same "first map" dm-0 "$(multipathd show map data raw format %d | tr -d ' ')"

note "names, links, state files"
for name in data mpatha; do
  dm=$(readlink -f "/dev/mapper/$name")
  [ -b "$dm" ] || fail "no /dev/mapper/$name"
  wwid=$(cat "/sys/block/${dm##*/}/dm/uuid")
  for link in "dm-name-$name" "dm-uuid-$wwid" "scsi-${wwid#mpath-}" "wwn-0x${wwid#mpath-3}"; do
    same "where $link leads" "$dm" "$(readlink -f "/dev/disk/by-id/$link")"
  done
done
same "identity of data" "mpath-$lio" "$(dmsetup info -c --noheadings -o uuid data)"
same "identity of mpatha" "mpath-$debug" "$(dmsetup info -c --noheadings -o uuid mpatha)"
for wwid in "$lio" "$debug"; do
  same "lines of $wwid in wwids" 1 "$(grep -c "^/$wwid/$" /etc/multipath/wwids)"
done
same "bindings" "mpatha $debug" "$(grep -v '^#' /etc/multipath/bindings)"
for member in sda sdb sdc sdd; do
  wait_for 10 '[ "$(udevadm info -q property --property=DM_MULTIPATH_DEVICE_PATH --value /dev/'$member')" = 1 ]' ||
    fail "udev does not know that $member is a path"
done

note "what multipath prints"
golden alua-ll.txt multipath -ll data
golden alua-l.txt multipath -l data
golden alua-ll.txt multipath -ll "$lio"
golden alua-ll.txt multipath -ll /dev/sdc
same "the daemon's own topology" "$(sed 's/ *$//' /lab/data/topology/alua-ll.txt)" \
  "$(multipathd show map data topology | sed 's/ *$//')"

note "grouping and selectors"
for selector in round-robin queue-length service-time; do
  case $selector in
    service-time) per_path="2" weight=" 1 1" ;;
    *) per_path="1" weight=" 1" ;;
  esac
  a="8:0$weight" b="8:16$weight" c="8:32$weight" d="8:48$weight"
  head="0 131072 multipath 1 queue_if_no_path 1 alua"
  for policy in failover multibus group_by_prio; do
    configure "detect_pgpolicy no
	path_grouping_policy $policy
	path_selector \"$selector 0\"
	no_path_retry 5"
    case $policy in
      failover)
        table="$head 4 N"
        for member in "$a" "$b" "$c" "$d"; do table+=" $selector 0 1 $per_path $member"; done
        ;;
      multibus) table="$head 1 N $selector 0 4 $per_path $a $b $c $d" ;;
      group_by_prio) table="$head 2 N $selector 0 2 $per_path $a $b $selector 0 2 $per_path $c $d" ;;
    esac
    reconfigure
    wait_for 15 table_is data "$table" || fail "$policy, $selector: expected '$table', got '$(dmsetup table data)'"
  done
done
configure
reconfigure
wait_for 15 paths_of data 4 || fail "not all paths"

note "a path is offline"
configure "detect_pgpolicy no
	path_grouping_policy multibus
	path_selector \"queue-length 0\"
	no_path_retry fail"
reconfigure
inj_offline sdf
wait_for 10 path_is sdf faulty failed || fail "the offline path is not seen"
wait_for 10 '[[ $(dmsetup table mpatha) == "0 16384 multipath 0 1 alua 1 "* ]]' || fail "not one group"
# A group is active once I/O has chosen it.
dd if=/dev/mapper/mpatha of=/dev/null bs=4k count=1 iflag=direct status=none || fail "no I/O with a path left"
golden offline-ll.txt multipath -ll mpatha
inj_online sdf
wait_for 10 path_is sdf ready active || fail "the path does not return"

note "paths leave and return"
tcm_unmap 1 0
wait_for 10 paths_of data 3 || fail "the unmapped path stays"
wait_for 10 '[[ $(dmsetup table data) != *" 8:16 "* ]]' || fail "the unmapped path stays in the table"
tcm_map 1 0 || fail "no LUN"
wait_for 20 paths_of data 4 || fail "the path does not return"
address=$(scsi_address sdf)
inj_delete sdf
wait_for 10 paths_of mpatha 1 || fail "the deleted path stays"
inj_scan_all
wait_for 20 paths_of mpatha 2 || fail "the path does not return"
[ -d "/sys/class/scsi_device/$address" ] || fail "it is another path"

note "maps removed"
exec 9</dev/mapper/data
multipath -f data >/run/printed
same "status of multipath -f for a map in use" 1 $?
same "words of multipath -f for a map in use" "map or partition in use" "$(head -n 1 /run/printed)"
grep -q "^data: map in use: open by bash ($$)" /run/printed || fail "multipath -f does not name the holder: $(cat /run/printed)"
exec 9<&-
multipath -f data || fail "the map is not removed"
[ ! -e /dev/mapper/data ] || wait_for 5 '[ ! -e /dev/mapper/data ]' || fail "the link stays"
dmsetup info data >/dev/null 2>&1 && fail "the map stays"
[ -e /dev/mapper/mpatha ] || fail "the other map went, too"
multipath -f nothing >/run/printed
same "status of multipath -f for no map" 1 $?
configure
reconfigure
wait_for 20 maps_up 2 6 || fail "reconfigure does not make the map again"

note "identity from VPD pages instead of udev"
daemon_stop || fail "the daemon does not end"
dmsetup remove data && dmsetup remove mpatha || fail "the maps cannot be removed"
udevadm settle
rm /etc/multipath/wwids /etc/multipath/bindings
configure 'uid_attribute ""' 'uid_attribute ""'
daemon_start || fail "the daemon does not start"
wait_for 20 maps_up 2 6 || fail "no maps"
same "identity of data" "mpath-$lio" "$(dmsetup info -c --noheadings -o uuid data)"
# Its NAA identifier is only locally assigned; the T10 one comes first then.
same "identity of mpatha" "mpath-1Linux_scsi_debug_2000" "$(dmsetup info -c --noheadings -o uuid mpatha)"
daemon_stop || fail "the daemon does not end"
note "done"
