# SPDX-License-Identifier: LGPL-2.1-or-later
# The lab's library: every bash of a lab script has these functions (BASH_ENV). See tests/lab/README.md.

# Starting a program costs some 30 ms in the emulated machine: these are bash's own versions.
for lab_part in ln mkdir rmdir sleep; do
  enable -f "/usr/lib/bash/$lab_part" "$lab_part" 2>/dev/null
done
# (Its sleep knows seconds only.)
sleep() {
  case $* in
    *[!0-9.]*) /usr/bin/sleep "$@" ;;
    *) builtin sleep "$@" ;;
  esac
}
for lab_part in san iscsi faults probes wait daemon cost watch many; do
  . "/lab/guest/$lab_part.sh"
done
unset lab_part

# note TEXT...: a line of progress, with the seconds since the script started.
note() { printf '[%3d s] %s\n' "$SECONDS" "$*"; }

# fail TEXT...: ends the script as failed.
fail() {
  printf 'FAILED: %s (line %s)\n' "$*" "${BASH_LINENO[0]}" >&2
  exit 1
}

# same WHAT EXPECTED ACTUAL: fails unless both are equal.
same() { [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"; }

# dm_map NAME WWID DISK...: a multipath map made by dmsetup, all disks in one round-robin group.
dm_map() {
  local name=$1 wwid=$2 disk sectors table
  shift 2
  sectors=$(blockdev --getsz "/dev/${1#/dev/}") || return
  table="0 $sectors multipath 0 0 1 1 round-robin 0 $# 1"
  for disk; do table+=" /dev/${disk#/dev/} 1"; done
  dmsetup create "$name" --uuid "mpath-$wwid" --table "$table"
}

# dm_path_state MAP DISK: prints A (active) or F (failed), as the kernel's status of the map has it.
dm_path_state() {
  local number field state=
  read -r number <"/sys/block/${2#/dev/}/dev" || return
  for field in $(dmsetup status --noflush "$1"); do
    [ "$state" != next ] || { echo "$field"; return; }
    [ "$field" != "$number" ] || state=next
  done
  return 1
}

# path_ready DISK: TEST UNIT READY succeeds. (The status of sg_turs is 0 for a transport error too.)
path_ready() {
  local said
  said=$(sg_turs -v "/dev/${1#/dev/}" 2>&1) && [[ $said != *transport:* ]]
}
