// Typed calls of BLAS for row-major matrices; one thread each, the caller's.
#pragma once

#include <cstddef>

namespace eigenscape::blas {

enum class Form { plain, transposed };

/// C[m, n] = alpha · op(A)[m, k] · op(B)[k, n] + beta · C, rows lda, ldb, ldc entries apart.
/// With beta = 0, C need not be initialised.
template <typename T>
void gemm(Form form_a, Form form_b, std::size_t m, std::size_t n, std::size_t k, T alpha,
          const T* a, std::size_t lda, const T* b, std::size_t ldb, T beta, T* c, std::size_t ldc);

/// y += alpha · x
template <typename T>
void axpy(std::size_t n, T alpha, const T* x, T* y);

/// C[m, n] = B[m, n] · A[n, n] for a symmetric A of which the lower triangle (row-major) is read.
template <typename T>
void symm(std::size_t m, std::size_t n, const T* a, const T* b, T* c);

/// The lower triangle (row-major) of C[n, n] += AᵀA for A[k, n].
template <typename T>
void add_gram(std::size_t k, std::size_t n, const T* a, T* c);

/// The library, its version and the kernel that it chose for this CPU, for people to read.
const char* configuration();
const char* kernel();

/// Makes BLAS run on its caller's thread alone.
void use_one_thread();

}  // namespace eigenscape::blas
