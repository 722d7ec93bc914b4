#include "curvature/dense_chain.hpp"

#include <algorithm>
#include <cmath>

#include "curvature/chain_hessians.hpp"
#include "curvature/chain_reduction.hpp"
#include "linalg/blas.hpp"

namespace eigenscape {
namespace {

using blas::Form;
using blas::gemm;

/// Samples that one thread carries through the recursion at once, at most; fewer where layers are
/// wide, so that its scratch stays within kScratchBytes.
constexpr std::size_t kSamplesAtOnce = 32;
constexpr std::size_t kScratchBytes = std::size_t{32} << 20;

/// Entries of Scratch that one sample takes: 𝓗 of every layer, and four arrays of the widest pair.
std::size_t scratch_entries(const std::vector<ChainLayer>& layers) {
  std::size_t entries = 0;
  std::size_t widest = 0;
  for (const ChainLayer& layer : layers) {
    entries += layer.h * layer.h;
    widest = std::max(widest, layer.h);
  }
  return entries + 4 * widest * widest;
}

/// Whether the matrix has a block of the layers m and l.
bool chosen(const std::vector<ChainLayer>& layers, std::size_t m, std::size_t l) {
  return layers[m].chosen() && layers[l].chosen();
}

/// out [rows, n_all] at column `first` ← x [n, rows]
template <typename T>
void store_transposed(std::size_t n, std::size_t rows, const T* x, std::size_t n_all,
                      std::size_t first, T* out) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t s = 0; s < n; ++s) out[r * n_all + first + s] = x[s * rows + r];
  }
}

/// ‖·‖_F of each of n samples' arrays of `size` entries.
template <typename T>
std::vector<double> sample_norms(std::size_t n, std::size_t size, const T* x) {
  std::vector<double> norms(n);
  for (std::size_t s = 0; s < n; ++s) {
    double sum = 0;
    for (std::size_t i = 0; i < size; ++i) {
      sum += static_cast<double>(x[s * size + i]) * static_cast<double>(x[s * size + i]);
    }
    norms[s] = std::sqrt(sum);
  }
  return norms;
}

/// What one thread computes a group of samples with.
template <typename T>
struct ColumnScratch : ChainScratch<T> {
  using ChainScratch<T>::ChainScratch;
  ProjectionScratch projection;
  // Of a reduction, for each layer:
  std::vector<AlignedBuffer<T>> projected;  // a' [n, d]
  std::vector<AlignedBuffer<T>> delta;      // δ' [n, h]
};

/// Inputs [n, d], δ [n, h] and weights [h, units of the layer before] of layer m, reduced where the
/// layers are.
template <typename T>
std::span<const T> inputs_of(const Graph& graph, const std::vector<ChainLayer>& layers,
                             std::size_t m, const ColumnScratch<T>& scratch) {
  if (!scratch.projected.empty()) return scratch.projected[m].span();
  return scratch.evaluation.value(graph.nodes()[layers[m].node].inputs[0]);
}
template <typename T>
std::span<const T> delta_of(const std::vector<ChainLayer>& layers, std::size_t m,
                            const ColumnScratch<T>& scratch) {
  if (!scratch.delta.empty()) return scratch.delta[m].span();
  return scratch.evaluation.adjoint_of(layers[m].node + 1);
}
template <typename T>
std::span<const T> weights_of(const Operator<T>& matrix, const std::vector<ChainLayer>& layers,
                              std::size_t m, const ChainReduction<T>* reduction) {
  return reduction != nullptr ? reduction->weights(m) : chain_weights(matrix, layers[m]);
}

/// Adds ‖a_{l-1}‖ (‖a_{m-1}‖ ‖E‖ + ‖δ_m‖ ‖F‖) of one block to the magnitude of each sample.
template <typename T>
void add_magnitudes(const Graph& graph, const std::vector<ChainLayer>& layers, std::size_t m,
                    std::size_t l, std::size_t n, std::size_t first, const T* e,
                    const ColumnScratch<T>& scratch, ChainValues<T>& values) {
  const auto input_norms = [&](std::size_t index) {
    const ChainLayer& layer = layers[index];
    const std::size_t width = layer.first_input == 0 ? layer.d : 0;
    std::vector<double> norms =
        sample_norms(n, width, inputs_of(graph, layers, index, scratch).data());
    if (layer.last_input <= layer.d) return norms;
    for (double& norm : norms) norm = std::hypot(norm, 1);
    return norms;
  };
  const std::vector<double> a_l = input_norms(l);
  const std::vector<double> a_m = input_norms(m);
  const std::size_t h_m = layers[m].h;
  std::vector<double> e_norms(n, 0.0);
  if (e != nullptr) e_norms = sample_norms(n, layers[l].h * h_m, e);
  std::vector<double> delta(n, 0.0);
  std::vector<double> feed(n, 0.0);
  if (m > l && !values.delta.empty()) {
    delta = sample_norms(n, h_m, delta_of(layers, m, scratch).data());
    feed = sample_norms(n, layers[l].h * layers[m - 1].h, scratch.feed.data());
  }
  for (std::size_t s = 0; s < n; ++s) {
    const double block = a_l[s] * (a_m[s] * e_norms[s] + delta[s] * feed[s]);
    values.magnitude[first + s] += m == l ? block : 2 * block;
  }
}

/// E_{m,l}, F_{m,l} of every pair with this l, which is chosen, for one group of samples.
template <typename T>
void compute_column(const Operator<T>& matrix, const std::vector<ChainLayer>& layers,
                    const ChainReduction<T>* reduction, std::size_t l, std::size_t n,
                    std::size_t first, ColumnScratch<T>& scratch, ChainValues<T>& values) {
  const std::size_t h_l = layers[l].h;
  if (values.curved) {
    store_transposed(n, h_l * h_l, scratch.hessian[l].data(), values.n, first,
                     values.e[pair_index(l, l)].data());
    add_magnitudes(matrix.graph(), layers, l, l, n, first, scratch.hessian[l].data(), scratch,
                   values);
  }
  std::size_t end = layers.size();
  while (!layers[end - 1].chosen()) --end;
  for (std::size_t m = l + 1; m < end; ++m) {
    const std::size_t h_m = layers[m].h;
    const std::size_t below = layers[m - 1].h;
    const T* const slope = scratch.slope[m - 1].data();
    scratch.feed.resize(n * h_l * below);
    if (m == l + 1) {  // F = D_l
      scratch.feed.zero();
      for (std::size_t s = 0; s < n; ++s) {
        for (std::size_t p = 0; p < h_l; ++p) {
          scratch.feed[(s * h_l + p) * h_l + p] = slope[s * h_l + p];
        }
      }
    } else {
      for (std::size_t row = 0; row < n * h_l; ++row) {
        for (std::size_t j = 0; j < below; ++j) {
          scratch.feed[row * below + j] =
              scratch.jacobian[row * below + j] * slope[row / h_l * below + j];
        }
      }
      if (!values.delta.empty() && layers[m].chosen()) {
        store_transposed(n, h_l * below, scratch.feed.data(), values.n, first,
                         values.f[pair_index(m, l)].data());
      }
    }
    scratch.jacobian.resize(n * h_l * h_m);
    gemm<T>(Form::plain, Form::transposed, n * h_l, h_m, below, 1, scratch.feed.data(), below,
            weights_of(matrix, layers, m, reduction).data(), below, 0, scratch.jacobian.data(),
            h_m);
    if (!layers[m].chosen()) continue;
    if (!values.curved) {
      add_magnitudes<T>(matrix.graph(), layers, m, l, n, first, nullptr, scratch, values);
      continue;
    }
    scratch.e.resize(n * h_l * h_m);
    for (std::size_t s = 0; s < n; ++s) {
      gemm<T>(Form::plain, Form::plain, h_l, h_m, h_m, 1, scratch.jacobian.data() + s * h_l * h_m,
              h_m, scratch.hessian[m].data() + s * h_m * h_m, h_m, 0,
              scratch.e.data() + s * h_l * h_m, h_m);
    }
    store_transposed(n, h_l * h_m, scratch.e.data(), values.n, first,
                     values.e[pair_index(m, l)].data());
    add_magnitudes(matrix.graph(), layers, m, l, n, first, scratch.e.data(), scratch, values);
  }
}

/// a, D, δ and the active units of every layer, for one group of samples.
template <typename T>
void store_layers(const Graph& graph, const std::vector<ChainLayer>& layers, std::size_t n,
                  std::size_t first, ColumnScratch<T>& scratch, ChainValues<T>& values) {
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const ChainLayer& layer = layers[l];
    T* const a = values.a[l].data();
    store_transposed(n, layer.d, inputs_of(graph, layers, l, scratch).data(), values.n, first, a);
    std::fill_n(a + layer.d * values.n + first, n, T{1});
    store_transposed(n, layer.h, scratch.slope[l].data(), values.n, first, values.slope[l].data());
    for (std::size_t i = 0; i < layer.h; ++i) {
      for (std::size_t s = 0; s < n; ++s) {
        const bool curved =
            scratch.curvature[l].size() > 0 && scratch.curvature[l][s * layer.h + i] != T{0};
        values.active[l][i * values.n + first + s] =
            scratch.slope[l][s * layer.h + i] != T{0} || curved ? 1 : 0;
      }
    }
    if (values.delta.empty()) continue;
    store_transposed(n, layer.h, delta_of(layers, l, scratch).data(), values.n, first,
                     values.delta[l].data());
  }
}

/// The group's values in the bases of the reduction.
template <typename T>
void reduce_group(const Operator<T>& matrix, const std::vector<ChainLayer>& layers,
                  const ChainReduction<T>& reduction, std::size_t n, ColumnScratch<T>& scratch,
                  const ChainValues<T>& values) {
  scratch.projected.resize(layers.size());
  scratch.delta.resize(values.delta.empty() ? 0 : layers.size());
  for (std::size_t m = 0; m < layers.size(); ++m) {
    const ChainLayer& layer = layers[m];
    const std::size_t input = matrix.graph().nodes()[layer.node].inputs[0];
    scratch.projected[m].resize(n * layer.d);
    reduction.project_inputs(m, n, scratch.evaluation.value(input), scratch.projection,
                             scratch.projected[m].span());
    reduction.keep_units(m, n, scratch.slope[m].span());
    if (scratch.curvature[m].size() > 0) {
      reduction.keep_units(m, n, scratch.curvature[m].span());
    }
    if (values.curved && scratch.hessian[m].size() > 0) {
      reduction.keep_hessians(m, n, scratch.hessian[m].span());
    }
    if (values.delta.empty()) continue;
    scratch.delta[m].resize(n * layer.h);
    reduction.keep_delta(m, n, scratch.evaluation.adjoint_of(layer.node + 1),
                         scratch.delta[m].span());
  }
}

template <typename T>
void shape_values(const std::vector<ChainLayer>& layers, std::size_t n, bool residual, bool curved,
                  ChainValues<T>& values) {
  const std::size_t count = layers.size();
  values.n = n;
  values.curved = curved;
  values.magnitude.assign(n, 0.0);
  values.a.resize(count);
  values.slope.resize(count);
  values.active.resize(count);
  values.delta.resize(residual ? count : 0);
  values.e.resize(pair_index(count, 0));
  values.f.resize(pair_index(count, 0));
  for (std::size_t m = 0; m < count; ++m) {
    values.a[m].resize((layers[m].d + 1) * n);
    values.slope[m].resize(layers[m].h * n);
    values.active[m].resize(layers[m].h * n);
    if (residual) values.delta[m].resize(layers[m].h * n);
    for (std::size_t l = 0; l <= m; ++l) {
      if (!chosen(layers, m, l)) continue;
      if (curved) values.e[pair_index(m, l)].resize(layers[l].h * layers[m].h * n);
      if (residual && m >= l + 2) {
        values.f[pair_index(m, l)].resize(layers[l].h * layers[m - 1].h * n);
      }
    }
  }
}

ChainLayer chain_layer(std::size_t index, std::size_t d, const Node& node,
                       const ParameterSelection& selection) {
  ChainLayer layer;
  layer.node = index;
  layer.d = d;
  layer.h = node.output_size;
  layer.weight_offset = node.parameter_offset;
  const std::size_t bias_offset = node.parameter_offset + d * layer.h;
  const ParameterRun* const weight = selection.find(layer.weight_offset);
  const bool has_bias = node.parameter_count > d * layer.h;
  const ParameterRun* const bias = has_bias ? selection.find(bias_offset) : nullptr;
  layer.first_input = weight != nullptr ? 0 : d;
  layer.last_input = bias != nullptr ? d + 1 : d;
  if (weight != nullptr) layer.weight_row = weight->row + layer.weight_offset - weight->first;
  if (bias != nullptr) layer.bias_row = bias->row + bias_offset - bias->first;
  return layer;
}

}  // namespace

std::vector<ChainLayer> chain_layers(const Graph& graph, const ParameterSelection& selection) {
  std::vector<ChainLayer> layers;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    switch (node.operation->structure) {
      case Structure::dense: {
        const std::size_t d = node.input_shapes[0][0];
        layers.push_back(chain_layer(i, d, node, selection));
        break;
      }
      case Structure::pointwise:
      case Structure::piecewise_linear:
        if (!layers.empty()) layers.back().pointwise.push_back(i);
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

std::size_t chain_entries_per_sample(const std::vector<ChainLayer>& layers) {
  std::size_t entries = 0;
  for (std::size_t m = 0; m < layers.size(); ++m) {
    entries += layers[m].d + 3 * layers[m].h;
    for (std::size_t l = 0; l <= m; ++l) {
      if (!chosen(layers, m, l)) continue;
      entries += layers[l].h * (layers[m].h + (m >= l + 2 ? layers[m - 1].h : 0));
    }
  }
  return entries;
}

std::size_t chain_samples_at_once(const std::vector<ChainLayer>& layers, std::size_t entry_bytes) {
  const std::size_t fitting = kScratchBytes / (scratch_entries(layers) * entry_bytes);
  return std::clamp<std::size_t>(fitting, 1, kSamplesAtOnce);
}

std::size_t chain_scratch_bytes(const std::vector<ChainLayer>& layers, std::size_t entry_bytes) {
  return chain_samples_at_once(layers, entry_bytes) * scratch_entries(layers) * entry_bytes;
}

template <typename T>
void compute_chain_values(const Operator<T>& matrix, const std::vector<ChainLayer>& layers,
                          const ChainReduction<T>* reduction, std::size_t first, std::size_t count,
                          ChainValues<T>& values, const Control& control) {
  const Graph& graph = matrix.graph();
  const std::vector<ChainLayer> whole = chain_layers(graph, matrix.selection());
  const bool residual = keeps_residual(matrix.term());
  values.first_sample = first;
  shape_values(layers, count, residual, is_curved(matrix, layers), values);
  Workspaces<ColumnScratch<T>> workspaces;
  const std::size_t at_once = chain_samples_at_once(whole, sizeof(T));
  const std::size_t groups = (count + at_once - 1) / at_once;
  parallel_for(control, groups, [&](std::size_t group) {
    auto scratch = workspaces.take([&] { return std::make_unique<ColumnScratch<T>>(graph); });
    const std::size_t start = group * at_once;
    const std::size_t n = std::min(at_once, count - start);
    evaluate_chain(matrix, whole, {first + start, n}, values.curved, *scratch, control);
    if (reduction != nullptr) reduce_group(matrix, layers, *reduction, n, *scratch, values);
    store_layers(graph, layers, n, start, *scratch, values);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      if (!layers[l].chosen()) continue;
      compute_column(matrix, layers, reduction, l, n, start, *scratch, values);
    }
    workspaces.give_back(std::move(scratch));
  });
}

template void compute_chain_values<double>(const Operator<double>&, const std::vector<ChainLayer>&,
                                           const ChainReduction<double>*, std::size_t, std::size_t,
                                           ChainValues<double>&, const Control&);
template void compute_chain_values<float>(const Operator<float>&, const std::vector<ChainLayer>&,
                                          const ChainReduction<float>*, std::size_t, std::size_t,
                                          ChainValues<float>&, const Control&);

}  // namespace eigenscape
