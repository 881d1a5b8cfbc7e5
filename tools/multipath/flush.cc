// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/multipath/flush.h"

#include <time.h>

#include <cstdio>

#include "libmpath/base/text.h"
#include "libmpath/runtime/configuration.h"
#include "libmpath/sys/device_mapper.h"
#include "libmpath/sys/files.h"
#include "tools/client/connection.h"
#include "tools/multipath/output.h"
#include "tools/multipath/wanted.h"

namespace mpath::tool {

namespace {

constexpr milliseconds daemon_patience{60000};
constexpr time_t retry_pause = 1;  ///< s, between two attempts of a removal (remove_retries)

void pause_before_retry() {
  timespec pause{.tv_sec = retry_pause, .tv_nsec = 0};
  ::nanosleep(&pause, nullptr);
}

/// What the daemon said to `command`; its reply is printed as ours. A failure is repeated as often as -R says.
int ask_daemon(int connection, std::string_view command, std::uint32_t retries) {
  for (;;) {
    auto text = client::exchange(connection, command, daemon_patience);
    if (!text) return complain(text.error());
    std::string_view reply = *text;
    if (reply == "ok\n") return 0;
    const bool failed = reply.starts_with("fail\n");
    const bool again = failed && reply != "fail\ntimeout\n" && retries > 0;
    if (again) {
      --retries;
      pause_before_retry();
      continue;
    }
    if (failed) reply.remove_prefix(5);
    fmt::print("{}", failed && reply.empty() ? "fail\n" : reply);
    return failed ? 1 : 0;
  }
}

/// In double quotes, because a name may hold blanks.
std::string quoted(std::string_view word) {
  std::string out = "\"";
  for (char c : word) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

/// remove_retries of the configuration, unless -R says otherwise.
std::uint32_t retries_of(const Options& options) {
  if (options.remove_retries) return *options.remove_retries;
  sys::Files files{sys::FilePaths{}};
  engine::ConfigurationLoaded loaded = runtime::parse_configuration(files.read_configuration());
  return loaded.config ? config::Resolver(loaded.config).daemon().remove_retries.value : 0;
}

/// Maps of this machine, removed without a daemon.
class Remover {
 public:
  [[nodiscard]] static Result<Remover> open(const Options& options) {
    auto device_mapper = sys::DeviceMapper::open({.udev_sync = sys::UdevSync::on});
    if (!device_mapper) return std::unexpected(device_mapper.error());
    return Remover(std::move(*device_mapper), retries_of(options));
  }

  /// Errors: not_found, unsupported for a dm device that is no multipath map.
  Result<KernelMap> find(const Wanted& wanted) {
    auto list = device_mapper_->list();
    if (!list) return std::unexpected(list.error());
    for (const KernelMapListing& entry : *list) {
      if (names(wanted, entry.name, wwid_in(entry.uuid), entry.devnum)) return device_mapper_->read(entry.name);
    }
    return fail(ErrorCode::not_found, wanted.name, "there is no such map");
  }
  Result<std::vector<KernelMap>> all() {
    auto list = device_mapper_->list();
    if (!list) return std::unexpected(list.error());
    std::vector<KernelMap> maps;
    for (const KernelMapListing& entry : *list) {
      auto map = device_mapper_->read(entry.name);
      if (map && map->is_multipath()) maps.push_back(std::move(*map));
    }
    return maps;
  }
  Status remove(const KernelMap& map) {
    for (std::uint32_t left = retries_;; --left) {
      Status removed = device_mapper_->remove(map.name, false, {.uuid = map.uuid, .table_fingerprint = 0});
      if (removed || removed.error().code != ErrorCode::busy || left == 0) return removed;
      pause_before_retry();
    }
  }

 private:
  Remover(std::unique_ptr<sys::DeviceMapper> device_mapper, std::uint32_t retries)
      : device_mapper_(std::move(device_mapper)), retries_(retries) {}
  std::unique_ptr<sys::DeviceMapper> device_mapper_;
  std::uint32_t retries_ = 0;
};

int remove_here(const Options& options, const Wanted& wanted) {
  auto remover = Remover::open(options);
  if (!remover) return complain(remover.error());
  auto map = remover->find(wanted);
  if (!map || !map->is_multipath()) return complain({ErrorCode::invalid_argument, {}, escape(options.device) + " is not a multipath device", {}});
  if (Status removed = remover->remove(*map); !removed) return complain(removed.error());
  return 0;
}

int remove_all_here(const Options& options) {
  auto remover = Remover::open(options);
  if (!remover) return complain(remover.error());
  auto maps = remover->all();
  if (!maps) return complain(maps.error());
  int status = 0;
  for (const KernelMap& map : *maps) {
    if (Status removed = remover->remove(map); !removed) status = complain(removed.error());
  }
  return status;
}

}  // namespace

int flush_one(const Options& options) {
  auto wanted = resolve(options.device);
  if (!wanted) return complain(wanted.error());
  if (wanted->kind == Wanted::Kind::device) return complain({ErrorCode::invalid_argument, {}, "the -f option requires a map name to remove", {}});
  if (auto connection = client::connect_to_daemon(client::default_time_limit)) {
    // Any node of the device will do, whatever directory it is in.
    std::string name = wanted->kind == Wanted::Kind::map_device ? fmt::format("dm-{}", wanted->devnum.minor) : quoted(wanted->name);
    return ask_daemon(connection->get(), "del map " + name, options.remove_retries.value_or(0));
  }
  return remove_here(options, *wanted);
}

int flush_all(const Options& options) {
  if (auto connection = client::connect_to_daemon(client::default_time_limit)) {
    return ask_daemon(connection->get(), "del maps", options.remove_retries.value_or(0));
  }
  return remove_all_here(options);
}

int reload_all() {
  auto connection = client::connect_to_daemon(client::default_time_limit);
  if (!connection) return complain(connection.error());
  return ask_daemon(connection->get(), "reconfigure all", 0);
}

}  // namespace mpath::tool
