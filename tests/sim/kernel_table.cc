// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernel model's reading and printing of tables.
#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "libmpath/base/text.h"
#include "tests/sim/kernel.h"

namespace mpath::sim {

namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::optional<unsigned> number(const std::string& text) {
  unsigned value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::unexpected<Error> refuse(const std::string& why) {
  return fail(ErrorCode::invalid_argument, "table", "the kernel refuses it", why);
}

Status parse_features(const std::string& text, Target& target) {
  std::vector<std::string> words = words_of(text);
  if (words.empty() || number(words[0]) != words.size() - 1) return refuse("feature count");
  for (std::size_t at = 1; at < words.size(); ++at) {
    const std::string& word = words[at];
    bool has_value = word == "pg_init_retries" || word == "pg_init_delay_msecs" || word == "queue_mode";
    if (word == "queue_if_no_path") {
      target.queue_if_no_path = true;
    } else if (word == "retain_attached_hw_handler") {
      target.retain_handler = true;
    } else if (has_value && at + 1 < words.size()) {
      target.other_features += " " + word + " " + words[++at];
      target.other_feature_words += 2;
    } else {
      return refuse("unknown feature " + word);
    }
  }
  return {};
}

/// What the selector prints for a path: the model knows how many arguments each takes, and its defaults.
Result<std::vector<std::string>> path_arguments(const std::string& selector, const std::vector<std::string>& given) {
  std::size_t most = selector == "service-time" ? 2 : 1;
  if (given.size() > most) return refuse("too many path arguments");
  for (const std::string& argument : given) {
    if (!number(argument)) return refuse("path argument " + argument);
  }
  std::vector<std::string> arguments = given;
  if (arguments.empty()) arguments.emplace_back("1");
  if (selector == "service-time" && arguments.size() == 1) arguments.emplace_back("1");
  return arguments;
}

}  // namespace

std::size_t Target::valid_paths() const {
  return static_cast<std::size_t>(
      std::count_if(paths.begin(), paths.end(), [](const TargetPath& path) { return path.active; }));
}

Result<std::unique_ptr<Target>> Kernel::parse(const MultipathTable& table) const {
  auto target = std::make_unique<Target>();
  target->size_sectors = table.size_sectors;
  if (table.size_sectors == 0) return refuse("no size");
  if (Status read = parse_features(table.features, *target); !read) return std::unexpected(read.error());
  target->saved_queue_if_no_path = target->queue_if_no_path;

  std::vector<std::string> handler = words_of(table.hardware_handler);
  if (handler.empty() || number(handler[0]) != handler.size() - 1) return refuse("handler count");
  if (handler.size() > 1 && handler[1] != "alua" && handler[1] != "rdac" && handler[1] != "emc" && handler[1] != "hp_sw") {
    return refuse("unknown handler " + handler[1]);
  }
  target->handler = table.hardware_handler;

  for (const KernelGroup& group : table.groups) {
    std::vector<std::string> selector = words_of(group.selector);
    if (selector.size() < 2 || number(selector[1]) != selector.size() - 2) return refuse("selector " + group.selector);
    static const std::string known[] = {"round-robin", "queue-length", "service-time", "historical-service-time"};
    if (std::find(std::begin(known), std::end(known), selector[0]) == std::end(known)) {
      return refuse("unknown selector " + selector[0]);
    }
    if (group.paths.empty()) return refuse("a group without a path");
    TargetGroup parsed;
    parsed.selector = group.selector;
    for (const KernelPath& path : group.paths) {
      Disk* disk = world_.find(path.devnum);
      if (disk == nullptr || !disk->present) return refuse("no device " + to_string(path.devnum));
      if (disk->kernel_size_sectors < table.size_sectors) return refuse("too small: " + disk->name);
      auto arguments = path_arguments(selector[0], path.arguments);
      if (!arguments) return std::unexpected(arguments.error());
      parsed.paths.push_back(target->paths.size());
      target->paths.push_back(TargetPath{.disk = disk, .arguments = *arguments,
                                         .group = static_cast<std::uint32_t>(target->groups.size())});
    }
    target->groups.push_back(std::move(parsed));
  }
  if (table.next_group > target->groups.size()) return refuse("initial group");
  if (table.next_group == 0 && !target->groups.empty()) return refuse("initial group 0");
  if (table.next_group > 0) target->next_group = table.next_group - 1;
  for (TargetPath& path : target->paths) ++path.disk->table_references;
  return target;
}

namespace {

std::string features_text(const Target& target) {
  std::uint32_t count = target.other_feature_words + (target.queue_if_no_path ? 1 : 0) + (target.retain_handler ? 1 : 0);
  return fmt::format("{}{}{}{}", count, target.queue_if_no_path ? " queue_if_no_path" : "", target.other_features,
                     target.retain_handler ? " retain_attached_hw_handler" : "");
}

std::uint32_t next_group_number(const Target& target) {
  if (target.next_group) return *target.next_group + 1;
  if (target.current_group) return *target.current_group + 1;
  return target.groups.empty() ? 0 : 1;
}

}  // namespace

std::string table_text(const Target& target) {
  std::string text = fmt::format("0 {} multipath {} {} {} {}", target.size_sectors, features_text(target), target.handler,
                                 target.groups.size(), next_group_number(target));
  for (const TargetGroup& group : target.groups) {
    text += fmt::format(" {} {} {}", group.selector, group.paths.size(),
                        target.paths[group.paths.front()].arguments.size());
    for (std::size_t path : group.paths) {
      text += " " + to_string(target.paths[path].disk->devnum);
      for (const std::string& argument : target.paths[path].arguments) text += " " + argument;
    }
  }
  return text;
}

KernelMap Kernel::read(const DmDevice& device) const {
  KernelMap map;
  map.name = device.name;
  map.uuid = device.uuid;
  map.devnum = device.devnum;
  map.event_number = device.event_number;
  map.open_count = device.open_count;
  map.suspended = device.suspended;
  map.read_only = device.read_only;
  map.has_inactive_table = device.inactive != nullptr;
  if (!device.live) return map;
  const Target& target = *device.live;
  map.table_fingerprint = fingerprint(table_text(target));
  map.table.size_sectors = target.size_sectors;
  map.table.features = features_text(target);
  map.table.hardware_handler = target.handler;
  map.table.next_group = next_group_number(target);
  map.table.queued_ios = static_cast<std::uint32_t>(device.queued.size());
  for (std::uint32_t at = 0; at < target.groups.size(); ++at) {
    const TargetGroup& group = target.groups[at];
    KernelGroup printed;
    printed.selector = group.selector;
    printed.state = group.bypassed                  ? KernelGroupState::disabled
                    : target.current_group == at    ? KernelGroupState::active
                                                    : KernelGroupState::enabled;
    for (std::size_t index : group.paths) {
      const TargetPath& path = target.paths[index];
      printed.paths.push_back(KernelPath{path.disk->devnum, path.arguments,
                                         path.active ? KernelPathState::active : KernelPathState::failed,
                                         path.fail_count});
    }
    map.table.groups.push_back(std::move(printed));
  }
  return map;
}

std::vector<KernelMapListing> Kernel::list() const {
  std::vector<KernelMapListing> found;
  for (const DmDevice* device : devices()) {
    found.push_back(KernelMapListing{device->name, device->uuid, device->devnum, device->event_number});
  }
  return found;
}

}  // namespace mpath::sim
