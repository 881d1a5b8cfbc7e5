# timeout: 150
# SPDX-License-Identifier: LGPL-2.1-or-later
# One path hangs while another is added. Loading a table waits for the I/O of the old one's paths and lets the map stand
# still meanwhile, so the load must wait until the hung path has answered or its commands have ended; the other paths go on.
#
# How the stall is measured: 16 jobs of fio read from the map, one read at a time and ten a second each, and log every
# completion. A job that is caught on the hung path waits; the others must go on. The stall is the longest time without
# any completion. One more job does nothing (engine "null") at the same pace: a gap that it shows too is the computer's,
# not ours. Only reads caught on the hung path may take longer than the limit; their number is what the disk had in
# flight. (Many reads at once by one job would not do: fio awaits all before it sleeps to keep its pace.)

LIMIT=0.5

note "one LUN, four paths in one group; commands end after 15 s"
san_sdebug 1 5 || fail "no scsi_debug"
inj_delete sdc  # in standby: the kernel cannot use it
hung=sda
[ -e "$(lab_error $hung)" ] || { note "left out: this kernel's scsi_debug has no error injection per disk"; exit 0; }
for disk in sda sdb sdd sde; do echo 15 >/sys/block/$disk/device/timeout; done
# Checks are as they are by default.
daemon_config "detect_pgpolicy no
	detect_prio no
	path_grouping_policy multibus
	prio const"
daemon_start || fail "the daemon does not start"
map=$(sdebug_wwid 0)
wait_for 20 maps_up 1 4 || fail "no map"
third=sdd
host=$(scsi_address $third)
inj_delete $third
wait_for 20 maps_up 1 3 || fail "the deleted path is still there"
dm=$(readlink -f "/dev/mapper/$map")
probe_start || fail "no kprobes"

fio --direct=1 --rw=randread --bs=4k --norandommap --time_based --runtime=1000 --thread --log_unix_epoch=1 \
  --name=map --filename="/dev/mapper/$map" --numjobs=16 --rate_iops=10 --ioengine=psync --write_lat_log=/run/map \
  --name=control --filename=none --size=1g --numjobs=1 --rate_iops=100 --ioengine=null --write_lat_log=/run/control \
  >/run/fio.log 2>&1 &
fio=$!
io_dm=${dm##*/} io_pid=$fio
io_goes_on 20 200 || fail "no I/O"

note "a path hangs, another is added"
hang=${EPOCHREALTIME/./}
inj_hang $hung
in_flight() { local r w; read -r r w <"/sys/block/$hung/inflight" && echo $((r + w)); }
wait_for 10 '[ "$(in_flight)" -ge 1 ]' || fail "nothing is caught on the hung path"
sleep 1.5
# (The kernel may hold the scan until it has looked at all disks.)
echo "- - -" >"/sys/class/scsi_host/host${host%%:*}/scan" &
wait_for 20 '[[ $(multipathd show paths) == *"'"$host"' "* ]]' || fail "the new path is not found"
deferred() { mpathctl status --json | jq -e --arg map "$map" '.maps.list[] | select(.name == $map) | .deferred | test("'$hung' has not answered for")' >/dev/null; }
wait_for 5 deferred || fail "the load is not shown as deferred"
mpathctl status | grep deferred
same "loads while the path hangs" 0 "$(probe_count table_load)"
[ "$(in_flight)" -ge 1 ] || fail "the path hangs no more"

note "its commands end"
inj_unhang $hung
caught=0
while [ "$(probe_count dm_swap_table)" = 0 ]; do
  now=$(in_flight)
  ((now <= caught)) || caught=$now
  ((${EPOCHREALTIME/./} - hang < 60000000)) || fail "the deferred load is not made up for"
done
loaded=${EPOCHREALTIME/./}
same "in flight on the hung path when the table is swapped" 0 "$now"
wait_for 30 maps_up 1 4 || fail "not all paths are back"
io_goes_on || fail "I/O stands still"
same "loads" 1 "$(probe_count table_load)"
same "tables made live" 1 "$(probe_count dm_swap_table)"
deferred && fail "still shown as deferred"
kill -INT $fio
wait $fio
daemon_stop || fail "the daemon does not end"
printf '  table loaded %d ms after the hang; %d commands were caught\n' $(((loaded - hang) / 1000)) "$caught"

python3 - "$((hang / 1000))" "$((loaded / 1000 + 1000))" "$caught" "$LIMIT" <<'PYTHON' || fail "the other paths stood still"
import glob, sys
begin, end, caught, limit = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]) * 1000

def completions(job):
    rows = (line.split(",") for name in glob.glob(f"/run/{job}_lat.*.log") for line in open(name))
    return sorted((int(row[0]), int(row[1]) / 1e6) for row in rows)

def gaps(times):
    return [(later - earlier, earlier, later) for earlier, later in zip(times, times[1:])]

done = completions("map")
control = [time for time, _ in completions("control")]
before = max(gaps([time for time, _ in done if time < begin]))[0]
during = [time for time, _ in done if begin <= time <= end]
idle = gaps(control)
bad = []
for length, earlier, later in gaps(during):
    ours = length - max((min(later, e) - max(earlier, s) for _, s, e in idle if s < later and e > earlier), default=0)
    if length > limit:
        print(f"  gap of {length} ms, of which the computer stood still for {length - ours} ms")
    if ours > limit:
        bad.append(length)
slow = [took for time, took in done if begin <= time <= end and took > limit]
print(f"  completed during the hang: {len(during)}; longest gap {max(gaps(during))[0]} ms (before it {before} ms; "
      f"the idle job {max(g for g, s, _ in idle if begin <= s <= end)} ms)")
print(f"  reads over {limit:.0f} ms: {len(slow)}, longest {max(slow, default=0):.0f} ms; caught: {caught}")
print(f"  longest of the others: {max(took for time, took in done if begin <= time <= end and took <= limit):.0f} ms")
sys.exit(bool(bad) or len(slow) > caught or len(during) < 100)
PYTHON
note "done"
