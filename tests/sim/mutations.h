// SPDX-License-Identifier: LGPL-2.1-or-later
// Named defects, put between the executor and its ports: to the world it looks as if the engine had them. Each must be caught by the
// oracle, else the oracle is worth nothing.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "libmpath/ports/ports.h"
#include "tests/sim/virtual_time.h"

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
};
inline constexpr Mutation all_mutations[] = {
    Mutation::drop_fail_path, Mutation::never_reinstate,      Mutation::swap_paths,      Mutation::ignore_hangs,
    Mutation::skip_identity,  Mutation::forget_failing_again, Mutation::lose_completion, Mutation::give_up_early,
    Mutation::fail_on_suspicion, Mutation::load_without_reason,        Mutation::remove_queueing,
};
[[nodiscard]] std::string_view to_string(Mutation mutation);

class MutantDeviceMapper final : public ports::DeviceMapper {
 public:
  MutantDeviceMapper(ports::DeviceMapper& real, EventQueue& queue, Mutation mutation)
      : real_(real), queue_(queue), mutation_(mutation) {}
  Result<DevNum> create(const MapSpec& spec, UdevFlags flags) override;
  Status load(const MapName& name, const MapSpec& spec, const Precondition& expected) override;
  Status resume(const MapName& name, UdevFlags flags, bool flush) override;
  Status suspend(const MapName& name, const Precondition& expected) override { return real_.suspend(name, expected); }
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

  ports::DeviceMapper& real_;
  EventQueue& queue_;
  Mutation mutation_;
  std::map<std::string, DevNum> first_paths_;  ///< of the maps seen, by WWID
  std::map<std::string, MonoTime> loaded_;
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

  ports::Commands& real_;
  EventQueue& queue_;
  Random random_;
  Mutation mutation_;
  std::map<PathId, std::shared_ptr<const PathFacts>> attached_;
  std::map<OpId, Pending> pending_;
  std::vector<ports::CommandReply> invented_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace mpath::sim
