// The loss at points on lines and planes through parameter space.

#include "network/points.hpp"
#include "node/bindings.hpp"
#include "node/convert.hpp"
#include "node/handles.hpp"

namespace eigenscape::node {
namespace {

Resolve resolve_values(std::vector<PointValues> computed, bool derivatives) {
  auto values = std::make_shared<std::vector<PointValues>>(std::move(computed));
  return [values, derivatives](Napi::Env env) {
    const Napi::Object result = Napi::Object::New(env);
    const auto set = [&](const char* name, double PointValues::*member) {
      std::vector<double> column;
      for (const PointValues& point : *values) column.push_back(point.*member);
      result.Set(name, to_array<double>(env, column));
    };
    set("losses", &PointValues::loss);
    set("accuracies", &PointValues::accuracy);
    if (!derivatives) return result;
    set("firstDerivatives", &PointValues::first);
    set("secondDerivatives", &PointValues::second);
    return result;
  };
}

/// evaluatePoints(point, { count, coefficients [count, terms], basis [terms, M], direction? [M]
/// }, options) → job of { losses, accuracies, firstDerivatives?, secondDerivatives? }, [count]
/// each. The first names network and data; its own parameters do not matter.
Napi::Value evaluate_points_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Point<T>>& place) -> Napi::Value {
        const auto object = info[1].As<Napi::Object>();
        const std::size_t size = place->network->graph()->parameter_count();
        auto points = std::make_shared<Combinations<T>>();
        points->count = size_of(object.Get("count"));
        points->coefficients = to_vector<double>(object.Get("coefficients"));
        points->basis = to_vector<T>(object.Get("basis"));
        points->terms = points->basis.size() / size;
        auto direction = std::make_shared<std::vector<T>>();
        const bool derivatives = object.Get("direction").IsTypedArray();
        if (derivatives) *direction = to_vector<T>(object.Get("direction"));
        if (points->basis.size() != points->terms * size ||
            points->coefficients.size() != points->count * points->terms ||
            (derivatives && direction->size() != size)) {
          throw Error(ErrorCode::shape, "the points do not fit the network's parameters");
        }
        return start_job(
            info.Env(), info[2].As<Napi::Object>(),
            [place, points, direction, derivatives](const Control& control) -> Resolve {
              return resolve_values(evaluate_points<T>(*place->network->graph(), *points,
                                                       *direction, *place->samples, control),
                                    derivatives);
            });
      },
      unwrap<PointHandle>(info[0]).object);
}

}  // namespace

void register_points(Exports& exports) { exports.add<evaluate_points_job>("evaluatePoints"); }

}  // namespace eigenscape::node
