#include "core/thread_pool.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "core/step_counter.hpp"

namespace eigenscape {
namespace {

/// Jobs first, then shares of loops: a job that waits is a caller who waits.
class Pool {
 public:
  void run_job(std::function<void()> job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
      ++waiting_;
      ensure_threads(default_thread_count());
    }
    work_.notify_one();
  }

  bool idle() {
    const std::lock_guard lock(mutex_);
    return busy_ == 0 && jobs_.empty();
  }

  void run_shares(std::size_t count, const std::function<void()>& share) {
    {
      const std::lock_guard lock(mutex_);
      for (std::size_t i = 0; i < count; ++i) shares_.push_back(share);
      waiting_ += count;
      ensure_threads(busy_ + count);
    }
    for (std::size_t i = 0; i < count; ++i) work_.notify_one();
  }

 private:
  void ensure_threads(std::size_t wanted) {
    while (threads_ < std::min(wanted, kMaximumThreads)) {
      try {
        std::thread([this] { work(); }).detach();
      } catch (const std::system_error&) {
        if (threads_ > 0) return;  // the ones that are there do the work
        throw;
      }
      ++threads_;
    }
  }

  [[noreturn]] void work() {
    std::unique_lock lock(mutex_);
    bool shared = false;
    for (;;) {
      if (shared && waiting_ == 0) {
        // The loops of a computation follow one another sooner than a thread wakes.
        lock.unlock();
        spin_until([this] { return waiting_ > 0; });
        lock.lock();
      }
      work_.wait(lock, [this] { return waiting_ > 0; });
      shared = jobs_.empty();
      auto& queue = shared ? shares_ : jobs_;
      const std::function<void()> task = std::move(queue.front());
      queue.pop_front();
      --waiting_;
      ++busy_;
      lock.unlock();
      task();
      lock.lock();
      --busy_;
    }
  }

  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::function<void()>> jobs_;
  std::deque<std::function<void()>> shares_;
  std::atomic<std::size_t> waiting_ = 0;  // entries of both; changed under the mutex
  std::size_t threads_ = 0;
  std::size_t busy_ = 0;
};

#if defined(__GLIBC__)
/// OpenBLAS unmaps its buffers when the process exits, also those that our threads are computing in
/// (LAPACK cannot be interrupted): if any is at work, the process ends before that.
void end_if_busy(int status, void* pool) {
  if (static_cast<Pool*>(pool)->idle()) return;
  std::fflush(nullptr);
  _exit(status);
}
#endif

Pool* start_pool() {
  Pool* const pool = std::make_unique<Pool>().release();
#if defined(__GLIBC__)
  on_exit(end_if_busy, pool);
#endif
  return pool;
}

/// Lives as long as the process: its threads may still run when static objects are destroyed.
Pool& pool() {
  static Pool* const instance = start_pool();
  return *instance;
}

struct Failure {
  ErrorCode code;
  std::string message;
  Details details;
};

/// Runs `action`; what it throws comes back as data, since exceptions do not cross threads.
template <typename Action>
std::optional<Failure> caught(const Action& action) {
  try {
    action();
    return std::nullopt;
  } catch (const Error& error) {
    return Failure{error.code(), error.what(), error.details()};
  } catch (const std::bad_alloc&) {
    return Failure{ErrorCode::memory, "not enough memory for the workspace of a chunk", {}};
  } catch (const std::exception& error) {
    return Failure{ErrorCode::internal, error.what(), {}};
  }
}

/// One loop: shared by its threads, and kept alive by shares that start after it has ended.
class Loop {
 public:
  Loop(const Control& control, std::size_t count, const std::function<void(std::size_t)>& body)
      : control_(control), count_(count), body_(body) {}

  void share() {
    std::unique_lock lock(mutex_);
    ++running_;
    while (next_ < count_ && !failure_) {
      // Checked before an index is taken: bodies may wait for one another, so each that is taken
      // must be called.
      if (control_.cancelled()) {
        failure_ = Failure{ErrorCode::aborted, "the call was aborted", {}};
        break;
      }
      const std::size_t index = next_++;
      lock.unlock();
      auto failure = caught([&] { body_(index); });
      lock.lock();
      if (failure && !failure_) failure_ = std::move(failure);
    }
    --running_;
    if (running_ == 0) idle_.notify_all();
  }

  void finish() {
    std::unique_lock lock(mutex_);
    next_ = count_;
    if (running_ > 0) {
      lock.unlock();
      spin_until([this] { return running_ == 0; });
      lock.lock();
    }
    idle_.wait(lock, [this] { return running_ == 0; });
    if (failure_) throw Error(failure_->code, failure_->message, failure_->details);
  }

 private:
  const Control& control_;
  const std::size_t count_;
  const std::function<void(std::size_t)>& body_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t next_ = 0;
  std::atomic<std::size_t> running_ = 0;  // changed under the mutex
  std::optional<Failure> failure_;
};

}  // namespace

void submit_job(std::function<void()> job) { pool().run_job(std::move(job)); }

void parallel_for(const Control& control, std::size_t count,
                  const std::function<void(std::size_t)>& body) {
  if (count == 0) return;
  const std::size_t others = std::min(std::max<std::size_t>(control.threads(), 1), count) - 1;
  if (others == 0) {
    for (std::size_t index = 0; index < count; ++index) {
      control.check();
      body(index);
    }
    return;
  }
  const auto loop = std::make_shared<Loop>(control, count, body);
  pool().run_shares(others, [loop] { loop->share(); });
  loop->share();
  loop->finish();
}

}  // namespace eigenscape
