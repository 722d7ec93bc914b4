// conv2d           y = W * x + b, W [F, C/groups, kh, kw]: y[f, r, c] = b[f] + Σ W[f, b, i, j] ·
//                  x[b, r s + i d − p, c s + j d − p]
// tangent          ẏ = W * ẋ + Ẇ * x + ḃ
// adjoint          x̄ = W *ᵀ ȳ;  W̄ += ȳ ⊛ x;  b̄ += Σ ȳ
// tangent-adjoint  (x̄)˙ = W *ᵀ ȳ̇ + Ẇ *ᵀ ȳ;  (W̄)˙ += ȳ̇ ⊛ x + ȳ ⊛ ẋ;  (b̄)˙ += Σ ȳ̇
//
// with * the correlation, *ᵀ its adjoint in x and ⊛ its adjoint in W (ops/correlation.hpp). Both *
// pass over what lies in the padding; for ⊛ padding is written around a copy of x, unless the
// products are taken with channels as lanes (ops/outer_products.hpp).

#include <algorithm>

#include "core/error.hpp"
#include "core/instruction_sets.hpp"
#include "ops/correlation.hpp"
#include "ops/outer_products.hpp"
#include "ops/registry.hpp"
#include "ops/window.hpp"

namespace eigenscape::ops {
namespace {

struct Sizes {
  Window window;
  std::size_t groups;
  std::size_t filters;   // of one group
  std::size_t channels;  // of one group
  bool bias;

  /// Rows and columns of x with what its windows reach of the padding.
  [[nodiscard]] static std::size_t reach(const WindowAxis& axis) {
    return std::max(axis.before + axis.in,
                    (axis.out - 1) * axis.stride + (axis.taps - 1) * axis.dilation + 1);
  }
  [[nodiscard]] std::size_t rows() const { return reach(window.rows); }
  [[nodiscard]] std::size_t columns() const { return reach(window.columns); }
  [[nodiscard]] bool padded() const { return rows() * columns() > window.plane(); }
  [[nodiscard]] std::size_t weights() const { return groups * filters * channels * window.taps(); }
  /// The window of one group.
  [[nodiscard]] Window group_window() const { return {channels, window.rows, window.columns}; }
  [[nodiscard]] std::size_t input_size() const { return groups * channels * window.plane(); }
  [[nodiscard]] std::size_t output_size() const { return groups * filters * window.outputs(); }
  [[nodiscard]] std::size_t padded_input_size() const {
    return padded() ? groups * channels * rows() * columns() : 0;
  }
};

Sizes sizes_of(const Attributes& attributes, const Shape& shape) {
  const Window window = window_of("conv2d", attributes, shape);
  const auto filters = static_cast<std::size_t>(attribute(attributes, "filters", 0));
  const auto groups = static_cast<std::size_t>(attribute(attributes, "groups", 1));
  if (groups == 0 || filters == 0 || filters % groups != 0 || window.channels % groups != 0) {
    throw Error(ErrorCode::shape, "a conv2d layer's groups (" + std::to_string(groups) +
                                      ") must divide its filters (" + std::to_string(filters) +
                                      ") and the channels of its input " + describe(shape));
  }
  return {window, groups, filters / groups, window.channels / groups,
          attribute(attributes, "bias", 1) != 0};
}

Sizes sizes_of(const Node& node) { return sizes_of(node.attributes, node.input_shapes[0]); }

/// For every output along an axis, the taps that read no padding.
std::vector<std::vector<Tap>> correlation_taps(const WindowAxis& axis) {
  std::vector<std::vector<Tap>> all(axis.out);
  for (std::size_t o = 0; o < axis.out; ++o) {
    for (std::size_t t = 0; t < axis.taps; ++t) {
      const std::size_t source = axis.input(o, t);
      if (source < axis.in) all[o].push_back({t, source});
    }
  }
  return all;
}

/// For every input along an axis, the taps that read it, and for which output.
std::vector<std::vector<Tap>> adjoint_taps(const WindowAxis& axis) {
  std::vector<std::vector<Tap>> all(axis.in);
  for (std::size_t o = 0; o < axis.out; ++o) {
    for (std::size_t t = 0; t < axis.taps; ++t) {
      const std::size_t source = axis.input(o, t);
      if (source < axis.in) all[source].push_back({t, o});
    }
  }
  return all;
}

/// y from x.
GatherPlan correlation_plan(const Sizes& sizes) {
  const WindowAxis& rows = sizes.window.rows;
  const WindowAxis& columns = sizes.window.columns;
  const std::size_t taps = sizes.window.taps();
  return {sizes.filters, sizes.channels,         sizes.channels * taps,
          taps,          columns.taps,           rows.in,
          columns.in,    correlation_taps(rows), correlation_taps(columns)};
}

/// x from ȳ.
GatherPlan adjoint_plan(const Sizes& sizes) {
  const WindowAxis& rows = sizes.window.rows;
  const WindowAxis& columns = sizes.window.columns;
  const std::size_t taps = sizes.window.taps();
  return {sizes.channels,        sizes.filters,      taps,
          sizes.channels * taps, columns.taps,       rows.out,
          columns.out,           adjoint_taps(rows), adjoint_taps(columns)};
}

ProductPlan product_plan(const Sizes& sizes) {
  const WindowAxis& rows = sizes.window.rows;
  const WindowAxis& columns = sizes.window.columns;
  ProductPlan plan{sizes.filters, rows.out,       columns.out, sizes.columns(),
                   rows.stride,   columns.stride, {}};
  for (std::size_t b = 0; b < sizes.channels; ++b) {
    for (std::size_t i = 0; i < rows.taps; ++i) {
      for (std::size_t j = 0; j < columns.taps; ++j) {
        plan.depth.push_back((b * sizes.rows() + i * rows.dilation) * sizes.columns() +
                             j * columns.dilation);
      }
    }
  }
  return plan;
}

Shape output_shape(const Attributes& attributes, std::span<const Shape> inputs) {
  if (inputs.size() != 1) {
    throw Error(ErrorCode::shape,
                "a conv2d layer reads one layer, but was given " + std::to_string(inputs.size()));
  }
  const Sizes sizes = sizes_of(attributes, inputs[0]);
  return {sizes.groups * sizes.filters, sizes.window.rows.out, sizes.window.columns.out};
}

std::vector<ParameterTensor> parameters(const Attributes& attributes,
                                        std::span<const Shape> inputs) {
  const Sizes sizes = sizes_of(attributes, inputs[0]);
  const std::size_t filters = sizes.groups * sizes.filters;
  std::vector<ParameterTensor> tensors{
      {"weight", {filters, sizes.channels, sizes.window.rows.taps, sizes.window.columns.taps}}};
  if (sizes.bias) tensors.push_back({"bias", {filters}});
  return tensors;
}

/// Scratch, for the products alone: x with its padding, or what the outer ones need.
Storage storage(const Attributes& attributes, std::span<const Shape> inputs) {
  const Sizes sizes = sizes_of(attributes, inputs[0]);
  const Window window = sizes.group_window();
  return {0, outer_scratch(window),
          std::max(2 * sizes.padded_input_size(), outer_scratch_per_sample(window, sizes.filters))};
}

/// Copies `planes` images of n samples, [rows, columns] → [to rows, to columns] from entry
/// (before_rows, before_columns) on, zero around.
template <typename T>
void pad(std::size_t n, std::size_t planes, std::size_t rows, std::size_t columns,
         std::size_t to_rows, std::size_t to_columns, std::size_t before_rows,
         std::size_t before_columns, const T* from, T* to) {
  std::fill_n(to, planes * to_rows * to_columns * n, T{0});
  for (std::size_t plane = 0; plane < planes; ++plane) {
    for (std::size_t r = 0; r < rows; ++r) {
      std::copy_n(from + (plane * rows + r) * columns * n, columns * n,
                  to + ((plane * to_rows + before_rows + r) * to_columns + before_columns) * n);
    }
  }
}

EIGENSCAPE_INSTRUCTION_SETS
double lane_sums(std::size_t size, const double* y) {
  double lanes[8] = {};
  for (std::size_t i = 0; i < size; i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) lanes[lane] += y[i + lane];
  }
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
         ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}
EIGENSCAPE_INSTRUCTION_SETS
float lane_sums(std::size_t size, const float* y) {
  float lanes[16] = {};
  for (std::size_t i = 0; i < size; i += 16) {
    for (std::size_t lane = 0; lane < 16; ++lane) lanes[lane] += y[i + lane];
  }
  for (std::size_t half = 8; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

/// A gather in every group of channels.
template <typename T>
struct GroupedGather {
  GatherPlan plan;
  std::size_t groups;
  std::size_t weights;  // of a group
  std::size_t n;

  void run(const T* w, const T* x, const T* start, bool accumulate, T* y) const {
    for (std::size_t g = 0; g < groups; ++g) {
      gather(plan, n, w + g * weights, x + g * plan.sources * plan.source_plane() * n,
             start == nullptr ? nullptr : start + g * plan.outputs, accumulate,
             y + g * plan.outputs * plan.out_plane() * n);
    }
  }
};

/// What the passes share for n samples: the three sums and the scratch that they read from.
template <typename T>
class Convolution {
 public:
  Convolution(const Node& node, std::size_t n, std::span<T> scratch)
      : sizes_(sizes_of(node)),
        n_(n),
        scratch_(scratch.data()),
        outer_(outer_products_are_faster<T>(sizes_.group_window(), sizes_.filters, n)) {}

  [[nodiscard]] std::size_t input_size() const { return sizes_.input_size() * n_; }
  [[nodiscard]] std::size_t output_size() const { return sizes_.output_size() * n_; }
  [[nodiscard]] const T* bias_of(const T* w) const {
    return sizes_.bias ? w + sizes_.weights() : nullptr;
  }

  [[nodiscard]] GroupedGather<T> correlation() const {
    return {correlation_plan(sizes_), sizes_.groups, sizes_.weights() / sizes_.groups, n_};
  }
  [[nodiscard]] GroupedGather<T> adjoint() const {
    return {adjoint_plan(sizes_), sizes_.groups, sizes_.weights() / sizes_.groups, n_};
  }

  /// x as the products read it: itself, or a copy with its padding in one of two slots of scratch.
  const T* factor(const T* x, std::size_t slot) const {
    if (outer_ || !sizes_.padded()) return x;
    T* const to = scratch_ + slot * sizes_.padded_input_size() * n_;
    const Window& window = sizes_.window;
    pad(n_, sizes_.groups * sizes_.channels, window.rows.in, window.columns.in, sizes_.rows(),
        sizes_.columns(), window.rows.before, window.columns.before, x, to);
    return to;
  }

  /// W̄ += ȳ ⊛ x, for x = factor(…)
  void add_weight_adjoint(const ProductPlan& plan, const T* y_bar, const T* x, T* w_bar) const {
    const std::size_t x_plane = outer_ ? sizes_.window.plane() : sizes_.rows() * sizes_.columns();
    for (std::size_t g = 0; g < sizes_.groups; ++g) {
      const T* const y_group = y_bar + g * sizes_.filters * sizes_.window.outputs() * n_;
      const T* const x_group = x + g * sizes_.channels * x_plane * n_;
      T* const w_group = w_bar + g * sizes_.filters * plan.depth.size();
      if (outer_) {
        add_outer_products(sizes_.group_window(), sizes_.filters, n_, y_group, x_group, w_group,
                           scratch_);
      } else {
        add_products(plan, n_, y_group, x_group, w_group);
      }
    }
  }
  [[nodiscard]] ProductPlan products() const { return product_plan(sizes_); }

  /// b̄ += Σ ȳ
  void add_bias_adjoint(const T* y_bar, T* w_bar) const {
    if (!sizes_.bias) return;
    const std::size_t plane = sizes_.window.outputs() * n_;
    for (std::size_t f = 0; f < sizes_.groups * sizes_.filters; ++f) {
      w_bar[sizes_.weights() + f] += lane_sums(plane, y_bar + f * plane);
    }
  }

 private:
  Sizes sizes_;
  std::size_t n_;
  T* scratch_;
  bool outer_;  // channels are the lanes of the products
};

template <typename T>
void forward(const Node& node, std::size_t n, std::span<const std::span<const T>> x,
             std::span<const T> theta, Order /*order*/, std::span<T> y, std::span<T> /*saved*/,
             std::span<T> scratch) {
  const Convolution<T> conv(node, n, scratch);
  conv.correlation().run(theta.data(), x[0].data(), conv.bias_of(theta.data()), false, y.data());
}

template <typename T>
void tangent(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
             Rows<const T> theta_dot, std::span<T> y_dot) {
  const Convolution<T> conv(at.node, at.n, at.scratch);
  const GroupedGather<T> correlation = conv.correlation();
  for (std::size_t j = 0; j < k; ++j) {
    T* const y = y_dot.data() + j * conv.output_size();
    const T* const w_dot = theta_dot.row(j).data();
    correlation.run(w_dot, at.x[0].data(), conv.bias_of(w_dot), false, y);
    if (x_dot[0].empty()) continue;
    correlation.run(at.theta.data(), x_dot[0].data() + j * conv.input_size(), nullptr, true, y);
  }
}

template <typename T>
void adjoint(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
             std::span<const std::span<T>> x_bar, Rows<T> theta_bar) {
  const Convolution<T> conv(at.node, at.n, at.scratch);
  const GroupedGather<T> back = conv.adjoint();
  const ProductPlan products = conv.products();
  const bool wants_theta = theta_bar.data != nullptr;
  const T* const x = wants_theta ? conv.factor(at.x[0].data(), 0) : nullptr;
  for (std::size_t j = 0; j < k; ++j) {
    const T* const y = y_bar.data() + j * conv.output_size();
    if (wants_theta) {
      conv.add_weight_adjoint(products, y, x, theta_bar.row(j).data());
      conv.add_bias_adjoint(y, theta_bar.row(j).data());
    }
    if (x_bar[0].empty()) continue;
    back.run(at.theta.data(), y, nullptr, false, x_bar[0].data() + j * conv.input_size());
  }
}

template <typename T>
void tangent_adjoint(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
                     Rows<const T> theta_dot, std::span<const T> y_bar,
                     std::span<const T> y_bar_dot, std::span<const std::span<T>> x_bar_dot,
                     Rows<T> theta_bar_dot) {
  const Convolution<T> conv(at.node, at.n, at.scratch);
  const GroupedGather<T> back = conv.adjoint();
  const ProductPlan products = conv.products();
  const T* const x = conv.factor(at.x[0].data(), 0);
  for (std::size_t j = 0; j < k; ++j) {
    const T* const y = y_bar_dot.data() + j * conv.output_size();
    T* const w_bar_dot = theta_bar_dot.row(j).data();
    conv.add_weight_adjoint(products, y, x, w_bar_dot);
    conv.add_bias_adjoint(y, w_bar_dot);
    if (!x_dot[0].empty()) {
      const T* const moving = conv.factor(x_dot[0].data() + j * conv.input_size(), 1);
      conv.add_weight_adjoint(products, y_bar.data(), moving, w_bar_dot);
    }
    if (x_bar_dot[0].empty()) continue;
    T* const to = x_bar_dot[0].data() + j * conv.input_size();
    back.run(at.theta.data(), y, nullptr, false, to);
    back.run(theta_dot.row(j).data(), y_bar.data(), nullptr, true, to);
  }
}

template <typename T>
constexpr Passes<T> kPasses = {forward<T>, tangent<T>, adjoint<T>, tangent_adjoint<T>};

}  // namespace

extern const Operation conv2d = {"conv2d", Structure::convolution, output_shape,  parameters,
                                 storage,  kPasses<double>,        kPasses<float>};

}  // namespace eigenscape::ops
