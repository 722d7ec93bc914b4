#include "network/loss_root.hpp"

#include <algorithm>
#include <cmath>

#include "core/counter_random.hpp"
#include "core/error.hpp"

namespace eigenscape {
namespace {

/// Labels drawn at once where their second moments are added up.
constexpr std::size_t kDrawsAtOnce = 16;

/// One sample where its rows are computed.
template <typename T>
struct SamplePoint {
  std::span<const T> f;       // [C]
  std::span<const double> p;  // [C], for softmax
  std::size_t top;            // for softmax
  double scale;               // s_n / Σ s κ
  double mass;                // Q, for softmax
};

template <typename T>
void softmax_root(const SamplePoint<T>& at, std::size_t index, std::span<T> row) {
  const std::size_t t = at.top;
  const std::size_t c = index < t ? index : index + 1;
  const double root_top = std::sqrt(at.p[t]);
  const double alpha = root_top / (1 + root_top);
  double others = 0;  // 1 − p_t
  for (std::size_t d = 0; d < row.size(); ++d) others += d == t ? 0 : at.p[d];
  const double factor = std::sqrt(at.scale * at.mass * at.p[c]);
  for (std::size_t d = 0; d < row.size(); ++d) {
    const double entry =
        d == t ? -at.p[t] - alpha * others : (d == c ? 1.0 : 0.0) - at.p[d] * (1 - alpha);
    row[d] = static_cast<T>(factor * entry);
  }
}

template <typename T>
void softmax_draw(const SamplePoint<T>& at, const CounterRandom& random, double share,
                  std::span<T> row) {
  double left = random.uniform(0);
  std::size_t y = 0;
  while (y + 1 < row.size() && left >= at.p[y]) left -= at.p[y++];
  const double factor = std::sqrt(share * at.mass);
  double others = 0;  // 1 − p_y, with the digits that it has when p_y is all but 1
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (c == y) continue;
    row[c] = static_cast<T>(factor * at.p[c]);
    others += at.p[c];
  }
  row[y] = static_cast<T>(-factor * others);
}

/// 1 / (1 + e^−x) and what it lacks to 1.
struct Probability {
  explicit Probability(double x) {
    const double e = std::exp(-std::abs(x));
    one = (x >= 0 ? 1 : e) / (1 + e);
    zero = (x >= 0 ? e : 1) / (1 + e);
  }
  double one;
  double zero;
};

template <typename T>
void binary_draw(const SamplePoint<T>& at, const CounterRandom& random, double share,
                 std::span<T> row) {
  const double factor = std::sqrt(share / static_cast<double>(row.size()));
  for (std::size_t c = 0; c < row.size(); ++c) {
    const Probability p(static_cast<double>(at.f[c]));
    const bool label = random.uniform(c) < p.one;
    row[c] = static_cast<T>(factor * (label ? -p.zero : p.one));
  }
}

template <typename T>
void normal_draw(const CounterRandom& random, double share, std::span<T> row) {
  const double factor = std::sqrt(2 * share / static_cast<double>(row.size()));
  for (std::size_t c = 0; c < row.size(); ++c) row[c] = static_cast<T>(factor * random.normal(c));
}

template <typename T>
void exact_row(LossKind loss, const SamplePoint<T>& at, std::size_t index, std::span<T> row) {
  if (loss == LossKind::softmax_cross_entropy) return softmax_root(at, index, row);
  std::fill(row.begin(), row.end(), T{0});
  double curvature = 2;  // ∂²ℓ/∂f² is diagonal, and this over C
  if (loss == LossKind::binary_cross_entropy) {
    const Probability p(static_cast<double>(at.f[index]));
    curvature = p.one * p.zero;
  }
  row[index] = static_cast<T>(std::sqrt(at.scale * curvature / static_cast<double>(row.size())));
}

template <typename T>
void drawn_row(LossKind loss, const SamplePoint<T>& at, const CounterRandom& random,
               std::size_t draws, std::span<T> row) {
  const double share = at.scale / static_cast<double>(draws);
  if (loss == LossKind::softmax_cross_entropy) return softmax_draw(at, random, share, row);
  if (loss == LossKind::binary_cross_entropy) return binary_draw(at, random, share, row);
  normal_draw(random, share, row);
}

}  // namespace

std::size_t root_rows(const LossRoot& root, LossKind loss, std::size_t outputs) {
  if (root.kind == RootKind::empirical) return 1;
  if (loss == LossKind::custom) {
    throw Error(ErrorCode::spec,
                "a custom loss is no distribution of labels, and its second derivatives have no "
                "root that is known");
  }
  if (root.kind == RootKind::monte_carlo) return root.draws;
  return loss == LossKind::softmax_cross_entropy ? outputs - 1 : outputs;
}

template <typename T>
void compute_root_rows(const LossRoot& root, const LossPoint<T>& loss, std::span<const T> f,
                       std::size_t first_sample, std::size_t first, std::size_t count,
                       std::span<T> rows) {
  const std::size_t c = loss.outputs();
  const std::size_t n = loss.scale().size();
  const bool softmax = loss.kind() == LossKind::softmax_cross_entropy;
  const CounterRandom random(root.seed);
  for (std::size_t i = 0; i < n; ++i) {
    SamplePoint<T> at{f.subspan(i * c, c), {}, 0, static_cast<double>(loss.scale()[i]), 1};
    if (softmax) {
      at.p = loss.probabilities().subspan(i * c, c);
      at.top = loss.top()[i];
      at.mass = static_cast<double>(loss.mass()[i]);
    }
    const CounterRandom of_sample = random.stream(first_sample + i);
    for (std::size_t r = 0; r < count; ++r) {
      const std::span<T> row = rows.subspan((r * n + i) * c, c);
      switch (root.kind) {
        case RootKind::exact:
          exact_row(loss.kind(), at, first + r, row);
          break;
        case RootKind::monte_carlo:
          drawn_row(loss.kind(), at, of_sample.stream(first + r), root.draws, row);
          break;
        case RootKind::empirical: {
          const auto factor = static_cast<T>(std::sqrt(at.scale));
          for (std::size_t j = 0; j < c; ++j) row[j] = factor * loss.gradient()[i * c + j];
          break;
        }
      }
    }
  }
}

template <typename T>
void DrawnHessians<T>::draw(const LossRoot& root, const LossPoint<T>& loss, std::span<const T> f,
                            std::size_t first_sample) {
  n_ = loss.scale().size();
  outputs_ = loss.outputs();
  const std::size_t c = outputs_;
  const std::size_t draws = root_rows(root, loss.kind(), c);
  rows_ = draws > c ? 0 : draws;
  const std::size_t at_once = rows_ > 0 ? rows_ : std::min(draws, kDrawsAtOnce);
  roots_.resize(at_once * n_ * c);
  if (rows_ > 0) {
    compute_root_rows(root, loss, f, first_sample, 0, rows_, roots_.span());
    return;
  }
  matrices_.resize(n_ * c * c);
  matrices_.zero();
  for (std::size_t first = 0; first < draws; first += at_once) {
    const std::size_t count = std::min(at_once, draws - first);
    compute_root_rows(root, loss, f, first_sample, first, count, roots_.span());
    for (std::size_t row = 0; row < count * n_; ++row) {
      const T* const b = roots_.data() + row * c;
      T* const matrix = matrices_.data() + (row % n_) * c * c;
      for (std::size_t j = 0; j < c; ++j) {
        for (std::size_t l = 0; l < c; ++l) matrix[j * c + l] += b[j] * b[l];
      }
    }
  }
}

template <typename T>
void DrawnHessians<T>::apply(std::size_t k, std::span<const T> v, std::span<T> out) const {
  const std::size_t c = outputs_;
  for (std::size_t row = 0; row < k * n_; ++row) {
    const std::size_t i = row % n_;
    const T* const x = v.data() + row * c;
    T* const y = out.data() + row * c;
    std::fill_n(y, c, T{0});
    // Rows of M, or Σ_r b_r (b_rᵀ x).
    for (std::size_t r = 0; r < (rows_ > 0 ? rows_ : c); ++r) {
      const T* const b =
          rows_ > 0 ? roots_.data() + (r * n_ + i) * c : matrices_.data() + (i * c + r) * c;
      T product = 0;
      for (std::size_t j = 0; j < c; ++j) product += b[j] * x[j];
      if (rows_ == 0) {
        y[r] = product;
        continue;
      }
      for (std::size_t j = 0; j < c; ++j) y[j] += product * b[j];
    }
  }
}

template <typename T>
void DrawnHessians<T>::matrix_of(std::size_t n, std::span<T> out) const {
  const std::size_t c = outputs_;
  if (rows_ == 0) {
    std::copy_n(matrices_.data() + n * c * c, c * c, out.data());
    return;
  }
  std::fill(out.begin(), out.end(), T{0});
  for (std::size_t r = 0; r < rows_; ++r) {
    const T* const b = roots_.data() + (r * n_ + n) * c;
    for (std::size_t j = 0; j < c; ++j) {
      for (std::size_t l = 0; l < c; ++l) out[j * c + l] += b[j] * b[l];
    }
  }
}

template void compute_root_rows<double>(const LossRoot&, const LossPoint<double>&,
                                        std::span<const double>, std::size_t, std::size_t,
                                        std::size_t, std::span<double>);
template void compute_root_rows<float>(const LossRoot&, const LossPoint<float>&,
                                       std::span<const float>, std::size_t, std::size_t,
                                       std::size_t, std::span<float>);
template class DrawnHessians<double>;
template class DrawnHessians<float>;

}  // namespace eigenscape
