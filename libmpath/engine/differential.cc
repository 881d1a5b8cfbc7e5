// SPDX-License-Identifier: LGPL-2.1-or-later
// Differential health: once a minute the paths of a volume are compared with each other. One that answers, but far worse than its siblings,
// is reported; where marginal_pathgroups says so, it is used last.
#include "libmpath/engine/core.h"

namespace mpath::engine {

/// Called with each check that has ended; does something once a minute for each map.
void Engine::Core::compare_siblings(MapRecord& map) {
  std::int32_t minute = policy::sketch_slice_number(now);
  if (map.compared_minute == minute || options.mode != Mode::manage) return;
  bool first = std::exchange(map.compared_minute, minute) < 0;
  if (first || map.paths.size() < 2) return;
  policy::SiblingFigures all;
  for (const PathRecord& path : paths_of(map)) all.add(path.sketch.figures_of(minute - 1));
  for (PathRecord& path : paths_of(map)) {
    policy::CheckFigures own = path.sketch.figures_of(minute - 1);
    bool alive = is_usable(path.health.state);
    if (!path.outlier.advance(alive ? policy::judge_minute(own, all) : policy::MinuteVerdict::unknown)) continue;
    path.outlier_siblings_p99 = all.median_p99_without(own);
    tell_outlier(path);
  }
  mark_outliers(map);
}

void Engine::Core::tell_outlier(PathRecord& path) {
  path.outlier_since = now;
  touch(path);
  if (!path.outlier.is_outlier()) {
    log(Severity::notice, path.facts->kernel_name, "its checks go like those of its siblings again");
    return;
  }
  OutlierView evidence = outlier_evidence(path);
  log(Severity::warning, path.facts->kernel_name, "works, but far worse than its siblings: " + to_text(evidence));
}

OutlierView Engine::Core::outlier_evidence(const PathRecord& path) const {
  policy::CheckFigures figures = path.sketch.figures(now);
  Duration length = policy::sketch_slice * policy::outlier_minutes + (now - path.outlier_since);
  return {.p99 = figures.p99, .siblings_p99 = path.outlier_siblings_p99, .errors = figures.errors, .checks = figures.answers + figures.errors,
          .length = std::chrono::duration_cast<minutes>(length)};
}

/// The marks that count for the groups follow what was found, all of a map together, and not often. The last path that is fit is never
/// marked.
void Engine::Core::mark_outliers(MapRecord& map) {
  if (map.outliers_marked_at != MonoTime{} && map.outliers_marked_at + policy::outlier_pause > now) return;
  bool one_is_fit = std::ranges::any_of(paths_of(map), [](const PathRecord& path) {
    return path.in_table && may_serve(path) && !path.outlier.is_outlier() && !path.marginal_reasons.any();
  });
  for (PathRecord& path : paths_of(map)) {
    bool holds = path.outlier.is_outlier();
    if (path.marginal_reasons.has(MarginalReason::outlier) == holds || (holds && !one_is_fit)) continue;
    map.outliers_marked_at = now;
    set_marginal(path, MarginalReason::outlier, holds);
  }
}

}  // namespace mpath::engine
