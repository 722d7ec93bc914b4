#include "ops/outer_products.hpp"

#include <algorithm>

#include "ops/outer_product_tiles.hpp"
#include "ops/tiling.hpp"

namespace eigenscape::ops {
namespace {

/// ȳᵀ of a run of rows should stay in the second level of cache, beside what else is read.
constexpr std::size_t kRunBytes = std::size_t{384} << 10;

std::size_t rounded_up(std::size_t size, std::size_t unit) {
  return (size + unit - 1) / unit * unit;
}

/// Pairs (output, tap) along an axis that read no padding.
std::size_t inside_count(const WindowAxis& axis) {
  std::size_t count = 0;
  for (std::size_t t = 0; t < axis.taps; ++t) count += axis.inside(t).last - axis.inside(t).first;
  return count;
}

/// One tile of w̄: channels [a, a + channels) of ȳ and [b, b + sources) of x.
template <typename T>
struct Block {
  const Window& window;
  std::size_t n;
  std::size_t width;  // of the tile of ȳᵀ: whole vectors
  const T* turned;    // ȳᵀ
  const T* x;         // of channel b
  std::size_t sources;
  T* sums;  // [sources, taps, width]
};

template <typename T>
void add_run(const OuterLoops<T>& loops, const Block<T>& block, std::size_t first_row,
             std::size_t last_row) {
  const WindowAxis& rows = block.window.rows;
  const WindowAxis& columns = block.window.columns;
  const std::size_t vectors = block.width / loops.lanes;
  const auto products = loops.products[(vectors - 1) * kMostOuterSources + block.sources - 1];
  const std::size_t y_row = columns.out * block.n * block.width;
  for (std::size_t i = 0; i < rows.taps; ++i) {
    const WindowAxis::Inside down = rows.inside(i);
    const std::size_t top = std::max(down.first, first_row);
    const std::size_t bottom = std::min(down.last, last_row);
    if (top >= bottom) continue;
    const std::size_t x_top = down.input + (top - down.first) * rows.stride;
    for (std::size_t j = 0; j < columns.taps; ++j) {
      const WindowAxis::Inside across = columns.inside(j);
      if (across.first >= across.last) continue;
      products({block.n, bottom - top, across.last - across.first,
                block.turned + top * y_row + across.first * block.n * block.width, y_row,
                block.x + (x_top * columns.in + across.input) * block.n,
                block.window.plane() * block.n, rows.stride * columns.in * block.n,
                columns.stride * block.n, block.sums + (i * columns.taps + j) * block.width,
                block.window.taps() * block.width});
    }
  }
}

}  // namespace

std::size_t outer_scratch_per_sample(const Window& window, std::size_t outputs) {
  return window.outputs() * std::min(kMostOuterChannels, rounded_up(outputs, 16));
}

std::size_t outer_scratch(const Window& window) {
  return kMostOuterSources * window.taps() * kMostOuterChannels;
}

// In cycles, of one vector of products each. A sum over lanes takes about 12, an entry of ȳᵀ 1.
template <typename T>
bool outer_products_are_faster(const Window& window, std::size_t outputs, std::size_t n) {
  const auto lanes = static_cast<double>(outer_loops<T>().lanes);
  const auto a = static_cast<double>(outputs);
  const auto samples = static_cast<double>(n);
  const auto places = static_cast<double>(window.outputs());
  const auto taps = static_cast<double>(window.taps());
  const auto b = static_cast<double>(window.channels);
  const double whole = static_cast<double>(rounded_up(outputs, outer_loops<T>().lanes)) / lanes;
  const auto inside = static_cast<double>(inside_count(window.rows) * inside_count(window.columns));
  const double inner = a * b * taps * (places * samples / lanes + 12);
  const double outer = whole * b * inside * samples + a * places * samples + a * b * taps;
  return outer < inner;
}

template <typename T>
void add_outer_products(const Window& window, std::size_t outputs, std::size_t n, const T* y_bar,
                        const T* x, T* w_bar, T* scratch) {
  const OuterLoops<T>& loops = outer_loops<T>();
  const std::size_t plane = window.outputs();
  const std::size_t taps = window.taps();
  T* const sums = scratch;
  T* const turned = scratch + outer_scratch(window);
  const Tiling vectors((outputs + loops.lanes - 1) / loops.lanes, loops.vectors);
  const Tiling sources(window.channels, kMostOuterSources);
  for (std::size_t tile = 0; tile < vectors.tiles; ++tile) {
    const std::size_t a = vectors.first(tile) * loops.lanes;
    const std::size_t width = vectors.size(tile) * loops.lanes;
    const std::size_t channels = std::min(width, outputs - a);
    for (std::size_t place = 0; place < plane; ++place) {
      loops.turn({channels, n, y_bar + (a * plane + place) * n, plane * n,
                  turned + place * n * width, width});
    }
    const std::size_t row_bytes = window.columns.out * n * width * sizeof(T);
    const Tiling runs(window.rows.out, std::max<std::size_t>(1, kRunBytes / row_bytes));
    for (std::size_t part = 0; part < sources.tiles; ++part) {
      const std::size_t b = sources.first(part);
      const Block<T> block{window, n, width, turned, x + b * window.plane() * n, sources.size(part),
                           sums};
      const std::size_t entries = block.sources * taps;
      std::fill_n(sums, entries * width, T{0});
      for (std::size_t run = 0; run < runs.tiles; ++run) {
        add_run(loops, block, runs.first(run), runs.first(run + 1));
      }
      loops.add_turned({entries, channels, sums, width, w_bar + (a * window.channels + b) * taps,
                        window.channels * taps});
    }
  }
}

template bool outer_products_are_faster<double>(const Window&, std::size_t, std::size_t);
template bool outer_products_are_faster<float>(const Window&, std::size_t, std::size_t);
template void add_outer_products<double>(const Window&, std::size_t, std::size_t, const double*,
                                         const double*, double*, double*);
template void add_outer_products<float>(const Window&, std::size_t, std::size_t, const float*,
                                        const float*, float*, float*);

}  // namespace eigenscape::ops
