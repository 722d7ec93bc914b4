// w̄[a, b, i, j] += Σ_(r, c) Σ_n ȳ[a, r, c, n] · x[b, r s + i d − p, c s + j d − p, n], for many
// channels a: these are the lanes of the vectors here, and the sums stay in them to the end.
//
// With samples as lanes (ops/correlation.hpp) every sum ends in a sum over lanes, which costs more
// than the sum itself where images are small. So ȳ is transposed, a tile of channels at a time, to
// ȳᵀ [rows, columns, n, channels of the tile]; a tile of w̄ᵀ [b, i, j, channels] is added up over
// the places that read no padding, in runs of rows whose ȳᵀ the second level of cache holds, and
// transposed back as it is added to w̄.
#pragma once

#include <cstddef>

#include "ops/window.hpp"

namespace eigenscape::ops {

/// Channels of ȳ in the largest tile, on any processor.
constexpr std::size_t kMostOuterChannels = 64;
/// Channels of x in the largest tile.
constexpr std::size_t kMostOuterSources = 6;

/// Entries of scratch that add_outer_products() needs for each sample.
std::size_t outer_scratch_per_sample(const Window& window, std::size_t outputs);
/// Entries beside these.
std::size_t outer_scratch(const Window& window);

/// Whether this way takes less time than add_products() with x padded, for n samples.
template <typename T>
bool outer_products_are_faster(const Window& window, std::size_t outputs, std::size_t n);

/// w_bar [outputs, window.channels, taps] += products of ȳ [outputs, window.outputs(), n] and
/// x [window.channels, window.plane(), n].
template <typename T>
void add_outer_products(const Window& window, std::size_t outputs, std::size_t n, const T* y_bar,
                        const T* x, T* w_bar, T* scratch);

}  // namespace eigenscape::ops
