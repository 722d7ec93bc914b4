#include "network/evaluation.hpp"

#include <algorithm>
#include <utility>

#include "linalg/transpose.hpp"

namespace eigenscape {

template <typename T>
Evaluation<T>::Evaluation(const Graph& graph, std::vector<bool> moves)
    : graph_(graph), moves_(std::move(moves)) {
  const std::size_t layers = graph.nodes().size();
  y_.resize(layers + 1);
  saved_.resize(layers);
  bar_.resize(layers + 1);
  dot_.resize(layers + 1);
  bar_dot_.resize(layers + 1);
}

template <typename T>
std::span<const T> Evaluation<T>::value(std::size_t value) const {
  return value == 0 ? x_ : y_[value].span();
}

template <typename T>
void Evaluation<T>::lay_out_input(std::span<const T> x) {
  x_ = x;
  n_ = given_;
  if (!graph_.has_images()) return;
  constexpr std::size_t kLine = 64 / sizeof(T);
  n_ = (given_ + kLine - 1) / kLine * kLine;
  const std::size_t d = graph_.input_size();
  y_[0].resize(d * n_);
  transpose<T>(given_, d, x.data(), d, y_[0].data(), n_);
  for (std::size_t i = 0; i < d; ++i) {
    T* const row = y_[0].data() + i * n_;
    std::fill(row + given_, row + n_, row[given_ - 1]);
  }
  x_ = y_[0].span();
}

template <typename T>
void Evaluation<T>::fill_up(std::size_t rows, std::span<const T> f_bar,
                            AlignedBuffer<T>& out) const {
  const std::size_t c = graph_.output_size();
  out.resize(rows * n_ * c);
  for (std::size_t row = 0; row < rows; ++row) {
    T* const to = out.data() + row * n_ * c;
    std::copy_n(f_bar.data() + row * given_ * c, given_ * c, to);
    std::fill_n(to + given_ * c, (n_ - given_) * c, T{0});
  }
}

template <typename T>
std::span<const T> Evaluation<T>::outputs() const {
  return y_.back().span().first(given_ * graph_.output_size());
}

template <typename T>
std::span<T> Evaluation<T>::output_scratch(std::size_t size) {
  output_scratch_.resize(size);
  return output_scratch_.span();
}

template <typename T>
Primal<T> Evaluation<T>::primal(std::size_t layer) {
  const Node& node = graph_.nodes()[layer];
  x_spans_.clear();
  for (const std::size_t input : node.inputs) x_spans_.push_back(value(input));
  return {node,
          n_,
          x_spans_,
          y_[layer + 1].span(),
          theta_.subspan(node.parameter_offset, node.parameter_count),
          saved_[layer].span(),
          scratch_.span()};
}

template <typename T>
Rows<const T> Evaluation<T>::rows_of(const Node& node, std::span<const T> theta) const {
  return {theta.data() + node.parameter_offset, graph_.parameter_count(), node.parameter_count};
}

template <typename T>
Rows<T> Evaluation<T>::rows_of(const Node& node, std::span<T> theta) const {
  if (theta.empty()) return {};
  return {theta.data() + node.parameter_offset, graph_.parameter_count(), node.parameter_count};
}

template <typename T>
void Evaluation<T>::forward(std::size_t n, std::span<const T> x, std::span<const T> theta,
                            Order order) {
  given_ = n;
  lay_out_input(x);
  theta_ = theta;
  std::size_t scratch = 0;
  for (const Node& node : graph_.nodes()) {
    scratch = std::max(scratch, node.storage.scratch + n_ * node.storage.scratch_per_sample);
  }
  scratch_.resize(scratch);
  for (std::size_t layer = 0; layer < graph_.nodes().size(); ++layer) {
    const Node& node = graph_.nodes()[layer];
    y_[layer + 1].resize(n_ * node.output_size);
    saved_[layer].resize(n_ * node.storage.saved);
    const Primal<T> at = primal(layer);
    node.operation->passes<T>().forward(node, n_, at.x, at.theta, order, y_[layer + 1].span(),
                                        saved_[layer].span(), scratch_.span());
  }
}

template <typename T>
template <typename Pass>
void Evaluation<T>::backward(std::vector<AlignedBuffer<T>>& bars, std::size_t rows,
                             const Pass& pass) {
  std::vector<bool> written(bars.size(), false);
  for (std::size_t layer = graph_.nodes().size(); layer-- > 0;) {
    if (!moves_[layer + 1]) continue;
    const Node& node = graph_.nodes()[layer];
    bar_spans_.assign(node.inputs.size(), {});
    shares_.resize(std::max(shares_.size(), node.inputs.size()));
    std::vector<bool> shared(node.inputs.size(), false);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const std::size_t input = node.inputs[i];
      if (!moves_[input]) continue;
      shared[i] = written[input];
      AlignedBuffer<T>& target = shared[i] ? shares_[i] : bars[input];
      target.resize(rows * graph_.value_size(input));
      bar_spans_[i] = target.span();
      written[input] = true;
    }
    pass(layer, std::span<const std::span<T>>(bar_spans_));
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (!shared[i]) continue;
      AlignedBuffer<T>& bar = bars[node.inputs[i]];
      for (std::size_t j = 0; j < bar.size(); ++j) bar[j] += shares_[i][j];
    }
  }
}

template <typename T>
void Evaluation<T>::adjoint(std::span<const T> f_bar, std::span<T> theta_bar) {
  fill_up(1, f_bar, bar_.back());
  backward(bar_, n_, [&](std::size_t layer, std::span<const std::span<T>> x_bar) {
    const Node& node = graph_.nodes()[layer];
    node.operation->passes<T>().adjoint(primal(layer), 1, bar_[layer + 1].span(), x_bar,
                                        rows_of(node, theta_bar));
  });
}

template <typename T>
std::span<const T> Evaluation<T>::tangent(std::size_t k, std::span<const T> theta_dot) {
  for (std::size_t layer = 0; layer < graph_.nodes().size(); ++layer) {
    const Node& node = graph_.nodes()[layer];
    dot_[layer + 1].resize(k * n_ * node.output_size);
    if (!moves_[layer + 1]) continue;
    dot_spans_.clear();
    for (const std::size_t input : node.inputs) {
      dot_spans_.push_back(moves_[input] ? dot_[input].span() : std::span<T>{});
    }
    node.operation->passes<T>().tangent(primal(layer), k, dot_spans_, rows_of(node, theta_dot),
                                        dot_[layer + 1].span());
  }
  if (n_ == given_) return dot_.back().span();
  const std::size_t c = graph_.output_size();
  outputs_dot_.resize(k * given_ * c);
  for (std::size_t j = 0; j < k; ++j) {
    std::copy_n(dot_.back().data() + j * n_ * c, given_ * c, outputs_dot_.data() + j * given_ * c);
  }
  return outputs_dot_.span();
}

template <typename T>
void Evaluation<T>::adjoint_of_directions(std::size_t k, std::span<const T> f_bar,
                                          std::span<T> theta_bar) {
  fill_up(k, f_bar, bar_dot_.back());
  backward(bar_dot_, k * n_, [&](std::size_t layer, std::span<const std::span<T>> x_bar) {
    const Node& node = graph_.nodes()[layer];
    node.operation->passes<T>().adjoint(primal(layer), k, bar_dot_[layer + 1].span(), x_bar,
                                        rows_of(node, theta_bar));
  });
}

template <typename T>
void Evaluation<T>::tangent_adjoint(std::size_t k, std::span<const T> theta_dot,
                                    std::span<const T> f_bar_dot, std::span<T> theta_bar_dot) {
  fill_up(k, f_bar_dot, bar_dot_.back());
  backward(bar_dot_, k * n_, [&](std::size_t layer, std::span<const std::span<T>> x_bar_dot) {
    const Node& node = graph_.nodes()[layer];
    dot_spans_.clear();
    for (const std::size_t input : node.inputs) {
      dot_spans_.push_back(moves_[input] ? dot_[input].span() : std::span<T>{});
    }
    node.operation->passes<T>().tangent_adjoint(
        primal(layer), k, dot_spans_, rows_of(node, theta_dot), bar_[layer + 1].span(),
        bar_dot_[layer + 1].span(), x_bar_dot, rows_of(node, theta_bar_dot));
  });
}

template class Evaluation<double>;
template class Evaluation<float>;

}  // namespace eigenscape
