#include "eigensolver/panel_qr.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/instruction_sets.hpp"
#include "core/vector.hpp"
#include "eigensolver/reflector.hpp"
#include "eigensolver/tile_kernels.hpp"

namespace eigenscape {
namespace {

/// One pass over rows [0, rows) of `kChunks` vectors each, which start at column `base`:
///   v_i = scale·P[i, c],  P[i, :] −= v_i·u,  P[i, c] = v_i,  g += P[i, next]·P[i, :]
/// where c and next count from `base`, and u is zero up to and including c.
template <typename T, std::size_t kBytes, std::size_t kChunks>
[[gnu::always_inline]] inline void sweep(std::size_t rows, T* p, std::size_t stride, std::size_t c,
                                         std::size_t next_column, T scale, const T* u, T* g) {
  using V = typename VectorOf<T, kBytes>::type;
  constexpr std::size_t kLanesOfV = kBytes / sizeof(T);
  V subtract[kChunks];
  for (std::size_t q = 0; q < kChunks; ++q) {
    subtract[q] = *reinterpret_cast<const V*>(u + q * kLanesOfV);
    *reinterpret_cast<V*>(g + q * kLanesOfV) = V{};
  }
  const T next_u = u[next_column];
  for (std::size_t first = 0; first < rows; first += kRun) {
    V sum[kChunks] = {};
    const std::size_t last = std::min(rows, first + kRun);
    for (std::size_t i = first; i < last; ++i, p += stride) {
      const T v = scale * p[c];
      const T next = p[next_column] - v * next_u;
      for (std::size_t q = 0; q < kChunks; ++q) {
        auto* const at = reinterpret_cast<V*>(p + q * kLanesOfV);
        const V row = *at - v * subtract[q];
        sum[q] += next * row;
        *at = row;
      }
      p[c] = v;
    }
    for (std::size_t q = 0; q < kChunks; ++q) {
      *reinterpret_cast<V*>(g + q * kLanesOfV) += sum[q];
    }
  }
}

/// The first products: g = Σ P[i, 0]·P[i, :] over the rows.
template <typename T>
[[gnu::always_inline]] inline void first_products(std::size_t rows, std::size_t width, const T* p,
                                                  std::size_t stride, T* g) {
  std::fill_n(g, width, T{});
  for (std::size_t first = 0; first < rows; first += kRun) {
    alignas(64) std::array<T, kWidestPanel> sum{};
    const std::size_t last = std::min(rows, first + kRun);
    for (std::size_t i = first; i < last; ++i, p += stride) {
      const T x = p[0];
      for (std::size_t k = 0; k < width; ++k) sum[k] += x * p[k];
    }
    for (std::size_t k = 0; k < width; ++k) g[k] += sum[k];
  }
}

/// The same for a number of vectors known when it runs: at most kWidestPanel entries' worth.
template <typename T, std::size_t kBytes, std::size_t kMost, typename... Rest>
[[gnu::always_inline]] inline void sweep_chunks(std::size_t chunks, Rest... rest) {
  if constexpr (kMost > 1) {
    if (chunks < kMost) return sweep_chunks<T, kBytes, kMost - 1>(chunks, rest...);
  }
  sweep<T, kBytes, kMost>(rest...);
}

template <typename T, std::size_t kBytes>
[[gnu::always_inline]] inline void factor(std::size_t rows, std::size_t width, T* p,
                                          std::size_t stride, T negligible, T* r, T* tau) {
  constexpr std::size_t kLanesOfV = kBytes / sizeof(T);
  constexpr std::size_t kMost = kWidestPanel / kLanesOfV;
  alignas(64) std::array<T, kWidestPanel> g{};
  alignas(64) std::array<T, kWidestPanel> u{};
  alignas(64) std::array<T, kWidestPanel> unused;
  const std::size_t reflectors = std::min(rows - 1, width);
  const T least = std::max(kNegligibleSquare<T>, negligible * negligible);
  first_products(rows - 1, width, p + stride, stride, g.data());
  for (std::size_t c = 0; c < reflectors; ++c) {
    T* const row = p + c * stride;
    const T alpha = row[c];
    T scale = 0;
    tau[c] = 0;
    u.fill(0);
    if (g[c] > least) {
      const T beta = -std::copysign(std::sqrt(alpha * alpha + g[c]), alpha);
      tau[c] = (beta - alpha) / beta;
      scale = 1 / (alpha - beta);
      row[c] = beta;
      for (std::size_t k = c + 1; k < width; ++k) {
        u[k] = tau[c] * (row[k] + scale * g[k]);  // τ·vᵀP
        row[k] -= u[k];
      }
    }
    // Row c + 1 only changes; the rows below it also enter the products of column c + 1.
    const std::size_t base = c / kLanesOfV * kLanesOfV;
    const std::size_t chunks = (width - base) / kLanesOfV;
    const std::size_t next = std::min(c + 1, width - 1) - base;
    T* const below = row + stride + base;
    sweep_chunks<T, kBytes, kMost>(chunks, std::size_t{1}, below, stride, c - base, next, scale,
                                   u.data() + base, unused.data());
    sweep_chunks<T, kBytes, kMost>(chunks, rows - c - 2, below + stride, stride, c - base, next,
                                   scale, u.data() + base, g.data() + base);
  }
  std::fill(tau + reflectors, tau + width, T{});
  for (std::size_t i = 0; i < width; ++i) {
    for (std::size_t k = 0; k < width; ++k)
      r[i * width + k] = i < rows && k >= i ? p[i * stride + k] : T{};
  }
  for (std::size_t i = 0; i < std::min(rows, width); ++i) {
    for (std::size_t k = i; k < width; ++k) p[i * stride + k] = T(k == i && i < reflectors);
  }
}

#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
template <typename T>
[[gnu::target("arch=x86-64-v4")]] void factor_v4(std::size_t rows, std::size_t width, T* p,
                                                 std::size_t stride, T negligible, T* r, T* tau) {
  factor<T, 64>(rows, width, p, stride, negligible, r, tau);
}
template <typename T>
[[gnu::target("arch=x86-64-v3")]] void factor_v3(std::size_t rows, std::size_t width, T* p,
                                                 std::size_t stride, T negligible, T* r, T* tau) {
  factor<T, 32>(rows, width, p, stride, negligible, r, tau);
}
#endif

}  // namespace

template <typename T>
void factor_panel(std::size_t rows, std::size_t width, T* p, std::size_t stride, T negligible, T* r,
                  T* tau) {
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
  const InstructionSet set = instruction_set();
  if (set == InstructionSet::v4) return factor_v4<T>(rows, width, p, stride, negligible, r, tau);
  if (set == InstructionSet::v3) return factor_v3<T>(rows, width, p, stride, negligible, r, tau);
#endif
  factor<T, 16>(rows, width, p, stride, negligible, r, tau);
}

template <typename T>
void block_reflector(std::size_t width, const T* gram, const T* tau, T* t) {
  std::fill_n(t, width * width, T{});
  for (std::size_t c = 0; c < width; ++c) {
    // T[0:c, c] = −τ_c T[0:c, 0:c] (VᵀV)[0:c, c]
    for (std::size_t i = 0; i < c; ++i) {
      T sum = 0;
      for (std::size_t k = i; k < c; ++k) sum += t[i * width + k] * gram[k * width + c];
      t[i * width + c] = -tau[c] * sum;
    }
    t[c * width + c] = tau[c];
  }
}

template void factor_panel<double>(std::size_t, std::size_t, double*, std::size_t, double, double*,
                                   double*);
template void factor_panel<float>(std::size_t, std::size_t, float*, std::size_t, float, float*,
                                  float*);
template void block_reflector<double>(std::size_t, const double*, const double*, double*);
template void block_reflector<float>(std::size_t, const float*, const float*, float*);

}  // namespace eigenscape
