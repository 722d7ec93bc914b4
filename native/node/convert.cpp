#include "node/convert.hpp"

#include <cmath>
#include <memory>

namespace eigenscape::node {
namespace {

std::vector<double> numbers_of(const Napi::Value& value) {
  if (value.IsUndefined()) return {};
  const auto array = value.As<Napi::Array>();
  std::vector<double> numbers;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    numbers.push_back(array.Get(i).ToNumber().DoubleValue());
  }
  return numbers;
}

std::vector<std::size_t> sizes_of(const Napi::Value& value) {
  const auto array = value.As<Napi::Array>();
  std::vector<std::size_t> sizes;
  for (std::uint32_t i = 0; i < array.Length(); ++i) sizes.push_back(size_of(array.Get(i)));
  return sizes;
}

LossSpec to_loss(const Napi::Object& object) {
  LossSpec loss;
  const std::string type = string_of(object, "type");
  if (type == "softmaxCrossEntropy") {
    loss.kind = LossKind::softmax_cross_entropy;
    loss.class_weights = numbers_of(object.Get("classWeights"));
    const Napi::Value smoothing = object.Get("labelSmoothing");
    loss.label_smoothing = smoothing.IsUndefined() ? 0 : smoothing.ToNumber().DoubleValue();
  } else if (type == "meanSquaredError") {
    loss.kind = LossKind::mean_squared_error;
  } else if (type == "binaryCrossEntropy") {
    loss.kind = LossKind::binary_cross_entropy;
  } else if (type == "custom") {
    loss.kind = LossKind::custom;
  } else {
    throw Error(ErrorCode::spec, "unknown loss '" + type + "'");
  }
  return loss;
}

LayerSpec to_layer(const Napi::Object& object) {
  LayerSpec layer;
  layer.type = string_of(object, "type");
  layer.name = string_of(object, "name");
  layer.inputs = sizes_of(object.Get("inputs"));
  const auto attributes = object.Get("attributes").As<Napi::Object>();
  const Napi::Array keys = attributes.GetPropertyNames();
  for (std::uint32_t i = 0; i < keys.Length(); ++i) {
    const std::string key = keys.Get(i).As<Napi::String>();
    const Napi::Value value = attributes.Get(key);
    layer.attributes[key] =
        value.IsArray() ? numbers_of(value) : std::vector<double>{value.ToNumber().DoubleValue()};
  }
  return layer;
}

}  // namespace

Entries entries_of(const Napi::Value& value) {
  if (!value.IsTypedArray()) throw Error(ErrorCode::internal, "a typed array was expected");
  const auto type = value.As<Napi::TypedArray>().TypedArrayType();
  if (type == napi_float64_array) return span_of<double>(value);
  if (type == napi_float32_array) return span_of<float>(value);
  throw Error(ErrorCode::internal, "a Float64Array or Float32Array was expected");
}

double number_of(const Napi::Object& object, const char* key) {
  return object.Get(key).ToNumber().DoubleValue();
}

bool boolean_of(const Napi::Object& object, const char* key) {
  return object.Get(key).ToBoolean().Value();
}

std::string string_of(const Napi::Object& object, const char* key) {
  return object.Get(key).ToString().Utf8Value();
}

std::size_t size_of(const Napi::Value& value) {
  const double number = value.ToNumber().DoubleValue();
  if (!(number >= 0) || number > 9007199254740991.0 || number != std::floor(number)) {
    throw Error(ErrorCode::internal, "a size was expected");
  }
  return static_cast<std::size_t>(number);
}

std::shared_ptr<const Graph> to_graph(const Napi::Object& spec) {
  const auto list = spec.Get("layers").As<Napi::Array>();
  std::vector<LayerSpec> layers;
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    layers.push_back(to_layer(list.Get(i).As<Napi::Object>()));
  }
  return std::make_shared<const Graph>(sizes_of(spec.Get("input")), layers,
                                       to_loss(spec.Get("loss").As<Napi::Object>()));
}

Term to_term(const std::string& name) {
  if (name == "hessian") return Term::hessian;
  if (name == "gaussNewton") return Term::gauss_newton;
  if (name == "residual") return Term::residual;
  if (name == "empiricalFisher") return Term::empirical_fisher;
  if (name == "gradientCovariance") return Term::gradient_covariance;
  if (name == "monteCarloFisher") return Term::monte_carlo_fisher;
  if (name == "kfac") return Term::kfac;
  if (name == "ekfac") return Term::ekfac;
  if (name == "classMeans") return Term::class_means;
  if (name == "crossClassMeans") return Term::cross_class_means;
  if (name == "withinCrossClass") return Term::within_cross_class;
  if (name == "sameClass") return Term::same_class;
  throw Error(ErrorCode::spec, "unknown term '" + name + "'");
}

void make_room(Napi::Env env, std::size_t bytes) {
  // A collection takes milliseconds: nothing beside the assembly of a matrix this large.
  constexpr std::size_t kLarge = std::size_t{1} << 26;
  if (bytes < kLarge) return;
  // V8 collects at once when it is told of more memory than it allows.
  constexpr std::int64_t kPressure = std::int64_t{1} << 42;
  Napi::MemoryManagement::AdjustExternalMemory(env, kPressure);
  Napi::MemoryManagement::AdjustExternalMemory(env, -kPressure);
}

}  // namespace eigenscape::node
