// The update rules, as PyTorch has them. η is the learning rate of the step, λ the weight decay.
//
//   sgd    g ← g + λθ;  v ← μ v + (1 − τ) g  (v ← g at the first update);  θ ← θ − η v
//          with Nesterov θ ← θ − η (g + μ v); without momentum θ ← θ − η g
//   adam   g ← g + λθ, or decoupled (AdamW) θ ← (1 − ηλ) θ
//          m ← m + (1 − β₁)(g − m);  v ← β₂ v + (1 − β₂) g²;  with AMSGrad w ← max(w, v), else w =
//          v θ ← θ − η/(1 − β₁ᵗ) · m / (√w / √(1 − β₂ᵗ) + ε) at update t = 1, 2, …
//
// An update is one loop over the parameters: (2 + 2 · moments) · M entries are read or written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/array_memory.hpp"
#include "core/control.hpp"

namespace eigenscape {

enum class OptimizerKind { sgd, adam };

struct UpdateRule {
  OptimizerKind kind = OptimizerKind::sgd;
  double weight_decay = 0;  // λ
  // sgd
  double momentum = 0;   // μ
  double dampening = 0;  // τ
  bool nesterov = false;
  // adam
  double beta1 = 0;
  double beta2 = 0;
  double epsilon = 0;
  bool decoupled = false;
  bool amsgrad = false;
};

/// What a rule remembers from step to step: v of sgd; m, v and w of adam; each [M].
template <typename T>
using Moments = std::vector<Array<T>>;

/// How many arrays of moments the rule keeps.
std::size_t moment_count(const UpdateRule& rule);

/// θ after one update → next [M], which is no part of theta; whether all of it is finite. `updates`
/// were made before on these moments, which are changed in place. `control` must not be cancelled:
/// that would leave half of it.
template <typename T>
bool update(const UpdateRule& rule, double learning_rate, std::uint64_t updates,
            std::span<const T> gradient, Moments<T>& moments, std::span<const T> theta,
            std::span<T> next, const Control& control);

}  // namespace eigenscape
