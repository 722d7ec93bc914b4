// A file that is read in pieces while others may write it: what it was when it was opened is what
// it must be at every read. Reads, not a mapping: a mapped file that is cut ends the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace eigenscape {

/// What tells one state of a file from another.
struct FileState {
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // nanoseconds since 1970

  bool operator==(const FileState&) const = default;
};

class File {
 public:
  /// Opens `path`. Throws ErrorCode::data if it cannot, or if the file is in another state than
  /// `expected`.
  File(std::string path, const FileState& expected);
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Fills `out` from `offset` on. Throws ErrorCode::data for a file that is cut or unreadable.
  void read(std::uint64_t offset, std::span<std::byte> out) const;
  /// Throws ErrorCode::data if the file was written since it was opened.
  void require_unchanged() const;
  /// Asks the system to have these bytes in memory soon.
  void prefetch(std::uint64_t offset, std::uint64_t length) const noexcept;

 private:
  std::string path_;
  FileState expected_;
  int descriptor_;
};

}  // namespace eigenscape
