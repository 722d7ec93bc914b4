// A small chain of dense layers, and its data in stretches: samples are innermost everywhere,
// [rows, n].
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "data/row_source.hpp"
#include "network/graph.hpp"
#include "network/loss.hpp"

namespace eigenscape {

/// One dense layer, the functions after it, and where its scratch begins, in rows of n samples.
struct SmallChainLayer {
  std::size_t d = 0;       // inputs
  std::size_t h = 0;       // units
  std::size_t inputs = 0;  // d, and one more that is always 1 where there is a bias
  std::size_t weight_offset = 0;
  std::size_t bias_offset = 0;
  std::vector<const Node*> pointwise;

  /// Index of the parameter (unit, input), where input d is the bias.
  [[nodiscard]] std::size_t parameter(std::size_t unit, std::size_t input) const {
    return input == d ? bias_offset + unit : weight_offset + unit * d + input;
  }
};

/// Of layers' inputs and units.
std::size_t widest_layer(const std::vector<SmallChainLayer>& layers);
/// Rows of the largest product of two values.
std::size_t left_rows(const std::vector<SmallChainLayer>& layers);
/// Entries of the largest block of the matrix.
std::size_t block_entries(const std::vector<SmallChainLayer>& layers);

/// y = σ(x), σ' and σ'' for rows of any length: the function does not care which entry is whose.
template <typename T>
void apply_pointwise(const Node& node, std::size_t n, Order order, std::span<const T> x,
                     std::span<T> y, std::span<T> saved) {
  const std::array<std::span<const T>, 1> inputs{x};
  node.operation->passes<T>().forward(node, n, inputs, {}, order, y, saved, {});
}

/// What all points share; never changes.
template <typename T>
class SmallChain {
 public:
  /// Whether the scratch of such a problem is small enough for the caches of one core.
  static bool holds(const Graph& graph, std::size_t samples);

  /// All three must outlive it.
  SmallChain(const Graph& graph, const Samples<T>& samples, const Control& control);

  [[nodiscard]] const Graph& graph() const { return graph_; }
  [[nodiscard]] const Samples<T>& samples() const { return samples_; }
  [[nodiscard]] const std::vector<SmallChainLayer>& layers() const { return layers_; }
  [[nodiscard]] double denominator() const { return denominator_; }
  [[nodiscard]] double kept_weight() const { return kept_weight_; }
  /// Samples of a stretch, at most, rounded up to whole vectors.
  [[nodiscard]] std::size_t stretch() const { return stretch_; }
  /// Input of the first dense layer for the stretch that starts at sample `first`: [d, stretch].
  /// The last stretch is filled up with copies of its first sample, which then count for nothing.
  void copy_inputs(std::size_t first, RowBuffer<T>& rows, T* out) const;

 private:
  /// The same, from the data; `out` holds whole vectors.
  void read_inputs(std::size_t first, RowBuffer<T>& rows, T* out) const;

  const Graph& graph_;
  const Samples<T>& samples_;
  const Control& control_;
  std::vector<const Node*> before_;  // pointwise functions of the data
  std::vector<SmallChainLayer> layers_;
  double denominator_ = 0;
  double kept_weight_ = 0;
  std::size_t stretch_ = 0;
  AlignedBuffer<T> inputs_;  // of all stretches, where the data is in memory
};

}  // namespace eigenscape
