#include "network/evaluation.hpp"

#include <algorithm>
#include <utility>

#include "linalg/transpose.hpp"

namespace eigenscape {

template <typename T>
Evaluation<T>::Evaluation(const Graph& graph, std::vector<bool> moves)
    : graph_(graph), moves_(std::move(moves)) {
  const std::size_t layers = graph.nodes().size();
  dot_.resize(layers + 1);
  bar_dot_.resize(layers + 1);
}

template <typename T>
std::span<const T> Evaluation<T>::value(std::size_t value) const {
  return value == 0 ? point_->x : point_->y[value].span();
}

template <typename T>
void Evaluation<T>::lay_out_input(std::span<const T> x) {
  own_.x = x;
  own_.n = own_.given;
  if (!graph_.has_images()) return;
  constexpr std::size_t kLine = 64 / sizeof(T);
  const std::size_t given = own_.given;
  const std::size_t n = (given + kLine - 1) / kLine * kLine;
  const std::size_t d = graph_.input_size();
  own_.n = n;
  own_.y[0].resize(d * n);
  transpose<T>(given, d, x.data(), d, own_.y[0].data(), n);
  for (std::size_t i = 0; i < d; ++i) {
    T* const row = own_.y[0].data() + i * n;
    std::fill(row + given, row + n, row[given - 1]);
  }
  own_.x = own_.y[0].span();
}

template <typename T>
void Evaluation<T>::fill_up(std::size_t rows, std::span<const T> f_bar,
                            AlignedBuffer<T>& out) const {
  const std::size_t full = point_->n * graph_.output_size();
  const std::size_t given = point_->given * graph_.output_size();
  out.resize(rows * full);
  for (std::size_t row = 0; row < rows; ++row) {
    T* const to = out.data() + row * full;
    std::copy_n(f_bar.data() + row * given, given, to);
    std::fill_n(to + given, full - given, T{0});
  }
}

template <typename T>
std::span<const T> Evaluation<T>::outputs() const {
  return point_->y.back().span().first(point_->given * graph_.output_size());
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
          point_->n,
          x_spans_,
          point_->y[layer + 1].span(),
          point_->theta.subspan(node.parameter_offset, node.parameter_count),
          point_->saved[layer].span(),
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
                            Order order, const Control& control) {
  const std::size_t layers = graph_.nodes().size();
  own_.y.resize(layers + 1);
  own_.saved.resize(layers);
  own_.bar.resize(layers + 1);
  own_.given = n;
  own_.theta = theta;
  lay_out_input(x);
  point_ = &own_;
  control_ = &control;
  reserve_scratch();
  n = own_.n;
  for (std::size_t layer = 0; layer < layers; ++layer) {
    control.check();
    const Node& node = graph_.nodes()[layer];
    own_.y[layer + 1].resize(n * node.output_size);
    own_.saved[layer].resize(n * node.storage.saved);
    const Primal<T> at = primal(layer);
    node.operation->passes<T>().forward(node, n, at.x, at.theta, order, own_.y[layer + 1].span(),
                                        own_.saved[layer].span(), scratch_.span());
  }
}

template <typename T>
void Evaluation<T>::reserve_scratch() {
  std::size_t scratch = 0;
  for (const Node& node : graph_.nodes()) {
    scratch = std::max(scratch, node.storage.scratch + point_->n * node.storage.scratch_per_sample);
  }
  scratch_.resize(scratch);
}

template <typename T>
EvaluatedPoint<T> Evaluation<T>::take_point() {
  return std::exchange(own_, {});
}

template <typename T>
void Evaluation<T>::visit(const EvaluatedPoint<T>& point, const Control& control) {
  point_ = &point;
  control_ = &control;
  reserve_scratch();
}

template <typename T>
template <typename Pass>
void Evaluation<T>::backward(std::vector<AlignedBuffer<T>>& bars, std::size_t rows,
                             const Pass& pass) {
  std::vector<bool> written(bars.size(), false);
  for (std::size_t layer = graph_.nodes().size(); layer-- > 0;) {
    if (!moves_[layer + 1]) continue;
    control_->check();
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
  fill_up(1, f_bar, own_.bar.back());
  backward(own_.bar, own_.n, [&](std::size_t layer, std::span<const std::span<T>> x_bar) {
    const Node& node = graph_.nodes()[layer];
    node.operation->passes<T>().adjoint(primal(layer), 1, own_.bar[layer + 1].span(), x_bar,
                                        rows_of(node, theta_bar));
  });
}

template <typename T>
std::span<const T> Evaluation<T>::tangent(std::size_t k, std::span<const T> theta_dot) {
  for (std::size_t layer = 0; layer < graph_.nodes().size(); ++layer) {
    const Node& node = graph_.nodes()[layer];
    dot_[layer + 1].resize(k * point_->n * node.output_size);
    if (!moves_[layer + 1]) continue;
    control_->check();
    dot_spans_.clear();
    for (const std::size_t input : node.inputs) {
      dot_spans_.push_back(moves_[input] ? dot_[input].span() : std::span<T>{});
    }
    node.operation->passes<T>().tangent(primal(layer), k, dot_spans_, rows_of(node, theta_dot),
                                        dot_[layer + 1].span());
  }
  if (point_->n == point_->given) return dot_.back().span();
  const std::size_t full = point_->n * graph_.output_size();
  const std::size_t given = point_->given * graph_.output_size();
  outputs_dot_.resize(k * given);
  for (std::size_t j = 0; j < k; ++j) {
    std::copy_n(dot_.back().data() + j * full, given, outputs_dot_.data() + j * given);
  }
  return outputs_dot_.span();
}

template <typename T>
void Evaluation<T>::adjoint_of_directions(std::size_t k, std::span<const T> f_bar,
                                          std::span<T> theta_bar) {
  fill_up(k, f_bar, bar_dot_.back());
  backward(bar_dot_, k * point_->n, [&](std::size_t layer, std::span<const std::span<T>> x_bar) {
    const Node& node = graph_.nodes()[layer];
    node.operation->passes<T>().adjoint(primal(layer), k, bar_dot_[layer + 1].span(), x_bar,
                                        rows_of(node, theta_bar));
  });
}

template <typename T>
void Evaluation<T>::tangent_adjoint(std::size_t k, std::span<const T> theta_dot,
                                    std::span<const T> f_bar_dot, std::span<T> theta_bar_dot) {
  fill_up(k, f_bar_dot, bar_dot_.back());
  backward(
      bar_dot_, k * point_->n, [&](std::size_t layer, std::span<const std::span<T>> x_bar_dot) {
        const Node& node = graph_.nodes()[layer];
        dot_spans_.clear();
        for (const std::size_t input : node.inputs) {
          dot_spans_.push_back(moves_[input] ? dot_[input].span() : std::span<T>{});
        }
        node.operation->passes<T>().tangent_adjoint(
            primal(layer), k, dot_spans_, rows_of(node, theta_dot), point_->bar[layer + 1].span(),
            bar_dot_[layer + 1].span(), x_bar_dot, rows_of(node, theta_bar_dot));
      });
}

template class Evaluation<double>;
template class Evaluation<float>;

}  // namespace eigenscape
