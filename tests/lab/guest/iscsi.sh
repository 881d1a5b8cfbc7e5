# SPDX-License-Identifier: LGPL-2.1-or-later
# An iSCSI array of the kernel's own, reached over the loopback interface. Sourced by lib.sh.

lab_iscsi=/sys/kernel/config/target/iscsi/iqn.2020-01.lab:array

# san_iscsi LUNS SESSIONS [MB]: each session leads to a portal group of its own (127.0.0.1, 127.0.0.2, …), which shows all LUNs. WWIDs as
# of san_tcm (tcm_wwid); the access states stay as they are.
san_iscsi() {
  local luns=$1 sessions=$2 size=${3:-16} lun session group before
  before=$(lab_disks)
  modprobe -a sg sd_mod scsi_dh_alua target_core_mod target_core_file iscsi_target_mod iscsi_tcp || return
  mountpoint -q /sys/kernel/config || mount -t configfs config /sys/kernel/config
  mkdir -p /run/tcm /var/target/alua
  mountpoint -q /run/tcm || mount -t tmpfs -o size=100% tcm /run/tcm
  lab_tcm_luns=$luns
  for ((lun = 0; lun < luns; lun++)); do
    lab_tcm_store "$lun" "$size" || return
  done
  for ((session = 0; session < sessions; session++)); do
    group=$(iscsi_portal_group "$session")
    mkdir -p "$group/np/127.0.0.$((session + 1)):3260" || return
    echo 0 >"$group/attrib/authentication"
    echo 1 >"$group/attrib/generate_node_acls"
    echo 0 >"$group/attrib/demo_mode_write_protect"
    for ((lun = 0; lun < luns; lun++)); do
      mkdir "$group/lun/lun_$lun" && ln -s "$(lab_tcm_core "$lun")" "$group/lun/lun_$lun/store" || return
    done
    echo 1 >"$group/enable" || return
  done
  echo InitiatorName=iqn.2020-01.lab:machine >/etc/iscsi/initiatorname.iscsi
  iscsid || return
  iscsiadm -m discovery -t sendtargets -p 127.0.0.1 >/dev/null && iscsiadm -m node --login >/dev/null || return
  lab_arrived $((before + luns * sessions))
}

# iscsi_portal_group SESSION: prints its configfs folder.
iscsi_portal_group() { echo "$lab_iscsi/tpgt_$(($1 + 1))"; }

# iscsi_session SESSION: prints the name of the kernel's session, as in session1.
iscsi_session() {
  local folder
  for folder in /sys/class/iscsi_session/session*; do
    [ "$(<"$folder/tpgt")" != $(($1 + 1)) ] || echo "${folder##*/}"
  done
}

# iscsi_disk SESSION LUN: prints the disk's name.
iscsi_disk() {
  local found
  found=$(echo /sys/class/iscsi_session/"$(iscsi_session "$1")"/device/target*/*:"$2"/block/*)
  [ -d "$found" ] && echo "${found##*/}"
}

# iscsi_remap SESSION LUN OTHER: behind the portal group the LUN is another volume from now on; the disk stays.
iscsi_remap() {
  local lun
  lun=$(iscsi_portal_group "$1")/lun/lun_$2
  rm "$lun/store" && ln -s "$(lab_tcm_core "$3")" "$lun/store"
}
