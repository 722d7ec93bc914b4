// conv2d           y = W * x + b, W [F, C/groups, kh, kw]; with P(x) [C/groups · kh · kw, OH · OW]
// the patches
//                  of one sample and group, Y = W P(x) + b 1ᵀ
// tangent          Ẏ = W P(ẋ) + Ẇ P(x) + ḃ 1ᵀ
// adjoint          x̄ = P*(Wᵀ Ȳ);  W̄ += Ȳ P(x)ᵀ;  b̄ += Ȳ 1            (P*: the adjoint of P)
// tangent-adjoint  (x̄)˙ = P*(Wᵀ Ȳ̇ + Ẇᵀ Ȳ);  (W̄)˙ += Ȳ̇ P(x)ᵀ + Ȳ P(ẋ)ᵀ;  (b̄)˙ += Ȳ̇ 1
//
// Scratch is two patch matrices: P(x), made once for all directions, and one for a direction.

#include <algorithm>

#include "core/error.hpp"
#include "linalg/blas.hpp"
#include "ops/registry.hpp"
#include "ops/window.hpp"

namespace eigenscape::ops {
namespace {

using blas::Form;
using blas::gemm;

struct Sizes {
  Window window;
  std::size_t filters;  // of one group
  std::size_t groups;
  std::size_t channels;  // of one group
  std::size_t depth;     // rows of P: channels · taps
  std::size_t outputs;   // columns of P
  bool bias;
  bool padded;

  [[nodiscard]] std::size_t weights() const { return groups * filters * depth; }
  [[nodiscard]] std::size_t input_size() const { return groups * channels * window.plane(); }
  [[nodiscard]] std::size_t output_size() const { return groups * filters * outputs; }
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
  const std::size_t channels = window.channels / groups;
  const std::span<const double> padding = attribute_list(attributes, "padding");
  const bool padded = std::any_of(padding.begin(), padding.end(), [](double p) { return p != 0; });
  return {window,
          filters / groups,
          groups,
          channels,
          channels * window.taps(),
          window.outputs(),
          attribute(attributes, "bias", 1) != 0,
          padded};
}

Sizes sizes_of(const Node& node) { return sizes_of(node.attributes, node.input_shapes[0]); }

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

Storage storage(const Attributes& attributes, std::span<const Shape> inputs) {
  const Sizes sizes = sizes_of(attributes, inputs[0]);
  return {0, 2 * sizes.groups * sizes.depth * sizes.outputs};
}

/// Calls body(entry of P, entry of x, length) for every run of neighbours in a row of P that reads
/// no padding; in x the run's entries are `stride` apart.
template <typename Body>
void for_each_run(const Sizes& sizes, const Body& body) {
  const WindowAxis& rows = sizes.window.rows;
  const WindowAxis& columns = sizes.window.columns;
  std::size_t start = 0;  // of the row of P
  for (std::size_t channel = 0; channel < sizes.groups * sizes.channels; ++channel) {
    for (std::size_t i = 0; i < rows.taps; ++i) {
      const WindowAxis::Inside down = rows.inside(i);
      for (std::size_t j = 0; j < columns.taps; ++j, start += sizes.outputs) {
        const WindowAxis::Inside across = columns.inside(j);
        std::size_t input = channel * sizes.window.plane() + down.input * columns.in + across.input;
        for (std::size_t r = down.first; r < down.last; ++r, input += rows.stride * columns.in) {
          body(start + r * columns.out + across.first, input, across.last - across.first);
        }
      }
    }
  }
}

/// P(x) of all groups, one below the other [groups · depth, outputs].
template <typename T>
void extract_patches(const Sizes& sizes, const T* x, T* patches) {
  const std::size_t stride = sizes.window.columns.stride;
  if (sizes.padded) std::fill_n(patches, sizes.groups * sizes.depth * sizes.outputs, T{0});
  for_each_run(sizes, [&](std::size_t entry, std::size_t input, std::size_t length) {
    if (stride == 1) {
      std::copy_n(x + input, length, patches + entry);
    } else {
      for (std::size_t c = 0; c < length; ++c) patches[entry + c] = x[input + c * stride];
    }
  });
}

/// x = P*(patches): every entry gathers what was read from it.
template <typename T>
void gather_patches(const Sizes& sizes, const T* patches, T* x) {
  const std::size_t stride = sizes.window.columns.stride;
  std::fill_n(x, sizes.input_size(), T{0});
  for_each_run(sizes, [&](std::size_t entry, std::size_t input, std::size_t length) {
    if (stride == 1) {
      for (std::size_t c = 0; c < length; ++c) x[input + c] += patches[entry + c];
    } else {
      for (std::size_t c = 0; c < length; ++c) x[input + c * stride] += patches[entry + c];
    }
  });
}

/// Y = W P + beta · Y, group by group.
template <typename T>
void filter(const Sizes& sizes, const T* w, const T* patches, T beta, T* y) {
  for (std::size_t g = 0; g < sizes.groups; ++g) {
    gemm<T>(Form::plain, Form::plain, sizes.filters, sizes.outputs, sizes.depth, 1,
            w + g * sizes.filters * sizes.depth, sizes.depth,
            patches + g * sizes.depth * sizes.outputs, sizes.outputs, beta,
            y + g * sizes.filters * sizes.outputs, sizes.outputs);
  }
}

/// P̄ = Wᵀ Ȳ + beta · P̄
template <typename T>
void filter_adjoint(const Sizes& sizes, const T* w, const T* y_bar, T beta, T* patches) {
  for (std::size_t g = 0; g < sizes.groups; ++g) {
    gemm<T>(Form::transposed, Form::plain, sizes.depth, sizes.outputs, sizes.filters, 1,
            w + g * sizes.filters * sizes.depth, sizes.depth,
            y_bar + g * sizes.filters * sizes.outputs, sizes.outputs, beta,
            patches + g * sizes.depth * sizes.outputs, sizes.outputs);
  }
}

/// W̄ += Ȳ Pᵀ
template <typename T>
void add_weight_adjoint(const Sizes& sizes, const T* y_bar, const T* patches, T* w_bar) {
  for (std::size_t g = 0; g < sizes.groups; ++g) {
    gemm<T>(Form::plain, Form::transposed, sizes.filters, sizes.depth, sizes.outputs, 1,
            y_bar + g * sizes.filters * sizes.outputs, sizes.outputs,
            patches + g * sizes.depth * sizes.outputs, sizes.outputs, 1,
            w_bar + g * sizes.filters * sizes.depth, sizes.depth);
  }
}

/// b̄ += Ȳ 1
template <typename T>
void add_bias_adjoint(const Sizes& sizes, const T* y_bar, T* w_bar) {
  if (!sizes.bias) return;
  T* const b_bar = w_bar + sizes.weights();
  for (std::size_t f = 0; f < sizes.groups * sizes.filters; ++f) {
    for (std::size_t i = 0; i < sizes.outputs; ++i) b_bar[f] += y_bar[f * sizes.outputs + i];
  }
}

/// Y = b 1ᵀ, or 0 without bias.
template <typename T>
void fill_bias(const Sizes& sizes, const T* w, T* y) {
  const T* const b = w + sizes.weights();
  for (std::size_t f = 0; f < sizes.groups * sizes.filters; ++f) {
    std::fill_n(y + f * sizes.outputs, sizes.outputs, sizes.bias ? b[f] : T{0});
  }
}

template <typename T>
void forward(const Node& node, std::size_t n, std::span<const std::span<const T>> x,
             std::span<const T> theta, Order /*order*/, std::span<T> y, std::span<T> /*saved*/,
             std::span<T> scratch) {
  const Sizes sizes = sizes_of(node);
  for (std::size_t s = 0; s < n; ++s) {
    T* const to = y.data() + s * sizes.output_size();
    extract_patches(sizes, x[0].data() + s * sizes.input_size(), scratch.data());
    fill_bias(sizes, theta.data(), to);
    filter<T>(sizes, theta.data(), scratch.data(), 1, to);
  }
}

template <typename T>
void tangent(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
             Rows<const T> theta_dot, std::span<T> y_dot) {
  const Sizes sizes = sizes_of(at.node);
  T* const patches = at.scratch.data();
  T* const moving = patches + sizes.groups * sizes.depth * sizes.outputs;
  for (std::size_t s = 0; s < at.n; ++s) {
    extract_patches(sizes, at.x[0].data() + s * sizes.input_size(), patches);
    for (std::size_t j = 0; j < k; ++j) {
      const std::size_t row = j * at.n + s;
      T* const to = y_dot.data() + row * sizes.output_size();
      fill_bias(sizes, theta_dot.row(j).data(), to);
      filter<T>(sizes, theta_dot.row(j).data(), patches, 1, to);
      if (x_dot[0].empty()) continue;
      extract_patches(sizes, x_dot[0].data() + row * sizes.input_size(), moving);
      filter<T>(sizes, at.theta.data(), moving, 1, to);
    }
  }
}

template <typename T>
void adjoint(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
             std::span<const std::span<T>> x_bar, Rows<T> theta_bar) {
  const Sizes sizes = sizes_of(at.node);
  T* const patches = at.scratch.data();
  T* const columns = patches + sizes.groups * sizes.depth * sizes.outputs;
  for (std::size_t s = 0; s < at.n; ++s) {
    if (theta_bar.data != nullptr) {
      extract_patches(sizes, at.x[0].data() + s * sizes.input_size(), patches);
    }
    for (std::size_t j = 0; j < k; ++j) {
      const std::size_t row = j * at.n + s;
      const T* const from = y_bar.data() + row * sizes.output_size();
      if (theta_bar.data != nullptr) {
        add_weight_adjoint(sizes, from, patches, theta_bar.row(j).data());
        add_bias_adjoint(sizes, from, theta_bar.row(j).data());
      }
      if (x_bar[0].empty()) continue;
      filter_adjoint<T>(sizes, at.theta.data(), from, 0, columns);
      gather_patches(sizes, columns, x_bar[0].data() + row * sizes.input_size());
    }
  }
}

template <typename T>
void tangent_adjoint(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
                     Rows<const T> theta_dot, std::span<const T> y_bar,
                     std::span<const T> y_bar_dot, std::span<const std::span<T>> x_bar_dot,
                     Rows<T> theta_bar_dot) {
  const Sizes sizes = sizes_of(at.node);
  T* const patches = at.scratch.data();
  T* const other = patches + sizes.groups * sizes.depth * sizes.outputs;
  for (std::size_t s = 0; s < at.n; ++s) {
    extract_patches(sizes, at.x[0].data() + s * sizes.input_size(), patches);
    const T* const point = y_bar.data() + s * sizes.output_size();
    for (std::size_t j = 0; j < k; ++j) {
      const std::size_t row = j * at.n + s;
      const T* const from = y_bar_dot.data() + row * sizes.output_size();
      T* const w_bar_dot = theta_bar_dot.row(j).data();
      add_weight_adjoint(sizes, from, patches, w_bar_dot);
      add_bias_adjoint(sizes, from, w_bar_dot);
      if (!x_dot[0].empty()) {
        extract_patches(sizes, x_dot[0].data() + row * sizes.input_size(), other);
        add_weight_adjoint(sizes, point, other, w_bar_dot);
      }
      if (x_bar_dot[0].empty()) continue;
      filter_adjoint<T>(sizes, at.theta.data(), from, 0, other);
      filter_adjoint<T>(sizes, theta_dot.row(j).data(), point, 1, other);
      gather_patches(sizes, other, x_bar_dot[0].data() + row * sizes.input_size());
    }
  }
}

template <typename T>
constexpr Passes<T> kPasses = {forward<T>, tangent<T>, adjoint<T>, tangent_adjoint<T>};

}  // namespace

extern const Operation conv2d = {"conv2d", Structure::general, output_shape,  parameters,
                                 storage,  kPasses<double>,    kPasses<float>};

}  // namespace eigenscape::ops
