#include "curvature/class_pairs.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace eigenscape {
namespace {

/// Entries of means that are in memory at once, per partial sum.
constexpr std::size_t kMomentEntries = std::size_t{1} << 20;

/// One sample where its pairs are visited.
template <typename T>
struct PairPoint {
  PairPoint(const LossPoint<T>& loss, std::size_t i)
      : p(loss.probabilities().subspan(i * loss.outputs(), loss.outputs())),
        top(loss.top()[i]),
        factor(static_cast<double>(loss.scale()[i]) * static_cast<double>(loss.mass()[i])) {}

  [[nodiscard]] double weight(std::size_t c) const { return factor * p[c]; }
  /// a_c' = Σ_d p_d (ḟ_d − ḟ_c'), measured from the most probable class: no digits are lost.
  void products(std::span<const T> f_dot, std::span<double> a) const {
    const auto origin = static_cast<double>(f_dot[top]);
    double mean = 0;
    for (std::size_t d = 0; d < p.size(); ++d) {
      a[d] = static_cast<double>(f_dot[d]) - origin;
      mean += p[d] * a[d];
    }
    for (double& entry : a) entry = mean - entry;
  }

  std::span<const double> p;  // [C]
  std::size_t top;
  double factor;  // s_i Q_i / Σ s κ
};

}  // namespace

ClassPairMoments::ClassPairMoments(std::size_t classes, std::size_t directions)
    : classes_(classes),
      weights_(classes * classes),
      means_(directions * classes * classes),
      spreads_(directions * classes * classes) {}

template <typename T>
void ClassPairMoments::add_chunk(const LossPoint<T>& loss, std::span<const std::int32_t> labels,
                                 std::span<const T> f_dot) {
  const std::size_t outputs = classes_;
  const std::size_t pairs = weights_.size();
  const std::size_t n = labels.size();
  const std::size_t k = directions();
  std::vector<double> a(k * outputs);
  for (std::size_t i = 0; i < n; ++i) {
    if (labels[i] < 0) continue;
    const PairPoint<T> at(loss, i);
    for (std::size_t j = 0; j < k; ++j) {
      at.products(f_dot.subspan((j * n + i) * outputs, outputs),
                  std::span(a).subspan(j * outputs, outputs));
    }
    for (std::size_t other = 0; other < outputs; ++other) {
      const double w = at.weight(other);
      if (w == 0) continue;
      const std::size_t pair = static_cast<std::size_t>(labels[i]) * outputs + other;
      const double before = weights_[pair];
      weights_[pair] = before + w;
      const double share = w / weights_[pair];
      for (std::size_t j = 0; j < k; ++j) {
        double& mean = means_[j * pairs + pair];
        const double step = a[j * outputs + other] - mean;
        mean += share * step;
        spreads_[j * pairs + pair] += before * share * step * step;
      }
    }
  }
}

void ClassPairMoments::add(const ClassPairMoments& other) {
  const std::size_t pairs = weights_.size();
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    const double w = other.weights_[pair];
    if (w == 0) continue;
    const double before = weights_[pair];
    weights_[pair] = before + w;
    const double share = w / weights_[pair];
    for (std::size_t at = pair; at < means_.size(); at += pairs) {
      const double step = other.means_[at] - means_[at];
      // Alone, the others' numbers are kept to the bit.
      means_[at] = before == 0 ? other.means_[at] : means_[at] + share * step;
      spreads_[at] += other.spreads_[at] + before * share * step * step;
    }
  }
}

void ClassPairMoments::append(const ClassPairMoments& other) {
  weights_ = other.weights_;
  means_.insert(means_.end(), other.means_.begin(), other.means_.end());
  spreads_.insert(spreads_.end(), other.spreads_.begin(), other.spreads_.end());
}

template <typename T>
void require_class_pairs(const Graph& graph, const Samples<T>& samples) {
  if (graph.loss().kind == LossKind::softmax_cross_entropy && !samples.classes.empty()) return;
  throw Error(ErrorCode::spec,
              "class pairs are those of softmax cross-entropy on data with a class per sample");
}

std::size_t class_pair_group(std::size_t classes) {
  return std::max<std::size_t>(1, kMomentEntries / (classes * classes));
}

template <typename T>
std::vector<T> class_pair_shift(Term term, const ClassPairMoments& moments) {
  const std::size_t outputs = moments.classes();
  const std::span<const double> means = moments.means();
  std::vector<T> shift(means.begin(), means.end());
  if (term == Term::within_cross_class) return shift;
  for (std::size_t row = 0; row < means.size() / outputs; ++row) {
    const std::size_t c = row % outputs;
    double weight = 0;
    double mean = 0;
    for (std::size_t other = 0; other < outputs; ++other) {
      const double w = other == c ? 0 : moments.weights()[c * outputs + other];
      if (w == 0) continue;
      weight += w;
      mean += w / weight * (means[row * outputs + other] - mean);
    }
    for (std::size_t other = 0; other < outputs; ++other) {
      const double around = means[row * outputs + other] - mean;
      shift[row * outputs + other] = static_cast<T>(term == Term::class_means ? mean : around);
    }
  }
  return shift;
}

template <typename T>
void apply_class_pairs(Term term, const LossPoint<T>& loss, std::span<const std::int32_t> labels,
                       std::span<const T> f_dot, std::span<const T> shift, std::span<T> f_bar) {
  const std::size_t outputs = loss.outputs();
  const std::size_t n = labels.size();
  std::vector<double> u(outputs);
  for (std::size_t row = 0; row < f_dot.size() / outputs; ++row) {
    const std::size_t i = row % n;
    const std::span<T> out = f_bar.subspan(row * outputs, outputs);
    std::fill(out.begin(), out.end(), T{0});
    if (labels[i] < 0) continue;
    const auto label = static_cast<std::size_t>(labels[i]);
    const PairPoint<T> at(loss, i);
    at.products(f_dot.subspan(row * outputs, outputs), u);
    double sum = 0;
    for (std::size_t c = 0; c < outputs; ++c) {
      const std::size_t pair = ((row / n) * outputs + label) * outputs + c;
      if (term == Term::within_cross_class) u[c] -= static_cast<double>(shift[pair]);
      if (term == Term::class_means || term == Term::cross_class_means) {
        u[c] = static_cast<double>(shift[pair]);
      }
      u[c] *= (c == label) == (term == Term::same_class) ? at.weight(c) : 0;
      sum += u[c];
    }
    // Σ_c' u_c' (p − e_c'); the entries of one sample sum to 0, which gives the largest p's.
    double others = 0;
    for (std::size_t c = 0; c < outputs; ++c) {
      if (c == at.top) continue;
      const double entry = at.p[c] * sum - u[c];
      out[c] = static_cast<T>(entry);
      others += entry;
    }
    out[at.top] = static_cast<T>(-others);
  }
}

template void ClassPairMoments::add_chunk<double>(const LossPoint<double>&,
                                                  std::span<const std::int32_t>,
                                                  std::span<const double>);
template void ClassPairMoments::add_chunk<float>(const LossPoint<float>&,
                                                 std::span<const std::int32_t>,
                                                 std::span<const float>);
template void require_class_pairs<double>(const Graph&, const Samples<double>&);
template void require_class_pairs<float>(const Graph&, const Samples<float>&);
template std::vector<double> class_pair_shift<double>(Term, const ClassPairMoments&);
template std::vector<float> class_pair_shift<float>(Term, const ClassPairMoments&);
template void apply_class_pairs<double>(Term, const LossPoint<double>&,
                                        std::span<const std::int32_t>, std::span<const double>,
                                        std::span<const double>, std::span<double>);
template void apply_class_pairs<float>(Term, const LossPoint<float>&, std::span<const std::int32_t>,
                                       std::span<const float>, std::span<const float>,
                                       std::span<float>);

}  // namespace eigenscape
