#include "linalg/row_kernels.hpp"

#include "core/instruction_sets.hpp"
#include "core/vector.hpp"

namespace eigenscape {
namespace {

/// Rows of V and of W at work: as many sums as leave room in the registers, so that a load serves
/// several products.
constexpr std::size_t kV = 4;
template <std::size_t kBytes>
constexpr std::size_t kW = kBytes == 64 ? 4 : 2;

template <typename T>
struct Panel {
  const T* v;
  std::size_t stride;
  /// Rows that come next: while some of W's rows are at work, `fetched` of these are on their way.
  const T* next;
  std::size_t fetched;  // 0, 1, 2 or 4
  std::size_t second;   // where the second one is
};

template <typename T>
[[gnu::always_inline]] inline void fetch(const Panel<T>& at, std::size_t x) {
  const T* const next = at.next + x;
  if (at.fetched == 0) return;
  __builtin_prefetch(next, 0, 2);
  __builtin_prefetch(next + at.second, 0, 2);
  if (at.fetched <= 2) return;
  __builtin_prefetch(next + 2 * at.stride, 0, 2);
  __builtin_prefetch(next + 3 * at.stride, 0, 2);
}

template <typename T, std::size_t kBytes, std::size_t V, std::size_t W>
[[gnu::always_inline]] inline void multiply(std::size_t width, const Panel<T>& at, const T* w,
                                            std::size_t w_stride, double* sums,
                                            std::size_t sums_stride) {
  using Lanes = typename VectorOf<T, kBytes>::type;
  constexpr std::size_t lanes = kBytes / sizeof(T);
  Lanes parts[W][V] = {};
  std::size_t x = 0;
  for (; x + lanes <= width; x += lanes) {
    if (x % kLanes<T> == 0) fetch(at, x);
    Lanes rows[V];
#pragma GCC unroll 4
    for (std::size_t i = 0; i < V; ++i) {
      rows[i] = *reinterpret_cast<const Lanes*>(at.v + i * at.stride + x);
    }
#pragma GCC unroll 4
    for (std::size_t j = 0; j < W; ++j) {
      const Lanes other = *reinterpret_cast<const Lanes*>(w + j * w_stride + x);
#pragma GCC unroll 4
      for (std::size_t i = 0; i < V; ++i) parts[j][i] += other * rows[i];
    }
  }
  for (std::size_t j = 0; j < W; ++j) {
    for (std::size_t i = 0; i < V; ++i) {
      T sum = 0;
      for (std::size_t lane = 0; lane < lanes; ++lane) sum += parts[j][i][lane];
      for (std::size_t y = x; y < width; ++y) sum += w[j * w_stride + y] * at.v[i * at.stride + y];
      sums[j * sums_stride + i] += static_cast<double>(sum);
    }
  }
}

template <typename T, std::size_t kBytes, std::size_t V, std::size_t W>
[[gnu::always_inline]] inline void subtract(std::size_t width, const Panel<T>& at, const T* c,
                                            std::size_t c_stride, T* w, std::size_t w_stride) {
  using Lanes = typename VectorOf<T, kBytes>::type;
  constexpr std::size_t lanes = kBytes / sizeof(T);
  std::size_t x = 0;
  for (; x + lanes <= width; x += lanes) {
    if (x % kLanes<T> == 0) fetch(at, x);
    Lanes rows[V];
#pragma GCC unroll 4
    for (std::size_t i = 0; i < V; ++i) {
      rows[i] = *reinterpret_cast<const Lanes*>(at.v + i * at.stride + x);
    }
#pragma GCC unroll 4
    for (std::size_t j = 0; j < W; ++j) {
      Lanes& to = *reinterpret_cast<Lanes*>(w + j * w_stride + x);
      Lanes left = to;
#pragma GCC unroll 4
      for (std::size_t i = 0; i < V; ++i) left -= c[j * c_stride + i] * rows[i];
      to = left;
    }
  }
  for (; x < width; ++x) {
    for (std::size_t j = 0; j < W; ++j) {
      T left = w[j * w_stride + x];
      for (std::size_t i = 0; i < V; ++i) left -= c[j * c_stride + i] * at.v[i * at.stride + x];
      w[j * w_stride + x] = left;
    }
  }
}

/// Calls act.operator()<W>(panel, j) for the rows of W in groups, each of which fetches its share
/// of the rows of V that come after these.
template <std::size_t kBytes, std::size_t V, typename T, typename Act>
[[gnu::always_inline]] inline void each_group(const RowTile<const T>& v, std::size_t i,
                                              std::size_t count, const Act& act) {
  constexpr std::size_t kRows = kW<kBytes>;
  const std::size_t groups = count / kRows + (count % kRows > 1 ? 1 : 0) + count % 2;
  const std::size_t share = (V + groups - 1) / groups;  // 4, 2 or 1
  std::size_t fetched = i + 2 * V <= v.count ? 0 : V;
  const auto panel = [&] {
    const std::size_t first = fetched;
    fetched = first + share < V ? first + share : V;
    const std::size_t rows = fetched - first;
    return Panel<T>{v.row(i), v.stride, v.row(rows > 0 ? i + V + first : i), rows,
                    rows > 1 ? v.stride : 0};
  };
  std::size_t j = 0;
  for (; j + kRows <= count; j += kRows) act.template operator()<kRows>(panel(), j);
  if (j + 2 <= count) {
    act.template operator()<2>(panel(), j);
    j += 2;
  }
  if (j < count) act.template operator()<1>(panel(), j);
}

/// All of W for V rows of V from `i` on.
template <typename T, std::size_t kBytes, std::size_t V>
[[gnu::always_inline]] inline void multiply_rows(std::size_t width, const RowTile<const T>& w,
                                                 const RowTile<const T>& v, std::size_t i,
                                                 double* sums) {
  each_group<kBytes, V>(
      v, i, w.count,
      [&]<std::size_t W>(const Panel<T>& at, std::size_t j) __attribute__((always_inline)) {
        multiply<T, kBytes, V, W>(width, at, w.row(j), w.stride, sums + j * v.count + i, v.count);
      });
}

template <typename T, std::size_t kBytes, std::size_t V>
[[gnu::always_inline]] inline void subtract_from_rows(std::size_t width, const T* c,
                                                      const RowTile<const T>& v,
                                                      const RowTile<T>& w, std::size_t i) {
  each_group<kBytes, V>(
      v, i, w.count,
      [&]<std::size_t W>(const Panel<T>& at, std::size_t j) __attribute__((always_inline)) {
        subtract<T, kBytes, V, W>(width, at, c + j * v.count + i, v.count, w.row(j), w.stride);
      });
}

template <typename T, std::size_t kBytes>
[[gnu::always_inline]] inline void multiply_all(std::size_t width, const RowTile<const T>& w,
                                                const RowTile<const T>& v, double* sums) {
  std::size_t i = 0;
  for (; i + kV <= v.count; i += kV) multiply_rows<T, kBytes, kV>(width, w, v, i, sums);
  for (; i < v.count; ++i) multiply_rows<T, kBytes, 1>(width, w, v, i, sums);
}

template <typename T, std::size_t kBytes>
[[gnu::always_inline]] inline void subtract_all(std::size_t width, const T* c,
                                                const RowTile<const T>& v, const RowTile<T>& w) {
  std::size_t i = 0;
  for (; i + kV <= v.count; i += kV) subtract_from_rows<T, kBytes, kV>(width, c, v, w, i);
  for (; i < v.count; ++i) subtract_from_rows<T, kBytes, 1>(width, c, v, w, i);
}

#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
template <typename T>
[[gnu::target("arch=x86-64-v4")]] void multiply_v4(std::size_t width, const RowTile<const T>& w,
                                                   const RowTile<const T>& v, double* sums) {
  multiply_all<T, 64>(width, w, v, sums);
}
template <typename T>
[[gnu::target("arch=x86-64-v3")]] void multiply_v3(std::size_t width, const RowTile<const T>& w,
                                                   const RowTile<const T>& v, double* sums) {
  multiply_all<T, 32>(width, w, v, sums);
}
template <typename T>
[[gnu::target("arch=x86-64-v4")]] void subtract_v4(std::size_t width, const T* c,
                                                   const RowTile<const T>& v, const RowTile<T>& w) {
  subtract_all<T, 64>(width, c, v, w);
}
template <typename T>
[[gnu::target("arch=x86-64-v3")]] void subtract_v3(std::size_t width, const T* c,
                                                   const RowTile<const T>& v, const RowTile<T>& w) {
  subtract_all<T, 32>(width, c, v, w);
}
#endif

}  // namespace

template <typename T>
void add_row_products(std::size_t width, const RowTile<const T>& w, const RowTile<const T>& v,
                      double* sums) {
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
  const InstructionSet set = instruction_set();
  if (set == InstructionSet::v4) return multiply_v4<T>(width, w, v, sums);
  if (set == InstructionSet::v3) return multiply_v3<T>(width, w, v, sums);
#endif
  multiply_all<T, 16>(width, w, v, sums);
}

template <typename T>
void subtract_rows(std::size_t width, const T* c, const RowTile<const T>& v, const RowTile<T>& w) {
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
  const InstructionSet set = instruction_set();
  if (set == InstructionSet::v4) return subtract_v4<T>(width, c, v, w);
  if (set == InstructionSet::v3) return subtract_v3<T>(width, c, v, w);
#endif
  subtract_all<T, 16>(width, c, v, w);
}

template <typename T>
void solve_lower(std::size_t width, const T* l, const RowTile<T>& w) {
  for (std::size_t i = 0; i < w.count; ++i) {
    subtract_rows<T>(width, l + i * w.count, {w.data, w.stride, i}, {w.row(i), w.stride, 1});
    const T factor = T{1} / l[i * w.count + i];
    T* const row = w.row(i);
    for (std::size_t x = 0; x < width; ++x) row[x] *= factor;
  }
}

template void add_row_products<double>(std::size_t, const RowTile<const double>&,
                                       const RowTile<const double>&, double*);
template void add_row_products<float>(std::size_t, const RowTile<const float>&,
                                      const RowTile<const float>&, double*);
template void subtract_rows<double>(std::size_t, const double*, const RowTile<const double>&,
                                    const RowTile<double>&);
template void subtract_rows<float>(std::size_t, const float*, const RowTile<const float>&,
                                   const RowTile<float>&);
template void solve_lower<double>(std::size_t, const double*, const RowTile<double>&);
template void solve_lower<float>(std::size_t, const float*, const RowTile<float>&);

}  // namespace eigenscape
