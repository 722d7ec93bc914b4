// The three passes over a block of the band that bulge chasing consists of. A block is `rows` rows,
// `step` entries apart, each of `vectors` whole 64-byte vectors; what lies in the window outside
// the block meets zeros in the other operand.
#pragma once

#include <cstddef>

namespace eigenscape {

/// Rows of these many vectors are compiled.
inline constexpr std::size_t kBandVectors[] = {3, 5, 9};

/// out = Σ_r c_r B[r, :]
void combine_rows(std::size_t vectors, std::size_t rows, const double* b, std::size_t step,
                  const double* c, double* out);
void combine_rows(std::size_t vectors, std::size_t rows, const float* b, std::size_t step,
                  const float* c, float* out);

/// y_r = B[r, :]·v; y has room for whole vectors.
void multiply_rows(std::size_t vectors, std::size_t rows, const double* b, std::size_t step,
                   const double* v, double* y);
void multiply_rows(std::size_t vectors, std::size_t rows, const float* b, std::size_t step,
                   const float* v, float* y);

/// B[r, :] −= s_r p + t_r q
void subtract_two(std::size_t vectors, std::size_t rows, double* b, std::size_t step,
                  const double* s, const double* p, const double* t, const double* q);
void subtract_two(std::size_t vectors, std::size_t rows, float* b, std::size_t step, const float* s,
                  const float* p, const float* t, const float* q);

}  // namespace eigenscape
