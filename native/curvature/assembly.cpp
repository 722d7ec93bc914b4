#include "curvature/assembly.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "core/counter_random.hpp"
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
  const std::size_t size = reduction == nullptr ? curvature.size() : reduction->reduction().size();
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

/// Σ of the sizes of the samples' shares of a matrix that is a sum of outer products of gradients:
/// its trace, and of a covariance what subtracting the mean takes from it, twice: once for the
/// gradients, once for the mean. 0 for other matrices, of which it is not known.
template <typename T>
double size_of_outer_products(const Operator<T>& curvature, std::size_t m,
                              std::span<const T> matrix, const Control& control) {
  const Term term = curvature.term();
  const bool covariance = term == Term::gradient_covariance;
  if (!covariance && term != Term::empirical_fisher && term != Term::monte_carlo_fisher) return 0;
  double size = 0;
  for (std::size_t i = 0; i < m; ++i) size += std::abs(static_cast<double>(matrix[i * m + i]));
  if (!covariance) return size;
  double mean = 0;
  for (const T g : curvature.mean_gradient(control)) {
    mean += static_cast<double>(g) * static_cast<double>(g);
  }
  return size + 2 * curvature.kept_weight() / curvature.denominator() * mean;
}

/// Makes `matrix` [m, m], whose rows are products, symmetric; its scale.
template <typename T>
AssemblyScale symmetrize_products(const Operator<T>& curvature, std::size_t m, std::span<T> matrix,
                                  const Control& control) {
  constexpr std::size_t kRows = 64;
  std::vector<Squares> squares((m + kRows - 1) / kRows);
  parallel_for(control, squares.size(), [&](std::size_t index) {
    squares[index] = symmetrize(index * kRows, std::min((index + 1) * kRows, m), m, matrix);
  });
  AssemblyScale scale = scale_of_products(curvature, squares);
  scale.magnitude =
      std::max(scale.magnitude, size_of_outer_products<T>(curvature, m, matrix, control));
  return scale;
}

/// Calls action(first, units [count, m]) for blocks of unit vectors.
template <typename T, typename Action>
void for_unit_blocks(std::size_t m, std::size_t block, const Control& control,
                     const Action& action) {
  AlignedBuffer<T> units(std::min(block, m) * m);
  for (std::size_t first = 0; first < m; first += block) {
    const std::size_t count = std::min(block, m - first);
    units.zero();
    for (std::size_t j = 0; j < count; ++j) units[j * m + first + j] = 1;
    action(first, count, std::span<const T>(units.span().first(count * m)));
    control.report("assembly", static_cast<double>(first + count), static_cast<double>(m));
  }
}

template <typename T>
AssemblyScale assemble_by_products(const Operator<T>& curvature, std::size_t block,
                                   std::span<T> matrix, const Control& control) {
  const std::size_t m = curvature.size();
  for_unit_blocks<T>(
      m, block, control, [&](std::size_t first, std::size_t count, std::span<const T> units) {
        curvature.apply_term(count, units, matrix.subspan(first * m, count * m), control);
      });
  return symmetrize_products(curvature, m, matrix, control);
}

/// 2‖A N‖_F for the directions N that B leaves out, from products with some of them at random: how
/// far A is from B A' Bᵀ. E‖A g‖² = ‖A N‖_F² / (columns of N) for unit vectors g among them.
template <typename T>
double estimate_left_out(const Operator<T>& curvature, const Reduction& reduction,
                         const Control& control) {
  constexpr std::size_t kProbes = 4;
  const std::size_t m = reduction.full_size();
  std::vector<T> probes(kProbes * m);
  const CounterRandom random(0x6e756c6c);
  for (std::size_t i = 0; i < probes.size(); ++i) probes[i] = static_cast<T>(random.normal(i));
  std::vector<T> inside(kProbes * reduction.size());
  std::vector<T> kept(kProbes * m);
  reduction.restrict_vectors<T>(kProbes, probes, inside, control);
  reduction.extend_vectors<T>(kProbes, inside, kept, control);
  std::vector<T> products(kProbes * m);
  const auto squares = [&](const std::vector<T>& vectors, std::size_t j) {
    double sum = 0;
    for (std::size_t i = j * m; i < (j + 1) * m; ++i) {
      sum += static_cast<double>(vectors[i]) * static_cast<double>(vectors[i]);
    }
    return sum;
  };
  for (std::size_t i = 0; i < probes.size(); ++i) probes[i] -= kept[i];
  curvature.apply_term(kProbes, probes, products, control);
  double sum = 0;
  for (std::size_t j = 0; j < kProbes; ++j) sum += squares(products, j) / squares(probes, j);
  const auto left = static_cast<double>(m - reduction.size());
  return 2 * std::sqrt(left * sum / kProbes);
}

template <typename T>
AssemblyScale assemble_reduced_by_products(const Operator<T>& curvature, const Reduction& reduction,
                                           std::size_t block, std::span<T> matrix,
                                           const Control& control) {
  const std::size_t m = reduction.full_size();
  const std::size_t n = reduction.size();
  AlignedBuffer<T> columns(std::min(block, n) * m);
  AlignedBuffer<T> products(std::min(block, n) * m);
  for_unit_blocks<T>(
      n, block, control, [&](std::size_t first, std::size_t count, std::span<const T> units) {
        const std::span<T> vectors = columns.span().first(count * m);
        const std::span<T> found = products.span().first(count * m);
        reduction.extend_vectors<T>(count, units, vectors, control);
        curvature.apply_term(count, vectors, found, control);
        reduction.restrict_vectors<T>(count, found, matrix.subspan(first * n, count * n), control);
      });
  AssemblyScale scale = symmetrize_products(curvature, n, matrix, control);
  if (curvature.has_closed_form()) scale = scale_of_chain(curvature, control);
  for (const ReducedMap& map : reduction.maps()) {
    scale.operations += map.fixed.size() + (map.contracted ? 4 * map.map.outputs : 0);
  }
  return scale;
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
                               std::size_t order, std::size_t threads) {
  const std::size_t m = matrix.size();
  if (route == Route::products) {
    const std::size_t units = std::min(block, order);
    // Of a reduction, the columns of B and their products, too.
    const std::size_t vectors = order < m ? order + 2 * m : m;
    return units * vectors * sizeof(T) + matrix.apply_workspace(units, threads);
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
void assemble_with_decay(const Operator<T>& curvature, Route route, std::size_t block,
                         std::span<T> matrix, const Control& control) {
  assemble<T>(curvature, route, block, matrix, control);
  if (curvature.weight_decay() > std::numeric_limits<T>::max()) {
    throw Error(ErrorCode::numeric, "the weight decay is beyond the range of the curvature matrix");
  }
  const auto lambda = static_cast<T>(curvature.weight_decay());
  const std::size_t n = curvature.size();
  for (std::size_t i = 0; lambda != 0 && i < n; ++i) {
    matrix[i * n + i] += lambda;
    check_finite<T>(matrix.subspan(i * n + i, 1));
  }
}

/// A' by the closed form.
template <typename T>
AssemblyScale assemble_reduced_chain(const Operator<T>& curvature, const Reduction& reduction,
                                     std::span<T> matrix, const Control& control) {
  const ChainReduction<T> chain(curvature, reduction);
  AssemblyScale scale = assemble_closed_form(curvature, &chain, matrix, control);
  if (curvature.term() == Term::gradient_covariance) {
    std::vector<T> mean(reduction.size());
    reduction.restrict_vectors<T>(1, curvature.mean_gradient(control), mean, control);
    subtract_mean<T>(curvature, mean, matrix, control);
  }
  // Reflections round each output's derivatives four times per class more.
  for (const ReducedMap& map : reduction.maps()) {
    if (map.contracted) scale.operations += 4 * map.map.outputs;
  }
  return scale;
}

template <typename T>
AssemblyScale assemble_reduced(const Operator<T>& curvature, const Reduction& reduction,
                               Route route, std::size_t block, std::span<T> matrix,
                               const Control& control) {
  const bool chain = route == Route::closed_form;
  AssemblyScale scale =
      chain ? assemble_reduced_chain(curvature, reduction, matrix, control)
            : assemble_reduced_by_products(curvature, reduction, block, matrix, control);
  check_finite<T>(matrix);
  // Inputs a + e in place of a, ‖e‖ ≤ ρ‖a‖, change a sample's share by 2ρ + ρ² of its size; a basis
  // with ‖QᵀQ − I‖ = ω changes eigenvalues by ω of theirs (Ostrowski).
  const double rho = reduction.distance();
  scale.reduction_error = (rho * (2 + rho) + reduction.defect()) * scale.magnitude;
  if (!chain) {
    // The sizes of the shares are not known: what is left out is looked at, too.
    scale.reduction_error =
        std::max(scale.reduction_error, estimate_left_out(curvature, reduction, control));
  }
  return scale;
}

template std::size_t kronecker_operations<double>(const Operator<double>&);
template std::size_t kronecker_operations<float>(const Operator<float>&);
template Route choose_route<double>(const Operator<double>&);
template Route choose_route<float>(const Operator<float>&);
template std::size_t assembly_workspace<double>(const Operator<double>&, Route, std::size_t,
                                                std::size_t, std::size_t);
template std::size_t assembly_workspace<float>(const Operator<float>&, Route, std::size_t,
                                               std::size_t, std::size_t);
template void assemble_with_decay<double>(const Operator<double>&, Route, std::size_t,
                                          std::span<double>, const Control&);
template void assemble_with_decay<float>(const Operator<float>&, Route, std::size_t,
                                         std::span<float>, const Control&);
template AssemblyScale assemble<double>(const Operator<double>&, Route, std::size_t,
                                        std::span<double>, const Control&);
template AssemblyScale assemble<float>(const Operator<float>&, Route, std::size_t, std::span<float>,
                                       const Control&);
template AssemblyScale assemble_reduced<double>(const Operator<double>&, const Reduction&, Route,
                                                std::size_t, std::span<double>, const Control&);
template AssemblyScale assemble_reduced<float>(const Operator<float>&, const Reduction&, Route,
                                               std::size_t, std::span<float>, const Control&);

}  // namespace eigenscape
