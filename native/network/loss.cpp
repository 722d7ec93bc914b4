#include "network/loss.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "network/finite_outputs.hpp"

namespace eigenscape {
namespace {

/// log(1 + eˣ) without overflow or cancellation.
double log1p_exp(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

/// 1 / (1 + e^−x), accurate for both signs.
double logistic(double x) {
  const double e = std::exp(-std::abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

double class_weight(const LossSpec& loss, std::size_t c) {
  return loss.class_weights.empty() ? 1.0 : loss.class_weights[c];
}

}  // namespace

template <typename T>
double loss_denominator(const LossSpec& loss, const Samples<T>& samples, Chunk range) {
  double sum = 0;
  for (std::size_t n = range.first; n < range.first + range.count; ++n) {
    if (samples.classes.empty()) {
      sum += samples.weight(n);
    } else if (samples.classes[n] >= 0) {
      sum += samples.weight(n) * class_weight(loss, static_cast<std::size_t>(samples.classes[n]));
    }
  }
  if (!(sum > 0)) {
    throw Error(
        ErrorCode::data,
        "every sample is ignored or has weight 0, its own or its class's, so the loss has no "
        "denominator");
  }
  return sum;
}

template <typename T>
void LossPoint<T>::evaluate(const LossSpec& loss, const Samples<T>& samples, Chunk chunk,
                            std::size_t outputs, double denominator, std::span<const T> f,
                            const LossTable<T>* table) {
  kind_ = loss.kind;
  n_ = chunk.count;
  outputs_ = outputs;
  value_ = kept_ = correct_ = 0;
  gradient_.resize(n_ * outputs);
  curvature_.resize(n_ * outputs);
  scale_.resize(n_);
  for (std::size_t i = 0; i < n_; ++i) {
    scale_[i] = static_cast<T>(samples.weight(chunk.first + i) / denominator);
  }
  require_finite_outputs(f.first(n_ * outputs), outputs,
                         [&](std::size_t row) { return chunk.first + row; });
  switch (loss.kind) {
    case LossKind::softmax_cross_entropy:
      return softmax_entropy(loss, samples, chunk, f);
    case LossKind::mean_squared_error:
      return squared_error(samples, chunk, f);
    case LossKind::binary_cross_entropy:
      return binary(samples, chunk, f);
    case LossKind::custom:
      return tabulated(samples, chunk, table);
  }
}

template <typename T>
void LossPoint<T>::softmax_entropy(const LossSpec& loss, const Samples<T>& samples, Chunk chunk,
                                   std::span<const T> f) {
  const std::size_t outputs = outputs_;
  mass_.resize(n_);
  target_weights_.resize(outputs);
  softmax_.evaluate<T>(f.first(n_ * outputs), outputs);
  std::ranges::transform(softmax_.probabilities(), curvature_.data(),
                         [](double p) { return static_cast<T>(p); });
  const double epsilon = loss.label_smoothing;
  const bool plain = !samples.classes.empty() && loss.class_weights.empty() && epsilon == 0;
  for (std::size_t i = 0; i < n_; ++i) {
    const std::size_t n = chunk.first + i;
    const bool ignored = !samples.classes.empty() && samples.classes[n] < 0;
    if (plain && !ignored) {
      const auto label = static_cast<std::size_t>(samples.classes[n]);
      value_ += samples.weight(n) * class_sample(label, f.subspan(i * outputs, outputs), i);
      kept_ += samples.weight(n);
      if (top()[i] == label) correct_ += samples.weight(n);
      continue;
    }
    std::size_t target = 0;
    for (std::size_t c = 0; c < outputs; ++c) {
      const double t = samples.classes.empty()
                           ? static_cast<double>(samples.rows[n * outputs + c])
                           : static_cast<double>(samples.classes[n] == static_cast<int>(c));
      const double smooth = (1 - epsilon) * t + epsilon / static_cast<double>(outputs);
      target_weights_[c] = ignored ? 0 : class_weight(loss, c) * smooth;
      if (samples.classes.empty() &&
          samples.rows[n * outputs + c] > samples.rows[n * outputs + target]) {
        target = c;
      }
    }
    if (!samples.classes.empty() && !ignored) target = static_cast<std::size_t>(samples.classes[n]);
    const double weight = samples.weight(n);
    value_ += weight * softmax_sample(target_weights_, f.subspan(i * outputs, outputs), i);
    if (ignored) continue;
    kept_ += weight;
    if (top()[i] == target) correct_ += weight;
  }
}

/// softmax_sample for q = 1 at one class and 0 elsewhere, to the bit.
template <typename T>
double LossPoint<T>::class_sample(std::size_t label, std::span<const T> f, std::size_t i) {
  const std::size_t top = softmax_.top()[i];
  const std::span<const double> p = probabilities().subspan(i * outputs_, outputs_);
  T* const gradient = gradient_.data() + i * outputs_;
  double others = 0;
  for (std::size_t c = 0; c < outputs_; ++c) {
    if (c == top) continue;
    const double g = c == label ? p[c] - 1 : p[c];
    gradient[c] = static_cast<T>(g);
    others += g;
  }
  gradient[top] = static_cast<T>(-others);
  mass_[i] = T{1};
  return softmax_.log_sums()[i] - (static_cast<double>(f[label]) - static_cast<double>(f[top]));
}

/// Fills Q and ∇ℓ of sample i, and returns ℓ. The entry of the most probable class is taken from
/// the others (Σ_c ∇ℓ_c = 0), so that it keeps its digits when p is all but 1.
template <typename T>
double LossPoint<T>::softmax_sample(std::span<const double> q, std::span<const T> f,
                                    std::size_t i) {
  const std::size_t outputs = outputs_;
  const std::size_t top = softmax_.top()[i];
  const std::span<const double> p = probabilities().subspan(i * outputs, outputs);
  const double log_sum = softmax_.log_sums()[i];
  const auto maximum = static_cast<double>(f[top]);
  double mass = 0;
  double value = 0;
  for (std::size_t c = 0; c < outputs; ++c) {
    mass += q[c];
    if (q[c] != 0) value += q[c] * (log_sum - (static_cast<double>(f[c]) - maximum));
  }
  double others = 0;
  for (std::size_t c = 0; c < outputs; ++c) {
    if (c == top) continue;
    const double g = mass * p[c] - q[c];
    gradient_[i * outputs + c] = static_cast<T>(g);
    others += g;
  }
  gradient_[i * outputs + top] = static_cast<T>(-others);
  mass_[i] = static_cast<T>(mass);
  return value;
}

template <typename T>
void LossPoint<T>::squared_error(const Samples<T>& samples, Chunk chunk, std::span<const T> f) {
  const auto outputs = static_cast<double>(outputs_);
  for (std::size_t i = 0; i < n_; ++i) {
    const std::size_t n = chunk.first + i;
    double value = 0;
    for (std::size_t c = 0; c < outputs_; ++c) {
      const double e = static_cast<double>(f[i * outputs_ + c]) -
                       static_cast<double>(samples.rows[n * outputs_ + c]);
      value += e * e;
      gradient_[i * outputs_ + c] = static_cast<T>(2 * e / outputs);
      curvature_[i * outputs_ + c] = static_cast<T>(2 / outputs);
    }
    value_ += samples.weight(n) * value / outputs;
    kept_ += samples.weight(n);
  }
}

template <typename T>
void LossPoint<T>::binary(const Samples<T>& samples, Chunk chunk, std::span<const T> f) {
  const auto outputs = static_cast<double>(outputs_);
  for (std::size_t i = 0; i < n_; ++i) {
    const std::size_t n = chunk.first + i;
    double value = 0;
    bool right = true;
    for (std::size_t c = 0; c < outputs_; ++c) {
      const auto z = static_cast<double>(f[i * outputs_ + c]);
      const auto t = static_cast<double>(samples.rows[n * outputs_ + c]);
      // log(1 + e^z) − t z = (1 − t) log(1 + e^z) + t log(1 + e^−z): no difference of large terms.
      value += (1 - t) * log1p_exp(z) + t * log1p_exp(-z);
      gradient_[i * outputs_ + c] =
          static_cast<T>(((1 - t) * logistic(z) - t * logistic(-z)) / outputs);
      curvature_[i * outputs_ + c] = static_cast<T>(logistic(z) * logistic(-z) / outputs);
      right = right && (z > 0) == (t > 0.5);
    }
    value_ += samples.weight(n) * value / outputs;
    kept_ += samples.weight(n);
    if (right) correct_ += samples.weight(n);
  }
}

template <typename T>
void LossPoint<T>::tabulated(const Samples<T>& samples, Chunk chunk, const LossTable<T>* table) {
  if (table == nullptr) {
    throw Error(
        ErrorCode::spec,
        "the network's loss is custom: functions in TypeScript, which this call cannot run");
  }
  const std::size_t square = outputs_ * outputs_;
  std::copy_n(table->gradients.data() + chunk.first * outputs_, n_ * outputs_, gradient_.data());
  table_ = {};
  if (table->hessians.size() > 0) {
    table_ = table->hessians.span().subspan(chunk.first * square, n_ * square);
  }
  for (std::size_t i = 0; i < n_; ++i) kept_ += samples.weight(chunk.first + i);
}

template <typename T>
void LossPoint<T>::scaled_gradient(std::span<T> out) const {
  for (std::size_t i = 0; i < n_; ++i) {
    for (std::size_t c = 0; c < outputs_; ++c) {
      out[i * outputs_ + c] = scale_[i] * gradient_[i * outputs_ + c];
    }
  }
}

template <typename T>
void LossPoint<T>::apply_hessian(std::size_t k, std::span<const T> v, std::span<T> out) const {
  const std::size_t outputs = outputs_;
  for (std::size_t row = 0; row < k * n_; ++row) {
    const std::size_t i = row % n_;
    const T* const x = v.data() + row * outputs;
    const T* const c = curvature_.data() + i * outputs;
    T* const y = out.data() + row * outputs;
    if (kind_ == LossKind::custom) {
      const T* const hessian = table_.data() + i * outputs * outputs;
      for (std::size_t j = 0; j < outputs; ++j) {
        T sum = 0;
        for (std::size_t l = 0; l < outputs; ++l) sum += hessian[j * outputs + l] * x[l];
        y[j] = scale_[i] * sum;
      }
      continue;
    }
    if (kind_ != LossKind::softmax_cross_entropy) {
      for (std::size_t j = 0; j < outputs; ++j) y[j] = scale_[i] * c[j] * x[j];
      continue;
    }
    // Q p_j (x_j − Σ p x), with x measured from the most probable class: no digits are lost.
    const T origin = x[top()[i]];
    T mean = 0;
    for (std::size_t j = 0; j < outputs; ++j) mean += c[j] * (x[j] - origin);
    const T factor = scale_[i] * mass_[i];
    for (std::size_t j = 0; j < outputs; ++j) y[j] = factor * c[j] * ((x[j] - origin) - mean);
  }
}

template <typename T>
void LossPoint<T>::apply_fisher(std::size_t k, std::span<const T> v, std::span<const T> shift,
                                std::span<T> out) const {
  for (std::size_t row = 0; row < k * n_; ++row) {
    const std::size_t i = row % n_;
    const T* const x = v.data() + row * outputs_;
    const T* const g = gradient_.data() + i * outputs_;
    T product = shift.empty() ? T{0} : -shift[row / n_];
    for (std::size_t j = 0; j < outputs_; ++j) product += g[j] * x[j];
    for (std::size_t j = 0; j < outputs_; ++j) {
      out[row * outputs_ + j] = scale_[i] * product * g[j];
    }
  }
}

template <typename T>
void LossPoint<T>::hessian_of(std::size_t n, std::span<T> out) const {
  const std::size_t outputs = outputs_;
  const T* const c = curvature_.data() + n * outputs;
  if (kind_ == LossKind::custom) {
    const T* const hessian = table_.data() + n * outputs * outputs;
    for (std::size_t j = 0; j < outputs * outputs; ++j) out[j] = scale_[n] * hessian[j];
    return;
  }
  if (kind_ != LossKind::softmax_cross_entropy) {
    std::fill_n(out.data(), outputs * outputs, T{0});
    for (std::size_t j = 0; j < outputs; ++j) out[j * outputs + j] = scale_[n] * c[j];
    return;
  }
  const T factor = scale_[n] * mass_[n];
  for (std::size_t j = 0; j < outputs; ++j) {
    T rest = 0;  // 1 − p_j
    for (std::size_t l = 0; l < outputs; ++l) {
      if (l == j) continue;
      rest += c[l];
      out[j * outputs + l] = -(factor * (c[j] * c[l]));
    }
    out[j * outputs + j] = factor * (c[j] * rest);
  }
}

template <typename T>
void LossPoint<T>::fisher_of(std::size_t n, std::span<T> out) const {
  const T* const g = gradient_.data() + n * outputs_;
  for (std::size_t j = 0; j < outputs_; ++j) {
    for (std::size_t l = 0; l < outputs_; ++l) {
      out[j * outputs_ + l] = scale_[n] * (g[j] * g[l]);
    }
  }
}

template double loss_denominator<double>(const LossSpec&, const Samples<double>&, Chunk);
template double loss_denominator<float>(const LossSpec&, const Samples<float>&, Chunk);
template class LossPoint<double>;
template class LossPoint<float>;

}  // namespace eigenscape
