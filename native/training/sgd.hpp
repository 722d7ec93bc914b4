// Stochastic gradient descent, a stretch of steps at a time.
//
//   g = ∇L_batch(θ) + λθ;   v ← μ v + g;   θ ← θ − η v      (Nesterov: θ ← θ − η (g + μ v))
//
// as PyTorch has it (dampening 0). Batches are neighbours in the order of the data: step t takes
// batch t mod ⌈N / size⌉, the last of which may be smaller.
#pragma once

#include <cstdint>
#include <span>

#include "core/control.hpp"
#include "network/network.hpp"

namespace eigenscape {

struct SgdPlan {
  std::size_t batch = 0;         // samples per batch
  std::uint64_t first_step = 0;  // steps taken before
  std::uint64_t steps = 0;       // to take now
  double learning_rate = 0;      // η
  double momentum = 0;           // μ
  double weight_decay = 0;       // λ
  bool nesterov = false;
  double stop_at_gradient_norm = -1;  // stop before the step where ‖∇L_batch‖₂ is not above this
};

struct SgdOutcome {
  std::uint64_t steps = 0;   // taken
  bool stopped = false;      // by the gradient norm
  double loss = 0;           // of the last batch seen, before its step
  double gradient_norm = 0;  // ‖∇L_batch‖₂ there
};

/// Trains `network` in place; other threads see it at whole steps. `velocity` is v [M], or empty
/// when the momentum is 0. A cancelled run leaves the network after its last whole step.
template <typename T>
SgdOutcome run_sgd(Network<T>& network, const Samples<T>& samples, const SgdPlan& plan,
                   std::span<T> velocity, const Control& control);

}  // namespace eigenscape
