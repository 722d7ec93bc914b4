#include "node/step_plan.hpp"

#include <string>

#include "node/convert.hpp"

namespace eigenscape::node {
namespace {

/// { kind: 'sgd', momentum, dampening, nesterov } or { kind: 'adam', beta1, … }, and weightDecay
UpdateRule to_rule(const Napi::Object& object) {
  UpdateRule rule;
  rule.weight_decay = number_of(object, "weightDecay");
  if (string_of(object, "kind") == "sgd") {
    rule.momentum = number_of(object, "momentum");
    rule.dampening = number_of(object, "dampening");
    rule.nesterov = boolean_of(object, "nesterov");
    return rule;
  }
  rule.kind = OptimizerKind::adam;
  rule.beta1 = number_of(object, "beta1");
  rule.beta2 = number_of(object, "beta2");
  rule.epsilon = number_of(object, "epsilon");
  rule.decoupled = boolean_of(object, "decoupled");
  rule.amsgrad = boolean_of(object, "amsgrad");
  return rule;
}

}  // namespace

BatchOrder to_order(const Napi::Object& object) {
  BatchOrder order;
  const std::string kind = string_of(object, "kind");
  if (kind == "shuffled") order.kind = BatchKind::shuffled;
  if (kind == "withReplacement") order.kind = BatchKind::with_replacement;
  order.samples = size_of(object.Get("samples"));
  order.size = size_of(object.Get("size"));
  // Negative seeds too: two's complement.
  order.seed = static_cast<std::uint64_t>(object.Get("seed").ToNumber().Int64Value());
  order.phase = size_of(object.Get("phase"));
  if (order.size == 0 || order.samples == 0) {
    throw Error(ErrorCode::spec, "a batch needs at least one sample");
  }
  if (order.samples > 0xffffffffU) throw Error(ErrorCode::data, "there are too many samples");
  return order;
}

StepPlan to_plan(const Napi::Object& object) {
  StepPlan plan;
  plan.rule = to_rule(object.Get("rule").As<Napi::Object>());
  plan.order = to_order(object.Get("order").As<Napi::Object>());
  plan.phase_start = size_of(object.Get("phaseStart"));
  plan.first_step = size_of(object.Get("firstStep"));
  plan.steps = size_of(object.Get("steps"));
  plan.learning_rates = to_vector<double>(object.Get("learningRates"));
  plan.stop_at_gradient_norm = number_of(object, "stopAtGradientNorm");
  const bool rates_fit =
      plan.learning_rates.size() == 1 || plan.learning_rates.size() == plan.steps;
  if (!rates_fit || plan.phase_start > plan.first_step) {
    throw Error(ErrorCode::internal, "the plan of the steps does not fit itself");
  }
  return plan;
}

}  // namespace eigenscape::node
