#include "training/batch_order.hpp"

#include <algorithm>
#include <numeric>

namespace eigenscape {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;

/// The output function of SplitMix64: a bijection that scatters neighbouring numbers.
std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31U);
}

/// A stream whose numbers can be had in any order.
class Stream {
 public:
  Stream(const BatchOrder& order, std::uint64_t index)
      : key_(mix(mix(mix(order.seed + kGolden) + order.phase + kGolden) + index + kGolden)) {}

  /// Number i of the stream, as one of 0 … n − 1 for n < 2³²: the upper half of its product with n.
  [[nodiscard]] std::uint32_t below(std::uint64_t n, std::uint64_t i) const {
    const std::uint64_t z = mix(key_ + (i + 1) * kGolden);
    const std::uint64_t low = (z & 0xffffffffU) * n;
    return static_cast<std::uint32_t>(((z >> 32U) * n + (low >> 32U)) >> 32U);
  }

 private:
  std::uint64_t key_;
};

}  // namespace

void BatchPicker::draw_epoch(std::uint64_t epoch) {
  indices_.resize(order_.samples);
  std::iota(indices_.begin(), indices_.end(), 0U);
  const Stream stream(order_, epoch);
  for (std::size_t last = order_.samples - 1; last > 0; --last) {  // Fisher and Yates
    std::swap(indices_[last], indices_[stream.below(last + 1, last)]);
  }
  epoch_ = epoch;
}

void BatchPicker::draw_batch(std::uint64_t step) {
  indices_.resize(order_.size);
  const Stream stream(order_, step);
  for (std::size_t j = 0; j < order_.size; ++j) indices_[j] = stream.below(order_.samples, j);
}

Batch BatchPicker::at(std::uint64_t step) {
  if (order_.kind == BatchKind::with_replacement) {
    draw_batch(step);
    return {{0, order_.size}, indices_};
  }
  const std::uint64_t batches = (order_.samples + order_.size - 1) / order_.size;
  const std::size_t first = static_cast<std::size_t>(step % batches) * order_.size;
  const std::size_t count = std::min(order_.size, order_.samples - first);
  // The sum over all samples is the same in any order.
  if (order_.kind == BatchKind::sequential || batches == 1) return {{first, count}, {}};
  if (epoch_ != step / batches) draw_epoch(step / batches);
  return {{first, count}, std::span(indices_).subspan(first, count)};
}

template <typename T>
const Samples<T>& GatheredBatch<T>::gather(const Samples<T>& samples,
                                           std::span<const std::uint32_t> indices,
                                           const Control& control) {
  const std::size_t outputs = samples.rows.size() / samples.count;
  if (inputs_ == nullptr) {
    inputs_ = std::make_shared<MemoryRows<T>>(0, samples.input_size);
    batch_.inputs = inputs_;
  }
  inputs_->resize(indices.size());
  samples.inputs->gather(indices, inputs_->values(), buffer_, control);
  batch_.count = indices.size();
  batch_.input_size = samples.input_size;
  batch_.classes.resize(samples.classes.empty() ? 0 : indices.size());
  batch_.rows.resize(indices.size() * outputs);
  batch_.weights.resize(samples.weights.empty() ? 0 : indices.size());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::size_t n = indices[i];
    if (!batch_.classes.empty()) batch_.classes[i] = samples.classes[n];
    std::copy_n(samples.rows.data() + n * outputs, outputs, batch_.rows.data() + i * outputs);
    if (!batch_.weights.empty()) batch_.weights[i] = samples.weights[n];
  }
  return batch_;
}

template class GatheredBatch<double>;
template class GatheredBatch<float>;

}  // namespace eigenscape
