// Every operation that a layer can be. A new one is declared here and listed in registry.cpp.
#pragma once

#include <span>

#include "ops/operation.hpp"

namespace eigenscape::ops {

extern const Operation dense;
extern const Operation elu;
extern const Operation flatten;
extern const Operation gelu;
extern const Operation leaky_relu;
extern const Operation relu;
extern const Operation sigmoid;
extern const Operation silu;
extern const Operation softplus;
extern const Operation tanh;

/// All of the above, by name.
std::span<const Operation* const> all();

}  // namespace eigenscape::ops
