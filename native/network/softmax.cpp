#include "network/softmax.hpp"

#include <algorithm>
#include <cmath>

#include "core/instruction_sets.hpp"
#include "ops/elementary.hpp"

namespace eigenscape {
namespace {

/// x ← eˣ for x ≤ 0
EIGENSCAPE_INSTRUCTION_SETS
void exponentials_of(std::span<double> x) {
  for (double& value : x) value = elementary::exp_nonpositive(value).value;
}

/// x ← log(1 + x), or |x| where x is negative.
EIGENSCAPE_INSTRUCTION_SETS
void logarithms_of_fractions(std::span<double> x) {
  for (double& value : x) value = value < 0 ? -value : elementary::log1p_fraction(value);
}

/// x ← log(1 + x) for x ≥ 0: in vectors where x ≤ 1, which most are.
void logarithms_of(std::span<double> x) {
  for (double& value : x) {
    if (value > 1) value = -std::log1p(value);
  }
  logarithms_of_fractions(x);
}

}  // namespace

template <typename T>
void Softmax::evaluate(std::span<const T> f, std::size_t outputs) {
  const std::size_t n = f.size() / outputs;
  probabilities_.resize(n * outputs);
  top_.resize(n);
  log_sums_.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const T* const row = f.data() + i * outputs;
    const auto top = static_cast<std::size_t>(std::max_element(row, row + outputs) - row);
    top_[i] = top;
    for (std::size_t c = 0; c < outputs; ++c) {
      probabilities_[i * outputs + c] = static_cast<double>(row[c]) - static_cast<double>(row[top]);
    }
  }
  exponentials_of(probabilities_);
  for (std::size_t i = 0; i < n; ++i) {
    double* const p = probabilities_.data() + i * outputs;
    double rest = 0;  // Σ_{c ≠ top} e^(f_c − f_top)
    for (std::size_t c = 0; c < outputs; ++c) {
      if (c != top_[i]) rest += p[c];
    }
    for (std::size_t c = 0; c < outputs; ++c) p[c] /= 1 + rest;
    log_sums_[i] = rest;
  }
  logarithms_of(log_sums_);
}

template void Softmax::evaluate<double>(std::span<const double>, std::size_t);
template void Softmax::evaluate<float>(std::span<const float>, std::size_t);

}  // namespace eigenscape
