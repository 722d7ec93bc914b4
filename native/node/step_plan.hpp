// Steps of training, as JavaScript plans them.
#pragma once

#include <napi.h>

#include "training/descent.hpp"

namespace eigenscape::node {

/// { kind, samples, size, seed, phase }
BatchOrder to_order(const Napi::Object& object);

/// { rule, order, phaseStart, firstStep, steps, learningRates, stopAtGradientNorm }; the rule is {
/// kind: 'sgd', momentum, dampening, nesterov } or { kind: 'adam', beta1, … }, and weightDecay.
StepPlan to_plan(const Napi::Object& object);

}  // namespace eigenscape::node
