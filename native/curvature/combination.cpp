#include "curvature/combination.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "core/aligned_buffer.hpp"
#include "core/finite.hpp"
#include "core/thread_pool.hpp"
#include "curvature/assembly.hpp"

namespace eigenscape {
namespace {

/// Entries of a row that a thread takes at once: they are still in its cache when they are checked.
constexpr std::size_t kPiece = std::size_t{1} << 14U;

/// Unit vectors at once in assembly by products.
constexpr std::size_t kUnits = 64;

constexpr const char* kProduct = "a product of the operator";
constexpr const char* kMatrix = "the matrix of the operator";
constexpr const char* kVector = "a vector, in the precision of the operator,";

std::string name_of(double value) {
  if (std::isnan(value)) return "NaN";
  return value > 0 ? "Infinity" : "-Infinity";
}

/// The first entry that is not finite, as rows of `width` entries have it.
template <typename T>
void complain(const char* what, std::size_t width, const RowTile<T>& rows) {
  for (std::size_t row = 0; row < rows.count; ++row) {
    const std::size_t entry = first_not_finite<T>(std::span<const T>(rows.row(row), width));
    if (entry == width) continue;
    const auto value = static_cast<double>(rows.row(row)[entry]);
    throw Error(ErrorCode::numeric,
                std::string(what) + " is not finite: entry " + std::to_string(entry) + " of row " +
                    std::to_string(row) + " is " + name_of(value),
                {{"index", static_cast<double>(row * width + entry)}, {"value", value}});
  }
}

/// out = a·out + b·x for rows of `width` entries; where a is 0, `out` may hold anything before.
template <typename T, typename U>
void combine(const char* what, std::size_t width, double a, const RowTile<T>& out, double b,
             const RowTile<const U>& x, const Control& control) {
  const std::size_t pieces = (width + kPiece - 1) / kPiece;
  std::vector<char> finite(out.count * pieces);
  parallel_for(control, finite.size(), [&](std::size_t index) {
    const std::size_t first = index % pieces * kPiece;
    const std::size_t count = std::min(kPiece, width - first);
    T* const to = out.row(index / pieces) + first;
    const U* const from = x.row(index / pieces) + first;
    if (a == 0) {
      for (std::size_t i = 0; i < count; ++i)
        to[i] = static_cast<T>(b * static_cast<double>(from[i]));
    } else {
      for (std::size_t i = 0; i < count; ++i) {
        to[i] = static_cast<T>(a * static_cast<double>(to[i]) + b * static_cast<double>(from[i]));
      }
    }
    finite[index] = first_not_finite<T>(std::span<const T>(to, count)) == count ? 1 : 0;
  });
  if (std::ranges::find(finite, 0) != finite.end()) complain(what, width, out);
}

/// out = a·out
template <typename T>
void scale(const char* what, std::size_t width, double a, const RowTile<T>& out,
           const Control& control) {
  if (a == 1) return;
  combine<T, T>(what, width, 0, out, a, RowTile<const T>{out.data, out.stride, out.count}, control);
}

/// Whether one row begins where the one before it ends.
template <typename T>
bool adjoin(std::size_t width, const RowTile<T>& rows) {
  return rows.stride == width || rows.count == 1;
}

/// Vectors and products of operators in one precision, row behind row.
template <typename U>
struct Scratch {
  AlignedBuffer<U> vectors;
  AlignedBuffer<U> products;
};

/// The vectors as an operator in U takes them: themselves, or copies that are made once.
template <typename U, typename T>
std::span<const U> vectors_for(std::size_t width, const RowTile<const T>& v, Scratch<U>& scratch,
                               const Control& control) {
  if constexpr (std::is_same_v<T, U>) {
    if (adjoin(width, v)) return {v.data, v.count * width};
  }
  if (scratch.vectors.size() == 0) {
    scratch.vectors.resize(v.count * width);
    combine<U, T>(kVector, width, 0, {scratch.vectors.data(), width, v.count}, 1, v, control);
  }
  return std::as_const(scratch.vectors).span();
}

template <typename U>
constexpr auto has_precision = [](const Combination::Term& term) {
  return std::holds_alternative<std::shared_ptr<Operator<U>>>(term.matrix);
};

}  // namespace

Combination::Combination(std::vector<Term> terms, double shift)
    : terms_(std::move(terms)), shift_(shift), size_(0) {
  const auto size_of = [](const Term& term) {
    return std::visit([](const auto& matrix) { return matrix->size(); }, term.matrix);
  };
  if (terms_.empty()) throw Error(ErrorCode::internal, "a combination of no operators");
  size_ = size_of(terms_.front());
  for (const Term& term : terms_) {
    if (size_of(term) != size_) throw Error(ErrorCode::internal, "operators of several sizes");
  }
}

template <typename T>
void Combination::apply(const RowTile<const T>& v, const RowTile<T>& out,
                        const Control& control) const {
  std::tuple<Scratch<double>, Scratch<float>> buffers;
  double held = 0;  // out holds the sum so far over this; 0: nothing yet
  for (const Term& term : terms_) {
    std::visit(
        [&]<typename U>(const std::shared_ptr<Operator<U>>& matrix) {
          auto& scratch = std::get<Scratch<U>>(buffers);
          const std::span<const U> vectors = vectors_for<U>(size_, v, scratch, control);
          if constexpr (std::is_same_v<T, U>) {
            if (held == 0 && adjoin(size_, out)) {
              matrix->apply(v.count, vectors, {out.data, v.count * size_}, control);
              held = term.factor;
              return;
            }
          }
          scratch.products.resize(v.count * size_);
          matrix->apply(v.count, vectors, scratch.products.span(), control);
          combine<T, U>(kProduct, size_, held, out, term.factor,
                        {scratch.products.data(), size_, v.count}, control);
          held = 1;
        },
        term.matrix);
  }
  if (shift_ != 0) {
    combine<T, T>(kProduct, size_, held, out, shift_, v, control);
  } else {
    scale(kProduct, size_, held, out, control);
  }
}

template <typename T>
std::size_t Combination::apply_scratch(const RowTile<const T>& v, const RowTile<T>& out) const {
  const auto bytes = [&]<typename U>(U /*precision*/) {
    const auto terms = static_cast<std::size_t>(std::ranges::count_if(terms_, has_precision<U>));
    constexpr bool same = std::is_same_v<T, U>;
    // The first term's products go where they are wanted.
    const bool direct = same && adjoin(size_, out) && has_precision<U>(terms_.front());
    const std::size_t vectors = terms == 0 || (same && adjoin(size_, v)) ? 0 : 1;
    const std::size_t products = terms > (direct ? 1 : 0) ? 1 : 0;
    return (vectors + products) * v.count * size_ * sizeof(U);
  };
  return bytes(double{}) + bytes(float{});
}

template <typename T>
void Combination::assemble(std::span<T> matrix, const Control& control) const {
  const RowTile<T> out{matrix.data(), size_, size_};
  double held = 0;
  for (const Term& term : terms_) {
    std::visit(
        [&]<typename U>(const std::shared_ptr<Operator<U>>& part) {
          const Route route = choose_route(*part);
          if constexpr (std::is_same_v<T, U>) {
            if (held == 0) {
              assemble_with_decay<T>(*part, route, kUnits, matrix, control);
              held = term.factor;
              return;
            }
          }
          AlignedBuffer<U> entries(size_ * size_);
          assemble_with_decay<U>(*part, route, kUnits, entries.span(), control);
          combine<T, U>(kMatrix, size_, held, out, term.factor, {entries.data(), size_, size_},
                        control);
          held = 1;
        },
        term.matrix);
  }
  scale(kMatrix, size_, held, out, control);
  if (shift_ == 0) return;
  bool finite = true;
  for (std::size_t i = 0; i < size_; ++i) {
    T& entry = matrix[i * size_ + i];
    entry = static_cast<T>(static_cast<double>(entry) + shift_);
    finite = finite && std::isfinite(entry);
  }
  if (!finite) complain(kMatrix, size_, out);
}

template <typename T>
std::size_t Combination::assemble_workspace(std::size_t threads) const {
  std::size_t most = 0;
  for (const Term& term : terms_) {
    std::visit(
        [&]<typename U>(const std::shared_ptr<Operator<U>>& part) {
          const bool direct = std::is_same_v<T, U> && &term == &terms_.front();
          const std::size_t entries = direct ? 0 : size_ * size_ * sizeof(U);
          most = std::max(most, entries + assembly_workspace(*part, choose_route(*part), kUnits,
                                                             size_, threads));
        },
        term.matrix);
  }
  return most;
}

template void Combination::apply(const RowTile<const double>&, const RowTile<double>&,
                                 const Control&) const;
template void Combination::apply(const RowTile<const float>&, const RowTile<float>&,
                                 const Control&) const;
template std::size_t Combination::apply_scratch(const RowTile<const double>&,
                                                const RowTile<double>&) const;
template std::size_t Combination::apply_scratch(const RowTile<const float>&,
                                                const RowTile<float>&) const;
template void Combination::assemble(std::span<double>, const Control&) const;
template void Combination::assemble(std::span<float>, const Control&) const;
template std::size_t Combination::assemble_workspace<double>(std::size_t) const;
template std::size_t Combination::assemble_workspace<float>(std::size_t) const;

}  // namespace eigenscape
