// SPDX-License-Identifier: LGPL-2.1-or-later
// For requests that ask what a reconfiguration would find: state files, the kernel's maps and the disks, each read in its own lane. The
// engine has no part in it.
#include "libmpath/engine/rehearsal.h"
#include "libmpath/runtime/configuration.h"
#include "libmpath/runtime/executor.h"

namespace mpath::runtime {

using ports::Continuation;

struct Executor::Gathering {
  std::shared_ptr<engine::RenderReply> reply;
  engine::RehearsalInputs inputs;
};

void Executor::gather_inputs(std::shared_ptr<engine::RenderReply> reply) {
  auto gathering = std::make_shared<Gathering>();
  gathering->inputs.now = reply->snapshot ? reply->snapshot->now : ports_.clock.now();
  gathering->reply = std::move(reply);
  gather(Lane::files, gathering, [this, gathering] {
    ports::ConfigFiles files = ports_.files.read_configuration();
    if (const auto& brought = gathering->reply->request.configuration) {
      files.files.clear();
      files.errors.clear();
      files.main_file_failed = false;
      for (const BroughtFile& file : *brought) files.files.push_back({.name = file.name, .bytes = file.bytes, .is_drop_in = file.is_drop_in});
    }
    gathering->inputs.configuration = parse_configuration(files);
    gathering->inputs.state = read_state(ports_.files, OpId::none);
    for (const std::string& message : gathering->inputs.state.messages) gathering->inputs.errors.push_back(message);
  }, [this, gathering] { gather_maps(gathering); });
}

void Executor::gather_maps(std::shared_ptr<Gathering> gathering) {
  gather(Lane::fast, gathering, [this, gathering] {
    ports::DeviceMapper& device_mapper = ports_.device_mapper;
    engine::RehearsalInputs& inputs = gathering->inputs;
    inputs.target_version = device_mapper.target_version();
    auto list = device_mapper.list();
    if (!list) {
      inputs.errors.push_back(list.error().message());
      return;
    }
    for (const KernelMapListing& entry : *list) {
      auto map = device_mapper.read(entry.name);
      if (map) {
        inputs.maps.push_back(std::move(*map));
      } else if (map.error().code != ErrorCode::not_found) {
        inputs.maps.push_back({.name = entry.name, .uuid = {}, .devnum = entry.devnum, .table = {}});
      }
    }
  }, [this, gathering] { gather_paths(gathering); });
}

void Executor::gather_paths(std::shared_ptr<Gathering> gathering) {
  gather(Lane::discovery, gathering, [this, gathering] {
    auto paths = ports_.discovery.enumerate();
    if (paths) {
      gathering->inputs.paths = std::move(*paths);
    } else {
      gathering->inputs.errors.push_back(paths.error().message());
    }
  }, [this, gathering] { render_gathered(gathering); });
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
