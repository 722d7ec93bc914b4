#include "curvature/sample_rows.hpp"

#include "core/instruction_sets.hpp"

namespace eigenscape::sample_rows {
namespace {

template <typename T>
[[gnu::always_inline]] inline void combine_all(std::size_t n, std::size_t rows, std::size_t terms,
                                               Coefficients<T> c, Strided<const T> x, Strided<T> y,
                                               bool add) {
  for (std::size_t r = 0; r < rows; ++r) {
    T* const to = y.data + r * y.stride;
    const T* const coefficients = c.data + r * c.row;
    std::size_t k = 0;
    if (!add) {
      const T first = terms == 0 ? T{0} : coefficients[0];
      for (std::size_t s = 0; s < n; ++s) to[s] = first * x.data[s];
      k = 1;
    }
    for (; k < terms; ++k) {
      const T coefficient = coefficients[k * c.column];
      const T* const from = x.data + k * x.stride;
      for (std::size_t s = 0; s < n; ++s) to[s] += coefficient * from[s];
    }
  }
}

template <typename T>
[[gnu::always_inline]] inline void contract_all(std::size_t n, std::size_t terms,
                                                Strided<const T> a, Strided<const T> b, T* y) {
  for (std::size_t s = 0; s < n; ++s) y[s] = a.data[s] * b.data[s];
  for (std::size_t k = 1; k < terms; ++k) {
    const T* const left = a.data + k * a.stride;
    const T* const right = b.data + k * b.stride;
    for (std::size_t s = 0; s < n; ++s) y[s] += left[s] * right[s];
  }
}

template <typename T>
[[gnu::always_inline]] inline void outer_all(std::size_t n, std::size_t rows_a, const T* a,
                                             std::size_t rows_b, const T* b, T* out) {
  for (std::size_t j = 0; j < rows_a; ++j) {
    for (std::size_t q = 0; q < rows_b; ++q) {
      const T* const left = a + j * n;
      const T* const right = b + q * n;
      T* const to = out + (j * rows_b + q) * n;
      for (std::size_t s = 0; s < n; ++s) to[s] = left[s] * right[s];
    }
  }
}

template <typename T>
[[gnu::always_inline]] inline void add_squares_all(std::size_t n, std::size_t rows, const T* x,
                                                   double* sums) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t s = 0; s < n; ++s) {
      const auto value = static_cast<double>(x[r * n + s]);
      sums[s] += value * value;
    }
  }
}

}  // namespace

EIGENSCAPE_INSTRUCTION_SETS
void combine(std::size_t n, std::size_t rows, std::size_t terms, Coefficients<double> c,
             Strided<const double> x, Strided<double> y, bool add) {
  combine_all(n, rows, terms, c, x, y, add);
}
EIGENSCAPE_INSTRUCTION_SETS
void combine(std::size_t n, std::size_t rows, std::size_t terms, Coefficients<float> c,
             Strided<const float> x, Strided<float> y, bool add) {
  combine_all(n, rows, terms, c, x, y, add);
}

EIGENSCAPE_INSTRUCTION_SETS
void contract(std::size_t n, std::size_t terms, Strided<const double> a, Strided<const double> b,
              double* y) {
  contract_all(n, terms, a, b, y);
}
EIGENSCAPE_INSTRUCTION_SETS
void contract(std::size_t n, std::size_t terms, Strided<const float> a, Strided<const float> b,
              float* y) {
  contract_all(n, terms, a, b, y);
}

EIGENSCAPE_INSTRUCTION_SETS
void outer(std::size_t n, std::size_t rows_a, const double* a, std::size_t rows_b, const double* b,
           double* out) {
  outer_all(n, rows_a, a, rows_b, b, out);
}
EIGENSCAPE_INSTRUCTION_SETS
void outer(std::size_t n, std::size_t rows_a, const float* a, std::size_t rows_b, const float* b,
           float* out) {
  outer_all(n, rows_a, a, rows_b, b, out);
}

EIGENSCAPE_INSTRUCTION_SETS
void add_squares(std::size_t n, std::size_t rows, const double* x, double* sums) {
  add_squares_all(n, rows, x, sums);
}
EIGENSCAPE_INSTRUCTION_SETS
void add_squares(std::size_t n, std::size_t rows, const float* x, double* sums) {
  add_squares_all(n, rows, x, sums);
}

}  // namespace eigenscape::sample_rows
