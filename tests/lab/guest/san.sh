# SPDX-License-Identifier: LGPL-2.1-or-later
# Emulated arrays. Sourced by lib.sh.

lab_target=/sys/kernel/config/target
lab_tcm_naa=naa.6001405000000

# san_sdebug LUNS PATHS [ARG=VALUE...]
# scsi_debug: PATHS hosts, each showing the same LUNS disks of 8 MB. For WWIDs see
# sdebug_wwid. All LUNs share one store: verify data on one only.
san_sdebug() {
  local luns=$1 paths=$2 targets before
  shift 2
  before=$(lab_disks)
  targets=$(((luns + 255) / 256))
  modprobe -a sg sd_mod scsi_dh_alua
  modprobe scsi_debug add_host="$paths" num_tgts="$targets" max_luns=$(((luns + targets - 1) / targets)) \
    vpd_use_hostno=0 dev_size_mb=8 delay=0 max_queue=32 "$@" || return
  lab_arrived $((before + luns * paths))
}

lab_disks() {
  local disks=(/sys/block/sd*/device)
  [ -d "${disks[0]}" ] && echo ${#disks[@]} || echo 0
}

# lab_arrived COUNT: waits until that many SCSI disks are there and udev has seen to them.
lab_arrived() {
  wait_for 60 '[ "$(lab_disks)" -ge '"$1"' ]' && udevadm settle --timeout=300
}

# sdebug_wwid LUN: prints the WWID of one of the first 256 LUNs.
sdebug_wwid() { printf '33333333%09x' $((2000 + $1)); }

# san_tcm LUNS PATHS [MB]
# The kernel's own target through tcm_loop: each path is a SCSI host with one port of the array. The first half of the
# paths (rounded up) leads to controller A, the rest to controller B; each controller is an ALUA target port group
# (A: id 1, optimized; B: id 2, non-optimized) of each LUN. WWIDs begin with 36001405. Data lies in memory.
# TCM_LAYOUT=alternate gives even paths to A and odd ones to B; TCM_BALANCE=yes makes B the optimized one for odd LUNs;
# TCM_ACCESS=1: states change by the array's will only. (Without it the kernel makes the group that it uses optimized.)
san_tcm() {
  local luns=$1 paths=$2 size=${3:-64} lun path port before
  before=$(lab_disks)
  modprobe -a sg sd_mod scsi_dh_alua target_core_mod target_core_file tcm_loop || return
  mountpoint -q /sys/kernel/config || mount -t configfs config /sys/kernel/config
  mkdir -p /run/tcm /var/target/alua
  mountpoint -q /run/tcm || mount -t tmpfs -o size=100% tcm /run/tcm
  lab_tcm_paths=$paths lab_tcm_luns=$luns
  for ((lun = 0; lun < luns; lun++)); do
    lab_tcm_store "$lun" "$size" || return
  done
  udevadm control --stop-exec-queue
  for ((path = 0; path < paths; path++)); do
    port=$(tcm_port "$path")
    mkdir -p "$port/lun" && echo "$lab_tcm_naa$(printf %03d "$path")" >"$port/nexus" || return
    for ((lun = 0; lun < luns; lun++)); do
      lab_tcm_map "$path" "$lun" || return
    done
  done
  udevadm control --start-exec-queue
  lab_arrived $((before + luns * paths))
}

# san_tcm_quiet: takes the array of san_tcm apart, disks included.
san_tcm_quiet() {
  local lun path port
  for ((path = 0; path < lab_tcm_paths; path++)); do
    port=$(tcm_port "$path")
    for ((lun = 0; lun < lab_tcm_luns; lun++)); do
      [ ! -d "$port/lun/lun_$lun" ] || tcm_unmap "$path" "$lun"
    done
    rmdir "$port" "${port%/*}"
  done
  for ((lun = 0; lun < lab_tcm_luns; lun++)); do
    rmdir "$(lab_tcm_core "$lun")"/alua/{A,B} "$(lab_tcm_core "$lun")"
  done
  udevadm settle --timeout=60
}

# tcm_port PATH: prints the configfs folder of the array's port behind the path.
tcm_port() { printf '%s/loopback/%s%03d/tpgt_1' "$lab_target" "$lab_tcm_naa" "$1"; }

# tcm_group PATH: prints the controller, A or B, to which the path leads.
tcm_group() {
  if [ "${TCM_LAYOUT-}" = alternate ]; then
    (($1 % 2 == 0)) && echo A || echo B
  else
    (($1 < (lab_tcm_paths + 1) / 2)) && echo A || echo B
  fi
}

# tcm_map PATH LUN: the array shows the LUN on the path; the disk arrives.
tcm_map() {
  udevadm control --stop-exec-queue
  lab_tcm_map "$1" "$2"
  local status=$?
  udevadm control --start-exec-queue
  return "$status"
}

lab_tcm_map() {
  local lun
  lun=$(tcm_port "$1")/lun/lun_$2
  # The link makes the disk at once, but a port can join its group only afterwards. So udev is made to wait: nobody
  # hears of the disk before it tells its group.
  mkdir "$lun" && ln -s "$(lab_tcm_core "$2")" "$lun/store" && tcm_group "$1" >"$lun/alua_tg_pt_gp" &&
    echo 1 >"/sys/class/scsi_device/$(tcm_address "$1" "$2")/device/rescan"
}

# tcm_unmap PATH LUN: the array no longer shows the LUN on the path; the disk leaves.
tcm_unmap() {
  local lun
  lun=$(tcm_port "$1")/lun/lun_$2
  rm "$lun/store" && rmdir "$lun"
}

# tcm_address PATH LUN: prints the disk's host:channel:target:lun.
tcm_address() {
  local address
  read -r address <"$(tcm_port "$1")/address" && echo "$address:$2"
}

# tcm_disk PATH LUN: prints the disk's name, as in sdc.
tcm_disk() {
  local found
  found=$(echo "/sys/class/scsi_device/$(tcm_address "$1" "$2")/device/block"/*)
  [ -d "$found" ] && echo "${found##*/}"
}

# tcm_wwid LUN: prints its WWID.
tcm_wwid() { printf '36001405%08x0000400080000000%d' $(($1 + 1)) 0; }

lab_tcm_core() { printf '%s/core/fileio_%d/lu%d' "$lab_target" "$1" "$1"; }

lab_tcm_store() {
  local lun=$1 size=$2 core group id=1
  core=$(lab_tcm_core "$lun")
  truncate -s "${size}M" "/run/tcm/lu$lun" && mkdir -p "$core" || return
  echo "fd_dev_name=/run/tcm/lu$lun,fd_dev_size=$((size << 20))" >"$core/control" || return
  printf '%08x-0000-4000-8000-%012x' $((lun + 1)) $((lun + 1)) >"$core/wwn/vpd_unit_serial"
  echo 1 >"$core/enable" || return
  for group in A B; do
    mkdir "$core/alua/$group" || return
    echo $((id++)) >"$core/alua/$group/tg_pt_gp_id"
    echo "${TCM_ACCESS:-3}" >"$core/alua/$group/alua_access_type"
  done
  if [ "${TCM_BALANCE-}" = yes ] && ((lun % 2)); then group=A; else group=B; fi
  echo 1 >"$core/alua/$group/alua_access_state"
}

# --- NVMe over the kernel's own loop transport (6.12 and later), without the kernel's multipathing

lab_nvmet=/sys/kernel/config/nvmet

# san_nvme NAMESPACES CONTROLLERS: each controller is a port of its own of one array and shows all namespaces, 16 MB each; the first half of
# the ports is ANA optimized, the others non-optimized. Fails where the kernel has no such transport.
san_nvme() {
  local spaces=$1 ports=$2 space port
  modprobe nvme_core multipath=N && modprobe -a nvmet nvme_loop && modprobe brd rd_nr="$spaces" rd_size=16384 || return
  mountpoint -q /sys/kernel/config || mount -t configfs config /sys/kernel/config
  local array=$lab_nvmet/subsystems/lab
  mkdir -p "$array" && echo 1 >"$array/attr_allow_any_host" || return
  for ((space = 1; space <= spaces; space++)); do
    mkdir "$array/namespaces/$space" && echo "/dev/ram$((space - 1))" >"$array/namespaces/$space/device_path" || return
    printf '00000000-0000-4000-8000-%012x' "$space" >"$array/namespaces/$space/device_uuid"
    echo 1 >"$array/namespaces/$space/enable" || return
  done
  for ((port = 1; port <= ports; port++)); do
    mkdir "$lab_nvmet/ports/$port" && echo loop >"$lab_nvmet/ports/$port/addr_trtype" &&
      echo "$port" >"$lab_nvmet/ports/$port/addr_traddr" || return
    ((port <= (ports + 1) / 2)) || inj_ana "$port" non-optimized || return
    ln -s "$array" "$lab_nvmet/ports/$port/subsystems/lab" || return
    echo "transport=loop,nqn=lab,traddr=$port" >/dev/nvme-fabrics || return
  done
  wait_for 20 '[ "$(ls -d /sys/block/nvme*n* | wc -l)" -ge '$((spaces * ports))' ]' && udevadm settle --timeout=60
}

# inj_ana PORT optimized|non-optimized|inaccessible|persistent-loss|change: what the port says of all namespaces.
inj_ana() { echo "$2" >"$lab_nvmet/ports/$1/ana_groups/1/ana_state"; }
