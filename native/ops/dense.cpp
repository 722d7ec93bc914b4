// dense            y = W x + b, W [h, d] row-major, b [h]; for n samples Y = X Wᵀ + 1 bᵀ
// tangent          Ẏ = Ẋ Wᵀ + X Ẇᵀ + 1 ḃᵀ
// adjoint          X̄ = Ȳ W;  W̄ += Ȳᵀ X;  b̄ += Ȳᵀ 1
// tangent-adjoint  (X̄)˙ = Ȳ̇ W + Ȳ Ẇ;  (W̄)˙ += Ȳ̇ᵀ X + Ȳᵀ Ẋ;  (b̄)˙ += Ȳ̇ᵀ 1

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "core/error.hpp"
#include "linalg/blas.hpp"
#include "linalg/panel_product.hpp"
#include "linalg/transpose.hpp"
#include "ops/registry.hpp"

namespace eigenscape::ops {
namespace {

using blas::Form;
using blas::gemm;

struct Sizes {
  std::size_t d;  // inputs
  std::size_t h;  // units
  bool bias;
};

Sizes sizes_of(const Node& node) {
  const std::size_t d = node.input_shapes[0][0];
  const std::size_t h = node.output_size;
  return {d, h, node.parameter_count > d * h};
}

Shape output_shape(const Attributes& attributes, std::span<const Shape> inputs) {
  if (inputs.size() != 1 || inputs[0].size() != 1) {
    std::string given;
    for (const Shape& shape : inputs) given += (given.empty() ? "" : " and ") + describe(shape);
    throw Error(ErrorCode::shape, "a dense layer reads one vector per sample, but was given " +
                                      given + "; put a flatten layer before it");
  }
  const double units = attribute(attributes, "units", 0);
  if (!(units >= 1) || units != std::floor(units)) {
    throw Error(ErrorCode::spec, "a dense layer needs units, a whole number of at least 1");
  }
  return {static_cast<std::size_t>(units)};
}

std::vector<ParameterTensor> parameters(const Attributes& attributes,
                                        std::span<const Shape> inputs) {
  const std::size_t h = output_shape(attributes, inputs)[0];
  std::vector<ParameterTensor> tensors{{"weight", {h, inputs[0][0]}}};
  if (attribute(attributes, "bias", 1) != 0) tensors.push_back({"bias", {h}});
  return tensors;
}

/// Two panels of d, h or n rows, one of them with a row of b or some columns of Y [h, kPanel];
/// those of float32 are the wider ones.
Storage storage(const Attributes& attributes, std::span<const Shape> inputs) {
  const std::size_t h = output_shape(attributes, inputs)[0];
  return {0, kPanel<float> * (2 * std::max(inputs[0][0], h) + h), 2 * kPanel<float>};
}

/// Y = 1 bᵀ for n rows: copies of what is there, twice as many each time.
template <typename T>
void fill_rows(std::size_t n, std::size_t h, const T* bias, T* y) {
  if (n > 0) std::copy_n(bias, h, y);
  for (std::size_t rows = 1; rows < n; rows *= 2) {
    std::copy_n(y, std::min(rows, n - rows) * h, y + rows * h);
  }
}

/// b̄ += Ȳᵀ 1. Rows of few columns are added up side by side, as many as fill `sums`: each sum waits
/// for itself alone.
template <typename T>
void add_column_sums(std::size_t n, std::size_t h, const T* y, T* bias) {
  std::array<T, 64> sums{};
  const std::size_t together = sums.size() / h;
  std::size_t i = 0;
  if (together > 1) {
    for (; i + together <= n; i += together) {
      for (std::size_t k = 0; k < together * h; ++k) sums[k] += y[i * h + k];
    }
    for (std::size_t r = 0; r < together; ++r) {
      for (std::size_t j = 0; j < h; ++j) bias[j] += sums[r * h + j];
    }
  }
  for (; i < n; ++i) {
    for (std::size_t j = 0; j < h; ++j) bias[j] += y[i * h + j];
  }
}

template <typename T>
void forward(const Node& node, std::size_t n, std::span<const std::span<const T>> x,
             std::span<const T> theta, Order /*order*/, std::span<T> y, std::span<T> /*saved*/,
             std::span<T> /*scratch*/) {
  const auto [d, h, bias] = sizes_of(node);
  const T* const w = theta.data();
  if (bias) fill_rows(n, h, w + h * d, y.data());
  gemm<T>(Form::plain, Form::transposed, n, h, d, 1, x[0].data(), d, w, d, bias ? 1 : 0, y.data(),
          h);
}

/// Calls action(first, columns) for the panels of `width` columns.
template <typename T, typename Action>
void for_panels(std::size_t width, const Action& action) {
  for (std::size_t first = 0; first < width; first += kPanel<T>) {
    action(first, std::min(kPanel<T>, width - first));
  }
}

/// From an entry on; nothing of nothing.
template <typename T>
const T* row_of(std::span<const T> rows, std::size_t first) {
  return rows.empty() ? nullptr : rows.data() + first;
}

/// The terms of a sum of products, of which the last may be none.
template <typename T>
std::span<const Term<T>> sum_of(const std::array<Term<T>, 2>& terms, bool both) {
  return std::span(terms).first(both ? 2 : 1);
}

/// Ẏ = Ẋ Wᵀ + X Ẇᵀ + 1 ḃᵀ with panels of units: of W once, of Ẇ for every direction.
template <typename T>
void tangent_by_units(const Primal<T>& at, std::size_t k, std::span<const T> x_dot,
                      Rows<const T> theta_dot, std::span<T> y_dot) {
  const auto [d, h, bias] = sizes_of(at.node);
  const std::size_t n = at.n;
  const bool moving = !x_dot.empty();
  T* const room = at.scratch.data();
  T* const room_dot = room + d * kPanel<T>;
  T* const room_bias = room_dot + d * kPanel<T>;
  for_panels<T>(h, [&, d = d, h = h, bias = bias](std::size_t first, std::size_t columns) {
    Panel<T> w{};
    if (moving) w = transposed_panel_of(d, columns, at.theta.data() + first * d, d, room);
    for (std::size_t j = 0; j < k; ++j) {
      const T* const direction = theta_dot.row(j).data();
      const Panel<T> w_dot = transposed_panel_of(d, columns, direction + first * d, d, room_dot);
      Onto<T> onto;
      if (bias) onto.row = panel_of(1, columns, direction + h * d + first, h, room_bias).data;
      const std::array<Term<T>, 2> terms{
          {{d, {at.x[0].data(), d, 1}, w_dot}, {d, {row_of<T>(x_dot, j * n * d), d, 1}, w}}};
      panel_product<T>(n, columns, sum_of(terms, moving), onto, y_dot.data() + j * n * h + first,
                       h);
    }
  });
}

/// Ẏᵀ = W Ẋᵀ + Ẇ Xᵀ + ḃ 1ᵀ with panels of samples: of X once, of Ẋ for every direction. Every
/// entry is the same sum in the same order as by units.
template <typename T>
void tangent_by_samples(const Primal<T>& at, std::size_t k, std::span<const T> x_dot,
                        Rows<const T> theta_dot, std::span<T> y_dot) {
  const auto [d, h, bias] = sizes_of(at.node);
  const std::size_t n = at.n;
  const bool moving = !x_dot.empty();
  T* const room = at.scratch.data();
  T* const room_dot = room + d * kPanel<T>;
  T* const y_columns = room_dot + d * kPanel<T>;
  for_panels<T>(n, [&, d = d, h = h, bias = bias](std::size_t first, std::size_t columns) {
    const Panel<T> x = transposed_panel_of(d, columns, at.x[0].data() + first * d, d, room);
    for (std::size_t j = 0; j < k; ++j) {
      const T* const moved = row_of<T>(x_dot, (j * n + first) * d);
      const Panel<T> x_moved =
          moving ? transposed_panel_of(d, columns, moved, d, room_dot) : Panel<T>{};
      const T* const direction = theta_dot.row(j).data();
      const Onto<T> onto{.column = bias ? direction + h * d : nullptr};
      const std::array<Term<T>, 2> terms{
          {{d, {direction, d, 1}, x}, {d, {at.theta.data(), d, 1}, x_moved}}};
      panel_product<T>(h, columns, sum_of(terms, moving), onto, y_columns, kPanel<T>);
      transpose<T>(h, columns, y_columns, kPanel<T>, y_dot.data() + (j * n + first) * h, h);
    }
  });
}

/// The way that transposes fewer entries.
template <typename T>
void tangent(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
             Rows<const T> theta_dot, std::span<T> y_dot) {
  const auto [d, h, bias] = sizes_of(at.node);
  const std::size_t moving = x_dot[0].empty() ? 0 : 1;
  const std::size_t by_units = h * d * (k + moving);
  const std::size_t by_samples = at.n * d * (1 + k * moving) + k * at.n * h;
  const auto way = by_samples < by_units ? tangent_by_samples<T> : tangent_by_units<T>;
  way(at, k, x_dot[0], theta_dot, y_dot);
}

template <typename T>
void adjoint(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
             std::span<const std::span<T>> x_bar, Rows<T> theta_bar) {
  const auto [d, h, bias] = sizes_of(at.node);
  const std::size_t n = at.n;
  if (!x_bar[0].empty()) {
    gemm<T>(Form::plain, Form::plain, k * n, d, h, 1, y_bar.data(), h, at.theta.data(), d, 0,
            x_bar[0].data(), d);
  }
  if (theta_bar.data == nullptr) return;
  for (std::size_t j = 0; j < k; ++j) {
    T* const w_bar = theta_bar.row(j).data();
    const T* const y = y_bar.data() + j * n * h;
    gemm<T>(Form::transposed, Form::plain, h, d, n, 1, y, h, at.x[0].data(), d, 1, w_bar, d);
    if (bias) add_column_sums(n, h, y, w_bar + h * d);
  }
}

template <typename T>
void tangent_adjoint(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
                     Rows<const T> theta_dot, std::span<const T> y_bar,
                     std::span<const T> y_bar_dot, std::span<const std::span<T>> x_bar_dot,
                     Rows<T> theta_bar_dot) {
  const auto [d, h, bias] = sizes_of(at.node);
  const std::size_t n = at.n;
  if (!x_bar_dot[0].empty()) {
    T* const room = at.scratch.data();
    T* const room_dot = room + h * kPanel<T>;
    for_panels<T>(d, [&, d = d, h = h](std::size_t first, std::size_t columns) {
      const Panel<T> w = panel_of(h, columns, at.theta.data() + first, d, room, k);
      for (std::size_t j = 0; j < k; ++j) {
        const Panel<T> w_dot = panel_of(h, columns, theta_dot.row(j).data() + first, d, room_dot);
        const std::array<Term<T>, 2> terms{
            {{h, {y_bar_dot.data() + j * n * h, h, 1}, w}, {h, {y_bar.data(), h, 1}, w_dot}}};
        panel_product<T>(n, columns, terms, {}, x_bar_dot[0].data() + j * n * d + first, d);
      }
    });
  }
  const bool moving = !x_dot[0].empty();
  T* const room = at.scratch.data();
  T* const room_dot = room + n * kPanel<T>;
  for_panels<T>(d, [&, d = d, h = h](std::size_t first, std::size_t columns) {
    const Panel<T> x = panel_of(n, columns, at.x[0].data() + first, d, room, k);
    for (std::size_t j = 0; j < k; ++j) {
      Panel<T> moved{};
      if (moving) moved = panel_of(n, columns, x_dot[0].data() + j * n * d + first, d, room_dot);
      const std::array<Term<T>, 2> terms{
          {{n, {y_bar_dot.data() + j * n * h, 1, h}, x}, {n, {y_bar.data(), 1, h}, moved}}};
      panel_product<T>(h, columns, sum_of(terms, moving), {.sum = true},
                       theta_bar_dot.row(j).data() + first, d);
    }
  });
  for (std::size_t j = 0; bias && j < k; ++j) {
    add_column_sums(n, h, y_bar_dot.data() + j * n * h, theta_bar_dot.row(j).data() + h * d);
  }
}

template <typename T>
constexpr Passes<T> kPasses = {forward<T>, tangent<T>, adjoint<T>, tangent_adjoint<T>};

}  // namespace

extern const Operation dense = {"dense", Structure::dense, output_shape,  parameters,
                                storage, kPasses<double>,  kPasses<float>};

}  // namespace eigenscape::ops
