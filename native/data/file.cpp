#include "data/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "core/error.hpp"

namespace eigenscape {
namespace {

std::string reason() { return std::generic_category().message(errno); }

[[noreturn]] void unreadable(const std::string& path) {
  throw Error(ErrorCode::data, path + ": cannot be read (" + reason() + ")");
}

FileState state_of(int descriptor, const std::string& path) {
  struct stat found {};
  if (fstat(descriptor, &found) != 0) unreadable(path);
#if defined(__APPLE__)
  const timespec& modified = found.st_mtimespec;
#else
  const timespec& modified = found.st_mtim;
#endif
  constexpr std::int64_t kSecond = 1'000'000'000;
  return {static_cast<std::uint64_t>(found.st_size),
          static_cast<std::int64_t>(modified.tv_sec) * kSecond + modified.tv_nsec};
}

}  // namespace

File::File(std::string path, const FileState& expected)
    : path_(std::move(path)),
      expected_(expected),
      // Without O_NONBLOCK, a pipe that has taken the file's place would hold the call.
      descriptor_(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (descriptor_ < 0) unreadable(path_);
  try {
    require_unchanged();
  } catch (...) {
    close(descriptor_);
    throw;
  }
}

File::~File() { close(descriptor_); }

void File::read(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t count = pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) unreadable(path_);
    if (count == 0) {
      throw Error(ErrorCode::data, path_ + ": ends at byte " + std::to_string(offset) + " of " +
                                       std::to_string(expected_.size) +
                                       ": it was cut after it was loaded; load it again");
    }
    out = out.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

void File::require_unchanged() const {
  const FileState state = state_of(descriptor_, path_);
  if (state == expected_) return;
  const std::string sizes = state.size == expected_.size
                                ? "its time of modification is another"
                                : "it had " + std::to_string(expected_.size) + " bytes and has " +
                                      std::to_string(state.size);
  throw Error(ErrorCode::data,
              path_ + ": was changed after it was loaded (" + sizes + "); load it again");
}

void File::prefetch(std::uint64_t offset, std::uint64_t length) const noexcept {
#if defined(POSIX_FADV_WILLNEED)
  static_cast<void>(posix_fadvise(descriptor_, static_cast<off_t>(offset),
                                  static_cast<off_t>(length), POSIX_FADV_WILLNEED));
#else
  static_cast<void>(offset);
  static_cast<void>(length);
#endif
}

}  // namespace eigenscape
