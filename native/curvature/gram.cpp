#include "curvature/gram.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/chunked_sum.hpp"
#include "core/thread_pool.hpp"
#include "curvature/gram_centering.hpp"
#include "curvature/layer_samples.hpp"
#include "linalg/blas.hpp"

namespace eigenscape {
namespace {

using blas::Form;

/// Samples in a tile of K: its operands and itself stay in a second-level cache.
constexpr std::size_t kTile = 128;

LossRoot root_of(Term term, const LossRoot& given) {
  LossRoot root = given;
  if (term == Term::gauss_newton) root.kind = RootKind::exact;
  if (term == Term::empirical_fisher || term == Term::gradient_covariance) {
    root.kind = RootKind::empirical;
  }
  return root;
}

/// √s_n, 0 for samples that are ignored: the rows of a covariance are about their mean by s_n.
template <typename T>
std::vector<double> root_weights(const Samples<T>& samples) {
  std::vector<double> w(samples.count);
  for (std::size_t n = 0; n < w.size(); ++n) {
    const bool kept = samples.classes.empty() || samples.classes[n] >= 0;
    w[n] = kept ? std::sqrt(samples.weight(n)) : 0;
  }
  return w;
}

/// Whether rows of S are known for all parameters of the matrix.
template <typename T>
bool has_rows(const Operator<T>& curvature) {
  return std::ranges::all_of(curvature.graph().nodes(), [&](const Node& node) {
    const std::size_t first = node.parameter_offset;
    const std::size_t count = node.parameter_count;
    if (count == 0 || !curvature.selection().meets(first, first + count)) return true;
    const Structure structure = node.operation->structure;
    return structure == Structure::dense || structure == Structure::convolution ||
           structure == Structure::scale_and_shift;
  });
}

/// What K is computed from: rows (r, n), r outermost.
template <typename T>
struct SampleRows {
  struct Dense {
    AffineMap map;
    AlignedBuffer<T> inputs;      // A [N, d]
    AlignedBuffer<T> cotangents;  // Δ [R, N, h]
  };
  std::size_t samples = 0;  // N
  std::size_t each = 0;     // R
  std::vector<Dense> dense;
  std::vector<AffineMap> maps;  // convolutions
  std::vector<ScaleAndShift> scales;
  std::size_t formed = 0;  // columns of S that are formed
  AlignedBuffer<T> s;      // [R, N, formed]
};

/// Layers, and room for their rows where `allocates`.
template <typename T>
SampleRows<T> plan_rows(const Operator<T>& curvature) {
  SampleRows<T> rows;
  rows.samples = curvature.samples().count;
  rows.each = gram_rows(curvature) / std::max<std::size_t>(rows.samples, 1);
  for (const AffineMap& map : affine_maps(curvature.graph(), curvature.selection())) {
    if (map.positions == 1) {
      rows.dense.push_back({map, {}, {}});
    } else {
      rows.maps.push_back(map);
      rows.formed += map.size();
    }
  }
  rows.scales = scales_and_shifts(curvature.graph(), curvature.selection());
  for (const ScaleAndShift& layer : rows.scales) rows.formed += layer.size();
  return rows;
}

template <typename T>
std::size_t held_entries(const SampleRows<T>& rows) {
  std::size_t entries = rows.each * rows.samples * rows.formed;
  for (const auto& [map, inputs, cotangents] : rows.dense) {
    entries += rows.samples * (map.inputs() + rows.each * map.outputs);
  }
  return entries;
}

/// Scratch of one thread.
template <typename T>
struct RowScratch {
  RowScratch(const Graph& graph, std::vector<bool> moves) : layers(graph, std::move(moves)) {}
  LayerSamples<T> layers;
  LossPoint<T> loss;
  RowBuffer<T> rows;
  AlignedBuffer<T> f_bar;       // [R, n, C]
  AlignedBuffer<T> inputs;      // ã of some positions
  AlignedBuffer<T> cotangents;  // δ of them
  AlignedBuffer<T> gradients;   // of γ and β
};

/// Rows of S of a convolution: Σ_t δ_t ã_tᵀ for each sample of the chunk.
template <typename T>
void form_convolution(const AffineMap& map, Chunk chunk, std::size_t column, RowScratch<T>& scratch,
                      SampleRows<T>& rows) {
  const std::size_t positions = map.positions;
  const std::size_t d = map.inputs();
  const std::size_t h = map.outputs;
  scratch.inputs.resize(positions * d);
  scratch.cotangents.resize(positions * h);
  for (std::size_t i = 0; i < chunk.count; ++i) {
    scratch.layers.inputs_of(map, i, 1, scratch.inputs.span());
    for (std::size_t r = 0; r < rows.each; ++r) {
      scratch.layers.cotangents_of(map, r, i, 1, scratch.cotangents.span());
      const std::size_t row = r * rows.samples + chunk.first + i;
      blas::gemm<T>(Form::transposed, Form::plain, h, d, positions, 1, scratch.cotangents.data(), h,
                    scratch.inputs.data(), d, 0, rows.s.data() + row * rows.formed + column, d);
    }
  }
}

template <typename T>
void form_scales(const ScaleAndShift& layer, Chunk chunk, std::size_t column,
                 RowScratch<T>& scratch, SampleRows<T>& rows) {
  const std::size_t size = layer.size();
  scratch.gradients.resize(chunk.count * size);
  for (std::size_t r = 0; r < rows.each; ++r) {
    scratch.layers.gradients_of(layer, r, scratch.gradients.span());
    for (std::size_t i = 0; i < chunk.count; ++i) {
      const std::size_t row = r * rows.samples + chunk.first + i;
      std::copy_n(scratch.gradients.data() + i * size, size,
                  rows.s.data() + row * rows.formed + column);
    }
  }
}

template <typename T>
void fill_chunk(Chunk chunk, RowScratch<T>& scratch, SampleRows<T>& rows) {
  const std::size_t n = rows.samples;
  for (auto& [map, inputs, cotangents] : rows.dense) {
    const std::size_t d = map.inputs();
    const std::size_t h = map.outputs;
    scratch.layers.inputs_of(map, 0, chunk.count,
                             inputs.span().subspan(chunk.first * d, chunk.count * d));
    for (std::size_t r = 0; r < rows.each; ++r) {
      scratch.layers.cotangents_of(
          map, r, 0, chunk.count,
          cotangents.span().subspan((r * n + chunk.first) * h, chunk.count * h));
    }
  }
  std::size_t column = 0;
  for (const AffineMap& map : rows.maps) {
    form_convolution(map, chunk, column, scratch, rows);
    column += map.size();
  }
  for (const ScaleAndShift& layer : rows.scales) {
    form_scales(layer, chunk, column, scratch, rows);
    column += layer.size();
  }
}

/// Chunks of samples whose passes stay in cache; every row of them is written once, so that no sum
/// depends on their borders.
template <typename T>
SumPlan plan_chunks(const Operator<T>& curvature, std::size_t each) {
  const Graph& graph = curvature.graph();
  std::size_t moving = 0;
  for (const Node& node : graph.nodes()) moving += node.output_size;
  return plan_sum(curvature.samples().count,
                  (graph.entries_per_sample() + moving * (1 + each)) * sizeof(T));
}

template <typename T>
void fill(const Operator<T>& curvature, SampleRows<T>& rows, const Control& control) {
  const Graph& graph = curvature.graph();
  const Samples<T>& samples = curvature.samples();
  const LossRoot root = root_of(curvature.term(), curvature.root());
  for (auto& [map, inputs, cotangents] : rows.dense) {
    inputs.resize(rows.samples * map.inputs());
    cotangents.resize(rows.each * rows.samples * map.outputs);
  }
  rows.s.resize(rows.each * rows.samples * rows.formed);
  const std::vector<bool> moves = graph.moving_values([&](const Node& node) {
    return curvature.selection().meets(node.parameter_offset,
                                       node.parameter_offset + node.parameter_count);
  });
  const SumPlan plan = plan_chunks(curvature, rows.each);
  Workspaces<RowScratch<T>> workspaces;
  parallel_for(control, plan.chunks, [&](std::size_t index) {
    const std::size_t first = index * plan.chunk;
    const Chunk chunk{first, std::min(plan.chunk, plan.samples - first)};
    auto scratch = workspaces.take([&] { return std::make_unique<RowScratch<T>>(graph, moves); });
    scratch->layers.forward(chunk.count, samples.inputs->rows(chunk, scratch->rows, control),
                            curvature.theta(), control);
    const std::span<const T> f = scratch->layers.evaluation().outputs();
    scratch->loss.evaluate(graph.loss(), samples, chunk, graph.output_size(),
                           curvature.denominator(), f, curvature.loss_table());
    scratch->f_bar.resize(rows.each * chunk.count * graph.output_size());
    compute_root_rows(root, scratch->loss, f, chunk.first, 0, rows.each, scratch->f_bar.span());
    scratch->layers.pull_back(rows.each, scratch->f_bar.span());
    fill_chunk(chunk, *scratch, rows);
    workspaces.give_back(std::move(scratch));
  });
}

/// Scratch of a tile: inner products of inputs, of cotangents, and the tile of K.
template <typename T>
struct TileScratch {
  AlignedBuffer<T> inputs{kTile * kTile};
  AlignedBuffer<T> cotangents{kTile * kTile};
  AlignedBuffer<T> sum{kTile * kTile};
};

/// One square of K: rows (r, n) and columns (r', n') for n of one tile and n' of another.
struct Square {
  Chunk rows;
  Chunk columns;
};

/// The square's part of K's lower triangle: on the diagonal for r' ≤ r alone; off it, what is above
/// the diagonal for r' > r goes to its mirror image.
template <typename T>
void fill_square(const SampleRows<T>& rows, const Square& square, TileScratch<T>& scratch,
                 std::span<T> gram) {
  const auto [i0, count] = square.rows;
  const auto [j0, width] = square.columns;
  const bool diagonal = i0 == j0;
  const std::size_t n = rows.samples;
  const std::size_t order = n * rows.each;
  const auto inner = [&](const T* left, const T* right, std::size_t length, T beta, T* out) {
    blas::gemm<T>(Form::plain, Form::transposed, count, width, length, 1, left, length, right,
                  length, beta, out, width);
  };
  for (std::size_t layer = 0; layer <= rows.dense.size(); ++layer) {
    const bool formed = layer == rows.dense.size();
    if (formed && rows.formed == 0) break;
    if (!formed) {
      const auto& held = rows.dense[layer];
      const std::size_t d = held.map.inputs();
      inner(held.inputs.data() + i0 * d, held.inputs.data() + j0 * d, d, 0, scratch.inputs.data());
    }
    for (std::size_t r = 0; r < rows.each; ++r) {
      for (std::size_t q = 0; q < (diagonal ? r + 1 : rows.each); ++q) {
        if (formed) {
          inner(rows.s.data() + (r * n + i0) * rows.formed,
                rows.s.data() + (q * n + j0) * rows.formed, rows.formed, 0, scratch.sum.data());
        } else {
          const auto& held = rows.dense[layer];
          const std::size_t h = held.map.outputs;
          inner(held.cotangents.data() + (r * n + i0) * h,
                held.cotangents.data() + (q * n + j0) * h, h, 0, scratch.cotangents.data());
          for (std::size_t e = 0; e < count * width; ++e) {
            scratch.sum[e] = scratch.inputs[e] * scratch.cotangents[e];
          }
        }
        const bool below = q <= r;
        T* const out = gram.data() + (below ? (r * n + i0) * order + q * n + j0
                                            : (q * n + j0) * order + r * n + i0);
        const std::size_t row = below ? order : 1;
        const std::size_t column = below ? 1 : order;
        for (std::size_t i = 0; i < count; ++i) {
          for (std::size_t j = 0; j < width; ++j) {
            T& entry = out[i * row + j * column];
            entry = (layer == 0 ? T{0} : entry) + scratch.sum[i * width + j];
          }
        }
      }
    }
  }
}

/// The upper triangle from the lower one.
template <typename T>
void mirror(std::size_t order, std::span<T> gram, const Control& control) {
  const std::size_t strips = (order + kTile - 1) / kTile;
  parallel_for(control, strips, [&](std::size_t strip) {
    const std::size_t first = strip * kTile;
    const std::size_t last = std::min(first + kTile, order);
    for (std::size_t below = first; below < order; below += kTile) {
      for (std::size_t i = below; i < std::min(below + kTile, order); ++i) {
        for (std::size_t j = first; j < std::min(last, i); ++j) {
          gram[j * order + i] = gram[i * order + j];
        }
      }
    }
  });
}

}  // namespace

template <typename T>
std::size_t gram_rows(const Operator<T>& curvature) {
  const Term term = curvature.term();
  const bool of_gradients = term == Term::empirical_fisher || term == Term::gradient_covariance;
  const LossKind loss = curvature.graph().loss().kind;
  const bool of_known_loss =
      (term == Term::gauss_newton || term == Term::monte_carlo_fisher) && loss != LossKind::custom;
  if (!(of_gradients || of_known_loss) || !has_rows(curvature)) return 0;
  const LossRoot root = root_of(term, curvature.root());
  return curvature.samples().count * root_rows(root, loss, curvature.graph().output_size());
}

template <typename T>
std::size_t gram_workspace(const Operator<T>& curvature, std::size_t threads) {
  const SampleRows<T> rows = plan_rows(curvature);
  const Graph& graph = curvature.graph();
  const std::size_t chunk = plan_chunks(curvature, rows.each).chunk;
  const std::size_t passes = chunk * graph.entries_per_sample() * (2 + 2 * rows.each);
  return (held_entries(rows) + threads * (passes + 3 * kTile * kTile)) * sizeof(T);
}

template <typename T>
double gram_flops(const Operator<T>& curvature) {
  const SampleRows<T> rows = plan_rows(curvature);
  const auto samples = static_cast<double>(rows.samples);
  const double order = samples * static_cast<double>(rows.each);
  double flops = order * order * static_cast<double>(rows.formed);
  for (const auto& [map, inputs, cotangents] : rows.dense) {
    flops += samples * samples * static_cast<double>(map.inputs());
    flops += order * order * static_cast<double>(map.outputs);
  }
  return flops;  // of both triangles, one is computed
}

template <typename T>
AssemblyScale assemble_gram(const Operator<T>& curvature, std::span<T> gram,
                            const Control& control) {
  SampleRows<T> rows = plan_rows(curvature);
  fill(curvature, rows, control);
  const std::size_t n = rows.samples;
  const std::size_t order = n * rows.each;
  const std::size_t tiles = (n + kTile - 1) / kTile;
  std::vector<Square> squares;
  for (std::size_t i = 0; i < tiles; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      squares.push_back({{i * kTile, std::min(kTile, n - i * kTile)},
                         {j * kTile, std::min(kTile, n - j * kTile)}});
    }
  }
  Workspaces<TileScratch<T>> workspaces;
  parallel_for(control, squares.size(), [&](std::size_t index) {
    control.check();
    auto scratch = workspaces.take([] { return std::make_unique<TileScratch<T>>(); });
    fill_square(rows, squares[index], *scratch, gram);
    workspaces.give_back(std::move(scratch));
  });
  mirror(order, gram, control);
  AssemblyScale scale;
  for (std::size_t i = 0; i < order; ++i) {
    scale.magnitude += static_cast<double>(gram[i * order + i]);
  }
  if (!std::isfinite(scale.magnitude)) {
    throw Error(ErrorCode::numeric,
                "the curvature matrix is not finite; the parameters or inputs are too large");
  }
  scale.operations = kronecker_operations(curvature) + rows.formed;
  if (curvature.term() == Term::gradient_covariance) {
    center_gram<T>(root_weights(curvature.samples()), gram, control);
    mirror(order, gram, control);
    scale.operations += centering_operations(order);
  }
  return scale;
}

template std::size_t gram_rows<double>(const Operator<double>&);
template std::size_t gram_rows<float>(const Operator<float>&);
template std::size_t gram_workspace<double>(const Operator<double>&, std::size_t);
template std::size_t gram_workspace<float>(const Operator<float>&, std::size_t);
template double gram_flops<double>(const Operator<double>&);
template double gram_flops<float>(const Operator<float>&);
template AssemblyScale assemble_gram<double>(const Operator<double>&, std::span<double>,
                                             const Control&);
template AssemblyScale assemble_gram<float>(const Operator<float>&, std::span<float>,
                                            const Control&);

}  // namespace eigenscape
