#include "eigensolver/band_kernels.hpp"

#include <cstdint>
#include <type_traits>
#include <utility>

#include "core/instruction_sets.hpp"
#include "core/vector.hpp"

namespace eigenscape {
namespace {

/// Windows of `kWindow` 64-byte vectors, worked on in vectors of kBytes.
template <typename T, std::size_t kBytes, std::size_t kWindow>
struct Kernels {
  using V = typename VectorOf<T, kBytes>::type;
  using Lane = std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t>;
  using LaneNumbers = typename VectorOf<Lane, kBytes>::type;

  static constexpr std::size_t kEntries = kWindow * kLanes<T>;
  static constexpr std::size_t kLanesOfV = kBytes / sizeof(T);
  static constexpr std::size_t kVectors = kEntries / kLanesOfV;
  using LaneSequence = std::make_index_sequence<kLanesOfV>;

  /// A window in memory.
  struct Window {
    alignas(64) T entries[kEntries];
    [[gnu::always_inline]] V& operator[](std::size_t q) { return at(entries, q); }
  };

  [[gnu::always_inline]] static V& at(T* window, std::size_t q) {
    return *reinterpret_cast<V*>(window + q * kLanesOfV);
  }
  [[gnu::always_inline]] static const V& at(const T* window, std::size_t q) {
    return *reinterpret_cast<const V*>(window + q * kLanesOfV);
  }

  template <std::size_t... kIndex>
  [[gnu::always_inline]] static void number_lanes(LaneNumbers& lanes,
                                                  std::index_sequence<kIndex...> /*lanes*/) {
    lanes = LaneNumbers{static_cast<Lane>(kIndex)...};
  }

  /// Keeps lanes [first, last) of the window whose vector q this is; the others become zero.
  [[gnu::always_inline]] static void keep_inside(std::size_t q, std::size_t first, std::size_t last,
                                                 V& x) {
    LaneNumbers lane;
    number_lanes(lane, LaneSequence{});
    lane += static_cast<Lane>(q * kLanesOfV);
    const LaneNumbers is_inside =
        (lane >= static_cast<Lane>(first)) & (lane < static_cast<Lane>(last));
    x = is_inside ? x : V{};
  }

  template <std::size_t... kIndex>
  [[gnu::always_inline]] static void split_pairs(const V& a, const V& b, V& even, V& odd,
                                                 std::index_sequence<kIndex...> /*lanes*/) {
    shuffle<(2 * kIndex)...>(a, b, even);
    shuffle<(2 * kIndex + 1)...>(a, b, odd);
  }

  /// (a₀ + a₁, a₂ + a₃ …, b₀ + b₁ …): log₂(lanes) rounds of it turn as many vectors into their
  /// sums.
  [[gnu::always_inline]] static void add_pairs(const V& a, const V& b, V& out) {
    V even;
    V odd;
    split_pairs(a, b, even, odd, LaneSequence{});
    out = even + odd;
  }

  [[gnu::always_inline]] static T total(const V& terms) {
    V x = terms;
    for (std::size_t left = kLanesOfV; left > 1; left /= 2) add_pairs(x, x, x);
    return x[0];
  }

  /// out = Σ_r c_r B[r, :]
  [[gnu::always_inline]] static void combine_rows(const BandBlock<T>& b, const T* c, V* out) {
    for (std::size_t q = 0; q < kVectors; ++q) out[q] = V{};
    const T* row = b.window;
    for (std::size_t r = 0; r < b.rows; ++r, row += b.step) {
      for (std::size_t q = 0; q < kVectors; ++q) out[q] += c[r] * at(row, q);
    }
  }

  /// y_r = B[r, :]·v for a vector of rows.
  [[gnu::always_inline]] static void multiply_rows(const T* row, std::size_t step, const V* v,
                                                   V& y) {
    V sum[kLanesOfV];
    for (std::size_t i = 0; i < kLanesOfV; ++i) sum[i] = at(row + i * step, 0) * v[0];
    for (std::size_t q = 1; q < kVectors; ++q) {
      for (std::size_t i = 0; i < kLanesOfV; ++i) sum[i] += at(row + i * step, q) * v[q];
    }
    for (std::size_t left = kLanesOfV / 2; left > 0; left /= 2) {
      for (std::size_t i = 0; i < left; ++i) add_pairs(sum[2 * i], sum[2 * i + 1], sum[i]);
    }
    y = sum[0];
  }

  /// y = τ B v
  [[gnu::always_inline]] static void multiply(const BandBlock<T>& b, T tau, const V* v, Window& y) {
    std::size_t r = 0;
    const T* row = b.window;
    for (; r + kLanesOfV <= b.rows; r += kLanesOfV, row += kLanesOfV * b.step) {
      V products;
      multiply_rows(row, b.step, v, products);
      at(y.entries + r, 0) = tau * products;
    }
    for (; r < b.rows; ++r, row += b.step) {
      V sum{};
      for (std::size_t q = 0; q < kVectors; ++q) sum += at(row, q) * v[q];
      y.entries[r] = tau * total(sum);
    }
  }

  /// B[r, :] −= s_r p + t_r q
  [[gnu::always_inline]] static void subtract_two(const BandBlock<T>& b, const T* s, const V* p,
                                                  const T* t, const V* q) {
    T* row = b.window;
    for (std::size_t r = 0; r < b.rows; ++r, row += b.step) {
      const T s_r = s[r];
      const T t_r = t[r];
      for (std::size_t k = 0; k < kVectors; ++k) {
        V& entry = at(row, k);
        entry = entry - s_r * p[k] - t_r * q[k];
      }
    }
  }

  [[gnu::always_inline]] static T dot(std::size_t count, const T* x, const T* y) {
    T sums[4] = {};  // additions need not wait for one another
    std::size_t i = 0;
    for (; i + 4 <= count; i += 4) {
      for (std::size_t k = 0; k < 4; ++k) sums[k] += x[i + k] * y[i + k];
    }
    for (; i < count; ++i) sums[0] += x[i] * y[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }

  [[gnu::always_inline]] static void reflect(const BandBlock<T>& d, T tau, const T* v_entries) {
    V v[kVectors];
    V w[kVectors];
    for (std::size_t q = 0; q < kVectors; ++q) v[q] = at(v_entries, q);
    combine_rows(d, v_entries + d.before, w);
    V products{};
    for (std::size_t q = 0; q < kVectors; ++q) {
      keep_inside(q, d.before, d.before + d.columns, w[q]);
      products += w[q] * v[q];
    }
    const T shift = T(-0.5) * tau * tau * total(products);
    Window w_entries;
    for (std::size_t q = 0; q < kVectors; ++q) {
      w[q] = tau * w[q] + shift * v[q];
      w_entries[q] = w[q];
    }
    subtract_two(d, v_entries + d.before, w, w_entries.entries + d.before, v);
  }

  [[gnu::always_inline]] static Reflection<T> chase(const BandBlock<T>& b, T tau, T* v_entries,
                                                    std::size_t next_before) {
    V v[kVectors];
    for (std::size_t q = 0; q < kVectors; ++q) v[q] = at(v_entries, q);
    Window y;
    multiply(b, tau, v, y);

    Window next;
    for (std::size_t q = 0; q < kVectors; ++q) next[q] = V{};
    T* const x = next.entries + next_before;
    T* const column = b.window + b.before;
    for (std::size_t r = 0; r < b.rows; ++r) {
      x[r] = column[r * b.step] - y.entries[r] * v_entries[b.before];
    }
    const Reflection<T> h = make_reflector(b.rows, x);

    V z[kVectors];
    combine_rows(b, x, z);
    const T overlap = dot(b.rows, x, y.entries);
    for (std::size_t q = 0; q < kVectors; ++q) {
      keep_inside(q, b.before, b.before + b.columns, z[q]);
      z[q] = h.tau * (z[q] - overlap * v[q]);
    }
    subtract_two(b, y.entries, v, x, z);
    column[0] = h.beta;
    for (std::size_t r = 1; r < b.rows; ++r) column[r * b.step] = 0;
    for (std::size_t q = 0; q < kVectors; ++q) at(v_entries, q) = next[q];
    return h;
  }
};

template <typename T, std::size_t kBytes>
[[gnu::always_inline]] inline void reflect(std::size_t vectors, const BandBlock<T>& d, T tau,
                                           const T* v) {
  if (vectors == 3) return Kernels<T, kBytes, 3>::reflect(d, tau, v);
  if (vectors == 5) return Kernels<T, kBytes, 5>::reflect(d, tau, v);
  Kernels<T, kBytes, 9>::reflect(d, tau, v);
}

template <typename T, std::size_t kBytes>
[[gnu::always_inline]] inline Reflection<T> chase(std::size_t vectors, const BandBlock<T>& b, T tau,
                                                  T* v, std::size_t next_before) {
  if (vectors == 3) return Kernels<T, kBytes, 3>::chase(b, tau, v, next_before);
  if (vectors == 5) return Kernels<T, kBytes, 5>::chase(b, tau, v, next_before);
  return Kernels<T, kBytes, 9>::chase(b, tau, v, next_before);
}

#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
template <typename T>
[[gnu::target("arch=x86-64-v4")]] void reflect_v4(std::size_t vectors, const BandBlock<T>& d, T tau,
                                                  const T* v) {
  reflect<T, 64>(vectors, d, tau, v);
}
template <typename T>
[[gnu::target("arch=x86-64-v3")]] void reflect_v3(std::size_t vectors, const BandBlock<T>& d, T tau,
                                                  const T* v) {
  reflect<T, 32>(vectors, d, tau, v);
}
template <typename T>
[[gnu::target("arch=x86-64-v4")]] Reflection<T> chase_v4(std::size_t vectors, const BandBlock<T>& b,
                                                         T tau, T* v, std::size_t next_before) {
  return chase<T, 64>(vectors, b, tau, v, next_before);
}
template <typename T>
[[gnu::target("arch=x86-64-v3")]] Reflection<T> chase_v3(std::size_t vectors, const BandBlock<T>& b,
                                                         T tau, T* v, std::size_t next_before) {
  return chase<T, 32>(vectors, b, tau, v, next_before);
}
#endif

}  // namespace

template <typename T>
void reflect_block(std::size_t vectors, const BandBlock<T>& d, T tau, const T* v) {
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
  const InstructionSet set = instruction_set();
  if (set == InstructionSet::v4) return reflect_v4<T>(vectors, d, tau, v);
  if (set == InstructionSet::v3) return reflect_v3<T>(vectors, d, tau, v);
#endif
  reflect<T, 16>(vectors, d, tau, v);
}

template <typename T>
Reflection<T> chase_block(std::size_t vectors, const BandBlock<T>& b, T tau, T* v,
                          std::size_t next_before) {
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
  const InstructionSet set = instruction_set();
  if (set == InstructionSet::v4) return chase_v4<T>(vectors, b, tau, v, next_before);
  if (set == InstructionSet::v3) return chase_v3<T>(vectors, b, tau, v, next_before);
#endif
  return chase<T, 16>(vectors, b, tau, v, next_before);
}

template void reflect_block<double>(std::size_t, const BandBlock<double>&, double, const double*);
template void reflect_block<float>(std::size_t, const BandBlock<float>&, float, const float*);
template Reflection<double> chase_block<double>(std::size_t, const BandBlock<double>&, double,
                                                double*, std::size_t);
template Reflection<float> chase_block<float>(std::size_t, const BandBlock<float>&, float, float*,
                                              std::size_t);

}  // namespace eigenscape
