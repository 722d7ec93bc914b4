// Operators: products, assembly, the diagonal, and the memory that they take.

#include <string>

#include "core/memory.hpp"
#include "curvature/diagonal.hpp"
#include "curvature/kronecker.hpp"
#include "node/bindings.hpp"
#include "node/combination.hpp"
#include "node/dense_way.hpp"
#include "node/handles.hpp"

namespace eigenscape::node {
namespace {

/// operatorSize(operator) → M
Napi::Value operator_size(const Napi::CallbackInfo& info) {
  return std::visit(
      [&](const auto& matrix) -> Napi::Value {
        return Napi::Number::New(info.Env(), static_cast<double>(matrix->size()));
      },
      unwrap<OperatorHandle>(info[0]).object);
}

/// applyOperator(combination, vectors: copied, count, options) → job of the products [count, M],
/// written in place, in the precision of the vectors
Napi::Value apply_job(const Napi::CallbackInfo& info) {
  const auto matrix = to_combination(info[0]);
  const std::size_t count = size_of(info[2]);
  return std::visit(
      [&]<typename T>(const std::shared_ptr<const Array<T>>& /*vectors*/) -> Napi::Value {
        const std::size_t n = matrix->size();
        const Parameters<T> vectors = vector_of<T>(info[1], count * n);
        const RowTile<const T> v{vectors->data(), n, count};
        auto array = fresh_array<T>(info.Env(), vectors->size());
        const RowTile<T> products{array.Data(), n, count};
        require_scratch(*matrix, v, products);
        return start_job(
            info.Env(), info[3].As<Napi::Object>(),
            [matrix, vectors, v, products](const Control& control) -> Resolve {
              matrix->apply(v, products, control);
              return nullptr;
            },
            array);
      },
      unwrap<VectorHandle>(info[1]).object);
}

/// plannedMemory(operator, way, { order, count }) → { matrix, eigenvalues, products }: bytes at the
/// peak, and kept: those that products leave behind for the next ones;
/// gram: { rows, flops, bytes } where eigenvalues come from a Gram matrix instead
Napi::Value planned_memory(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
        const DenseWay way = to_way(*matrix, info[1].As<Napi::Object>());
        const auto sizes = info[2].As<Napi::Object>();
        const std::size_t order = size_of(sizes.Get("order"));
        const std::size_t count = size_of(sizes.Get("count"));
        const Napi::Object bytes = Napi::Object::New(info.Env());
        bytes.Set("matrix", static_cast<double>(matrix_bytes(*matrix, way, matrix->size())));
        bytes.Set("eigenvalues", static_cast<double>(eigenvalues_bytes(*matrix, way, order)));
        bytes.Set("products", static_cast<double>(products_bytes(*matrix, count)));
        bytes.Set("kept", static_cast<double>(matrix->kept_bytes()));
        const std::size_t rows = gram_rows_for(*matrix, way, order);
        if (rows > 0) {
          const Napi::Object gram = Napi::Object::New(info.Env());
          gram.Set("rows", static_cast<double>(rows));
          gram.Set("flops", gram_flops(*matrix));
          gram.Set("bytes", static_cast<double>(gram_bytes(*matrix, rows)));
          bytes.Set("gram", gram);
        }
        return bytes;
      },
      unwrap<OperatorHandle>(info[0]).object);
}

/// assembleOperator(operator, way, options) → job of the matrix [M, M], written in place
Napi::Value assemble_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
        const DenseWay way = to_way(*matrix, info[1].As<Napi::Object>());
        const std::size_t n = matrix->size();
        make_room(info.Env(), n * n * sizeof(T));
        require_memory(matrix_bytes(*matrix, way, matrix->size()), describe_matrix(n),
                       kMatrixAdvice);
        auto array = fresh_array<T>(info.Env(), n * n);
        const std::span<T> entries(array.Data(), n * n);
        return start_job(
            info.Env(), info[2].As<Napi::Object>(),
            [matrix, way, entries](const Control& control) -> Resolve {
              assemble_with_decay<T>(*matrix, way.route, way.block, entries, control);
              return nullptr;
            },
            array);
      },
      unwrap<OperatorHandle>(info[0]).object);
}

template <typename T>
Napi::Value assemble_combination_as(const Napi::CallbackInfo& info) {
  const auto matrix = to_combination(info[0]);
  const std::size_t n = matrix->size();
  make_room(info.Env(), n * n * sizeof(T));
  require_memory(n * n * sizeof(T) + matrix->assemble_workspace<T>(default_thread_count()),
                 describe_matrix(n), kMatrixAdvice);
  auto array = fresh_array<T>(info.Env(), n * n);
  const std::span<T> entries(array.Data(), n * n);
  return start_job(
      info.Env(), info[2].As<Napi::Object>(),
      [matrix, entries](const Control& control) -> Resolve {
        matrix->assemble<T>(entries, control);
        return nullptr;
      },
      array);
}

/// assembleCombination(combination, dtype, options) → job of the matrix [M, M], written in place
Napi::Value assemble_combination_job(const Napi::CallbackInfo& info) {
  return info[1].ToString().Utf8Value() == "float32" ? assemble_combination_as<float>(info)
                                                     : assemble_combination_as<double>(info);
}

/// isChain(operator) → whether closed forms hold for it
Napi::Value is_chain(const Napi::CallbackInfo& info) {
  return std::visit(
      [&](const auto& matrix) -> Napi::Value {
        return Napi::Boolean::New(info.Env(), matrix->has_closed_form());
      },
      unwrap<OperatorHandle>(info[0]).object);
}

/// operatorDiagonal(operator, options) → job of the diagonal [M]
Napi::Value diagonal_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
        return start_job(
            info.Env(), info[1].As<Napi::Object>(), [matrix](const Control& control) -> Resolve {
              auto diagonal = std::make_shared<std::vector<double>>(matrix->size());
              if (matrix->is_kronecker()) {
                matrix->kronecker(control).diagonal(*diagonal);
                for (double& entry : *diagonal) entry += matrix->weight_decay();
              } else {
                chain_diagonal<T>(*matrix, *diagonal, control);
              }
              return [diagonal](Napi::Env env) { return to_array<double>(env, *diagonal); };
            });
      },
      unwrap<OperatorHandle>(info[0]).object);
}

}  // namespace

void register_operators(Exports& exports) {
  exports.add<operator_size>("operatorSize");
  exports.add<apply_job>("applyOperator");
  exports.add<planned_memory>("plannedMemory");
  exports.add<assemble_job>("assembleOperator");
  exports.add<assemble_combination_job>("assembleCombination");
  exports.add<is_chain>("isChain");
  exports.add<diagonal_job>("operatorDiagonal");
}

}  // namespace eigenscape::node
