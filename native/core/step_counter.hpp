// How threads of one computation wait for one another.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace eigenscape {

/// Tells the processor that the loop around it waits.
inline void pause_processor() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

/// Until `ready`, but no longer than a sleeping thread takes to wake. True if it is.
template <typename Ready>
bool spin_until(const Ready& ready) {
  constexpr auto kLongest = std::chrono::microseconds(50);
  constexpr int kPausesOfALook = 32;
  const auto start = std::chrono::steady_clock::now();
  do {
    for (int i = 0; i < kPausesOfALook; ++i) {
      if (ready()) return true;
      pause_processor();
    }
  } while (std::chrono::steady_clock::now() - start < kLongest);
  return ready();
}

/// Steps that are done: threads add to them, others wait for them. One that waits long sleeps. (If
/// it gave way to others instead, the scheduler would leave it on the core that it shares with the
/// thread it waits for, though another idles: a thread's place is chosen when it wakes.)
class alignas(64) StepCounter {
 public:
  [[nodiscard]] std::uint32_t value() const { return steps_.load(std::memory_order_acquire); }

  /// By one thread at a time.
  void set(std::size_t steps) {
    steps_.store(static_cast<std::uint32_t>(steps), std::memory_order_release);
    steps_.notify_all();
  }
  void add_one() {
    steps_.fetch_add(1, std::memory_order_release);
    steps_.notify_all();
  }
  void wait_for(std::size_t steps) const {
    const auto ready = [&] { return value() >= steps; };
    if (ready() || spin_until(ready)) return;
    for (std::uint32_t seen = value(); seen < steps; seen = value()) {
      steps_.wait(seen, std::memory_order_acquire);
    }
  }

 private:
  std::atomic<std::uint32_t> steps_ = 0;
};

}  // namespace eigenscape
