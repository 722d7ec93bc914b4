#include "curvature/assembly.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "curvature/chain_reduction.hpp"
#include "curvature/dense_block.hpp"
#include "curvature/kronecker.hpp"

namespace eigenscape {
namespace {

/// Memory for the values of one stretch of samples; longer data takes several stretches.
constexpr std::size_t kStretchBytes = std::size_t{128} << 20;
/// Below this many samples the products of a stretch are thin, whatever the memory.
constexpr std::size_t kSmallestStretch = 16;

template <typename T>
std::size_t stretch_length(const std::vector<ChainLayer>& layers, std::size_t samples) {
  const std::size_t fitting = kStretchBytes / (chain_entries_per_sample(layers) * sizeof(T));
  return std::min(samples, std::max(fitting, kSmallestStretch));
}

std::size_t operations_of(const std::vector<ChainLayer>& layers, std::size_t samples) {
  std::size_t operations = samples;
  for (const ChainLayer& layer : layers) operations += layer.d + 3 * layer.h;
  return operations;
}

template <typename T>
AssemblyScale assemble_closed_form(const Operator<T>& curvature, const ChainReduction<T>* reduction,
                                   std::span<T> matrix, const Control& control) {
  const std::vector<ChainLayer> whole = chain_layers(curvature.graph(), curvature.selection());
  const std::vector<ChainLayer>& layers = reduction == nullptr ? whole : reduction->layers();
  const std::size_t size = reduction == nullptr ? curvature.size() : reduction->size();
  const DenseBlockTuning tuning;
  const std::vector<DenseTile> tiles = dense_tiles(layers, sizeof(T), tuning);
  const std::size_t samples = curvature.samples().count;
  const std::size_t stretch = stretch_length<T>(layers, samples);
  const std::size_t stretches = (samples + stretch - 1) / stretch;
  const auto total = static_cast<double>(tiles.size() * stretches);
  ChainValues<T> values;
  Workspaces<DenseTileScratch<T>> workspaces;
  std::atomic<std::size_t> done = 0;
  AssemblyScale scale{0, operations_of(whole, samples)};
  for (std::size_t first = 0; first < samples; first += stretch) {
    compute_chain_values(curvature, layers, reduction, first, std::min(stretch, samples - first),
                         values, control);
    for (const double magnitude : values.magnitude) scale.magnitude += magnitude;
    parallel_for(control, tiles.size(), [&](std::size_t index) {
      auto scratch = workspaces.take([] { return std::make_unique<DenseTileScratch<T>>(); });
      add_dense_tile(layers, values, tiles[index], tuning, first == 0, size, *scratch, matrix);
      workspaces.give_back(std::move(scratch));
      control.report("assembly", static_cast<double>(++done), total);
    });
  }
  return scale;
}

/// The scale of a chain's matrix without the matrix.
template <typename T>
AssemblyScale scale_of_chain(const Operator<T>& curvature, const Control& control) {
  const std::vector<ChainLayer> layers = chain_layers(curvature.graph(), curvature.selection());
  const std::size_t samples = curvature.samples().count;
  const std::size_t stretch = stretch_length<T>(layers, samples);
  AssemblyScale scale{0, operations_of(layers, samples)};
  ChainValues<T> values;
  for (std::size_t first = 0; first < samples; first += stretch) {
    compute_chain_values<T>(curvature, layers, nullptr, first, std::min(stretch, samples - first),
                            values, control);
    for (const double magnitude : values.magnitude) scale.magnitude += magnitude;
  }
  return scale;
}

/// Σ of squares over some rows: of the matrix, and of its asymmetry A − Aᵀ.
struct Squares {
  double matrix = 0;
  double asymmetry = 0;
};

/// A ← (A + Aᵀ)/2 for rows [first, last) and their mirror images.
template <typename T>
Squares symmetrize(std::size_t first, std::size_t last, std::size_t m, std::span<T> a) {
  Squares squares;
  for (std::size_t i = first; i < last; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const T difference = a[i * m + j] - a[j * m + i];
      const T mean = (a[i * m + j] + a[j * m + i]) / 2;
      a[i * m + j] = mean;
      a[j * m + i] = mean;
      squares.matrix += 2 * static_cast<double>(mean) * static_cast<double>(mean);
      squares.asymmetry += 2 * static_cast<double>(difference) * static_cast<double>(difference);
    }
    const auto diagonal = static_cast<double>(a[i * m + i]);
    squares.matrix += diagonal * diagonal;
  }
  return squares;
}

/// The scale of a matrix by products. Entries (i, j) and (j, i) are rounded in different ways, so
/// their difference shows what rounding does.
template <typename T>
AssemblyScale scale_of_products(const Operator<T>& curvature, const std::vector<Squares>& blocks) {
  Squares sum;
  for (const Squares& block : blocks) {
    sum.matrix += block.matrix;
    sum.asymmetry += block.asymmetry;
  }
  AssemblyScale scale;
  scale.operations = curvature.samples().count;
  for (const Node& node : curvature.graph().nodes()) {
    for (const Shape& shape : node.input_shapes) scale.operations += entry_count(shape);
  }
  scale.magnitude =
      std::max(std::sqrt(sum.matrix), std::sqrt(sum.asymmetry) / std::numeric_limits<T>::epsilon());
  return scale;
}

template <typename T>
AssemblyScale assemble_by_products(const Operator<T>& curvature, std::size_t block,
                                   std::span<T> matrix, const Control& control) {
  const std::size_t m = curvature.size();
  AlignedBuffer<T> units(std::min(block, m) * m);
  for (std::size_t first = 0; first < m; first += block) {
    const std::size_t count = std::min(block, m - first);
    units.zero();
    for (std::size_t j = 0; j < count; ++j) units[j * m + first + j] = 1;
    curvature.apply_term(count, units.span().first(count * m), matrix.subspan(first * m, count * m),
                         control);
    control.report("assembly", static_cast<double>(first + count), static_cast<double>(m));
  }
  constexpr std::size_t kRows = 64;
  std::vector<Squares> squares((m + kRows - 1) / kRows);
  parallel_for(control, squares.size(), [&](std::size_t index) {
    squares[index] = symmetrize(index * kRows, std::min((index + 1) * kRows, m), m, matrix);
  });
  return scale_of_products(curvature, squares);
}

/// C = F − (Σs/Σsκ) ḡ ḡᵀ
template <typename T>
void subtract_mean(const Operator<T>& curvature, std::span<const T> mean, std::span<T> matrix,
                   const Control& control) {
  const std::size_t m = mean.size();
  const auto factor = static_cast<T>(curvature.kept_weight() / curvature.denominator());
  parallel_for(control, m, [&](std::size_t i) {
    for (std::size_t j = 0; j < m; ++j) matrix[i * m + j] -= factor * (mean[i] * mean[j]);
  });
}

template <typename T>
void check_finite(std::span<const T> matrix) {
  if (std::all_of(matrix.begin(), matrix.end(), [](T value) { return std::isfinite(value); })) {
    return;
  }
  throw Error(ErrorCode::numeric,
              "the curvature matrix is not finite; the parameters or inputs are too large");
}

template <typename T>
AssemblyScale assemble_kronecker(const Operator<T>& curvature, std::span<T> matrix,
                                 const Control& control) {
  const KroneckerMatrix<T>& kronecker = curvature.kronecker(control);
  kronecker.assemble(matrix, control);
  check_finite<T>(matrix);
  return {kronecker.magnitude(), kronecker_operations(curvature)};
}

}  // namespace

template <typename T>
std::size_t kronecker_operations(const Operator<T>& curvature) {
  const Graph& graph = curvature.graph();
  std::size_t operations = curvature.samples().count;
  for (const Node& node : graph.nodes()) operations += node.output_size;
  for (const AffineMap& map : affine_maps(graph, curvature.selection())) {
    operations += map.width + curvature.samples().count * (map.positions - 1);
  }
  return operations;
}

template <typename T>
Route choose_route(const Operator<T>& matrix) {
  return matrix.has_closed_form() ? Route::closed_form : Route::products;
}

template <typename T>
std::size_t assembly_workspace(const Operator<T>& matrix, Route route, std::size_t block,
                               std::size_t threads) {
  const std::size_t m = matrix.size();
  if (route == Route::products) {
    const std::size_t units = std::min(block, m);
    return units * m * sizeof(T) + matrix.apply_workspace(units, threads);
  }
  const std::vector<ChainLayer> layers = chain_layers(matrix.graph(), matrix.selection());
  const std::size_t values = stretch_length<T>(layers, matrix.samples().count) *
                             chain_entries_per_sample(layers) * sizeof(T);
  const std::size_t scratch = chain_scratch_bytes(layers, sizeof(T));
  return values + threads * std::max(scratch, 4 * DenseBlockTuning{}.tile_bytes);
}

template <typename T>
AssemblyScale assemble(const Operator<T>& curvature, Route route, std::size_t block,
                       std::span<T> matrix, const Control& control) {
  if (curvature.is_kronecker()) return assemble_kronecker(curvature, matrix, control);
  const bool chain = curvature.has_closed_form();
  if (route == Route::closed_form && !chain) {
    throw Error(ErrorCode::spec,
                "the closed form holds for chains of dense layers and pointwise functions, and for "
                "sums of a matrix per sample; use via: 'products' here");
  }
  AssemblyScale scale;
  if (route == Route::products) {
    scale = assemble_by_products(curvature, block, matrix, control);
    if (chain) scale = scale_of_chain(curvature, control);
  } else {
    scale = assemble_closed_form<T>(curvature, nullptr, matrix, control);
    if (curvature.term() == Term::gradient_covariance) {
      subtract_mean(curvature, curvature.mean_gradient(control), matrix, control);
    }
  }
  check_finite<T>(matrix);
  return scale;
}

template <typename T>
AssemblyScale assemble_reduced(const Operator<T>& curvature, const ChainReduction<T>& reduction,
                               std::span<T> matrix, const Control& control) {
  AssemblyScale scale = assemble_closed_form(curvature, &reduction, matrix, control);
  if (curvature.term() == Term::gradient_covariance) {
    std::vector<T> mean(reduction.size());
    reduction.restrict_vector(curvature.mean_gradient(control), mean);
    subtract_mean<T>(curvature, mean, matrix, control);
  }
  check_finite<T>(matrix);
  // Inputs a + e in place of a, ‖e‖ ≤ ρ‖a‖, change a sample's share by 2ρ + ρ² of its size; a basis
  // with ‖QᵀQ − I‖ = ω changes eigenvalues by ω of theirs (Ostrowski). Reflections round each
  // output's derivatives four times per class more.
  const double rho = reduction.distance();
  scale.reduction_error = (rho * (2 + rho) + reduction.defect()) * scale.magnitude;
  scale.operations += 4 * reduction.outputs();
  return scale;
}

template std::size_t kronecker_operations<double>(const Operator<double>&);
template std::size_t kronecker_operations<float>(const Operator<float>&);
template Route choose_route<double>(const Operator<double>&);
template Route choose_route<float>(const Operator<float>&);
template std::size_t assembly_workspace<double>(const Operator<double>&, Route, std::size_t,
                                                std::size_t);
template std::size_t assembly_workspace<float>(const Operator<float>&, Route, std::size_t,
                                               std::size_t);
template AssemblyScale assemble<double>(const Operator<double>&, Route, std::size_t,
                                        std::span<double>, const Control&);
template AssemblyScale assemble<float>(const Operator<float>&, Route, std::size_t, std::span<float>,
                                       const Control&);
template AssemblyScale assemble_reduced<double>(const Operator<double>&,
                                                const ChainReduction<double>&, std::span<double>,
                                                const Control&);
template AssemblyScale assemble_reduced<float>(const Operator<float>&, const ChainReduction<float>&,
                                               std::span<float>, const Control&);

}  // namespace eigenscape
