// SPDX-License-Identifier: LGPL-2.1-or-later
// For requests that ask what a reconfiguration would find: state files, the kernel's maps and the disks, each read in its own lane. The
// engine has no part in it.
#include "libmpath/runtime/rehearsal_inputs.h"

#include <algorithm>

#include "libmpath/plan/reassign.h"
#include "libmpath/policy/selection.h"
#include "libmpath/runtime/configuration.h"
#include "libmpath/runtime/executor.h"
#include "libmpath/runtime/listed_map.h"

namespace mpath::runtime {

using ports::Continuation;

engine::StateLoaded read_state(ports::Files& files, OpId op) {
  engine::StateLoaded event{.op = op};
  auto load = [&](ports::StateFile file, std::string& into) {
    if (auto bytes = files.read(file)) {
      into = std::move(*bytes);
    } else {
      event.messages.push_back(bytes.error().message());
    }
  };
  load(ports::StateFile::wwids, event.wwids);
  load(ports::StateFile::bindings, event.bindings);
  load(ports::StateFile::run_state, event.run_state);
  load(ports::StateFile::prkeys, event.prkeys);
  return event;
}

void read_files(ports::Files& files, const std::vector<BroughtFile>* brought, engine::RehearsalInputs& inputs) {
  ports::ConfigFiles found = files.read_configuration();
  if (brought != nullptr) {
    found.files.clear();
    found.errors.clear();
    found.main_file_failed = false;
    for (const BroughtFile& file : *brought) found.files.push_back({.name = file.name, .bytes = file.bytes, .is_drop_in = file.is_drop_in});
  }
  inputs.configuration = parse_configuration(found);
  inputs.state = read_state(files, OpId::none);
  inputs.failed_wwids = files.marked_failed();
  for (const std::string& message : inputs.state.messages) inputs.errors.push_back(message);
}

void read_maps(ports::DeviceMapper& device_mapper, engine::RehearsalInputs& inputs) {
  inputs.target_version = device_mapper.target_version();
  auto list = device_mapper.list();
  if (!list) {
    inputs.errors.push_back(list.error().message());
    return;
  }
  for (const KernelMapListing& entry : *list) {
    if (auto map = read_listed(device_mapper, entry)) inputs.maps.push_back(std::move(*map));
  }
  const auto& config = inputs.configuration.config;
  if (!config || !config::Resolver(config).daemon().reassign_maps.value) return;
  for (const KernelMap& map : inputs.maps) {
    std::vector<DevNum> paths;
    for (const KernelGroup& group : map.table.groups) {
      for (const KernelPath& path : group.paths) paths.push_back(path.devnum);
    }
    auto holders = device_mapper.change_holders(map.name, map.devnum, paths, plan::reassigned, false);
    if (holders && !holders->changed.empty()) inputs.reassignable.insert_or_assign(map.wwid().text, std::move(holders->changed));
    for (std::size_t i = 0; holders && i < holders->left.size(); ++i) inputs.errors.push_back(holders->left[i].message());
  }
}

void read_paths(ports::Discovery& discovery, engine::RehearsalInputs& inputs) {
  auto disks = discovery.list_disks();
  if (!disks) {
    inputs.errors.push_back(disks.error().message());
    return;
  }
  for (const ListedDisk& disk : *disks) {
    if (auto path = discovery.gather(disk.kernel_name)) inputs.paths.push_back(std::move(*path));
  }
}

void read_users(ports::Discovery& discovery, const std::vector<std::string>& words, engine::RehearsalInputs& inputs) {
  for (const DiscoveredPath& found : inputs.paths) {
    const bool asked_for = std::ranges::any_of(words, [&](const std::string& word) { return policy::selects(word, found.facts) == policy::SelectedBy::path; });
    if (asked_for) inputs.users.insert_or_assign(found.facts.devnum, discovery.users(found.facts.devnum));
  }
}

struct Executor::Gathering {
  std::shared_ptr<engine::RenderReply> reply;
  engine::RehearsalInputs inputs;
};

void Executor::gather_inputs(std::shared_ptr<engine::RenderReply> reply) {
  auto gathering = std::make_shared<Gathering>();
  gathering->inputs.now = reply->snapshot ? reply->snapshot->now : ports_.clock.now();
  gathering->reply = std::move(reply);
  gather(Lane::files, gathering,
         [this, gathering] { read_files(ports_.files, gathering->reply->request.configuration.get(), gathering->inputs); },
         [this, gathering] { gather_maps(gathering); });
}

void Executor::gather_maps(std::shared_ptr<Gathering> gathering) {
  gather(Lane::fast, gathering, [this, gathering] { read_maps(ports_.device_mapper, gathering->inputs); },
         [this, gathering] { gather_paths(gathering); });
}

void Executor::gather_paths(std::shared_ptr<Gathering> gathering) {
  gather(Lane::discovery, gathering, [this, gathering] {
    read_paths(ports_.discovery, gathering->inputs);
    const Request& request = gathering->reply->request;
    if (request.kind == RequestKind::mpathctl_explain) read_users(ports_.discovery, request.subjects, gathering->inputs);
  },
         [this, gathering] { render_gathered(gathering); });
}

void Executor::render_gathered(const std::shared_ptr<Gathering>& gathering) {
  gathering->reply->inputs = std::make_shared<const engine::RehearsalInputs>(std::move(gathering->inputs));
  host_.render(std::move(*gathering->reply));
}

void Executor::gather(Lane lane, const std::shared_ptr<Gathering>& gathering, std::move_only_function<void()> read,
                      std::move_only_function<void()> then) {
  auto next = std::make_shared<std::move_only_function<void()>>(std::move(then));
  bool taken = ports_.lanes.submit(lane, 0, [read = std::move(read), next]() mutable -> Continuation {
    read();
    return [next] { (*next)(); };
  });
  if (taken) return;
  gathering->inputs.errors.push_back("a lane is full: it has stood still for long, and the answer is not whole");
  render_gathered(gathering);
}

}  // namespace mpath::runtime
