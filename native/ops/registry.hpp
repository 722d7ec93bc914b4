// Every operation that a layer can be. A new one is declared here and listed in registry.cpp.
#pragma once

#include <span>

#include "ops/operation.hpp"

namespace eigenscape::ops {

extern const Operation add;
extern const Operation avg_pool2d;
extern const Operation batch_norm;
extern const Operation channels_first;
extern const Operation concat;
extern const Operation conv2d;
extern const Operation dense;
extern const Operation elu;
extern const Operation flatten;
extern const Operation gelu;
extern const Operation global_avg_pool2d;
extern const Operation layer_norm;
extern const Operation leaky_relu;
extern const Operation max_pool2d;
extern const Operation mish;
extern const Operation relu;
extern const Operation sigmoid;
extern const Operation silu;
extern const Operation softplus;
extern const Operation softsign;
extern const Operation tanh;

/// All of the above, by name.
std::span<const Operation* const> all();

}  // namespace eigenscape::ops
