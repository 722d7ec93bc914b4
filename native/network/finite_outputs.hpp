// Outputs that are no numbers have no loss: an error that names output and sample.
#pragma once

#include <span>
#include <string>

#include "core/error.hpp"
#include "core/finite.hpp"

namespace eigenscape {

/// Throws ErrorCode::numeric at the first of f [n, outputs] that is not finite; sample_of(row) is
/// the sample of a row.
template <typename T, typename SampleOf>
void require_finite_outputs(std::span<const T> f, std::size_t outputs, const SampleOf& sample_of) {
  const std::size_t i = first_not_finite(f);
  if (i == f.size()) return;
  throw Error(ErrorCode::numeric, "output " + std::to_string(i % outputs) +
                                      " of the network is not finite for sample " +
                                      std::to_string(sample_of(i / outputs)) +
                                      "; the parameters or inputs are too large");
}

}  // namespace eigenscape
