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
//   too many loads    a map was loaded although nothing happened to it, or to its daemon, for so long that a load could still follow from it,
//                     that has not led to a load already.
//   queueing          queueing was switched off before no_path_retry allowed it.
//   queued too long   requests wait although no path has had a chance to work since no_path_retry was used up.
//   stands still      a map was suspended for longer than any request may take.
//   needless load     a table was loaded that the kernel had, and nobody had asked for it.
//   failback          with failback manual the group was switched without a start, a configuration or a new map.
//   failed in vain    a path was failed that has been working for long, without anything that stands against it.
//   blind return      a path was reinstated that has not answered since it hangs.
//   barred            a path that is drained, disabled, quarantined, suspect or kept out for its failures got new I/O after the time that
//                     messages take, or an unconfirmed drain outlived its time.
//   suspect           a path that hangs was used for longer than suspect_after allows, although others of its group answered.
//   held              a map that was suspended on request went on by itself.
//   picture           what the daemon shows of a path and what the kernel does with it differed for longer than messages take.
//   unregistered      I/O was sent through a nexus that is not registered while this host is registered for the volume.
//   not preempted     this host is registered again for a volume that another one has preempted, and nobody has done that for it.
//   final …           what the kernel has when everything has come to rest differs from what the world and the configuration say.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "libmpath/model/path.h"
#include "libmpath/model/request.h"
#include "tests/sim/kernel.h"
#include "tests/sim/ports.h"
#include "tests/sim/settings.h"

namespace mpath::sim {

struct Violation {
  std::string rule;
  std::string text;
};

/// A path as the daemon shows it.
struct ShownPath {
  DevNum devnum;
  std::uint64_t disk_sequence = 0;
  std::string map;  ///< empty: in none
  PathState state = PathState::unchecked;
  std::string_view bar;  ///< what stands against I/O on it, in a word; empty: nothing
};

class Oracle final : public KernelWatcher, public CommandWatcher {
 public:
  Oracle(World& world, Kernel& kernel, EventQueue& queue, const Settings& settings)
      : world_(world), kernel_(kernel), queue_(queue), settings_(settings) {}

  // KernelWatcher
  void created(const DmDevice& device) override;
  void loading(const DmDevice& device, const Target& table) override;
  void load_refused(const DmDevice& device) override;
  void swapped(const DmDevice& device) override;
  void renamed(const DmDevice&) override { count("kernel", "rename"); }
  void removed(const DmDevice& device) override;
  void message(const DmDevice& device, const MapMessage& message) override;
  void path_failed(const DmDevice& device, const Disk& disk) override;
  void io_sent(const DmDevice& device, const Disk& disk) override;
  // CommandWatcher
  void command_sent(const Disk& disk, const DeviceCommand& command) override;
  void command_answered(const Disk& disk, const DeviceCommand& command, const CommandOutcome& outcome) override;
  /// Data I/O met a reservation.
  void conflicted(const Disk& disk);
  /// Another host has preempted this one.
  void preempted(const Lun& lun);

  void request_ended(const DmDevice& device, const IoResult& result, Duration length);
  /// Once a second of virtual time.
  void tick();
  void compare_picture(const std::vector<ShownPath>& picture);
  /// Something happened to this volume that may be worth a table load.
  void changed(const Lun* lun);
  void changed_all();
  /// Somebody else failed a path of the map: until it is back, requests may fail for it.
  void meddled(const DmDevice& device);
  /// The configuration is another one from now on, for a daemon that reads it.
  void settings_changed();
  /// The daemon was asked to read its configuration, and perhaps to load every table.
  void reconfigured(bool loads_all);
  void daemon_started();
  void daemon_stopped();
  /// The same process runs on that daemon_stopped() told of.
  void daemon_continued();
  /// A command is given, and may have its effect from now on.
  void request_sent(const Request& request);
  /// It was answered with "ok": it must have its effect.
  void request_done(const Request& request);
  /// Somebody else suspended the map, and will let it go on.
  void held(const DmDevice& device);
  /// All is at rest: compare the kernel with the world.
  void check_final();
  void violate(const std::string& rule, const std::string& text);

  [[nodiscard]] const std::vector<Violation>& violations() const { return violations_; }
  [[nodiscard]] Duration longest_request(const std::string& wwid) const;
  void forget_longest() { longest_.clear(); }
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }

  /// Loads of a map without an occasion: of a scenario, which does not tell of everything that it does.
  std::uint64_t tolerated_loads = 0;
  std::function<void(const std::string& rule)> on_violation;
  std::function<void(std::string_view kind, std::string_view what)> on_count;  ///< something was exercised

 private:
  /// What somebody asked for: perhaps it is in force, perhaps not any more.
  enum class Wish { no, maybe, yes };
  struct Asked {
    Wish wish = Wish::no;
    MonoTime since{};
    void set(Wish next, MonoTime now) {
      if (wish != next) since = now;
      wish = next;
    }
  };
  /// Of a place that a path has, whichever disk is there.
  struct PlaceKnowledge {
    Asked drained;
    std::optional<MonoTime> undo_at;  ///< unless it is confirmed
    MonoTime told{};                  ///< when the last command for it was answered
  };
  struct PathKnowledge {
    std::optional<MonoTime> asked_since;  ///< an unanswered command
    bool bad = false;                     ///< the last verdict
    bool perhaps_bad = false;             ///< … of a read that may have been a test of a path that is not trusted
    MonoTime page_read{};                 ///< the array's own page, last and well
    bool failed_by_kernel = false;        ///< and not found good since
    MonoTime judged{};
    MonoTime unregistered_at{};           ///< last, in a volume that this host is registered for
    std::optional<MonoTime> down_since;   ///< known to be of no use, from whatever source
    std::optional<MonoTime> differs_since;  ///< the daemon's picture and the kernel's state
    std::string_view bar;                   ///< by the daemon's picture
    std::optional<MonoTime> barred_since;   ///< … and the kernel uses it all the same
    Asked disabled;
    std::string disabled_volume;            ///< that it led to then: with another one it is another path
  };
  struct MapKnowledge {
    bool gave_up = false;  ///< no_path_retry ran out
    std::uint64_t loads_without_occasion = 0;
    std::deque<MonoTime> occasions;  ///< things that may each be worth one load, and have not led to one
    MonoTime drain_began{};
    bool drain_excusable = true;
    MonoTime to_fail_again{};
    std::set<const Disk*> failed_before;  ///< in the table that was replaced: failing them again is no decision
    std::set<const Disk*> newcomers;      ///< of the last table
    MonoTime swapped_at{};
    std::optional<MonoTime> waiting_since;
    std::optional<MonoTime> hopeless_since;  ///< no path has had a chance to work
    std::optional<MonoTime> suspended_since;
    MonoTime stood_still_at{};  ///< last, on request or by somebody else
    MonoTime created{};
    MonoTime configured_in_vain{};  ///< the kernel refused the load that a configuration or a command wanted
    std::uint64_t loads_asked_for = 0;
    std::optional<MonoTime> registered_again;  ///< after it was preempted
    bool preempted = false;
    MonoTime excused_until{};  ///< requests may fail: somebody else failed their path
    MonoTime switch_excused_until{};
    Asked suspended;
    Asked queueing_disabled;
    bool held_by_others = false;
    MonoTime let_go_at{};  ///< by those others
  };
  [[nodiscard]] bool may_await_load(const DmDevice& device) const;
  void count(std::string_view kind, std::string_view what) const {
    if (on_count) on_count(kind, what);
  }
  [[nodiscard]] bool may_look_usable(const DmDevice& device, const Disk& disk) const;
  [[nodiscard]] bool is_configuring(const MapKnowledge& map) const;
  void check_preempted();
  [[nodiscard]] static std::string place_of(const Disk& disk);
  /// Whether somebody asked for this path to carry no I/O.
  [[nodiscard]] bool is_commanded(const Disk& disk) const;
  [[nodiscard]] bool is_selected(const Request& request, const Disk& disk) const;
  /// The daemon has heard of it when it answers a command.
  [[nodiscard]] bool is_known_well(const Disk& disk) const;
  [[nodiscard]] bool is_held(const MapKnowledge& map) const { return map.held_by_others || map.suspended.wish != Wish::no; }
  void check_failing(const DmDevice& device, const Disk& disk);
  [[nodiscard]] bool lacks_registration(const Disk& disk) const;
  void check_returning(const DmDevice& device, const Disk& disk);
  void check_commands(const DmDevice& device, const MapKnowledge& map);
  void check_suspects(const DmDevice& device, const MapKnowledge& map);
  void compare_bar(const ShownPath& shown, const Disk& disk, const DmDevice* device, bool carries);
  [[nodiscard]] bool answers_whatever_happens(const Disk& disk) const;
  void judge_inquiry(const Disk& disk, const ScsiCommand& command, const CommandOutcome& outcome, bool clean, MonoTime asked);
  void check_need(const DmDevice& device, const Target& table);
  void check_waiting(const DmDevice& device, MapKnowledge& map);
  void check_grouping_final(const DmDevice& device, const Lun& lun);
  [[nodiscard]] bool definitely_bad(const Disk& disk) const;
  /// A path of the volume has been working, with a daemon to see it, for so long.
  [[nodiscard]] const Disk* working_for(const std::string& wwid, Duration length, bool counts_unreliable = true) const;
  [[nodiscard]] Duration distrust_of(const Disk& disk) const;
  [[nodiscard]] Duration daemon_age() const;
  /// Queueing ends, by message or by a table without it.
  void giving_up(const DmDevice& device);
  void check_members(const DmDevice& device, const Target& table, const char* what);
  void check_map_final(const Lun& lun, const std::vector<Disk*>& disks);
  void check_queue_final(const DmDevice& device, bool any_usable);
  void check_group_final(const DmDevice& device, const Lun& lun);
  PathKnowledge& know(const Disk& disk) { return paths_[&disk]; }
  [[nodiscard]] MonoTime now() const { return queue_.awake(); }

  World& world_;
  Kernel& kernel_;
  EventQueue& queue_;
  const Settings& settings_;
  MonoTime settings_changed_{};
  MonoTime reconfigured_{};
  std::unordered_map<const Disk*, PathKnowledge> paths_;
  std::map<std::string, MapKnowledge> maps_;  ///< by WWID
  std::map<std::string, PlaceKnowledge> places_;
  std::map<std::string, Duration> longest_;
  std::vector<Violation> violations_;
  std::optional<MonoTime> daemon_since_;
  std::uint64_t requests_ = 0;
  std::uint64_t failures_ = 0;
};

}  // namespace mpath::sim
