// The process-wide pool of threads: jobs of the binding run on it, and their parallel loops.
#pragma once

#include <cstddef>
#include <functional>

#include "core/control.hpp"

namespace eigenscape {

/// Cores this process may use: affinity mask and cgroup quota, or EIGENSCAPE_THREADS when it is
/// set.
std::size_t default_thread_count();

/// The pool never holds more threads than this: OpenBLAS keeps buffers for 64 callers.
inline constexpr std::size_t kMaximumThreads = 48;

/// Runs `job` on the pool, after the jobs that were given before it. `job` must not throw.
void submit_job(std::function<void()> job);

/// Calls body(0) … body(count − 1), on the calling thread and up to control.threads() − 1 others,
/// each index once, in ascending order of start. The first failure stops the loop and is thrown
/// here as an Error. Which thread runs an index must not change what the body computes.
void parallel_for(const Control& control, std::size_t count,
                  const std::function<void(std::size_t)>& body);

}  // namespace eigenscape
