#include "eigensolver/bulge_transformation.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>

#include "core/aligned_buffer.hpp"
#include "core/chunked_sum.hpp"
#include "core/instruction_sets.hpp"
#include "core/thread_pool.hpp"
#include "core/vector.hpp"
#include "eigensolver/panel_qr.hpp"
#include "linalg/transpose.hpp"

namespace eigenscape {
namespace {

constexpr std::size_t kBlock = 4;  // reflectors of a block
constexpr std::size_t kSweeps = 32;
static_assert(kSweeps <= kPanelStep && kSweeps % kBlock == 0);

template <typename T>
constexpr std::size_t kColumns = 4 * kLanes<T>;  // of a panel
/// Vectors of its rows at once: the sums of a block's reflectors stay in registers.
template <std::size_t kBytes>
constexpr std::size_t kVectors = kBytes == 64 ? 4 : 2;

/// Panels of a slab: the more, the less the packing of blocks counts (a tenth of the time at 8), as
/// long as every core has a slab.
constexpr std::size_t kMostPanels = 8;
constexpr std::size_t kFewestSlabs = 4;

template <typename T>
std::size_t panels_of_slab(std::size_t count) {
  const std::size_t panels = (count + kColumns<T> - 1) / kColumns<T>;
  return std::clamp<std::size_t>((panels + kFewestSlabs - 1) / kFewestSlabs, 1, kMostPanels);
}

template <typename T>
std::size_t group_count(const BulgeReflectors<T>& reflectors) {
  return (reflectors.sweeps() + kSweeps - 1) / kSweeps;
}

/// H_{s,k} … H_{s+3,k} = I − V T Vᵀ
template <typename T>
struct Block {
  std::size_t rows;
  std::array<T, (kWidestPanel + kBlock - 1) * kBlock> v;  // [rows, 4]
  std::array<T, kBlock * kBlock> t;                       // the upper triangle
};

/// Of `count` sweeps from s on; its first row is row c.
template <typename T>
[[gnu::always_inline]] inline void pack_block(const BulgeReflectors<T>& reflectors, std::size_t s,
                                              std::size_t count, std::size_t c, Block<T>& block) {
  const std::size_t n = reflectors.order();
  block.rows = std::min(reflectors.width() + kBlock - 1, n - c);
  std::fill_n(block.v.data(), block.rows * kBlock, T{});
  std::array<T, kBlock> tau{};
  for (std::size_t i = 0; i < std::min(count, n - c); ++i) {
    const std::size_t length = std::min(reflectors.width(), n - c - i);
    const T* const from = reflectors.at(s + i, c + i);
    T* const to = &block.v[i * kBlock + i];
    tau[i] = from[0];
    to[0] = 1;
    for (std::size_t r = 1; r < length; ++r) to[r * kBlock] = from[r];
  }
  std::array<T, kBlock * kBlock> gram{};
  for (std::size_t r = 0; r < block.rows; ++r) {
    const T* const v = &block.v[r * kBlock];
    for (std::size_t i = 0; i < kBlock; ++i) {
      for (std::size_t j = 0; j < kBlock; ++j) gram[i * kBlock + j] += v[i] * v[j];
    }
  }
  block_reflector<T>(kBlock, gram.data(), tau.data(), block.t.data());
}

/// X ← X − V·(T·(VᵀX)) for kVectors columns of X [rows, kColumns]. Everything but X is in
/// registers.
template <typename T, std::size_t kBytes>
[[gnu::always_inline]] inline void reflect(const Block<T>& block, T* x) {
  using V = typename VectorOf<T, kBytes>::type;
  constexpr std::size_t kAtOnce = kVectors<kBytes>;
  const auto at = [](T * row, std::size_t q) __attribute__((always_inline))->V& {
    return *reinterpret_cast<V*>(row + q * (kBytes / sizeof(T)));
  };
  V y[kBlock][kAtOnce] = {};
  const T* v = block.v.data();
  T* const end = x + block.rows * kColumns<T>;
  for (T* row = x; row < end; row += kColumns<T>, v += kBlock) {
    for (std::size_t q = 0; q < kAtOnce; ++q) {
      const V entries = at(row, q);
      for (std::size_t i = 0; i < kBlock; ++i) y[i][q] += v[i] * entries;
    }
  }
#pragma GCC unroll 4
  for (std::size_t i = 0; i < kBlock; ++i) {
#pragma GCC unroll 4
    for (std::size_t q = 0; q < kAtOnce; ++q) {
      V sum = block.t[i * kBlock + i] * y[i][q];
#pragma GCC unroll 4
      for (std::size_t j = i + 1; j < kBlock; ++j) sum += block.t[i * kBlock + j] * y[j][q];
      y[i][q] = sum;
    }
  }
  v = block.v.data();
  for (T* row = x; row < end; row += kColumns<T>, v += kBlock) {
    V entries[kAtOnce];
    for (std::size_t q = 0; q < kAtOnce; ++q) entries[q] = at(row, q);
    for (std::size_t i = 0; i < kBlock; ++i) {
      const T factor = v[i];
      for (std::size_t q = 0; q < kAtOnce; ++q) entries[q] -= factor * y[i][q];
    }
    for (std::size_t q = 0; q < kAtOnce; ++q) at(row, q) = entries[q];
  }
}

/// A task's memory.
template <typename T>
struct Slab {
  Slab(std::size_t n, std::size_t most_panels) : entries(n * most_panels * kColumns<T>) {}
  AlignedBuffer<T> entries;  // [panels][n, kColumns]
  std::array<Block<T>, kSweeps / kBlock> blocks;
};

/// One step of sweeps [first, last), whose first row is row c, on every panel: the last block
/// first, each a block's sweeps further up.
template <typename T, std::size_t kBytes>
[[gnu::always_inline]] inline void reflect_step(const BulgeReflectors<T>& reflectors,
                                                std::size_t first, std::size_t last, std::size_t c,
                                                std::size_t panels, Slab<T>& slab) {
  const std::size_t n = reflectors.order();
  std::size_t blocks = 0;
  for (std::size_t s = first; s < last && c + (s - first) < n; s += kBlock) {
    pack_block(reflectors, s, std::min(kBlock, last - s), c + (s - first), slab.blocks[blocks++]);
  }
  for (std::size_t p = 0; p < panels; ++p) {
    T* const x = &slab.entries[(p * n + c) * kColumns<T>];
    for (std::size_t part = 0; part < kColumns<T>; part += kVectors<kBytes> * kBytes / sizeof(T)) {
      for (std::size_t i = blocks; i-- > 0;) {
        reflect<T, kBytes>(slab.blocks[i], x + i * kBlock * kColumns<T> + part);
      }
    }
  }
}

#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
template <typename T>
[[gnu::target("arch=x86-64-v4")]] void step_v4(const BulgeReflectors<T>& reflectors,
                                               std::size_t first, std::size_t last, std::size_t c,
                                               std::size_t panels, Slab<T>& slab) {
  reflect_step<T, 64>(reflectors, first, last, c, panels, slab);
}
template <typename T>
[[gnu::target("arch=x86-64-v3")]] void step_v3(const BulgeReflectors<T>& reflectors,
                                               std::size_t first, std::size_t last, std::size_t c,
                                               std::size_t panels, Slab<T>& slab) {
  reflect_step<T, 32>(reflectors, first, last, c, panels, slab);
}
#endif

template <typename T>
void apply_step(const BulgeReflectors<T>& reflectors, std::size_t first, std::size_t last,
                std::size_t c, std::size_t panels, Slab<T>& slab) {
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
  const InstructionSet set = instruction_set();
  if (set == InstructionSet::v4) return step_v4<T>(reflectors, first, last, c, panels, slab);
  if (set == InstructionSet::v3) return step_v3<T>(reflectors, first, last, c, panels, slab);
#endif
  reflect_step<T, 16>(reflectors, first, last, c, panels, slab);
}

/// Q on the panels; `after_group` is called after each group of sweeps.
template <typename T, typename After>
void apply_to_slab(const BulgeReflectors<T>& reflectors, std::size_t panels, Slab<T>& slab,
                   const After& after_group) {
  for (std::size_t group = group_count(reflectors); group-- > 0;) {
    const std::size_t first = group * kSweeps;
    const std::size_t last = std::min(first + kSweeps, reflectors.sweeps());
    for (std::size_t c = first + 1; c < reflectors.order(); c += reflectors.width()) {
      apply_step(reflectors, first, last, c, panels, slab);
    }
    after_group();
  }
}

/// Vectors as rows → columns of panels, and back. The last panel is filled up with zeros.
template <typename T>
void load_panels(std::size_t n, std::span<const std::size_t> rows, const T* from, T* panels) {
  for (std::size_t i = 0; i < rows.size(); i += kColumns<T>, panels += n * kColumns<T>) {
    const std::size_t count = std::min(kColumns<T>, rows.size() - i);
    if (count < kColumns<T>) std::fill_n(panels, n * kColumns<T>, T{});
    constexpr std::size_t kStrip = 64;
    for (std::size_t first = 0; first < n; first += kStrip) {
      const std::size_t last = std::min(n, first + kStrip);
      for (std::size_t v = 0; v < count; ++v) {
        const T* const row = from + rows[i + v] * n;
        for (std::size_t r = first; r < last; ++r) panels[r * kColumns<T> + v] = row[r];
      }
    }
  }
}

template <typename T>
void store_panels(std::size_t n, std::size_t rows, const T* panels, T* to) {
  for (std::size_t i = 0; i < rows; i += kColumns<T>, panels += n * kColumns<T>) {
    transpose<T>(n, std::min(kColumns<T>, rows - i), panels, kColumns<T>, to + i * n, n);
  }
}

}  // namespace

template <typename T>
void apply_bulge_reflectors(const BulgeReflectors<T>& reflectors, std::span<const std::size_t> rows,
                            const T* from, T* to, const Control& control) {
  constexpr const char* kStage = "vectors: tridiagonal to band";
  const std::size_t n = reflectors.order();
  const std::size_t panels = panels_of_slab<T>(rows.size());
  const std::size_t step = panels * kColumns<T>;
  const std::size_t slabs = (rows.size() + step - 1) / step;
  Workspaces<Slab<T>> workspaces;
  std::atomic<std::size_t> done = 0;
  const auto steps = static_cast<double>(group_count(reflectors) * slabs);
  control.report(kStage, 0, steps);
  parallel_for(control, slabs, [&](std::size_t index) {
    auto slab = workspaces.take([&] { return std::make_unique<Slab<T>>(n, panels); });
    const std::size_t first = index * step;
    const std::span<const std::size_t> mine =
        rows.subspan(first, std::min(step, rows.size() - first));
    load_panels(n, mine, from, slab->entries.data());
    apply_to_slab(reflectors, (mine.size() + kColumns<T> - 1) / kColumns<T>, *slab, [&] {
      control.check();
      control.report(kStage, static_cast<double>(++done), steps);
    });
    store_panels(n, mine.size(), slab->entries.data(), to + first * n);
    workspaces.give_back(std::move(slab));
  });
  control.report(kStage, steps, steps);
}

std::size_t bulge_transformation_workspace(std::size_t n, std::size_t count,
                                           std::size_t entry_bytes) {
  const bool is_double = entry_bytes == sizeof(double);
  const std::size_t columns = is_double ? panels_of_slab<double>(count) * kColumns<double>
                                        : panels_of_slab<float>(count) * kColumns<float>;
  const std::size_t slabs = std::min(kMaximumThreads, (count + columns - 1) / columns);
  return slabs * (n * columns * entry_bytes + sizeof(std::array<Block<double>, kSweeps / kBlock>));
}

template void apply_bulge_reflectors<double>(const BulgeReflectors<double>&,
                                             std::span<const std::size_t>, const double*, double*,
                                             const Control&);
template void apply_bulge_reflectors<float>(const BulgeReflectors<float>&,
                                            std::span<const std::size_t>, const float*, float*,
                                            const Control&);

}  // namespace eigenscape
