// Sums of first order over the data: the loss, its gradient, predictions.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/control.hpp"
#include "network/evaluation.hpp"
#include "network/graph.hpp"

namespace eigenscape {

struct LossSummary {
  double loss = 0;      // L = Σ s ℓ / Σ s κ
  double accuracy = 0;  // share of the counted weight that is predicted right
};

/// Scratch of one thread for sums of first order.
template <typename T>
struct GradientScratch {
  explicit GradientScratch(const Graph& graph) : evaluation(graph) {}
  Evaluation<T> evaluation;
  LossPoint<T> loss;
  RowBuffer<T> rows;
};

template <typename T>
using GradientWorkspaces = Workspaces<GradientScratch<T>>;

/// The chunks of all sums of first order.
SumPlan plan_gradient(const Graph& graph, std::size_t samples, std::size_t entry_bytes);

/// L and the accuracy over all samples.
template <typename T>
LossSummary evaluate_loss(const Graph& graph, std::span<const T> theta, const Samples<T>& samples,
                          const Control& control);

/// L over the samples of `range`; gradient [M] is overwritten with its gradient. `workspaces` may
/// be kept from call to call.
template <typename T>
double evaluate_gradient(const Graph& graph, std::span<const T> theta, const Samples<T>& samples,
                         Chunk range, std::span<T> gradient, GradientWorkspaces<T>& workspaces,
                         const Control& control);

/// gradient [M] = Σ_n J_nᵀ f̄_n for the rows of `range` and f̄ [count, C], where J_n = ∂f_n/∂θ: with
/// f̄ = ∂L/∂f, the gradient of any L that the engine does not know.
template <typename T>
void pull_back(const Graph& graph, std::span<const T> theta, const RowSource<T>& x, Chunk range,
               std::span<const T> f_bar, std::span<T> gradient, const Control& control);

/// f [count, C] for the rows of `range`.
template <typename T>
void predict(const Graph& graph, std::span<const T> theta, const RowSource<T>& x, Chunk range,
             std::span<T> outputs, const Control& control);

}  // namespace eigenscape
