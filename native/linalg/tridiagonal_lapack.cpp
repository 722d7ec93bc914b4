#include "linalg/tridiagonal_lapack.hpp"

#include <string>

#include "core/error.hpp"

extern "C" {
void dsteqr_(const char*, const int*, double*, double*, double*, const int*, double*, int*);
void ssteqr_(const char*, const int*, float*, float*, float*, const int*, float*, int*);
void dlaed2_(int*, const int*, const int*, double*, double*, const int*, int*, double*, double*,
             double*, double*, double*, int*, int*, int*, int*, int*);
void slaed2_(int*, const int*, const int*, float*, float*, const int*, int*, float*, float*, float*,
             float*, float*, int*, int*, int*, int*, int*);
void dlaed4_(const int*, const int*, const double*, const double*, double*, const double*, double*,
             int*);
void slaed4_(const int*, const int*, const float*, const float*, float*, const float*, float*,
             int*);
}

namespace eigenscape::lapack {
namespace {

void steqr(const int* n, double* d, double* e, double* z, const int* stride, double* work,
           int* info) {
  dsteqr_("I", n, d, e, z, stride, work, info);
}
void steqr(const int* n, float* d, float* e, float* z, const int* stride, float* work, int* info) {
  ssteqr_("I", n, d, e, z, stride, work, info);
}
template <typename... Rest>
void laed2(double* d, int* kept, const int* m, const int* first, Rest... rest) {
  dlaed2_(kept, m, first, d, rest...);
}
template <typename... Rest>
void laed2(float* d, int* kept, const int* m, const int* first, Rest... rest) {
  slaed2_(kept, m, first, d, rest...);
}
void laed4(const int* k, const int* index, const double* poles, const double* z, double* delta,
           const double* rho, double* root, int* info) {
  dlaed4_(k, index, poles, z, delta, rho, root, info);
}
void laed4(const int* k, const int* index, const float* poles, const float* z, float* delta,
           const float* rho, float* root, int* info) {
  slaed4_(k, index, poles, z, delta, rho, root, info);
}

void check(int info, const char* routine, std::size_t n) {
  if (info == 0) return;
  throw Error(info < 0 ? ErrorCode::internal : ErrorCode::numeric,
              std::string(routine) + (info < 0 ? " refused an argument" : " did not converge") +
                  " at order " + std::to_string(n) + " (info " + std::to_string(info) + ")");
}

}  // namespace

template <typename T>
void tridiagonal_by_steps(std::size_t n, T* d, T* e, T* vectors, std::size_t stride, T* work) {
  const int order = static_cast<int>(n);
  const int between = static_cast<int>(stride);
  int info = 0;
  steqr(&order, d, e, vectors, &between, work, &info);
  check(info, "xSTEQR", n);
}

template <typename T>
void deflate(Merge<T>& merge) {
  const int order = static_cast<int>(merge.order);
  const int first = static_cast<int>(merge.first);
  const int stride = static_cast<int>(merge.stride);
  int* const sorted = merge.integers;
  int* const deflated = merge.integers + merge.order;
  int* const kinds = merge.integers + 2 * merge.order;
  int kept = 0;
  int info = 0;
  laed2(merge.values, &kept, &order, &first, merge.vectors, &stride, merge.ranks, &merge.rho,
        merge.z, merge.poles, merge.weights, merge.halves, sorted, merge.permutation, deflated,
        kinds, &info);
  check(info, "xLAED2", merge.order);
  merge.kept = static_cast<std::size_t>(kept);
  if (kept == 0) return;
  merge.top = static_cast<std::size_t>(kinds[0] + kinds[1]);
  merge.bottom = static_cast<std::size_t>(kinds[1] + kinds[2]);
  merge.bottom_first = static_cast<std::size_t>(kinds[0]);
}

template <typename T>
T secular_root(std::size_t k, std::size_t index, const T* poles, const T* z, T rho, T* delta) {
  const int order = static_cast<int>(k);
  const int place = static_cast<int>(index) + 1;
  T root = 0;
  int info = 0;
  laed4(&order, &place, poles, z, delta, &rho, &root, &info);
  check(info, "xLAED4", k);
  return root;
}

template void tridiagonal_by_steps<double>(std::size_t, double*, double*, double*, std::size_t,
                                           double*);
template void tridiagonal_by_steps<float>(std::size_t, float*, float*, float*, std::size_t, float*);
template void deflate<double>(Merge<double>&);
template void deflate<float>(Merge<float>&);
template double secular_root<double>(std::size_t, std::size_t, const double*, const double*, double,
                                     double*);
template float secular_root<float>(std::size_t, std::size_t, const float*, const float*, float,
                                   float*);

}  // namespace eigenscape::lapack
