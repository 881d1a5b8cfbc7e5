// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/multipath/dry_run.h"

#include <cstdio>

#include "libmpath/base/text.h"
#include "libmpath/policy/admission.h"
#include "libmpath/view/dry_run.h"
#include "libmpath/wire/state_files.h"
#include "tools/multipath/observer.h"
#include "tools/multipath/output.h"
#include "tools/multipath/wanted.h"

namespace mpath::tool {

namespace {

constexpr int reasons_from = 3;  ///< verbosity

/// For this run the grouping policy of the command line counts, whatever the files say.
void force_policy(engine::RehearsalInputs& inputs, const Options& options) {
  if (!options.grouping_policy || !inputs.configuration.config) return;
  auto forced = std::make_shared<config::Config>(*inputs.configuration.config);
  forced->forced_grouping = options.grouping_policy;
  inputs.configuration.config = std::move(forced);
}

/// Whose volume is asked for by the name of one device: one path is enough for its map. Error: the device is no path.
Result<Wwid> wwid_of(const engine::RehearsalInputs& inputs, DevNum devnum) {
  config::Resolver resolver(inputs.configuration.config);
  policy::Blacklist blacklist(inputs.configuration.config);
  for (const DiscoveredPath& found : inputs.paths) {
    if (found.facts.devnum != devnum) continue;
    policy::Judgement judged = policy::judge(found, resolver, blacklist);
    if (!judged.admission.is_admitted) return fail(ErrorCode::invalid_argument, found.facts.kernel_name, "is no path: " + judged.admission.reason);
    if (judged.facts->wwid.empty()) return fail(ErrorCode::invalid_argument, found.facts.kernel_name, "its WWID is not known");
    return judged.facts->wwid;
  }
  return fail(ErrorCode::not_found, to_string(devnum), "there is no such disk");
}

}  // namespace

int dry_run(const Options& options) {
  auto wanted = resolve(options.device);
  if (!wanted) return complain(wanted.error());
  auto seen = observe(engine::Mode::survey, options.verbosity);
  if (!seen) return complain(seen.error());
  engine::RehearsalInputs& inputs = seen->inputs;
  if (!inputs.configuration.config) return complain({ErrorCode::invalid_argument, {}, "error parsing config file", {}});
  for (const std::string& error : inputs.errors) fmt::print(stderr, "multipath: {}\n", escape(error));
  force_policy(inputs, options);
  inputs.bindings_read_only = options.bindings_read_only;
  std::optional<Wwid> only;
  if (wanted->kind == Wanted::Kind::device) {
    auto wwid = wwid_of(inputs, wanted->devnum);
    if (!wwid) return complain(wwid.error());
    only = std::move(*wwid);
    if (auto added = wire::add_wwid(inputs.state.wwids, *only)) inputs.state.wwids = std::move(*added);
  }
  print_path_table(*seen->snapshot, options);
  const engine::Rehearsal rehearsal = engine::rehearse(inputs, engine::known_paths(*seen->snapshot), nullptr, options.reload);
  for (const auto& outcome : rehearsal.outcome->maps) {
    const engine::RehearsedMap* rehearsed = view::find_rehearsed(rehearsal, outcome->wwid);
    const engine::MapView map = view::as_planned(*outcome, rehearsed);
    if (only ? map.wwid != *only : !is_wanted(map, *wanted)) continue;
    if (rehearsed != nullptr && options.verbosity.value_or(default_verbosity) >= reasons_from) {
      for (const std::string& line : view::planned_lines(*rehearsed)) fmt::print(stderr, "{}: {}\n", escape(map.name.text), line);
    }
    print_map(map, options, true);
  }
  return end_of_output();
}

}  // namespace mpath::tool
