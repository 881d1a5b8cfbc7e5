// SPDX-License-Identifier: LGPL-2.1-or-later
// Somebody who gives the daemon commands by chance, edits its configuration, and in the end takes back what he asked for.
#pragma once

#include <map>

#include "tests/sim/simulation.h"

namespace mpath::sim {

class Administrator {
 public:
  Administrator(Simulation& simulation, Random random);
  Administrator(const Administrator&) = delete;
  Administrator& operator=(const Administrator&) = delete;
  ~Administrator() { sim_.on_reply = {}; }
  /// Where there is a key, most volumes are registered and reserved, and the daemon is told.
  void reserve();
  /// One of the commands. What it changes is often, but not always, taken back after a while.
  void act();
  /// Whatever was asked for and is still in force is taken back.
  void put_right();
  void reconfigure();
  /// Maps that have not the size of their volume, because it was refused when it was asked for.
  void resize_the_rest();

 private:
  struct Kind;
  static const Kind kinds[];
  using Done = std::function<void(const RequestResult&)>;

  void ask(const Request& request, Done done = {});
  Request about(RequestKind kind) const;
  DmDevice* any_map();
  Disk* any_member();
  void later(std::function<void()> action, unsigned percent = 70);
  void on_map(RequestKind kind, RequestKind back);
  void on_path(RequestKind kind, RequestKind back);
  void change_configuration();
  void resize();
  void suspend() { on_map(RequestKind::suspend_map, RequestKind::resume_map); }
  void disable_queueing() { on_map(RequestKind::disable_queueing, RequestKind::restore_queueing); }
  void disable_all_queueing();
  void mark() { on_path(RequestKind::set_marginal, RequestKind::unset_marginal); }
  void fail_path() { on_path(RequestKind::fail_path, RequestKind::reinstate_path); }
  void drain();
  void undrain(const std::string& word);
  void switch_group();
  void reload() { on_map(RequestKind::reload_map, RequestKind::reset_stats); }
  void flush();
  void end_daemon();

  Simulation& sim_;
  Random random_;
  std::uint64_t last_ = 1000000;
  std::map<RequestId, std::pair<Request, Done>> asked_;
};

}  // namespace mpath::sim
