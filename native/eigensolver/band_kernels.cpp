#include "eigensolver/band_kernels.hpp"

#include "core/instruction_sets.hpp"
#include "core/vector.hpp"

namespace eigenscape {
namespace {

template <std::size_t vectors, typename T>
[[gnu::always_inline]] inline void combine(std::size_t rows, const T* b, std::size_t step,
                                           const T* c, T* out) {
  Vector<T> sum[vectors];
  for (std::size_t q = 0; q < vectors; ++q) sum[q] = Vector<T>{};
  for (std::size_t r = 0; r < rows; ++r, b += step) {
    for (std::size_t q = 0; q < vectors; ++q) sum[q] += c[r] * vector_at<T>(b + q * kLanes<T>);
  }
  for (std::size_t q = 0; q < vectors; ++q) vector_at<T>(out + q * kLanes<T>) = sum[q];
}

/// (a₀ + a₁, a₂ + a₃ …, b₀ + b₁ …): log₂(lanes) rounds of it turn as many vectors into their sums.
[[gnu::always_inline]] inline void add_pairs(const Vector<double>& a, const Vector<double>& b,
                                             Vector<double>& out) {
  out = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14) +
        __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
}
[[gnu::always_inline]] inline void add_pairs(const Vector<float>& a, const Vector<float>& b,
                                             Vector<float>& out) {
  out = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30) +
        __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}

template <std::size_t vectors, typename T>
[[gnu::always_inline]] inline void multiply(std::size_t rows, const T* b, std::size_t step,
                                            const T* v, T* y) {
  constexpr std::size_t kRows = kLanes<T>;
  std::size_t r = 0;
  for (; r + kRows <= rows; r += kRows, b += kRows * step) {
    Vector<T> sum[kRows];
    for (std::size_t i = 0; i < kRows; ++i) sum[i] = vector_at<T>(b + i * step) * vector_at<T>(v);
    for (std::size_t q = 1; q < vectors; ++q) {
      const Vector<T> x = vector_at<T>(v + q * kLanes<T>);
      for (std::size_t i = 0; i < kRows; ++i) {
        sum[i] += vector_at<T>(b + i * step + q * kLanes<T>) * x;
      }
    }
    for (std::size_t left = kRows / 2; left > 0; left /= 2) {
      for (std::size_t i = 0; i < left; ++i) add_pairs(sum[2 * i], sum[2 * i + 1], sum[i]);
    }
    vector_at<T>(y + r) = sum[0];
  }
  for (; r < rows; ++r, b += step) {
    Vector<T> sum{};
    for (std::size_t q = 0; q < vectors; ++q) {
      sum += vector_at<T>(b + q * kLanes<T>) * vector_at<T>(v + q * kLanes<T>);
    }
    y[r] = 0;
    for (std::size_t i = 0; i < kLanes<T>; ++i) y[r] += sum[i];
  }
}

template <std::size_t vectors, typename T>
[[gnu::always_inline]] inline void subtract(std::size_t rows, T* b, std::size_t step, const T* s,
                                            const T* p, const T* t, const T* q) {
  for (std::size_t r = 0; r < rows; ++r, b += step) {
    for (std::size_t k = 0; k < vectors * kLanes<T>; k += kLanes<T>) {
      vector_at<T>(b + k) -= s[r] * vector_at<T>(p + k) + t[r] * vector_at<T>(q + k);
    }
  }
}

}  // namespace

EIGENSCAPE_INSTRUCTION_SETS
void combine_rows(std::size_t vectors, std::size_t rows, const double* b, std::size_t step,
                  const double* c, double* out) {
  if (vectors == 3) return combine<3>(rows, b, step, c, out);
  if (vectors == 5) return combine<5>(rows, b, step, c, out);
  combine<9>(rows, b, step, c, out);
}

EIGENSCAPE_INSTRUCTION_SETS
void combine_rows(std::size_t vectors, std::size_t rows, const float* b, std::size_t step,
                  const float* c, float* out) {
  if (vectors == 3) return combine<3>(rows, b, step, c, out);
  if (vectors == 5) return combine<5>(rows, b, step, c, out);
  combine<9>(rows, b, step, c, out);
}

EIGENSCAPE_INSTRUCTION_SETS
void multiply_rows(std::size_t vectors, std::size_t rows, const double* b, std::size_t step,
                   const double* v, double* y) {
  if (vectors == 3) return multiply<3>(rows, b, step, v, y);
  if (vectors == 5) return multiply<5>(rows, b, step, v, y);
  multiply<9>(rows, b, step, v, y);
}

EIGENSCAPE_INSTRUCTION_SETS
void multiply_rows(std::size_t vectors, std::size_t rows, const float* b, std::size_t step,
                   const float* v, float* y) {
  if (vectors == 3) return multiply<3>(rows, b, step, v, y);
  if (vectors == 5) return multiply<5>(rows, b, step, v, y);
  multiply<9>(rows, b, step, v, y);
}

EIGENSCAPE_INSTRUCTION_SETS
void subtract_two(std::size_t vectors, std::size_t rows, double* b, std::size_t step,
                  const double* s, const double* p, const double* t, const double* q) {
  if (vectors == 3) return subtract<3>(rows, b, step, s, p, t, q);
  if (vectors == 5) return subtract<5>(rows, b, step, s, p, t, q);
  subtract<9>(rows, b, step, s, p, t, q);
}

EIGENSCAPE_INSTRUCTION_SETS
void subtract_two(std::size_t vectors, std::size_t rows, float* b, std::size_t step, const float* s,
                  const float* p, const float* t, const float* q) {
  if (vectors == 3) return subtract<3>(rows, b, step, s, p, t, q);
  if (vectors == 5) return subtract<5>(rows, b, step, s, p, t, q);
  subtract<9>(rows, b, step, s, p, t, q);
}

}  // namespace eigenscape
