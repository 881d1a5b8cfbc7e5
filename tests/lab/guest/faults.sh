# SPDX-License-Identifier: LGPL-2.1-or-later
# Faults. DEV is sda, /dev/sda or host:channel:target:lun. Sourced by lib.sh.

# scsi_path DEV: prints the disk's sysfs folder, which keeps its name when the disk is renamed or lost.
scsi_path() {
  case $1 in
    *:*:*:*) echo "/sys/class/scsi_device/$1/device" ;;
    *) readlink -f "/sys/block/${1#/dev/}/device" ;;
  esac
}

# scsi_address DEV: prints host:channel:target:lun.
scsi_address() {
  case $1 in
    *:*:*:*) echo "$1" ;;
    *) local path; path=$(scsi_path "$1") && echo "${path##*/}" ;;
  esac
}

# --- any SCSI disk

inj_offline() { echo offline >"$(scsi_path "$1")/state"; }
inj_online() { echo running >"$(scsi_path "$1")/state"; }
inj_delete() { echo 1 >"$(scsi_path "$1")/delete"; }
inj_rescan() { echo 1 >"$(scsi_path "$1")/rescan"; }

# inj_scan_all: brings back whatever the arrays show and is not there.
inj_scan_all() {
  local host path lun
  for host in /sys/class/scsi_host/host*; do
    echo '- - -' >"$host/scan"
  done
  # A host of tcm_loop scans LUN 0 only.
  for ((path = 0; path < ${lab_tcm_paths:-0}; path++)); do
    for ((lun = 0; lun < lab_tcm_luns; lun++)); do
      if [ -d "$(tcm_port "$path")/lun/lun_$lun" ] && ! tcm_disk "$path" "$lun" >/dev/null; then
        tcm_unmap "$path" "$lun" && tcm_map "$path" "$lun"
      fi
    done
  done
}

# --- scsi_debug (kernel 6.12 and later). A rule stays until it is taken back.

lab_error() { echo "/sys/kernel/debug/scsi_debug/$(scsi_address "$1")/error"; }

# inj_hang DEV: no command of the disk is answered any more. inj_unhang DEV: new ones are; those already sent end by
# their time-out.
inj_hang() { echo "0 1 0xff" >"$(lab_error "$1")"; }
inj_unhang() { echo "- 0 0xff" >"$(lab_error "$1")"; }

# inj_noconn DEV: every command fails with the host byte of a lost connection. With sense key 0 the disk driver would
# try again for ever, so there is one. inj_conn DEV takes it back.
inj_noconn() { echo "2 1 0xff 0x01 0 0x02 0x0b 0x08 0x00" >"$(lab_error "$1")"; }
inj_conn() { echo "- 2 0xff" >"$(lab_error "$1")"; }

# inj_sense DEV KEY ASC ASCQ [OPCODE]: every command, or those with the opcode, fail with this sense.
inj_sense() { echo "2 1 ${5:-0xff} 0 0 0x02 $2 $3 $4" >"$(lab_error "$1")"; }
inj_unsense() { echo "- 2 ${2:-0xff}" >"$(lab_error "$1")"; }

# --- san_tcm

# inj_tcm_port PATH offline|online: commands through the port fail at once.
inj_tcm_port() { echo "$2" >"$(tcm_port "$1")/transport_status"; }

# inj_controller A|B offline|online: all ports of a controller.
inj_controller() {
  local path
  for ((path = 0; path < lab_tcm_paths; path++)); do
    [ "$(tcm_group "$path")" != "$1" ] || inj_tcm_port "$path" "$2" || return
  done
}

# inj_alua GROUP STATE [LUN]: the access state of group A or B, of all LUNs or of one: optimized, non-optimized,
# standby, unavailable, offline.
inj_alua() {
  local state lun
  case $2 in
    optimized) state=0 ;; non-optimized) state=1 ;; standby) state=2 ;; unavailable) state=3 ;; offline) state=14 ;;
    *) echo "inj_alua: unknown state $2" >&2; return 64 ;;
  esac
  for ((lun = 0; lun < lab_tcm_luns; lun++)); do
    [ "${3:-$lun}" != "$lun" ] || echo "$state" >"$(lab_tcm_core "$lun")/alua/$1/alua_access_state" || return
  done
}
