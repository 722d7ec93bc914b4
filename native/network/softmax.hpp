// What softmax makes of outputs, in float64 whatever type they have.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace eigenscape {

/// p_c = e^f_c / Σ_c e^f_c of each sample of a chunk.
class Softmax {
 public:
  /// Of f [n, C], finite: in vectors, over all samples at once.
  template <typename T>
  void evaluate(std::span<const T> f, std::size_t outputs);

  /// p [n, C]
  [[nodiscard]] std::span<const double> probabilities() const { return probabilities_; }
  /// The most probable class [n].
  [[nodiscard]] std::span<const std::size_t> top() const { return top_; }
  /// log Σ_c e^(f_c − f_top) [n]
  [[nodiscard]] std::span<const double> log_sums() const { return log_sums_; }

 private:
  std::vector<double> probabilities_;
  std::vector<std::size_t> top_;
  std::vector<double> log_sums_;
};

}  // namespace eigenscape
