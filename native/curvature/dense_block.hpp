// One strip of a dense curvature matrix: the second derivatives of the parameters of layer m with
// those of one unit p of layer l ≤ m,
//
//   ∂²L / ∂W_m[i,j] ∂W_l[p,q] = Σ_n X[(i,j), n] · a_{l-1}[q, n]
//   X[(i,j), n] = a_{m-1}[j, n] · E_{m,l}[p, i, n] + δ_m[i, n] · F_{m,l}[p, j, n]
//
// (for l = m the first product alone). Biases are the weights of an input that is always 1; as
// such they come last in j and q, and their F is 0. Of a diagonal block of the matrix, j and q are
// the inputs whose weights are in it. Samples in which unit p has no derivative are
// left out. A strip is cut into tiles of units i, so that X stays in cache.
#pragma once

#include <optional>
#include <span>

#include "curvature/dense_chain.hpp"

namespace eigenscape {

/// Choices of the strip. Measured on one Zen 4 core with OpenBLAS 0.3.21, 100-30-30-10, N = 1,000,
/// float64, ReLU / tanh, in ms: 317 / 547 as they stand.
struct DenseBlockTuning {
  std::size_t samples = 320;        // per BLAS call; 256: 343 / 551, 512: 327 / 536
  std::size_t tile_bytes = 786432;  // of X; half: 332 / 544, double: 356 / 551
  std::size_t columns = 32;  // per product of a diagonal block; 24: 313 / 537, all 101: 340 / 590
};

/// One tile: units [first, last) of layer m against unit p of layer l.
struct DenseTile {
  std::size_t m;
  std::size_t l;
  std::size_t p;
  std::size_t first;
  std::size_t last;
};

/// All tiles of the lower block triangle of the chosen layers, in the order in which they are
/// worked on.
std::vector<DenseTile> dense_tiles(const std::vector<ChainLayer>& layers, std::size_t entry_bytes,
                                   const DenseBlockTuning& tuning);

/// A strip for one stretch of samples.
struct StripKey {
  std::size_t first_sample;
  std::size_t m;
  std::size_t l;
  std::size_t p;
  bool operator==(const StripKey&) const = default;
};

/// Scratch of one thread.
template <typename T>
struct DenseTileScratch {
  std::optional<StripKey> strip;     // whose samples, a_l, a_m and f are gathered
  std::vector<std::size_t> samples;  // those in which unit p is active
  AlignedBuffer<T> a_l;              // a_{l-1} of these samples [inputs of l, n]
  AlignedBuffer<T> a_m;              // a_{m-1} [inputs of m, n]
  AlignedBuffer<T> e;                // E[p, i, ·] for the units of the tile
  AlignedBuffer<T> delta;            // δ_m likewise
  AlignedBuffer<T> f;                // F[p, ·, ·] [d_m, n], or D_l[p, ·] for m = l + 1
  AlignedBuffer<T> x;                // X [rows, n]
  AlignedBuffer<T> tile;             // result [rows, inputs of l]
};

/// Adds the share of the samples in `values` to the tile and to its mirror image in the matrix
/// [M, M], or writes it where `overwrite`.
template <typename T>
void add_dense_tile(const std::vector<ChainLayer>& layers, const ChainValues<T>& values,
                    const DenseTile& tile, const DenseBlockTuning& tuning, bool overwrite,
                    std::size_t matrix_size, DenseTileScratch<T>& scratch, std::span<T> matrix);

}  // namespace eigenscape
