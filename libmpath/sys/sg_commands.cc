// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/sg_commands.h"

#include <scsi/sg.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "libmpath/base/limits.h"
#include "libmpath/base/room.h"
#include "libmpath/sys/block_node.h"
#include "libmpath/sys/timer.h"

namespace mpath::sys {

namespace {

constexpr int events_per_wait = 256;
constexpr std::size_t samples_of_full_host = 32;  ///< devices whose progress is looked at while a host is full

std::uint64_t tag_of(PathId path) { return static_cast<std::uint64_t>(path.slot) << 32 | path.generation; }
PathId path_of(std::uint64_t tag) {
  return {.slot = static_cast<std::uint32_t>(tag >> 32), .generation = static_cast<std::uint32_t>(tag)};
}

}  // namespace

/// A lane key: a SCSI host, or a single path where commands sleep until they are answered.
struct SgCommands::Host {
  Host(SgCommands& commands, std::uint64_t lane_key, std::uint32_t host_number)
      : owner(&commands), key(lane_key), number(host_number), gate(commands.options_.sysfs_root, host_number),
        open(commands.options_.open), clock(&commands.clock_), items(commands.items_) {}

  SgCommands* owner;  ///< engine's thread; null once the owner is gone
  const std::uint64_t key;
  const std::uint32_t number;
  std::size_t devices = 0;
  std::vector<SgSubmission> queue;
  bool listed = false;  ///< in to_flush_
  MonoTime retry_at{};
  Duration retry_after{};
  MonoTime full_since = no_deadline;
  bool in_lane = false;  ///< until the engine's thread has taken the results
  MonoTime in_lane_since{};
  std::size_t handed_over = 0;

  /// Of the batch. What was simply handed to the kernel needs nobody's attention: the lane only notes that it is done, and the engine's
  /// thread sees that when it is awake for another reason. Unless it has found that it waits for the lane: then it is called.
  enum class Handover : std::uint8_t { under_way, awaited, done };
  std::atomic<Handover> handover = Handover::under_way;

  // The lane's while in_lane and not done.
  SgBatch batch;
  HostGate gate;
  const CommandNodeOpener open;
  const ports::Clock* const clock;
  const std::shared_ptr<Items> items;
};

SgCommands::SgCommands(ports::Lanes& lanes, const ports::Clock& clock, SgOptions options)
    : lanes_(lanes), clock_(clock), options_(std::move(options)) {}

Result<std::unique_ptr<SgCommands>> SgCommands::create(ports::Lanes& lanes, const ports::Clock& clock, SgOptions options) {
  std::unique_ptr<SgCommands> made(new SgCommands(lanes, clock, std::move(options)));
  made->event_.reset(epoll_create1(EPOLL_CLOEXEC));
  made->replies_.reset(epoll_create1(EPOLL_CLOEXEC));
  made->timer_.reset(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  epoll_event event{.events = EPOLLIN, .data = {}};
  if (!made->event_ || !made->replies_ || !made->timer_ ||
      epoll_ctl(made->event_.get(), EPOLL_CTL_ADD, made->timer_.get(), &event) != 0 ||
      epoll_ctl(made->event_.get(), EPOLL_CTL_ADD, made->replies_.get(), &event) != 0) {
    return std::unexpected(error_from_errno(errno, "sg", "replies cannot be watched for"));
  }
  return made;
}

SgCommands::~SgCommands() {
  for (auto& [key, host] : hosts_) host->owner = nullptr;
}

SgCommands::Device* SgCommands::find(PathId path) {
  if (!path.valid() || path.slot >= devices_.size() || devices_[path.slot].generation != path.generation) return nullptr;
  return &devices_[path.slot];
}

SgItem* SgCommands::take_item() {
  if (free_items_.empty()) {
    auto& item = items_->emplace_back(std::make_unique<SgItem>());
    item->index = static_cast<std::uint32_t>(items_->size() - 1);
    free_items_.push_back(item.get());
  }
  SgItem* item = free_items_.back();
  free_items_.pop_back();
  item->ended = false;
  item->with_lane = false;
  return item;
}

void SgCommands::release_if_free(SgItem* item) {
  if (!item->ended || item->with_lane) return;
  item->data.clear();
  item->op = OpId::none;
  free_items_.push_back(item);
}

/// True if the host's lane has nothing of ours. If it has, it will call when it is done.
bool SgCommands::is_free(Host& host) {
  if (!host.in_lane) return true;
  auto state = Host::Handover::under_way;
  host.handover.compare_exchange_strong(state, Host::Handover::awaited, std::memory_order_acquire);
  if (state != Host::Handover::done) return false;
  take_results(host);
  return true;
}

void SgCommands::end_item(SgItem* item) {
  item->ended = true;
  release_if_free(item);
}

void SgCommands::attach(PathId path, std::shared_ptr<const PathFacts> facts) {
  if (!path.valid() || !facts) return;
  if (Device* known = find(path); known != nullptr && same_device(*known->facts, *facts)) {
    known->facts = std::move(facts);
    return;
  }
  detach(path);
  if (path.slot >= devices_.size()) devices_.resize(path.slot + 1);
  Device& device = devices_[path.slot];
  if (device.generation != 0) detach({path.slot, device.generation});
  device.generation = path.generation;
  device.facts = std::move(facts);
  if (device.facts->bus != Bus::scsi || !device.facts->address) return;  // submit() says so

  device.node = std::make_shared<SgNode>();
  device.node->facts = device.facts;
  device.node->answers_at_once = device.facts->command_node.empty();
  std::uint32_t number = device.facts->address->host;
  std::uint64_t key = number;
  if (device.node->answers_at_once) {
    ++degraded_;
    key |= static_cast<std::uint64_t>(path.slot + 1) << 32;
  }
  std::shared_ptr<Host>& host = hosts_[key];
  if (!host) host = std::make_shared<Host>(*this, key, number);
  ++host->devices;
  device.host = host;
}

void SgCommands::drop_outstanding(Device& device, bool reply_gone) {
  outstanding_ -= device.outstanding.size();
  for (SgItem* item : std::exchange(device.outstanding, {})) {
    if (item->ended) continue;
    if (reply_gone) reply_failure(item->path, item->op, CommandFailure::gone);
    end_item(item);
  }
}

/// In the lane, after whatever is under way there for the host: closing may sleep, and nobody may use the number meanwhile.
void SgCommands::close_node(Device& device) {
  if (device.fd >= 0) epoll_ctl(replies_.get(), EPOLL_CTL_DEL, device.fd, nullptr);
  bool never_opened = std::exchange(device.fd, -1) < 0 && !device.host->in_lane;
  if (never_opened) {
    device.node.reset();
    return;
  }
  auto close = [node = device.node]() -> ports::Continuation {
    node->fd.reset();
    return {};
  };
  // A refused task is destroyed, and with it the last owner of the descriptor.
  (void)lanes_.submit(ports::Lane::submit, device.host->key, std::move(close));
  device.node.reset();
}

void SgCommands::detach(PathId path) {
  Device* device = find(path);
  if (device == nullptr) return;
  device->generation = 0;
  device->facts.reset();
  if (!device->node) return;
  Host& host = *device->host;
  std::erase_if(host.queue, [&](const SgSubmission& waiting) {
    if (waiting.item->path != path) return false;
    end_item(waiting.item);
    return true;
  });
  drop_outstanding(*device, false);
  if (device->node->answers_at_once) --degraded_;
  close_node(*device);
  if (--host.devices == 0 && is_free(host)) {
    std::erase(to_flush_, &host);
    hosts_.erase(host.key);
  }
  device->host.reset();
}

void SgCommands::reply_failure(PathId path, OpId op, CommandFailure failure) {
  ports::CommandReply& reply = ready_.emplace_back();
  reply.op = op;
  reply.path = path;
  reply.outcome.failure = failure;
}

void SgCommands::submit(const ports::CommandRequest& request) {
  Device* device = find(request.path);
  const auto* command = std::get_if<ScsiCommand>(&request.command);
  if (device == nullptr || !device->node || command == nullptr) {
    reply_failure(request.path, request.op,
                  device == nullptr ? CommandFailure::open_failed : CommandFailure::not_a_scsi_device);
    wake_at(MonoTime{Duration{1}});
    return;
  }
  SgItem* item = take_item();
  item->op = request.op;
  item->path = request.path;
  item->command = *command;
  if (command->data_out.empty()) {
    item->data.assign(command->data_in_bytes, 0);
  } else {
    item->data = command->data_out;
  }
  Host& host = *device->host;
  host.queue.push_back({.item = item});
  if (!std::exchange(host.listed, true)) to_flush_.push_back(&host);
}

void SgCommands::flush() {
  if (to_flush_.empty()) return;
  MonoTime now = clock_.now();
  std::size_t before = outstanding_;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < to_flush_.size(); ++i) {
    Host& host = *to_flush_[i];
    flush_host(host, now);
    host.listed = !host.in_lane && !host.queue.empty();
    if (host.listed) to_flush_[kept++] = &host;
  }
  to_flush_.resize(kept);
  if (outstanding_ < before + limits::sg_burst) return;
  if (burst_until_ <= now) {
    // As long as the last burst took, so that one look finds all of the next.
    window_ = std::clamp(last_burst_, limits::sg_burst_window, limits::sg_burst_window_most);
    burst_began_ = now;
  }
  burst_until_ = now + limits::sg_burst_pause;
  gather_replies(true, now);
}

/// Whether replies wait for the timer, or wake the loop by themselves.
void SgCommands::gather_replies(bool gather, MonoTime now) {
  if (gather) wake_at(now + window_);
  if (std::exchange(gathering_, gather) == gather) return;
  epoll_event event{.events = EPOLLIN, .data = {}};
  epoll_ctl(event_.get(), gather ? EPOLL_CTL_DEL : EPOLL_CTL_ADD, replies_.get(), &event);
}

void SgCommands::remove_outstanding(Device& device, SgItem* item) { outstanding_ -= std::erase(device.outstanding, item); }

/// Hands the queue over unless the lane has the host's last batch still, or the host was full a moment ago.
void SgCommands::flush_host(Host& host, MonoTime now) {
  if (host.queue.empty() || !is_free(host)) return;
  if (now < host.retry_at) {
    wake_at(host.retry_at);
    return;
  }
  host.batch.submissions.swap(host.queue);
  for (SgSubmission& submission : host.batch.submissions) {
    Device& device = *find(submission.item->path);  // detach() leaves no command of its path in the queue
    submission.item->with_lane = true;
    submission.node = device.node;
    device.outstanding.push_back(submission.item);
    ++outstanding_;
  }
  host.batch.wants_word = host.full_since != no_deadline;
  if (host.batch.wants_word) {
    for (const Device& device : devices_) {
      if (host.batch.samples.size() >= samples_of_full_host) break;
      if (device.generation != 0 && device.host.get() == &host) host.batch.samples.push_back(device.facts);
    }
  }
  host.in_lane_since = now;
  host.handed_over = host.batch.submissions.size();
  hand_over(host);
}

void SgCommands::hand_over(Host& host) {
  host.in_lane = true;
  host.handover.store(Host::Handover::under_way, std::memory_order_relaxed);
  bool taken = lanes_.submit(ports::Lane::submit, host.key, [self = hosts_.at(host.key)]() mutable -> ports::Continuation {
    run_batch(self->batch, self->gate, self->open, *self->clock);
    bool quiet = is_uneventful(self->batch);
    auto state = Host::Handover::under_way;
    if (quiet && self->handover.compare_exchange_strong(state, Host::Handover::done, std::memory_order_release)) return {};
    return [done = std::move(self)] {
      if (done->owner != nullptr) done->owner->batch_done(*done);
    };
  });
  if (taken) return;
  host.batch.host_full = true;  // as if the host had refused them all
  take_results(host);
}

void SgCommands::batch_done(Host& host) {
  take_results(host);
  if (host.devices == 0) {
    std::erase(to_flush_, &host);
    hosts_.erase(host.key);
    return;
  }
  if (!host.queue.empty() && !std::exchange(host.listed, true)) to_flush_.push_back(&host);
  flush();
}

void SgCommands::take_results(Host& host) {
  host.in_lane = false;
  for (SgSubmission& submission : host.batch.submissions) take_result(host, submission);
  host.batch.submissions.clear();
  host.batch.samples.clear();
  bool works = std::exchange(host.batch.host_works, false);
  if (works && std::ranges::find(busy_hosts_, host.number) == busy_hosts_.end()) busy_hosts_.push_back(host.number);
  if (host.batch.host_full) {
    // One that is full of work does not stall: it has just taken a command.
    if (works || host.full_since == no_deadline) host.full_since = host.in_lane_since;
    host.retry_after = std::clamp(host.retry_after * 2, limits::full_host_retry, limits::full_host_retry_most);
    host.retry_at = clock_.now() + host.retry_after;
    wake_at(host.retry_at);
  } else {
    host.full_since = no_deadline;
    host.retry_after = {};
    host.retry_at = {};
  }
  if (!ready_.empty()) wake_at(MonoTime{Duration{1}});
}

void SgCommands::take_result(Host& host, SgSubmission& submission) {
  SgItem* item = submission.item;
  item->with_lane = false;
  bool had_ended = item->ended;  // answered or dropped while the lane had it
  Device* device = find(item->path);
  bool attached = device != nullptr && device->node == submission.node;
  if (attached && submission.opened_fd >= 0) watch(*device, item->path, submission.opened_fd);
  if (had_ended) release_if_free(item);
  if (item->ended) return;
  switch (submission.result) {
    case SgSubmission::Result::submitted: return;
    case SgSubmission::Result::waiting:
      remove_outstanding(*device, item);
      host.queue.push_back({.item = item});
      return;
    case SgSubmission::Result::answered:
      remove_outstanding(*device, item);
      reply(*item, submission.outcome, submission.data_bytes);
      end_item(item);
      return;
    case SgSubmission::Result::failed:
      remove_outstanding(*device, item);
      reply_failure(item->path, item->op, submission.failure);
      end_item(item);
      return;
  }
}

void SgCommands::watch(Device& device, PathId path, int fd) {
  device.fd = fd;
  if (device.node->answers_at_once) return;
  // Edge-triggered: a reply that came before this call is reported too. If it cannot be watched, the command's reply would never
  // be seen: that is the same to the caller as a device that is gone.
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = tag_of(path)}};
  if (epoll_ctl(replies_.get(), EPOLL_CTL_ADD, fd, &event) != 0) read_replies(path, EPOLLHUP, clock_.now());
}

void SgCommands::reply(SgItem& item, CommandOutcome outcome, std::size_t data_bytes) {
  ports::CommandReply& reply = ready_.emplace_back();
  reply.op = item.op;
  reply.path = item.path;
  reply.outcome = std::move(outcome);
  if (data_bytes == 0) return;
  item.data.resize(std::min(item.data.size(), data_bytes));
  reply.outcome.data = std::move(item.data);
  item.data = {};
}

void SgCommands::take_reply(Device& device, SgItem& item, const void* bytes, MonoTime now) {
  Host& host = *device.host;
  if (item.with_lane && host.handover.load(std::memory_order_acquire) == Host::Handover::done) take_results(host);
  const auto& header = *static_cast<const sg_io_hdr*>(bytes);
  remove_outstanding(device, &item);
  CommandOutcome outcome;
  outcome.status = header.status;
  outcome.host_status = static_cast<HostStatus>(header.host_status);
  outcome.driver_status = header.driver_status;
  outcome.sense = item.sense;
  outcome.sense_bytes = static_cast<std::uint8_t>(std::min<std::size_t>(header.sb_len_wr, item.sense.size()));
  outcome.round_trip = now.time_since_epoch() - Duration(item.started.load(std::memory_order_relaxed));
  auto left_out = static_cast<std::size_t>(std::max(header.resid, 0));
  bool reads = item.command.data_out.empty();
  reply(item, std::move(outcome), reads ? item.data.size() - std::min(left_out, item.data.size()) : 0);
  end_item(&item);
}

void SgCommands::read_replies(PathId path, std::uint32_t events, MonoTime now) {
  Device* device = find(path);
  if (device == nullptr || device->fd < 0) return;
  while (!device->outstanding.empty()) {
    sg_io_hdr header{};
    header.interface_id = 'S';
    ssize_t got = ::read(device->fd, &header, sizeof header);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got != sizeof header) {
      events |= EPOLLHUP;
      break;
    }
    std::size_t index = reinterpret_cast<std::uintptr_t>(header.usr_ptr) - 1;
    if (index >= items_->size()) continue;
    SgItem& item = *(*items_)[index];
    bool ours = !item.ended && item.path == path &&
                header.pack_id == static_cast<int>(static_cast<std::uint64_t>(item.op) & 0x7fffffff);
    if (ours) take_reply(*device, item, &header, now);
  }
  if ((events & (EPOLLHUP | EPOLLERR)) == 0) return;
  // The kernel has removed the device: no reply will come. A later command opens the node again, and learns what is there now.
  drop_outstanding(*device, true);
  auto node = std::make_shared<SgNode>();
  node->facts = device->facts;
  node->answers_at_once = device->node->answers_at_once;
  close_node(*device);
  device->node = std::move(node);
}

void SgCommands::collect(std::vector<ports::CommandReply>& replies) {
  MonoTime now = clock_.now();
  bool timer_fired = timer_at_ <= now;
  if (timer_fired) timer_at_ = no_deadline;
  if (gathering_ && !timer_fired) {  // called for another reason
    collect_known(replies);
    return;
  }
  epoll_event events[events_per_wait];
  int count = 0;
  bool came = false;
  do {
    count = epoll_wait(replies_.get(), events, events_per_wait, 0);
    for (int i = 0; i < count; ++i) read_replies(path_of(events[i].data.u64), events[i].events, now);
    came = came || count > 0;
  } while (count == events_per_wait);

  bool burst_goes_on = came && now < burst_until_ && outstanding_ >= limits::sg_burst;
  if (burst_goes_on) {
    burst_until_ = now + limits::sg_burst_pause;
    window_ = std::clamp(window_ * 2, limits::sg_burst_window, limits::sg_burst_window_most);
  }
  if (gathering_ && !burst_goes_on) {
    last_burst_ = (now - burst_began_) * 15 / 16;  // a little less: what has become quicker is noticed
    burst_until_ = now;
  }
  if (gathering_ || burst_goes_on) gather_replies(burst_goes_on, now);
  collect_known(replies);
  // One that has gone off stays readable until it is set again.
  if (timer_fired && timer_at_ == no_deadline) set_timer(no_deadline);
}

void SgCommands::collect_known(std::vector<ports::CommandReply>& replies) {
  flush();
  std::ranges::move(ready_, std::back_inserter(replies));
  empty_but_keep(ready_, limits::events_per_turn);
}

void SgCommands::collect_busy_hosts(std::vector<std::uint32_t>& hosts) {
  hosts.insert(hosts.end(), busy_hosts_.begin(), busy_hosts_.end());
  busy_hosts_.clear();
}

void SgCommands::wake_at(MonoTime when) {
  if (when < timer_at_) set_timer(when);
}

void SgCommands::set_timer(MonoTime when) {
  timer_at_ = when;
  sys::set_timer(timer_.get(), when);
}

std::vector<StalledHost> SgCommands::stalled(Duration age) const {
  std::vector<StalledHost> found;
  MonoTime now = clock_.now();
  for (const auto& [key, host] : hosts_) {
    bool in_lane = host->in_lane && host->handover.load(std::memory_order_relaxed) != Host::Handover::done;
    MonoTime since = std::min(host->full_since, in_lane ? host->in_lane_since : no_deadline);
    if (since == no_deadline || now - since < age) continue;
    std::size_t waiting = host->queue.size() + (in_lane ? host->handed_over : 0);
    found.push_back({host->number, since, waiting, host->full_since == no_deadline});
  }
  std::ranges::sort(found, {}, &StalledHost::since);
  return found;
}

}  // namespace mpath::sys
