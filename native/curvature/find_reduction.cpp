#include "curvature/find_reduction.hpp"

#include <algorithm>
#include <memory>
#include <numeric>

#include "curvature/entry_activity.hpp"
#include "linalg/blas.hpp"
#include "ops/operation.hpp"

namespace eigenscape {
namespace {

using blas::Form;
using blas::gemm;

/// Rows of inputs that are looked at together.
constexpr std::size_t kRows = 1024;

double norm_of(std::span<const double> x) {
  double sum = 0;
  for (const double entry : x) sum += entry * entry;
  return std::sqrt(sum);
}

bool all_in(const std::vector<bool>& entries, std::size_t first, std::size_t count) {
  const auto begin = entries.begin() + static_cast<std::ptrdiff_t>(first);
  return std::all_of(begin, begin + static_cast<std::ptrdiff_t>(count), [](bool in) { return in; });
}

/// Whether the j-th of the map's chosen inputs is fixed at all its positions.
bool is_fixed(const Graph& graph, const AffineMap& map, const std::vector<bool>& fixed,
              std::size_t j) {
  const std::size_t input = map.first_input + j;
  if (input == map.width) return true;  // the 1 of the bias
  const Node& node = graph.nodes()[map.node];
  if (node.operation->structure == Structure::dense) return fixed[input];
  const Shape& image = node.input_shapes[0];
  const std::size_t plane = image[1] * image[2];
  const std::size_t taps = node.parameters[0].shape[2] * node.parameters[0].shape[3];
  const std::size_t channels = map.width / taps;
  return all_in(fixed, (map.group * channels + input / taps) * plane, plane);
}

/// The dense layer that gives the network's outputs, if softmax comes right behind it.
std::optional<std::size_t> layer_of_softmax(const Graph& graph) {
  if (graph.loss().kind != LossKind::softmax_cross_entropy) return {};
  std::size_t value = graph.nodes().size();
  while (value > 0 && graph.nodes()[value - 1].operation->structure == Structure::reshape) {
    value = graph.nodes()[value - 1].inputs[0];
  }
  if (value == 0 || graph.nodes()[value - 1].operation->structure != Structure::dense) return {};
  return value - 1;
}

/// Units, and which inputs are fixed; all of these stand in `fixed`, without their basis.
std::vector<ReducedMap> plan_maps(const Graph& graph, const ParameterSelection& selection,
                                  const EntryActivity& activity) {
  const std::optional<std::size_t> softmax = layer_of_softmax(graph);
  std::vector<ReducedMap> maps;
  for (const AffineMap& map : affine_maps(graph, selection)) {
    ReducedMap reduced;
    reduced.map = map;
    reduced.contracted = softmax == map.node;
    const std::vector<bool>& dead = activity.dead[map.node + 1];
    for (std::size_t o = 0; o < map.outputs; ++o) {
      const std::size_t first = (map.group * map.outputs + o) * map.positions;
      if (reduced.contracted || !all_in(dead, first, map.positions)) reduced.units.push_back(o);
    }
    // A layer keeps one, so that no size is 0; its rows are 0 in the matrix.
    if (reduced.units.empty()) reduced.units.push_back(0);
    const std::vector<bool>& fixed = activity.fixed[graph.nodes()[map.node].inputs[0]];
    for (std::size_t j = 0; j < map.inputs(); ++j) {
      (is_fixed(graph, map, fixed, j) ? reduced.fixed : reduced.moving).push_back(j);
    }
    maps.push_back(std::move(reduced));
  }
  return maps;
}

void keep_all_inputs(ReducedMap& map) {
  map.fixed.clear();
  map.basis.reset();
  map.moving.resize(map.map.inputs());
  std::iota(map.moving.begin(), map.moving.end(), std::size_t{0});
}

/// Rows [rows, fixed inputs] of one map, in float64.
class FixedInputs {
 public:
  FixedInputs(const ReducedMap& map, std::size_t count) : map_(map), count_(count) {}

  /// Calls action(rows, their number) for all positions of the `count` samples that are evaluated.
  template <typename T, typename Action>
  void for_rows(LayerSamples<T>& layers, std::vector<T>& inputs, const Action& action) {
    const std::size_t width = map_.map.inputs();
    const std::size_t positions = map_.map.positions;
    const std::size_t each = std::max<std::size_t>(1, kRows / positions);
    for (std::size_t first = 0; first < count_; first += each) {
      const std::size_t samples = std::min(each, count_ - first);
      inputs.resize(samples * positions * width);
      layers.inputs_of(map_.map, first, samples, inputs);
      for (std::size_t row = 0; row < samples * positions; row += kRows) {
        const std::size_t rows = std::min(kRows, samples * positions - row);
        rows_.clear();
        for (std::size_t r = row; r < row + rows; ++r) {
          for (const std::size_t j : map_.fixed) {
            rows_.push_back(static_cast<double>(inputs[r * width + j]));
          }
        }
        action(rows, std::span<const double>(rows_));
      }
    }
  }

 private:
  const ReducedMap& map_;
  std::size_t count_;
  std::vector<double> rows_;
};

/// Calls action(map index, rows, their number) for the fixed inputs of the listed maps over all
/// samples.
template <typename T, typename Action>
void for_fixed_inputs(const Operator<T>& matrix, const std::vector<ReducedMap>& maps,
                      const std::vector<std::size_t>& listed, const Control& control,
                      const Action& action) {
  if (listed.empty()) return;
  const Graph& graph = matrix.graph();
  const std::size_t total = matrix.samples().count;
  const std::size_t at_once = samples_at_once<T>(graph);
  LayerSamples<T> layers(graph, graph.moving_values());
  RowBuffer<T> rows;
  std::vector<T> inputs;
  for (std::size_t first = 0; first < total; first += at_once) {
    control.check();
    const std::size_t n = std::min(at_once, total - first);
    layers.forward(n, matrix.samples().inputs->rows({first, n}, rows, control), matrix.theta(),
                   control);
    for (const std::size_t index : listed) {
      FixedInputs(maps[index], n)
          .for_rows(layers, inputs, [&](std::size_t count, std::span<const double> found) {
            action(index, count, found);
          });
    }
    control.report("reduction", static_cast<double>(first + n), static_cast<double>(total));
  }
}

/// What is lost between a and Q a', row by row, and how far Q is from orthonormal.
template <typename T>
void measure(const Operator<T>& matrix, std::vector<ReducedMap>& maps, const Control& control) {
  std::vector<std::size_t> listed;
  for (std::size_t index = 0; index < maps.size(); ++index) {
    const std::optional<RowBasis>& basis = maps[index].basis;
    if (basis && !basis->vectors.empty()) listed.push_back(index);
  }
  std::vector<double> projected;
  std::vector<double> rest;
  for_fixed_inputs(matrix, maps, listed, control,
                   [&](std::size_t index, std::size_t rows, std::span<const double> inputs) {
                     ReducedMap& map = maps[index];
                     const auto [width, rank] = std::pair(map.basis->width, map.basis->rank);
                     const double* const q = map.basis->vectors.data();
                     projected.resize(rows * rank);
                     gemm<double>(Form::plain, Form::plain, rows, rank, width, 1, inputs.data(),
                                  width, q, rank, 0, projected.data(), rank);
                     for (double& x : projected) x = static_cast<double>(static_cast<T>(x));
                     rest.assign(inputs.begin(), inputs.end());
                     gemm<double>(Form::plain, Form::transposed, rows, width, rank, -1,
                                  projected.data(), rank, q, rank, 1, rest.data(), width);
                     for (std::size_t r = 0; r < rows; ++r) {
                       const double norm = norm_of(inputs.subspan(r * width, width));
                       if (norm == 0) continue;
                       const double lost =
                           norm_of(std::span<const double>(rest).subspan(r * width, width));
                       map.distance = std::max(map.distance, lost / norm);
                     }
                   });
  for (const std::size_t index : listed) {
    const auto [rank, width] = std::pair(maps[index].basis->rank, maps[index].basis->width);
    const double* const q = maps[index].basis->vectors.data();
    std::vector<double> gram(rank * rank);
    gemm<double>(Form::transposed, Form::plain, rank, rank, width, 1, q, rank, q, rank, 0,
                 gram.data(), rank);
    for (std::size_t k = 0; k < rank; ++k) gram[k * rank + k] -= 1;
    maps[index].defect = norm_of(gram);
  }
}

/// Bases of the fixed inputs, where these span fewer dimensions than they are.
template <typename T>
void find_bases(const Operator<T>& matrix, std::vector<ReducedMap>& maps, const Control& control) {
  std::vector<std::size_t> listed;
  std::vector<RowSpace> spaces;
  for (std::size_t index = 0; index < maps.size(); ++index) {
    spaces.emplace_back(std::max<std::size_t>(1, maps[index].fixed.size()));
    // The 1 of the bias alone is a dimension.
    const bool alone = maps[index].fixed.size() == 1 &&
                       maps[index].map.first_input + maps[index].fixed[0] == maps[index].map.width;
    if (!maps[index].fixed.empty() && !alone) listed.push_back(index);
  }
  for_fixed_inputs(matrix, maps, listed, control,
                   [&](std::size_t index, std::size_t /*rows*/, std::span<const double> inputs) {
                     spaces[index].add(inputs);
                   });
  for (const std::size_t index : listed) {
    RowBasis basis = spaces[index].basis();
    if (basis.rank < basis.width) maps[index].basis = std::move(basis);
  }
  for (ReducedMap& map : maps) {
    if (!map.basis) keep_all_inputs(map);
  }
  measure(matrix, maps, control);
}

/// Rows of A beside those of the maps: γ and β, but of channels that are dead.
std::vector<std::size_t> other_rows(const Graph& graph, const ParameterSelection& selection,
                                    const EntryActivity& activity) {
  std::vector<std::size_t> kept;
  for (const ScaleAndShift& layer : scales_and_shifts(graph, selection)) {
    const std::vector<bool>& dead = activity.dead[layer.node + 1];
    const std::size_t each = graph.nodes()[layer.node].output_size / layer.count;
    for (std::size_t i = 0; i < layer.size(); ++i) {
      const std::size_t channel = i % layer.count;
      if (!all_in(dead, channel * each, each)) kept.push_back(layer.row(i));
    }
  }
  return kept;
}

}  // namespace

template <typename T>
Reduction find_reduction(const Operator<T>& matrix, const Control& control) {
  const Graph& graph = matrix.graph();
  const EntryActivity activity = find_activity(matrix, control);
  std::vector<ReducedMap> maps = plan_maps(graph, matrix.selection(), activity);
  find_bases(matrix, maps, control);
  return {matrix.size(), std::move(maps), other_rows(graph, matrix.selection(), activity)};
}

template Reduction find_reduction<double>(const Operator<double>&, const Control&);
template Reduction find_reduction<float>(const Operator<float>&, const Control&);

}  // namespace eigenscape
