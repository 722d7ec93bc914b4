#include "node/dense_results.hpp"

#include <utility>

#include "core/error.hpp"

namespace eigenscape::node {

namespace {

/// [{ stage, seconds }, …]
Napi::Array to_array(Napi::Env env, const std::vector<StageTime>& stages) {
  const Napi::Array result = Napi::Array::New(env);
  for (const auto& [stage, seconds] : stages) {
    const Napi::Object time = Napi::Object::New(env);
    time.Set("stage", stage);
    time.Set("seconds", seconds);
    result.Set(result.Length(), time);
  }
  return result;
}

}  // namespace

Resolve resolve_spectrum(const Control& control, DenseSpectrum spectrum, AssemblyScale scale,
                         const char* via, const std::optional<ReductionFacts>& reduction,
                         std::optional<std::size_t> order) {
  auto held = std::make_shared<DenseSpectrum>(std::move(spectrum));
  return [held, scale, via, reduction, order, stages = control.stages()](Napi::Env env) {
    const Napi::Object result = Napi::Object::New(env);
    result.Set("eigenvalues", to_array<double>(env, held->values));
    result.Set("exactZeros", static_cast<double>(held->exact_zeros));
    result.Set("norm", held->norm);
    result.Set("magnitude", scale.magnitude);
    result.Set("operations", static_cast<double>(scale.operations));
    result.Set("via", via);
    result.Set("reductionError", scale.reduction_error);
    result.Set("stages", to_array(env, stages));
    if (order) result.Set("order", static_cast<double>(*order));
    if (reduction) result.Set("reduction", to_object(env, *reduction));
    return result;
  };
}

EigenpairRange to_range(const Napi::Object& object, std::size_t n) {
  const EigenpairRange range{size_of(object.Get("first")), size_of(object.Get("last"))};
  if (range.first > range.last || range.last > n) {
    throw Error(ErrorCode::internal, "the ranks do not fit the matrix");
  }
  return range;
}

CountRequest to_request(const Napi::Object& object) {
  CountRequest request;
  request.shift = number_of(object, "shift");
  if (object.Get("tolerance").IsNumber()) request.tolerance = number_of(object, "tolerance");
  return request;
}

Resolve resolve_count(const EigenvalueCount& count) {
  return [count](Napi::Env env) {
    const Napi::Object result = Napi::Object::New(env);
    result.Set("lower", static_cast<double>(count.lower));
    result.Set("upper", static_cast<double>(count.upper));
    result.Set("threshold", count.threshold);
    result.Set("uncertainty", count.uncertainty);
    return result;
  };
}

}  // namespace eigenscape::node
