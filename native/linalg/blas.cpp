#include "linalg/blas.hpp"

#include <cstdlib>
#include <limits>

#include "core/error.hpp"

extern "C" {
void dgemm_(const char*, const char*, const int*, const int*, const int*, const double*,
            const double*, const int*, const double*, const int*, const double*, double*,
            const int*);
void sgemm_(const char*, const char*, const int*, const int*, const int*, const float*,
            const float*, const int*, const float*, const int*, const float*, float*, const int*);
void dsymm_(const char*, const char*, const int*, const int*, const double*, const double*,
            const int*, const double*, const int*, const double*, double*, const int*);
void ssymm_(const char*, const char*, const int*, const int*, const float*, const float*,
            const int*, const float*, const int*, const float*, float*, const int*);
void dsyrk_(const char*, const char*, const int*, const int*, const double*, const double*,
            const int*, const double*, double*, const int*);
void ssyrk_(const char*, const char*, const int*, const int*, const float*, const float*,
            const int*, const float*, float*, const int*);
#if !defined(EIGENSCAPE_ACCELERATE)
char* openblas_get_config();
char* openblas_get_corename();
void openblas_set_num_threads(int);
[[gnu::weak]] int blas_thread_shutdown_();
#endif
}

namespace eigenscape::blas {
namespace {

int narrow(std::size_t value) {
  if (value > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw Error(ErrorCode::memory, "a matrix dimension exceeds the 32-bit integers of BLAS");
  }
  return static_cast<int>(value);
}

void fortran_gemm(const char* ta, const char* tb, const int* m, const int* n, const int* k,
                  const double* alpha, const double* a, const int* lda, const double* b,
                  const int* ldb, const double* beta, double* c, const int* ldc) {
  dgemm_(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void fortran_gemm(const char* ta, const char* tb, const int* m, const int* n, const int* k,
                  const float* alpha, const float* a, const int* lda, const float* b,
                  const int* ldb, const float* beta, float* c, const int* ldc) {
  sgemm_(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void fortran_symm(const char* side, const char* uplo, const int* m, const int* n,
                  const double* alpha, const double* a, const int* lda, const double* b,
                  const int* ldb, const double* beta, double* c, const int* ldc) {
  dsymm_(side, uplo, m, n, alpha, a, lda, b, ldb, beta, c, ldc);
}
void fortran_symm(const char* side, const char* uplo, const int* m, const int* n,
                  const float* alpha, const float* a, const int* lda, const float* b,
                  const int* ldb, const float* beta, float* c, const int* ldc) {
  ssymm_(side, uplo, m, n, alpha, a, lda, b, ldb, beta, c, ldc);
}
void fortran_syrk(const char* uplo, const char* trans, const int* n, const int* k,
                  const double* alpha, const double* a, const int* lda, const double* beta,
                  double* c, const int* ldc) {
  dsyrk_(uplo, trans, n, k, alpha, a, lda, beta, c, ldc);
}
void fortran_syrk(const char* uplo, const char* trans, const int* n, const int* k,
                  const float* alpha, const float* a, const int* lda, const float* beta, float* c,
                  const int* ldc) {
  ssyrk_(uplo, trans, n, k, alpha, a, lda, beta, c, ldc);
}

}  // namespace

template <typename T>
void gemm(Form form_a, Form form_b, std::size_t m, std::size_t n, std::size_t k, T alpha,
          const T* a, std::size_t lda, const T* b, std::size_t ldb, T beta, T* c, std::size_t ldc) {
  if (m == 0 || n == 0) return;
  // Row-major C = A·B is column-major Cᵀ = Bᵀ·Aᵀ.
  const char* const transpose_a = form_a == Form::plain ? "N" : "T";
  const char* const transpose_b = form_b == Form::plain ? "N" : "T";
  const int rows = narrow(n);
  const int columns = narrow(m);
  const int inner = narrow(k);
  const int stride_a = narrow(lda);
  const int stride_b = narrow(ldb);
  const int stride_c = narrow(ldc);
  fortran_gemm(transpose_b, transpose_a, &rows, &columns, &inner, &alpha, b, &stride_b, a,
               &stride_a, &beta, c, &stride_c);
}

template <typename T>
void axpy(std::size_t n, T alpha, const T* x, T* y) {
  for (std::size_t i = 0; i < n; ++i) y[i] += alpha * x[i];
}

template <typename T>
void symm(std::size_t m, std::size_t n, const T* a, const T* b, T* c) {
  if (m == 0 || n == 0) return;
  // Column-major Cᵀ = A·Bᵀ; the row-major lower triangle is the column-major upper one.
  const int rows = narrow(n);
  const int columns = narrow(m);
  const T one = 1;
  const T zero = 0;
  fortran_symm("L", "U", &rows, &columns, &one, a, &rows, b, &rows, &zero, c, &rows);
}

template <typename T>
void add_gram(std::size_t k, std::size_t n, const T* a, T* c) {
  if (k == 0 || n == 0) return;
  // Column-major A·Aᵀ of the [n, k] that the row-major [k, n] is.
  const int order = narrow(n);
  const int inner = narrow(k);
  const T one = 1;
  fortran_syrk("U", "N", &order, &inner, &one, a, &order, &one, c, &order);
}

const char* configuration() {
#if !defined(EIGENSCAPE_ACCELERATE)
  return openblas_get_config();
#else
  return "Accelerate";
#endif
}

const char* kernel() {
#if !defined(EIGENSCAPE_ACCELERATE)
  return openblas_get_corename();
#else
  return "Accelerate";
#endif
}

void use_one_thread() {
#if !defined(EIGENSCAPE_ACCELERATE)
  openblas_set_num_threads(1);
  // The threads that it started when it was loaded spin for a while, in the way of ours.
  if (blas_thread_shutdown_ != nullptr) blas_thread_shutdown_();
#else
  setenv("VECLIB_MAXIMUM_THREADS", "1", 0);
#endif
}

template void gemm<double>(Form, Form, std::size_t, std::size_t, std::size_t, double, const double*,
                           std::size_t, const double*, std::size_t, double, double*, std::size_t);
template void gemm<float>(Form, Form, std::size_t, std::size_t, std::size_t, float, const float*,
                          std::size_t, const float*, std::size_t, float, float*, std::size_t);
template void axpy<double>(std::size_t, double, const double*, double*);
template void axpy<float>(std::size_t, float, const float*, float*);
template void symm<double>(std::size_t, std::size_t, const double*, const double*, double*);
template void symm<float>(std::size_t, std::size_t, const float*, const float*, float*);
template void add_gram<double>(std::size_t, std::size_t, const double*, double*);
template void add_gram<float>(std::size_t, std::size_t, const float*, float*);

}  // namespace eigenscape::blas
