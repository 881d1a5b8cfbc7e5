// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/dm_library.h"

#include <libdevmapper.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include "libmpath/wire/dm_table.h"

namespace mpath::sys::dm_library {

namespace {

constexpr std::size_t captured_bytes = 1000;  ///< of libdevmapper's messages for one operation
constexpr int level_mask = 7;
constexpr int level_warning = 4;  ///< libdevmapper counts like syslog
constexpr Duration udev_poll = milliseconds{10};

/// Messages of the operation that this thread carries out.
thread_local std::string* captured = nullptr;

__attribute__((format(printf, 5, 6))) void capture(int level, const char*, int, int, const char* format, ...) {
  if (captured == nullptr || (level & level_mask) > level_warning || captured->size() >= captured_bytes) return;
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  int length = std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (length <= 0) return;
  if (!captured->empty()) *captured += "; ";
  captured->append(line, std::min(sizeof line - 1, static_cast<std::size_t>(length)));
}

struct DestroyTask {
  void operator()(dm_task* task) const { dm_task_destroy(task); }
};

/// Creating is several calls for libdevmapper: undoing the first ones loses the errno of the one that failed, and only its message tells it.
int error_in(const std::string& messages, int error_number) {
  for (int known : {EBUSY, EROFS}) {
    if (messages.contains(std::strerror(known))) return known;
  }
  return error_number;
}

/// One libdevmapper operation: settings are collected, the first that fails decides.
class Task {
 public:
  Task(int type, const MapName& name, const char* what) : name_(name.text), what_(what) {
    captured = &messages_;
    task_.reset(dm_task_create(type));
    ok_ = task_ != nullptr;
    set([&] { return dm_task_set_name(task_.get(), name_.c_str()); });
    set([&] { return dm_task_no_open_count(task_.get()); });
    set([&] { return dm_task_skip_lockfs(task_.get()); });
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { captured = nullptr; }

  template <typename Setting>
  void set(Setting setting) {
    ok_ = ok_ && setting() != 0;
  }
  dm_task* get() { return task_.get(); }

  Status run(std::uint16_t bits, bool with_uevent, UdevWait wait) {
    std::uint32_t cookie = 0;
    if (with_uevent) set([&] { return dm_task_set_cookie(get(), &cookie, bits); });
    int error = 0;
    if (ok_ && dm_task_run(get()) == 0) {
      ok_ = false;
      error = dm_task_get_errno(get());
      if (error == 0 || error == EINVAL) error = error_in(messages_, error);
    }
    error_number_ = error;
    Status waited;
    if (with_uevent) waited = wait.on && cookie != 0 ? wait_for_udev(cookie, wait.limit) : finish_nodes();
    if (ok_) return waited;
    Error failure = error_from_errno(error != 0 ? error : EINVAL, name_, what_);
    if (!messages_.empty()) failure.cause += " (" + messages_ + ")";
    return std::unexpected(std::move(failure));
  }
  /// The errno value of a run() that failed; 0 if it never reached the kernel.
  [[nodiscard]] int error_number() const { return error_number_; }

 private:
  /// libdevmapper notes node operations even where it leaves them to udev; this empties its list.
  static Status finish_nodes() {
    dm_udev_wait(0);
    return {};
  }
  Status wait_for_udev(std::uint32_t cookie, Duration limit) const {
    for (Duration waited{};; waited += udev_poll) {
      int ready = 0;
      if (dm_udev_wait_immediate(cookie, &ready) == 0 || ready != 0) return {};
      if (waited >= limit) break;
      timespec pause{0, static_cast<long>(udev_poll.count())};
      nanosleep(&pause, nullptr);
    }
    // Nobody else would remove the semaphore; udev does not mind that it is gone.
    if (int semaphore = semget(static_cast<key_t>(cookie), 1, 0); semaphore >= 0) semctl(semaphore, 0, IPC_RMID, 0);
    return fail(ErrorCode::timeout, name_, "done, but udev has not worked on the device yet; see: udevadm monitor");
  }

  std::string name_;
  const char* what_;
  std::string messages_;
  std::unique_ptr<dm_task, DestroyTask> task_;
  bool ok_ = false;
  int error_number_ = 0;
};

void set_table(Task& task, const MapSpec& spec, const std::string& parameters, bool read_only) {
  task.set([&] {
    return dm_task_add_target(task.get(), 0, spec.table.size_sectors, wire::multipath_target.data(), parameters.c_str());
  });
  if (read_only) task.set([&] { return dm_task_set_ro(task.get()); });
  if (spec.mode) task.set([&] { return dm_task_set_mode(task.get(), *spec.mode); });
  if (spec.uid) task.set([&] { return dm_task_set_uid(task.get(), *spec.uid); });
  if (spec.gid) task.set([&] { return dm_task_set_gid(task.get(), *spec.gid); });
}

/// Read-write unless the map is to be read-only; read-only if the kernel says that a path is.
template <typename Attempt>
Status read_write_first(const MapSpec& spec, Attempt attempt) {
  if (!spec.read_only) {
    int error_number = 0;
    Status done = attempt(false, error_number);
    if (done || error_number != EROFS) return done;
  }
  int ignored = 0;
  return attempt(true, ignored);
}

}  // namespace

void set_up(bool udev_sync) {
  dm_log_with_errno_init(capture);
  dm_set_name_mangling_mode(DM_STRING_MANGLING_NONE);
  dm_udev_set_sync_support(udev_sync ? 1 : 0);
  dm_udev_set_checking(0);
  dm_hold_control_dev(1);
}

std::uint16_t udev_bits(UdevFlags flags) {
  unsigned bits = DM_UDEV_DISABLE_LIBRARY_FALLBACK | DM_UDEV_PRIMARY_SOURCE_FLAG;
  if (flags.reload) bits |= DM_SUBSYSTEM_UDEV_FLAG0;
  if (flags.no_kpartx) bits |= DM_SUBSYSTEM_UDEV_FLAG1;
  if (flags.no_paths) bits |= DM_SUBSYSTEM_UDEV_FLAG2;
  return static_cast<std::uint16_t>(bits);
}

Status create(const MapSpec& spec, const std::string& parameters, std::uint16_t bits, UdevWait wait) {
  std::string uuid = map_uuid(spec.wwid);
  return read_write_first(spec, [&](bool read_only, int& error_number) -> Status {
    Task task(DM_DEVICE_CREATE, spec.name, "the map cannot be created");
    task.set([&] { return dm_task_set_uuid(task.get(), uuid.c_str()); });
    set_table(task, spec, parameters, read_only);
    Status done = task.run(bits, true, wait);
    error_number = task.error_number();
    return done;
  });
}

Status create_device(const MapName& name, const std::string& uuid, const std::vector<DmTarget>& targets, bool read_only, UdevWait wait) {
  Task task(DM_DEVICE_CREATE, name, "the device cannot be created");
  task.set([&] { return dm_task_set_uuid(task.get(), uuid.c_str()); });
  for (const DmTarget& target : targets) {
    task.set([&] {
      return dm_task_add_target(task.get(), target.start_sector, target.length_sectors, target.type.c_str(), target.text.c_str());
    });
  }
  if (read_only) task.set([&] { return dm_task_set_ro(task.get()); });
  return task.run(udev_bits({}), true, wait);
}

Status load(const MapName& name, const MapSpec& spec, const std::string& parameters) {
  return read_write_first(spec, [&](bool read_only, int& error_number) -> Status {
    Task task(DM_DEVICE_RELOAD, name, "the new table was not accepted");
    set_table(task, spec, parameters, read_only);
    Status done = task.run(0, false, {});
    error_number = task.error_number();
    return done;
  });
}

Status resume(const MapName& name, std::uint16_t bits, bool flush, UdevWait wait) {
  Task task(DM_DEVICE_RESUME, name, "cannot be resumed");
  if (!flush) task.set([&] { return dm_task_no_flush(task.get()); });
  return task.run(bits, true, wait);
}

Status rename(const MapName& name, const MapName& new_name, UdevWait wait) {
  Task task(DM_DEVICE_RENAME, name, "cannot be renamed");
  task.set([&] { return dm_task_set_newname(task.get(), new_name.text.c_str()); });
  return task.run(udev_bits({}), true, wait);
}

Status remove(const MapName& name, bool deferred, UdevWait wait) {
  Task task(DM_DEVICE_REMOVE, name, "cannot be removed");
  if (deferred) task.set([&] { return dm_task_deferred_remove(task.get()); });
  return task.run(udev_bits({}), true, wait);
}

}  // namespace mpath::sys::dm_library
