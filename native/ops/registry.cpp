// The list of operations, and the search in it.
#include "ops/registry.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"

namespace eigenscape {

std::span<const Operation* const> ops::all() {
  static constexpr std::array list{&add,
                                   &avg_pool2d,
                                   &batch_norm,
                                   &channels_first,
                                   &concat,
                                   &conv2d,
                                   &dense,
                                   &elu,
                                   &flatten,
                                   &gelu,
                                   &global_avg_pool2d,
                                   &layer_norm,
                                   &leaky_relu,
                                   &max_pool2d,
                                   &mish,
                                   &relu,
                                   &sigmoid,
                                   &silu,
                                   &softplus,
                                   &softsign,
                                   &tanh};
  return list;
}

const Operation& find_operation(std::string_view name) {
  const auto known = ops::all();
  const auto found = std::ranges::find(known, name, &Operation::name);
  if (found == known.end()) {
    std::string names;
    for (const Operation* operation : known) {
      names += (names.empty() ? "" : ", ") + std::string(operation->name);
    }
    throw Error(ErrorCode::spec, "unknown operation '" + std::string(name) + "'; known: " + names);
  }
  return **found;
}

}  // namespace eigenscape
