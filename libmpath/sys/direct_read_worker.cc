// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/direct_read_worker.h"

#include <libaio.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "libmpath/base/limits.h"
#include "libmpath/base/time.h"
#include "libmpath/base/unique_fd.h"
#include "libmpath/sys/direct_read_frames.h"
#include "libmpath/sys/direct_read_helper.h"

namespace mpath::sys {

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t events_per_call = 128;

MonoTime clock_now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return MonoTime(seconds(time.tv_sec) + Duration(time.tv_nsec));
}

/// The last close of a block device may sleep (it waits for what the page cache still has to write): nobody waits for it here.
class Closer {
 public:
  ~Closer() {
    if (thread_.joinable()) thread_.detach();  // the process ends right after
  }
  void close(UniqueFd fd) {
    std::lock_guard lock(state_->mutex);
    state_->waiting.push_back(std::move(fd));
    if (!thread_.joinable()) thread_ = std::thread([state = state_] { run(*state); });
    state_->wake.notify_one();
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<UniqueFd> waiting;
  };
  static void run(State& state) {
    std::unique_lock lock(state.mutex);
    for (;;) {
      state.wake.wait(lock, [&] { return !state.waiting.empty(); });
      UniqueFd fd = std::move(state.waiting.front());
      state.waiting.pop_front();
      lock.unlock();
      fd.reset();
      lock.lock();
    }
  }
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::thread thread_;
};

/// One read. Its address is stable: the kernel writes into its buffer, also after the path has been closed.
struct Read {
  iocb control{};
  std::size_t context = 0;
  ReadFrame asked;
  void* buffer = nullptr;
  std::size_t buffer_bytes = 0;
  MonoTime started{};
  MonoTime retry_at{};
  Duration retry_after{};
  bool may_sleep = false;  ///< the kernel does not know RWF_NOWAIT for this device
  ~Read() { std::free(buffer); }
};

struct Context {
  io_context_t handle = nullptr;
  unsigned outstanding = 0;
};

struct OpenPath {
  std::uint32_t generation = 0;
  std::uint32_t block_bytes = 0;
  UniqueFd fd;
};

class Worker {
 public:
  explicit Worker(int socket) : socket_(socket), done_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  void run();

 private:
  [[nodiscard]] bool receive();
  void take(const ReadFrame& frame, UniqueFd fd);
  void take_open(const ReadFrame& frame, UniqueFd fd);
  void take_read(const ReadFrame& frame);
  [[nodiscard]] Read* prepare(const ReadFrame& frame, const OpenPath& path);
  void hand_over();
  std::size_t hand_over(std::size_t context, std::size_t first, std::size_t count);
  void submission_failed(Read* read, int error);
  void try_later(Read* read);
  void take_due();
  void gather();
  void completed(Read* read, long result);
  [[nodiscard]] std::optional<std::size_t> context_with_room();
  void reply(const ReadFrame& asked, ReadReplyFrame::Kind kind, std::int32_t result, Duration round_trip, std::uint32_t wanted);
  [[nodiscard]] bool send();
  void release(Read* read);
  [[nodiscard]] OpenPath* find(const ReadFrame& frame);
  [[nodiscard]] int patience() const;

  int socket_;
  UniqueFd done_;
  Closer closer_;
  std::vector<OpenPath> paths_;
  std::vector<Context> contexts_;
  std::vector<std::unique_ptr<Read>> reads_;
  std::vector<Read*> free_;
  std::vector<Read*> ready_;    ///< to be handed to the kernel
  std::vector<Read*> delayed_;  ///< whose device had no room
  std::vector<iocb*> batch_;
  std::deque<ReadReplyFrame> replies_;
  bool congested_ = false;  ///< the daemon takes no replies now
};

OpenPath* Worker::find(const ReadFrame& frame) {
  if (frame.slot >= paths_.size() || paths_[frame.slot].generation != frame.generation) return nullptr;
  return &paths_[frame.slot];
}

void Worker::reply(const ReadFrame& asked, ReadReplyFrame::Kind kind, std::int32_t result, Duration round_trip,
                   std::uint32_t wanted) {
  replies_.push_back({.kind = kind, .slot = asked.slot, .generation = asked.generation, .result = result, .op = asked.op,
                      .nanoseconds = round_trip.count(), .wanted = wanted});
}

/// False if the daemon is gone.
bool Worker::receive() {
  for (;;) {
    std::array<ReadFrame, frames_per_message> frames;
    UniqueFd fd;
    ssize_t got = receive_with_descriptor(socket_, frames.data(), sizeof frames, MSG_DONTWAIT, fd);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    std::size_t count = static_cast<std::size_t>(got) / sizeof(ReadFrame);
    for (std::size_t i = 0; i < count; ++i) take(frames[i], i == 0 ? std::move(fd) : UniqueFd{});
  }
}

void Worker::take(const ReadFrame& frame, UniqueFd fd) {
  switch (frame.kind) {
    case ReadFrame::Kind::open: take_open(frame, std::move(fd)); return;
    case ReadFrame::Kind::close:
      if (OpenPath* path = find(frame)) {
        path->generation = 0;
        closer_.close(std::move(path->fd));
      }
      return;
    case ReadFrame::Kind::read: take_read(frame); return;
    case ReadFrame::Kind::ping: reply(frame, ReadReplyFrame::Kind::pong, 0, {}, 0); return;
  }
}

void Worker::take_open(const ReadFrame& frame, UniqueFd fd) {
  if (!fd || frame.slot >= limits::direct_reads || frame.generation == 0) return;
  if (frame.slot >= paths_.size()) paths_.resize(frame.slot + 1);
  OpenPath& path = paths_[frame.slot];
  if (path.fd) closer_.close(std::move(path.fd));
  path = {.generation = frame.generation, .block_bytes = frame.bytes, .fd = std::move(fd)};
}

Read* Worker::prepare(const ReadFrame& frame, const OpenPath& path) {
  std::size_t bytes = frame.bytes != 0 ? frame.bytes : path.block_bytes;
  if (bytes == 0 || bytes > limits::direct_read_bytes) return nullptr;
  if (free_.empty()) {
    if (reads_.size() >= limits::direct_reads) return nullptr;
    free_.push_back(reads_.emplace_back(std::make_unique<Read>()).get());
  }
  Read* read = free_.back();
  if (read->buffer_bytes < bytes) {
    std::free(read->buffer);
    read->buffer_bytes = (bytes + page - 1) / page * page;
    read->buffer = std::aligned_alloc(page, read->buffer_bytes);
    if (read->buffer == nullptr) {
      read->buffer_bytes = 0;
      return nullptr;
    }
  }
  free_.pop_back();
  read->asked = frame;
  read->retry_after = {};
  read->may_sleep = false;
  io_prep_pread(&read->control, path.fd.get(), read->buffer, bytes, static_cast<long long>(frame.offset));
  io_set_eventfd(&read->control, done_.get());
  read->control.data = read;
  return read;
}

void Worker::take_read(const ReadFrame& frame) {
  OpenPath* path = find(frame);
  Read* read = path == nullptr ? nullptr : prepare(frame, *path);
  if (read == nullptr) {
    reply(frame, ReadReplyFrame::Kind::refused, path == nullptr ? -EBADF : -EBUSY, {}, 0);
    return;
  }
  ready_.push_back(read);
}

std::optional<std::size_t> Worker::context_with_room() {
  for (std::size_t i = 0; i < contexts_.size(); ++i) {
    if (contexts_[i].outstanding < limits::direct_context_reads) return i;
  }
  Context context;
  if (::io_setup(static_cast<int>(limits::direct_context_reads), &context.handle) != 0) return std::nullopt;
  contexts_.push_back(context);
  return contexts_.size() - 1;
}

void Worker::hand_over() {
  std::erase_if(ready_, [&](Read* read) {
    const OpenPath* path = find(read->asked);
    if (path == nullptr) {
      release(read);  // closed right after it was asked for
      return true;
    }
    read->control.aio_fildes = path->fd.get();
    return false;
  });
  for (std::size_t first = 0; first < ready_.size();) {
    auto context = context_with_room();
    if (!context) {  // fs.aio-max-nr is used up
      for (; first < ready_.size(); ++first) submission_failed(ready_[first], ENOSPC);
      break;
    }
    std::size_t room = limits::direct_context_reads - contexts_[*context].outstanding;
    first += hand_over(*context, first, std::min(room, ready_.size() - first));
  }
  ready_.clear();
}

/// Gives how many of ready_ have been dealt with, at least one.
std::size_t Worker::hand_over(std::size_t context, std::size_t first, std::size_t count) {
  batch_.clear();
  MonoTime now = clock_now();
  for (std::size_t i = first; i < first + count; ++i) {
    Read& read = *ready_[i];
    // A device whose queue is full answers at once that it is; otherwise the call would sleep, and with it all other paths.
    read.control.aio_rw_flags = read.may_sleep ? 0 : RWF_NOWAIT;
    read.context = context;
    read.started = now;
    batch_.push_back(&read.control);
  }
  int taken = ::io_submit(contexts_[context].handle, static_cast<long>(batch_.size()), batch_.data());
  if (taken > 0) {
    contexts_[context].outstanding += static_cast<unsigned>(taken);
    return static_cast<std::size_t>(taken);
  }
  // The first one was refused. The library gives minus errno.
  submission_failed(ready_[first], taken == 0 ? EAGAIN : -taken);
  return 1;
}

void Worker::submission_failed(Read* read, int error) {
  if (error == EAGAIN || error == EINTR) {
    try_later(read);
  } else if ((error == EOPNOTSUPP || error == EINVAL) && !read->may_sleep) {
    read->may_sleep = true;
    try_later(read);
  } else {
    reply(read->asked, ReadReplyFrame::Kind::refused, -error, {}, 0);
    release(read);
  }
}

void Worker::try_later(Read* read) {
  read->retry_after = std::clamp(read->retry_after * 2, limits::direct_retry, limits::direct_retry_most);
  read->retry_at = clock_now() + read->retry_after;
  delayed_.push_back(read);
}

void Worker::take_due() {
  if (delayed_.empty()) return;
  MonoTime now = clock_now();
  std::erase_if(delayed_, [&](Read* read) {
    if (read->retry_at > now) return false;
    ready_.push_back(read);
    return true;
  });
}

void Worker::gather() {
  std::uint64_t count = 0;
  if (::read(done_.get(), &count, sizeof count) != sizeof count) return;
  std::array<io_event, events_per_call> events;
  for (Context& context : contexts_) {
    while (context.outstanding > 0) {
      timespec no_wait{};
      int got = ::io_getevents(context.handle, 0, static_cast<long>(events.size()), events.data(), &no_wait);
      if (got <= 0) break;
      context.outstanding -= static_cast<unsigned>(got);
      for (int i = 0; i < got; ++i) {
        completed(static_cast<Read*>(events[static_cast<std::size_t>(i)].data), static_cast<long>(events[static_cast<std::size_t>(i)].res));
      }
      if (got < static_cast<int>(events.size())) break;
    }
  }
}

void Worker::completed(Read* read, long result) {
  bool no_room = result == -EAGAIN && !read->may_sleep;
  if (no_room || (result == -EOPNOTSUPP && !read->may_sleep)) {
    read->may_sleep = !no_room;
    try_later(read);
    return;
  }
  if (find(read->asked) != nullptr) {
    reply(read->asked, ReadReplyFrame::Kind::done, static_cast<std::int32_t>(result), clock_now() - read->started,
          static_cast<std::uint32_t>(read->control.u.c.nbytes));
  }
  release(read);
}

void Worker::release(Read* read) { free_.push_back(read); }

/// False if the daemon is gone.
bool Worker::send() {
  congested_ = false;
  while (!replies_.empty()) {
    std::array<ReadReplyFrame, frames_per_message> frames;
    std::size_t count = std::min(replies_.size(), frames.size());
    std::copy_n(replies_.begin(), count, frames.begin());
    ssize_t sent = ::send(socket_, frames.data(), count * sizeof(ReadReplyFrame), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) {
      congested_ = true;
      return true;
    }
    if (sent < 0) return false;
    replies_.erase(replies_.begin(), replies_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return true;
}

/// For poll(): until the next delayed read.
int Worker::patience() const {
  if (delayed_.empty()) return -1;
  MonoTime next = (*std::ranges::min_element(delayed_, {}, &Read::retry_at))->retry_at;
  auto wait = std::chrono::ceil<milliseconds>(next - clock_now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(wait, 0, 1000));
}

void Worker::run() {
  if (!done_) return;
  for (;;) {
    pollfd watched[] = {{.fd = socket_, .events = static_cast<short>(congested_ ? POLLOUT | POLLIN : POLLIN), .revents = 0},
                        {.fd = done_.get(), .events = POLLIN, .revents = 0}};
    if (::poll(watched, 2, patience()) < 0 && errno != EINTR) return;
    if (watched[1].revents != 0) gather();
    if (watched[0].revents != 0 && !receive()) return;
    take_due();
    hand_over();
    if (!send()) return;
  }
}

}  // namespace

void serve_direct_reads(int socket) { Worker(socket).run(); }

}  // namespace mpath::sys
