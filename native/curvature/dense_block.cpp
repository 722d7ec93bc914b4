#include "curvature/dense_block.hpp"

#include <algorithm>

#include "core/instruction_sets.hpp"
#include "linalg/blas.hpp"

namespace eigenscape {
namespace {

using blas::Form;
using blas::gemm;

/// x[n] = a[n] · e[n]
EIGENSCAPE_INSTRUCTION_SETS
void multiply(std::size_t n, const double* a, const double* e, double* x) {
  for (std::size_t s = 0; s < n; ++s) x[s] = a[s] * e[s];
}
EIGENSCAPE_INSTRUCTION_SETS
void multiply(std::size_t n, const float* a, const float* e, float* x) {
  for (std::size_t s = 0; s < n; ++s) x[s] = a[s] * e[s];
}

/// x[n] = a[n] · e[n] + delta[n] · f[n]
EIGENSCAPE_INSTRUCTION_SETS
void multiply_two(std::size_t n, const double* a, const double* e, const double* delta,
                  const double* f, double* x) {
  for (std::size_t s = 0; s < n; ++s) x[s] = a[s] * e[s] + delta[s] * f[s];
}
EIGENSCAPE_INSTRUCTION_SETS
void multiply_two(std::size_t n, const float* a, const float* e, const float* delta, const float* f,
                  float* x) {
  for (std::size_t s = 0; s < n; ++s) x[s] = a[s] * e[s] + delta[s] * f[s];
}

/// out [rows, samples] ← the listed columns of x [rows, stride]
template <typename T>
void gather(std::size_t rows, std::size_t stride, const T* x, std::span<const std::size_t> samples,
            AlignedBuffer<T>& out) {
  const std::size_t n = samples.size();
  out.resize(rows * n);
  const bool all = n == stride;
  for (std::size_t r = 0; r < rows; ++r) {
    const T* const from = x + r * stride;
    T* const to = out.data() + r * n;
    if (all) {
      std::copy_n(from, n, to);
    } else {
      for (std::size_t s = 0; s < n; ++s) to[s] = from[samples[s]];
    }
  }
}

/// Where the rows (i, j) of X go: j in strips of `strip` inputs, within a strip unit by unit, so
/// that the rows of all later strips are one run.
struct RowOrder {
  std::size_t units;
  std::size_t inputs;  // of layer m
  std::size_t strip;

  [[nodiscard]] std::size_t strip_start(std::size_t j) const { return j / strip * strip; }
  [[nodiscard]] std::size_t row(std::size_t i, std::size_t j) const {
    const std::size_t start = strip_start(j);
    const std::size_t width = std::min(strip, inputs - start);
    return start * units + i * width + (j - start);
  }
};

template <typename T>
struct TileSetting {
  const ChainLayer& row_layer;
  const ChainLayer& column_layer;
  const DenseTile& tile;
  RowOrder order;
  bool diagonal;      // m = l: symmetric in (j, q), so only strips of rows j ≥ q are computed
  bool has_first;     // the product with E
  bool has_second;    // the product with δ
  bool feeds_self;    // m = l + 1, where F_{m,l}[p, j] is D_l[p] at j = p and 0 elsewhere
  std::size_t below;  // units of layer m − 1
};

/// Columns of the samples in use: everything that X and the product read. Tiles of one strip follow
/// one another, so what depends on (m, l, p) alone is often there already.
template <typename T>
void gather_values(const TileSetting<T>& setting, const ChainValues<T>& values,
                   DenseTileScratch<T>& scratch) {
  const auto [m, l, p, first, last] = setting.tile;
  const std::size_t n = values.n;
  const std::size_t units = last - first;
  const StripKey strip{values.first_sample, m, l, p};
  const bool known = scratch.strip == strip;
  if (!known) {
    scratch.samples.clear();
    const unsigned char* const active = values.active[l].data() + p * n;
    for (std::size_t s = 0; s < n; ++s) {
      if (active[s] != 0) scratch.samples.push_back(s);
    }
    const ChainLayer& columns = setting.column_layer;
    const ChainLayer& rows = setting.row_layer;
    gather<T>(columns.inputs(), n, values.a[l].data() + columns.first_input * n, scratch.samples,
              scratch.a_l);
    gather<T>(rows.inputs(), n, values.a[m].data() + rows.first_input * n, scratch.samples,
              scratch.a_m);
    scratch.strip = strip;
  }
  const std::span<const std::size_t> samples = scratch.samples;
  if (setting.has_first) {
    const T* const e = values.e[pair_index(m, l)].data() + (p * setting.row_layer.h + first) * n;
    gather(units, n, e, samples, scratch.e);
  }
  if (!setting.has_second) return;
  gather(units, n, values.delta[m].data() + first * n, samples, scratch.delta);
  if (known) return;
  if (setting.feeds_self) {
    gather(1, n, values.slope[l].data() + p * n, samples, scratch.f);
  } else {
    const std::size_t below = setting.below;
    gather(below, n, values.f[pair_index(m, l)].data() + p * below * n, samples, scratch.f);
  }
}

/// X for the samples [start, start + count) of the gathered ones.
template <typename T>
void form_x(const TileSetting<T>& setting, std::size_t all, std::size_t start, std::size_t count,
            DenseTileScratch<T>& scratch) {
  const RowOrder& order = setting.order;
  for (std::size_t i = 0; i < order.units; ++i) {
    const T* const e = scratch.e.data() + i * all + start;
    const T* const delta = scratch.delta.data() + i * all + start;
    for (std::size_t j = 0; j < order.inputs; ++j) {
      const T* const a = scratch.a_m.data() + j * all + start;
      T* const x = scratch.x.data() + order.row(i, j) * count;
      const std::size_t source = setting.row_layer.source(setting.row_layer.first_input + j);
      const bool fed = setting.has_second && source != ChainLayer::kNone &&
                       (!setting.feeds_self || source == setting.tile.p);
      const T* const f =
          fed ? scratch.f.data() + (setting.feeds_self ? 0 : source * all) + start : nullptr;
      if (setting.has_first && fed) {
        multiply_two(count, a, e, delta, f, x);
      } else if (setting.has_first) {
        multiply(count, a, e, x);
      } else if (fed) {
        multiply(count, delta, f, x);
      } else {
        std::fill_n(x, count, T{0});
      }
    }
  }
}

/// tile += X a_lᵀ; in a diagonal block for each strip of columns q only the rows of strips j ≥ q.
template <typename T>
void multiply_tile(const TileSetting<T>& setting, std::size_t all, std::size_t start,
                   std::size_t count, T beta, DenseTileScratch<T>& scratch) {
  const RowOrder& order = setting.order;
  const std::size_t columns = setting.column_layer.inputs();
  const std::size_t rows = order.units * order.inputs;
  if (!setting.diagonal) {
    gemm<T>(Form::plain, Form::transposed, rows, columns, count, 1, scratch.x.data(), count,
            scratch.a_l.data() + start, all, beta, scratch.tile.data(), columns);
    return;
  }
  for (std::size_t q = 0; q < columns; q += order.strip) {
    const std::size_t skipped = q * order.units;
    gemm<T>(Form::plain, Form::transposed, rows - skipped, std::min(order.strip, columns - q),
            count, 1, scratch.x.data() + skipped * count, count,
            scratch.a_l.data() + q * all + start, all, beta,
            scratch.tile.data() + skipped * columns + q, columns);
  }
}

/// In a diagonal block, entries (j, q) above the computed strips are those of (q, j).
template <typename T>
void mirror_tile(const TileSetting<T>& setting, AlignedBuffer<T>& tile) {
  const RowOrder& order = setting.order;
  for (std::size_t i = 0; i < order.units; ++i) {
    for (std::size_t j = 0; j < order.inputs; ++j) {
      for (std::size_t q = j + 1; q < order.inputs; ++q) {
        tile[order.row(i, j) * order.inputs + q] = tile[order.row(i, q) * order.inputs + j];
      }
    }
  }
}

/// Row of the parameter (unit, j) in the matrix, for the j-th of the layer's inputs in it.
inline std::size_t row_of(const ChainLayer& layer, std::size_t unit, std::size_t j) {
  const std::size_t input = layer.first_input + j;
  return input == layer.d ? layer.bias_row + unit : layer.weight_row + unit * layer.d + input;
}

template <typename T>
inline void put(T value, bool overwrite, T* target) {
  *target = overwrite ? value : *target + value;
}

/// Writes the tile into the matrix, and its mirror image: runs of neighbours both times.
template <typename T>
void scatter_tile(const TileSetting<T>& setting, bool overwrite, std::size_t matrix_size,
                  const AlignedBuffer<T>& tile, std::span<T> matrix) {
  const ChainLayer& rows = setting.row_layer;
  const ChainLayer& columns = setting.column_layer;
  const std::size_t p = setting.tile.p;
  const std::size_t inputs = rows.inputs();
  const std::size_t width = columns.inputs();
  for (std::size_t i = 0; i < setting.order.units; ++i) {
    const std::size_t unit = setting.tile.first + i;
    for (std::size_t j = 0; j < inputs; ++j) {
      const T* const from = tile.data() + setting.order.row(i, j) * width;
      T* const to = matrix.data() + row_of(rows, unit, j) * matrix_size;
      for (std::size_t q = 0; q < width; ++q) {
        put(from[q], overwrite, to + row_of(columns, p, q));
      }
    }
    if (setting.diagonal && unit == p) continue;  // its own mirror image
    for (std::size_t q = 0; q < width; ++q) {
      T* const to = matrix.data() + row_of(columns, p, q) * matrix_size;
      for (std::size_t j = 0; j < inputs; ++j) {
        put(tile[setting.order.row(i, j) * width + q], overwrite, to + row_of(rows, unit, j));
      }
    }
  }
}

}  // namespace

std::vector<DenseTile> dense_tiles(const std::vector<ChainLayer>& layers, std::size_t entry_bytes,
                                   const DenseBlockTuning& tuning) {
  std::vector<DenseTile> tiles;
  for (std::size_t m = 0; m < layers.size(); ++m) {
    if (!layers[m].chosen()) continue;
    const std::size_t unit_bytes = layers[m].inputs() * tuning.samples * entry_bytes;
    const std::size_t units = std::max<std::size_t>(1, tuning.tile_bytes / unit_bytes);
    for (std::size_t l = 0; l <= m; ++l) {
      if (!layers[l].chosen()) continue;
      for (std::size_t p = 0; p < layers[l].h; ++p) {
        for (std::size_t first = m == l ? p : 0; first < layers[m].h; first += units) {
          tiles.push_back({m, l, p, first, std::min(first + units, layers[m].h)});
        }
      }
    }
  }
  return tiles;
}

template <typename T>
void add_dense_tile(const std::vector<ChainLayer>& layers, const ChainValues<T>& values,
                    const DenseTile& tile, const DenseBlockTuning& tuning, bool overwrite,
                    std::size_t matrix_size, DenseTileScratch<T>& scratch, std::span<T> matrix) {
  const ChainLayer& row_layer = layers[tile.m];
  const ChainLayer& column_layer = layers[tile.l];
  const bool diagonal = tile.m == tile.l;
  const std::size_t inputs = row_layer.inputs();
  const TileSetting<T> setting{row_layer,
                               column_layer,
                               tile,
                               {tile.last - tile.first, inputs, diagonal ? tuning.columns : inputs},
                               diagonal,
                               values.curved,
                               !diagonal && !values.delta.empty(),
                               tile.m == tile.l + 1,
                               tile.m == 0 ? 0 : layers[tile.m - 1].h};
  gather_values(setting, values, scratch);
  const std::size_t all = scratch.samples.size();
  const std::size_t rows = setting.order.units * inputs;
  scratch.tile.resize(rows * column_layer.inputs());
  if (all == 0 || (!setting.has_first && !setting.has_second)) {
    scratch.tile.zero();
  } else {
    scratch.x.resize(rows * std::min(all, tuning.samples));
    for (std::size_t start = 0; start < all; start += tuning.samples) {
      const std::size_t count = std::min(tuning.samples, all - start);
      form_x(setting, all, start, count, scratch);
      multiply_tile(setting, all, start, count, start == 0 ? T{0} : T{1}, scratch);
    }
    if (diagonal) mirror_tile(setting, scratch.tile);
  }
  scatter_tile(setting, overwrite, matrix_size, scratch.tile, matrix);
}

template void add_dense_tile<double>(const std::vector<ChainLayer>&, const ChainValues<double>&,
                                     const DenseTile&, const DenseBlockTuning&, bool, std::size_t,
                                     DenseTileScratch<double>&, std::span<double>);
template void add_dense_tile<float>(const std::vector<ChainLayer>&, const ChainValues<float>&,
                                    const DenseTile&, const DenseBlockTuning&, bool, std::size_t,
                                    DenseTileScratch<float>&, std::span<float>);

}  // namespace eigenscape
