// SPDX-License-Identifier: LGPL-2.1-or-later
// Virtual time and seeded chance: what makes a run of the simulator repeatable. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "libmpath/base/time.h"

namespace mpath::sim {

/// Actions ordered by (time, order of insertion). Times outside are those of the engine's clock; inside runs the machine's own time,
/// which stands still while the machine is paused.
class EventQueue {
 public:
  using Action = std::move_only_function<void()>;
  struct Token {
    Duration machine_time{};
    std::uint64_t sequence = 0;  ///< 0 names nothing
    friend auto operator<=>(const Token&, const Token&) = default;
  };

  [[nodiscard]] MonoTime now() const { return start + paused_ + machine_now_; }
  /// Time as far as the machine was awake to see it: limits on reactions are counted in it.
  [[nodiscard]] MonoTime awake() const { return start + machine_now_; }
  Token at(MonoTime when, Action action) { return after(when - now(), std::move(action)); }
  Token after(Duration delay, Action action) {
    Token token{machine_now_ + (delay < Duration{} ? Duration{} : delay), ++sequence_};
    actions_.emplace(token, std::move(action));
    return token;
  }
  void cancel(Token& token) {
    if (token.sequence != 0) actions_.erase(token);
    token = {};
  }
  [[nodiscard]] Duration paused() const { return paused_; }
  [[nodiscard]] MonoTime next() const {
    return actions_.empty() ? no_deadline : start + paused_ + actions_.begin()->first.machine_time;
  }
  /// Moves time to the next action and runs it.
  void run_next() {
    auto node = actions_.extract(actions_.begin());
    machine_now_ = node.key().machine_time;
    ++actions_run_;
    node.mapped()();
  }
  /// Lets time pass up to `when`, which is not after next().
  void advance(MonoTime when) {
    if (when > now()) machine_now_ += when - now();
  }
  /// The machine stands still for `length` while the world's clock goes on.
  void pause(Duration length) {
    paused_ += length;
    pauses_.push_back(awake());
  }
  [[nodiscard]] std::size_t pauses_since(MonoTime awake_time) const {
    return static_cast<std::size_t>(pauses_.end() - std::lower_bound(pauses_.begin(), pauses_.end(), awake_time));
  }
  [[nodiscard]] std::uint64_t actions_run() const { return actions_run_; }

 private:
  static constexpr MonoTime start{seconds{1000}};
  std::map<Token, Action> actions_;
  Duration machine_now_{};
  Duration paused_{};
  std::vector<MonoTime> pauses_;
  std::uint64_t sequence_ = 0;
  std::uint64_t actions_run_ = 0;
};

/// splitmix64: the same seed gives the same numbers everywhere, which the standard distributions do not promise.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed ^ 0x6c62272e07bb0142ULL) {
    // Neighbouring seeds must not give the same numbers one step later.
    state_ = next() ^ (next() << 1);
  }
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  /// 0 … bound - 1; bound at least 1.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  /// From `low` to `high`, both possible.
  int between(int low, int high) { return low + static_cast<int>(below(static_cast<std::uint64_t>(high - low) + 1)); }
  bool chance(unsigned percent) { return below(100) < percent; }
  Duration duration(Duration low, Duration high) {
    return low + Duration{static_cast<std::int64_t>(below(static_cast<std::uint64_t>((high - low).count()) + 1))};
  }
  template <typename Container>
  auto& pick(Container& items) { return items[below(std::size(items))]; }
  Random fork() { return Random(next()); }

 private:
  std::uint64_t state_;
};

}  // namespace mpath::sim
