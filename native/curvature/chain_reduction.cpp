#include "curvature/chain_reduction.hpp"

#include <algorithm>
#include <cmath>

#include "core/chunked_sum.hpp"
#include "linalg/blas.hpp"
#include "network/evaluation.hpp"

namespace eigenscape {
namespace {

using blas::Form;
using blas::gemm;

constexpr std::size_t kSamplesAtOnce = 64;

double norm_of(std::span<const double> x) {
  double sum = 0;
  for (const double entry : x) sum += entry * entry;
  return std::sqrt(sum);
}

/// x ← P x for C entries `stride` apart, with P = I − 2 v vᵀ and v = (1/√C + e_C) / ‖·‖.
template <typename T>
void reflect(std::size_t count, std::size_t stride, T* x) {
  const double root = 1 / std::sqrt(static_cast<double>(count));
  double product = static_cast<double>(x[(count - 1) * stride]);
  for (std::size_t c = 0; c < count; ++c) product += root * static_cast<double>(x[c * stride]);
  const double factor = product / (1 + root);  // 2 (vᵀx) / ‖1/√C + e_C‖
  for (std::size_t c = 0; c < count; ++c) {
    const double direction = c + 1 == count ? root + 1 : root;
    x[c * stride] = static_cast<T>(static_cast<double>(x[c * stride]) - factor * direction);
  }
}

}  // namespace

template <typename T>
ChainReduction<T>::ChainReduction(const Operator<T>& matrix, const Control& control)
    : full_(chain_layers(matrix.graph(), matrix.selection())), layers_(full_) {
  reduce_outputs(matrix);
  reduce_inputs(matrix, control);
  number_rows();
}

template <typename T>
void ChainReduction<T>::reduce_outputs(const Operator<T>& matrix) {
  ChainLayer& last = layers_.back();
  const bool softmax = matrix.graph().loss().kind == LossKind::softmax_cross_entropy;
  if (!softmax || !last.pointwise.empty() || !last.chosen()) return;
  outputs_ = last.h;
  last.h -= 1;
  last.contracted = true;
  const std::span<const T> w = matrix.theta().subspan(last.weight_offset, outputs_ * last.d);
  output_weights_.assign(w.begin(), w.end());
  for (std::size_t q = 0; q < last.d; ++q) reflect(outputs_, last.d, output_weights_.data() + q);
  output_weights_.resize(last.h * last.d);
}

template <typename T>
template <typename Action>
void ChainReduction<T>::for_inputs(const Operator<T>& matrix, const Control& control,
                                   const Action& action) const {
  const Graph& graph = matrix.graph();
  const std::size_t input = graph.nodes()[full_[0].node].inputs[0];
  const std::size_t samples = matrix.samples().count;
  Evaluation<T> evaluation(graph);
  RowBuffer<T> rows;
  for (std::size_t first = 0; first < samples; first += kSamplesAtOnce) {
    control.check();
    const std::size_t n = std::min(kSamplesAtOnce, samples - first);
    const std::span<const T> x = matrix.samples().inputs->rows({first, n}, rows, control);
    // Reshapes and pointwise functions may come before the layer.
    if (full_[0].node > 0) evaluation.forward(n, x, matrix.theta(), Order::value, control);
    action(n, full_[0].node > 0 ? evaluation.value(input) : x);
    control.report("reduction", static_cast<double>(first + n), static_cast<double>(samples));
  }
}

template <typename T>
void ChainReduction<T>::read_inputs(std::size_t n, std::span<const T> x,
                                    std::vector<double>& inputs) const {
  const ChainLayer& layer = full_[0];
  inputs.resize(n * layer.inputs());
  double* to = inputs.data();
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t j = layer.first_input; j < layer.last_input; ++j) {
      *to++ = j == layer.d ? 1.0 : static_cast<double>(x[s * layer.d + j]);
    }
  }
}

template <typename T>
void ChainReduction<T>::reduce_inputs(const Operator<T>& matrix, const Control& control) {
  if (!full_[0].chosen()) return;
  RowSpace space(full_[0].inputs());
  std::vector<double> inputs;
  for_inputs(matrix, control, [&](std::size_t n, std::span<const T> x) {
    read_inputs(n, x, inputs);
    space.add(inputs);
  });
  RowBasis basis = space.basis();
  if (basis.rank == basis.width) return;
  inputs_ = std::move(basis);
  ChainLayer& layer = layers_[0];
  layer.d = inputs_->rank;
  layer.first_input = 0;
  layer.last_input = inputs_->rank;
  layer.projected = true;
  measure(matrix, control);
}

/// What is lost between a and Q a', sample by sample, and how far Q is from orthonormal.
template <typename T>
void ChainReduction<T>::measure(const Operator<T>& matrix, const Control& control) {
  const std::size_t width = inputs_->width;
  const std::size_t rank = inputs_->rank;
  if (inputs_->vectors.empty() || rank == 0) return;  // columns as they are
  const double* const q = inputs_->vectors.data();
  ProjectionScratch scratch;
  std::vector<double> inputs;
  std::vector<T> rounded;
  for_inputs(matrix, control, [&](std::size_t n, std::span<const T> x) {
    rounded.resize(n * rank);
    project_inputs(n, x, scratch, rounded);
    scratch.projected.assign(rounded.begin(), rounded.end());
    read_inputs(n, x, inputs);
    std::vector<double> rest = inputs;
    gemm<double>(Form::plain, Form::transposed, n, width, rank, -1, scratch.projected.data(), rank,
                 q, rank, 1, rest.data(), width);
    for (std::size_t s = 0; s < n; ++s) {
      const double norm = norm_of(std::span<const double>(inputs).subspan(s * width, width));
      if (norm == 0) continue;
      const double lost = norm_of(std::span<const double>(rest).subspan(s * width, width));
      distance_ = std::max(distance_, lost / norm);
    }
  });
  std::vector<double> gram(rank * rank);
  gemm<double>(Form::transposed, Form::plain, rank, rank, width, 1, q, rank, q, rank, 0,
               gram.data(), rank);
  for (std::size_t k = 0; k < rank; ++k) gram[k * rank + k] -= 1;
  defect_ = norm_of(gram);
}

/// Rows of A' as those of A: layer by layer, W and then b.
template <typename T>
void ChainReduction<T>::number_rows() {
  for (ChainLayer& layer : layers_) {
    if (layer.first_input == 0) {
      layer.weight_row = size_;
      size_ += layer.h * layer.d;
    }
    if (layer.last_input > layer.d) {
      layer.bias_row = size_;
      size_ += layer.h;
    }
  }
}

template <typename T>
void ChainReduction<T>::project_inputs(std::size_t n, std::span<const T> x,
                                       ProjectionScratch& scratch, std::span<T> out) const {
  const ChainLayer& layer = full_[0];
  const std::size_t rank = inputs_->rank;
  if (inputs_->vectors.empty()) {
    for (std::size_t s = 0; s < n; ++s) {
      for (std::size_t k = 0; k < rank; ++k) {
        const std::size_t j = layer.first_input + inputs_->columns[k];
        out[s * rank + k] = j == layer.d ? T{1} : x[s * layer.d + j];
      }
    }
    return;
  }
  read_inputs(n, x, scratch.inputs);
  scratch.projected.resize(n * rank);
  gemm<double>(Form::plain, Form::plain, n, rank, inputs_->width, 1, scratch.inputs.data(),
               inputs_->width, inputs_->vectors.data(), rank, 0, scratch.projected.data(), rank);
  std::copy_n(scratch.projected.data(), n * rank, out.data());
}

template <typename T>
void ChainReduction<T>::contract_hessians(std::size_t n, std::span<T> hessians) const {
  const std::size_t c = outputs_;
  for (std::size_t s = 0; s < n; ++s) {
    T* const h = hessians.data() + s * c * c;
    for (std::size_t j = 0; j < c; ++j) reflect(c, c, h + j);
    for (std::size_t i = 0; i < c; ++i) reflect(c, 1, h + i * c);
    // Both triangles were rounded in their own way. Never ahead of what is still to be read.
    T* const out = hessians.data() + s * (c - 1) * (c - 1);
    for (std::size_t i = 0; i + 1 < c; ++i) {
      for (std::size_t j = 0; j <= i; ++j) h[i * c + j] = (h[i * c + j] + h[j * c + i]) / 2;
    }
    for (std::size_t i = 0; i + 1 < c; ++i) {
      for (std::size_t j = i + 1; j + 1 < c; ++j) h[i * c + j] = h[j * c + i];
    }
    for (std::size_t i = 0; i + 1 < c; ++i) std::copy_n(h + i * c, c - 1, out + i * (c - 1));
  }
}

template <typename T>
void ChainReduction<T>::contract_outputs(std::size_t n, std::span<const T> delta,
                                         std::span<T> out) const {
  const std::size_t c = outputs_;
  std::vector<T> row(c);
  for (std::size_t s = 0; s < n; ++s) {
    std::copy_n(delta.data() + s * c, c, row.data());
    reflect(c, 1, row.data());
    std::copy_n(row.data(), c - 1, out.data() + s * (c - 1));
  }
}

template <typename T>
void ChainReduction<T>::restrict_vector(std::span<const T> full, std::span<T> reduced) const {
  ProjectionScratch scratch;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const ChainLayer& from = full_[l];
    const ChainLayer& to = layers_[l];
    if (!from.chosen()) continue;
    // [h, inputs] of the layer, its bias as the last of the inputs
    const std::size_t width = from.inputs();
    std::vector<T> rows(from.h * width);
    for (std::size_t i = 0; i < from.h; ++i) {
      for (std::size_t j = 0; j < width; ++j) {
        const std::size_t input = from.first_input + j;
        rows[i * width + j] =
            full[input == from.d ? from.bias_row + i : from.weight_row + i * from.d + input];
      }
    }
    if (to.h < from.h) {
      for (std::size_t j = 0; j < width; ++j) reflect(from.h, width, rows.data() + j);
    }
    for (std::size_t i = 0; i < to.h; ++i) {
      for (std::size_t k = 0; k < to.inputs(); ++k) {
        const std::size_t input = to.first_input + k;
        const std::size_t row = input == to.d ? to.bias_row + i : to.weight_row + i * to.d + input;
        if (!to.projected) {
          reduced[row] = rows[i * width + k];
        } else if (inputs_->vectors.empty()) {
          reduced[row] = rows[i * width + inputs_->columns[k]];
        } else {
          double sum = 0;
          for (std::size_t j = 0; j < width; ++j) {
            sum += static_cast<double>(rows[i * width + j]) * inputs_->vectors[j * to.d + k];
          }
          reduced[row] = static_cast<T>(sum);
        }
      }
    }
  }
}

template class ChainReduction<double>;
template class ChainReduction<float>;

}  // namespace eigenscape
