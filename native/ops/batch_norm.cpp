// batchNorm        y = γ_c x̂ + β_c, x̂ = (x − μ_c) r_c, r_c = 1/√(v_c + ε) for channel c, with
// stored
//                  statistics μ and v: an affine map, the same for every sample
// tangent          ẏ = γ r ẋ + γ̇ x̂ + β̇
// adjoint          x̄ = γ r ȳ;  γ̄ += Σ ȳ x̂;  β̄ += Σ ȳ
// tangent-adjoint  (x̄)˙ = γ r ȳ̇ + γ̇ r ȳ;  (γ̄)˙ += Σ ȳ̇ x̂ + ȳ r ẋ;  (β̄)˙ += Σ ȳ̇

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.hpp"
#include "ops/registry.hpp"
#include "ops/scale_and_shift.hpp"

namespace eigenscape::ops {
namespace {

/// Channels are the first axis of a sample; `inner` entries belong to each.
struct Channels {
  std::size_t count;
  std::size_t inner;
};

Channels channels_of(const Shape& shape) { return {shape[0], entry_count(shape) / shape[0]}; }

/// Refuses a channel whose spread would be divided by 0.
void require_positive(const Attributes& attributes) {
  const double epsilon = attribute(attributes, "epsilon", 1e-5);
  const std::span<const double> variances = attribute_list(attributes, "variance");
  const auto bad = std::ranges::find_if(variances, [&](double v) { return !(v + epsilon > 0); });
  if (bad == variances.end()) return;
  throw Error(
      ErrorCode::spec,
      "a batchNorm layer divides by the root of variance + epsilon, which is not above 0 in "
      "channel " +
          std::to_string(bad - variances.begin()) + "; give an epsilon above 0");
}

Shape output_shape(const Attributes& attributes, std::span<const Shape> inputs) {
  if (inputs.size() != 1 || inputs[0].empty()) {
    throw Error(ErrorCode::shape, "a batchNorm layer reads one layer of at least one axis");
  }
  for (const char* const name : {"mean", "variance"}) {
    const std::size_t given = attribute_list(attributes, name).size();
    if (given == 0 || given == inputs[0][0]) continue;
    throw Error(ErrorCode::shape, "a batchNorm layer after " + describe(inputs[0]) + " needs " +
                                      std::to_string(inputs[0][0]) + " numbers as `" + name +
                                      "`, but was given " + std::to_string(given));
  }
  require_positive(attributes);
  return inputs[0];
}

std::vector<ParameterTensor> parameters(const Attributes& attributes,
                                        std::span<const Shape> inputs) {
  return scale_and_shift(attributes, {inputs[0][0]});
}

Storage storage(const Attributes& /*attributes*/, std::span<const Shape> /*inputs*/) { return {}; }

/// The stored statistics of one channel, 0 and 1 where none are stored: x̂ = (x − mean) · r.
template <typename T>
struct Statistics {
  T mean;
  T r;
};

template <typename T>
Statistics<T> statistics_of(const Node& node, std::size_t c) {
  const double epsilon = attribute(node.attributes, "epsilon", 1e-5);
  const std::span<const double> means = attribute_list(node.attributes, "mean");
  const std::span<const double> variances = attribute_list(node.attributes, "variance");
  return {static_cast<T>(means.empty() ? 0 : means[c]),
          static_cast<T>(1 / std::sqrt((variances.empty() ? 1 : variances[c]) + epsilon))};
}

/// γ and β of a row of the layer's parameters, one of each per channel.
template <typename T>
ScaleAndShiftOf<T> affine_of(const Node& node, T* row) {
  return {node.attributes, node.output_shape[0], row};
}

/// Calls body(c, statistics, first entry, count) for every run of entries of one channel: those of
/// a sample, or of all samples if they lie innermost.
template <typename T, typename Body>
void for_each_channel(const Node& node, std::size_t n, const Body& body) {
  const auto [count, inner] = channels_of(node.output_shape);
  const bool minor = node.output_layout == Layout::sample_minor;
  for (std::size_t c = 0; c < count; ++c) {
    const Statistics<T> statistics = statistics_of<T>(node, c);
    if (minor) body(c, statistics, c * inner * n, inner * n);
    for (std::size_t s = 0; !minor && s < n; ++s) {
      body(c, statistics, s * node.output_size + c * inner, inner);
    }
  }
}

template <typename T>
void forward(const Node& node, std::size_t n, std::span<const std::span<const T>> x,
             std::span<const T> theta, Order /*order*/, std::span<T> y, std::span<T> /*saved*/,
             std::span<T> /*scratch*/) {
  const auto [gamma, beta] = affine_of(node, theta.data());
  for_each_channel<T>(node, n,
                      [&](std::size_t c, Statistics<T> at, std::size_t start, std::size_t inner) {
                        const T scale = gamma == nullptr ? T{1} : gamma[c];
                        const T shift = beta == nullptr ? T{0} : beta[c];
                        for (std::size_t i = start; i < start + inner; ++i) {
                          y[i] = scale * ((x[0][i] - at.mean) * at.r) + shift;
                        }
                      });
}

template <typename T>
void tangent(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
             Rows<const T> theta_dot, std::span<T> y_dot) {
  const std::size_t size = at.n * at.node.output_size;
  const T* const gamma = affine_of(at.node, at.theta.data()).scale;
  for (std::size_t j = 0; j < k; ++j) {
    const auto [gamma_dot, beta_dot] = affine_of<const T>(at.node, theta_dot.row(j).data());
    T* const y = y_dot.data() + j * size;
    const T* const moving = x_dot[0].empty() ? nullptr : x_dot[0].data() + j * size;
    for_each_channel<T>(at.node, at.n,
                        [&](std::size_t c, Statistics<T> of, std::size_t start, std::size_t inner) {
                          const T scale = gamma == nullptr ? T{1} : gamma[c];
                          const T scale_dot = gamma_dot == nullptr ? T{0} : gamma_dot[c];
                          const T shift_dot = beta_dot == nullptr ? T{0} : beta_dot[c];
                          for (std::size_t i = start; i < start + inner; ++i) {
                            y[i] = scale_dot * ((at.x[0][i] - of.mean) * of.r) + shift_dot;
                            if (moving != nullptr) y[i] += scale * of.r * moving[i];
                          }
                        });
  }
}

template <typename T>
void adjoint(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
             std::span<const std::span<T>> x_bar, Rows<T> theta_bar) {
  const std::size_t size = at.n * at.node.output_size;
  const T* const gamma = affine_of(at.node, at.theta.data()).scale;
  for (std::size_t j = 0; j < k; ++j) {
    const T* const y = y_bar.data() + j * size;
    T* const x = x_bar[0].empty() ? nullptr : x_bar[0].data() + j * size;
    T* const row = theta_bar.data == nullptr ? nullptr : theta_bar.row(j).data();
    const auto [gamma_bar, beta_bar] = affine_of(at.node, row);
    for_each_channel<T>(at.node, at.n,
                        [&](std::size_t c, Statistics<T> of, std::size_t start, std::size_t inner) {
                          const T scale = gamma == nullptr ? T{1} : gamma[c];
                          for (std::size_t i = start; i < start + inner; ++i) {
                            if (x != nullptr) x[i] = scale * of.r * y[i];
                            if (gamma_bar != nullptr) {
                              gamma_bar[c] += y[i] * ((at.x[0][i] - of.mean) * of.r);
                            }
                            if (beta_bar != nullptr) beta_bar[c] += y[i];
                          }
                        });
  }
}

template <typename T>
void tangent_adjoint(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
                     Rows<const T> theta_dot, std::span<const T> y_bar,
                     std::span<const T> y_bar_dot, std::span<const std::span<T>> x_bar_dot,
                     Rows<T> theta_bar_dot) {
  adjoint(at, k, y_bar_dot, x_bar_dot, theta_bar_dot);
  const std::size_t size = at.n * at.node.output_size;
  if (!has_scale(at.node.attributes)) return;
  for (std::size_t j = 0; j < k; ++j) {
    const T* const gamma_dot = theta_dot.row(j).data();
    T* const gamma_bar_dot = theta_bar_dot.row(j).data();
    T* const x = x_bar_dot[0].empty() ? nullptr : x_bar_dot[0].data() + j * size;
    const T* const moving = x_dot[0].empty() ? nullptr : x_dot[0].data() + j * size;
    for_each_channel<T>(at.node, at.n,
                        [&](std::size_t c, Statistics<T> of, std::size_t start, std::size_t inner) {
                          for (std::size_t i = start; i < start + inner; ++i) {
                            if (x != nullptr) x[i] += gamma_dot[c] * of.r * y_bar[i];
                            if (moving != nullptr) gamma_bar_dot[c] += y_bar[i] * of.r * moving[i];
                          }
                        });
  }
}

template <typename T>
constexpr Passes<T> kPasses = {forward<T>, tangent<T>, adjoint<T>, tangent_adjoint<T>};

}  // namespace

extern const Operation batch_norm = {"batchNorm",    Structure::scale_and_shift,
                                     output_shape,   parameters,
                                     storage,        kPasses<double>,
                                     kPasses<float>, Reach::channel};

}  // namespace eigenscape::ops
