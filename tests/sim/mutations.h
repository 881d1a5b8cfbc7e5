// SPDX-License-Identifier: LGPL-2.1-or-later
// Named defects, put between the executor and its ports: to the world it looks as if the engine had them. Each must be caught by the
// oracle, else the oracle is worth nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "libmpath/model/request.h"
#include "tests/sim/ports.h"

namespace mpath::sim {

enum class Mutation {
  none,
  drop_fail_path,       ///< a bad path is never failed in the kernel
  never_reinstate,      ///< a good path is never brought back
  swap_paths,           ///< two maps' tables exchange their first path
  ignore_hangs,         ///< an unanswered check counts as good, so nothing keeps a load back
  skip_identity,        ///< who a path is is not verified before it is reinstated
  forget_failing_again, ///< bad paths stay active after a load
  lose_completion,      ///< now and then an answer never arrives
  give_up_early,        ///< queueing is switched off at the first occasion
  fail_on_suspicion,    ///< one slow answer fails a path
  load_without_reason,  ///< a right table is taken for a wrong one
  remove_queueing,      ///< tables are loaded without queue_if_no_path
  take_last_path,       ///< with the last but one path the last one is failed too
  fail_back_early,      ///< a path that returns takes the I/O to its group at once
  count_retries_short,  ///< no_path_retry is counted one check short
  count_retries_long,   ///< no_path_retry is counted four times
  keep_queueing,        ///< queueing stays on when no_path_retry is used up
  wrong_group,          ///< another group than the best is switched to
  never_switch_group,   ///< the best group is not switched to
  worst_group_first,    ///< access states are taken the wrong way round
  drop_returning_paths, ///< a path that appears is overlooked
  keep_removed_paths,   ///< a path that goes is overlooked
  attention_is_failure, ///< a unit attention is taken for a failure
  clock_lags,           ///< time passes in steps of two minutes
  double_load,          ///< every table is loaded twice
  wrong_path,           ///< the message for a bad path names its neighbour
  accept_stale_answer,  ///< the answer to an earlier check is taken for that of the new one
  deaf_to_kernel,       ///< the kernel's word that it failed a path is not heard
  wrong_grouping,       ///< path_grouping_policy is not obeyed
  short_table,          ///< a map is made smaller than its volume
  leave_suspended,      ///< after a load the map is not resumed
  ignore_check_timeout, ///< a path that never answers a check stays in use
  skip_registration,    ///< a path is taken for registered without having been
  register_preempted,   ///< that another host has preempted this one is not noticed
  forget_marks,         ///< what survives a restart does not
  suspect_nothing,      ///< suspect_after is not obeyed
  resume_by_itself,     ///< a map that is to stand still goes on after two seconds
  fail_good_path,       ///< with a path that returns another one is failed
  return_blindly,       ///< what was failed is back after ten seconds, whatever it answers
  keep_drain,           ///< a drain that nobody confirms stays
  ignore_fail_path,     ///< `fail path` is answered and not carried out
};

/// What one is called, and a seed that is known to catch it: tried first, so that a run of all of them stays short.
struct NamedMutation {
  Mutation mutation;
  std::string_view name;
  std::uint64_t seed;
};
inline constexpr NamedMutation named_mutations[] = {
    {Mutation::drop_fail_path, "drop_fail_path", 2},
    {Mutation::never_reinstate, "never_reinstate", 2},
    {Mutation::swap_paths, "swap_paths", 2},
    {Mutation::ignore_hangs, "ignore_hangs", 115},
    {Mutation::skip_identity, "skip_identity", 56},
    {Mutation::forget_failing_again, "forget_failing_again", 16},
    {Mutation::lose_completion, "lose_completion", 1},
    {Mutation::give_up_early, "give_up_early", 10},
    {Mutation::fail_on_suspicion, "fail_on_suspicion", 86},
    {Mutation::load_without_reason, "load_without_reason", 1},
    {Mutation::remove_queueing, "remove_queueing", 1},
    {Mutation::take_last_path, "take_last_path", 16},
    {Mutation::fail_back_early, "fail_back_early", 36},
    {Mutation::count_retries_short, "count_retries_short", 14},
    {Mutation::count_retries_long, "count_retries_long", 160},
    {Mutation::keep_queueing, "keep_queueing", 5},
    {Mutation::wrong_group, "wrong_group", 63},
    {Mutation::never_switch_group, "never_switch_group", 87},
    {Mutation::worst_group_first, "worst_group_first", 3},
    {Mutation::drop_returning_paths, "drop_returning_paths", 1},
    {Mutation::keep_removed_paths, "keep_removed_paths", 10},
    {Mutation::attention_is_failure, "attention_is_failure", 49},
    {Mutation::clock_lags, "clock_lags", 1},
    {Mutation::double_load, "double_load", 1},
    {Mutation::wrong_path, "wrong_path", 2},
    {Mutation::accept_stale_answer, "accept_stale_answer", 17},
    {Mutation::deaf_to_kernel, "deaf_to_kernel", 2},
    {Mutation::wrong_grouping, "wrong_grouping", 3},
    {Mutation::short_table, "short_table", 1},
    {Mutation::leave_suspended, "leave_suspended", 1},
    {Mutation::ignore_check_timeout, "ignore_check_timeout", 103},
    {Mutation::skip_registration, "skip_registration", 103},
    {Mutation::register_preempted, "register_preempted", 59},
    {Mutation::forget_marks, "forget_marks", 53},
    {Mutation::suspect_nothing, "suspect_nothing", 169},
    {Mutation::resume_by_itself, "resume_by_itself", 26},
    {Mutation::fail_good_path, "fail_good_path", 2},
    {Mutation::return_blindly, "return_blindly", 6},
    {Mutation::keep_drain, "keep_drain", 2},
    {Mutation::ignore_fail_path, "ignore_fail_path", 6},
};

/// A command as the mutant understands it.
[[nodiscard]] Request distorted_request(Request request, Mutation mutation);
/// The configuration as the mutant reads it.
[[nodiscard]] std::string distorted_configuration(std::string text, Mutation mutation);

class MutantClock final : public ports::Clock {
 public:
  MutantClock(const EventQueue& queue, Mutation mutation) : queue_(queue), mutation_(mutation) {}
  [[nodiscard]] MonoTime now() const override;

 private:
  const EventQueue& queue_;
  Mutation mutation_;
};

/// Overlooks disks that appear after the start.
class MutantDiscovery final : public SimDiscovery {
 public:
  MutantDiscovery(World& world, Mutation mutation) : SimDiscovery(world), mutation_(mutation) {}
  Result<DiscoveredPath> gather(std::string_view device) override;

 private:
  Mutation mutation_;
};

class MutantDeviceMapper final : public ports::DeviceMapper {
 public:
  MutantDeviceMapper(ports::DeviceMapper& real, Kernel& kernel, EventQueue& queue, Mutation mutation)
      : real_(real), kernel_(kernel), queue_(queue), mutation_(mutation) {}
  Result<DevNum> create(const MapSpec& spec, UdevFlags flags) override;
  Status load(const MapName& name, const MapSpec& spec, const Precondition& expected) override;
  Status resume(const MapName& name, UdevFlags flags, bool flush) override;
  Status suspend(const MapName& name, const Precondition& expected) override;
  Status drop_table(const MapName& name, const Precondition& expected) override { return real_.drop_table(name, expected); }
  Status rename(const MapName& name, const MapName& new_name, const std::optional<std::string>& delimiter,
                const Precondition& expected) override;
  Status remove(const MapName& name, bool deferred, const Precondition& expected) override;
  Status message(const MapName& name, std::string_view uuid, const MapMessage& message) override;
  Result<std::vector<KernelMapListing>> list() override;
  Result<KernelMap> read(const MapName& name) override;
  Status arm_events() override;

 private:
  [[nodiscard]] MapSpec mutated(const MapSpec& spec);
  [[nodiscard]] MapMessage mutated(const MapName& name, const MapMessage& message) const;
  [[nodiscard]] std::vector<TargetPath> active_paths(const MapName& name) const;

  ports::DeviceMapper& real_;
  Kernel& kernel_;
  EventQueue& queue_;
  Mutation mutation_;
  std::map<std::string, DevNum> first_paths_;  ///< of the maps seen, by WWID
  std::map<std::string, MonoTime> loaded_;
  std::map<std::string, MultipathTable> tables_;
};

class MutantCommands final : public ports::Commands {
 public:
  MutantCommands(ports::Commands& real, EventQueue& queue, Random random, Mutation mutation)
      : real_(real), queue_(queue), random_(random), mutation_(mutation) {}
  ~MutantCommands() override { *alive_ = false; }
  void attach(PathId path, std::shared_ptr<const PathFacts> facts) override;
  void detach(PathId path) override;
  void submit(const ports::CommandRequest& request) override;
  void flush() override { real_.flush(); }
  void collect(std::vector<ports::CommandReply>& replies) override;

  std::function<void()> on_replies;

 private:
  struct Pending {
    ports::CommandRequest request;
    bool invented = false;  ///< the product has an answer already
  };
  void invent(OpId op, CommandOutcome outcome);
  void distort(const Pending& pending, CommandOutcome& outcome);

  ports::Commands& real_;
  EventQueue& queue_;
  Random random_;
  Mutation mutation_;
  std::map<PathId, std::shared_ptr<const PathFacts>> attached_;
  std::map<OpId, Pending> pending_;
  std::map<Wwid, CommandOutcome> first_keys_;  ///< first answer to READ KEYS
  std::map<PathId, CommandOutcome> earlier_;  ///< last answer to a TEST UNIT READY
  std::vector<ports::CommandReply> invented_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace mpath::sim
