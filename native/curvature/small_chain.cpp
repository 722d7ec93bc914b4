#include "curvature/small_chain.hpp"

#include <algorithm>

#include "curvature/sample_rows.hpp"

namespace eigenscape {
namespace {

/// Samples that go through the recursion together, at most.
constexpr std::size_t kStretch = 128;
/// Scratch of one core, and parameters, at most. Measured on one core of a Zen 4 with others at
/// work, in ms of CPU time for a Hessian, this way / by tiles (dense_block.hpp), N = 100: M = 74
/// 0.12 / 0.39, M = 434 2.3 / 3.2, M = 893 4.8 / 10.3; M = 885 with N = 1,000 26 / 28.5. Beyond,
/// one matrix is work enough for many cores, and tiles keep within the cache.
constexpr std::size_t kScratchBytes = std::size_t{4} << 20;
constexpr std::size_t kParameters = 1024;

/// The dense layers; pointwise functions of the data, before the first of them, go to `before`.
std::vector<SmallChainLayer> layers_of(const Graph& graph, std::vector<const Node*>* before) {
  std::vector<SmallChainLayer> layers;
  for (const Node& node : graph.nodes()) {
    switch (node.operation->structure) {
      case Structure::dense: {
        const std::size_t d = node.input_shapes[0][0];
        const std::size_t h = node.output_size;
        const bool bias = node.parameter_count > d * h;
        layers.push_back(
            {d, h, d + (bias ? 1 : 0), node.parameter_offset, node.parameter_offset + d * h, {}});
        break;
      }
      case Structure::pointwise:
      case Structure::piecewise_linear:
        if (!layers.empty()) {
          layers.back().pointwise.push_back(&node);
        } else if (before != nullptr) {
          before->push_back(&node);
        }
        break;
      case Structure::reshape:
      case Structure::general:
      case Structure::convolution:
      case Structure::scale_and_shift:
        break;
    }
  }
  return layers;
}

std::size_t scratch_rows(const std::vector<SmallChainLayer>& layers) {
  const std::size_t widest = widest_layer(layers);
  std::size_t rows = 4 * widest + 5 * widest * widest + left_rows(layers);
  for (const SmallChainLayer& layer : layers)
    rows += layer.inputs + 3 * layer.h + layer.h * layer.h;
  return rows;
}

}  // namespace

std::size_t widest_layer(const std::vector<SmallChainLayer>& layers) {
  std::size_t widest = 0;
  for (const SmallChainLayer& layer : layers) widest = std::max({widest, layer.h, layer.inputs});
  return widest;
}

std::size_t left_rows(const std::vector<SmallChainLayer>& layers) {
  std::size_t rows = 0;
  for (std::size_t m = 0; m < layers.size(); ++m) {
    for (std::size_t l = 0; l <= m; ++l) {
      const std::size_t width = std::max(layers[m].inputs, layers[m].h);
      rows = std::max({rows, width * layers[l].inputs, layers[l].h * layers[l].inputs});
    }
  }
  return rows;
}

std::size_t block_entries(const std::vector<SmallChainLayer>& layers) {
  std::size_t largest = 0;
  for (const SmallChainLayer& layer : layers) largest = std::max(largest, layer.h * layer.inputs);
  return largest * largest;
}

template <typename T>
bool SmallChain<T>::holds(const Graph& graph, std::size_t samples) {
  if (!graph.is_dense_chain() || graph.parameter_count() > kParameters) return false;
  return scratch_rows(layers_of(graph, nullptr)) * std::min(samples, kStretch) * sizeof(T) <=
         kScratchBytes;
}

template <typename T>
SmallChain<T>::SmallChain(const Graph& graph, const Samples<T>& samples, const Control& control)
    : graph_(graph), samples_(samples), control_(control), layers_(layers_of(graph, &before_)) {
  const std::size_t count = samples.count;
  denominator_ = loss_denominator(graph.loss(), samples, {0, count});
  for (std::size_t n = 0; n < count; ++n) {
    if (samples.classes.empty() || samples.classes[n] >= 0) kept_weight_ += samples.weight(n);
  }
  const std::size_t stretches = (count + kStretch - 1) / kStretch;
  const std::size_t fair = (count + stretches - 1) / stretches;
  constexpr std::size_t kLine = sample_rows::kLine<T>;
  stretch_ = (fair + kLine - 1) / kLine * kLine;
  if (samples.inputs->resident_bytes() == 0) return;
  const std::size_t d = layers_.front().d;
  inputs_.resize(stretches * d * stretch_);
  RowBuffer<T> rows;
  // Rounding up may have left nothing for the last stretch.
  for (std::size_t first = 0; first < count; first += stretch_) {
    read_inputs(first, rows, inputs_.data() + first * d);
  }
}

template <typename T>
void SmallChain<T>::read_inputs(std::size_t first, RowBuffer<T>& rows, T* out) const {
  const std::size_t d = layers_.front().d;
  const std::size_t n = std::min(stretch_, samples_.count - first);
  const std::span<const T> x = samples_.inputs->rows({first, n}, rows, control_);
  for (std::size_t s = 0; s < stretch_; ++s) {
    const std::size_t sample = s < n ? s : 0;
    for (std::size_t j = 0; j < d; ++j) out[j * stretch_ + s] = x[sample * d + j];
  }
  if (before_.empty()) return;
  AlignedBuffer<T> y(d * stretch_);
  AlignedBuffer<T> saved(2 * d * stretch_);
  for (const Node* const node : before_) {
    apply_pointwise<T>(*node, stretch_, Order::value, {out, d * stretch_}, y.span(), saved.span());
    std::copy_n(y.data(), y.size(), out);
  }
}

template <typename T>
void SmallChain<T>::copy_inputs(std::size_t first, RowBuffer<T>& rows, T* out) const {
  const std::size_t size = layers_.front().d * stretch_;
  if (inputs_.size() == 0) return read_inputs(first, rows, out);
  std::copy_n(inputs_.data() + first / stretch_ * size, size, out);
}

template class SmallChain<double>;
template class SmallChain<float>;

}  // namespace eigenscape
