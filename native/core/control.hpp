// How a long computation is watched: cancelled between chunks, and heard of through progress.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace eigenscape {

/// From a stage's first report to its last.
struct StageTime {
  std::string stage;
  double seconds;
};

class Control {
 public:
  using Report = std::function<void(std::string_view stage, double done, double total)>;

  Control() = default;
  Control(std::size_t threads, Report report) : threads_(threads), report_(std::move(report)) {}
  /// One thread's share of a computation that `whole` watches: cancelled with it.
  explicit Control(const Control* whole) : whole_(whole) {}

  /// Threads that the computation may use, itself included; the bits do not depend on it.
  [[nodiscard]] std::size_t threads() const { return threads_; }

  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool cancelled() const noexcept {
    return cancelled_.load(std::memory_order_relaxed) || (whole_ != nullptr && whole_->cancelled());
  }
  /// Throws ErrorCode::aborted once cancel() was called.
  void check() const {
    if (cancelled()) throw Error(ErrorCode::aborted, "the call was aborted");
  }
  /// May be called from any thread.
  void report(std::string_view stage, double done, double total) const {
    if (whole_ == nullptr) note(stage);
    if (report_) report_(stage, done, total);
  }
  /// Of what was reported so far, in the order of their first reports.
  [[nodiscard]] std::vector<StageTime> stages() const {
    const std::lock_guard lock(noted_);
    std::vector<StageTime> times;
    for (const Stage& stage : stages_) {
      times.push_back(
          {stage.name, std::chrono::duration<double>(stage.last - stage.first).count()});
    }
    return times;
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Stage {
    std::string name;
    Clock::time_point first;
    Clock::time_point last;
  };

  void note(std::string_view name) const {
    const auto now = Clock::now();
    const std::lock_guard lock(noted_);
    const auto found = std::ranges::find(stages_, name, &Stage::name);
    if (found != stages_.end()) {
      found->last = now;
    } else {
      stages_.push_back({std::string(name), now, now});
    }
  }

  std::size_t threads_ = 1;
  Report report_;
  const Control* whole_ = nullptr;
  std::atomic<bool> cancelled_ = false;
  mutable std::mutex noted_;
  mutable std::vector<Stage> stages_;
};

}  // namespace eigenscape
