// Dense matrices that JavaScript gives: symmetry, eigenvalues, eigenpairs, counts.

#include <algorithm>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "core/memory.hpp"
#include "core/parallel_copy.hpp"
#include "linalg/symmetric_part.hpp"
#include "node/bindings.hpp"
#include "node/dense_results.hpp"
#include "node/dense_way.hpp"

namespace eigenscape::node {
namespace {

/// Up to this order the eigenvalues take less than half a millisecond.
constexpr std::size_t kBriefOrder = 128;

/// Calls `action` with a copy of the matrix in a Float64Array or Float32Array of n² entries.
template <typename Action>
Napi::Value with_matrix(const Napi::Value& value, std::size_t n, const Action& action) {
  const bool single =
      value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array;
  const auto call = [&]<typename T>(T /*type*/) {
    auto entries = std::make_shared<std::vector<T>>(to_vector<T>(value));
    if (entries->size() != n * n) throw Error(ErrorCode::shape, "the matrix is not n × n");
    return action(entries);
  };
  return single ? call(float{}) : call(double{});
}

/// Calls `action` with the entries of a Float64Array or Float32Array of n² where they are.
template <typename Action>
Napi::Value with_entries(const Napi::Value& value, std::size_t n, const Action& action) {
  const bool single =
      value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array;
  return single ? action(writable_span_of<float>(value, n * n))
                : action(writable_span_of<double>(value, n * n));
}

Napi::Value to_object(Napi::Env env, const MatrixFault& fault) {
  const Napi::Object result = Napi::Object::New(env);
  const bool finite = fault.kind == MatrixFault::Kind::asymmetric;
  result.Set("kind", finite ? "asymmetric" : "notFinite");
  result.Set("row", static_cast<double>(fault.row));
  result.Set("column", static_cast<double>(fault.column));
  return result;
}

/// symmetrizeMatrix(matrix, n, tolerance, options) → job of undefined, or of why it is refused: {
/// kind: 'notFinite' | 'asymmetric', row, column }; written in place
Napi::Value symmetrize_job(const Napi::CallbackInfo& info) {
  const std::size_t n = size_of(info[1]);
  const double tolerance = info[2].ToNumber().DoubleValue();
  return with_entries(info[0], n, [&]<typename T>(std::span<T> entries) -> Napi::Value {
    return start_job(
        info.Env(), info[3].As<Napi::Object>(),
        [entries, n, tolerance](const Control& control) -> Resolve {
          const auto fault = make_symmetric<T>(n, entries, tolerance, control);
          return [fault](Napi::Env env) -> Napi::Value {
            return fault ? to_object(env, *fault) : env.Undefined();
          };
        },
        info[0]);
  });
}

/// Symmetrizes a matrix, and solves it; destroys it.
template <typename T>
Resolve solve_matrix(std::size_t n, std::span<T> a, double tolerance, const Control& control) {
  if (const auto fault = make_symmetric<T>(n, a, tolerance, control)) {
    return [fault = *fault](Napi::Env env) { return to_object(env, fault); };
  }
  return resolve_spectrum(control, symmetric_eigenvalues<T>(n, a, control), {}, "matrix");
}

/// matrixEigenvalues(matrix, n, { tolerance, keeps }, options) → job as operatorEigenvalues, or of
/// why the matrix is refused, as symmetrizeMatrix; it is overwritten unless `keeps`
Napi::Value matrix_eigenvalues_job(const Napi::CallbackInfo& info) {
  const std::size_t n = size_of(info[1]);
  const auto way = info[2].As<Napi::Object>();
  const double tolerance = way.Get("tolerance").ToNumber().DoubleValue();
  const bool keeps = way.Get("keeps").ToBoolean();
  return with_entries(info[0], n, [&]<typename T>(std::span<T> entries) -> Napi::Value {
    const std::size_t bytes =
        (keeps ? entries.size_bytes() : 0) + symmetric_eigenvalues_workspace(n, sizeof(T));
    if (bytes > kUnasked) require_memory(bytes, "to solve " + describe_matrix(n), kMatrixAdvice);
    const auto run = [entries, n, tolerance, keeps](const Control& control) -> Resolve {
      if (!keeps) return solve_matrix<T>(n, entries, tolerance, control);
      AlignedBuffer<T> copy(entries.size());
      copy_in_parallel(std::as_bytes(entries), std::as_writable_bytes(copy.span()), control);
      return solve_matrix<T>(n, copy.span(), tolerance, control);
    };
    const auto options = info[3].As<Napi::Object>();
    if (n <= kBriefOrder && !options.Get("onProgress").IsFunction()) {
      return finish_job(info.Env(), run);
    }
    return start_job(info.Env(), options, run, keeps ? Napi::Value{} : info[0],
                     keeps ? info[0] : Napi::Value{});
  });
}

/// matrixEigenpairs(matrix, n, { first, last }, options) → job as operatorEigenpairs
Napi::Value matrix_eigenpairs_job(const Napi::CallbackInfo& info) {
  const std::size_t n = size_of(info[1]);
  const EigenpairRange range = to_range(info[2].As<Napi::Object>(), n);
  require_memory(n * n * sizeof(double) + symmetric_eigenpairs_workspace(n, sizeof(double), range),
                 "eigenpairs of " + describe_matrix(n), kMatrixAdvice);
  return with_matrix(
      info[0], n, [&]<typename T>(std::shared_ptr<std::vector<T>> entries) -> Napi::Value {
        return start_job(
            info.Env(), info[3].As<Napi::Object>(),
            [entries, n, range](const Control& control) -> Resolve {
              return resolve_pairs(symmetric_eigenpairs<T>(n, *entries, range, control));
            });
      });
}

/// countMatrixEigenvalues(matrix, n, request, options) → job as countOperatorEigenvalues
Napi::Value count_matrix_job(const Napi::CallbackInfo& info) {
  const std::size_t n = size_of(info[1]);
  const CountRequest request = to_request(info[2].As<Napi::Object>());
  require_memory(n * n * sizeof(double), "the copy of " + describe_matrix(n), kMatrixAdvice);
  return with_matrix(
      info[0], n, [&]<typename T>(std::shared_ptr<std::vector<T>> entries) -> Napi::Value {
        return start_job(
            info.Env(), info[3].As<Napi::Object>(),
            [entries, n, request](const Control& control) -> Resolve {
              return resolve_count(count_eigenvalues_below<T>(n, *entries, request, control));
            });
      });
}

}  // namespace

void register_matrices(Exports& exports) {
  exports.add<symmetrize_job>("symmetrizeMatrix");
  exports.add<matrix_eigenvalues_job>("matrixEigenvalues");
  exports.add<matrix_eigenpairs_job>("matrixEigenpairs");
  exports.add<count_matrix_job>("countMatrixEigenvalues");
}

}  // namespace eigenscape::node
