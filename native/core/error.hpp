// Errors of the engine. They travel as exceptions inside one thread only; a job catches them and
// hands code and message to the binding.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace eigenscape {

enum class ErrorCode { shape, spec, data, memory, numeric, aborted, busy, disposed, internal };

/// Numbers of a message by name, for programs.
using Details = std::vector<std::pair<std::string, double>>;

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, Details details = {})
      : std::runtime_error(message), code_(code), details_(std::move(details)) {}
  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  [[nodiscard]] const Details& details() const noexcept { return details_; }

 private:
  ErrorCode code_;
  Details details_;
};

}  // namespace eigenscape
