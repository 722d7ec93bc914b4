#include "curvature/diagonal.hpp"

#include <algorithm>
#include <cmath>

#include "curvature/chain_hessians.hpp"
#include "linalg/blas.hpp"

namespace eigenscape {
namespace {

constexpr std::size_t kPartials = 16;

template <typename T>
struct DiagonalScratch {
  explicit DiagonalScratch(const Graph& graph) : chain(graph) {}
  ChainScratch<T> chain;
  AlignedBuffer<T> squares;  // a ∘ a [n, d]
  AlignedBuffer<T> hessian;  // diag 𝓗 [n, h]
};

template <typename T>
struct DiagonalSum {
  AlignedBuffer<T> entries;  // [size]
  void add(const DiagonalSum& other) {
    for (std::size_t i = 0; i < entries.size(); ++i) entries[i] += other.entries[i];
  }
};

/// The share of n samples in the rows of one layer.
template <typename T>
void add_layer(const ChainLayer& layer, std::size_t n, std::span<const T> input,
               std::span<const T> all, DiagonalScratch<T>& scratch, AlignedBuffer<T>& sum) {
  const std::size_t h = layer.h;
  scratch.hessian.resize(n * h);
  for (std::size_t row = 0; row < n * h; ++row) {
    scratch.hessian[row] = all[row * h + row % h];
  }
  if (layer.first_input == 0) {
    const std::size_t d = layer.d;
    scratch.squares.resize(n * d);
    for (std::size_t i = 0; i < n * d; ++i) scratch.squares[i] = input[i] * input[i];
    blas::gemm<T>(blas::Form::transposed, blas::Form::plain, h, d, n, 1, scratch.hessian.data(), h,
                  scratch.squares.data(), d, 1, sum.data() + layer.weight_row, d);
  }
  if (layer.last_input <= layer.d) return;
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t i = 0; i < h; ++i) sum[layer.bias_row + i] += scratch.hessian[s * h + i];
  }
}

template <typename T>
void require_chain(const Operator<T>& matrix) {
  if (matrix.has_closed_form()) return;
  throw Error(
      ErrorCode::spec,
      "the formula of the diagonal holds for chains of dense layers and pointwise functions");
}

}  // namespace

template <typename T>
void chain_diagonal(const Operator<T>& matrix, std::span<double> diagonal, const Control& control) {
  require_chain(matrix);
  const Graph& graph = matrix.graph();
  const std::vector<ChainLayer> layers = chain_layers(graph, matrix.selection());
  const auto make_sum = [&] {
    DiagonalSum<T> sum;
    sum.entries.resize(matrix.size());
    sum.entries.zero();
    return sum;
  };
  DiagonalSum<T> total = make_sum();
  if (is_curved(matrix, layers)) {
    Workspaces<DiagonalScratch<T>> workspaces;
    const std::size_t samples = matrix.samples().count;
    const std::size_t at_once = chain_samples_at_once(layers, sizeof(T));
    const std::size_t chunks = (samples + at_once - 1) / at_once;
    const SumPlan plan{samples, at_once, chunks, std::min(chunks, kPartials)};
    chunked_sum(plan, control, total, make_sum, [&](Chunk chunk, DiagonalSum<T>& sum) {
      auto scratch = workspaces.take([&] { return std::make_unique<DiagonalScratch<T>>(graph); });
      evaluate_chain(matrix, layers, chunk, true, scratch->chain, control);
      for (std::size_t m = 0; m < layers.size(); ++m) {
        if (!layers[m].chosen()) continue;
        const std::size_t input = graph.nodes()[layers[m].node].inputs[0];
        add_layer(layers[m], chunk.count, scratch->chain.evaluation.value(input),
                  std::span<const T>(scratch->chain.hessian[m].span()), *scratch, sum.entries);
      }
      workspaces.give_back(std::move(scratch));
    });
  }
  std::copy_n(total.entries.data(), diagonal.size(), diagonal.begin());
  if (matrix.term() == Term::gradient_covariance) {
    const std::span<const T> mean = matrix.mean_gradient(control);
    const double factor = matrix.kept_weight() / matrix.denominator();
    for (std::size_t i = 0; i < diagonal.size(); ++i) {
      diagonal[i] -= factor * static_cast<double>(mean[i]) * static_cast<double>(mean[i]);
    }
  }
  for (double& entry : diagonal) {
    entry += matrix.weight_decay();
    if (std::isfinite(entry)) continue;
    throw Error(ErrorCode::numeric,
                "the diagonal is not finite; the parameters or inputs are too large");
  }
}

template void chain_diagonal<double>(const Operator<double>&, std::span<double>, const Control&);
template void chain_diagonal<float>(const Operator<float>&, std::span<double>, const Control&);

}  // namespace eigenscape
