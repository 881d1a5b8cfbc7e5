// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/runtime/executor.h"

#include "libmpath/base/limits.h"
#include "libmpath/base/room.h"
#include "libmpath/base/text.h"
#include "libmpath/plan/reassign.h"
#include "libmpath/runtime/listed_map.h"
#include "libmpath/runtime/rehearsal_inputs.h"
#include "libmpath/wire/state_files.h"

namespace mpath::runtime {

using ports::Continuation;
using ports::LaneTask;

namespace {

Error lane_full() { return {ErrorCode::limit, "lanes", "a lane is full: it has stood still for long, and a task is not done", {}}; }

}  // namespace

struct Executor::Listing {
  std::map<MapName, KernelMapListing> by_name;
};

Executor::Executor(engine::Engine& engine, ports::Ports ports, Host& host, ConfigurationParser parser)
    : engine_(engine), ports_(ports), host_(host), parser_(std::move(parser)), listing_(std::make_shared<Listing>()) {
  effects_.reserve(limits::effects_per_turn);
}

Executor::~Executor() = default;

void Executor::post(engine::Event event) {
  if (std::holds_alternative<engine::RequestArrived>(event)) {
    requests_.push(std::move(event));
  } else {
    kernel_events_.push(std::move(event));
  }
}

void Executor::complete(engine::Event event) { completions_.push(std::move(event)); }

bool Executor::has_work() const {
  return !completions_.empty() || !kernel_events_.empty() || !requests_.empty() ||
         engine_.next_deadline() <= ports_.clock.now();
}

void Executor::take(EventQueue& events, MonoTime now) {
  for (std::size_t i = 0; i < limits::events_per_turn && !events.empty(); ++i) {
    // The step may queue more; what it was given must not move meanwhile.
    engine::Event event = events.pop();
    engine_.step(event, now, effects_);
  }
}

bool Executor::turn() {
  MonoTime begin = ports_.clock.now();
  collect_commands();
  take(completions_, begin);
  take(kernel_events_, begin);
  take(requests_, begin);
  // What has been answered is known before anybody's age is judged.
  if (completions_.empty() && engine_.next_deadline() <= begin) engine_.step(engine::TimeAdvanced{}, begin, effects_);
  ports_.lanes.hold_back();
  // Carrying out an effect never calls the engine; what is ready at once is queued.
  for (engine::Effect& effect : effects_) {
    if (effects_left_ == 0) break;
    --effects_left_;
    ++effects_done_;
    std::visit([this](auto& wanted) { carry_out(wanted); }, effect);
  }
  empty_but_keep(effects_, limits::effects_per_turn);
  if (effects_left_ > 0) ports_.commands.flush();
  ports_.lanes.let_go();
  engine_.count_turn(ports_.clock.now() - begin);
  return has_work();
}

void Executor::submit(Lane lane, std::uint64_t key, LaneTask task, std::optional<engine::Event> refused) {
  if (ports_.lanes.submit(lane, key, std::move(task))) return;
  // Full means that the lane has stood still for very long. Whoever waits for a completion gets one.
  log_failure(lane_full());
  if (refused) complete(std::move(*refused));
}

Continuation Executor::told(Status status) {
  return [this, status = std::move(status)] {
    if (!status) log_failure(status.error());
  };
}

void Executor::log_failure(const Error& error) {
  ports_.log.write(ports::LogLevel::warning, error.subject, error.cause.empty() ? error.what : error.what + ": " + error.cause);
}

// --- configuration, state files, discovery ---------------------------------------------------------------------

void Executor::carry_out(engine::LoadConfiguration& effect) {
  submit(Lane::files, 0, [this, op = effect.op, &files = ports_.files]() -> Continuation {
    engine::ConfigurationLoaded event = parser_(files.read_configuration());
    event.op = op;
    return [this, event = std::move(event)]() mutable { complete(std::move(event)); };
  }, engine::ConfigurationLoaded{effect.op, nullptr, {lane_full().message()}});
}

void Executor::carry_out(engine::LoadState& effect) {
  submit(Lane::files, 0, [this, op = effect.op, &files = ports_.files]() -> Continuation {
    engine::StateLoaded event = read_state(files, op);
    return [this, event = std::move(event)]() mutable { complete(std::move(event)); };
  }, engine::StateLoaded{effect.op, {}, {}, {lane_full().message()}, {}});
}

void Executor::carry_out(engine::ListDisks& effect) {
  submit(Lane::discovery, 0, [this, op = effect.op, &discovery = ports_.discovery]() -> Continuation {
    engine::DisksListed event{op, discovery.list_disks(), discovery.maps_not_ready()};
    return [this, event = std::move(event)]() mutable { complete(std::move(event)); };
  }, engine::DisksListed{effect.op, std::unexpected(lane_full()), {}});
}

void Executor::carry_out(engine::ReadDisks& effect) {
  engine::DisksRead refused{effect.op, std::unexpected(lane_full())};
  submit(Lane::discovery, 0, [this, effect = std::move(effect), &discovery = ports_.discovery]() -> Continuation {
    std::vector<DiscoveredPath> paths;
    paths.reserve(effect.kernel_names.size());
    for (const std::string& name : effect.kernel_names) {
      if (auto found = discovery.gather(name)) paths.push_back(std::move(*found));
    }
    return [this, event = engine::DisksRead{effect.op, std::move(paths)}]() mutable { complete(std::move(event)); };
  }, std::move(refused));
}

void Executor::carry_out(engine::GatherPath& effect) { path_uevent(std::move(effect.kernel_name), effect.devnum); }

void Executor::path_uevent(std::string kernel_name, DevNum devnum) {
  submit(Lane::discovery, 0, [this, kernel_name = std::move(kernel_name), devnum, &discovery = ports_.discovery]() -> Continuation {
    Result<DiscoveredPath> found = discovery.gather(kernel_name);
    return [this, kernel_name, devnum, found = std::move(found)]() mutable {
      if (found) {
        post(engine::PathAppeared{std::make_unique<DiscoveredPath>(std::move(*found))});
      } else if (found.error().code == ErrorCode::not_found) {
        post(engine::PathDisappeared{kernel_name, devnum});
      } else {
        log_failure(found.error());
      }
    };
  });
}

void Executor::carry_out(engine::ReadIoCounters& effect) {
  engine::IoCountersRead refused{effect.op, effect.path, std::unexpected(lane_full())};
  submit(Lane::discovery, 0, [this, effect = std::move(effect), &discovery = ports_.discovery]() -> Continuation {
    engine::IoCountersRead event{effect.op, effect.path, discovery.io_counters(effect.sysfs_path)};
    return [this, event = std::move(event)]() mutable { complete(std::move(event)); };
  }, std::move(refused));
}

void Executor::carry_out(engine::TriggerUevent& effect) {
  submit(Lane::discovery, 0, [this, effect = std::move(effect), &discovery = ports_.discovery]() -> Continuation {
    Status status = discovery.trigger(effect.sysfs_path, effect.action);
    return told(std::move(status));
  });
}

void Executor::carry_out(engine::RememberWwid& effect) {
  submit(Lane::files, 0, [this, wwid = std::move(effect.wwid), &files = ports_.files]() -> Continuation {
    Status status = files.update(ports::StateFile::wwids,
                                 [&](std::string_view contents) { return wire::add_wwid(contents, wwid); });
    return told(std::move(status));
  });
}

void Executor::carry_out(engine::MarkFailedWwid& effect) {
  submit(Lane::files, 0, [this, effect = std::move(effect), &files = ports_.files]() -> Continuation {
    Status status = files.mark_failed(effect.wwid, effect.failed);
    return told(std::move(status));
  });
}

/// Waits for the I/O of the devices that are changed.
void Executor::carry_out(engine::ReassignHolders& effect) {
  std::uint64_t key = effect.map.slot;
  engine::HoldersReassigned refused{effect.op, effect.map, std::unexpected(lane_full())};
  submit(Lane::wait, key, [this, effect = std::move(effect), &device_mapper = ports_.device_mapper]() -> Continuation {
    engine::HoldersReassigned event{effect.op, effect.map,
                                    device_mapper.change_holders(effect.name, effect.devnum, effect.paths, plan::reassigned, effect.apply)};
    return [this, event = std::move(event)]() mutable { complete(std::move(event)); };
  }, std::move(refused));
}

void Executor::carry_out(engine::RememberBinding& effect) {
  submit(Lane::files, 0, [this, effect = std::move(effect), &files = ports_.files]() -> Continuation {
    Status status = files.update(ports::StateFile::bindings, [&](std::string_view contents) -> std::optional<std::string> {
      wire::Bindings bindings = wire::parse_bindings(contents);
      bool known = std::ranges::any_of(bindings.entries, [&](const wire::Binding& entry) {
        return entry.alias == effect.name || entry.wwid == effect.wwid;
      });
      if (known) return std::nullopt;
      bindings.entries.push_back({effect.name, effect.wwid});
      std::ranges::sort(bindings.entries, wire::binding_less);
      return wire::format_bindings(bindings.entries);
    });
    return told(std::move(status));
  });
}

void Executor::carry_out(engine::SaveRunState& effect) {
  submit(Lane::files, 0, [this, op = effect.op, text = std::move(effect.text), &files = ports_.files]() -> Continuation {
    engine::RunStateSaved event{op, files.update(ports::StateFile::run_state, [&](std::string_view) { return std::optional(text); })};
    return [this, event = std::move(event)]() mutable { complete(std::move(event)); };
  }, engine::RunStateSaved{effect.op, std::unexpected(lane_full())});
}

void Executor::carry_out(engine::SaveReservationKey& effect) {
  engine::ReservationKeySaved refused{effect.op, std::unexpected(lane_full())};
  submit(Lane::files, 0, [this, effect = std::move(effect), &files = ports_.files]() -> Continuation {
    Status saved = files.update(ports::StateFile::prkeys, [&](std::string_view contents) {
      return effect.key ? wire::set_prkey(contents, {effect.wwid, *effect.key, effect.aptpl}) : wire::remove_prkey(contents, effect.wwid);
    });
    engine::ReservationKeySaved event{effect.op, std::move(saved)};
    return [this, event = std::move(event)]() mutable { complete(std::move(event)); };
  }, std::move(refused));
}

void Executor::carry_out(engine::DeletePath& effect) {
  submit(Lane::settings, 0, [this, facts = std::move(effect.facts), &discovery = ports_.discovery]() -> Continuation {
    Status status = discovery.remove_device(*facts);
    return told(std::move(status));
  });
}

void Executor::carry_out(engine::RescanPath& effect) {
  engine::PathRescanned refused{effect.op, effect.path, std::unexpected(lane_full())};
  submit(Lane::settings, 0, [this, effect = std::move(effect), &discovery = ports_.discovery]() -> Continuation {
    engine::PathRescanned event{effect.op, effect.path, discovery.rescan(*effect.facts)};
    return [this, event = std::move(event)]() mutable { complete(std::move(event)); };
  }, std::move(refused));
}

// --- settings of the kernel ------------------------------------------------------------------------------------

void Executor::carry_out(engine::ApplyTransportSettings& effect) {
  submit(Lane::settings, 0, [this, effect = std::move(effect), &discovery = ports_.discovery]() -> Continuation {
    std::optional<seconds> dev_loss;
    if (auto at = policy::dev_loss_attribute(*effect.facts)) {
      auto text = discovery.read_setting(at->object, at->attribute);
      if (auto number = text ? parse_decimal(*text) : std::nullopt; number && *number <= 0xffffffffU) dev_loss = seconds(*number);
    }
    std::vector<policy::TransportRemark> remarks;
    std::string object;
    for (const policy::SysfsWrite& write : policy::transport_writes(*effect.facts, effect.wishes, dev_loss, remarks)) {
      object = write.object.substr(write.object.rfind('/') + 1);
      if (auto current = discovery.read_setting(write.object, write.attribute); current && *current == write.value) continue;
      Status written = discovery.write_setting(write.object, write.attribute, write.value);
      if (written || written.error().code == ErrorCode::unsupported) continue;
      // A port that has just gone takes nothing; it is told when it returns.
      bool is_notice = written.error().code != ErrorCode::busy && written.error().code != ErrorCode::not_found;
      remarks.push_back({is_notice, fmt::format("{} {} is refused: {}", write.attribute, write.value, written.error().cause)});
    }
    return [this, object, remarks = std::move(remarks)] {
      for (const policy::TransportRemark& remark : remarks) log_remark(object, remark);
    };
  });
}

void Executor::carry_out(engine::MarkRemotePort& effect) {
  submit(Lane::settings, 0, [this, port = std::move(effect.remote_port), &discovery = ports_.discovery]() -> Continuation {
    Status written = discovery.write_setting("class/fc_remote_ports/" + port, "port_state", "Marginal");
    return [this, written = std::move(written)] {
      if (!written && written.error().code != ErrorCode::unsupported) log_failure(written.error());
    };
  });
}

/// Many paths share a port, and each says the same of it.
void Executor::log_remark(const std::string& object, const policy::TransportRemark& remark) {
  constexpr std::size_t remembered = 4096;
  if (said_.size() >= remembered) said_.clear();
  if (!said_.insert(object + ": " + remark.text).second) return;
  ports_.log.write(remark.is_notice ? ports::LogLevel::notice : ports::LogLevel::info, object, remark.text);
}

// --- commands to paths -----------------------------------------------------------------------------------------

void Executor::carry_out(engine::AttachPath& effect) { ports_.commands.attach(effect.path, std::move(effect.facts)); }
void Executor::carry_out(engine::DetachPath& effect) { ports_.commands.detach(effect.path); }
void Executor::carry_out(engine::SubmitCommand& effect) {
  ports_.commands.submit({.op = effect.op, .path = effect.path, .command = std::move(effect.command)});
}

void Executor::collect_commands() {
  ports_.commands.collect(replies_);
  for (ports::CommandReply& reply : replies_) {
    complete(engine::CommandFinished{reply.op, reply.path, std::move(reply.outcome)});
  }
  empty_but_keep(replies_, limits::events_per_turn);
  ports_.commands.collect_busy_hosts(busy_hosts_);
  for (std::uint32_t host : busy_hosts_) complete(engine::HostBusy{host});
  busy_hosts_.clear();
}

// --- device-mapper ---------------------------------------------------------------------------------------------

void Executor::carry_out(engine::ListMaps& effect) {
  submit(Lane::fast, 0, [this, op = effect.op, listing = listing_, &device_mapper = ports_.device_mapper]() -> Continuation {
    engine::MapsListed event{.op = op, .maps = {}, .target_version = device_mapper.target_version()};
    std::vector<KernelMap> maps;
    // Armed first: a change after the list below fires again.
    Status armed = device_mapper.arm_events();
    auto list = device_mapper.list();
    if (list) {
      listing->by_name.clear();
      for (KernelMapListing& entry : *list) {
        if (auto map = read_listed(device_mapper, entry)) maps.push_back(std::move(*map));
        listing->by_name.emplace(entry.name, std::move(entry));
      }
      event.maps = std::move(maps);
    } else {
      event.maps = std::unexpected(list.error());
    }
    return [this, armed = std::move(armed), event = std::move(event)]() mutable {
      if (!armed) log_failure(armed.error());
      complete(std::move(event));
    };
  }, engine::MapsListed{.op = effect.op, .maps = std::unexpected(lane_full())});
}

void Executor::map_events_pending() {
  submit(Lane::fast, 0, [this, listing = listing_, &device_mapper = ports_.device_mapper]() -> Continuation {
    engine::MapsChanged event;
    Status armed = device_mapper.arm_events();
    auto list = device_mapper.list();
    if (!list) {
      return [this, error = list.error()] { log_failure(error); };
    }
    std::map<MapName, KernelMapListing> current;
    for (KernelMapListing& entry : *list) {
      auto before = listing->by_name.find(entry.name);
      bool same = before != listing->by_name.end() && before->second.devnum == entry.devnum &&
                  before->second.event_number == entry.event_number;
      if (!same) event.changed.push_back(entry);
      MapName name = entry.name;
      current.emplace(std::move(name), std::move(entry));
    }
    for (auto& [name, entry] : listing->by_name) {
      auto after = current.find(name);
      if (after == current.end() || after->second.devnum != entry.devnum) event.gone.push_back(entry);
    }
    // While whoever did it is still waiting for udev.
    if (!event.gone.empty()) event.actors = device_mapper.actors();
    listing->by_name = std::move(current);
    return [this, armed = std::move(armed), event = std::move(event)]() mutable {
      if (!armed) log_failure(armed.error());
      if (!event.changed.empty() || !event.gone.empty()) post(std::move(event));
    };
  });
}

void Executor::carry_out(engine::ReadMap& effect) {
  std::uint64_t key = effect.map.slot + 1;
  engine::MapRead refused{effect.op, effect.map, std::unexpected(lane_full())};
  submit(Lane::fast, key, [this, effect = std::move(effect), &device_mapper = ports_.device_mapper]() -> Continuation {
    engine::MapRead event{effect.op, effect.map, device_mapper.read(effect.name)};
    return [this, event = std::move(event)]() mutable { complete(std::move(event)); };
  }, std::move(refused));
}

void Executor::carry_out(engine::SendMessage& effect) {
  std::uint64_t key = effect.map.slot + 1;
  engine::MessageFinished refused{effect.op, effect.map, effect.message, std::unexpected(lane_full())};
  submit(Lane::fast, key, [this, effect = std::move(effect), &device_mapper = ports_.device_mapper]() -> Continuation {
    Status status = device_mapper.message(effect.name, effect.uuid, effect.message);
    engine::MessageFinished event{effect.op, effect.map, effect.message, std::move(status)};
    return [this, event = std::move(event)]() mutable { complete(std::move(event)); };
  }, std::move(refused));
}

void Executor::finish_table(const engine::RunTableAction& effect, Result<DevNum> result) {
  complete(engine::TableActionFinished{effect.op, effect.map, std::move(result)});
}

/// Create, rename and remove are one step in lane table. A load is two: the table in lane table, then the swap, which waits for I/O, in a
/// lane of its own; right after it, before anything else can happen to the map, the paths that must not carry I/O are failed again.
void Executor::carry_out(engine::RunTableAction& wanted) {
  auto effect = std::make_shared<engine::RunTableAction>(std::move(wanted));
  if (effect->action.queue_limits.empty()) {
    run_table(std::move(effect));
  } else {
    set_queue_limits(std::move(effect));
  }
}

/// A queue whose limit changes waits for its I/O: in the map's own lane, so that no other map waits with it.
void Executor::set_queue_limits(std::shared_ptr<engine::RunTableAction> effect) {
  engine::TableActionFinished refused{effect->op, effect->map, std::unexpected(lane_full())};
  submit(Lane::wait, effect->map.slot, [this, effect, &discovery = ports_.discovery]() -> Continuation {
    std::vector<Error> failures;
    for (const QueueLimit& limit : effect->action.queue_limits) {
      std::string queue = limit.sysfs_path + "/queue";
      std::string value = std::to_string(limit.max_sectors_kib);
      if (auto current = discovery.read_setting(queue, "max_sectors_kb"); current && *current == value) continue;
      Status written = discovery.write_setting(queue, "max_sectors_kb", value);
      if (!written) failures.push_back(std::move(written.error()));
    }
    return [this, effect, failures = std::move(failures)] {
      for (const Error& failure : failures) log_failure(failure);
      if (effects_left_ > 0) run_table(effect);
    };
  }, std::move(refused));
}

void Executor::run_table(std::shared_ptr<engine::RunTableAction> effect) {
  submit(Lane::table, 0, [this, effect, &device_mapper = ports_.device_mapper]() -> Continuation {
    const TableAction& action = effect->action;
    auto finish = [this, effect](Result<DevNum> result) -> Continuation {
      return [this, effect, result = std::move(result)]() mutable { finish_table(*effect, std::move(result)); };
    };
    auto from_status = [](Status status) -> Result<DevNum> {
      if (!status) return std::unexpected(std::move(status.error()));
      return DevNum{};
    };
    switch (action.kind) {
      case TableActionKind::create: {
        Result<DevNum> made = device_mapper.create(action.spec, action.udev);
        if (made) {
          std::string uuid = map_uuid(action.spec.wwid);
          for (DevNum path : action.fail_after_load) {
            (void)device_mapper.message(action.spec.name, uuid, {.kind = MapMessage::Kind::fail_path, .path = path, .group = 0});
          }
        }
        return finish(std::move(made));
      }
      case TableActionKind::rename:
        return finish(from_status(device_mapper.rename(action.current_name, action.spec.name, action.partition_delimiter, action.expected)));
      case TableActionKind::drop_table: return finish(from_status(device_mapper.drop_table(action.current_name, action.expected)));
      case TableActionKind::suspend:
      case TableActionKind::resume: return [this, effect] { hold_or_let_go(effect); };
      case TableActionKind::remove:
        return finish(from_status(device_mapper.remove(action.current_name, action.deferred_remove, action.expected)));
      case TableActionKind::reload:
      case TableActionKind::resize: {
        Status loaded = device_mapper.load(action.current_name, action.spec, action.expected);
        if (!loaded) return finish(from_status(std::move(loaded)));
        return [this, effect] { swap_in(effect); };
      }
    }
    return finish(std::unexpected(Error{ErrorCode::internal, action.spec.name.text, "unknown action", {}}));
  }, engine::TableActionFinished{effect->op, effect->map, std::unexpected(lane_full())});
}

void Executor::swap_in(std::shared_ptr<engine::RunTableAction> effect) {
  if (effects_left_ == 0) return;
  std::uint64_t key = effect->map.slot;
  submit(Lane::wait, key, [this, effect, &device_mapper = ports_.device_mapper]() -> Continuation {
    const TableAction& action = effect->action;
    Status swapped = device_mapper.resume(action.current_name, action.udev, action.kind == TableActionKind::resize);
    if (swapped) {
      for (DevNum path : action.fail_after_load) {
        (void)device_mapper.message(action.current_name, action.expected.uuid,
                                    {.kind = MapMessage::Kind::fail_path, .path = path, .group = 0});
      }
    }
    Result<DevNum> result = DevNum{};
    if (!swapped) result = std::unexpected(std::move(swapped.error()));
    return [this, effect, result = std::move(result)]() mutable { finish_table(*effect, std::move(result)); };
  }, engine::TableActionFinished{effect->op, effect->map, std::unexpected(lane_full())});
}

/// Waits for the I/O that is under way, so it has a lane of its own.
void Executor::hold_or_let_go(std::shared_ptr<engine::RunTableAction> effect) {
  if (effects_left_ == 0) return;
  submit(Lane::wait, effect->map.slot, [this, effect, &device_mapper = ports_.device_mapper]() -> Continuation {
    const TableAction& action = effect->action;
    Status status = action.kind == TableActionKind::suspend ? device_mapper.suspend(action.current_name, action.expected)
                                                            : device_mapper.resume(action.current_name, action.udev, false);
    Result<DevNum> result = DevNum{};
    if (!status) result = std::unexpected(std::move(status.error()));
    return [this, effect, result = std::move(result)]() mutable { finish_table(*effect, std::move(result)); };
  }, engine::TableActionFinished{effect->op, effect->map, std::unexpected(lane_full())});
}

// --- the program around ----------------------------------------------------------------------------------------

void Executor::carry_out(engine::Reply& effect) {
  if (effect.id != RequestId::none) host_.reply(effect);
}
void Executor::carry_out(engine::RenderReply& effect) {
  if (needs_inputs(effect.request.kind)) return gather_inputs(std::make_shared<engine::RenderReply>(std::move(effect)));
  host_.render(std::move(effect));
}
void Executor::carry_out(engine::DaemonStateChanged& effect) { host_.daemon_state(effect.state); }
void Executor::carry_out(engine::Exit& effect) { host_.exit(effect.failed); }

void Executor::carry_out(engine::LogLine& effect) {
  auto level = [&] {
    switch (effect.severity) {
      case engine::Severity::error: return ports::LogLevel::error;
      case engine::Severity::warning: return ports::LogLevel::warning;
      case engine::Severity::notice: return ports::LogLevel::notice;
      case engine::Severity::info: return ports::LogLevel::info;
      case engine::Severity::debug: return ports::LogLevel::debug;
    }
    return ports::LogLevel::error;
  }();
  if (effect.fields.empty()) return ports_.log.write(level, effect.subject, effect.text);
  ports_.log.write_fields(level, effect.subject, effect.text, std::move(effect.fields));
}

}  // namespace mpath::runtime
