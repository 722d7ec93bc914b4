#include "linalg/lapack.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "core/error.hpp"

extern "C" {
void dsyevd_(const char*, const char*, const int*, double*, const int*, double*, double*,
             const int*, int*, const int*, int*);
void ssyevd_(const char*, const char*, const int*, float*, const int*, float*, float*, const int*,
             int*, const int*, int*);
void dsyevr_(const char*, const char*, const char*, const int*, double*, const int*, const double*,
             const double*, const int*, const int*, const double*, int*, double*, double*,
             const int*, int*, double*, const int*, int*, const int*, int*);
void ssyevr_(const char*, const char*, const char*, const int*, float*, const int*, const float*,
             const float*, const int*, const int*, const float*, int*, float*, float*, const int*,
             int*, float*, const int*, int*, const int*, int*);
void dsytrd_(const char*, const int*, double*, const int*, double*, double*, double*, double*,
             const int*, int*);
void ssytrd_(const char*, const int*, float*, const int*, float*, float*, float*, float*,
             const int*, int*);
void dsytrf_(const char*, const int*, double*, const int*, int*, double*, const int*, int*);
void ssytrf_(const char*, const int*, float*, const int*, int*, float*, const int*, int*);
void dgelqf_(const int*, const int*, double*, const int*, double*, double*, const int*, int*);
void dgesdd_(const char*, const int*, const int*, double*, const int*, double*, double*, const int*,
             double*, const int*, double*, const int*, int*, int*);
#if !defined(EIGENSCAPE_ACCELERATE)
void dsyevd_2stage_(const char*, const char*, const int*, double*, const int*, double*, double*,
                    const int*, int*, const int*, int*);
void ssyevd_2stage_(const char*, const char*, const int*, float*, const int*, float*, float*,
                    const int*, int*, const int*, int*);
#endif
}

namespace eigenscape::lapack {
namespace {

template <typename T>
using Syevd = void (*)(const char*, const char*, const int*, T*, const int*, T*, T*, const int*,
                       int*, const int*, int*);
template <typename T>
using Sytrd = void (*)(const char*, const int*, T*, const int*, T*, T*, T*, T*, const int*, int*);
template <typename T>
using Sytrf = void (*)(const char*, const int*, T*, const int*, int*, T*, const int*, int*);
template <typename T>
using Syevr = void (*)(const char*, const char*, const char*, const int*, T*, const int*, const T*,
                       const T*, const int*, const int*, const T*, int*, T*, T*, const int*, int*,
                       T*, const int*, int*, const int*, int*);

template <typename T>
struct Routines;
template <>
struct Routines<double> {
  static constexpr Syevd<double> syevd = dsyevd_;
  static constexpr Syevr<double> syevr = dsyevr_;
  static constexpr Sytrd<double> sytrd = dsytrd_;
  static constexpr Sytrf<double> sytrf = dsytrf_;
#if !defined(EIGENSCAPE_ACCELERATE)
  static constexpr Syevd<double> syevd_2stage = dsyevd_2stage_;
#else
  static constexpr Syevd<double> syevd_2stage = dsyevd_;
#endif
};
template <>
struct Routines<float> {
  static constexpr Syevd<float> syevd = ssyevd_;
  static constexpr Syevr<float> syevr = ssyevr_;
  static constexpr Sytrd<float> sytrd = ssytrd_;
  static constexpr Sytrf<float> sytrf = ssytrf_;
#if !defined(EIGENSCAPE_ACCELERATE)
  static constexpr Syevd<float> syevd_2stage = ssyevd_2stage_;
#else
  static constexpr Syevd<float> syevd_2stage = ssyevd_;
#endif
};

/// Largest n for which n² still is a 32-bit integer: LAPACK's addresses go no further.
constexpr std::size_t kLargestOrder = 46340;
/// Largest n for which the workspace of xSYEVD with vectors, 1 + 6n + 2n², is one.
constexpr std::size_t kLargestOrderWithVectors = 32766;

int order_of(std::size_t n, std::size_t largest) {
  if (n > largest) {
    throw Error(ErrorCode::memory, "a dense matrix of order " + std::to_string(n) +
                                       " exceeds the 32-bit integers of LAPACK (order " +
                                       std::to_string(largest) + " at most)");
  }
  return static_cast<int>(n);
}

void check(int info, const char* routine, std::size_t n) {
  if (info == 0) return;
  if (info < 0) {
    throw Error(ErrorCode::internal, std::string(routine) + " refused argument " +
                                         std::to_string(-info) + " at order " + std::to_string(n));
  }
  throw Error(ErrorCode::numeric, std::string(routine) + " did not converge at order " +
                                      std::to_string(n) + " (info " + std::to_string(info) + ")");
}

/// A workspace size that LAPACK returned as a floating-point number. float32 loses units above
/// 2²⁴, so one part in 2²² is added (LAPACK issue 600).
template <typename T>
int workspace_size(T answer, std::size_t least) {
  const double padded = static_cast<double>(answer) * (1 + 1.0 / (1 << 22)) + 1;
  return static_cast<int>(std::min(std::max(padded, static_cast<double>(least)),
                                   static_cast<double>(std::numeric_limits<int>::max())));
}

template <typename T>
void run_syevd(Syevd<T> routine, const char* name, const char* job, std::size_t n,
               std::size_t least_work, std::span<T> a, std::span<T> values) {
  const int order = order_of(n, *job == 'V' ? kLargestOrderWithVectors : kLargestOrder);
  const int query = -1;
  T work_answer = 0;
  int integer_answer = 0;
  int info = 0;
  routine(job, "L", &order, a.data(), &order, values.data(), &work_answer, &query, &integer_answer,
          &query, &info);
  check(info, name, n);
  const int work_size = workspace_size(work_answer, least_work);
  const int integer_size = std::max(integer_answer, 1);
  AlignedBuffer<T> work(static_cast<std::size_t>(work_size));
  std::vector<int> integers(static_cast<std::size_t>(integer_size));
  routine(job, "L", &order, a.data(), &order, values.data(), work.data(), &work_size,
          integers.data(), &integer_size, &info);
  check(info, name, n);
}

}  // namespace

template <typename T>
void eigenvalues_one_stage(std::size_t n, std::span<T> a, std::span<T> values) {
  run_syevd<T>(Routines<T>::syevd, "xSYEVD", "N", n, 2 * n + 1, a, values);
}

template <typename T>
void eigenvalues_two_stage(std::size_t n, std::span<T> a, std::span<T> values) {
  run_syevd<T>(Routines<T>::syevd_2stage, "xSYEVD_2STAGE", "N", n, 2 * n + 1, a, values);
}

template <typename T>
void tridiagonal_form(std::size_t n, std::span<T> a, std::span<T> diagonal,
                      std::span<T> subdiagonal) {
  const int order = order_of(n, kLargestOrder);
  const int query = -1;
  std::vector<T> tau(n);
  T work_answer = 0;
  int info = 0;
  const auto call = [&](T* work, const int& work_size) {
    Routines<T>::sytrd("L", &order, a.data(), &order, diagonal.data(), subdiagonal.data(),
                       tau.data(), work, &work_size, &info);
    check(info, "xSYTRD", n);
  };
  call(&work_answer, query);
  const int work_size = workspace_size(work_answer, n);
  AlignedBuffer<T> work(static_cast<std::size_t>(work_size));
  call(work.data(), work_size);
}

template <typename T>
void eigenpairs(std::size_t n, std::span<T> a, std::span<T> values) {
  run_syevd<T>(Routines<T>::syevd, "xSYEVD", "V", n, 1 + 6 * n + 2 * n * n, a, values);
}

template <typename T>
void eigenpairs_in_range(std::size_t n, std::span<T> a, std::size_t first, std::size_t last,
                         std::span<T> values, std::span<T> vectors) {
  const int order = order_of(n, kLargestOrder);
  const int il = static_cast<int>(first) + 1;
  const int iu = static_cast<int>(last);
  const T unused = 0;
  const T tolerance = 0;
  int found = 0;
  int info = 0;
  const int query = -1;
  T work_answer = 0;
  int integer_answer = 0;
  std::vector<T> all_values(n);
  std::vector<int> support(2 * n);
  const auto call = [&](T* work, const int* work_size, int* integers, const int* integer_size) {
    Routines<T>::syevr("V", "I", "L", &order, a.data(), &order, &unused, &unused, &il, &iu,
                       &tolerance, &found, all_values.data(), vectors.data(), &order,
                       support.data(), work, work_size, integers, integer_size, &info);
    check(info, "xSYEVR", n);
  };
  call(&work_answer, &query, &integer_answer, &query);
  const int work_size = workspace_size(work_answer, 26 * n);
  const int integer_size = std::max(integer_answer, static_cast<int>(10 * n));
  AlignedBuffer<T> work(static_cast<std::size_t>(work_size));
  std::vector<int> integers(static_cast<std::size_t>(integer_size));
  call(work.data(), &work_size, integers.data(), &integer_size);
  if (static_cast<std::size_t>(found) != last - first) {
    throw Error(ErrorCode::numeric, "xSYEVR found " + std::to_string(found) + " of " +
                                        std::to_string(last - first) + " eigenpairs");
  }
  std::copy_n(all_values.data(), last - first, values.data());
}

template <typename T>
void factor_symmetric(std::size_t n, std::span<T> a, std::span<int> pivots) {
  const int order = order_of(n, kLargestOrder);
  const int query = -1;
  T answer = 0;
  int info = 0;
  Routines<T>::sytrf("L", &order, a.data(), &order, pivots.data(), &answer, &query, &info);
  check(info, "xSYTRF", n);
  const int work_size = workspace_size(answer, n);
  AlignedBuffer<T> work(static_cast<std::size_t>(work_size));
  Routines<T>::sytrf("L", &order, a.data(), &order, pivots.data(), work.data(), &work_size, &info);
  if (info < 0) check(info, "xSYTRF", n);
}

void triangular_factor(std::size_t rows, std::size_t columns, std::span<double> x) {
  // X row-major is Xᵀ column-major: Xᵀ = L Qᵀ, and L = Rᵀ.
  const int m = order_of(columns, kLargestOrder);
  const int n = order_of(rows, std::numeric_limits<int>::max());
  std::vector<double> scales(columns);
  const int query = -1;
  double answer = 0;
  int info = 0;
  dgelqf_(&m, &n, x.data(), &m, scales.data(), &answer, &query, &info);
  check(info, "DGELQF", columns);
  const int work_size = workspace_size(answer, columns);
  AlignedBuffer<double> work(static_cast<std::size_t>(work_size));
  dgelqf_(&m, &n, x.data(), &m, scales.data(), work.data(), &work_size, &info);
  check(info, "DGELQF", columns);
  for (std::size_t i = 0; i < columns; ++i) std::fill_n(x.data() + i * columns, i, 0.0);
}

void singular_values(std::size_t rows, std::size_t columns, std::vector<double> x,
                     std::span<double> sigma, std::span<double> right) {
  const int m = order_of(columns, kLargestOrderWithVectors);
  const int n = order_of(rows, kLargestOrderWithVectors);
  const std::size_t least = std::min(rows, columns);
  const bool vectors = !right.empty();
  const char* const job = vectors ? "S" : "N";
  const int inner = static_cast<int>(least);
  std::vector<double> left(vectors ? least * rows : 1);
  double unused = 0;
  double* const u = vectors ? right.data() : &unused;
  std::vector<int> integers(8 * least);
  const int query = -1;
  double answer = 0;
  int info = 0;
  const auto call = [&](double* work, const int* size) {
    dgesdd_(job, &m, &n, x.data(), &m, sigma.data(), u, &m, left.data(), &inner, work, size,
            integers.data(), &info);
    check(info, "DGESDD", columns);
  };
  call(&answer, &query);
  const int work_size = workspace_size(answer, 1);
  AlignedBuffer<double> work(static_cast<std::size_t>(work_size));
  call(work.data(), &work_size);
}

std::size_t eigenvalues_workspace(std::size_t n, std::size_t entry_bytes) {
  return 512 * n * entry_bytes;  // the band of the two-stage way and its blocks
}

std::size_t eigenpairs_workspace(std::size_t n, std::size_t entry_bytes) {
  return (1 + 6 * n + 2 * n * n) * entry_bytes;
}

std::size_t range_workspace(std::size_t n, std::size_t entry_bytes) { return 64 * n * entry_bytes; }

template void eigenvalues_one_stage<double>(std::size_t, std::span<double>, std::span<double>);
template void eigenvalues_one_stage<float>(std::size_t, std::span<float>, std::span<float>);
template void eigenvalues_two_stage<double>(std::size_t, std::span<double>, std::span<double>);
template void eigenvalues_two_stage<float>(std::size_t, std::span<float>, std::span<float>);
template void tridiagonal_form<double>(std::size_t, std::span<double>, std::span<double>,
                                       std::span<double>);
template void tridiagonal_form<float>(std::size_t, std::span<float>, std::span<float>,
                                      std::span<float>);
template void eigenpairs<double>(std::size_t, std::span<double>, std::span<double>);
template void eigenpairs<float>(std::size_t, std::span<float>, std::span<float>);
template void eigenpairs_in_range<double>(std::size_t, std::span<double>, std::size_t, std::size_t,
                                          std::span<double>, std::span<double>);
template void eigenpairs_in_range<float>(std::size_t, std::span<float>, std::size_t, std::size_t,
                                         std::span<float>, std::span<float>);

template void factor_symmetric<double>(std::size_t, std::span<double>, std::span<int>);
template void factor_symmetric<float>(std::size_t, std::span<float>, std::span<int>);

}  // namespace eigenscape::lapack
