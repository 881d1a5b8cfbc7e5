// SPDX-License-Identifier: LGPL-2.1-or-later
// Paths that answer their checks and are not trusted all the same: they failed too often lately (san_path_err_*), their test reads fail
// (marginal_path_*), or somebody said so. Such a path is kept out, or with marginal_pathgroups used after all others; the last one that
// works never is.
#include "libmpath/base/text.h"
#include "libmpath/engine/core.h"
#include "libmpath/wire/sense.h"

namespace mpath::engine {

namespace {

constexpr Duration between_reads = milliseconds{100};
/// A test read that has not ended by then counts as failed.
constexpr Duration read_is_late = seconds{60};

}  // namespace

/// What a good answer makes of the path's state: the answer's own, or `delayed`.
PathState Engine::Core::weigh_answer(PathRecord& path, PathState verdict) {
  const MapRecord* map = find_map(path.map);
  if (map == nullptr || !map->settings || options.mode != Mode::manage) return verdict;
  const config::MarginalSettings& settings = map->settings->marginal;
  bool concerns = settings.active || settings.san_active || path.sampling || path.unreliable || path.distrust_restored ||
                  path.failure_count.kept_out || path.marginal_reasons.has(MarginalReason::sampled);
  if (!concerns) return verdict;
  PathState before = path.health.state;
  bool returns = before == PathState::down || before == PathState::shaky || before == PathState::timeout;
  bool lone = !has_other_hope(path);
  if (std::exchange(path.distrust_restored, false)) distrust_again(path, settings);
  bool trusted = path.failure_count.good_check(settings, returns, lone, now) == policy::Trust::yes;
  trusted = passes_sampling(path, settings, lone) && trusted;
  bool kept_out = !trusted && daemon().marginal_pathgroups.value == MarginalPathgroups::off;
  path.unreliable = kept_out;
  set_marginal(path, MarginalReason::sampled, !trusted && !kept_out);
  if (!kept_out) return verdict;
  path.check.reason = "it works, but failed too often lately";
  return PathState::delayed;
}

/// Whether the map can do without the path: another one works, or has yet to say so.
bool Engine::Core::has_other_hope(const PathRecord& path) {
  const MapRecord* map = find_map(path.map);
  return map != nullptr && std::ranges::any_of(paths_of(*map), [&](const PathRecord& other) {
    if (other.id == path.id || !other.in_table || bar(other) != Bar::none) return false;
    return other.kernel_state != KernelPathState::failed && (is_usable(other.health.state) || !other.answered);
  });
}

/// When a path that is kept out for its failures is trusted again, if it goes on answering.
MonoTime Engine::Core::trusted_from(const PathRecord& path) {
  const MapRecord* map = find_map(path.map);
  if (map == nullptr || !map->settings) return no_deadline;
  MonoTime until = path.failure_count.until(map->settings->marginal);
  return until > now ? until : no_deadline;
}

/// It was not trusted by the daemon that ran before us: its time begins anew.
void Engine::Core::distrust_again(PathRecord& path, const config::MarginalSettings& settings) {
  if (settings.san_active) {
    path.failure_count.kept_out = true;
    path.failure_count.since = now;
  } else if (settings.active && !path.sampling) {
    path.sampling = std::make_unique<Sampling>();
  }
}

/// The kernel has failed the path because I/O did.
void Engine::Core::count_kernel_failure(PathRecord& path) {
  const MapRecord* map = find_map(path.map);
  if (map == nullptr || !map->settings || options.mode != Mode::manage) return;
  const config::MarginalSettings& settings = map->settings->marginal;
  if (!path.failure_pair.failed(settings, now) || path.sampling || !has_other_usable(path)) return;
  log(Severity::warning, path.facts->kernel_name,
      fmt::format("failed I/O twice within {} s; test reads decide whether it returns", settings.double_failed_time.value.count()));
  path.sampling = std::make_unique<Sampling>();
}

bool Engine::Core::passes_sampling(PathRecord& path, const config::MarginalSettings& settings, bool lone) {
  if (!path.sampling) return true;
  if (!settings.active || lone) {
    end_sampling(path);
    return true;
  }
  Sampling& sampling = *path.sampling;
  switch (sampling.phase) {
    case Sampling::Phase::waiting: begin_sampling(path); break;
    case Sampling::Phase::resting:
      if (now >= sampling.resumes) begin_sampling(path);
      break;
    case Sampling::Phase::reading: break;
  }
  return false;
}

void Engine::Core::begin_sampling(PathRecord& path) {
  Sampling& sampling = *path.sampling;
  sampling.phase = Sampling::Phase::waiting;
  if (paths_sampled >= limits::sampled_paths) return;
  ++paths_sampled;
  sampling.phase = Sampling::Phase::reading;
  sampling.begun = now;
  sampling.reads = sampling.errors = 0;
  sampling.under_way.clear();
  sampling.timer.owner = TimerOwner::sampling;
  sampling.timer.slot = path.id.slot;
  timers.set(sampling.timer, now);
}

/// Whatever it found, it is over: the path is trusted again.
void Engine::Core::end_sampling(PathRecord& path) {
  if (!path.sampling) return;
  timers.cancel(path.sampling->timer);
  if (path.sampling->phase == Sampling::Phase::reading) --paths_sampled;
  path.sampling.reset();
}

void Engine::Core::sampling_due(PathRecord& path) {
  const MapRecord* map = find_map(path.map);
  if (!path.sampling || path.sampling->phase != Sampling::Phase::reading) return;
  if (map == nullptr || !map->settings || !map->settings->marginal.active) return end_sampling(path);
  const config::MarginalSettings& settings = map->settings->marginal;
  Sampling& sampling = *path.sampling;
  for (Sampling::Read& read : sampling.under_way) {
    if (read.late || now < read.sent + read_is_late) continue;
    read.late = true;
    ++sampling.errors;
  }
  MonoTime last = sampling.begun + policy::sampling_ends_after(settings.err_sample_time.value);
  MonoTime end = sampling.begun + settings.err_sample_time.value;
  if (now >= end) return judge_sample(path, settings);
  if (now >= last) {
    timers.set(sampling.timer, end);
    return;
  }
  if (sampling.under_way.size() < limits::sampling_reads) {
    OpId op = new_op();
    sampling.under_way.push_back({op, now});
    ++sampling.reads;
    emit(SubmitCommand{op, path.id, BlockRead{.timeout = check_timeout(path)}});
  }
  timers.set(sampling.timer, std::min(now + between_reads, last));
}

void Engine::Core::judge_sample(PathRecord& path, const config::MarginalSettings& settings) {
  Sampling& sampling = *path.sampling;
  std::string found = fmt::format("{} of {} test reads failed", sampling.errors, sampling.reads);
  bool bad = policy::too_many_errors(sampling.errors, sampling.reads, settings.err_rate_threshold.value);
  if (bad && has_other_usable(path)) {
    log(Severity::warning, path.facts->kernel_name,
        fmt::format("{}; tried again in {} s", found, settings.recheck_gap_time.value.count()));
    sampling.phase = Sampling::Phase::resting;
    sampling.resumes = now + settings.recheck_gap_time.value;
    --paths_sampled;
    return;
  }
  log(Severity::notice, path.facts->kernel_name, found + (bad ? "; it returns because no other path works" : "; it returns"));
  end_sampling(path);
  check_now(path);
}

/// True if the completion is that of a test read.
bool Engine::Core::take_test_read(const CommandFinished& event) {
  PathRecord* path = find_path(event.path);
  if (path == nullptr || !path->sampling) return false;
  Sampling& sampling = *path->sampling;
  auto read = std::ranges::find(sampling.under_way, event.op, &Sampling::Read::op);
  if (read == sampling.under_way.end()) return false;
  bool good = wire::classify(event.outcome) == wire::OutcomeClass::good;
  if (!good && !read->late) ++sampling.errors;
  sampling.under_way.erase(read);
  return true;
}

/// A mark may regroup the map, which has to be there and known to its users.
RequestResult Engine::Core::may_mark(const PathRecord& path) {
  const MapRecord* map = find_map(path.map);
  if (map == nullptr || !map->kernel) return {Outcome::failed, "the path belongs to no map"};
  if (map->uevent_deadline != no_deadline) return {Outcome::failed, "the map waits for its udev event"};
  return {};
}

RequestResult Engine::Core::request_set_marginal(PathRecord& path, const Request&) {
  if (RequestResult result = may_mark(path); result.outcome != Outcome::ok) return result;
  set_marginal(path, MarginalReason::command, true);
  return {};
}

RequestResult Engine::Core::request_unset_marginal(PathRecord& path, const Request&) {
  if (RequestResult result = may_mark(path); result.outcome != Outcome::ok) return result;
  for (MarginalReason reason : {MarginalReason::command, MarginalReason::sampled, MarginalReason::fpin, MarginalReason::outlier}) {
    set_marginal(path, reason, false);
  }
  end_sampling(path);
  path.failure_count = {};
  return {};
}

RequestResult Engine::Core::request_unset_marginal_map(MapRecord& map, const Request& request) {
  if (map.uevent_deadline != no_deadline) return {Outcome::failed, "the map waits for its udev event"};
  for (PathRecord& path : paths_of(map)) (void)request_unset_marginal(path, request);
  return {};
}

}  // namespace mpath::engine
