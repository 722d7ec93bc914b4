#include "core/memory.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <system_error>

#include "core/array_memory.hpp"
#include "core/error.hpp"

namespace eigenscape {
namespace {

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

/// The beginning of a small file of the kernel's, or nothing. Streams take longer than the kernel
/// takes to write it, and this is asked before every call.
std::string text_of(const std::string& file) {
  std::string text(8192, '\0');
  std::FILE* const opened = std::fopen(file.c_str(), "re");
  if (opened == nullptr) return {};
  std::setvbuf(opened, nullptr, _IONBF, 0);
  text.resize(std::fread(text.data(), 1, text.size(), opened));
  std::fclose(opened);
  return text;
}

/// The number at a place of a text, or `fallback` where there is none.
std::size_t number_at(const std::string& text, std::size_t place, std::size_t fallback) {
  place = text.find_first_not_of(" \t", place);
  if (place == std::string::npos) return fallback;
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + place, text.data() + text.size(), value);
  return error == std::errc{} ? value : fallback;
}

/// The number in a file that holds one, or `fallback` where there is none ("max", no file).
std::size_t number_in(const std::string& file, std::size_t fallback) {
  return number_at(text_of(file), 0, fallback);
}

/// The number behind `key` in a file of lines "key number".
std::size_t number_after(const std::string& file, const std::string& key, std::size_t fallback) {
  const std::string text = "\n" + text_of(file);
  const std::size_t place = text.find("\n" + key + " ");
  return place == std::string::npos ? fallback : number_at(text, place + key.size() + 2, fallback);
}

std::size_t machine_free() {
  const std::size_t kibibytes = number_after("/proc/meminfo", "MemAvailable:", 0);
  if (kibibytes > 0) return kibibytes * 1024;
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(page)
                               : kUnlimited;
}

/// Limit minus use; pages of files that can be dropped count as free.
std::size_t left_in_group(const std::string& limit_file, const std::string& use_file,
                          const std::string& statistics, const std::string& droppable) {
  const std::size_t limit = number_in(limit_file, kUnlimited);
  if (limit == kUnlimited) return kUnlimited;
  const std::size_t used = number_in(use_file, 0);
  const std::size_t file_pages = number_after(statistics, droppable, 0);
  const std::size_t held = used - std::min(used, file_pages);
  return limit - std::min(limit, held);
}

std::size_t cgroup_free() {
  const std::string v2 = "/sys/fs/cgroup/";
  const std::string v1 = "/sys/fs/cgroup/memory/";
  return std::min(
      left_in_group(v2 + "memory.max", v2 + "memory.current", v2 + "memory.stat", "inactive_file"),
      left_in_group(v1 + "memory.limit_in_bytes", v1 + "memory.usage_in_bytes", v1 + "memory.stat",
                    "total_inactive_file"));
}

std::size_t address_space_free() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnlimited;
  const std::size_t page = static_cast<std::size_t>(std::max(1L, sysconf(_SC_PAGESIZE)));
  const std::size_t used = number_in("/proc/self/statm", 0) * page;
  const auto allowed = static_cast<std::size_t>(limit.rlim_cur);
  return allowed - std::min(allowed, used);
}

std::string readable(std::size_t bytes) {
  constexpr double kUnit = 1e9;
  char text[48];
  const auto value = static_cast<double>(bytes);
  std::snprintf(text, sizeof text, value >= kUnit ? "%.1f GB" : "%.3g MB",
                value >= kUnit ? value / kUnit : value / 1e6);
  return text;
}

}  // namespace

std::size_t free_memory() {
  return std::min({machine_free(), cgroup_free(), address_space_free()});
}

void require_memory(std::size_t bytes, const std::string& what, const std::string& advice) {
  std::size_t free = free_memory();
  if (bytes <= free) return;
  drop_spare_arrays();
  free = free_memory();
  if (bytes <= free) return;
  throw Error(ErrorCode::memory,
              what + " needs " + readable(bytes) + " of memory, but " + readable(free) +
                  " are free; " + advice,
              {{"bytes", static_cast<double>(bytes)}, {"freeMemory", static_cast<double>(free)}});
}

void prefer_large_pages(void* memory, std::size_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr std::uintptr_t kPage = std::uintptr_t{2} << 20U;
  const auto start = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t first = (start + kPage - 1) / kPage * kPage;
  const std::uintptr_t last = (start + bytes) / kPage * kPage;
  // A refusal costs speed alone.
  if (last > first) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#else
  static_cast<void>(memory);
  static_cast<void>(bytes);
#endif
}

}  // namespace eigenscape
