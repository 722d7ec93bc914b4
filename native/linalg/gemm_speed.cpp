#include "linalg/gemm_speed.hpp"

#include <algorithm>
#include <chrono>

#include "core/aligned_buffer.hpp"
#include "core/thread_pool.hpp"
#include "linalg/blas.hpp"

namespace eigenscape {
namespace {

using Clock = std::chrono::steady_clock;

/// The first products wake the threads and touch the memory; the fastest of these is neither.
constexpr int kProducts = 7;

/// C = A·B, all [n, n], in as many strips of rows as there are threads.
template <typename T>
void multiply(std::size_t n, const T* a, const T* b, T* c, const Control& control) {
  const std::size_t strips = std::min(n, control.threads());
  parallel_for(control, strips, [&](std::size_t strip) {
    const std::size_t first = strip * n / strips;
    const std::size_t rows = (strip + 1) * n / strips - first;
    blas::gemm<T>(blas::Form::plain, blas::Form::plain, rows, n, n, 1, a + first * n, n, b, n, 0,
                  c + first * n, n);
  });
}

}  // namespace

template <typename T>
double gemm_speed(std::size_t n, const Control& control) {
  AlignedBuffer<T> a(n * n);
  AlignedBuffer<T> b(n * n);
  AlignedBuffer<T> c(n * n);
  for (std::size_t i = 0; i < n * n; ++i) {
    a[i] = static_cast<T>(i % 7) - T{3};
    b[i] = static_cast<T>(i % 5) - T{2};
  }
  c.zero();
  const auto size = static_cast<double>(n);
  double fastest = 0;
  for (int product = 0; product < kProducts; ++product) {
    const auto start = Clock::now();
    multiply(n, a.data(), b.data(), c.data(), control);
    const std::chrono::duration<double> seconds = Clock::now() - start;
    fastest = std::max(fastest, 2 * size * size * size / seconds.count());
    control.report("gemm", product + 1, kProducts);
  }
  return fastest;
}

template double gemm_speed<double>(std::size_t, const Control&);
template double gemm_speed<float>(std::size_t, const Control&);

}  // namespace eigenscape
