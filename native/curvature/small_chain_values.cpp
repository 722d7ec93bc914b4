#include "curvature/small_chain_values.hpp"

#include <algorithm>
#include <cmath>

#include "curvature/sample_rows.hpp"

namespace eigenscape {
namespace {

using sample_rows::add_squares;
using sample_rows::Coefficients;
using sample_rows::combine;
using sample_rows::contract;
using sample_rows::Strided;

/// x ← x ∘ y
template <typename T>
void scale_by(std::size_t n, const T* y, T* x) {
  contract(n, 1, Strided<const T>{x, n}, Strided<const T>{y, n}, x);
}

void take_roots(std::span<double> sums) {
  for (double& sum : sums) sum = std::sqrt(sum);
}

}  // namespace

bool is_bent(const SmallChainLayer& layer) {
  return std::any_of(layer.pointwise.begin(), layer.pointwise.end(), [](const Node* node) {
    return node->operation->structure != Structure::piecewise_linear;
  });
}

template <typename T>
SmallChainValues<T>::SmallChainValues(const SmallChain<T>& chain)
    : chain_(chain), n_(chain.stretch()) {
  const std::vector<SmallChainLayer>& layers = chain.layers();
  const std::size_t widest = widest_layer(layers);
  const std::size_t outputs = layers.back().h;
  layers_.resize(layers.size());
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const auto [d, h, inputs, weight_offset, bias_offset, pointwise] = layers[l];
    Layer& layer = layers_[l];
    layer.a.resize(inputs * n_);
    layer.slope.resize(h * n_);
    layer.curvature.resize(h * n_);
    layer.delta.resize(h * n_);
    layer.hessian.resize(h * h * n_);
    layer.a_norm.resize(n_);
    layer.delta_norm.resize(n_);
    if (inputs > d) std::fill_n(layer.a.data() + d * n_, n_, T{1});
  }
  z_.resize(widest * n_);
  y_.resize(widest * n_);
  saved_.resize(2 * widest * n_);
  outputs_.resize(outputs * n_);
  f_bar_.resize(outputs * n_);
  sample_.resize(outputs * outputs);
  work_.resize(widest * widest * n_);
}

template <typename T>
void SmallChainValues<T>::evaluate(Term term, std::span<const T> theta, Chunk samples,
                                   bool residual, bool curved) {
  forward(theta, samples, residual);
  evaluate_loss(term, samples);
  backward(theta, residual, curved);
}

/// a, D and S of every layer, and the outputs f [n, C].
template <typename T>
void SmallChainValues<T>::forward(std::span<const T> theta, Chunk samples, bool second) {
  const std::vector<SmallChainLayer>& layers = chain_.layers();
  chain_.copy_inputs(samples.first, rows_, layers_.front().a.data());
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const SmallChainLayer& layer = layers[l];
    Layer& values = layers_[l];
    const std::size_t size = layer.h * n_;
    const T* const w = theta.data() + layer.weight_offset;
    combine(n_, layer.h, layer.d, Coefficients<T>{w, layer.d, 1},
            Strided<const T>{values.a.data(), n_}, Strided<T>{z_.data(), n_}, false);
    if (layer.inputs > layer.d) {
      combine(n_, layer.h, 1, Coefficients<T>{theta.data() + layer.bias_offset, 1, 1},
              Strided<const T>{values.a.data() + layer.d * n_, n_}, Strided<T>{z_.data(), n_},
              true);
    }
    std::fill_n(values.slope.data(), size, T{1});
    std::fill_n(values.curvature.data(), size, T{0});
    const bool bent = second && is_bent(layer);
    // (g∘f)'' = g''(f)·f'² + g'(f)·f'' and (g∘f)' = g'(f)·f'
    for (const Node* const node : layer.pointwise) {
      apply_pointwise<T>(*node, n_, bent ? Order::second : Order::first, z_.span().first(size),
                         y_.span().first(size), saved_.span().first(2 * size));
      std::swap(y_, z_);
      const bool curves = node->operation->structure != Structure::piecewise_linear;
      for (std::size_t i = 0; bent && i < size; ++i) {
        const T slope = values.slope[i];
        values.curvature[i] *= saved_[i];
        if (curves) values.curvature[i] += saved_[size + i] * slope * slope;
      }
      scale_by(size, saved_.data(), values.slope.data());
    }
    if (l + 1 < layers.size()) std::copy_n(z_.data(), size, layers_[l + 1].a.data());
    values.a_norm.zero();
    add_squares(n_, layer.inputs, values.a.data(), values.a_norm.data());
    take_roots(values.a_norm.span());
  }
  const std::size_t outputs = layers.back().h;
  for (std::size_t c = 0; c < outputs; ++c) {
    for (std::size_t s = 0; s < samples.count; ++s) outputs_[s * outputs + c] = z_[c * n_ + s];
  }
}

/// ā and 𝓗 at the outputs, 0 for the samples that only fill up the stretch.
template <typename T>
void SmallChainValues<T>::evaluate_loss(Term term, Chunk samples) {
  const std::size_t outputs = chain_.layers().back().h;
  Layer& last = layers_.back();
  loss_point_.evaluate(chain_.graph().loss(), chain_.samples(), samples, outputs,
                       chain_.denominator(), outputs_.span().first(samples.count * outputs));
  loss_ += loss_point_.value() / chain_.denominator();
  loss_point_.scaled_gradient(f_bar_.span().first(samples.count * outputs));
  last.delta.zero();
  last.hessian.zero();
  for (std::size_t c = 0; c < outputs; ++c) {
    for (std::size_t s = 0; s < samples.count; ++s)
      last.delta[c * n_ + s] = f_bar_[s * outputs + c];
  }
  if (term == Term::residual) return;
  const bool fisher = term == Term::empirical_fisher || term == Term::gradient_covariance;
  for (std::size_t s = 0; s < samples.count; ++s) {
    if (fisher) {
      loss_point_.fisher_of(s, sample_.span());
    } else {
      loss_point_.hessian_of(s, sample_.span());
    }
    for (std::size_t i = 0; i < outputs * outputs; ++i) last.hessian[i * n_ + s] = sample_[i];
  }
}

/// δ and 𝓗 of every layer, from the output back:
/// ā_{m-1} = W_mᵀ δ_m;  δ_m = D_m ∘ ā_m;  𝓗_m = D_m W_{m+1}ᵀ 𝓗_{m+1} W_{m+1} D_m + diag(S_m ∘ ā_m)
template <typename T>
void SmallChainValues<T>::backward(std::span<const T> theta, bool residual, bool curved) {
  const std::vector<SmallChainLayer>& layers = chain_.layers();
  for (std::size_t m = layers.size(); m-- > 0;) {
    Layer& values = layers_[m];
    const std::size_t h = layers[m].h;
    T* const hessian = values.hessian.data();
    if (m + 1 < layers.size()) {
      const SmallChainLayer& above = layers[m + 1];
      const Layer& next = layers_[m + 1];
      const Coefficients<T> transposed{theta.data() + above.weight_offset, 1, above.d};
      combine(n_, h, above.h, transposed, Strided<const T>{next.delta.data(), n_},
              Strided<T>{values.delta.data(), n_}, false);
      for (std::size_t k = 0; curved && k < above.h; ++k) {
        combine(n_, h, above.h, transposed,
                Strided<const T>{next.hessian.data() + k * above.h * n_, n_},
                Strided<T>{work_.data() + k * h * n_, n_}, false);
      }
      for (std::size_t j = 0; curved && j < h; ++j) {
        combine(n_, j + 1, above.h, transposed, Strided<const T>{work_.data() + j * n_, h * n_},
                Strided<T>{hessian + j * n_, h * n_}, false);
      }
    }
    const bool bent = residual && is_bent(layers[m]);
    if (bent) scale_by(h * n_, values.delta.data(), values.curvature.data());
    if (!layers[m].pointwise.empty()) scale_by(h * n_, values.slope.data(), values.delta.data());
    values.delta_norm.zero();
    add_squares(n_, h, values.delta.data(), values.delta_norm.data());
    take_roots(values.delta_norm.span());
    for (std::size_t j = 0; curved && j < h; ++j) {
      for (std::size_t i = 0; i <= j; ++i) {
        T* const entry = hessian + (i * h + j) * n_;
        if (!layers[m].pointwise.empty()) {
          scale_by(n_, values.slope.data() + i * n_, entry);
          scale_by(n_, values.slope.data() + j * n_, entry);
        }
        for (std::size_t s = 0; bent && i == j && s < n_; ++s) {
          entry[s] += values.curvature[i * n_ + s];
        }
        if (i < j) std::copy_n(entry, n_, hessian + (j * h + i) * n_);
      }
    }
  }
}

template class SmallChainValues<double>;
template class SmallChainValues<float>;

}  // namespace eigenscape
