// Which samples a step takes: a function of (seed, phase, step) alone, so that a run that goes on
// meets the same batches as one that never stopped.
//
//   sequential        step t takes batch t mod B of neighbours, B = ⌈N / size⌉; the last may be
//                     short
//   shuffled          the same within epoch e = ⌊t / B⌋, over a random order of the samples drawn
//                     anew for each e
//   with_replacement  entry j of step t is any sample, independent of all others
//
// The random numbers are those of SplitMix64 (Steele, Lea and Flood 2014): number i of a stream is
// mix(key + (i + 1)·golden), so that any of them can be had without those before it. A sample below
// N has probability 1/N within N·2⁻⁶⁴.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/chunked_sum.hpp"
#include "network/samples.hpp"

namespace eigenscape {

enum class BatchKind { sequential, shuffled, with_replacement };

struct BatchOrder {
  BatchKind kind = BatchKind::sequential;
  std::size_t samples = 0;  // N, below 2³²
  std::size_t size = 0;     // samples per batch; above N only with replacement
  std::uint64_t seed = 0;
  std::uint64_t phase = 0;  // other phases of a run meet other random numbers

  friend bool operator==(const BatchOrder&, const BatchOrder&) = default;
};

/// Neighbours in the data, or a list of samples.
struct Batch {
  Chunk range;
  std::span<const std::uint32_t> indices;  // empty for neighbours
};

/// Finds batches; keeps the order of one epoch.
class BatchPicker {
 public:
  explicit BatchPicker(const BatchOrder& order) : order_(order) {}

  [[nodiscard]] const BatchOrder& order() const { return order_; }
  /// The batch of step t of the phase; valid until the next call.
  Batch at(std::uint64_t step);

 private:
  void draw_epoch(std::uint64_t epoch);
  void draw_batch(std::uint64_t step);

  BatchOrder order_;
  std::optional<std::uint64_t> epoch_;
  std::vector<std::uint32_t> indices_;
};

/// Copies of some samples, side by side, in memory that is kept from batch to batch.
template <typename T>
class GatheredBatch {
 public:
  /// The samples with these indices; they live until the next call.
  const Samples<T>& gather(const Samples<T>& samples, std::span<const std::uint32_t> indices,
                           const Control& control);

 private:
  Samples<T> batch_;
  std::shared_ptr<MemoryRows<T>> inputs_;
  RowBuffer<T> buffer_;
};

}  // namespace eigenscape
