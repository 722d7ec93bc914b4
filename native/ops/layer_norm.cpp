// layerNorm        y = γ x̂ + β, x̂ = (x − ⟨x⟩) r, r = 1/√(⟨(x − ⟨x⟩)²⟩ + ε), ⟨·⟩ the mean over a
//                  sample
// tangent          x̂˙ = r (ẋ − ⟨ẋ⟩ − x̂ ⟨x̂ ẋ⟩);  ẏ = γ x̂˙ + γ̇ x̂ + β̇
// adjoint          g = γ ȳ;  x̄ = r (g − ⟨g⟩ − x̂ ⟨g x̂⟩);  γ̄ += Σ_n ȳ x̂;  β̄ += Σ_n ȳ
// tangent-adjoint  ġ = γ ȳ̇ + γ̇ ȳ;  ṙ = −r² ⟨x̂ ẋ⟩;
//                  (x̄)˙ = ṙ (g − ⟨g⟩ − x̂ ⟨g x̂⟩) + r (ġ − ⟨ġ⟩ − x̂˙ ⟨g x̂⟩ − x̂ ⟨ġ x̂ + g x̂˙⟩);
//                  (γ̄)˙ += Σ_n ȳ̇ x̂ + ȳ x̂˙;  (β̄)˙ += Σ_n ȳ̇
//
// `saved` is x̂ [n, size], then r [n]; scratch is x̂˙, g and ġ of one sample, then n rows for each
// array of images that a pass reads or writes: means want the entries of a sample side by side.

#include <cmath>

#include "core/error.hpp"
#include "linalg/transpose.hpp"
#include "ops/registry.hpp"
#include "ops/scale_and_shift.hpp"

namespace eigenscape::ops {
namespace {

Shape output_shape(const Attributes& /*attributes*/, std::span<const Shape> inputs) {
  if (inputs.size() != 1) {
    throw Error(ErrorCode::shape, "a layerNorm layer reads one layer, but was given " +
                                      std::to_string(inputs.size()));
  }
  return inputs[0];
}

std::vector<ParameterTensor> parameters(const Attributes& attributes,
                                        std::span<const Shape> inputs) {
  return scale_and_shift(attributes, inputs[0]);
}

Storage storage(const Attributes& /*attributes*/, std::span<const Shape> inputs) {
  const std::size_t size = entry_count(inputs[0]);
  return {size + 1, 3 * size, inputs[0].size() == 3 ? 4 * size : 0};
}

template <typename T>
T mean(std::size_t size, const T* a) {
  T sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += a[i];
  return sum / static_cast<T>(size);
}

template <typename T>
T mean_product(std::size_t size, const T* a, const T* b) {
  T sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += a[i] * b[i];
  return sum / static_cast<T>(size);
}

/// γ and β of a row of the layer's parameters, one of each per entry.
template <typename T>
ScaleAndShiftOf<T> affine_of(const Node& node, T* row) {
  return {node.attributes, node.output_size, row};
}

/// out = r (v − ⟨v⟩ − x̂ ⟨x̂ v⟩): the tangent of x̂ and, being symmetric, its adjoint.
template <typename T>
void project(std::size_t size, const T* x_hat, T r, const T* v, T* out) {
  const T v_mean = mean(size, v);
  const T along = mean_product(size, x_hat, v);
  for (std::size_t i = 0; i < size; ++i) out[i] = r * ((v[i] - v_mean) - x_hat[i] * along);
}

/// γ v at entry i, of γ = 1 where it is left out.
template <typename T>
T scaled(const T* gamma, const T* v, std::size_t i) {
  return gamma == nullptr ? v[i] : gamma[i] * v[i];
}

/// Images as rows [n, size] and back, in slots of scratch; other values as they are.
template <typename T>
class SampleRows {
 public:
  SampleRows(const Node& node, std::size_t n, std::span<T> scratch)
      : images_(node.input_layout == Layout::sample_minor),
        n_(n),
        size_(node.output_size),
        scratch_(scratch.data() + 3 * size_) {}

  const T* read(const T* values, std::size_t slot) const {
    if (!images_) return values;
    transpose(size_, n_, values, n_, scratch_ + slot * n_ * size_, size_);
    return scratch_ + slot * n_ * size_;
  }
  /// Where to write rows that finish() brings to `values`.
  T* rows_for(T* values, std::size_t slot) const {
    return images_ ? scratch_ + slot * n_ * size_ : values;
  }
  void finish(const T* rows, T* values) const {
    if (images_) transpose(n_, size_, rows, size_, values, n_);
  }

 private:
  bool images_;
  std::size_t n_;
  std::size_t size_;
  T* scratch_;
};

template <typename T>
void forward(const Node& node, std::size_t n, std::span<const std::span<const T>> x,
             std::span<const T> theta, Order /*order*/, std::span<T> y, std::span<T> saved,
             std::span<T> scratch) {
  const std::size_t size = node.output_size;
  const auto epsilon = static_cast<T>(attribute(node.attributes, "epsilon", 1e-5));
  const auto [gamma, beta] = affine_of(node, theta.data());
  const SampleRows<T> samples(node, n, scratch);
  const T* const x_rows = samples.read(x[0].data(), 0);
  T* const y_rows = samples.rows_for(y.data(), 1);
  for (std::size_t s = 0; s < n; ++s) {
    const T* const in = x_rows + s * size;
    T* const x_hat = saved.data() + s * size;
    const T center = mean(size, in);
    for (std::size_t i = 0; i < size; ++i) x_hat[i] = in[i] - center;
    const T spread = mean_product(size, x_hat, x_hat) + epsilon;
    if (spread == 0) {
      throw Error(ErrorCode::numeric,
                  "a layerNorm layer of epsilon 0 reads a sample whose entries are all equal, and "
                  "would divide by 0; give it an epsilon above 0");
    }
    const T r = 1 / std::sqrt(spread);
    saved[n * size + s] = r;
    for (std::size_t i = 0; i < size; ++i) {
      x_hat[i] *= r;
      y_rows[s * size + i] =
          (gamma == nullptr ? x_hat[i] : gamma[i] * x_hat[i]) + (beta == nullptr ? T{0} : beta[i]);
    }
  }
  samples.finish(y_rows, y.data());
}

template <typename T>
void tangent(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
             Rows<const T> theta_dot, std::span<T> y_dot) {
  const std::size_t size = at.node.output_size;
  const std::size_t entries = at.n * size;
  const T* const gamma = affine_of(at.node, at.theta.data()).scale;
  T* const x_hat_dot = at.scratch.data();
  const SampleRows<T> samples(at.node, at.n, at.scratch);
  for (std::size_t j = 0; j < k; ++j) {
    const auto [gamma_dot, beta_dot] = affine_of<const T>(at.node, theta_dot.row(j).data());
    const T* const moving =
        x_dot[0].empty() ? nullptr : samples.read(x_dot[0].data() + j * entries, 0);
    T* const rows = samples.rows_for(y_dot.data() + j * entries, 1);
    for (std::size_t s = 0; s < at.n; ++s) {
      const T* const x_hat = at.saved.data() + s * size;
      T* const y = rows + s * size;
      for (std::size_t i = 0; i < size; ++i) {
        y[i] = (gamma_dot == nullptr ? T{0} : gamma_dot[i] * x_hat[i]) +
               (beta_dot == nullptr ? T{0} : beta_dot[i]);
      }
      if (moving == nullptr) continue;
      project(size, x_hat, at.saved[entries + s], moving + s * size, x_hat_dot);
      for (std::size_t i = 0; i < size; ++i) y[i] += scaled(gamma, x_hat_dot, i);
    }
    samples.finish(rows, y_dot.data() + j * entries);
  }
}

template <typename T>
void adjoint(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
             std::span<const std::span<T>> x_bar, Rows<T> theta_bar) {
  const std::size_t size = at.node.output_size;
  const std::size_t entries = at.n * size;
  const T* const gamma = affine_of(at.node, at.theta.data()).scale;
  T* const g = at.scratch.data();
  const SampleRows<T> samples(at.node, at.n, at.scratch);
  const bool wants_x = !x_bar[0].empty();
  for (std::size_t j = 0; j < k; ++j) {
    const T* const y_rows = samples.read(y_bar.data() + j * entries, 0);
    T* const row = theta_bar.data == nullptr ? nullptr : theta_bar.row(j).data();
    const auto [gamma_bar, beta_bar] = affine_of(at.node, row);
    T* const rows = wants_x ? samples.rows_for(x_bar[0].data() + j * entries, 1) : nullptr;
    for (std::size_t s = 0; s < at.n; ++s) {
      const T* const x_hat = at.saved.data() + s * size;
      const T* const y = y_rows + s * size;
      for (std::size_t i = 0; gamma_bar != nullptr && i < size; ++i) {
        gamma_bar[i] += y[i] * x_hat[i];
      }
      for (std::size_t i = 0; beta_bar != nullptr && i < size; ++i) beta_bar[i] += y[i];
      if (!wants_x) continue;
      for (std::size_t i = 0; i < size; ++i) g[i] = scaled(gamma, y, i);
      project(size, x_hat, at.saved[entries + s], g, rows + s * size);
    }
    if (wants_x) samples.finish(rows, x_bar[0].data() + j * entries);
  }
}

/// (x̄)˙ of one sample and direction from x̂, r, x̂˙, ⟨x̂ ẋ⟩, g and ġ.
template <typename T>
void input_part(std::size_t size, const T* x_hat, T r, const T* x_hat_dot, T x_along, const T* g,
                const T* g_dot, T* x_bar_dot) {
  const T r_dot = -r * r * x_along;
  const T g_mean = mean(size, g);
  const T g_along = mean_product(size, g, x_hat);
  const T g_dot_mean = mean(size, g_dot);
  const T along_dot = mean_product(size, g_dot, x_hat) + mean_product(size, g, x_hat_dot);
  for (std::size_t i = 0; i < size; ++i) {
    x_bar_dot[i] = r_dot * ((g[i] - g_mean) - x_hat[i] * g_along) +
                   r * ((g_dot[i] - g_dot_mean) - x_hat_dot[i] * g_along - x_hat[i] * along_dot);
  }
}

template <typename T>
void tangent_adjoint(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
                     Rows<const T> theta_dot, std::span<const T> y_bar,
                     std::span<const T> y_bar_dot, std::span<const std::span<T>> x_bar_dot,
                     Rows<T> theta_bar_dot) {
  const std::size_t size = at.node.output_size;
  const std::size_t entries = at.n * size;
  const T* const gamma = affine_of(at.node, at.theta.data()).scale;
  T* const x_hat_dot = at.scratch.data();
  T* const g = x_hat_dot + size;
  T* const g_dot = g + size;
  const SampleRows<T> samples(at.node, at.n, at.scratch);
  const bool wants_x = !x_bar_dot[0].empty();
  const T* const y_rows = samples.read(y_bar.data(), 0);
  for (std::size_t j = 0; j < k; ++j) {
    const T* const gamma_dot = affine_of<const T>(at.node, theta_dot.row(j).data()).scale;
    const auto [gamma_bar_dot, beta_bar_dot] = affine_of(at.node, theta_bar_dot.row(j).data());
    const T* const y_dot_rows = samples.read(y_bar_dot.data() + j * entries, 1);
    const T* const moving =
        x_dot[0].empty() ? nullptr : samples.read(x_dot[0].data() + j * entries, 2);
    T* const rows = wants_x ? samples.rows_for(x_bar_dot[0].data() + j * entries, 3) : nullptr;
    for (std::size_t s = 0; s < at.n; ++s) {
      const T* const x_hat = at.saved.data() + s * size;
      const T r = at.saved[entries + s];
      const T* const y = y_rows + s * size;
      const T* const y_dot = y_dot_rows + s * size;
      T x_along = 0;
      if (moving == nullptr) {
        for (std::size_t i = 0; i < size; ++i) x_hat_dot[i] = 0;
      } else {
        x_along = mean_product(size, x_hat, moving + s * size);
        project(size, x_hat, r, moving + s * size, x_hat_dot);
      }
      for (std::size_t i = 0; i < size; ++i) {
        if (gamma_bar_dot != nullptr) {
          gamma_bar_dot[i] += y_dot[i] * x_hat[i] + y[i] * x_hat_dot[i];
        }
        if (beta_bar_dot != nullptr) beta_bar_dot[i] += y_dot[i];
        g[i] = scaled(gamma, y, i);
        g_dot[i] = scaled(gamma, y_dot, i) + (gamma_dot == nullptr ? T{0} : gamma_dot[i] * y[i]);
      }
      if (wants_x) input_part(size, x_hat, r, x_hat_dot, x_along, g, g_dot, rows + s * size);
    }
    if (wants_x) samples.finish(rows, x_bar_dot[0].data() + j * entries);
  }
}

template <typename T>
constexpr Passes<T> kPasses = {forward<T>, tangent<T>, adjoint<T>, tangent_adjoint<T>};

}  // namespace

extern const Operation layer_norm = {
    "layerNorm",   Structure::scale_and_shift, output_shape, parameters, storage, kPasses<double>,
    kPasses<float>};

}  // namespace eigenscape::ops
