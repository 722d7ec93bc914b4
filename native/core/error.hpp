// Errors of the engine. They travel as exceptions inside one thread only; a job catches them and
// hands code and message to the binding.
#pragma once

#include <stdexcept>
#include <string>

namespace eigenscape {

enum class ErrorCode { shape, spec, data, memory, numeric, aborted, busy, disposed, internal };

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace eigenscape
