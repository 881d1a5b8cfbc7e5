// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/administrator.h"

#include <fmt/format.h>

#include "tests/sim/draw.h"

namespace mpath::sim {

struct Administrator::Kind {
  std::string_view name;
  void (Administrator::*act)();
};

const Administrator::Kind Administrator::kinds[] = {
    {"reconfigure", &Administrator::reconfigure},
    {"new configuration", &Administrator::change_configuration},
    {"resize", &Administrator::resize},
    {"suspend", &Administrator::suspend},
    {"disable queueing", &Administrator::disable_queueing},
    {"disable all queueing", &Administrator::disable_all_queueing},
    {"mark", &Administrator::mark},
    {"mark", &Administrator::mark},
    {"fail path", &Administrator::fail_path},
    {"drain", &Administrator::drain},
    {"drain", &Administrator::drain},
    {"drain", &Administrator::drain},
    {"switch group", &Administrator::switch_group},
    {"reload", &Administrator::reload},
    {"flush", &Administrator::flush},
    {"end", &Administrator::end_daemon},
};

namespace {

constexpr std::pair<RequestKind, std::string_view> words[] = {
    {RequestKind::reconfigure, "reconfigure"},
    {RequestKind::reconfigure_all, "reconfigure all"},
    {RequestKind::shutdown, "shutdown"},
    {RequestKind::fail_path, "fail path"},
    {RequestKind::reinstate_path, "reinstate path"},
    {RequestKind::add_map, "add map"},
    {RequestKind::remove_map, "remove map"},
    {RequestKind::switch_group, "switch group"},
    {RequestKind::set_marginal, "set marginal"},
    {RequestKind::unset_marginal, "unset marginal"},
    {RequestKind::unset_marginal_map, "unset marginal map"},
    {RequestKind::disable_queueing, "disable queueing"},
    {RequestKind::restore_queueing, "restore queueing"},
    {RequestKind::disable_queueing_all, "disable queueing of all maps"},
    {RequestKind::restore_queueing_all, "restore queueing of all maps"},
    {RequestKind::reset_stats, "reset stats"},
    {RequestKind::reload_map, "reload map"},
    {RequestKind::resize_map, "resize map"},
    {RequestKind::set_pr_status, "setprstatus"},
    {RequestKind::suspend_map, "suspend map"},
    {RequestKind::resume_map, "resume map"},
    {RequestKind::mpathctl_drain, "drain"},
    {RequestKind::mpathctl_drain_confirm, "confirm drain"},
    {RequestKind::mpathctl_undrain, "undrain"},
};

std::string_view word_of(RequestKind kind) {
  const auto* at = std::ranges::find(words, kind, [](const auto& entry) { return entry.first; });
  return at == std::end(words) ? "other" : at->second;
}

std::string text_of(const Request& request) {
  std::string text(word_of(request.kind));
  if (!request.map.empty()) text += " " + request.map;
  if (!request.path.empty()) text += " " + request.path;
  for (const std::string& subject : request.subjects) text += " " + subject;
  if (request.group != 0) text += fmt::format(" {}", request.group);
  if (request.confirm_within) text += fmt::format(", confirmed within {} s", request.confirm_within->count());
  return text;
}

}  // namespace

Administrator::Administrator(Simulation& simulation, Random random) : sim_(simulation), random_(random) {
  sim_.on_reply = [this](RequestId id, const RequestResult& result) {
    auto found = asked_.find(id);
    if (found == asked_.end()) return;
    auto [request, done] = std::move(found->second);
    asked_.erase(found);
    bool ok = result.outcome == Outcome::ok;
    sim_.trace(fmt::format("administrator: {}: {}", text_of(request), ok ? "ok" : "refused: " + result.detail));
    sim_.coverage.count(ok ? "request" : "refused request", word_of(request.kind));
    if (ok) sim_.oracle.request_done(request);
    if (done) done(result);
  };
}

void Administrator::reserve() {
  if (!sim_.settings.more_defaults.contains("reservation_key")) return;
  for (const auto& array : sim_.world.arrays()) {
    for (const auto& lun : array->luns) {
      const DmDevice* map = sim_.map_of(*lun);
      if (map == nullptr || array->kind != ArrayKind::plain || random_.chance(30)) continue;
      sim_.world.reserve(*lun, own_key);
      Request request = about(RequestKind::set_pr_status);
      request.map = map->name.text;
      ask(request);
    }
  }
}

void Administrator::act() {
  const Kind& kind = random_.pick(kinds);
  sim_.coverage.count("command", kind.name);
  (this->*kind.act)();
}

void Administrator::ask(const Request& request, Done done) {
  if (!sim_.daemon || sim_.daemon->exited) return;
  RequestId id{++last_};
  sim_.trace("administrator: " + text_of(request));
  sim_.oracle.changed_all();
  sim_.oracle.request_sent(request);
  asked_.emplace(id, std::pair(request, std::move(done)));
  sim_.daemon->request(id, request);
}

Request Administrator::about(RequestKind kind) const {
  Request request;
  request.kind = kind;
  return request;
}

DmDevice* Administrator::any_map() {
  std::vector<DmDevice*> maps;
  for (DmDevice* device : sim_.kernel.devices()) {
    if (device->is_multipath() && device->live) maps.push_back(device);
  }
  return maps.empty() ? nullptr : random_.pick(maps);
}

Disk* Administrator::any_member() {
  DmDevice* map = any_map();
  if (map == nullptr || map->live->paths.empty()) return nullptr;
  Disk* disk = random_.pick(map->live->paths).disk;
  return disk->present && disk->lun != nullptr ? disk : nullptr;
}

void Administrator::later(std::function<void()> action, unsigned percent) {
  Duration delay = random_.chance(50) ? random_.duration(milliseconds{100}, seconds{5}) : random_.duration(seconds{5}, seconds{60});
  if (!random_.chance(percent)) return;
  sim_.queue.after(delay, [this, action = std::move(action)] {
    sim_.oracle.changed_all();
    action();
  });
}

/// The name may be another one by the time that it is taken back.
void Administrator::on_map(RequestKind kind, RequestKind back) {
  DmDevice* map = any_map();
  if (map == nullptr) return;
  Request request = about(kind);
  request.map = map->name.text;
  if (kind == RequestKind::reload_map) sim_.oracle.reconfigured(true);
  ask(request);
  later([this, map, back] {
    if (map->removed) return;
    Request undo = about(back);
    undo.map = map->name.text;
    ask(undo);
  });
}

void Administrator::on_path(RequestKind kind, RequestKind back) {
  Disk* disk = any_member();
  if (disk == nullptr) return;
  Request request = about(kind);
  request.path = disk->name;
  ask(request);
  later([this, disk, back] {
    if (!disk->present) return;
    Request undo = about(back);
    undo.path = disk->name;
    ask(undo);
  });
}

void Administrator::reconfigure() {
  if (!sim_.daemon) return;
  bool all = random_.chance(40);
  sim_.oracle.reconfigured(all);
  ask(about(all ? RequestKind::reconfigure_all : RequestKind::reconfigure));
}

/// The file is edited, and read by a daemon that runs.
void Administrator::change_configuration() {
  if (!sim_.daemon) return;
  Settings changed = redraw_settings(random_, sim_.settings, sim_.world);
  sim_.trace("administrator: edits the configuration");
  sim_.configure(changed);
  reconfigure();
}

void Administrator::resize() {
  for (const auto& array : sim_.world.arrays()) {
    if (!random_.chance(50)) continue;
    const Lun& lun = *random_.pick(array->luns);
    DmDevice* map = sim_.map_of(lun);
    if (map == nullptr) continue;
    Request request = about(RequestKind::resize_map);
    request.map = map->name.text;
    ask(request);
  }
}

void Administrator::disable_all_queueing() {
  ask(about(RequestKind::disable_queueing_all));
  later([this] { ask(about(RequestKind::restore_queueing_all)); });
}

/// A path, a host or a port of the array; with a time in which it must be confirmed, or without.
void Administrator::drain() {
  Disk* disk = any_member();
  if (disk == nullptr) return;
  std::string words[] = {disk->name, disk->name, fmt::format("host{}", disk->host->number), disk->port->name};
  std::string word = random_.pick(words);
  Request request = about(RequestKind::mpathctl_drain);
  request.subjects = {word};
  if (random_.chance(50)) request.confirm_within = seconds{random_.between(5, 60)};
  ask(request, [this, word, within = request.confirm_within](const RequestResult& result) {
    if (result.outcome != Outcome::ok) return;
    if (within && random_.chance(40)) {
      sim_.queue.after(random_.duration(milliseconds{100}, *within), [this, word] {
        Request confirm = about(RequestKind::mpathctl_drain_confirm);
        confirm.subjects = {word};
        ask(confirm);
      });
    }
    later([this, word] { undrain(word); }, 50);
  });
}

void Administrator::undrain(const std::string& word) {
  Request request = about(RequestKind::mpathctl_undrain);
  request.subjects = {word};
  ask(request);
}

void Administrator::switch_group() {
  DmDevice* map = any_map();
  if (map == nullptr) return;
  Request request = about(RequestKind::switch_group);
  request.map = map->name.text;
  request.group = static_cast<std::uint32_t>(1 + random_.below(map->live->groups.size()));
  ask(request);
}

/// A map that somebody uses stays.
void Administrator::flush() {
  DmDevice* map = any_map();
  for (DmDevice* device : sim_.kernel.devices()) {
    if (device->is_multipath() && sim_.unused.contains(device->wwid())) map = device;
  }
  if (map == nullptr) return;
  Request request = about(RequestKind::remove_map);
  request.map = map->name.text;
  std::string wwid = map->wwid();
  ask(request);
  later([this, wwid] {
    Request back = about(RequestKind::add_map);
    back.map = wwid;
    ask(back);
  });
}

/// It ends in good order. What waits for a path then fails (queue_without_daemon no).
void Administrator::end_daemon() {
  if (!sim_.daemon) return;
  sim_.oracle.reconfigured(false);
  ask(about(RequestKind::shutdown));
  sim_.queue.after(random_.duration(seconds{4}, seconds{15}), [this, serial = sim_.starts()] {
    if (!sim_.daemon || sim_.starts() != serial) return;
    sim_.kill_daemon();
    sim_.oracle.changed_all();
    sim_.start_daemon();
  });
}

void Administrator::put_right() {
  ask(about(RequestKind::restore_queueing_all));
  for (const auto& host : sim_.world.hosts()) undrain(fmt::format("host{}", host->number));
  for (const auto& array : sim_.world.arrays()) {
    for (const auto& lun : array->luns) {
      DmDevice* map = sim_.map_of(*lun);
      if (map == nullptr) {
        Request request = about(RequestKind::add_map);
        request.map = lun->wwid.text;
        ask(request);
        continue;
      }
      for (RequestKind kind : {RequestKind::resume_map, RequestKind::unset_marginal_map}) {
        Request request = about(kind);
        request.map = map->name.text;
        if (kind != RequestKind::resume_map || map->suspended) ask(request);
      }
    }
  }
  for (const auto& disk : sim_.world.disks()) {
    if (!disk->present || disk->lun == nullptr) continue;
    Request request = about(RequestKind::reinstate_path);
    request.path = disk->name;
    ask(request);
  }
}

void Administrator::resize_the_rest() {
  for (const DmDevice* map : sim_.kernel.devices()) {
    if (!map->live) continue;
    for (const auto& array : sim_.world.arrays()) {
      for (const auto& lun : array->luns) {
        if (lun->wwid.text != map->wwid() || lun->size_sectors == map->live->size_sectors) continue;
        for (RequestKind kind : {RequestKind::disable_queueing, RequestKind::resize_map, RequestKind::restore_queueing}) {
          // I/O that waits for a path may fail, if that is what it takes.
          bool is_needed = kind == RequestKind::resize_map || map->live->valid_paths() == 0;
          if (!is_needed) continue;
          Duration delay = kind == RequestKind::disable_queueing ? seconds{0} : kind == RequestKind::resize_map ? seconds{2} : seconds{8};
          sim_.queue.after(delay, [this, kind, map] {
            Request request = about(kind);
            request.map = map->name.text;
            ask(request);
          });
        }
      }
    }
  }
}

}  // namespace mpath::sim
