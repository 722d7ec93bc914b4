#include "linalg/row_kernels.hpp"

#include "core/instruction_sets.hpp"
#include "core/vector.hpp"

namespace eigenscape {
namespace {

/// Rows of V and of W at work: sixteen sums in registers, so that a load serves two products.
constexpr std::size_t kV = 4;
constexpr std::size_t kW = 4;

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

template <typename T, std::size_t V, std::size_t W>
[[gnu::always_inline]] inline void multiply(std::size_t width, const Panel<T>& at, const T* w,
                                            std::size_t w_stride, double* sums,
                                            std::size_t sums_stride) {
  constexpr std::size_t lanes = kLanes<T>;
  Vector<T> parts[W][V] = {};
  std::size_t x = 0;
  for (; x + lanes <= width; x += lanes) {
    fetch(at, x);
    Vector<T> rows[V];
#pragma GCC unroll 4
    for (std::size_t i = 0; i < V; ++i) rows[i] = vector_at(at.v + i * at.stride + x);
#pragma GCC unroll 4
    for (std::size_t j = 0; j < W; ++j) {
      const Vector<T> other = vector_at(w + j * w_stride + x);
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

template <typename T, std::size_t V, std::size_t W>
[[gnu::always_inline]] inline void subtract(std::size_t width, const Panel<T>& at, const T* c,
                                            std::size_t c_stride, T* w, std::size_t w_stride) {
  constexpr std::size_t lanes = kLanes<T>;
  std::size_t x = 0;
  for (; x + lanes <= width; x += lanes) {
    fetch(at, x);
    Vector<T> rows[V];
#pragma GCC unroll 4
    for (std::size_t i = 0; i < V; ++i) rows[i] = vector_at(at.v + i * at.stride + x);
#pragma GCC unroll 4
    for (std::size_t j = 0; j < W; ++j) {
      Vector<T> left = vector_at(w + j * w_stride + x);
#pragma GCC unroll 4
      for (std::size_t i = 0; i < V; ++i) left -= c[j * c_stride + i] * rows[i];
      vector_at(w + j * w_stride + x) = left;
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
template <std::size_t V, typename T, typename Act>
[[gnu::always_inline]] inline void each_group(const RowTile<const T>& v, std::size_t i,
                                              std::size_t count, const Act& act) {
  const std::size_t groups = count / kW + (count % kW > 1 ? 1 : 0) + count % 2;
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
  for (; j + kW <= count; j += kW) act.template operator()<kW>(panel(), j);
  if (j + 2 <= count) {
    act.template operator()<2>(panel(), j);
    j += 2;
  }
  if (j < count) act.template operator()<1>(panel(), j);
}

/// All of W for V rows of V from `i` on.
template <typename T, std::size_t V>
[[gnu::always_inline]] inline void multiply_rows(std::size_t width, const RowTile<const T>& w,
                                                 const RowTile<const T>& v, std::size_t i,
                                                 double* sums) {
  each_group<V>(
      v, i, w.count,
      [&]<std::size_t W>(const Panel<T>& at, std::size_t j) __attribute__((always_inline)) {
        multiply<T, V, W>(width, at, w.row(j), w.stride, sums + j * v.count + i, v.count);
      });
}

template <typename T, std::size_t V>
[[gnu::always_inline]] inline void subtract_from_rows(std::size_t width, const T* c,
                                                      const RowTile<const T>& v,
                                                      const RowTile<T>& w, std::size_t i) {
  each_group<V>(
      v, i, w.count,
      [&]<std::size_t W>(const Panel<T>& at, std::size_t j) __attribute__((always_inline)) {
        subtract<T, V, W>(width, at, c + j * v.count + i, v.count, w.row(j), w.stride);
      });
}

template <typename T>
[[gnu::always_inline]] inline void multiply_all(std::size_t width, const RowTile<const T>& w,
                                                const RowTile<const T>& v, double* sums) {
  std::size_t i = 0;
  for (; i + kV <= v.count; i += kV) multiply_rows<T, kV>(width, w, v, i, sums);
  for (; i < v.count; ++i) multiply_rows<T, 1>(width, w, v, i, sums);
}

template <typename T>
[[gnu::always_inline]] inline void subtract_all(std::size_t width, const T* c,
                                                const RowTile<const T>& v, const RowTile<T>& w) {
  std::size_t i = 0;
  for (; i + kV <= v.count; i += kV) subtract_from_rows<T, kV>(width, c, v, w, i);
  for (; i < v.count; ++i) subtract_from_rows<T, 1>(width, c, v, w, i);
}

EIGENSCAPE_INSTRUCTION_SETS
void multiply_double(std::size_t width, const RowTile<const double>& w,
                     const RowTile<const double>& v, double* sums) {
  multiply_all(width, w, v, sums);
}
EIGENSCAPE_INSTRUCTION_SETS
void multiply_float(std::size_t width, const RowTile<const float>& w, const RowTile<const float>& v,
                    double* sums) {
  multiply_all(width, w, v, sums);
}
EIGENSCAPE_INSTRUCTION_SETS
void subtract_double(std::size_t width, const double* c, const RowTile<const double>& v,
                     const RowTile<double>& w) {
  subtract_all(width, c, v, w);
}
EIGENSCAPE_INSTRUCTION_SETS
void subtract_float(std::size_t width, const float* c, const RowTile<const float>& v,
                    const RowTile<float>& w) {
  subtract_all(width, c, v, w);
}

}  // namespace

template <>
void add_row_products<double>(std::size_t width, const RowTile<const double>& w,
                              const RowTile<const double>& v, double* sums) {
  multiply_double(width, w, v, sums);
}
template <>
void add_row_products<float>(std::size_t width, const RowTile<const float>& w,
                             const RowTile<const float>& v, double* sums) {
  multiply_float(width, w, v, sums);
}
template <>
void subtract_rows<double>(std::size_t width, const double* c, const RowTile<const double>& v,
                           const RowTile<double>& w) {
  subtract_double(width, c, v, w);
}
template <>
void subtract_rows<float>(std::size_t width, const float* c, const RowTile<const float>& v,
                          const RowTile<float>& w) {
  subtract_float(width, c, v, w);
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

template void solve_lower<double>(std::size_t, const double*, const RowTile<double>&);
template void solve_lower<float>(std::size_t, const float*, const RowTile<float>&);

}  // namespace eigenscape
