#include "curvature/reduction.hpp"

#include <algorithm>
#include <memory>

#include "core/chunked_sum.hpp"
#include "linalg/blas.hpp"

namespace eigenscape {
namespace {

using blas::Form;
using blas::gemm;

/// One vector's entries of one map, for one thread.
struct MapScratch {
  std::vector<double> rows;     // [outputs of the layer, its chosen inputs]
  std::vector<double> fixed;    // [kept outputs, fixed inputs]
  std::vector<double> reduced;  // [kept outputs, rank]
};

/// The output of the layer that the u-th kept one is, once the reflection has been applied.
std::size_t unit_of(const ReducedMap& map, std::size_t u) {
  return map.contracted ? u : map.units[u];
}

/// [kept outputs, fixed] → [kept outputs, rank], or back.
void project(const ReducedMap& map, bool back, const double* from, double* to) {
  const RowBasis& basis = *map.basis;
  const std::size_t h = map.outputs();
  if (!basis.vectors.empty()) {
    if (back) {
      gemm<double>(Form::plain, Form::transposed, h, basis.width, basis.rank, 1, from, basis.rank,
                   basis.vectors.data(), basis.rank, 0, to, basis.width);
    } else {
      gemm<double>(Form::plain, Form::plain, h, basis.rank, basis.width, 1, from, basis.width,
                   basis.vectors.data(), basis.rank, 0, to, basis.rank);
    }
    return;
  }
  if (back) std::fill_n(to, h * basis.width, 0.0);
  for (std::size_t u = 0; u < h; ++u) {
    for (std::size_t k = 0; k < basis.rank; ++k) {
      const std::size_t wide = u * basis.width + basis.columns[k];
      const std::size_t narrow = u * basis.rank + k;
      if (back) {
        to[wide] = from[narrow];
      } else {
        to[narrow] = from[wide];
      }
    }
  }
}

template <typename T>
void restrict_map(const ReducedMap& map, const T* full, T* reduced, MapScratch& scratch) {
  const std::size_t width = map.map.inputs();
  const std::size_t h = map.outputs();
  scratch.rows.resize(map.map.outputs * width);
  for (std::size_t o = 0; o < map.map.outputs; ++o) {
    for (std::size_t j = 0; j < width; ++j) {
      scratch.rows[o * width + j] = static_cast<double>(full[map.map.row(o, j)]);
    }
  }
  for (std::size_t j = 0; map.contracted && j < width; ++j) {
    reflect(map.map.outputs, width, scratch.rows.data() + j);
  }
  const std::size_t fixed = map.fixed.size();
  scratch.fixed.resize(h * fixed);
  for (std::size_t u = 0; u < h; ++u) {
    const double* const from = scratch.rows.data() + unit_of(map, u) * width;
    T* const to = reduced + map.row + u * map.inputs();
    for (std::size_t k = 0; k < map.moving.size(); ++k) to[k] = static_cast<T>(from[map.moving[k]]);
    for (std::size_t k = 0; k < fixed; ++k) scratch.fixed[u * fixed + k] = from[map.fixed[k]];
  }
  if (!map.basis) return;
  const std::size_t rank = map.basis->rank;
  scratch.reduced.resize(h * rank);
  project(map, false, scratch.fixed.data(), scratch.reduced.data());
  for (std::size_t u = 0; u < h; ++u) {
    T* const to = reduced + map.row + u * map.inputs() + map.moving.size();
    for (std::size_t k = 0; k < rank; ++k) {
      to[k] = static_cast<T>(scratch.reduced[u * rank + k]);
    }
  }
}

template <typename T>
void extend_map(const ReducedMap& map, const T* reduced, T* full, MapScratch& scratch) {
  const std::size_t width = map.map.inputs();
  const std::size_t h = map.outputs();
  const std::size_t fixed = map.fixed.size();
  scratch.rows.assign(map.map.outputs * width, 0.0);
  if (map.basis) {
    const std::size_t rank = map.basis->rank;
    scratch.reduced.resize(h * rank);
    for (std::size_t u = 0; u < h; ++u) {
      const T* const from = reduced + map.row + u * map.inputs() + map.moving.size();
      for (std::size_t k = 0; k < rank; ++k) {
        scratch.reduced[u * rank + k] = static_cast<double>(from[k]);
      }
    }
    scratch.fixed.resize(h * fixed);
    project(map, true, scratch.reduced.data(), scratch.fixed.data());
  }
  for (std::size_t u = 0; u < h; ++u) {
    const T* const from = reduced + map.row + u * map.inputs();
    double* const to = scratch.rows.data() + unit_of(map, u) * width;
    for (std::size_t k = 0; k < map.moving.size(); ++k) {
      to[map.moving[k]] = static_cast<double>(from[k]);
    }
    for (std::size_t k = 0; k < fixed; ++k) to[map.fixed[k]] = scratch.fixed[u * fixed + k];
  }
  for (std::size_t j = 0; map.contracted && j < width; ++j) {
    reflect(map.map.outputs, width, scratch.rows.data() + j);
  }
  for (std::size_t o = 0; o < map.map.outputs; ++o) {
    for (std::size_t j = 0; j < width; ++j) {
      full[map.map.row(o, j)] = static_cast<T>(scratch.rows[o * width + j]);
    }
  }
}

/// A direction u ⊗ q that a map leaves out.
struct Outer {
  std::vector<double> units;   // [outputs]
  std::vector<double> inputs;  // [chosen inputs]
};

/// Column u of U.
std::vector<double> unit_column(const ReducedMap& map, std::size_t u) {
  std::vector<double> column(map.map.outputs, 0.0);
  column[unit_of(map, u)] = 1;
  if (map.contracted) reflect(map.map.outputs, 1, column.data());
  return column;
}

std::vector<double> axis(std::size_t size, std::size_t place) {
  std::vector<double> vector(size, 0.0);
  vector[place] = 1;
  return vector;
}

/// Orthonormal columns beside U.
std::vector<std::vector<double>> left_out_units(const ReducedMap& map) {
  const std::size_t h = map.map.outputs;
  if (map.contracted) return {std::vector<double>(h, 1 / std::sqrt(static_cast<double>(h)))};
  std::vector<std::vector<double>> columns;
  for (std::size_t o = 0; o < h; ++o) {
    if (!std::ranges::binary_search(map.units, o)) columns.push_back(axis(h, o));
  }
  return columns;
}

/// Calls action(direction) for an orthonormal basis of what the map leaves out, while it returns
/// true.
template <typename Action>
bool for_left_out(const ReducedMap& map, const Action& action) {
  const std::size_t width = map.map.inputs();
  for (const std::vector<double>& units : left_out_units(map)) {
    for (std::size_t j = 0; j < width; ++j) {
      if (!action(Outer{units, axis(width, j)})) return false;
    }
  }
  if (!map.basis) return true;
  const std::vector<double> complement = complement_of(*map.basis);
  const std::size_t fixed = map.fixed.size();
  for (std::size_t u = 0; u < map.outputs(); ++u) {
    const std::vector<double> units = unit_column(map, u);
    for (std::size_t row = 0; row < fixed - map.basis->rank; ++row) {
      std::vector<double> inputs(width, 0.0);
      for (std::size_t k = 0; k < fixed; ++k) inputs[map.fixed[k]] = complement[row * fixed + k];
      if (!action(Outer{units, std::move(inputs)})) return false;
    }
  }
  return true;
}

}  // namespace

Reduction::Reduction(std::size_t full_size, std::vector<ReducedMap> maps,
                     std::vector<std::size_t> kept)
    : full_size_(full_size), maps_(std::move(maps)), kept_(std::move(kept)) {
  std::vector<bool> covered(full_size, false);
  for (ReducedMap& map : maps_) {
    map.row = size_;
    size_ += map.size();
    for (std::size_t o = 0; o < map.map.outputs; ++o) {
      for (std::size_t j = 0; j < map.map.inputs(); ++j) covered[map.map.row(o, j)] = true;
    }
  }
  size_ += kept_.size();
  for (const std::size_t row : kept_) covered[row] = true;
  for (std::size_t row = 0; row < full_size; ++row) {
    if (!covered[row]) dropped_.push_back(row);
  }
}

double Reduction::distance() const {
  double largest = 0;
  for (const ReducedMap& map : maps_) largest = std::max(largest, map.distance);
  return largest;
}

double Reduction::defect() const {
  double largest = 0;
  for (const ReducedMap& map : maps_) largest = std::max(largest, map.defect);
  return largest;
}

bool Reduction::rounds() const {
  return std::ranges::any_of(maps_, [](const ReducedMap& map) {
    return map.contracted || (map.basis && !map.basis->vectors.empty());
  });
}

template <typename T>
void Reduction::restrict_vectors(std::size_t count, std::span<const T> full, std::span<T> reduced,
                                 const Control& control) const {
  Workspaces<MapScratch> workspaces;
  parallel_for(control, count, [&](std::size_t j) {
    auto scratch = workspaces.take([] { return std::make_unique<MapScratch>(); });
    const T* const from = full.data() + j * full_size_;
    T* const to = reduced.data() + j * size_;
    for (const ReducedMap& map : maps_) restrict_map(map, from, to, *scratch);
    for (std::size_t k = 0; k < kept_.size(); ++k) to[size_ - kept_.size() + k] = from[kept_[k]];
    workspaces.give_back(std::move(scratch));
  });
}

template <typename T>
void Reduction::extend_vectors(std::size_t count, std::span<const T> reduced, std::span<T> full,
                               const Control& control) const {
  Workspaces<MapScratch> workspaces;
  parallel_for(control, count, [&](std::size_t j) {
    auto scratch = workspaces.take([] { return std::make_unique<MapScratch>(); });
    const T* const from = reduced.data() + j * size_;
    T* const to = full.data() + j * full_size_;
    for (const ReducedMap& map : maps_) extend_map(map, from, to, *scratch);
    for (std::size_t k = 0; k < kept_.size(); ++k) to[kept_[k]] = from[size_ - kept_.size() + k];
    for (const std::size_t row : dropped_) to[row] = 0;
    workspaces.give_back(std::move(scratch));
  });
}

template <typename T>
void Reduction::null_vectors(std::size_t count, std::span<T> full, const Control& control) const {
  std::fill(full.begin(), full.end(), T{0});
  std::size_t found = 0;
  for (const std::size_t row : dropped_) {
    if (found == count) return;
    full[found++ * full_size_ + row] = 1;
  }
  for (const ReducedMap& map : maps_) {
    const auto write = [&](const Outer& direction) {
      if (found == count) return false;
      if (found % 256 == 0) control.check();
      T* const to = full.data() + found++ * full_size_;
      for (std::size_t o = 0; o < map.map.outputs; ++o) {
        if (direction.units[o] == 0) continue;
        for (std::size_t j = 0; j < map.map.inputs(); ++j) {
          to[map.map.row(o, j)] = static_cast<T>(direction.units[o] * direction.inputs[j]);
        }
      }
      return true;
    };
    if (!for_left_out(map, write)) return;
  }
}

template void Reduction::restrict_vectors<double>(std::size_t, std::span<const double>,
                                                  std::span<double>, const Control&) const;
template void Reduction::restrict_vectors<float>(std::size_t, std::span<const float>,
                                                 std::span<float>, const Control&) const;
template void Reduction::extend_vectors<double>(std::size_t, std::span<const double>,
                                                std::span<double>, const Control&) const;
template void Reduction::extend_vectors<float>(std::size_t, std::span<const float>,
                                               std::span<float>, const Control&) const;
template void Reduction::null_vectors<double>(std::size_t, std::span<double>, const Control&) const;
template void Reduction::null_vectors<float>(std::size_t, std::span<float>, const Control&) const;

}  // namespace eigenscape
