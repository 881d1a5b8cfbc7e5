// SPDX-License-Identifier: LGPL-2.1-or-later
// Judges a run. It knows the truth (the world), what the kernel was told, and the configuration's words, and shares no code with what it
// judges. The rules, each by the name that a violation carries:
//
//   misdirected       I/O of a map reached another volume. After a volume was exchanged behind a path that was in use there is a window
//                     that nobody can close: until the next check of the path, at most notice_limit(). A path that was failed when
//                     the exchange happened has no window: it must not be reinstated.
//   stranger          a table was loaded with a path of another volume (same window), or a path was given to two maps, or twice.
//   failed early      a request failed although no_path_retry says to queue, or a path had been working for recovery_limit().
//   stalled           a request waits although a path has been working for recovery_limit().
//   last path         the last active path was failed without a definite verdict of its checker.
//   load on hang      a table was loaded while a request hung on a path of the map for more than 1.5 s (more if paths are slow), and another path
//                     worked; or the map stood still for more than 0.5 s because of such a load.
//   not failed again  a load made a path active that the checker had found bad, and 1 s later it still was.
//   too many loads    a map was loaded more often than things happened to it.
//   queueing          queueing was switched off before no_path_retry allowed it.
//   final …           what the kernel has when everything has come to rest differs from what the world and the configuration say.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/sim/kernel.h"
#include "tests/sim/ports.h"
#include "tests/sim/settings.h"

namespace mpath::sim {

struct Violation {
  std::string rule;
  std::string text;
};

class Oracle final : public KernelWatcher, public CommandWatcher {
 public:
  Oracle(World& world, Kernel& kernel, EventQueue& queue, const Settings& settings)
      : world_(world), kernel_(kernel), queue_(queue), settings_(settings) {}

  // KernelWatcher
  void created(const DmDevice& device) override;
  void loading(const DmDevice& device, const Target& table) override;
  void swapped(const DmDevice& device) override;
  void renamed(const DmDevice&) override {}
  void removed(const DmDevice&) override {}
  void message(const DmDevice& device, const MapMessage& message) override;
  void path_failed(const DmDevice& device, const Disk& disk) override;
  // CommandWatcher
  void command_sent(const Disk& disk, const DeviceCommand& command) override;
  void command_answered(const Disk& disk, const DeviceCommand& command, const CommandOutcome& outcome) override;

  void request_ended(const DmDevice& device, const IoResult& result, Duration length);
  /// Once a second of virtual time.
  void tick();
  /// Something happened to this volume that may be worth a table load.
  void changed(const Lun* lun);
  void changed_all();
  /// Somebody else failed a path of the map: until it is back, requests may fail for it.
  void meddled(const DmDevice& device);
  void daemon_started();
  void daemon_stopped();
  /// All is at rest: compare the kernel with the world.
  void check_final();
  void violate(const std::string& rule, const std::string& text);

  [[nodiscard]] const std::vector<Violation>& violations() const { return violations_; }
  [[nodiscard]] Duration longest_request(const std::string& wwid) const;
  void forget_longest() { longest_.clear(); }
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }

  std::function<void(const std::string& rule)> on_violation;

 private:
  struct PathKnowledge {
    std::optional<MonoTime> asked_since;  ///< an unanswered command
    bool bad = false;                     ///< the last verdict
    bool failed_by_kernel = false;        ///< and not found good since
    MonoTime judged{};
    std::optional<MonoTime> down_since;   ///< known to be of no use, from whatever source
  };
  struct MapKnowledge {
    bool gave_up = false;  ///< no_path_retry ran out
    std::uint64_t reasons = 0;
    MonoTime drain_began{};
    bool drain_excusable = true;
    MonoTime to_fail_again{};
    std::set<const Disk*> failed_before;  ///< in the table that was replaced: failing them again is no decision
    std::optional<MonoTime> waiting_since;
    MonoTime excused_until{};  ///< requests may fail: somebody else failed their path
  };
  [[nodiscard]] bool may_await_load(const DmDevice& device) const;
  [[nodiscard]] bool definitely_bad(const Disk& disk) const;
  /// A path of the volume has been working, with a daemon to see it, for so long.
  [[nodiscard]] const Disk* working_for(const std::string& wwid, Duration length) const;
  [[nodiscard]] Duration daemon_age() const;
  /// Queueing ends, by message or by a table without it.
  void giving_up(const DmDevice& device);
  void check_members(const DmDevice& device, const Target& table, const char* what);
  void check_map_final(const Lun& lun, const std::vector<Disk*>& disks);
  void check_queue_final(const DmDevice& device, bool any_usable);
  void check_group_final(const DmDevice& device);
  PathKnowledge& know(const Disk& disk) { return paths_[&disk]; }
  [[nodiscard]] MonoTime now() const { return queue_.awake(); }

  World& world_;
  Kernel& kernel_;
  EventQueue& queue_;
  const Settings& settings_;
  std::unordered_map<const Disk*, PathKnowledge> paths_;
  std::map<std::string, MapKnowledge> maps_;  ///< by WWID
  std::map<std::string, Duration> longest_;
  std::vector<Violation> violations_;
  std::optional<MonoTime> daemon_since_;
  std::uint64_t requests_ = 0;
  std::uint64_t failures_ = 0;
};

}  // namespace mpath::sim
