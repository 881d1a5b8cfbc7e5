# SPDX-License-Identifier: LGPL-2.1-or-later
# The demo's part inside the emulated machine: scenario.sh yes|no (colour). Run by tools/demo.

bold='' plain='' red='' green=''
if [ "${1-no}" = yes ]; then
  bold=$'\e[1m' plain=$'\e[0m' red=$'\e[31m' green=$'\e[32m'
fi
luns=4 paths=4 least_ios=100 seen_limit=20 back_limit=40
injected=0 slowest_ms=0 summary=() failures=0

headline() { printf '\n%s[%3d s] %s%s\n' "$bold" "$SECONDS" "$*" "$plain"; }
say() { printf '[%3d s] %s\n' "$SECONDS" "$*"; }
wrong() { printf '%s[%3d s] WRONG: %s%s\n' "$red" "$SECONDS" "$*" "$plain"; failures=$((failures + 1)); }
now_ms() { local t=${EPOCHREALTIME/./}; echo $((t / 1000)); }

# I/Os that the map has completed, from the kernel's own count.
completed() { local f; read -r -a f <"/sys/block/$dm/stat"; echo $((f[0] + f[4])); }
# The states that the kernel's table status shows for these disks of the map.
kernel_states() { local d; for d; do dm_path_state "$name" "$d"; done | tr -d '\n'; }
daemon_states() { multipathd show paths raw format '%d %t %T' | while read -r d t c; do [[ " $* " == *" $d "* ]] && echo "$t/$c"; done; }

# all_are WORD DISK...: the kernel and the daemon agree that these paths are failed or active.
all_are() {
  local want=$1 letter word; shift
  [ "$want" = failed ] && letter=F word=failed/faulty || letter=A word=active/ready
  [ "$(kernel_states "$@")" = "$(printf "$letter%.0s" "$@")" ] || return 1
  [ "$(daemon_states "$@" | sort -u)" = "$word" ]
}

# await failed|active LIMIT DISK...: how long it took, in ms, in $took.
await() {
  local want=$1 limit=$2 begin; shift 2
  begin=$(now_ms)
  until all_are "$want" "$@"; do
    took=$(($(now_ms) - begin))
    [ "$took" -lt $((limit * 1000)) ] || return 1
  done
  took=$(($(now_ms) - begin))
}

# A phase ends when I/O has gone on for a while with the paths as they are now.
io_goes_on() {
  local begin target
  begin=$(completed) target=$((begin + least_ios))
  wait_for 60 '[ "$(completed)" -ge '"$target"' ]' || { wrong "fewer than $least_ios I/Os completed in this phase"; return; }
  kill -0 "$fio" 2>/dev/null || { wrong "fio has ended"; return; }
  say "I/O goes on: $(($(completed) - begin)) completed since, $(grep -c . <<<"$(kernel_failed)") path(s) failed in the kernel's table"
}
kernel_failed() { local d; for d in "${disks[@]}"; do [ "$(dm_path_state "$name" "$d")" = F ] && echo "$d"; done; }

fail_paths() { # WHAT PATH...
  local what=$1 p list=(); shift
  headline "$what"
  for p; do list+=("$(tcm_disk "$p" 0)"); done
  for p; do inj_tcm_port "$p" offline; done
  injected=$((injected + $#))
  if await failed "$seen_limit" "${list[@]}"; then
    say "seen by kernel and daemon after $took ms: ${list[*]} failed"
    summary+=("$(printf '%-56s %6d ms' "$what (${list[*]})" "$took")")
    [ "$took" -le "$slowest_ms" ] || slowest_ms=$took
  else
    wrong "${list[*]} not failed after $seen_limit s"
  fi
  io_goes_on
  multipath -ll "$name"
}

headline "a SAN of $luns LUNs, $paths paths each, two controllers (ALUA)"
modprobe -a dm_multipath dm_service_time sg scsi_dh_alua
TCM_ACCESS=1 san_tcm "$luns" "$paths" 64  # implicit ALUA: only the array decides which controller is optimized
mkdir -p /etc/multipath
cat >/etc/multipath.conf <<'CONF'
defaults {
	user_friendly_names yes
	find_multipaths     greedy
	polling_interval    5
}
devices {
	device {
		vendor        "LIO-ORG"
		product       ".*"
		path_checker  tur
		no_path_retry queue
		failback      immediate
	}
}
blacklist {
	devnode "^vd"
}
CONF
say "uname: $(uname -r); $(multipath -h 2>&1 | head -n 1)"

headline "starting multipathd"
multipathd -d -s >/lab/out/multipathd.log 2>&1 &
daemon=$!
wait_for 30 '[ "$(multipathd show maps raw format "%N" | grep -c "^'"$paths"'$")" = '"$luns"' ]' || {
  wrong "the maps did not come up"; cat /lab/out/multipathd.log; exit 1; }
multipath -ll
wwid=$(tcm_wwid 0)
name=$(multipathd show maps raw format '%n %w' | while read -r n w; do [ "$w" = "$wwid" ] && echo "$n"; done)
wait_for 30 test -L "/dev/mapper/$name" || { wrong "udev made no link for $name"; exit 1; }
dm=$(basename "$(readlink -f "/dev/mapper/$name")")
disks=()
for ((p = 0; p < paths; p++)); do disks+=("$(tcm_disk "$p" 0)"); done

headline "fio: verified random writes on /dev/mapper/$name, all the time from here on"
fio --name=demo --filename="/dev/mapper/$name" --ioengine=libaio --direct=1 --iodepth=8 --bs=4k --size=32m \
  --rw=randwrite --verify=crc32c --verify_fatal=1 --verify_backlog=256 --time_based --runtime=900 \
  --rate_iops=400 --write_lat_log=/run/demo --log_offset=0 --output-format=json --output=/lab/out/fio.json &
fio=$!
wait_for 60 '[ "$(completed)" -gt 0 ]' || wrong "no I/O completes"
io_goes_on

fail_paths "path 1 of 4 fails (controller A)" 0
fail_paths "path 2 of 4 fails: controller A is gone" 1
fail_paths "path 3 of 4 fails: one path is left" 2

headline "all paths come back"
for ((p = 0; p < paths; p++)); do inj_tcm_port "$p" online; done
await active "$back_limit" "${disks[@]}" || wrong "not all paths came back within $back_limit s"
say "all paths active again after $took ms"
io_goes_on
multipath -ll "$name"

fail_paths "controller A goes, both its paths at once" 0 1

headline "and returns"
for p in 0 1; do inj_tcm_port "$p" online; done
await active "$back_limit" "${disks[@]}" || wrong "not all paths came back within $back_limit s"
say "all paths active again after $took ms"
io_goes_on
multipath -ll "$name"

headline "the end"
kill -INT "$fio"
fio_status=0
wait "$fio" || fio_status=$?
# fio writes what the signal made it say before its JSON.
sed -n '/^{/,$p' /lab/out/fio.json >/run/fio.json
errors=$(jq '[.jobs[] | .error, .total_err] | add' /run/fio.json 2>/dev/null) || errors=unknown
ios=$(jq '[.jobs[] | .read.total_ios, .write.total_ios] | add' /run/fio.json 2>/dev/null) || ios=unknown
# Longest time without any completion, from fio's log of every single I/O: its first column is the completion time in ms.
gap=$(cat /run/demo_clat.*.log | cut -d, -f1 | sort -n | awk 'NR > 1 && $1 - last > most { most = $1 - last } { last = $1 } END { print most + 0 }')
# 128: it ended because it was told to.
[ "$fio_status" = 0 ] || [ "$fio_status" = 128 ] || wrong "fio ended with status $fio_status"
[ "$errors" = 0 ] || wrong "fio reports errors: $errors "
kill -0 "$daemon" 2>/dev/null || wrong "multipathd has ended"
mpathctl status

headline "summary"
printf '  %-56s %s\n' 'failure injected' 'seen after'
printf '  %s\n' "${summary[@]}"
printf '  %-56s %6s\n' "paths failed in all" "$injected" "I/Os completed and verified" "$ios" "I/O errors" "$errors"
printf '  %-56s %6s ms\n' "slowest detection" "$slowest_ms" "longest gap between two completed I/Os" "$gap"
if [ "$failures" -gt 0 ]; then
  printf '%s%d thing(s) went wrong, see above%s\n' "$red" "$failures" "$plain"
  exit 1
fi
printf '%sno I/O error%s\n' "$green" "$plain"
