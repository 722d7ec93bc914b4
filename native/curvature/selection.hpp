// Which parameters a matrix is about: a diagonal block's rows, as runs of the flat vector θ [M].
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace eigenscape {

/// Parameters [first, last) of θ, which are rows [row, row + last − first) of the block.
struct ParameterRun {
  std::size_t first;
  std::size_t last;
  std::size_t row;
};

class ParameterSelection {
 public:
  /// All of `count` parameters.
  explicit ParameterSelection(std::size_t count)
      : ParameterSelection(count, std::vector<std::pair<std::size_t, std::size_t>>{{0, count}}) {}
  /// Ranges [first, last) that ascend and do not overlap.
  ParameterSelection(std::size_t count,
                     const std::vector<std::pair<std::size_t, std::size_t>>& ranges)
      : count_(count) {
    for (const auto& [first, last] : ranges) {
      if (first == last) continue;
      runs_.push_back({first, last, size_});
      size_ += last - first;
    }
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool all() const { return size_ == count_; }
  [[nodiscard]] const std::vector<ParameterRun>& runs() const { return runs_; }

  /// The run that holds parameter `index` of θ, or nullptr.
  [[nodiscard]] const ParameterRun* find(std::size_t index) const {
    for (const ParameterRun& run : runs_) {
      if (index >= run.first && index < run.last) return &run;
    }
    return nullptr;
  }

  /// Whether any of the parameters [first, last) is chosen.
  [[nodiscard]] bool meets(std::size_t first, std::size_t last) const {
    return std::any_of(runs_.begin(), runs_.end(), [&](const ParameterRun& run) {
      return first < run.last && run.first < last;
    });
  }

  /// full [k, M] ← block [k, size], with 0 for the parameters outside.
  template <typename T>
  void scatter(std::size_t k, std::span<const T> block, std::span<T> full) const {
    std::fill(full.begin(), full.end(), T{0});
    for (std::size_t j = 0; j < k; ++j) {
      for (const auto& [first, last, row] : runs_) {
        std::copy_n(block.data() + j * size_ + row, last - first, full.data() + j * count_ + first);
      }
    }
  }
  /// block [k, size] ← the chosen entries of full [k, M].
  template <typename T>
  void gather(std::size_t k, std::span<const T> full, std::span<T> block) const {
    for (std::size_t j = 0; j < k; ++j) {
      for (const auto& [first, last, row] : runs_) {
        std::copy_n(full.data() + j * count_ + first, last - first, block.data() + j * size_ + row);
      }
    }
  }

 private:
  std::size_t count_;
  std::size_t size_ = 0;
  std::vector<ParameterRun> runs_;
};

}  // namespace eigenscape
