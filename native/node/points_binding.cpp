// The loss at points on lines and planes through parameter space.

#include <optional>

#include "network/directions.hpp"
#include "network/points.hpp"
#include "node/bindings.hpp"
#include "node/convert.hpp"
#include "node/handles.hpp"

namespace eigenscape::node {
namespace {

Resolve resolve_values(std::vector<PointValues> computed, std::optional<double> distance,
                       bool derivatives) {
  auto values = std::make_shared<std::vector<PointValues>>(std::move(computed));
  return [values, distance, derivatives](Napi::Env env) {
    const Napi::Object result = Napi::Object::New(env);
    const auto set = [&](const char* name, double PointValues::*member) {
      std::vector<double> column;
      for (const PointValues& point : *values) column.push_back(point.*member);
      result.Set(name, to_array<double>(env, column));
    };
    set("losses", &PointValues::loss);
    set("accuracies", &PointValues::accuracy);
    if (distance) result.Set("distance", *distance);
    if (!derivatives) return result;
    set("firstDerivatives", &PointValues::first);
    set("secondDerivatives", &PointValues::second);
    return result;
  };
}

/// Points, and what they keep of the vectors that they are made of.
template <typename T>
struct HeldPoints : Combinations<T> {
  std::vector<Parameters<T>> copies;
};

template <typename T>
HeldPoints<T> to_points(const Napi::Object& object, std::size_t size) {
  HeldPoints<T> points;
  points.count = size_of(object.Get("count"));
  points.coefficients = to_vector<double>(object.Get("coefficients"));
  const auto basis = object.Get("basis").As<Napi::Array>();
  bool fits = true;
  for (std::uint32_t j = 0; j < basis.Length(); ++j) {
    const Napi::Value vector = basis.Get(j);
    if (vector.IsExternal()) points.copies.push_back(vector_of<T>(vector, size));
    points.basis.push_back(vector.IsExternal() ? std::span<const T>(*points.copies.back())
                                               : span_of<T>(vector));
    fits = fits && points.basis.back().size() == size;
  }
  if (fits && points.coefficients.size() == points.count * points.basis.size()) return points;
  throw Error(ErrorCode::shape, "the points do not fit the network's parameters");
}

/// evaluatePoints(point, { count, coefficients [count, terms], basis: (copied | [M])[], line?: {
/// derivatives: boolean } }, options) → job of { losses, accuracies, distance?, firstDerivatives?,
/// secondDerivatives? }, [count] each; arrays of the basis stay where they are, and nobody changes
/// them. On a line it has the two ends, and derivatives are along their difference. The first names
/// network and data; its own parameters do not matter.
Napi::Value evaluate_points_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Point<T>>& place) -> Napi::Value {
        const auto object = info[1].As<Napi::Object>();
        const std::size_t size = place->network->graph()->parameter_count();
        auto points = std::make_shared<HeldPoints<T>>(to_points<T>(object, size));
        const bool line = object.Get("line").IsObject();
        if (line && points->basis.size() != 2) {
          throw Error(ErrorCode::internal, "a line has two ends");
        }
        const bool derivatives =
            line && boolean_of(object.Get("line").As<Napi::Object>(), "derivatives");
        return start_job(
            info.Env(), info[2].As<Napi::Object>(),
            [place, points, size, line, derivatives](const Control& control) -> Resolve {
              Array<T> direction(line ? size : 0);
              std::optional<double> distance;
              if (line) distance = difference<T>(points->basis[0], points->basis[1], direction);
              if (!derivatives) direction.clear();
              return resolve_values(evaluate_points<T>(*place->network->graph(), *points, direction,
                                                       *place->samples, control),
                                    distance, derivatives);
            },
            {}, object);
      },
      unwrap<PointHandle>(info[0]).object);
}

/// [{ offset, shape }]
std::vector<TensorRows> to_rows(const Napi::Array& list, std::size_t size) {
  std::vector<TensorRows> tensors;
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    const auto object = list.Get(i).As<Napi::Object>();
    const auto shape = object.Get("shape").As<Napi::Array>();
    TensorRows tensor{size_of(object.Get("offset")), size_of(shape.Get(std::uint32_t{0})), 1,
                      shape.Length() < 2};
    for (std::uint32_t axis = 1; axis < shape.Length(); ++axis) {
      tensor.width *= size_of(shape.Get(axis));
    }
    if (tensor.offset + tensor.rows * tensor.width > size) {
      throw Error(ErrorCode::internal, "the tensors do not fit the parameters");
    }
    tensors.push_back(tensor);
  }
  return tensors;
}

/// normalizeFilters(layout, origin: copied, direction [M], options) → job of the direction, which
/// it overwrites
Napi::Value normalize_filters_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Copied<T>>& origin) -> Napi::Value {
        const std::span<T> direction = writable_span_of<T>(info[2], origin->size());
        const auto tensors = to_rows(info[0].As<Napi::Array>(), origin->size());
        return start_job(
            info.Env(), info[3].As<Napi::Object>(),
            [tensors, origin, direction](const Control& control) -> Resolve {
              normalize_rows<T>(tensors, *origin, direction, control);
              return nullptr;
            },
            info[2]);
      },
      unwrap<VectorHandle>(info[1]).object);
}

}  // namespace

void register_points(Exports& exports) {
  exports.add<evaluate_points_job>("evaluatePoints");
  exports.add<normalize_filters_job>("normalizeFilters");
}

}  // namespace eigenscape::node
