// What an operation is: a shape rule and the four passes of automatic differentiation.
//
//   forward          y = f(x, θ)
//   tangent          ẏ = ∂f/∂x·ẋ + ∂f/∂θ·θ̇                        k directions
//   adjoint          x̄, θ̄ from ȳ                                   k cotangents
//   tangent-adjoint  derivative of (x̄, θ̄) along (ẋ, θ̇, ȳ̇)        k directions
//
// Arrays of a chunk are sample-major: x is [n, inputs], ẋ is [k, n, inputs]. Those of images are
// sample-minor: x is [channels · height · width, n], ẋ is [k, channels · height · width, n], and n
// is a multiple of what a cache line holds, so that samples are the lanes of vectors. Outputs of a
// pass are overwritten, except θ̄ and (θ̄)˙, to which each chunk adds its share.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace eigenscape {

using Shape = std::vector<std::size_t>;
using Attributes = std::map<std::string, std::vector<double>, std::less<>>;

/// Number of entries of a tensor of that shape.
std::size_t entry_count(const Shape& shape);

/// The attribute `name`, or `fallback` if the layer does not have it.
double attribute(const Attributes& attributes, std::string_view name, double fallback);

/// The numbers of the attribute `name`, none if the layer does not have it.
std::span<const double> attribute_list(const Attributes& attributes, std::string_view name);

/// "[3, 8, 8]", for messages.
std::string describe(const Shape& shape);

/// `count` rows, `stride` entries apart: the parts of k directions that belong to one layer.
template <typename T>
struct Rows {
  T* data = nullptr;
  std::size_t stride = 0;
  std::size_t size = 0;  // entries of one row that belong to the layer
  [[nodiscard]] std::span<T> row(std::size_t k) const { return {data + k * stride, size}; }
};

struct ParameterTensor {
  std::string name;  // "weight", "bias"
  Shape shape;
};

/// What the closed form of dense matrices, and Kronecker factors, may assume of an operation.
enum class Structure {
  dense,             // y = W x + b
  pointwise,         // y_i = σ(x_i); forward saves σ' and σ''
  piecewise_linear,  // pointwise with σ'' = 0
  reshape,           // y = x
  general,           // nothing
  // Nothing either, but Kronecker factors know of:
  convolution,  // y_t = W x_t + b for the patches x_t
  scale_and_shift  // y = γ x̂ + β, x̂ without parameters, one entry of γ and β for each channel or
                   // entry
};

/// Which entries of the output an entry of an input reaches, and no others.
enum class Reach {
  all,      // any of them
  entry,    // the one at its own place
  channel,  // those of its own channel
  part      // the one at its place in the part of the output that comes from this input
};

/// How many derivatives forward prepares in `saved`.
enum class Order { value = 0, first = 1, second = 2 };

/// Entries that an operation keeps and needs beside its arguments.
struct Storage {
  std::size_t saved = 0;               // per sample, from forward for the other passes
  std::size_t scratch = 0;             // for the length of one pass, whatever n and k
  std::size_t scratch_per_sample = 0;  // the same, for each of n samples
};

/// Where sample s has entry i of a value: [s, i] or [i, s].
enum class Layout { sample_major, sample_minor };

struct Operation;

/// One layer of a network: an operation, where it reads, and its parameters' place.
struct Node {
  const Operation* operation = nullptr;
  Attributes attributes;
  std::vector<std::size_t> inputs;  // values read: 0 is the network's input, i + 1 layer i
  std::vector<Shape> input_shapes;
  Layout input_layout = Layout::sample_major;  // of all inputs
  Shape output_shape;
  Layout output_layout = Layout::sample_major;
  std::vector<ParameterTensor> parameters;
  std::size_t parameter_offset = 0;
  std::size_t parameter_count = 0;
  std::size_t output_size = 0;
  Storage storage;
};

/// The values at the point where derivatives are taken, for n samples.
template <typename T>
struct Primal {
  const Node& node;
  std::size_t n;
  std::span<const std::span<const T>> x;  // per input [n, input size], or images
  std::span<const T> y;                   // [n, output size], or images
  std::span<const T> theta;               // [parameter count]
  std::span<const T> saved;               // [n · storage.saved], laid out as the operation likes
  std::span<T> scratch;                   // [storage.scratch + n · storage.scratch_per_sample]
};

template <typename T>
struct Passes {
  void (*forward)(const Node& node, std::size_t n, std::span<const std::span<const T>> x,
                  std::span<const T> theta, Order order, std::span<T> y, std::span<T> saved,
                  std::span<T> scratch);

  /// x_dot[i] is [k, n, input size], or empty where the input depends on no parameter.
  void (*tangent)(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
                  Rows<const T> theta_dot, std::span<T> y_dot);

  /// x_bar[i] is [k, n, input size], or empty where it is not wanted.
  void (*adjoint)(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
                  std::span<const std::span<T>> x_bar, Rows<T> theta_bar);

  /// y_bar is [n, output size], y_bar_dot [k, n, output size].
  void (*tangent_adjoint)(const Primal<T>& at, std::size_t k,
                          std::span<const std::span<const T>> x_dot, Rows<const T> theta_dot,
                          std::span<const T> y_bar, std::span<const T> y_bar_dot,
                          std::span<const std::span<T>> x_bar_dot, Rows<T> theta_bar_dot);
};

struct Operation {
  std::string_view name;
  Structure structure;
  /// Throws ErrorCode::shape or spec, saying what was given and what is expected.
  Shape (*output_shape)(const Attributes& attributes, std::span<const Shape> inputs);
  std::vector<ParameterTensor> (*parameters)(const Attributes& attributes,
                                             std::span<const Shape> inputs);
  Storage (*storage)(const Attributes& attributes, std::span<const Shape> inputs);
  Passes<double> float64;
  Passes<float> float32;
  Reach reach = Reach::all;

  template <typename T>
  [[nodiscard]] const Passes<T>& passes() const {
    if constexpr (sizeof(T) == sizeof(double)) {
      return float64;
    } else {
      return float32;
    }
  }
};

/// The operation of that name; throws ErrorCode::spec with the names known.
const Operation& find_operation(std::string_view name);

}  // namespace eigenscape
