#include "curvature/layer_samples.hpp"

#include <algorithm>
#include <string_view>

#include "core/error.hpp"
#include "linalg/transpose.hpp"
#include "ops/scale_and_shift.hpp"
#include "ops/window.hpp"

namespace eigenscape {
namespace {

struct Place {
  bool chosen = false;
  std::size_t row = 0;
};

/// Where the tensor of this name of a node is in the matrix.
Place place_of(const Node& node, std::string_view name, const ParameterSelection& selection) {
  std::size_t offset = node.parameter_offset;
  for (const ParameterTensor& tensor : node.parameters) {
    if (tensor.name == name) {
      const ParameterRun* const run = selection.find(offset);
      return run == nullptr ? Place{} : Place{true, run->row + offset - run->first};
    }
    offset += entry_count(tensor.shape);
  }
  return {};
}

std::size_t groups_of(const Node& node) {
  if (node.operation->structure == Structure::dense) return 1;
  return static_cast<std::size_t>(attribute(node.attributes, "groups", 1));
}

/// ã_t of one sample's image: [T, inputs].
template <typename T>
void add_patches(const AffineMap& map, const ops::Window& window, const T* image, T* rows) {
  const std::size_t columns = window.columns.in;
  const std::size_t channels = map.width / window.taps();
  const T* const first = image + map.group * channels * window.plane();
  for (std::size_t r = 0; r < window.rows.out; ++r) {
    for (std::size_t c = 0; c < window.columns.out; ++c) {
      T* to = rows;
      for (std::size_t b = 0; b < channels; ++b) {
        for (std::size_t i = 0; i < window.rows.taps; ++i) {
          const std::size_t row = window.rows.input(r, i);
          for (std::size_t j = 0; j < window.columns.taps; ++j) {
            const std::size_t column = window.columns.input(c, j);
            const bool inside = row < window.rows.in && column < columns;
            *to++ = inside ? first[b * window.plane() + row * columns + column] : T{0};
          }
        }
      }
      rows += map.inputs();
    }
  }
}

}  // namespace

std::vector<AffineMap> affine_maps(const Graph& graph, const ParameterSelection& selection) {
  std::vector<AffineMap> maps;
  for (std::size_t index = 0; index < graph.nodes().size(); ++index) {
    const Node& node = graph.nodes()[index];
    const Structure structure = node.operation->structure;
    if (structure != Structure::dense && structure != Structure::convolution) continue;
    const Place weight = place_of(node, "weight", selection);
    const Place bias = place_of(node, "bias", selection);
    if (!weight.chosen && !bias.chosen) continue;
    AffineMap map;
    map.node = index;
    const std::size_t groups = groups_of(node);
    const std::size_t outputs = node.parameters[0].shape[0];
    map.outputs = outputs / groups;
    map.width = entry_count(node.parameters[0].shape) / outputs;
    map.positions = node.output_size / outputs;
    map.first_input = weight.chosen ? 0 : map.width;
    map.last_input = bias.chosen ? map.width + 1 : map.width;
    for (map.group = 0; map.group < groups; ++map.group) {
      map.weight_row = weight.row + map.group * map.outputs * map.width;
      map.bias_row = bias.row + map.group * map.outputs;
      maps.push_back(map);
    }
  }
  return maps;
}

std::vector<ScaleAndShift> scales_and_shifts(const Graph& graph,
                                             const ParameterSelection& selection) {
  std::vector<ScaleAndShift> layers;
  for (std::size_t index = 0; index < graph.nodes().size(); ++index) {
    const Node& node = graph.nodes()[index];
    if (node.parameters.empty()) continue;
    const Structure structure = node.operation->structure;
    if (structure == Structure::dense || structure == Structure::convolution) continue;
    const Place scale = place_of(node, "weight", selection);
    const Place shift = place_of(node, "bias", selection);
    if (!scale.chosen && !shift.chosen) continue;
    if (structure != Structure::scale_and_shift) {
      throw Error(ErrorCode::spec, "Kronecker factors are not known for the parameters of a " +
                                       std::string(node.operation->name) + " layer");
    }
    layers.push_back({index, entry_count(node.parameters[0].shape), scale.chosen, shift.chosen,
                      scale.row, shift.row});
  }
  return layers;
}

template <typename T>
void LayerSamples<T>::forward(std::size_t n, std::span<const T> x, std::span<const T> theta,
                              const Control& control) {
  n_ = n;
  evaluation_.forward(n, x, theta, Order::first, control);
  input_.key = normalized_.key = bar_.key = 0;
}

template <typename T>
void LayerSamples<T>::pull_back(std::size_t k, std::span<const T> f_bar) {
  k_ = k;
  evaluation_.adjoint_of_directions(k, f_bar, {});
  bar_.key = 0;
}

template <typename T>
std::span<const T> LayerSamples<T>::sample_major(SampleMajor& last, std::size_t key, std::size_t k,
                                                 std::size_t size, Layout layout,
                                                 std::span<const T> values) {
  if (last.key == key) return last.held;
  const std::size_t held = evaluation_.held_samples();
  last.key = key;
  last.held = values;
  if (layout == Layout::sample_major && held == n_) return last.held;
  last.rows.resize(k * n_ * size);
  for (std::size_t j = 0; j < k; ++j) {
    const T* const from = values.data() + j * held * size;
    T* const to = last.rows.data() + j * n_ * size;
    if (layout == Layout::sample_major) {
      std::copy_n(from, n_ * size, to);
    } else {
      transpose<T>(size, n_, from, held, to, size);
    }
  }
  last.held = last.rows.span();
  return last.held;
}

template <typename T>
std::span<const T> LayerSamples<T>::outputs_bar(std::size_t node) {
  return sample_major(bar_, node + 1, k_, graph_.nodes()[node].output_size, graph_.layout(node + 1),
                      evaluation_.direction_adjoint_of(node + 1));
}

/// x̂: the layer's output at γ = 1 and β = 0.
template <typename T>
std::span<const T> LayerSamples<T>::normalized(std::size_t index) {
  const Node& node = graph_.nodes()[index];
  if (normalized_.key != index + 1) {
    const std::size_t held = evaluation_.held_samples();
    std::vector<T> theta(node.parameter_count, T{0});
    const ops::ScaleAndShiftOf<T> affine(node.attributes, entry_count(node.parameters[0].shape),
                                         theta.data());
    if (affine.scale != nullptr) {
      std::fill_n(affine.scale, entry_count(node.parameters[0].shape), T{1});
    }
    const std::span<const T> x = evaluation_.value(node.inputs[0]);
    x_hat_.resize(held * node.output_size);
    saved_.resize(held * node.storage.saved);
    scratch_.resize(node.storage.scratch + held * node.storage.scratch_per_sample);
    node.operation->passes<T>().forward(node, held, std::span(&x, 1), theta, Order::first,
                                        x_hat_.span(), saved_.span(), scratch_.span());
  }
  return sample_major(normalized_, index + 1, 1, node.output_size, graph_.layout(index + 1),
                      x_hat_.span());
}

template <typename T>
void LayerSamples<T>::inputs_of(const AffineMap& map, std::size_t first, std::size_t count,
                                std::span<T> rows) {
  const Node& node = graph_.nodes()[map.node];
  const std::size_t value = node.inputs[0];
  const std::size_t size = graph_.value_size(value);
  const T* const x =
      sample_major(input_, value + 1, 1, size, graph_.layout(value), evaluation_.value(value))
          .data() +
      first * size;
  const std::size_t width = map.inputs();
  if (map.first_input < map.width && node.operation->structure == Structure::dense) {
    for (std::size_t s = 0; s < count; ++s) {
      std::copy_n(x + s * size, map.width, rows.data() + s * width);
    }
  } else if (map.first_input < map.width) {
    const ops::Window window = ops::window_of("conv2d", node.attributes, node.input_shapes[0]);
    for (std::size_t s = 0; s < count; ++s) {
      add_patches(map, window, x + s * size, rows.data() + s * map.positions * width);
    }
  }
  if (map.last_input <= map.width) return;
  for (std::size_t t = 0; t < count * map.positions; ++t) rows[(t + 1) * width - 1] = T{1};
}

template <typename T>
void LayerSamples<T>::cotangents_of(const AffineMap& map, std::size_t j, std::size_t first,
                                    std::size_t count, std::span<T> rows) {
  const std::size_t size = graph_.nodes()[map.node].output_size;
  const std::size_t part = map.outputs * map.positions;
  const T* const bar = outputs_bar(map.node).data() + (j * n_ + first) * size + map.group * part;
  for (std::size_t s = 0; s < count; ++s) {
    transpose<T>(map.outputs, map.positions, bar + s * size, map.positions, rows.data() + s * part,
                 map.outputs);
  }
}

template <typename T>
void LayerSamples<T>::gradients_of(const ScaleAndShift& layer, std::size_t j, std::span<T> rows) {
  const std::size_t size = graph_.nodes()[layer.node].output_size;
  const std::size_t inner = size / layer.count;
  const T* const x_hat = normalized(layer.node).data();
  const T* const bar = outputs_bar(layer.node).data() + j * n_ * size;
  for (std::size_t s = 0; s < n_; ++s) {
    T* const row = rows.data() + s * layer.size();
    for (std::size_t c = 0; c < layer.count; ++c) {
      const std::size_t place = s * size + c * inner;
      T scale = 0;
      T shift = 0;
      for (std::size_t i = place; i < place + inner; ++i) {
        scale += bar[i] * x_hat[i];
        shift += bar[i];
      }
      if (layer.scale) row[c] = scale;
      if (layer.shift) row[layer.size() - layer.count + c] = shift;
    }
  }
}

template class LayerSamples<double>;
template class LayerSamples<float>;

}  // namespace eigenscape
