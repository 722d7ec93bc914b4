// Elementary functions that a compiler can vectorise: no branches, no tables, no calls.
//
// They are what activations need: exponentials of x ≤ 0 (of −|x|, −2|x|, −x²/2), which cannot
// overflow, log1p of such an exponential, and the normal distribution. NaN passes through.
// Products that must be exact are made so by splitting, not by fma, which SSE2 does not have; where
// the compiler contracts a product and a sum to fma, results are as good or better, so they differ
// in the last bit between instruction sets.
//
// Errors, in units in the last place, are the largest found in 600,000 points (dense grids, steps
// of the logarithm, random bit patterns) against 113-bit arithmetic, in every instruction set;
// float is computed in float, with twice the entries in a vector. Coefficients:
// elementary_coefficients.py.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace eigenscape::elementary {

template <typename T>
struct Constants;

template <>
struct Constants<double> {
  using Bits = std::uint64_t;
  static constexpr int fraction_bits = 52;
  static constexpr double rounder = 0x1.8p52;  // x + rounder − rounder is x rounded to an integer
  static constexpr double exponent_bias = 1023;
  static constexpr double lift = 256;
  static constexpr double lowering = 0x1p-256;
  static constexpr double exp_zero = -800;  // x·eˣ is 0 from here down
  static constexpr double log2_e = 0x1.71547652b82fep+0;
  static constexpr double ln2_high = 0x1.62e42fefa3000p-1;  // 11 bits of n leave n·ln2_high exact
  static constexpr double ln2_low = 0x1.3de6af278ece6p-42;
  static constexpr double ln2 = 0x1.62e42fefa39efp-1;
  static constexpr double sqrt2_high = 0x1.6a09e667f3bcdp+0;
  static constexpr double sqrt2_low = -0x1.bdd3413b26456p-54;
  static constexpr double inverse_sqrt_2pi = 0x1.9884533d43651p-2;
  static constexpr double tail_zero = 39;  // x²·φ is 0 from here up
  static constexpr double tail_center = 5;
  static constexpr Bits upper_half = ~Bits{0x7ffffff};  // the leading 26 bits of a fraction
  static constexpr std::array expm1{
      0x1.555555555555ap-3,  0x1.5555555553acfp-5,  0x1.111111110f05ep-7,
      0x1.6c16c17a1588dp-10, 0x1.a01a01b2e7f7ap-13, 0x1.a019b34e070b3p-16,
      0x1.71ddf00a0edd8p-19, 0x1.2897ba1e63992p-22, 0x1.af6ddfbb3273cp-26};
  static constexpr std::array log1p{
      0x1.555555555577fp-1, 0x1.99999998ee305p-2, 0x1.249249b3ef661p-2, 0x1.c71c003e619b2p-3,
      0x1.747511b8f8cb2p-3, 0x1.384f2b9ede698p-3, 0x1.3adaab61c6247p-3};
  static constexpr std::array tail{
      0x1.28273b50efa76p+0,   -0x1.d5fd8ffd0f199p-3, 0x1.3e97eaf5f2facp-4,   0x1.9ac85788f1d08p-6,
      -0x1.0f103e712fe92p-4,  0x1.f7d96e0dc1c05p-5,  -0x1.37838b39e152ap-5,  0x1.0bd973a5e22d9p-6,
      -0x1.1355f4af58776p-8,  0x1.47ac513eeb471p-16, 0x1.df3edbc87de2cp-12,  -0x1.19ce28ab8e077p-13,
      -0x1.a031a2da2a2b1p-16, 0x1.7d0d3cf807d85p-16, -0x1.71da6c746222p-23,  -0x1.b88c8618a402p-19,
      0x1.4efdec2649f4fp-22,  0x1.0ac45993fd108p-21, -0x1.d7a238106bf74p-25, -0x1.537b513855c79p-24,
      0x1.41e1963429e2bp-30,  0x1.4c502da6edd1ap-27, 0x1.e0c7a2fe73deep-30};
};

template <>
struct Constants<float> {
  using Bits = std::uint32_t;
  static constexpr int fraction_bits = 23;
  static constexpr float rounder = 0x1.8p23F;
  static constexpr float exponent_bias = 127;
  static constexpr float lift = 64;
  static constexpr float lowering = 0x1p-64F;
  static constexpr float exp_zero = -120;
  static constexpr float log2_e = 0x1.715476p+0F;
  static constexpr float ln2_high = 0x1.62e0p-1F;  // 8 bits of n leave n·ln2_high exact
  static constexpr float ln2_low = 0x1.0bfbe8p-15F;
  static constexpr float ln2 = 0x1.62e43p-1F;
  static constexpr float sqrt2_high = 0x1.6a09e6p+0F;
  static constexpr float sqrt2_low = 0x1.9fcef4p-26F;
  static constexpr float inverse_sqrt_2pi = 0x1.988454p-2F;
  static constexpr float tail_zero = 15;
  static constexpr float tail_center = 4;
  static constexpr Bits upper_half = ~Bits{0xfff};  // the leading 12 bits of a fraction
  static constexpr std::array expm1{0x1.555556p-3F, 0x1.5554f2p-5F, 0x1.1110a4p-7F, 0x1.6d4126p-10F,
                                    0x1.a18918p-13F};
  static constexpr std::array log1p{0x1.5555b4p-1F, 0x1.992a7cp-2F, 0x1.36f080p-2F};
  static constexpr std::array tail{0x1.2eea4p+0F,   -0x1.f06f3ap-3F,  0x1.1f78d4p-5F,
                                   0x1.25a3e2p-4F,  -0x1.4a9332p-4F,  0x1.7063d6p-5F,
                                   -0x1.9b029ap-7F, -0x1.8ec7a8p-11F, 0x1.c6da4ap-10F,
                                   -0x1.43852p-13F, -0x1.7a65a2p-13F};
};

/// |x|, and |x| with the sign of y.
template <typename T>
[[gnu::always_inline]] constexpr T magnitude(T x) {
  using Bits = typename Constants<T>::Bits;
  return std::bit_cast<T>(std::bit_cast<Bits>(x) & (~Bits{0} >> 1));
}

template <typename T>
[[gnu::always_inline]] constexpr T with_sign(T x, T y) {
  using Bits = typename Constants<T>::Bits;
  constexpr Bits rest = ~Bits{0} >> 1;
  return std::bit_cast<T>((std::bit_cast<Bits>(x) & rest) | (std::bit_cast<Bits>(y) & ~rest));
}

/// max(x, bound), but NaN if x is NaN.
template <typename T>
[[gnu::always_inline]] constexpr T at_least(T x, T bound) {
  return x < bound ? bound : x;
}

/// Σ c[i] xⁱ by Horner's rule.
template <const auto& c, std::size_t First = 0, typename T>
[[gnu::always_inline]] constexpr T polynomial(T x) {
  constexpr T coefficient = c[First];
  if constexpr (First + 1 == c.size()) {
    return coefficient;
  } else {
    return coefficient + x * polynomial<c, First + 1>(x);
  }
}

/// eᵃ, eᵃ − 1, and eᵃ/lowering, which is never denormal.
template <typename T>
struct Exponential {
  T value;
  T minus_one;
  T lifted;
};

/// The exponential of a = x + x_low, where exp_zero ≤ x ≤ 0 and |x_low| is far below 1. Where eᵃ is
/// denormal it has fewer digits; a product of it with something large is made from `lifted`, and
/// lowered last.
///
/// Method: a = n·ln 2 + r, |r| ≤ ln 2 / 2, with ln 2 in two parts (Cody and Waite 1980, "Software
/// Manual for the Elementary Functions"); p = eʳ − 1 = r + r²/2 + r³·polynomial(r); with s = 2ⁿ,
/// eᵃ = s + s·p and eᵃ − 1 = s·p + (s − 1), neither of which cancels. n is rounded, and s made, by
/// adding a number so large that the integers are its last bits. Error: eᵃ 1.1 ulp, eᵃ − 1 1.2 ulp.
template <typename T>
[[gnu::always_inline]] constexpr Exponential<T> exp_bounded(T x, T x_low = 0) {
  using C = Constants<T>;
  using Bits = typename C::Bits;
  const T n = (x * C::log2_e + C::rounder) - C::rounder;
  const T r = (x - n * C::ln2_high) - (n * C::ln2_low - x_low);
  const T p = r + r * r * (T(0.5) + r * polynomial<C::expm1>(r));
  const Bits exponent = std::bit_cast<Bits>(n + (C::rounder + C::exponent_bias + C::lift));
  const T s_lifted = std::bit_cast<T>(exponent << C::fraction_bits);
  const T s = s_lifted * C::lowering;
  const T lifted = s_lifted + s_lifted * p;
  return {lifted * C::lowering, s * p + (s - 1), lifted};
}

/// The exponential of any x ≤ 0. Its `lifted` is not that of an x below exp_zero.
template <typename T>
[[gnu::always_inline]] constexpr Exponential<T> exp_nonpositive(T x) {
  return exp_bounded(at_least(x, Constants<T>::exp_zero));
}

/// log(1 + t) for 0 ≤ t ≤ 1.
///
/// Method: 1 + t = 2ᵏ·(1 + f) with k = 1 above t = ½, where f is exact either way; with
/// s = f/(2 + f), log(1 + f) = 2·atanh s = f − s·(f − s²·polynomial(s²)) (Tang 1990, "Table-driven
/// implementation of the logarithm function in IEEE floating-point arithmetic"). Error: 1.3 ulp.
template <typename T>
[[gnu::always_inline]] constexpr T log1p_fraction(T t) {
  using C = Constants<T>;
  const bool upper = t > T(0.5);
  const T f = upper ? t * T(0.5) - T(0.5) : t;
  const T s = f / (2 + f);
  const T z = s * s;
  const T log = f - s * (f - z * polynomial<C::log1p>(z));
  return upper ? C::ln2 + log : log;
}

/// The standard normal distribution at a = |x|, bounded so that x²·φ is 0 at the bound: density
/// φ(a) = e^(−a²/2)/√(2π) and upper tail Q(a) = Φ(−a), both divided by `lowering`.
template <typename T>
struct Normal {
  T a;
  T density_lifted;
  T tail_lifted;
};

/// φ and Q without loss of relative accuracy down to where they vanish (1 + erf, near −1, would
/// lose it, so that there is no erf here).
///
/// Method: Q = φ·polynomial(v)/(a + 1), v = (a − k)/(a + k); the polynomial approximates (a + 1)
/// times Mills' ratio Q/φ, which is smooth and nearly constant on [0, ∞) (the idea of Shepherd and
/// Laframboise 1981, "Chebyshev approximation of (1 + 2x)exp(x²)erfc x in 0 ≤ x < ∞"). a² is formed
/// from the leading half of a and the rest, so that e^(−a²/2) does not magnify its rounding.
/// Error: φ 2.2 ulp, Q 4.9 ulp.
template <typename T>
[[gnu::always_inline]] constexpr Normal<T> normal(T x) {
  using C = Constants<T>;
  const T a = -at_least(-magnitude(x), -C::tail_zero);
  const T head = std::bit_cast<T>(std::bit_cast<typename C::Bits>(a) & C::upper_half);
  const T rest = (a - head) * (a + head);
  const auto exp = exp_bounded(T(-0.5) * (head * head), T(-0.5) * rest);
  const T density_lifted = exp.lifted * C::inverse_sqrt_2pi;
  const T v = (a - C::tail_center) / (a + C::tail_center);
  return {a, density_lifted, density_lifted * polynomial<C::tail>(v) / (a + 1)};
}

}  // namespace eigenscape::elementary
