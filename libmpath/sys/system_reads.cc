// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/system_reads.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "libmpath/sys/sysfs.h"

namespace mpath::sys {

namespace {

/// Names of links by the disk they lead to.
using Links = std::map<std::string, std::vector<std::string>, std::less<>>;

Links read_links(const std::string& directory) {
  Links links;
  std::error_code failure;
  for (std::filesystem::directory_iterator at(directory, failure), end; !failure && at != end; at.increment(failure)) {
    std::error_code unreadable;
    std::string target = std::filesystem::read_symlink(at->path(), unreadable).string();
    if (!unreadable) links[std::string(base_name(target))].push_back(at->path().filename().string());
  }
  for (auto& [disk, names] : links) std::ranges::sort(names);
  return links;
}

/// "" where the kernel does not tell: a device without a handler that knows.
std::string access_state(const PathFacts& facts) {
  SysfsDirectory device(facts.sysfs_path + "/device");
  auto state = device.text("access_state");
  if (!state) return {};
  return *state + "\n" + device.text_or_empty("preferred_path") + "\n";
}

/// "running", "live"…; nothing if the device is not there any more.
std::optional<std::string> device_state(const PathFacts& facts) {
  SysfsDirectory device(facts.sysfs_path + "/device");
  if (!device.exists()) return std::nullopt;
  return device.text_or_empty("state") + "\n";
}

std::string by_path_links(const PathFacts& facts, const Links& links) {
  std::string text;
  auto at = links.find(facts.kernel_name);
  if (at == links.end()) return text;
  for (const std::string& name : at->second) text += name + "\n";
  return text;
}

}  // namespace

SystemReads::SystemReads(ports::Lanes& lanes, std::string by_path)
    : lanes_(lanes), by_path_(std::move(by_path)), self_(std::make_shared<SystemReads*>(this)) {}

SystemReads::~SystemReads() { *self_ = nullptr; }

void SystemReads::submit(const ports::CommandRequest& request, const std::shared_ptr<const PathFacts>& facts) {
  wanted_.push_back({.op = request.op, .path = request.path, .what = std::get<SystemRead>(request.command).what, .facts = facts});
}

void SystemReads::detach(PathId path) {
  std::erase_if(wanted_, [&](const Wanted& wanted) { return wanted.path == path; });
}

SystemReads::Replies SystemReads::read(const std::vector<Wanted>& wanted, const std::string& by_path) {
  Replies replies;
  std::optional<Links> links;
  for (const Wanted& one : wanted) {
    std::string text;
    bool is_gone = false;
    switch (one.what) {
      case SystemRead::What::device_state: {
        auto state = device_state(*one.facts);
        is_gone = !state;
        text = std::move(state).value_or("");
        break;
      }
      case SystemRead::What::access_state: text = access_state(*one.facts); break;
      case SystemRead::What::by_path_links:
        if (!links) links = read_links(by_path);
        text = by_path_links(*one.facts, *links);
        break;
    }
    ports::CommandReply& reply = replies.emplace_back();
    reply.op = one.op;
    reply.path = one.path;
    if (is_gone) reply.outcome.failure = CommandFailure::gone;
    reply.outcome.data.assign(text.begin(), text.end());
  }
  return replies;
}

void SystemReads::flush() {
  if (wanted_.empty()) return;
  auto wanted = std::make_shared<const std::vector<Wanted>>(std::exchange(wanted_, {}));
  bool taken = lanes_.submit(ports::Lane::discovery, 0, [self = self_, wanted, by_path = by_path_]() -> ports::Continuation {
    return [self, replies = read(*wanted, by_path)]() mutable {
      if (*self != nullptr) std::ranges::move(replies, std::back_inserter((*self)->ready_));
    };
  });
  if (taken) return;
  for (const Wanted& one : *wanted) ready_.push_back(ports::failed_reply(one.op, one.path, CommandFailure::submit_failed));
}

void SystemReads::collect(std::vector<ports::CommandReply>& replies) {
  std::ranges::move(ready_, std::back_inserter(replies));
  ready_.clear();
}

}  // namespace mpath::sys
