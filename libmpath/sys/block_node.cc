// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/block_node.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>

#include "libmpath/sys/sysfs.h"

// Linux 5.15; the headers may be older than the kernel.
#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ _IOR(0x12, 128, __u64)
#endif

namespace mpath::sys {

namespace {

Error another_disk(const PathFacts& facts) {
  return {ErrorCode::conflict, facts.kernel_name, "is another disk by now", {}};
}

}  // namespace

std::string block_node_name(const PathFacts& facts) {
  std::string node = "/dev/" + facts.kernel_name;
  std::ranges::replace(node, '!', '/');
  return node;
}

bool same_device(const PathFacts& a, const PathFacts& b) {
  return a.devnum == b.devnum && a.address == b.address && a.command_node == b.command_node &&
         a.disk_sequence == b.disk_sequence && a.sysfs_path == b.sysfs_path;
}

Status verify_disk_sequence(const PathFacts& facts) {
  if (facts.disk_sequence == 0) return {};
  SysfsDirectory block(facts.sysfs_path);
  if (!block.exists()) return fail(ErrorCode::not_found, facts.kernel_name, "the disk is gone");
  auto sequence = block.number("diskseq");
  if (!sequence || *sequence == facts.disk_sequence) return {};
  return std::unexpected(another_disk(facts));
}

CommandFailure failure_of(int error) {
  switch (error) {
    case ENOTTY: case EINVAL: case ENOSYS: return CommandFailure::not_a_scsi_device;
    case ENODEV: case ENXIO: return CommandFailure::gone;
    default: return CommandFailure::submit_failed;
  }
}

Result<UniqueFd> open_block_node(const PathFacts& facts, int flags) {
  std::string node = block_node_name(facts);
  // Read-only: closing a block device that was open for writing makes udev probe it anew.
  UniqueFd fd(::open(node.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags));
  if (!fd) return std::unexpected(error_from_errno(errno, facts.kernel_name, node + " cannot be opened"));
  struct stat status{};
  bool same = ::fstat(fd.get(), &status) == 0 && S_ISBLK(status.st_mode) && major(status.st_rdev) == facts.devnum.major &&
              minor(status.st_rdev) == facts.devnum.minor;
  if (!same) return std::unexpected(another_disk(facts));
  // The open file tells it without a race; an older kernel knows it in sysfs at the most.
  std::uint64_t sequence = 0;
  if (facts.disk_sequence != 0 && ::ioctl(fd.get(), BLKGETDISKSEQ, &sequence) == 0) {
    if (sequence != facts.disk_sequence) return std::unexpected(another_disk(facts));
    return fd;
  }
  if (auto verified = verify_disk_sequence(facts); !verified) return std::unexpected(std::move(verified.error()));
  return fd;
}

}  // namespace mpath::sys
