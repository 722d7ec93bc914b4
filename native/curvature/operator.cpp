#include "curvature/operator.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "core/finite.hpp"
#include "curvature/class_pairs.hpp"
#include "curvature/find_reduction.hpp"
#include "curvature/kronecker_factors.hpp"
#include "curvature/products.hpp"
#include "network/gradient.hpp"

namespace eigenscape {
namespace {

/// Directions whose partial sums are in memory at once.
constexpr std::size_t kBlock = 64;

}  // namespace

template <typename T>
Operator<T>::Operator(std::shared_ptr<const Graph> graph, Parameters<T> theta,
                      std::shared_ptr<const Samples<T>> samples, Term term, OperatorOptions options)
    : graph_(std::move(graph)),
      theta_(std::move(theta)),
      samples_(std::move(samples)),
      term_(term),
      selection_(options.ranges ? ParameterSelection(theta_->size(), *options.ranges)
                                : ParameterSelection(theta_->size())),
      options_(std::move(options)),
      denominator_(loss_denominator(graph_->loss(), *samples_, {0, samples_->count})) {
  if (is_class_pair_term(term)) require_class_pairs(*graph_, *samples_);
  // Values before a block's first layer do not move with it.
  std::vector<bool> moves = graph_->moving_values([this](const Node& node) {
    return selection_.meets(node.parameter_offset, node.parameter_offset + node.parameter_count);
  });
  products_ = std::make_unique<Products<T>>(typename Products<T>::Problem{
      *graph_, *theta_, *samples_, term_, options_.root, denominator_, std::move(moves)});
}

template <typename T>
Operator<T>::~Operator() = default;

template <typename T>
void Operator<T>::set_loss_table(std::shared_ptr<const LossTable<T>> table) {
  const std::lock_guard lock(table_mutex_);
  if (loss_table_ == nullptr) loss_table_ = std::move(table);
}

template <typename T>
const LossTable<T>* Operator<T>::loss_table() const {
  if (graph_->loss().kind != LossKind::custom) return nullptr;
  const std::lock_guard lock(table_mutex_);
  if (loss_table_ == nullptr) {
    throw Error(ErrorCode::internal, "the custom loss was not computed before the operator's use");
  }
  return loss_table_.get();
}

template <typename T>
bool Operator<T>::has_convex_loss() const {
  const LossTable<T>* const table = loss_table();
  return table == nullptr || table->convex;
}

template <typename T>
double Operator<T>::kept_weight() const {
  double sum = 0;
  for (std::size_t n = 0; n < samples_->count; ++n) {
    if (samples_->classes.empty() || samples_->classes[n] >= 0) sum += samples_->weight(n);
  }
  return sum;
}

template <typename T>
std::vector<T> Operator<T>::gradient(const Control& control) const {
  std::vector<T> gradient(theta_->size());
  const LossTable<T>* const table = loss_table();
  if (table == nullptr) {
    GradientWorkspaces<T> workspaces;
    evaluate_gradient<T>(*graph_, *theta_, *samples_, {0, samples_->count}, gradient, workspaces,
                         control);
    return gradient;
  }
  const std::size_t outputs = graph_->output_size();
  AlignedBuffer<T> f_bar(table->gradients.size());
  for (std::size_t i = 0; i < f_bar.size(); ++i) {
    f_bar[i] = static_cast<T>(samples_->weight(i / outputs) / denominator_) * table->gradients[i];
  }
  pull_back<T>(*graph_, *theta_, *samples_->inputs, {0, samples_->count}, f_bar.span(), gradient,
               control);
  return gradient;
}

template <typename T>
std::span<const T> Operator<T>::mean_gradient(const Control& control) const {
  const std::lock_guard lock(mean_mutex_);
  if (mean_gradient_.empty()) {
    const std::vector<T> all = gradient(control);
    std::vector<T> mean(size());
    selection_.gather<T>(1, all, mean);
    const auto factor = static_cast<T>(denominator_ / kept_weight());
    for (T& g : mean) g *= factor;
    mean_gradient_ = std::move(mean);
  }
  return mean_gradient_;
}

template <typename T>
const KroneckerMatrix<T>& Operator<T>::kronecker(const Control& control) const {
  const std::lock_guard lock(kronecker_mutex_);
  if (kronecker_ == nullptr) {
    kronecker_ = std::make_shared<const KroneckerMatrix<T>>(compute_kronecker(*this, control));
  }
  return *kronecker_;
}

template <typename T>
const Reduction* Operator<T>::reduction(const Control& control) const {
  if (is_kronecker()) return nullptr;
  const std::lock_guard lock(reduction_mutex_);
  if (reduction_ == nullptr) {
    reduction_ = std::make_shared<const Reduction>(find_reduction(*this, control));
  }
  return reduction_->size() < size() ? reduction_.get() : nullptr;
}

/// ḡᵀv for each of k vectors.
template <typename T>
std::vector<T> mean_products(std::span<const T> mean, std::size_t k, std::span<const T> v) {
  const std::size_t m = mean.size();
  std::vector<T> products(k);
  for (std::size_t j = 0; j < k; ++j) {
    double product = 0;
    for (std::size_t i = 0; i < m; ++i) {
      product += static_cast<double>(mean[i]) * static_cast<double>(v[j * m + i]);
    }
    products[j] = static_cast<T>(product);
  }
  return products;
}

template <typename T>
void Operator<T>::apply(std::size_t k, std::span<const T> v, std::span<T> out,
                        const Control& control) const {
  apply_term(k, v, out, control);
  if (options_.weight_decay == 0) return;
  const auto lambda = static_cast<T>(options_.weight_decay);
  for (std::size_t i = 0; i < v.size(); ++i) out[i] += lambda * v[i];
}

template <typename T>
void Operator<T>::apply_term(std::size_t k, std::span<const T> v, std::span<T> out,
                             const Control& control) const {
  const std::size_t m = size();
  std::vector<T> shift;
  if (term_ == Term::gradient_covariance) shift = mean_products(mean_gradient(control), k, v);
  if (is_kronecker()) kronecker(control).apply(k, v, out, control);
  for (std::size_t first = 0; first < k && !is_kronecker(); first += kBlock) {
    const std::size_t count = std::min(kBlock, k - first);
    apply_block(
        count, v.subspan(first * m, count * m), out.subspan(first * m, count * m),
        shift.empty() ? std::span<const T>{} : std::span<const T>(shift).subspan(first, count),
        control);
    if (k > kBlock)
      control.report("products", static_cast<double>(first + count), static_cast<double>(k));
  }
  const std::size_t i = first_not_finite<T>(out.first(k * m));
  if (i == k * m) return;
  throw Error(ErrorCode::numeric,
              "entry " + std::to_string(i % m) + " of product " + std::to_string(i / m) +
                  " is not finite; the vector, the parameters or the inputs are too large");
}

template <typename T>
void Operator<T>::apply_block(std::size_t k, std::span<const T> v, std::span<T> out,
                              std::span<const T> shift, const Control& control) const {
  const LossTable<T>* const table = loss_table();
  std::vector<T> pairs;
  const auto shift_along = [&](std::span<const T> directions) {
    if (!needs_moments(term_)) return shift;
    pairs = class_pair_shift<T>(term_, products_->class_pairs(k, directions, control));
    return std::span<const T>(pairs);
  };
  if (selection_.all()) return products_->apply(k, v, shift_along(v), table, out, control);
  AlignedBuffer<T> directions(k * theta_->size());
  AlignedBuffer<T> products(k * theta_->size());
  selection_.scatter<T>(k, v, directions.span());
  products_->apply(k, directions.span(), shift_along(directions.span()), table, products.span(),
                   control);
  selection_.gather<T>(k, products.span(), out);
}

template <typename T>
ClassPairMoments Operator<T>::class_pairs(std::size_t k, std::span<const T> v,
                                          const Control& control) const {
  require_class_pairs(*graph_, *samples_);
  if (selection_.all()) return products_->class_pairs(k, v, control);
  AlignedBuffer<T> directions(k * theta_->size());
  selection_.scatter<T>(k, v, directions.span());
  return products_->class_pairs(k, directions.span(), control);
}

template <typename T>
std::size_t Operator<T>::kept_bytes() const {
  return products_->kept_bytes();
}

template <typename T>
std::size_t Operator<T>::apply_workspace(std::size_t k, std::size_t threads) const {
  // The total, the partial sums in flight, one that waits; of a block, its vectors and products
  // scattered over all parameters.
  const std::size_t rows = threads + 2 + (selection_.all() ? 0 : 2);
  return k * theta().size() * rows * sizeof(T) + kept_bytes();
}

template class Operator<double>;
template class Operator<float>;

}  // namespace eigenscape
