#include "curvature/kronecker.hpp"

#include <algorithm>
#include <cmath>

#include "core/thread_pool.hpp"
#include "linalg/blas.hpp"
#include "linalg/lapack.hpp"

namespace eigenscape {
namespace {

using blas::Form;
using blas::gemm;

/// V [outputs, inputs] from a vector, and back.
template <typename T>
void take(const AffineMap& map, const T* vector, T* block) {
  for (std::size_t o = 0; o < map.outputs; ++o) {
    for (std::size_t j = 0; j < map.inputs(); ++j) *block++ = vector[map.row(o, j)];
  }
}
template <typename T>
void put(const AffineMap& map, const T* block, T* vector) {
  for (std::size_t o = 0; o < map.outputs; ++o) {
    for (std::size_t j = 0; j < map.inputs(); ++j) vector[map.row(o, j)] = *block++;
  }
}

template <typename T>
void apply_block(const KroneckerBlock<T>& block, const T* v, T* out) {
  const std::size_t h = block.map.outputs;
  const std::size_t d = block.map.inputs();
  AlignedBuffer<T> x(h * d);
  AlignedBuffer<T> y(h * d);
  take(block.map, v, x.data());
  const T* const a = block.a.data();
  const T* const s = block.s.data();
  if (block.scales.size() == 0) {
    // X ← S X A
    gemm<T>(Form::plain, Form::plain, h, d, h, 1, s, h, x.data(), d, 0, y.data(), d);
    gemm<T>(Form::plain, Form::plain, h, d, d, 1, y.data(), d, a, d, 0, x.data(), d);
  } else {
    // X ← U_Sᵀ (Λ ∘ (U_S X U_Aᵀ)) U_A, eigenvectors being rows
    gemm<T>(Form::plain, Form::plain, h, d, h, 1, s, h, x.data(), d, 0, y.data(), d);
    gemm<T>(Form::plain, Form::transposed, h, d, d, 1, y.data(), d, a, d, 0, x.data(), d);
    for (std::size_t i = 0; i < h * d; ++i) x[i] *= block.scales[i];
    gemm<T>(Form::transposed, Form::plain, h, d, h, 1, s, h, x.data(), d, 0, y.data(), d);
    gemm<T>(Form::plain, Form::plain, h, d, d, 1, y.data(), d, a, d, 0, x.data(), d);
  }
  put(block.map, x.data(), out);
}

template <typename T>
void apply_exact(const ExactBlock<T>& block, const T* v, T* out) {
  const std::size_t size = block.layer.size();
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t row = block.layer.row(i);
    if (block.diagonal) {
      out[row] = block.entries[i] * v[row];
      continue;
    }
    T sum = 0;
    for (std::size_t j = 0; j < size; ++j) {
      sum += block.entries[i * size + j] * v[block.layer.row(j)];
    }
    out[row] = sum;
  }
}

/// The entries (o, ·), (p, ·) of an EKFAC block: U_Aᵀ diag(Σ_i u_io u_ip Λ_i·) U_A [inputs,
/// inputs].
template <typename T>
void expand(const KroneckerBlock<T>& block, std::size_t o, std::size_t p, std::span<T> scaled,
            std::span<T> tile) {
  const std::size_t h = block.map.outputs;
  const std::size_t d = block.map.inputs();
  std::vector<T> weights(d, T{0});
  for (std::size_t i = 0; i < h; ++i) {
    const T factor = block.s[i * h + o] * block.s[i * h + p];
    for (std::size_t m = 0; m < d; ++m) weights[m] += factor * block.scales[i * d + m];
  }
  for (std::size_t m = 0; m < d; ++m) {
    for (std::size_t j = 0; j < d; ++j) scaled[m * d + j] = weights[m] * block.a[m * d + j];
  }
  gemm<T>(Form::transposed, Form::plain, d, d, d, 1, block.a.data(), d, scaled.data(), d, 0,
          tile.data(), d);
}

/// Rows of output o up to themselves, and their mirror images.
template <typename T>
void assemble_output(const KroneckerBlock<T>& block, std::size_t o, std::size_t size,
                     std::span<T> matrix) {
  const std::size_t d = block.map.inputs();
  const bool eigenbasis = block.scales.size() > 0;
  AlignedBuffer<T> scaled(eigenbasis ? d * d : 0);
  AlignedBuffer<T> tile(eigenbasis ? d * d : 0);
  for (std::size_t p = 0; p <= o; ++p) {
    if (eigenbasis) expand(block, o, p, scaled.span(), tile.span());
    for (std::size_t i = 0; i < d; ++i) {
      const std::size_t row = block.map.row(o, i);
      for (std::size_t j = 0; j < (p == o ? i + 1 : d); ++j) {
        const std::size_t column = block.map.row(p, j);
        const T entry =
            eigenbasis ? tile[i * d + j] : block.s[o * block.map.outputs + p] * block.a[i * d + j];
        matrix[row * size + column] = matrix[column * size + row] = entry;
      }
    }
  }
}

template <typename T>
double trace(std::size_t n, const AlignedBuffer<T>& a) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(a[i * (n + 1)]);
  return sum;
}

template <typename T>
std::vector<T> eigenvalues_of(std::size_t n, const AlignedBuffer<T>& a) {
  std::vector<T> copy(a.data(), a.data() + n * n);
  std::vector<T> values(n);
  diagonalize<T>(n, copy, values);
  return values;
}

}  // namespace

template <typename T>
void diagonalize(std::size_t n, std::span<T> a, std::span<T> values) {
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < n; ++i) {
    const T* const row = a.data() + i * n;
    if (std::any_of(row, row + n, [](T entry) { return entry != 0; })) kept.push_back(i);
  }
  const std::size_t m = kept.size();
  std::vector<T> inner(m * m);
  std::vector<T> inner_values(m);
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < m; ++j) inner[i * m + j] = a[kept[i] * n + kept[j]];
  }
  if (m > 0) lapack::eigenpairs<T>(m, inner, inner_values);
  std::fill(a.begin(), a.end(), T{0});
  std::fill(values.begin(), values.end(), T{0});
  std::size_t next = 0;
  for (std::size_t i = 0, k = 0; i < n; ++i) {
    if (k < m && kept[k] == i) {
      ++k;
    } else {
      a[next++ * n + i] = T{1};
    }
  }
  for (std::size_t i = 0; i < m; ++i) {
    values[next + i] = inner_values[i];
    for (std::size_t j = 0; j < m; ++j) a[(next + i) * n + kept[j]] = inner[i * m + j];
  }
}

template <typename T>
void KroneckerMatrix<T>::apply(std::size_t k, std::span<const T> v, std::span<T> out,
                               const Control& control) const {
  const std::size_t parts = blocks_.size() + exact_.size();
  std::fill(out.begin(), out.end(), T{0});
  parallel_for(control, k * parts, [&](std::size_t task) {
    control.check();
    const T* const from = v.data() + task / parts * size_;
    T* const to = out.data() + task / parts * size_;
    const std::size_t part = task % parts;
    if (part < blocks_.size()) {
      apply_block(blocks_[part], from, to);
    } else {
      apply_exact(exact_[part - blocks_.size()], from, to);
    }
  });
}

template <typename T>
void KroneckerMatrix<T>::assemble(std::span<T> matrix, const Control& control) const {
  std::fill(matrix.begin(), matrix.end(), T{0});
  for (const KroneckerBlock<T>& block : blocks_) {
    parallel_for(control, block.map.outputs, [&](std::size_t o) {
      control.check();
      assemble_output(block, o, size_, matrix);
    });
  }
  for (const ExactBlock<T>& block : exact_) {
    const std::size_t n = block.layer.size();
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        if (block.diagonal && i != j) continue;
        matrix[block.layer.row(i) * size_ + block.layer.row(j)] =
            block.entries[block.diagonal ? i : i * n + j];
      }
    }
  }
}

template <typename T>
void KroneckerMatrix<T>::diagonal(std::span<double> diagonal) const {
  for (const KroneckerBlock<T>& block : blocks_) {
    const std::size_t h = block.map.outputs;
    const std::size_t d = block.map.inputs();
    std::vector<double> half(d);
    for (std::size_t o = 0; o < h; ++o) {
      // In the eigenbasis: Σ_i Σ_m u_io² Λ_im u_mj².
      std::fill(half.begin(), half.end(), 0.0);
      for (std::size_t i = 0; i < h && block.scales.size() > 0; ++i) {
        const auto u = static_cast<double>(block.s[i * h + o]);
        for (std::size_t m = 0; m < d; ++m) {
          half[m] += u * u * static_cast<double>(block.scales[i * d + m]);
        }
      }
      for (std::size_t j = 0; j < d; ++j) {
        double& entry = diagonal[block.map.row(o, j)];
        entry =
            static_cast<double>(block.s[o * (h + 1)]) * static_cast<double>(block.a[j * (d + 1)]);
        if (block.scales.size() == 0) continue;
        entry = 0;
        for (std::size_t m = 0; m < d; ++m) {
          const auto u = static_cast<double>(block.a[m * d + j]);
          entry += half[m] * u * u;
        }
      }
    }
  }
  for (const ExactBlock<T>& block : exact_) {
    const std::size_t n = block.layer.size();
    for (std::size_t i = 0; i < n; ++i) {
      diagonal[block.layer.row(i)] =
          static_cast<double>(block.entries[block.diagonal ? i : i * (n + 1)]);
    }
  }
}

template <typename T>
double KroneckerMatrix<T>::magnitude() const {
  double sum = 0;
  for (const KroneckerBlock<T>& block : blocks_) {
    if (block.scales.size() > 0) {
      for (const T scale : block.scales.span()) sum += static_cast<double>(scale);
    } else {
      // Both factors are rounded.
      sum += 2 * trace(block.map.inputs(), block.a) * trace(block.map.outputs, block.s);
    }
  }
  for (const ExactBlock<T>& block : exact_) {
    const std::size_t n = block.layer.size();
    for (std::size_t i = 0; i < n; ++i) {
      sum += static_cast<double>(block.entries[block.diagonal ? i : i * (n + 1)]);
    }
  }
  return sum;
}

template <typename T>
KroneckerSpectrum KroneckerMatrix<T>::spectrum(const Control& control) const {
  std::vector<std::vector<double>> parts(blocks_.size() + exact_.size());
  parallel_for(control, parts.size(), [&](std::size_t part) {
    control.check();
    std::vector<double>& values = parts[part];
    if (part >= blocks_.size()) {
      const ExactBlock<T>& block = exact_[part - blocks_.size()];
      const std::vector<T> found =
          block.diagonal ? std::vector<T>(block.entries.span().begin(), block.entries.span().end())
                         : eigenvalues_of(block.layer.size(), block.entries);
      values.assign(found.begin(), found.end());
      return;
    }
    const KroneckerBlock<T>& block = blocks_[part];
    if (block.scales.size() > 0) {
      values.assign(block.scales.span().begin(), block.scales.span().end());
      return;
    }
    const std::vector<T> a = eigenvalues_of(block.map.inputs(), block.a);
    const std::vector<T> s = eigenvalues_of(block.map.outputs, block.s);
    for (const T left : s) {
      for (const T right : a) {
        values.push_back(static_cast<double>(left) * static_cast<double>(right));
      }
    }
  });
  KroneckerSpectrum result;
  double square = 0;
  for (const std::vector<double>& values : parts) {
    for (const double value : values) {
      square += value * value;
      if (value == 0) ++result.exact_zeros;
      result.values.push_back(value);
    }
  }
  std::sort(result.values.begin(), result.values.end());
  result.norm = std::sqrt(square);
  result.magnitude = magnitude();
  return result;
}

template void diagonalize<double>(std::size_t, std::span<double>, std::span<double>);
template void diagonalize<float>(std::size_t, std::span<float>, std::span<float>);
template class KroneckerMatrix<double>;
template class KroneckerMatrix<float>;

}  // namespace eigenscape
