# timeout: 960
# cpus: 2
# memory: 1536
# label: long
# SPDX-License-Identifier: LGPL-2.1-or-later
# random_maps [SECONDS [SEED]]: sixteen maps under verified I/O while paths fail and return, disks are deleted and scanned again, volumes
# grow, controllers take over and the daemon gets other configurations, all at random. Paths of one more map hang in between, where the
# kernel's scsi_debug can do that. In the end a fresh plan finds nothing to do.

length=${1:-600}
seed=${2:-$((RANDOM * 32768 + RANDOM))}
LUNS=16 PATHS=4 MEGABYTES=16
note "seed $seed, $length s (repeat with: MULTIPATH_LAB_ARGUMENTS=\"$length $seed\")"
RANDOM=$seed

selectors=("service-time 0" "round-robin 0" "queue-length 0")
groupings=(group_by_prio failover group_by_prio)
configure() {
  daemon_config "polling_interval 2
	max_polling_interval 4
	dev_loss_tmo 600
	path_selector \"${selectors[$1]}\"
	path_grouping_policy ${groupings[$1]}
"
}

# The map whose paths hang: host numbers decide the access state of a path of scsi_debug, and the one in standby is of no use to the kernel.
san_sdebug 1 5 || fail "no scsi_debug"
hanging=(sda sdb sdd sde)
standby=$(scsi_address sdc)
leave_standby_out() { [ ! -d "/sys/class/scsi_device/$standby" ] || inj_delete "$standby"; }
leave_standby_out
for disk in "${hanging[@]}"; do echo 5 >"/sys/block/$disk/device/timeout"; done
san_tcm $LUNS $PATHS $MEGABYTES || fail "no array"
configure 0
daemon_start || fail "the daemon does not start"
all_up() { maps_up $((LUNS + 1)) $((LUNS * PATHS + ${#hanging[@]})); }
wait_for 40 all_up || fail "no maps"

# What must be the same in the end.
descriptors() {
  local all=(/proc/"$daemon_pid"/fd/*)
  echo ${#all[@]}
}
dm_devices() { dmsetup info -c --noheadings -o name,uuid --separator ' ' | sort; }
before_devices=$(dm_devices)
sleep 2
before_descriptors=$(descriptors)

maps=()
for ((lun = 0; lun < LUNS; lun++)); do maps+=("$(tcm_wwid $lun)"); done
maps+=("$(sdebug_wwid 0)")
{
  printf '[global]\nioengine=libaio\ndirect=1\nrw=randwrite\nbs=4k\nsize=7M\niodepth=4\nthread\nverify=crc32c\nverify_fatal=1\n'
  printf 'verify_backlog=32\nrate_iops=15,15\ntime_based\nruntime=3000\n'
  for map in "${maps[@]}"; do printf '[%s]\nfilename=/dev/mapper/%s\n' "$map" "$map"; done
} >/run/random.fio
fio --output=/run/fio.json --output-format=json /run/random.fio >/run/fio.log 2>&1 &
fio_pid=$!
done_ios() {
  local total=0 map dm r x y z w rest
  for map in "${maps[@]}"; do
    dm=$(readlink -f "/dev/mapper/$map")
    read -r r x y z w rest <"/sys/block/${dm##*/}/stat" && total=$((total + r + w))
  done
  echo $total
}
# io_flows: every volume's users go on.
io_flows() {
  [ -d "/proc/$fio_pid" ] || { cat /run/fio.log; fail "fio has ended"; }
  local before
  before=$(done_ios)
  wait_for 60 "(( \$(done_ios) >= $((before + 200)) ))"
}
io_flows || fail "no I/O"

# --- faults. Each has a way back, which is taken later.
declare -A port_down disk_off disk_gone hung size
for ((lun = 0; lun < LUNS; lun++)); do size[$lun]=$MEGABYTES; done
count=0
declare -A done_kinds
pick() { echo $((RANDOM % $1)); }

port_fails() {
  local path=$((RANDOM % PATHS))
  [ -z "${port_down[$path]-}" ] || return 0
  inj_tcm_port $path offline && port_down[$path]=yes
}
port_returns() {
  local path
  for path in "${!port_down[@]}"; do
    inj_tcm_port "$path" online && unset "port_down[$path]"
    return 0
  done
}
disk_fails() {
  local path=$((RANDOM % PATHS)) lun=$((RANDOM % LUNS)) disk
  [ -z "${disk_gone[$path/$lun]-}" ] && disk=$(tcm_disk $path $lun) || return 0
  inj_offline "$disk" && disk_off[$path/$lun]=$disk
}
disk_returns() {
  local key
  for key in "${!disk_off[@]}"; do
    inj_online "$(tcm_address "${key%/*}" "${key#*/}")"
    unset "disk_off[$key]"
    return 0
  done
}
disk_goes() {
  local path=$((RANDOM % PATHS)) lun=$((RANDOM % LUNS))
  [ -z "${disk_gone[$path/$lun]-}${disk_off[$path/$lun]-}" ] || return 0
  disk_gone[$path/$lun]=yes
  if ((RANDOM % 2)); then tcm_unmap $path $lun; else inj_delete "$(tcm_address $path $lun)"; fi
}
disk_comes() {
  local key path lun
  for key in "${!disk_gone[@]}"; do
    path=${key%/*} lun=${key#*/}
    # Nothing is found behind a port that is down.
    [ -z "${port_down[$path]-}" ] || continue
    unset "disk_gone[$key]"
    [ ! -d "$(tcm_port "$path")/lun/lun_$lun" ] || tcm_unmap "$path" "$lun"
    tcm_map "$path" "$lun"
    return 0
  done
}
# At least two of four paths answer.
path_hangs() {
  local disk=${hanging[RANDOM % ${#hanging[@]}]}
  [ -z "${hung[$disk]-}" ] && ((${#hung[@]} < 2)) || return 0
  inj_hang "$disk" && hung[$disk]=yes
}
path_answers() {
  local disk
  for disk in "${!hung[@]}"; do
    inj_unhang "$disk" && unset "hung[$disk]"
    return 0
  done
}
# A disk that hangs would hold us.
rescan() {
  local disk
  for disk in /sys/block/sd*; do
    ((RANDOM % 4)) || [ -n "${hung[${disk##*/}]-}" ] || inj_rescan "${disk##*/}"
  done
}
grow() {
  local lun=$((RANDOM % LUNS)) megabytes path
  megabytes=$((size[$lun] + 1))
  size[$lun]=$megabytes
  truncate -s "${megabytes}M" "/run/tcm/lu$lun" && echo "fd_dev_size=$((megabytes << 20))" >"$(lab_tcm_core $lun)/control" || return
  for ((path = 0; path < PATHS; path++)); do
    [ -n "${disk_gone[$path/$lun]-}${disk_off[$path/$lun]-}${port_down[$path]-}" ] || inj_rescan "$(tcm_address $path $lun)"
  done
  # Refused while a path lags behind; all sizes are put right in the end.
  multipathd resize map "$(tcm_wwid $lun)" >/dev/null
  return 0
}
take_over() {
  if ((RANDOM % 2)); then inj_alua A optimized && inj_alua B non-optimized; else inj_alua B optimized && inj_alua A non-optimized; fi
}
reconfigure() {
  if ((RANDOM % 3 == 0)); then multipathd reconfigure all >/dev/null; else multipathd reconfigure >/dev/null; fi
}
other_configuration() {
  configure $((RANDOM % 3))
  multipathd reconfigure >/dev/null
}
fail_by_command() {
  local disk
  disk=$(tcm_disk $((RANDOM % PATHS)) $((RANDOM % LUNS))) || return 0
  multipathd fail path "$disk" >/dev/null
  ((RANDOM % 2)) && sleep 1
  multipathd reinstate path "$disk" >/dev/null
  return 0
}
show() { multipathd show topology >/dev/null && multipathd show maps json >/dev/null; }

kinds=(port_fails port_fails port_returns port_returns disk_fails disk_returns disk_goes disk_goes disk_comes disk_comes rescan grow
       take_over reconfigure other_configuration fail_by_command show)
if [ -e "$(lab_error sda)" ]; then
  kinds+=(path_hangs path_hangs path_answers path_answers)
else
  note "no path hangs: this kernel's scsi_debug has no error injection per disk"
fi
end=$((SECONDS + length))
next_note=$((SECONDS + 30))
while ((SECONDS < end)); do
  kind=${kinds[RANDOM % ${#kinds[@]}]}
  "$kind" || fail "$kind"
  count=$((count + 1))
  done_kinds[$kind]=$((${done_kinds[$kind]:-0} + 1))
  # At most three of four ports are down for long; a map without any path queues.
  ((${#port_down[@]} < PATHS)) || { sleep 1; port_returns; }
  ((${#disk_gone[@]} + ${#disk_off[@]} < 24)) || { disk_comes; disk_returns; }
  sleep 0.$((RANDOM % 9 + 1))
  if ((SECONDS >= next_note)); then
    next_note=$((SECONDS + 30))
    io_flows || fail "I/O stands still after $count events"
    note "$count events, $(done_ios) I/Os"
  fi
done

note "$count events; everything that has a way back takes it"
for kind in "${kinds[@]}"; do
  [ -n "${done_kinds[$kind]-}" ] || ((length < 300)) || fail "$kind never happened"
done
while ((${#port_down[@]})); do port_returns; done
while ((${#disk_off[@]})); do disk_returns; done
while ((${#disk_gone[@]})); do disk_comes; done
while ((${#hung[@]})); do path_answers; done
inj_scan_all
leave_standby_out
configure 0
same "reply to reconfigure" ok "$(multipathd reconfigure)"
for disk in /sys/block/sd*; do inj_rescan "${disk##*/}"; done
wait_for 60 all_up || { multipathd show topology; fail "not all paths are back"; }
for ((lun = 0; lun < LUNS; lun++)); do
  right_size() {
    local dm
    dm=$(readlink -f "/dev/mapper/${maps[lun]}")
    read -r sectors <"/sys/block/${dm##*/}/size"
    [ "$sectors" = $((size[$lun] << 11)) ] || { multipathd resize map "${maps[lun]}"; return 1; }
  }
  wait_for 20 right_size || fail "map ${maps[lun]} has not the size of its volume"
done
io_flows || fail "I/O stands still"

note "what is left behind"
settled() { [ "$(multipathd show daemon)" = "pid $daemon_pid idle" ]; }
wait_for 20 settled || fail "the daemon is not idle"
same "suspended maps" "" "$(dmsetup info -c --noheadings -o name,suspended --separator ' ' | grep -v ' Active$')"
same "device-mapper devices" "$before_devices" "$(dm_devices)"
wait_for 20 '(( $(descriptors) <= before_descriptors ))' || { ls -l "/proc/$daemon_pid/fd"; fail "descriptors: $before_descriptors before, $(descriptors) now"; }
nothing_to_do() {
  local plan
  plan=$(mpathctl plan) && [ "${plan##*$'\n'}" = "0 actions on 0 of $((LUNS + 1)) maps; 0 disks judged otherwise" ] || { echo "$plan"; return 1; }
}
wait_for 20 nothing_to_do || fail "a fresh plan has something to do"
probe_start || fail "no probes"
same "reply to reconfigure" ok "$(multipathd reconfigure)"
sleep 2
wait_for 20 settled || fail "the daemon is not idle"
wait_for 20 all_up || fail "not all paths are up"
same "tables loaded after a plan of 0 actions" 0 "$(probe_count table_load)"
probe_stop

kill -INT $fio_pid
wait $fio_pid
python3 - <<'PYTHON' || fail "I/O errors"
import json, sys
text = open("/run/fio.json").read()
jobs = json.loads(text[text.index("{"):])["jobs"]
errors = sum(job["error"] for job in jobs)
print(f"I/O: {len(jobs)} maps, {sum(j['write']['total_ios'] for j in jobs)} writes, "
      f"{sum(j['read']['total_ios'] for j in jobs)} verifying reads, errors {errors}")
sys.exit(errors != 0 or any(job["write"]["total_ios"] == 0 for job in jobs))
PYTHON
daemon_stop || fail "the daemon does not end"
note "done: seed $seed, $count events"
