// SPDX-License-Identifier: LGPL-2.1-or-later
// What a reconfiguration would find: each function reads one part of it, on the lane that its name in ports.h has, or on the only thread of
// a tool. What cannot be read is said in `errors` of the inputs, which stay usable.
#pragma once

#include <memory>
#include <vector>

#include "libmpath/engine/rehearsal.h"
#include "libmpath/model/request.h"
#include "libmpath/ports/ports.h"

namespace mpath::runtime {

/// [files] The state files' texts.
[[nodiscard]] engine::StateLoaded read_state(ports::Files& files, OpId op);
/// [files] Configuration and state files. `brought`: the configuration that counts instead of the system's; may be null.
void read_files(ports::Files& files, const std::vector<BroughtFile>* brought, engine::RehearsalInputs& inputs);
/// [fast] The kernel's maps.
void read_maps(ports::DeviceMapper& device_mapper, engine::RehearsalInputs& inputs);
/// [discovery] The disks.
void read_paths(ports::Discovery& discovery, engine::RehearsalInputs& inputs);

/// [discovery] Who uses the disks that the words name.
void read_users(ports::Discovery& discovery, const std::vector<std::string>& words, engine::RehearsalInputs& inputs);

}  // namespace mpath::runtime
