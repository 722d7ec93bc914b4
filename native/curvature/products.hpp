// Products of an operator's matrix with blocks of vectors: Σ over chunks of samples of what tangent
// and adjoint passes along the directions give (curvature/operator.hpp lists the terms).
//
// The point never changes, so its chunks are evaluated at the first call and kept for the next ones
// (values, saved derivatives, ȳ, the loss) as far as memory allows: then a product costs its
// directions alone, 2 tangents of a forward pass and 2 of an adjoint one. Where they are not kept,
// every call evaluates each chunk once for all its directions. The bits are the same.
//
// Work is cut twice: samples into runs of chunks, whose partial sums are added in order, and
// directions into groups, of which a pass takes one at a time so that its tangents stay in cache.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "core/chunked_sum.hpp"
#include "core/control.hpp"
#include "curvature/class_pairs.hpp"
#include "curvature/operator.hpp"
#include "network/evaluation.hpp"
#include "network/graph.hpp"
#include "network/loss_root.hpp"

namespace eigenscape {

/// How the sums are cut: a function of the problem, never of threads or memory.
struct ProductPlan {
  SumPlan samples;
  std::size_t group = 1;       // directions of one pass, at most
  std::size_t kept_bytes = 0;  // of the points of all chunks, about
};

/// `copies_inputs`: whether a kept point holds x, too.
ProductPlan plan_products(const Graph& graph, std::size_t samples, std::size_t entry_bytes,
                          bool copies_inputs);

/// One chunk of samples with all that no direction changes.
template <typename T>
struct PointChunk {
  EvaluatedPoint<T> values;
  LossPoint<T> loss;
  DrawnHessians<T> drawn;
  AlignedBuffer<T> x;  // the inputs, where they are not in memory anyway
};

template <typename T>
class Products {
 public:
  /// What the sums are about; all of it outlives the object.
  struct Problem {
    const Graph& graph;
    std::span<const T> theta;
    const Samples<T>& samples;
    Term term;
    LossRoot root;
    double denominator;
    std::vector<bool> moves;  // values that move with the directions, see Graph::moving_values
  };

  explicit Products(Problem problem);

  /// out [k, M] = A v for v [k, M]; shift is ḡᵀv [k] for the covariance of the gradients, what
  /// class_pair_shift says [k, C, C], or empty. May be called by several threads.
  void apply(std::size_t k, std::span<const T> v, std::span<const T> shift,
             const LossTable<T>* table, std::span<T> out, const Control& control);

  /// Moments along v [k, M] by class pairs; for softmax and classes only.
  ClassPairMoments class_pairs(std::size_t k, std::span<const T> v, const Control& control);

  /// Of the points, about; 0 where they are too many to be kept.
  [[nodiscard]] std::size_t kept_bytes() const;

 private:
  /// Scratch of one thread, with a chunk that is not kept.
  struct Scratch {
    Scratch(const Graph& graph, std::vector<bool> moves) : evaluation(graph, std::move(moves)) {}
    Evaluation<T> evaluation;
    PointChunk<T> here;
    RowBuffer<T> rows;
    AlignedBuffer<T> f_bar;      // [n, C]
    AlignedBuffer<T> f_bar_dot;  // [k, n, C]
  };
  struct KeptChunk {
    std::mutex mutex;
    bool evaluated = false;
    PointChunk<T> point;
  };

  /// Whether there is room for the points: asked once.
  bool keeps();
  /// The passes of `scratch` are then taken at that chunk; what is returned is its loss.
  const PointChunk<T>& visit(Chunk chunk, const LossTable<T>* table, Scratch& scratch,
                             const Control& control);
  void evaluate(Chunk chunk, const LossTable<T>* table, Scratch& scratch, PointChunk<T>& point,
                const Control& control) const;
  /// out [k, M] += the share of the chunk that is visited, for one group of directions.
  void add_group(const PointChunk<T>& at, Chunk chunk, std::size_t k, std::span<const T> v,
                 std::span<const T> shift, Scratch& scratch, std::span<T> out) const;
  /// Classes of its samples, −1 where one is ignored.
  [[nodiscard]] std::span<const std::int32_t> labels_of(Chunk chunk) const {
    return std::span(problem_.samples.classes).subspan(chunk.first, chunk.count);
  }

  Problem problem_;
  bool copies_inputs_;
  ProductPlan plan_;
  std::once_flag asked_;
  std::vector<std::unique_ptr<KeptChunk>> kept_;  // of all chunks, or none
  Workspaces<Scratch> scratch_;
  Workspaces<AlignedBuffer<T>> sums_;  // partial sums that are not in use
};

}  // namespace eigenscape
