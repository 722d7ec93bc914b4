#include "curvature/small_chain_matrix.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "curvature/sample_rows.hpp"
#include "linalg/blas.hpp"

namespace eigenscape {
namespace {

using blas::Form;
using blas::gemm;
using sample_rows::add_squares;
using sample_rows::Coefficients;
using sample_rows::combine;
using sample_rows::contract;
using sample_rows::outer;
using sample_rows::Strided;

bool keeps_residual(Term term) { return term == Term::hessian || term == Term::residual; }

}  // namespace

template <typename T>
SmallChainMatrix<T>::SmallChainMatrix(const SmallChain<T>& chain)
    : chain_(chain), n_(chain.stretch()), values_(chain) {
  const std::vector<SmallChainLayer>& layers = chain.layers();
  const std::size_t widest = widest_layer(layers);
  for (AlignedBuffer<T>* const pairs : {&feed_, &jacobian_, &e_, &right_}) {
    pairs->resize(widest * widest * n_);
  }
  left_.resize(left_rows(layers) * n_);
  block_.resize(block_entries(layers));
  gradient_.resize(chain.graph().parameter_count());
  norms_.resize(n_);
}

/// Σ_n ‖a_{l-1}‖ (‖a_{m-1}‖ ‖E_{m,l}‖ + ‖δ_m‖ ‖F_{m,l}‖): see AssemblyScale.
template <typename T>
double SmallChainMatrix<T>::block_magnitude(std::size_t m, std::size_t l, bool curved,
                                            bool residual) {
  const std::size_t h_l = chain_.layers()[l].h;
  double sum = 0;
  if (curved) {
    const T* const e = m == l ? at(l).hessian.data() : e_.data();
    norms_.zero();
    add_squares(n_, h_l * chain_.layers()[m].h, e, norms_.data());
    for (std::size_t s = 0; s < count_; ++s) {
      sum += at(l).a_norm[s] * at(m).a_norm[s] * std::sqrt(norms_[s]);
    }
  }
  if (residual && m > l) {
    const bool self = m == l + 1;
    norms_.zero();
    add_squares(n_, self ? h_l : h_l * chain_.layers()[m - 1].h,
                self ? at(l).slope.data() : feed_.data(), norms_.data());
    for (std::size_t s = 0; s < count_; ++s) {
      sum += at(l).a_norm[s] * at(m).delta_norm[s] * std::sqrt(norms_[s]);
    }
  }
  return m == l ? sum : 2 * sum;
}

/// The block (l, l), where E = 𝓗: pairs j ≥ q of inputs against pairs p ≤ i of units.
template <typename T>
void SmallChainMatrix<T>::add_diagonal_block(std::size_t l, std::span<T> matrix) {
  const SmallChainLayer& layer = chain_.layers()[l];
  const std::size_t size = chain_.graph().parameter_count();
  const std::size_t units = layer.h * (layer.h + 1) / 2;
  const std::size_t inputs = layer.inputs * (layer.inputs + 1) / 2;
  T* left = left_.data();
  for (std::size_t j = 0; j < layer.inputs; ++j, left += j * n_) {
    outer(n_, 1, at(l).a.data() + j * n_, j + 1, at(l).a.data(), left);
  }
  T* right = right_.data();
  for (std::size_t i = 0; i < layer.h; ++i, right += i * n_) {
    std::copy_n(at(l).hessian.data() + i * layer.h * n_, (i + 1) * n_, right);
  }
  gemm<T>(Form::plain, Form::transposed, inputs, units, n_, 1, left_.data(), n_, right_.data(), n_,
          0, block_.data(), units);
  const T* entry = block_.data();
  for (std::size_t j = 0; j < layer.inputs; ++j) {
    for (std::size_t q = 0; q <= j; ++q) {
      for (std::size_t i = 0; i < layer.h; ++i) {
        const std::size_t i_j = layer.parameter(i, j);
        const std::size_t i_q = layer.parameter(i, q);
        for (std::size_t p = 0; p <= i; ++p, ++entry) {
          const std::size_t p_j = layer.parameter(p, j);
          const std::size_t p_q = layer.parameter(p, q);
          matrix[i_j * size + p_q] += *entry;
          if (i_j != p_q) matrix[p_q * size + i_j] += *entry;
          if (i == p || j == q) continue;
          matrix[i_q * size + p_j] += *entry;
          matrix[p_j * size + i_q] += *entry;
        }
      }
    }
  }
}

/// The first product of a block l < m.
template <typename T>
void SmallChainMatrix<T>::add_block(std::size_t m, std::size_t l, std::span<T> matrix) {
  const SmallChainLayer& rows = chain_.layers()[m];
  const SmallChainLayer& columns = chain_.layers()[l];
  const std::size_t size = chain_.graph().parameter_count();
  const std::size_t pairs = rows.inputs * columns.inputs;
  outer(n_, rows.inputs, at(m).a.data(), columns.inputs, at(l).a.data(), left_.data());
  gemm<T>(Form::plain, Form::transposed, pairs, columns.h * rows.h, n_, 1, left_.data(), n_,
          e_.data(), n_, 0, block_.data(), columns.h * rows.h);
  const T* entry = block_.data();
  for (std::size_t j = 0; j < rows.inputs; ++j) {
    for (std::size_t q = 0; q < columns.inputs; ++q) {
      for (std::size_t p = 0; p < columns.h; ++p) {
        const std::size_t column = columns.parameter(p, q);
        for (std::size_t i = 0; i < rows.h; ++i, ++entry) {
          matrix[rows.parameter(i, j) * size + column] += *entry;
        }
      }
    }
  }
}

/// The second product of a block l < m; for m = l + 1, F_{m,l}[p, j] is D_l[p] at j = p and 0
/// elsewhere.
template <typename T>
void SmallChainMatrix<T>::add_fed_block(std::size_t m, std::size_t l, std::span<T> matrix) {
  const SmallChainLayer& rows = chain_.layers()[m];
  const SmallChainLayer& columns = chain_.layers()[l];
  const std::size_t size = chain_.graph().parameter_count();
  const bool self = m == l + 1;
  const std::size_t width = self ? columns.h : columns.h * rows.d;
  outer(n_, rows.h, at(m).delta.data(), columns.inputs, at(l).a.data(), left_.data());
  gemm<T>(Form::plain, Form::transposed, rows.h * columns.inputs, width, n_, 1, left_.data(), n_,
          self ? at(l).slope.data() : feed_.data(), n_, 0, block_.data(), width);
  const T* entry = block_.data();
  for (std::size_t i = 0; i < rows.h; ++i) {
    for (std::size_t q = 0; q < columns.inputs; ++q) {
      for (std::size_t p = 0; p < columns.h; ++p) {
        const std::size_t column = columns.parameter(p, q);
        for (std::size_t j = self ? p : 0; j < (self ? p + 1 : rows.d); ++j, ++entry) {
          matrix[rows.parameter(i, j) * size + column] += *entry;
        }
      }
    }
  }
}

/// All blocks (m, l) with m ≥ l: J_{m,l} = W_m F_{m,l}, F_{m,l} = D_{m-1} J_{m-1,l}, E_{m,l} = 𝓗_m
/// J_{m,l}.
template <typename T>
void SmallChainMatrix<T>::add_column(std::span<const T> theta, std::size_t l, bool residual,
                                     bool curved, std::span<T> matrix) {
  const std::vector<SmallChainLayer>& layers = chain_.layers();
  const std::size_t h_l = layers[l].h;
  if (curved) add_diagonal_block(l, matrix);
  magnitude_ += block_magnitude(l, l, curved, residual);
  for (std::size_t m = l + 1; m < layers.size(); ++m) {
    const std::size_t h_m = layers[m].h;
    const std::size_t below = layers[m - 1].h;
    const bool self = m == l + 1;
    const T* const w = theta.data() + layers[m].weight_offset;
    for (std::size_t p = 0; p < h_l; ++p) {
      T* const jacobian = jacobian_.data() + p * h_m * n_;
      if (self) {
        combine(n_, h_m, 1, Coefficients<T>{w + p, below, 1},
                Strided<const T>{at(l).slope.data() + p * n_, n_}, Strided<T>{jacobian, n_}, false);
      } else {
        combine(n_, h_m, below, Coefficients<T>{w, below, 1},
                Strided<const T>{feed_.data() + p * below * n_, n_}, Strided<T>{jacobian, n_},
                false);
      }
      for (std::size_t i = 0; curved && i < h_m; ++i) {
        contract(n_, h_m, Strided<const T>{jacobian, n_},
                 Strided<const T>{at(m).hessian.data() + i * h_m * n_, n_},
                 e_.data() + (p * h_m + i) * n_);
      }
    }
    if (curved) add_block(m, l, matrix);
    if (residual) add_fed_block(m, l, matrix);
    magnitude_ += block_magnitude(m, l, curved, residual);
    for (std::size_t p = 0; m + 1 < layers.size() && p < h_l; ++p) {
      contract(h_m * n_, 1, Strided<const T>{jacobian_.data() + p * h_m * n_, n_},
               Strided<const T>{at(m).slope.data(), n_}, feed_.data() + p * h_m * n_);
    }
  }
}

/// ∇L += Σ_n δ_m[i] a_{m-1}[j]
template <typename T>
void SmallChainMatrix<T>::add_gradient() {
  const std::vector<SmallChainLayer>& layers = chain_.layers();
  for (std::size_t m = 0; m < layers.size(); ++m) {
    const auto& [d, h, inputs, weight_offset, bias_offset, pointwise] = layers[m];
    gemm<T>(Form::plain, Form::transposed, h, inputs, n_, 1, at(m).delta.data(), n_, at(m).a.data(),
            n_, 0, block_.data(), inputs);
    for (std::size_t i = 0; i < h; ++i) {
      for (std::size_t j = 0; j < inputs; ++j) {
        gradient_[layers[m].parameter(i, j)] += block_[i * inputs + j];
      }
    }
  }
}

/// C = F − (Σs/Σsκ) ḡ ḡᵀ with ḡ = (Σsκ/Σs) ∇L
template <typename T>
void SmallChainMatrix<T>::subtract_mean(std::span<T> matrix) const {
  const std::size_t size = gradient_.size();
  const auto factor = static_cast<T>(chain_.denominator() / chain_.kept_weight());
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) {
      matrix[i * size + j] -= factor * (gradient_[i] * gradient_[j]);
    }
  }
}

template <typename T>
AssemblyScale SmallChainMatrix<T>::assemble(Term term, std::span<const T> theta,
                                            std::span<T> matrix) {
  const std::vector<SmallChainLayer>& layers = chain_.layers();
  const std::size_t samples = chain_.samples().count;
  const std::size_t size = chain_.graph().parameter_count();
  const bool residual = keeps_residual(term);
  const bool curved = term != Term::residual || std::any_of(layers.begin(), layers.end(), is_bent);
  AssemblyScale scale{0, samples};
  for (const SmallChainLayer& layer : layers) scale.operations += layer.d + 3 * layer.h;
  values_.restart();
  magnitude_ = 0;
  std::fill(matrix.begin(), matrix.end(), T{0});
  gradient_.zero();
  for (std::size_t first = 0; first < samples; first += n_) {
    count_ = std::min(n_, samples - first);
    values_.evaluate(term, theta, {first, count_}, residual, curved);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      add_column(theta, l, residual, curved, matrix);
    }
    if (term == Term::gradient_covariance) add_gradient();
  }
  // What is right of the diagonal blocks.
  for (std::size_t m = 1; m < layers.size(); ++m) {
    const std::size_t first = layers[m].weight_offset;
    const std::size_t last = m + 1 < layers.size() ? layers[m + 1].weight_offset : size;
    for (std::size_t j = 0; j < first; ++j) {
      for (std::size_t i = first; i < last; ++i) matrix[j * size + i] = matrix[i * size + j];
    }
  }
  if (term == Term::gradient_covariance) subtract_mean(matrix);
  if (!std::all_of(matrix.begin(), matrix.end(), [](T x) { return std::isfinite(x); })) {
    throw Error(ErrorCode::numeric,
                "the curvature matrix is not finite; the parameters or inputs are too large");
  }
  scale.magnitude = magnitude_;
  return scale;
}

template class SmallChainMatrix<double>;
template class SmallChainMatrix<float>;

}  // namespace eigenscape
