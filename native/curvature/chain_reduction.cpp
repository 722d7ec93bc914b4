#include "curvature/chain_reduction.hpp"

#include <algorithm>
#include <numeric>

#include "linalg/blas.hpp"

namespace eigenscape {
namespace {

using blas::Form;
using blas::gemm;

const ReducedMap* map_of(const Reduction& reduction, std::size_t node) {
  for (const ReducedMap& map : reduction.maps()) {
    if (map.map.node == node) return &map;
  }
  return nullptr;
}

/// For each input of the reduced layer, the unit of the layer before that it comes from.
std::vector<std::size_t> sources_of(const ReducedMap& map, const std::vector<std::size_t>& below) {
  std::vector<std::size_t> sources;
  for (const std::size_t j : map.moving) {
    const std::size_t input = map.map.first_input + j;
    const auto at = std::ranges::lower_bound(below, input);
    const bool kept = input < map.map.width && at != below.end() && *at == input;
    sources.push_back(kept ? static_cast<std::size_t>(at - below.begin()) : ChainLayer::kNone);
  }
  if (map.basis) sources.resize(map.inputs(), ChainLayer::kNone);
  return sources;
}

}  // namespace

template <typename T>
ChainReduction<T>::ChainReduction(const Operator<T>& matrix, const Reduction& reduction)
    : reduction_(reduction), layers_(chain_layers(matrix.graph(), matrix.selection())) {
  const std::vector<ChainLayer> whole = layers_;
  for (ChainLayer& layer : layers_) {
    Layer full{map_of(reduction, layer.node), layer.d, layer.h, {}, false};
    if (full.map != nullptr) {
      full.units = full.map->units;
      full.contracted = full.map->contracted;
      layer.sources = full_.empty() ? std::vector(full.map->inputs(), ChainLayer::kNone)
                                    : sources_of(*full.map, full_.back().units);
      layer.weight_row = full.map->row;
      layer.h = full.map->outputs();
      layer.first_input = 0;
      layer.last_input = layer.d = full.map->inputs();
    } else {
      full.units.resize(layer.h);
      std::iota(full.units.begin(), full.units.end(), std::size_t{0});
      layer.d = layer.first_input = layer.last_input = 0;
      layer.sources.clear();
    }
    full_.push_back(std::move(full));
  }
  for (std::size_t m = 0; m < layers_.size(); ++m) {
    weights_.push_back(m == 0 ? std::vector<T>{} : weights_of(matrix, m, whole[m]));
  }
}

template <typename T>
std::vector<T> ChainReduction<T>::weights_of(const Operator<T>& matrix, std::size_t m,
                                             const ChainLayer& full) const {
  const std::vector<std::size_t>& below = full_[m - 1].units;
  const std::span<const T> w = matrix.theta().subspan(full.weight_offset, full.h * full.d);
  std::vector<T> kept;
  for (const std::size_t i : full_[m].units) {
    for (const std::size_t j : below) kept.push_back(w[i * full.d + j]);
  }
  if (!full_[m].contracted) return kept;
  for (std::size_t j = 0; j < below.size(); ++j) reflect(full.h, below.size(), kept.data() + j);
  kept.resize(layers_[m].h * below.size());
  return kept;
}

template <typename T>
void ChainReduction<T>::project_inputs(std::size_t m, std::size_t n, std::span<const T> x,
                                       ProjectionScratch& scratch, std::span<T> out) const {
  const ReducedMap* const map = full_[m].map;
  if (map == nullptr) return;
  const std::size_t d = full_[m].d;
  const std::size_t width = layers_[m].d;
  const auto input_of = [&](std::size_t s, std::size_t j) {
    const std::size_t input = map->map.first_input + j;
    return input == d ? T{1} : x[s * d + input];
  };
  for (std::size_t s = 0; s < n; ++s) {
    T* const to = out.data() + s * width;
    for (std::size_t k = 0; k < map->moving.size(); ++k) to[k] = input_of(s, map->moving[k]);
  }
  if (!map->basis) return;
  const RowBasis& basis = *map->basis;
  const std::size_t moving = map->moving.size();
  if (basis.vectors.empty()) {
    for (std::size_t s = 0; s < n; ++s) {
      for (std::size_t k = 0; k < basis.rank; ++k) {
        out[s * width + moving + k] = input_of(s, map->fixed[basis.columns[k]]);
      }
    }
    return;
  }
  scratch.inputs.resize(n * basis.width);
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t k = 0; k < basis.width; ++k) {
      scratch.inputs[s * basis.width + k] = static_cast<double>(input_of(s, map->fixed[k]));
    }
  }
  scratch.projected.resize(n * basis.rank);
  gemm<double>(Form::plain, Form::plain, n, basis.rank, basis.width, 1, scratch.inputs.data(),
               basis.width, basis.vectors.data(), basis.rank, 0, scratch.projected.data(),
               basis.rank);
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t k = 0; k < basis.rank; ++k) {
      out[s * width + moving + k] = static_cast<T>(scratch.projected[s * basis.rank + k]);
    }
  }
}

template <typename T>
void ChainReduction<T>::keep_units(std::size_t m, std::size_t n, std::span<T> values) const {
  const auto& [map, d, h, units, contracted] = full_[m];
  if (layers_[m].h == h) return;
  // A contracted layer has no pointwise functions: its D is all ones.
  const std::size_t kept = layers_[m].h;
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t u = 0; u < kept; ++u) values[s * kept + u] = values[s * h + units[u]];
  }
}

template <typename T>
void ChainReduction<T>::keep_hessians(std::size_t m, std::size_t n, std::span<T> hessians) const {
  const auto& [map, d, h, units, contracted] = full_[m];
  const std::size_t kept = layers_[m].h;
  if (kept == h) return;
  for (std::size_t s = 0; s < n; ++s) {
    T* const from = hessians.data() + s * h * h;
    // Never ahead of what is still to be read.
    T* const to = hessians.data() + s * kept * kept;
    if (contracted) {
      for (std::size_t j = 0; j < h; ++j) reflect(h, h, from + j);
      for (std::size_t i = 0; i < h; ++i) reflect(h, 1, from + i * h);
      // Both triangles were rounded in their own way.
      for (std::size_t i = 0; i < kept; ++i) {
        for (std::size_t j = 0; j < i; ++j) {
          from[i * h + j] = from[j * h + i] = (from[i * h + j] + from[j * h + i]) / 2;
        }
      }
    }
    for (std::size_t i = 0; i < kept; ++i) {
      for (std::size_t j = 0; j < kept; ++j) to[i * kept + j] = from[units[i] * h + units[j]];
    }
  }
}

template <typename T>
void ChainReduction<T>::keep_delta(std::size_t m, std::size_t n, std::span<const T> delta,
                                   std::span<T> out) const {
  const auto& [map, d, h, units, contracted] = full_[m];
  const std::size_t kept = layers_[m].h;
  std::vector<T> row(h);
  for (std::size_t s = 0; s < n; ++s) {
    std::copy_n(delta.data() + s * h, h, row.data());
    if (contracted) reflect(h, 1, row.data());
    for (std::size_t u = 0; u < kept; ++u) out[s * kept + u] = row[units[u]];
  }
}

template class ChainReduction<double>;
template class ChainReduction<float>;

}  // namespace eigenscape
