// Elementary functions that a compiler can vectorise: no branches, no tables, no calls.
//
// They are what activations need: exponentials of x ≤ 0 (of −|x|, −2|x|, −x²/2), which cannot
// overflow, log1p of such an exponential, and the normal distribution. NaN passes through.
// Products that must be exact are made so by splitting, not by fma, which SSE2 does not have; where
// the compiler contracts a product and a sum to fma, results are as good or better, so they differ
// in the last bit between instruction sets.
//
// Coefficients: elementary_coefficients.py.
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
  static constexpr double exp_zero = -746;  // eˣ is 0 from here down
  static constexpr double log2_e = 0x1.71547652b82fep+0;
  static constexpr double ln2_high = 0x1.62e42fefa3000p-1;  // 11 bits of n leave n·ln2_high exact
  static constexpr double ln2_low = 0x1.3de6af278ece6p-42;
  static constexpr double ln2 = 0x1.62e42fefa39efp-1;
  static constexpr double sqrt2_high = 0x1.6a09e667f3bcdp+0;
  static constexpr double sqrt2_low = -0x1.bdd3413b26456p-54;
  static constexpr double inverse_sqrt_2pi = 0x1.9884533d43651p-2;
  static constexpr double tail_zero = 39;  // φ is 0 from here up
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
      0x1.89d3abe1f95aep-1,   -0x1.54ad03f27ca17p-1, 0x1.fb31653876f9fp-2,   -0x1.410ed5f8759e4p-2,
      0x1.51f6329f011d3p-3,   -0x1.1b1c254c9ec06p-4, 0x1.54b4d4f4f992dp-6,   -0x1.88590ea29dc4fp-9,
      -0x1.a250381c6bfbfp-11, 0x1.1daf1c3975c59p-11, -0x1.f2144a6bfa192p-15, -0x1.a1707cdd45c61p-15,
      0x1.17dc86c9be778p-16,  0x1.0b1e7d588b074p-18, -0x1.73a47b6e360aep-19, -0x1.6847cb4d2f49ep-22,
      0x1.d0ce42c27c101p-22,  0x1.5f296e920593bp-25, -0x1.1b8459dad6921p-24, -0x1.1d02a47b2ce84p-27,
      0x1.10e39cfb9027ap-27,  0x1.899ff1dad4acbp-30, -0x1.4d04c60e65454p-32};
};

template <>
struct Constants<float> {
  using Bits = std::uint32_t;
  static constexpr int fraction_bits = 23;
  static constexpr float rounder = 0x1.8p23F;
  static constexpr float exponent_bias = 127;
  static constexpr float exp_zero = -105;
  static constexpr float log2_e = 0x1.715476p+0F;
  static constexpr float ln2_high = 0x1.62e0p-1F;  // 8 bits of n leave n·ln2_high exact
  static constexpr float ln2_low = 0x1.0bfbe8p-15F;
  static constexpr float ln2 = 0x1.62e43p-1F;
  static constexpr float sqrt2_high = 0x1.6a09e6p+0F;
  static constexpr float sqrt2_low = 0x1.9fcef4p-26F;
  static constexpr float inverse_sqrt_2pi = 0x1.988454p-2F;
  static constexpr float tail_zero = 14.5F;
  static constexpr float tail_center = 4;
  static constexpr Bits upper_half = ~Bits{0xfff};  // the leading 12 bits of a fraction
  static constexpr std::array expm1{0x1.555556p-3F, 0x1.5554f2p-5F, 0x1.1110a4p-7F, 0x1.6d4126p-10F,
                                    0x1.a18918p-13F};
  static constexpr std::array log1p{0x1.5555b4p-1F, 0x1.992a7cp-2F, 0x1.36f080p-2F};
  static constexpr std::array tail{
      0x1.82b4bcp-1F,  -0x1.373e38p-1F, 0x1.8c6d9ep-2F,  -0x1.7e0000p-3F, 0x1.eed406p-5F,
      -0x1.ed2d1ap-8F, -0x1.cc661ap-9F, 0x1.9b8b88p-10F, 0x1.78287ep-13F, -0x1.14bf9ap-13F};
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

/// Σ c[i] xⁱ by Horner's rule.
template <std::size_t First = 0, typename T, std::size_t Size>
[[gnu::always_inline]] constexpr T polynomial(const std::array<T, Size>& c, T x) {
  if constexpr (First + 1 == Size) {
    return c[First];
  } else {
    return c[First] + x * polynomial<First + 1>(c, x);
  }
}

/// eᵃ and eᵃ − 1.
template <typename T>
struct Exponential {
  T value;
  T minus_one;
};

/// eᵃ and eᵃ − 1 at a = x + x_low ≤ 0, with |x_low| far below 1.
///
/// Method: a = n·ln 2 + r, |r| ≤ ln 2 / 2 (Cody and Waite 1980, "Software Manual for the Elementary
/// Functions", ln 2 in two parts); p = eʳ − 1 = r + r²/2 + r³·polynomial; eᵃ = s + s·p and
/// eᵃ − 1 = s·p + (s − 1) with s = 2ⁿ, so that neither cancels. n is rounded, and s made, by adding
/// a number so large that integers are its last bits (Tang 1989, "Table-driven implementation of
/// the exponential function in IEEE floating-point arithmetic", for the reduction).
template <typename T>
[[gnu::always_inline]] constexpr Exponential<T> exp_nonpositive(T x, T x_low = 0) {
  using C = Constants<T>;
  using Bits = typename C::Bits;
  constexpr T lift = 64;  // keeps the exponent positive where s is denormal
  const T bounded = x < C::exp_zero ? C::exp_zero : x;
  const T n = (bounded * C::log2_e + C::rounder) - C::rounder;
  const T r = (bounded - n * C::ln2_high) - (n * C::ln2_low - x_low);
  const T p = r + r * r * (T(0.5) + r * polynomial(C::expm1, r));
  const Bits exponent = std::bit_cast<Bits>(n + (C::rounder + C::exponent_bias + lift));
  const T s = std::bit_cast<T>(exponent << C::fraction_bits) * T(0x1p-64);
  return {s + s * p, s * p + (s - 1)};
}

/// log(1 + t) for 0 ≤ t ≤ 1.
///
/// Method: 1 + t = 2ᵏ·(1 + f) with k = 1 above t = ½, where f is exact either way; with
/// s = f/(2 + f), log(1 + f) = 2·atanh s = f − s·(f − s²·polynomial(s²)) (Tang 1990, "Table-driven
/// implementation of the logarithm function in IEEE floating-point arithmetic").
template <typename T>
[[gnu::always_inline]] constexpr T log1p_fraction(T t) {
  using C = Constants<T>;
  const bool upper = t > T(0.5);
  const T f = upper ? t * T(0.5) - T(0.5) : t;
  const T s = f / (2 + f);
  const T z = s * s;
  const T log = f - s * (f - z * polynomial(C::log1p, z));
  return upper ? C::ln2 + log : log;
}

/// The standard normal distribution: density φ(x) = e^(−x²/2)/√(2π), distribution function Φ(x).
template <typename T>
struct Normal {
  T density;
  T distribution;
};

/// φ and Φ, both without loss of relative accuracy down to where they vanish (which 1 + erf, near
/// −1, would lose).
///
/// Method: with a = |x|, Φ(−a) = φ(a)·w·polynomial(v), w = 1/(a + k), v = (a − k)·w; the polynomial
/// approximates (a + k) times Mills' ratio, which is smooth and bounded on [0, ∞) (Shepherd and
/// Laframboise 1981, "Chebyshev approximation of (1 + 2x)exp(x²)erfc x in 0 ≤ x < ∞"). a² is formed
/// from the leading half of a and the rest, so that its rounding is not magnified by e^(−a²/2).
template <typename T>
[[gnu::always_inline]] constexpr Normal<T> normal(T x) {
  using C = Constants<T>;
  const T size = magnitude(x);
  const T a = size > C::tail_zero ? C::tail_zero : size;
  const T head = std::bit_cast<T>(std::bit_cast<typename C::Bits>(a) & C::upper_half);
  const T rest = (a - head) * (a + head);
  const T density =
      exp_nonpositive(T(-0.5) * (head * head), T(-0.5) * rest).value * C::inverse_sqrt_2pi;
  const T w = 1 / (a + C::tail_center);
  const T tail = density * (w * polynomial(C::tail, (a - C::tail_center) * w));
  return {density, x > 0 ? 1 - tail : tail};
}

}  // namespace eigenscape::elementary
