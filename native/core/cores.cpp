// How many threads a call uses unless it says otherwise: EIGENSCAPE_THREADS, else the cores that
// the affinity mask and the cgroup's quota leave to this process.
#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "core/thread_pool.hpp"

namespace eigenscape {
namespace {

std::size_t affinity_cores() {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
  }
#endif
  return std::max(1U, std::thread::hardware_concurrency());
}

/// Cores in a group's own files, of either version; none where it has no quota.
std::optional<double> quota_of(const std::string& folder) {
  double quota = 0;
  double period = 0;
  std::string first;
  if (std::ifstream v2(folder + "/cpu.max"); v2 >> first >> period) {
    if (first == "max") return std::nullopt;
    quota = std::strtod(first.c_str(), nullptr);
  } else {
    std::ifstream quota_file(folder + "/cpu.cfs_quota_us");
    std::ifstream period_file(folder + "/cpu.cfs_period_us");
    if (!(quota_file >> quota) || !(period_file >> period)) return std::nullopt;
  }
  if (quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

/// The least quota of a group and of those above it. In a container the path may be one of the
/// host's, which is not there: then only the root has files, and they are the container's.
std::optional<double> quota_upward(const std::string& mount, std::string path) {
  std::optional<double> least;
  for (;;) {
    const auto quota = quota_of(mount + path);
    if (quota && (!least || *quota < *least)) least = quota;
    if (path.empty()) return least;
    const std::size_t slash = path.find_last_of('/');
    path.erase(slash == std::string::npos ? 0 : slash);
  }
}

/// Whole cores that the quotas of this process's groups allow, or none where there are none.
std::optional<std::size_t> cgroup_cores() {
  // Lines "0::/path" (version 2) and "4:cpu,cpuacct:/path" (version 1).
  std::ifstream groups("/proc/self/cgroup");
  std::optional<double> least;
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool is_v2 = controllers == ",,";
    if (!is_v2 && controllers.find(",cpu,") == std::string::npos) continue;
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    const auto quota = quota_upward(is_v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu", path);
    if (quota && (!least || *quota < *least)) least = quota;
  }
  if (!least) return std::nullopt;
  return std::max<std::size_t>(1, static_cast<std::size_t>(*least + 0.5));
}

std::size_t usable_cores() {
  const std::size_t cores = affinity_cores();
  return std::min({cores, cgroup_cores().value_or(cores), kMaximumThreads});
}

}  // namespace

std::size_t default_thread_count() {
  // TypeScript has refused what is no number from 1 to the maximum.
  if (const char* setting = std::getenv("EIGENSCAPE_THREADS")) {
    const long wanted = std::strtol(setting, nullptr, 10);
    if (wanted >= 1) return std::min(static_cast<std::size_t>(wanted), kMaximumThreads);
  }
  // Asked once: every job starts here, and the answer takes half a dozen files.
  static const std::size_t cores = usable_cores();
  return cores;
}

}  // namespace eigenscape
