#include "curvature/rounded_operator.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace eigenscape {
namespace {

/// Samples between two looks at whether the call was aborted.
constexpr std::size_t kSamplesAtOnce = 1024;

bool can_round(const Operator<double>& matrix) {
  return matrix.graph().loss().kind != LossKind::custom &&
         matrix.term() != Term::monte_carlo_fisher && !matrix.is_kronecker() &&
         matrix.samples().inputs->resident_bytes() > 0;
}

void round(std::span<const double> values, std::span<float> out) {
  std::ranges::transform(values, out.begin(),
                         [](double value) { return static_cast<float>(value); });
}

std::shared_ptr<const Samples<float>> round_samples(const Samples<double>& samples,
                                                    const Control& control) {
  const std::size_t width = samples.input_size;
  auto inputs = std::make_shared<MemoryRows<float>>(samples.count, width);
  RowBuffer<double> buffer;
  for (std::size_t first = 0; first < samples.count; first += kSamplesAtOnce) {
    control.check();
    const Chunk chunk{first, std::min(kSamplesAtOnce, samples.count - first)};
    round(samples.inputs->rows(chunk, buffer, control),
          inputs->values().subspan(first * width, chunk.count * width));
  }
  auto rounded = std::make_shared<Samples<float>>();
  rounded->count = samples.count;
  rounded->input_size = width;
  rounded->inputs = std::move(inputs);
  rounded->classes = samples.classes;
  rounded->rows.resize(samples.rows.size());
  round(samples.rows, rounded->rows);
  rounded->weights = samples.weights;
  return rounded;
}

}  // namespace

std::shared_ptr<Operator<float>> rounded_operator(const Operator<double>& matrix,
                                                  const Control& control) {
  if (!can_round(matrix)) return nullptr;
  auto theta = std::make_shared<Array<float>>(matrix.theta().size());
  round(matrix.theta(), *theta);
  return std::make_shared<Operator<float>>(matrix.shared_graph(), std::move(theta),
                                           round_samples(matrix.samples(), control), matrix.term(),
                                           matrix.options());
}

std::size_t rounded_operator_bytes(const Operator<double>& matrix) {
  const Samples<double>& samples = matrix.samples();
  const std::size_t entries =
      matrix.theta().size() + samples.count * samples.input_size + samples.rows.size();
  return entries * sizeof(float) + samples.classes.size() * sizeof(std::int32_t) +
         samples.weights.size() * sizeof(double);
}

}  // namespace eigenscape
