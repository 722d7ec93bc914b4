#include "core/array_memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <new>

#include "core/memory.hpp"

namespace eigenscape {
namespace {

constexpr std::align_val_t kCacheLine{64};
constexpr std::size_t kLargePage = std::size_t{2} << 20;
/// Six arrays of ten million float64: what a step of Adam has.
constexpr std::size_t kMostSpare = std::size_t{480} << 20;

std::size_t in_large_pages(std::size_t bytes) {
  return (bytes + kLargePage - 1) / kLargePage * kLargePage;
}

/// Fresh large pages, or nullptr.
void* map_pages(std::size_t bytes) {
  void* const mapped =
      mmap(nullptr, bytes + kLargePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const start = static_cast<std::byte*>(mapped);
  const std::size_t before =
      (kLargePage - reinterpret_cast<std::uintptr_t>(mapped) % kLargePage) % kLargePage;
  if (before > 0) munmap(start, before);
  munmap(start + before + bytes, kLargePage - before);
  prefer_large_pages(start + before, bytes);
  return start + before;
}

/// Arrays that were freed: their pages hold nothing, and belong to who needs them first.
class SpareArrays {
 public:
  /// One of exactly this size, or nullptr.
  void* take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(spares_.rbegin(), spares_.rend(),
                                    [&](const Spare& s) { return s.bytes == bytes; });
    if (found == spares_.rend()) return nullptr;
    void* const memory = found->memory;
    spares_.erase(std::next(found).base());
    held_ -= bytes;
    return memory;
  }

  void keep(void* memory, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    spares_.push_back({memory, bytes});
    held_ += bytes;
    while (held_ > kMostSpare) drop_oldest();
  }

  void drop_all() {
    const std::lock_guard lock(mutex_);
    while (!spares_.empty()) drop_oldest();
  }

 private:
  struct Spare {
    void* memory;
    std::size_t bytes;
  };

  void drop_oldest() {
    munmap(spares_.front().memory, spares_.front().bytes);
    held_ -= spares_.front().bytes;
    spares_.erase(spares_.begin());
  }

  std::mutex mutex_;
  std::vector<Spare> spares_;
  std::size_t held_ = 0;
};

/// Lives as long as the process: threads may free arrays when static objects are destroyed.
SpareArrays& spare_arrays() {
  static SpareArrays* const instance = std::make_unique<SpareArrays>().release();
  return *instance;
}

/// The system may take the pages; those that it has not taken cost nothing when they are used
/// again.
bool offer_pages(void* memory, std::size_t bytes) {
#ifdef MADV_FREE
  return madvise(memory, bytes, MADV_FREE) == 0;
#else
  return false;
#endif
}

}  // namespace

void* allocate_array(std::size_t bytes) {
  if (bytes < kLargeArray) return ::operator new(bytes, kCacheLine);
  if (bytes > std::numeric_limits<std::size_t>::max() / 2) throw std::bad_alloc();
  const std::size_t size = in_large_pages(bytes);
  if (void* const spare = spare_arrays().take(size)) return spare;
  if (void* const fresh = map_pages(size)) return fresh;
  drop_spare_arrays();
  if (void* const fresh = map_pages(size)) return fresh;
  throw std::bad_alloc();
}

void release_array(void* memory, std::size_t bytes) noexcept {
  if (bytes < kLargeArray) return ::operator delete(memory, kCacheLine);
  const std::size_t size = in_large_pages(bytes);
  if (size > kMostSpare || !offer_pages(memory, size)) {
    munmap(memory, size);
    return;
  }
  try {
    spare_arrays().keep(memory, size);
  } catch (const std::bad_alloc&) {
    munmap(memory, size);
  }
}

void drop_spare_arrays() noexcept { spare_arrays().drop_all(); }

}  // namespace eigenscape
