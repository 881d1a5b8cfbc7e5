// SPDX-License-Identifier: LGPL-2.1-or-later
// SystemRead commands: what sysfs and /dev/disk/by-path say of devices. Those of one turn are read together in lane discovery.
// Nothing is sent to a device.
//
// Threads: everything on the engine's thread. Stop the lanes before destroying it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libmpath/ports/ports.h"

namespace mpath::sys {

class SystemReads {
 public:
  /// `by_path`: the directory of the links.
  explicit SystemReads(ports::Lanes& lanes, std::string by_path = "/dev/disk/by-path");
  SystemReads(const SystemReads&) = delete;
  SystemReads& operator=(const SystemReads&) = delete;
  ~SystemReads();

  void submit(const ports::CommandRequest& request, const std::shared_ptr<const PathFacts>& facts);
  void detach(PathId path);
  void flush();
  void collect(std::vector<ports::CommandReply>& replies);
  [[nodiscard]] bool has_replies() const { return !ready_.empty(); }

 private:
  struct Wanted {
    OpId op = OpId::none;
    PathId path;
    SystemRead::What what = SystemRead::What::access_state;
    std::shared_ptr<const PathFacts> facts;
  };
  using Replies = std::vector<ports::CommandReply>;
  [[nodiscard]] static Replies read(const std::vector<Wanted>& wanted, const std::string& by_path);

  ports::Lanes& lanes_;
  const std::string by_path_;
  std::vector<Wanted> wanted_;
  Replies ready_;
  std::shared_ptr<SystemReads*> self_;  ///< for continuations that outlive this object
};

}  // namespace mpath::sys
