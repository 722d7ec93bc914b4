#include "curvature/kronecker_factors.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/chunked_sum.hpp"
#include "core/memory.hpp"
#include "core/thread_pool.hpp"
#include "linalg/blas.hpp"

namespace eigenscape {
namespace {

using blas::Form;
using blas::gemm;

/// Rows of the root that are pulled back at once.
constexpr std::size_t kRowsAtOnce = 16;
/// Entries of patches at once, beyond one sample's: 8 MB in float64.
constexpr std::size_t kPatchEntries = std::size_t{1} << 20;

template <typename T>
struct Factors {
  std::vector<AlignedBuffer<T>> a;       // per map: lower triangle of A
  std::vector<AlignedBuffer<T>> s;       // per map: of S
  std::vector<AlignedBuffer<T>> scales;  // per map: Λ, in the second pass
  std::vector<AlignedBuffer<T>> exact;   // per normalization

  void add(const Factors& other) {
    join(a, other.a);
    join(s, other.s);
    join(scales, other.scales);
    join(exact, other.exact);
  }

 private:
  static void join(std::vector<AlignedBuffer<T>>& to, const std::vector<AlignedBuffer<T>>& from) {
    for (std::size_t i = 0; i < to.size(); ++i) {
      for (std::size_t j = 0; j < to[i].size(); ++j) to[i][j] += from[i][j];
    }
  }
};

template <typename T>
void append_zeros(std::vector<AlignedBuffer<T>>& list, std::size_t size) {
  list.emplace_back(size).zero();
}

template <typename T>
struct Scratch {
  Scratch(const Graph& graph, std::vector<bool> moves) : layers(graph, std::move(moves)) {}
  LayerSamples<T> layers;
  LossPoint<T> loss;
  RowBuffer<T> rows;
  AlignedBuffer<T> f_bar;       // [k, n, C]
  AlignedBuffer<T> inputs;      // ã
  AlignedBuffer<T> cotangents;  // δ
  AlignedBuffer<T> turned;      // either in its eigenbasis
  AlignedBuffer<T> turned_too;
  AlignedBuffer<T> gradient;  // Σ_t δ_t ã_tᵀ in the eigenbasis
};

template <typename T>
class FactorSums {
 public:
  FactorSums(const Operator<T>& curvature, const Control& control)
      : curvature_(curvature),
        control_(control),
        maps_(affine_maps(curvature.graph(), curvature.selection())),
        norms_(scales_and_shifts(curvature.graph(), curvature.selection())),
        root_rows_(root_rows(curvature.root(), curvature.graph().loss().kind,
                             curvature.graph().output_size())),
        share_(1 / curvature.kept_weight()) {}

  KroneckerMatrix<T> compute();

 private:
  [[nodiscard]] Factors<T> zeros(bool basis) const;
  void require_room() const;
  /// Σ over the chunks; with `basis`, of Λ.
  void run(Factors<T>& total, const std::vector<KroneckerBlock<T>>* basis) const;
  void add_inputs(Scratch<T>& scratch, Chunk chunk, Factors<T>& sum) const;
  void add_cotangents(Scratch<T>& scratch, std::size_t n, std::size_t k, Factors<T>& sum) const;
  void add_exact(Scratch<T>& scratch, std::size_t n, std::size_t k, Factors<T>& sum) const;
  void add_scales(Scratch<T>& scratch, std::size_t n, std::size_t k,
                  const std::vector<KroneckerBlock<T>>& basis, Factors<T>& sum) const;
  [[nodiscard]] bool is_diagonal(const ScaleAndShift& layer) const {
    return layer.size() > kLargestExactBlock;
  }
  /// s_n / Σ s over the samples that are not ignored.
  [[nodiscard]] double share(std::size_t n) const {
    const Samples<T>& samples = curvature_.samples();
    const bool ignored = !samples.classes.empty() && samples.classes[n] < 0;
    return ignored ? 0 : samples.weight(n) * share_;
  }
  [[nodiscard]] bool reduces() const { return curvature_.positions() == Positions::reduce; }

  const Operator<T>& curvature_;
  const Control& control_;
  std::vector<AffineMap> maps_;
  std::vector<ScaleAndShift> norms_;
  std::size_t root_rows_;
  double share_;
};

template <typename T>
Factors<T> FactorSums<T>::zeros(bool basis) const {
  Factors<T> sum;
  for (const AffineMap& map : maps_) {
    if (basis) {
      append_zeros(sum.scales, map.size());
      continue;
    }
    append_zeros(sum.a, map.inputs() * map.inputs());
    append_zeros(sum.s, map.outputs * map.outputs);
  }
  if (basis) return sum;
  for (const ScaleAndShift& layer : norms_) {
    const std::size_t size = layer.size();
    append_zeros(sum.exact, is_diagonal(layer) ? size : size * size);
  }
  return sum;
}

template <typename T>
void FactorSums<T>::require_room() const {
  std::size_t entries = 0;
  std::size_t patches = 0;
  for (const AffineMap& map : maps_) {
    entries += map.inputs() * map.inputs() + map.outputs * map.outputs + map.size();
    patches = std::max(patches, std::max(kPatchEntries, 2 * map.positions * map.inputs()));
  }
  const std::size_t at_once = control_.threads() + 2;
  require_memory((entries + patches) * at_once * sizeof(T), "the Kronecker factors",
                 "choose fewer layers by the option parameters");
}

/// Sums over positions in place of the positions themselves: rows [count, width] from [count · T,
/// width], times `factor`.
template <typename T>
void add_up_positions(std::size_t count, std::size_t positions, std::size_t width, T factor,
                      std::span<T> rows) {
  for (std::size_t s = 0; s < count; ++s) {
    T* const to = rows.data() + s * width;
    const T* const from = rows.data() + s * positions * width;
    if (to != from) std::copy_n(from, width, to);
    for (std::size_t t = 1; t < positions; ++t) blas::axpy<T>(width, 1, from + t * width, to);
    for (std::size_t j = 0; j < width; ++j) to[j] *= factor;
  }
}

template <typename T>
void FactorSums<T>::add_inputs(Scratch<T>& scratch, Chunk chunk, Factors<T>& sum) const {
  for (std::size_t m = 0; m < maps_.size(); ++m) {
    const AffineMap& map = maps_[m];
    const std::size_t width = map.inputs();
    const std::size_t at_once =
        std::clamp<std::size_t>(kPatchEntries / (map.positions * width), 1, chunk.count);
    scratch.inputs.resize(at_once * map.positions * width);
    for (std::size_t first = 0; first < chunk.count; first += at_once) {
      control_.check();
      const std::size_t count = std::min(at_once, chunk.count - first);
      const std::span<T> rows = scratch.inputs.span();
      scratch.layers.inputs_of(map, first, count, rows);
      std::size_t positions = map.positions;
      if (reduces()) {
        add_up_positions<T>(count, positions, width, 1 / static_cast<T>(positions), rows);
        positions = 1;
      }
      for (std::size_t s = 0; s < count; ++s) {
        const auto root = static_cast<T>(std::sqrt(share(chunk.first + first + s)));
        T* const own = rows.data() + s * positions * width;
        for (std::size_t i = 0; i < positions * width; ++i) own[i] *= root;
      }
      blas::add_gram<T>(count * positions, width, rows.data(), sum.a[m].data());
    }
  }
}

template <typename T>
void FactorSums<T>::add_cotangents(Scratch<T>& scratch, std::size_t n, std::size_t k,
                                   Factors<T>& sum) const {
  for (std::size_t m = 0; m < maps_.size(); ++m) {
    const AffineMap& map = maps_[m];
    const std::size_t at_once =
        std::clamp<std::size_t>(kPatchEntries / (map.positions * map.outputs), 1, n);
    scratch.cotangents.resize(at_once * map.positions * map.outputs);
    const std::span<T> rows = scratch.cotangents.span();
    for (std::size_t j = 0; j < k; ++j) {
      for (std::size_t first = 0; first < n; first += at_once) {
        const std::size_t count = std::min(at_once, n - first);
        scratch.layers.cotangents_of(map, j, first, count, rows);
        std::size_t positions = map.positions;
        if (reduces()) {
          add_up_positions<T>(count, positions, map.outputs, T{1}, rows);
          positions = 1;
        }
        blas::add_gram<T>(count * positions, map.outputs, rows.data(), sum.s[m].data());
      }
    }
  }
}

template <typename T>
void FactorSums<T>::add_exact(Scratch<T>& scratch, std::size_t n, std::size_t k,
                              Factors<T>& sum) const {
  for (std::size_t m = 0; m < norms_.size(); ++m) {
    const ScaleAndShift& layer = norms_[m];
    const std::size_t size = layer.size();
    scratch.gradient.resize(n * size);
    for (std::size_t j = 0; j < k; ++j) {
      scratch.layers.gradients_of(layer, j, scratch.gradient.span());
      if (!is_diagonal(layer)) {
        blas::add_gram<T>(n, size, scratch.gradient.data(), sum.exact[m].data());
        continue;
      }
      for (std::size_t i = 0; i < n * size; ++i) {
        sum.exact[m][i % size] += scratch.gradient[i] * scratch.gradient[i];
      }
    }
  }
}

template <typename T>
void FactorSums<T>::add_scales(Scratch<T>& scratch, std::size_t n, std::size_t k,
                               const std::vector<KroneckerBlock<T>>& basis, Factors<T>& sum) const {
  for (std::size_t m = 0; m < maps_.size(); ++m) {
    const AffineMap& map = maps_[m];
    const std::size_t d = map.inputs();
    const std::size_t h = map.outputs;
    // One position: Λ = Σ_n (Σ_r δ'²) (ã'²)ᵀ for all samples at once; else sample by sample.
    const bool alone = map.positions == 1;
    const std::size_t at_once = alone ? n : 1;
    const std::size_t rows = at_once * map.positions;
    scratch.inputs.resize(rows * d);
    scratch.cotangents.resize(rows * h);
    scratch.turned.resize(rows * d);
    scratch.turned_too.resize(rows * h);
    scratch.gradient.resize(std::max(rows * h, h * d));
    T* const x = scratch.turned.data();
    T* const y = scratch.turned_too.data();
    T* const gradient = scratch.gradient.data();
    for (std::size_t first = 0; first < n; first += at_once) {
      control_.check();
      scratch.layers.inputs_of(map, first, at_once, scratch.inputs.span());
      gemm<T>(Form::plain, Form::transposed, rows, d, d, 1, scratch.inputs.data(), d,
              basis[m].a.data(), d, 0, x, d);
      if (alone) {
        for (std::size_t i = 0; i < rows * d; ++i) x[i] *= x[i];
        std::fill_n(gradient, rows * h, T{0});
      }
      for (std::size_t j = 0; j < k; ++j) {
        scratch.layers.cotangents_of(map, j, first, at_once, scratch.cotangents.span());
        gemm<T>(Form::plain, Form::transposed, rows, h, h, 1, scratch.cotangents.data(), h,
                basis[m].s.data(), h, 0, y, h);
        if (alone) {
          for (std::size_t i = 0; i < rows * h; ++i) gradient[i] += y[i] * y[i];
          continue;
        }
        gemm<T>(Form::transposed, Form::plain, h, d, rows, 1, y, h, x, d, 0, gradient, d);
        for (std::size_t i = 0; i < h * d; ++i) sum.scales[m][i] += gradient[i] * gradient[i];
      }
      if (alone) {
        gemm<T>(Form::transposed, Form::plain, h, d, rows, 1, gradient, h, x, d, 1,
                sum.scales[m].data(), d);
      }
    }
  }
}

template <typename T>
void FactorSums<T>::run(Factors<T>& total, const std::vector<KroneckerBlock<T>>* basis) const {
  const Graph& graph = curvature_.graph();
  const Samples<T>& samples = curvature_.samples();
  const std::size_t outputs = graph.output_size();
  std::size_t moving = 0;
  for (const Node& node : graph.nodes()) moving += node.output_size;
  const std::size_t at_once = std::min(kRowsAtOnce, root_rows_);
  const SumPlan plan =
      plan_sum(samples.count, (graph.entries_per_sample() + moving * (1 + at_once)) * sizeof(T));
  const std::vector<bool> moves = graph.moving_values([&](const Node& node) {
    return curvature_.selection().meets(node.parameter_offset,
                                        node.parameter_offset + node.parameter_count);
  });
  Workspaces<Scratch<T>> workspaces;
  const auto make_sum = [&] { return zeros(basis != nullptr); };
  chunked_sum(plan, control_, total, make_sum, [&](Chunk chunk, Factors<T>& sum) {
    auto scratch = workspaces.take([&] { return std::make_unique<Scratch<T>>(graph, moves); });
    scratch->layers.forward(chunk.count, samples.inputs->rows(chunk, scratch->rows, control_),
                            curvature_.theta(), control_);
    const std::span<const T> f = scratch->layers.evaluation().outputs();
    scratch->loss.evaluate(graph.loss(), samples, chunk, outputs, curvature_.denominator(), f,
                           curvature_.loss_table());
    if (basis == nullptr) add_inputs(*scratch, chunk, sum);
    for (std::size_t first = 0; first < root_rows_; first += at_once) {
      const std::size_t k = std::min(at_once, root_rows_ - first);
      scratch->f_bar.resize(k * chunk.count * outputs);
      compute_root_rows(curvature_.root(), scratch->loss, f, chunk.first, first, k,
                        scratch->f_bar.span());
      scratch->layers.pull_back(k, scratch->f_bar.span());
      if (basis != nullptr) {
        add_scales(*scratch, chunk.count, k, *basis, sum);
        continue;
      }
      add_cotangents(*scratch, chunk.count, k, sum);
      add_exact(*scratch, chunk.count, k, sum);
    }
    workspaces.give_back(std::move(scratch));
    const auto done = static_cast<double>(chunk.first + chunk.count);
    control_.report("factors", done, static_cast<double>(samples.count));
  });
}

/// Both triangles from the lower one, times `factor`.
template <typename T>
void complete(std::size_t n, T factor, std::span<T> a) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      a[i * n + j] *= factor;
      a[j * n + i] = a[i * n + j];
    }
  }
}

template <typename T>
KroneckerMatrix<T> FactorSums<T>::compute() {
  require_room();
  Factors<T> sums = zeros(false);
  run(sums, nullptr);
  std::vector<KroneckerBlock<T>> blocks(maps_.size());
  std::vector<ExactBlock<T>> exact(norms_.size());
  for (std::size_t m = 0; m < norms_.size(); ++m) {
    const bool diagonal = is_diagonal(norms_[m]);
    if (!diagonal) complete<T>(norms_[m].size(), 1, sums.exact[m].span());
    exact[m] = {norms_[m], diagonal, std::move(sums.exact[m])};
  }
  const bool eigenbasis = curvature_.term() == Term::ekfac;
  parallel_for(control_, maps_.size(), [&](std::size_t m) {
    const AffineMap& map = maps_[m];
    KroneckerBlock<T>& block = blocks[m];
    block = {map, std::move(sums.a[m]), std::move(sums.s[m]), {}};
    complete<T>(map.inputs(), 1, block.a.span());
    complete<T>(map.outputs, reduces() ? 1 : 1 / static_cast<T>(map.positions), block.s.span());
    if (!eigenbasis) return;
    control_.check();
    std::vector<T> unused(std::max(map.inputs(), map.outputs));
    diagonalize<T>(map.inputs(), block.a.span(), std::span(unused).first(map.inputs()));
    diagonalize<T>(map.outputs, block.s.span(), std::span(unused).first(map.outputs));
  });
  if (eigenbasis) {
    Factors<T> scales = zeros(true);
    run(scales, &blocks);
    for (std::size_t m = 0; m < blocks.size(); ++m) blocks[m].scales = std::move(scales.scales[m]);
  }
  return KroneckerMatrix<T>(curvature_.size(), std::move(blocks), std::move(exact));
}

}  // namespace

template <typename T>
KroneckerMatrix<T> compute_kronecker(const Operator<T>& curvature, const Control& control) {
  return FactorSums<T>(curvature, control).compute();
}

template KroneckerMatrix<double> compute_kronecker<double>(const Operator<double>&, const Control&);
template KroneckerMatrix<float> compute_kronecker<float>(const Operator<float>&, const Control&);

}  // namespace eigenscape
