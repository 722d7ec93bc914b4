// Loops over rows of samples: arrays are [rows, n] with the samples innermost, and n is a whole
// number of vectors. `stride` counts entries from one row to the next.
#pragma once

#include <cstddef>

namespace eigenscape::sample_rows {

/// Samples that fill a cache line: n must be a multiple of it.
template <typename T>
constexpr std::size_t kLine = 64 / sizeof(T);

template <typename T>
struct Strided {
  T* data;
  std::size_t stride;
};

/// c_{rk} is data[r·row + k·column].
template <typename T>
struct Coefficients {
  const T* data;
  std::size_t row;
  std::size_t column;
};

/// y[r] = Σ_k c_{rk} x[k], or y[r] += … where `add`.
void combine(std::size_t n, std::size_t rows, std::size_t terms, Coefficients<double> c,
             Strided<const double> x, Strided<double> y, bool add);
void combine(std::size_t n, std::size_t rows, std::size_t terms, Coefficients<float> c,
             Strided<const float> x, Strided<float> y, bool add);

/// y = Σ_k a[k] ∘ b[k], one row.
void contract(std::size_t n, std::size_t terms, Strided<const double> a, Strided<const double> b,
              double* y);
void contract(std::size_t n, std::size_t terms, Strided<const float> a, Strided<const float> b,
              float* y);

/// out[(j, q)] = a[j] ∘ b[q] for all rows of a and of b.
void outer(std::size_t n, std::size_t rows_a, const double* a, std::size_t rows_b, const double* b,
           double* out);
void outer(std::size_t n, std::size_t rows_a, const float* a, std::size_t rows_b, const float* b,
           float* out);

/// sums[s] += Σ_r x[r, s]²
void add_squares(std::size_t n, std::size_t rows, const double* x, double* sums);
void add_squares(std::size_t n, std::size_t rows, const float* x, double* sums);

}  // namespace eigenscape::sample_rows
