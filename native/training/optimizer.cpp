#include "training/optimizer.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/finite.hpp"
#include "core/instruction_sets.hpp"
#include "core/parallel_copy.hpp"

namespace eigenscape {
namespace {

/// The numbers of one sgd update, in the network's precision.
template <typename T>
struct SgdStep {
  T eta;
  T lambda;
  T mu;
  T undampened;  // 1 − τ, or 1 at the first update, when v is 0
  bool nesterov;
};

template <typename T>
struct AdamStep {
  T eta;     // η / (1 − β₁ᵗ)
  T lambda;  // added to the gradient; 0 if decoupled
  T shrink;  // 1 − ηλ if decoupled, else 1
  T beta1_rest;
  T beta2;
  T beta2_rest;
  T inverse_root;  // 1 / √(1 − β₂ᵗ)
  T epsilon;
};

// A multiplication by 1 or an addition of 0 · θ changes no finite number, so that there is one loop
// for what is set and what is not.

template <typename T>
[[gnu::always_inline]] inline void plain_loop(const SgdStep<T>& s, std::size_t n, const T* g,
                                              const T* theta, T* next) {
  for (std::size_t i = 0; i < n; ++i) next[i] = theta[i] - s.eta * (g[i] + s.lambda * theta[i]);
}

template <typename T>
[[gnu::always_inline]] inline void momentum_loop(const SgdStep<T>& s, std::size_t n, const T* g,
                                                 T* velocity, const T* theta, T* next) {
  for (std::size_t i = 0; i < n; ++i) {
    const T slope = g[i] + s.lambda * theta[i];
    const T v = s.mu * velocity[i] + s.undampened * slope;
    velocity[i] = v;
    next[i] = theta[i] - s.eta * (s.nesterov ? slope + s.mu * v : v);
  }
}

/// The arrays do not overlap: said, since with so many of them the compiler does not check and the
/// loop stays scalar.
template <typename T>
[[gnu::always_inline]] inline void adam_loop(const AdamStep<T>& given, std::size_t n,
                                             const T* __restrict__ g, T* __restrict__ first,
                                             T* __restrict__ second, T* __restrict__ largest,
                                             const T* __restrict__ theta, T* __restrict__ next) {
  const AdamStep<T> s = given;
  const auto advance = [&](std::size_t i) {
    const T slope = g[i] + s.lambda * theta[i];
    const T m = first[i] + s.beta1_rest * (slope - first[i]);
    first[i] = m;
    second[i] = s.beta2 * second[i] + s.beta2_rest * slope * slope;
    return m;
  };
  const auto move = [&](std::size_t i, T m, T w) {
    next[i] = s.shrink * theta[i] - s.eta * m / (std::sqrt(w) * s.inverse_root + s.epsilon);
  };
  if (largest == nullptr) {
    for (std::size_t i = 0; i < n; ++i) {
      const T m = advance(i);
      move(i, m, second[i]);
    }
    return;
  }
  for (std::size_t i = 0; i < n; ++i) {
    const T m = advance(i);
    largest[i] = largest[i] < second[i] ? second[i] : largest[i];
    move(i, m, largest[i]);
  }
}

// One function per type: what is compiled for several instruction sets cannot be a template.
EIGENSCAPE_INSTRUCTION_SETS
void plain(const SgdStep<double>& s, std::size_t n, const double* g, const double* theta,
           double* next) {
  plain_loop(s, n, g, theta, next);
}
EIGENSCAPE_INSTRUCTION_SETS
void plain(const SgdStep<float>& s, std::size_t n, const float* g, const float* theta,
           float* next) {
  plain_loop(s, n, g, theta, next);
}
EIGENSCAPE_INSTRUCTION_SETS
void momentum(const SgdStep<double>& s, std::size_t n, const double* g, double* velocity,
              const double* theta, double* next) {
  momentum_loop(s, n, g, velocity, theta, next);
}
EIGENSCAPE_INSTRUCTION_SETS
void momentum(const SgdStep<float>& s, std::size_t n, const float* g, float* velocity,
              const float* theta, float* next) {
  momentum_loop(s, n, g, velocity, theta, next);
}
EIGENSCAPE_INSTRUCTION_SETS
void adam(const AdamStep<double>& s, std::size_t n, const double* g, double* first, double* second,
          double* largest, const double* theta, double* next) {
  adam_loop(s, n, g, first, second, largest, theta, next);
}
EIGENSCAPE_INSTRUCTION_SETS
void adam(const AdamStep<float>& s, std::size_t n, const float* g, float* first, float* second,
          float* largest, const float* theta, float* next) {
  adam_loop(s, n, g, first, second, largest, theta, next);
}

template <typename T>
SgdStep<T> sgd_step(const UpdateRule& rule, double learning_rate, std::uint64_t updates) {
  return {static_cast<T>(learning_rate), static_cast<T>(rule.weight_decay),
          static_cast<T>(rule.momentum), static_cast<T>(updates == 0 ? 1 : 1 - rule.dampening),
          rule.nesterov};
}

template <typename T>
AdamStep<T> adam_step(const UpdateRule& rule, double learning_rate, std::uint64_t updates) {
  const auto t = static_cast<double>(updates + 1);
  return {static_cast<T>(learning_rate / (1 - std::pow(rule.beta1, t))),
          static_cast<T>(rule.decoupled ? 0 : rule.weight_decay),
          static_cast<T>(rule.decoupled ? 1 - learning_rate * rule.weight_decay : 1),
          static_cast<T>(1 - rule.beta1),
          static_cast<T>(rule.beta2),
          static_cast<T>(1 - rule.beta2),
          static_cast<T>(1 / std::sqrt(1 - std::pow(rule.beta2, t))),
          static_cast<T>(rule.epsilon)};
}

}  // namespace

std::size_t moment_count(const UpdateRule& rule) {
  if (rule.kind == OptimizerKind::adam) return rule.amsgrad ? 3 : 2;
  return rule.momentum != 0 ? 1 : 0;
}

template <typename T>
bool update(const UpdateRule& rule, double learning_rate, std::uint64_t updates,
            std::span<const T> gradient, Moments<T>& moments, std::span<const T> theta,
            std::span<T> next, const Control& control) {
  constexpr std::size_t kPiece = std::size_t{1} << 16U;
  constexpr std::size_t kAtOnce = 8192;  // still in the cache when they are looked at
  std::atomic<bool> finite = true;
  const auto in_pieces = [&](const auto& advance) {
    for_pieces(theta.size(), kPiece, control, [&](std::size_t first, std::size_t count) {
      for (std::size_t start = first; start < first + count; start += kAtOnce) {
        const std::size_t entries = std::min(kAtOnce, first + count - start);
        const auto moment = [&](std::size_t index) { return moments[index].data() + start; };
        T* const to = next.data() + start;
        advance(entries, gradient.data() + start, moment, theta.data() + start, to);
        if (first_not_finite<T>(std::span<const T>(to, entries)) < entries) finite = false;
      }
    });
  };
  if (rule.kind == OptimizerKind::adam) {
    const auto s = adam_step<T>(rule, learning_rate, updates);
    in_pieces([&](std::size_t n, const T* g, const auto& moment, const T* from, T* to) {
      adam(s, n, g, moment(0), moment(1), rule.amsgrad ? moment(2) : nullptr, from, to);
    });
    return finite;
  }
  const auto s = sgd_step<T>(rule, learning_rate, updates);
  in_pieces([&](std::size_t n, const T* g, const auto& moment, const T* from, T* to) {
    if (rule.momentum != 0) {
      momentum(s, n, g, moment(0), from, to);
    } else {
      plain(s, n, g, from, to);
    }
  });
  return finite;
}

template bool update<double>(const UpdateRule&, double, std::uint64_t, std::span<const double>,
                             Moments<double>&, std::span<const double>, std::span<double>,
                             const Control&);
template bool update<float>(const UpdateRule&, double, std::uint64_t, std::span<const float>,
                            Moments<float>&, std::span<const float>, std::span<float>,
                            const Control&);

}  // namespace eigenscape
