// Many runs of training from many starting points over one set of data: each whole on one thread,
// with the bits that it has alone, in memory that each thread allocates once.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/control.hpp"
#include "training/descent.hpp"

namespace eigenscape {

enum class RunEnd { steps, gradient_norm, diverged };

/// How one run ended.
struct RunOutcome {
  RunEnd end = RunEnd::steps;
  std::uint64_t steps = 0;   // that led to the final parameters
  double loss = 0;           // L over all data at the final parameters; NaN where it is not finite
  double gradient_norm = 0;  // ‖∇L‖₂ there, likewise
  std::string message;       // why the run diverged
};

/// Overwrites the starting points [count, M] with the final parameters. Run i takes the plan's
/// steps with the seed of its random batches raised by i. A run that diverges ends after its last
/// finite step.
template <typename T>
std::vector<RunOutcome> train_many(const Graph& graph, const Samples<T>& samples,
                                   const StepPlan& plan, std::span<T> points,
                                   const Control& control);

}  // namespace eigenscape
