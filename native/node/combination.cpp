#include "node/combination.hpp"

#include <cstdint>
#include <utility>
#include <vector>

#include "node/handles.hpp"

namespace eigenscape::node {

std::shared_ptr<const Combination> to_combination(const Napi::Value& value) {
  const auto object = value.As<Napi::Object>();
  const auto operators = object.Get("operators").As<Napi::Array>();
  const std::vector<double> factors = to_vector<double>(object.Get("factors"));
  if (operators.Length() != factors.size()) {
    throw Error(ErrorCode::internal, "a factor for each operator was expected");
  }
  std::vector<Combination::Term> terms;
  for (std::uint32_t i = 0; i < operators.Length(); ++i) {
    terms.push_back({factors[i], unwrap<OperatorHandle>(operators.Get(i)).object});
  }
  return std::make_shared<const Combination>(std::move(terms), number_of(object, "shift"));
}

}  // namespace eigenscape::node
