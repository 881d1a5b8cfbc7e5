// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/sg_lane.h"

#include <fcntl.h>
#include <scsi/sg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "libmpath/base/text.h"
#include "libmpath/sys/block_node.h"
#include "libmpath/sys/sysfs.h"

namespace mpath::sys {

namespace {

constexpr int reserve_bytes = 4096;  ///< the least that sg gives; its default is 32 KiB for each open file

Result<UniqueFd> open_node(const PathFacts& facts, const std::string& node, int mode) {
  UniqueFd fd(::open(node.c_str(), mode | O_NONBLOCK | O_CLOEXEC));
  if (fd) return fd;
  return std::unexpected(error_from_errno(errno, facts.kernel_name, node + " cannot be opened"));
}

sg_io_hdr header_of(SgItem& item) {
  sg_io_hdr header{};
  header.interface_id = 'S';
  header.dxfer_direction = item.data.empty() ? SG_DXFER_NONE
                           : item.command.data_out.empty() ? SG_DXFER_FROM_DEV : SG_DXFER_TO_DEV;
  header.cmd_len = item.command.cdb_bytes;
  header.cmdp = item.command.cdb.data();
  header.mx_sb_len = static_cast<unsigned char>(item.sense.size());
  header.sbp = item.sense.data();
  header.dxfer_len = static_cast<unsigned>(item.data.size());
  header.dxferp = item.data.empty() ? nullptr : item.data.data();
  header.timeout = static_cast<unsigned>(std::clamp<std::int64_t>(item.command.timeout.count(), 1, INT32_MAX));
  header.pack_id = static_cast<int>(static_cast<std::uint64_t>(item.op) & 0x7fffffff);
  // The index, not the address: what comes back is checked before it is used.
  header.usr_ptr = reinterpret_cast<void*>(static_cast<std::uintptr_t>(item.index) + 1);
  return header;
}

void write_to_sg(SgSubmission& submission) {
  sg_io_hdr header = header_of(*submission.item);
  ssize_t written = 0;
  do {
    written = ::write(submission.node->fd.get(), &header, sizeof header);
  } while (written < 0 && errno == EINTR);
  submission.result = written < 0 ? SgSubmission::Result::failed : SgSubmission::Result::submitted;
  if (written < 0) submission.failure = failure_of(errno);
}

void ask_block_node(SgSubmission& submission, const ports::Clock& clock) {
  SgItem& item = *submission.item;
  sg_io_hdr header = header_of(item);
  MonoTime begin = clock.now();
  if (::ioctl(submission.node->fd.get(), SG_IO, &header) != 0) {
    submission.result = SgSubmission::Result::failed;
    submission.failure = failure_of(errno);
    return;
  }
  submission.result = SgSubmission::Result::answered;
  CommandOutcome& outcome = submission.outcome;
  outcome.status = header.status;
  outcome.host_status = static_cast<HostStatus>(header.host_status);
  outcome.driver_status = header.driver_status;
  outcome.sense = item.sense;
  outcome.sense_bytes = static_cast<std::uint8_t>(std::min<std::size_t>(header.sb_len_wr, item.sense.size()));
  outcome.round_trip = clock.now() - begin;
  auto left_out = static_cast<std::size_t>(std::max(header.resid, 0));
  if (!item.command.data_out.empty()) return;
  submission.data_bytes = static_cast<std::uint32_t>(item.data.size() - std::min(left_out, item.data.size()));
}

}  // namespace

Result<UniqueFd> open_command_node(const PathFacts& facts) {
  if (facts.command_node.empty()) return open_block_node(facts, 0);
  auto fd = open_node(facts, facts.command_node, O_RDWR);
  if (!fd) return fd;
  sg_scsi_id id{};
  if (::ioctl(fd->get(), SG_GET_SCSI_ID, &id) != 0) {
    return std::unexpected(error_from_errno(errno, facts.kernel_name, facts.command_node + " does not tell its address"));
  }
  bool same = facts.address && static_cast<std::uint32_t>(id.host_no) == facts.address->host &&
              static_cast<std::uint32_t>(id.channel) == facts.address->channel &&
              static_cast<std::uint32_t>(id.scsi_id) == facts.address->target &&
              static_cast<std::uint32_t>(id.lun) == static_cast<std::uint32_t>(facts.address->lun);
  if (!same) return fail(ErrorCode::conflict, facts.kernel_name, facts.command_node + " is another device by now");
  if (auto sequence = verify_disk_sequence(facts); !sequence) return std::unexpected(std::move(sequence.error()));
  int reserve = reserve_bytes;
  (void)::ioctl(fd->get(), SG_SET_RESERVED_SIZE, &reserve);  // only saves memory
  return fd;
}

std::uint32_t HostGate::room() {
  if (can_queue_ == 0) {
    std::string directory = fmt::format("{}/class/scsi_host/host{}", sysfs_root_, host_);
    can_queue_ = static_cast<std::uint32_t>(SysfsDirectory(directory).number("can_queue").value_or(0));
    busy_.reset(::open((directory + "/host_busy").c_str(), O_RDONLY | O_CLOEXEC));
    if (can_queue_ == 0 || !busy_) {
      can_queue_ = no_limit;
      busy_.reset();
    }
  }
  if (!busy_) return no_limit;
  char text[24];
  ssize_t length = ::pread(busy_.get(), text, sizeof text, 0);
  if (length <= 0) return no_limit;  // the host goes away: the commands will fail by themselves
  auto busy = parse_decimal(trim({text, static_cast<std::size_t>(length)}));
  if (!busy) return no_limit;
  if (*busy >= can_queue_) return 0;
  finished_.reset();
  return can_queue_ - static_cast<std::uint32_t>(*busy);
}

bool HostGate::moves(const std::vector<std::shared_ptr<const PathFacts>>& devices) {
  std::uint64_t finished = 0;
  for (const auto& facts : devices) {
    std::string text = SysfsDirectory(facts->sysfs_path).text_or_empty("device/iodone_cnt");
    std::string_view digits = text;
    if (digits.starts_with("0x")) digits.remove_prefix(2);
    finished += parse_hex(digits).value_or(0);
  }
  std::optional<std::uint64_t> before = std::exchange(finished_, finished);
  return before && *before != finished;
}

bool is_uneventful(const SgBatch& batch) {
  return !batch.wants_word && !batch.host_full && !batch.host_works && std::ranges::all_of(batch.submissions, [](const SgSubmission& submission) {
    return submission.result == SgSubmission::Result::submitted && submission.opened_fd < 0;
  });
}

void run_batch(SgBatch& batch, HostGate& gate, const CommandNodeOpener& open, const ports::Clock& clock) {
  std::uint32_t room = gate.room();
  // A host that is full but works on takes one at a time: otherwise a busy system would never be checked.
  batch.host_works = room == 0 && !batch.samples.empty() && gate.moves(batch.samples);
  if (batch.host_works) room = 1;
  batch.host_full = false;
  for (SgSubmission& submission : batch.submissions) {
    SgNode& node = *submission.node;
    if (!node.fd) {
      auto opened = open(*node.facts);
      if (!opened) {
        submission.result = SgSubmission::Result::failed;
        submission.failure = CommandFailure::open_failed;
        continue;
      }
      node.fd = std::move(*opened);
      submission.opened_fd = node.fd.get();
    }
    if (room == 0) {
      batch.host_full = true;
      continue;
    }
    if (room != HostGate::no_limit) --room;
    if (node.answers_at_once) {
      ask_block_node(submission, clock);
    } else {
      submission.item->started.store(clock.now().time_since_epoch().count(), std::memory_order_relaxed);
      write_to_sg(submission);
    }
  }
}

}  // namespace mpath::sys
