#include "network/directions.hpp"

#include <algorithm>
#include <cmath>

#include "core/thread_pool.hpp"

namespace eigenscape {
namespace {

template <typename T>
double norm(std::span<const T> row) {
  double squares = 0;
  for (const T entry : row) squares += static_cast<double>(entry) * static_cast<double>(entry);
  return std::sqrt(squares);
}

}  // namespace

template <typename T>
void normalize_rows(const std::vector<TensorRows>& tensors, std::span<const T> origin,
                    std::span<T> direction, const Control& control) {
  for (const TensorRows& tensor : tensors) {
    parallel_for(control, tensor.rows, [&](std::size_t index) {
      const std::size_t start = tensor.offset + index * tensor.width;
      const std::span<T> row = direction.subspan(start, tensor.width);
      if (tensor.stands_still) {
        std::fill(row.begin(), row.end(), T{0});
        return;
      }
      const double given = norm<T>(row);
      const double factor = given > 0 ? norm<T>(origin.subspan(start, tensor.width)) / given : 0;
      for (T& entry : row) entry = static_cast<T>(static_cast<double>(entry) * factor);
    });
  }
}

template void normalize_rows<double>(const std::vector<TensorRows>&, std::span<const double>,
                                     std::span<double>, const Control&);
template void normalize_rows<float>(const std::vector<TensorRows>&, std::span<const float>,
                                    std::span<float>, const Control&);

}  // namespace eigenscape
