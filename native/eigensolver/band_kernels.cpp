#include "eigensolver/band_kernels.hpp"

#include <cstdint>
#include <type_traits>

#include "core/instruction_sets.hpp"
#include "core/vector.hpp"

namespace eigenscape {
namespace {

/// A window in memory.
template <std::size_t vectors, typename T>
struct Window {
  alignas(64) T entries[vectors * kLanes<T>];

  [[gnu::always_inline]] Vector<T>& operator[](std::size_t q) {
    return vector_at<T>(entries + q * kLanes<T>);
  }
};

template <typename T>
struct LanesOf;
template <>
struct LanesOf<double> {
  using Index [[gnu::vector_size(64)]] = std::int64_t;
  static constexpr Index kNumbers = {0, 1, 2, 3, 4, 5, 6, 7};
};
template <>
struct LanesOf<float> {
  using Index [[gnu::vector_size(64)]] = std::int32_t;
  static constexpr Index kNumbers = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
};

/// Keeps lanes [first, last) of the window whose vector q this is; the others become zero.
template <typename T>
[[gnu::always_inline]] inline void keep_inside(std::size_t q, std::size_t first, std::size_t last,
                                               Vector<T>& x) {
  using Index = typename LanesOf<T>::Index;
  using Lane = std::remove_cvref_t<decltype(Index{}[0])>;
  const Index lane = LanesOf<T>::kNumbers + static_cast<Lane>(q * kLanes<T>);
  const Index is_inside = (lane >= static_cast<Lane>(first)) & (lane < static_cast<Lane>(last));
  x = is_inside ? x : Vector<T>{};
}

/// (a₀ + a₁, a₂ + a₃ …, b₀ + b₁ …): log₂(lanes) rounds of it turn as many vectors into their sums.
[[gnu::always_inline]] inline void add_pairs(const Vector<double>& a, const Vector<double>& b,
                                             Vector<double>& out) {
  Vector<double> even;
  Vector<double> odd;
  shuffle<0, 2, 4, 6, 8, 10, 12, 14>(a, b, even);
  shuffle<1, 3, 5, 7, 9, 11, 13, 15>(a, b, odd);
  out = even + odd;
}
[[gnu::always_inline]] inline void add_pairs(const Vector<float>& a, const Vector<float>& b,
                                             Vector<float>& out) {
  Vector<float> even;
  Vector<float> odd;
  shuffle<0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30>(a, b, even);
  shuffle<1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31>(a, b, odd);
  out = even + odd;
}

template <typename T>
[[gnu::always_inline]] inline T total(const Vector<T>& terms) {
  Vector<T> x = terms;
  for (std::size_t left = kLanes<T>; left > 1; left /= 2) add_pairs(x, x, x);
  return x[0];
}

/// out = Σ_r c_r B[r, :]
template <std::size_t vectors, typename T>
[[gnu::always_inline]] inline void combine_rows(BandBlock<T> b, const T* c, Vector<T>* out) {
  for (std::size_t q = 0; q < vectors; ++q) out[q] = Vector<T>{};
  const T* row = b.window;
  for (std::size_t r = 0; r < b.rows; ++r, row += b.step) {
    for (std::size_t q = 0; q < vectors; ++q) out[q] += c[r] * vector_at<T>(row + q * kLanes<T>);
  }
}

/// y_r = B[r, :]·v for a vector of rows.
template <std::size_t vectors, typename T>
[[gnu::always_inline]] inline void multiply_rows(const T* row, std::size_t step, const Vector<T>* v,
                                                 Vector<T>& y) {
  Vector<T> sum[kLanes<T>];
  for (std::size_t i = 0; i < kLanes<T>; ++i) sum[i] = vector_at<T>(row + i * step) * v[0];
  for (std::size_t q = 1; q < vectors; ++q) {
    for (std::size_t i = 0; i < kLanes<T>; ++i) {
      sum[i] += vector_at<T>(row + i * step + q * kLanes<T>) * v[q];
    }
  }
  for (std::size_t left = kLanes<T> / 2; left > 0; left /= 2) {
    for (std::size_t i = 0; i < left; ++i) add_pairs(sum[2 * i], sum[2 * i + 1], sum[i]);
  }
  y = sum[0];
}

/// y = τ B v
template <std::size_t vectors, typename T>
[[gnu::always_inline]] inline void multiply(BandBlock<T> b, T tau, const Vector<T>* v,
                                            Window<vectors, T>& y) {
  std::size_t r = 0;
  const T* row = b.window;
  for (; r + kLanes<T> <= b.rows; r += kLanes<T>, row += kLanes<T> * b.step) {
    Vector<T> products;
    multiply_rows<vectors, T>(row, b.step, v, products);
    vector_at<T>(y.entries + r) = tau * products;
  }
  for (; r < b.rows; ++r, row += b.step) {
    Vector<T> sum{};
    for (std::size_t q = 0; q < vectors; ++q) sum += vector_at<T>(row + q * kLanes<T>) * v[q];
    y.entries[r] = tau * total<T>(sum);
  }
}

/// B[r, :] −= s_r p + t_r q
template <std::size_t vectors, typename T>
[[gnu::always_inline]] inline void subtract_two(BandBlock<T> b, const T* s, const Vector<T>* p,
                                                const T* t, const Vector<T>* q) {
  T* row = b.window;
  for (std::size_t r = 0; r < b.rows; ++r, row += b.step) {
    const T s_r = s[r];
    const T t_r = t[r];
    for (std::size_t k = 0; k < vectors; ++k) {
      Vector<T>& entry = vector_at<T>(row + k * kLanes<T>);
      entry = entry - s_r * p[k] - t_r * q[k];
    }
  }
}

template <typename T>
[[gnu::always_inline]] inline T dot(std::size_t count, const T* x, const T* y) {
  T sums[4] = {};  // additions need not wait for one another
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (std::size_t k = 0; k < 4; ++k) sums[k] += x[i + k] * y[i + k];
  }
  for (; i < count; ++i) sums[0] += x[i] * y[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

template <std::size_t vectors, typename T>
[[gnu::always_inline]] inline void reflect(BandBlock<T> d, T tau, const T* v_entries) {
  Vector<T> v[vectors];
  Vector<T> w[vectors];
  for (std::size_t q = 0; q < vectors; ++q) v[q] = vector_at<T>(v_entries + q * kLanes<T>);
  combine_rows<vectors, T>(d, v_entries + d.before, w);
  Vector<T> products{};
  for (std::size_t q = 0; q < vectors; ++q) {
    keep_inside<T>(q, d.before, d.before + d.columns, w[q]);
    products += w[q] * v[q];
  }
  const T shift = T(-0.5) * tau * tau * total<T>(products);
  Window<vectors, T> w_entries;
  for (std::size_t q = 0; q < vectors; ++q) {
    w[q] = tau * w[q] + shift * v[q];
    w_entries[q] = w[q];
  }
  subtract_two<vectors, T>(d, v_entries + d.before, w, w_entries.entries + d.before, v);
}

template <std::size_t vectors, typename T>
[[gnu::always_inline]] inline Reflection<T> chase(BandBlock<T> b, T tau, T* v_entries,
                                                  std::size_t next_before) {
  Vector<T> v[vectors];
  for (std::size_t q = 0; q < vectors; ++q) v[q] = vector_at<T>(v_entries + q * kLanes<T>);
  Window<vectors, T> y;
  multiply<vectors, T>(b, tau, v, y);

  Window<vectors, T> next;
  for (std::size_t q = 0; q < vectors; ++q) next[q] = Vector<T>{};
  T* const x = next.entries + next_before;
  T* const column = b.window + b.before;
  for (std::size_t r = 0; r < b.rows; ++r) {
    x[r] = column[r * b.step] - y.entries[r] * v_entries[b.before];
  }
  const Reflection<T> h = make_reflector(b.rows, x);

  Vector<T> z[vectors];
  combine_rows<vectors, T>(b, x, z);
  const T overlap = dot(b.rows, x, y.entries);
  for (std::size_t q = 0; q < vectors; ++q) {
    keep_inside<T>(q, b.before, b.before + b.columns, z[q]);
    z[q] = h.tau * (z[q] - overlap * v[q]);
  }
  subtract_two<vectors, T>(b, y.entries, v, x, z);
  column[0] = h.beta;
  for (std::size_t r = 1; r < b.rows; ++r) column[r * b.step] = 0;
  for (std::size_t q = 0; q < vectors; ++q) vector_at<T>(v_entries + q * kLanes<T>) = next[q];
  return h;
}

}  // namespace

EIGENSCAPE_INSTRUCTION_SETS
void reflect_block(std::size_t vectors, const BandBlock<double>& d, double tau, const double* v) {
  if (vectors == 3) return reflect<3>(d, tau, v);
  if (vectors == 5) return reflect<5>(d, tau, v);
  reflect<9>(d, tau, v);
}

EIGENSCAPE_INSTRUCTION_SETS
void reflect_block(std::size_t vectors, const BandBlock<float>& d, float tau, const float* v) {
  if (vectors == 3) return reflect<3>(d, tau, v);
  if (vectors == 5) return reflect<5>(d, tau, v);
  reflect<9>(d, tau, v);
}

EIGENSCAPE_INSTRUCTION_SETS
Reflection<double> chase_block(std::size_t vectors, const BandBlock<double>& b, double tau,
                               double* v, std::size_t next_before) {
  if (vectors == 3) return chase<3>(b, tau, v, next_before);
  if (vectors == 5) return chase<5>(b, tau, v, next_before);
  return chase<9>(b, tau, v, next_before);
}

EIGENSCAPE_INSTRUCTION_SETS
Reflection<float> chase_block(std::size_t vectors, const BandBlock<float>& b, float tau, float* v,
                              std::size_t next_before) {
  if (vectors == 3) return chase<3>(b, tau, v, next_before);
  if (vectors == 5) return chase<5>(b, tau, v, next_before);
  return chase<9>(b, tau, v, next_before);
}

}  // namespace eigenscape
