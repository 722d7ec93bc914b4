// Moments by class pairs, of which outliers are made up.

#include "curvature/class_pairs.hpp"
#include "node/bindings.hpp"
#include "node/convert.hpp"
#include "node/handles.hpp"

namespace eigenscape::node {
namespace {

Resolve resolve_moments(ClassPairMoments computed) {
  auto moments = std::make_shared<ClassPairMoments>(std::move(computed));
  return [moments](Napi::Env env) {
    const Napi::Object result = Napi::Object::New(env);
    result.Set("weights", to_array<double>(env, moments->weights()));
    result.Set("means", to_array<double>(env, moments->means()));
    result.Set("spreads", to_array<double>(env, moments->spreads()));
    return result;
  };
}

/// classPairMoments(operator, vectors, count, options) → job of { weights [C, C], means [count, C,
/// C], spreads [count, C, C] }; the vectors [count, M] stay where they are
Napi::Value moments_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
        const std::size_t count = size_of(info[2]);
        const std::span<const T> vectors = span_of<T>(info[1]);
        if (vectors.size() != count * matrix->size()) {
          throw Error(ErrorCode::shape, "the vectors do not fit the operator");
        }
        return start_job(
            info.Env(), info[3].As<Napi::Object>(),
            [matrix, vectors, count](const Control& control) -> Resolve {
              return resolve_moments(matrix->class_pairs(count, vectors, control));
            },
            {}, info[1]);
      },
      unwrap<OperatorHandle>(info[0]).object);
}

}  // namespace

void register_class_pairs(Exports& exports) { exports.add<moments_job>("classPairMoments"); }

}  // namespace eigenscape::node
