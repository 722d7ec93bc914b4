// How a long computation is watched: cancelled between chunks, and heard of through progress.
#pragma once

#include <atomic>
#include <functional>
#include <string_view>
#include <utility>

#include "core/error.hpp"

namespace eigenscape {

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
    if (report_) report_(stage, done, total);
  }

 private:
  std::size_t threads_ = 1;
  Report report_;
  const Control* whole_ = nullptr;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace eigenscape
