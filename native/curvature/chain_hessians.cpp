#include "curvature/chain_hessians.hpp"

#include <algorithm>

#include "linalg/blas.hpp"

namespace eigenscape {
namespace {

using blas::Form;
using blas::gemm;

/// D and S ∘ ā of one layer: derivatives of all its pointwise functions together,
/// (g∘f)' = g'(f)·f' and (g∘f)'' = g''(f)·f'² + g'(f)·f''.
template <typename T>
void compose_pointwise(const Graph& graph, const ChainLayer& layer, std::size_t n, bool second,
                       std::span<const T> a_bar, ChainScratch<T>& scratch, std::size_t index) {
  const std::size_t size = n * layer.h;
  AlignedBuffer<T>& slope = scratch.slope[index];
  AlignedBuffer<T>& curvature = scratch.curvature[index];
  slope.resize(size);
  std::fill_n(slope.data(), size, T{1});
  curvature.resize(second ? size : 0);
  curvature.zero();
  for (const std::size_t node : layer.pointwise) {
    const std::span<const T> saved = scratch.evaluation.saved(node);
    const bool bent = graph.nodes()[node].operation->structure != Structure::piecewise_linear;
    for (std::size_t i = 0; second && i < size; ++i) {
      curvature[i] *= saved[i];
      if (bent) curvature[i] += saved[size + i] * slope[i] * slope[i];
    }
    for (std::size_t i = 0; i < size; ++i) slope[i] *= saved[i];
  }
  for (std::size_t i = 0; second && i < size; ++i) curvature[i] *= a_bar[i];
}

/// 𝓗 ← D 𝓗 D + diag(S ∘ ā), for n samples [n, h, h].
template <typename T>
void pass_through_pointwise(std::size_t n, std::size_t h, std::span<const T> slope,
                            std::span<const T> curvature, std::span<T> hessian) {
  for (std::size_t s = 0; s < n; ++s) {
    T* const matrix = hessian.data() + s * h * h;
    const T* const d = slope.data() + s * h;
    for (std::size_t i = 0; i < h; ++i) {
      for (std::size_t j = 0; j < h; ++j) matrix[i * h + j] *= d[i] * d[j];
      if (!curvature.empty()) matrix[i * h + i] += curvature[s * h + i];
    }
  }
}

/// 𝓗 of every layer from the output back to the first that is chosen.
template <typename T>
void compute_hessians(const Operator<T>& matrix, const std::vector<ChainLayer>& layers,
                      std::size_t n, ChainScratch<T>& scratch) {
  const std::size_t last = layers.size() - 1;
  const auto first = static_cast<std::size_t>(
      std::find_if(layers.begin(), layers.end(), [](const ChainLayer& l) { return l.chosen(); }) -
      layers.begin());
  for (std::size_t m = last + 1; m-- > first;) {
    const std::size_t h = layers[m].h;
    scratch.hessian[m].resize(n * h * h);
    const std::span<T> hessian = scratch.hessian[m].span();
    if (m == last) {
      for (std::size_t s = 0; s < n; ++s) {
        const std::span<T> output = hessian.subspan(s * h * h, h * h);
        switch (matrix.term()) {
          case Term::hessian:
          case Term::gauss_newton:
            scratch.loss.hessian_of(s, output);
            break;
          case Term::residual:
            std::fill(output.begin(), output.end(), T{0});
            break;
          case Term::empirical_fisher:
          case Term::gradient_covariance:
            scratch.loss.fisher_of(s, output);
            break;
          case Term::monte_carlo_fisher:
            scratch.drawn.matrix_of(s, output);
            break;
          case Term::kfac:
          case Term::ekfac:
            throw Error(ErrorCode::internal, "Kronecker products have no chain");
          case Term::class_means:
          case Term::cross_class_means:
          case Term::within_cross_class:
          case Term::same_class:
            throw Error(ErrorCode::internal, "parts by class pairs have no matrix per sample");
        }
      }
    } else {
      const std::size_t above = layers[m + 1].h;
      const T* const w = chain_weights(matrix, layers[m + 1]).data();
      scratch.product.resize(n * above * h);
      gemm<T>(Form::plain, Form::plain, n * above, h, above, 1, scratch.hessian[m + 1].data(),
              above, w, h, 0, scratch.product.data(), h);
      for (std::size_t s = 0; s < n; ++s) {
        gemm<T>(Form::transposed, Form::plain, h, h, above, 1,
                scratch.product.data() + s * above * h, h, w, h, 0, hessian.data() + s * h * h, h);
      }
    }
    pass_through_pointwise<T>(n, h, scratch.slope[m].span(), scratch.curvature[m].span(), hessian);
  }
}

}  // namespace

template <typename T>
bool is_curved(const Operator<T>& matrix, const std::vector<ChainLayer>& layers) {
  const Graph& graph = matrix.graph();
  return matrix.term() != Term::residual ||
         std::any_of(layers.begin(), layers.end(), [&](const ChainLayer& layer) {
           return std::any_of(
               layer.pointwise.begin(), layer.pointwise.end(), [&](std::size_t node) {
                 return graph.nodes()[node].operation->structure != Structure::piecewise_linear;
               });
         });
}

template <typename T>
void evaluate_chain(const Operator<T>& matrix, const std::vector<ChainLayer>& layers, Chunk chunk,
                    bool curved, ChainScratch<T>& scratch, const Control& control) {
  const Graph& graph = matrix.graph();
  const bool residual = keeps_residual(matrix.term());
  const std::size_t n = chunk.count;
  Evaluation<T>& evaluation = scratch.evaluation;
  evaluation.forward(n, matrix.samples().inputs->rows(chunk, scratch.rows, control), matrix.theta(),
                     residual ? Order::second : Order::first, control);
  scratch.loss.evaluate(graph.loss(), matrix.samples(), chunk, graph.output_size(),
                        matrix.denominator(), evaluation.outputs(), matrix.loss_table());
  if (matrix.term() == Term::monte_carlo_fisher) {
    scratch.drawn.draw(matrix.root(), scratch.loss, evaluation.outputs(), chunk.first);
  }
  scratch.f_bar.resize(n * graph.output_size());
  scratch.loss.scaled_gradient(scratch.f_bar.span());
  if (residual) evaluation.adjoint(scratch.f_bar.span(), {});
  scratch.slope.resize(layers.size());
  scratch.curvature.resize(layers.size());
  scratch.hessian.resize(layers.size());
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const std::size_t after =
        layers[l].pointwise.empty() ? layers[l].node : layers[l].pointwise.back();
    compose_pointwise<T>(graph, layers[l], n, residual,
                         residual ? evaluation.adjoint_of(after + 1) : std::span<const T>{},
                         scratch, l);
  }
  if (curved) compute_hessians(matrix, layers, n, scratch);
}

template bool is_curved<double>(const Operator<double>&, const std::vector<ChainLayer>&);
template bool is_curved<float>(const Operator<float>&, const std::vector<ChainLayer>&);
template void evaluate_chain<double>(const Operator<double>&, const std::vector<ChainLayer>&, Chunk,
                                     bool, ChainScratch<double>&, const Control&);
template void evaluate_chain<float>(const Operator<float>&, const std::vector<ChainLayer>&, Chunk,
                                    bool, ChainScratch<float>&, const Control&);

}  // namespace eigenscape
