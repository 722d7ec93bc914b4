#include "node/job.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "core/error.hpp"
#include "core/thread_pool.hpp"

namespace eigenscape::node {
namespace {

using Clock = std::chrono::steady_clock;

/// Time between two progress calls: fast enough for an eye, too slow to load the event loop.
constexpr auto kProgressEvery = std::chrono::milliseconds(50);

const char* name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::shape:
      return "ERR_SHAPE";
    case ErrorCode::spec:
      return "ERR_SPEC";
    case ErrorCode::data:
      return "ERR_DATA";
    case ErrorCode::memory:
      return "ERR_MEMORY";
    case ErrorCode::numeric:
      return "ERR_NUMERIC";
    case ErrorCode::aborted:
      return "ERR_ABORTED";
    case ErrorCode::busy:
      return "ERR_BUSY";
    case ErrorCode::disposed:
      return "ERR_DISPOSED";
    case ErrorCode::internal:
      break;
  }
  return "ERR_INTERNAL";
}

struct Failure {
  ErrorCode code;
  std::string message;
  Details details;
};

/// What both threads hold.
struct Work {
  explicit Work(std::size_t threads, Control::Report report)
      : control(threads, std::move(report)) {}

  /// True once: for the pool thread that begins the job, or for who gives up one that waits.
  bool claim() { return !claimed.exchange(true); }
  /// Gives up a job that no pool thread has begun; false if one has.
  bool give_up() {
    control.cancel();
    if (!claim()) return false;
    run = nullptr;
    failure = Failure{ErrorCode::aborted, "the call was aborted", {}};
    finish();
    return true;
  }
  void finish() {
    const std::lock_guard lock(mutex);
    finished = true;
    done.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex);
    done.wait(lock, [this] { return finished; });
  }

  Control control;
  std::atomic<bool> claimed = false;
  Run run;
  Resolve resolve;
  std::optional<Failure> failure;
  std::mutex mutex;
  std::condition_variable done;
  bool finished = false;
  /// Held while the pool thread uses the thread-safe function, which Node deletes soon after its
  /// finalizer has set `open` to false: at the end of an environment, whoever still holds it.
  std::mutex channel;
  bool open = true;
};

void run_caught(Work& work) {
  try {
    work.control.check();
    work.resolve = work.run(work.control);
  } catch (const Error& error) {
    work.failure = Failure{error.code(), error.what(), error.details()};
  } catch (const std::bad_alloc&) {
    work.failure = Failure{ErrorCode::memory, "memory ran out during the call", {}};
  } catch (const std::exception& error) {
    work.failure = Failure{ErrorCode::internal, error.what(), {}};
  }
  work.run = nullptr;
}

/// Settles the promise of a job that has ended, whose result is what `work` makes or else the array
/// that was written in place.
void settle_promise(const Napi::Promise::Deferred& deferred, const Work& work,
                    const Napi::ObjectReference& in_place) {
  const Napi::Env env = deferred.Env();
  try {
    if (work.failure) {
      const auto& [code, message, details] = *work.failure;
      deferred.Reject(to_javascript(env, code, message, details).Value());
    } else {
      deferred.Resolve(work.resolve ? work.resolve(env) : in_place.Value());
    }
  } catch (const Napi::Error& error) {
    deferred.Reject(error.Value());
  } catch (const std::bad_alloc&) {
    deferred.Reject(to_javascript(env, ErrorCode::memory, "no memory for the result").Value());
  }
}

struct JavaScriptSide;

struct ProgressCall {
  std::string stage;
  double done;
  double total;
};

/// Calls the progress function of a job.
void tell(Napi::Env env, JavaScriptSide& side, const ProgressCall& call);

/// Sends progress to JavaScript, at most every kProgressEvery, and each stage's first and last.
class ProgressSender {
 public:
  void connect(Napi::ThreadSafeFunction function, JavaScriptSide* side) {
    const std::lock_guard lock(mutex_);
    function_ = std::move(function);
    side_ = side;
  }
  void disconnect() {
    const std::lock_guard lock(mutex_);
    side_ = nullptr;
  }
  void send(std::string_view stage, double done, double total) {
    const std::lock_guard lock(mutex_);
    if (side_ == nullptr) return;
    const auto now = Clock::now();
    if (stage == stage_ && done < total && now - last_ < kProgressEvery) return;
    stage_ = stage;
    last_ = now;
    auto call = std::make_unique<ProgressCall>(ProgressCall{stage_, done, total});
    JavaScriptSide* const side = side_;
    const auto deliver = [side](Napi::Env env, Napi::Function /*unused*/, ProgressCall* data) {
      const std::unique_ptr<ProgressCall> owned(data);
      if (static_cast<napi_env>(env) != nullptr) tell(env, *side, *owned);
    };
    if (function_.NonBlockingCall(call.get(), deliver) == napi_ok) {
      static_cast<void>(call.release());  // `deliver` owns it now
    }
  }

 private:
  std::mutex mutex_;
  Napi::ThreadSafeFunction function_;
  JavaScriptSide* side_ = nullptr;
  std::string stage_;
  Clock::time_point last_ = Clock::now() - kProgressEvery;
};

/// What the JavaScript thread holds: freed there, by the finalizer of the thread-safe function.
struct JavaScriptSide {
  JavaScriptSide(Napi::Env environment, std::shared_ptr<Work> shared, bool waits)
      : env(environment),
        deferred(Napi::Promise::Deferred::New(environment)),
        work(std::move(shared)),
        waits_at_exit(waits) {
    if (waits_at_exit) napi_add_env_cleanup_hook(env, stop_and_wait, work.get());
  }
  JavaScriptSide(const JavaScriptSide&) = delete;
  JavaScriptSide& operator=(const JavaScriptSide&) = delete;
  ~JavaScriptSide() {
    work->control.cancel();  // nobody waits for it any more
    if (sender) sender->disconnect();
    {
      const std::lock_guard lock(work->channel);
      work->open = false;
    }
    if (waits_at_exit) napi_remove_env_cleanup_hook(env, stop_and_wait, work.get());
  }

  static void stop_and_wait(void* data) {
    auto* const work = static_cast<Work*>(data);
    if (!work->give_up()) work->wait();
  }

  /// A worker that is being terminated refuses every call, also the one that would report that:
  /// then nobody waits for the promise, and nothing may be thrown into Node, which would end the
  /// process.
  void settle() {
    try {
      const Napi::HandleScope scope(env);
      settle_promise(deferred, *work, in_place);
      // Whoever waited for it goes on before the finalizer runs, and may ask for the next result.
      in_place.Reset();
      read.Reset();
      work->resolve = nullptr;
    } catch (const Napi::Error&) {
      return;
    }
  }

  Napi::Env env;
  Napi::Promise::Deferred deferred;
  std::shared_ptr<Work> work;
  Napi::ThreadSafeFunction function;  // whose finalizer frees this
  Napi::FunctionReference on_progress;
  Napi::ObjectReference in_place;
  Napi::ObjectReference read;
  std::shared_ptr<ProgressSender> sender;
  bool waits_at_exit;
};

void tell(Napi::Env env, JavaScriptSide& side, const ProgressCall& call) {
  if (side.on_progress.IsEmpty()) return;
  side.on_progress.Call({Napi::String::New(env, call.stage), Napi::Number::New(env, call.done),
                         Napi::Number::New(env, call.total)});
}

}  // namespace

Napi::Error to_javascript(Napi::Env env, ErrorCode code, const std::string& message,
                          const Details& details) {
  Napi::Error error = Napi::Error::New(env, message);
  const Napi::Object numbers = Napi::Object::New(env);
  for (const auto& [name, number] : details) numbers.Set(name, number);
  error.Set("details", numbers);
  error.Set("code", Napi::String::New(env, name_of(code)));
  return error;
}

Napi::Value guarded(Napi::Env env, const std::function<Napi::Value()>& action) {
  try {
    return action();
  } catch (const Error& error) {
    throw to_javascript(env, error.code(), error.what(), error.details());
  } catch (const std::bad_alloc&) {
    throw to_javascript(env, ErrorCode::memory, "memory ran out during the call");
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw to_javascript(env, ErrorCode::internal, error.what());
  }
}

Napi::Object start_job(Napi::Env env, const Napi::Object& options, Run run, Napi::Value in_place,
                       Napi::Value read) {
  const double threads = options.Get("threads").ToNumber().DoubleValue();
  const Napi::Value on_progress = options.Get("onProgress");
  std::shared_ptr<ProgressSender> sender;
  Control::Report report;
  if (on_progress.IsFunction()) {
    sender = std::make_shared<ProgressSender>();
    report = [sender](std::string_view stage, double done, double total) {
      sender->send(stage, done, total);
    };
  }
  const auto wanted = threads >= 1 ? static_cast<std::size_t>(threads) : default_thread_count();
  auto work = std::make_shared<Work>(std::min(wanted, kMaximumThreads), std::move(report));
  work->run = std::move(run);
  const bool holds_arrays = !in_place.IsEmpty() || !read.IsEmpty();
  auto owner = std::make_unique<JavaScriptSide>(env, work, holds_arrays);
  JavaScriptSide* const side = owner.get();
  if (on_progress.IsFunction()) {
    side->on_progress = Napi::Persistent(on_progress.As<Napi::Function>());
  }
  if (!in_place.IsEmpty()) side->in_place = Napi::Persistent(in_place.As<Napi::Object>());
  if (!read.IsEmpty()) side->read = Napi::Persistent(read.As<Napi::Object>());

  Napi::Object result = Napi::Object::New(env);
  result.Set("promise", side->deferred.Promise());
  result.Set("cancel", Napi::Function::New(env, [work, side](const Napi::CallbackInfo& info) {
               // A job that waits behind others settles now; `side` lives, since nobody has let
               // go of its function.
               if (work->give_up()) {
                 side->settle();
                 side->function.Release();
               }
               return info.Env().Undefined();
             }));

  const Napi::Function unused = Napi::Function::New(env, [](const Napi::CallbackInfo&) {});
  auto function =
      Napi::ThreadSafeFunction::New(env, unused, "eigenscape", 0, 1, owner.release(),
                                    [](Napi::Env /*env*/, JavaScriptSide* finished) {
                                      const std::unique_ptr<JavaScriptSide> freed(finished);
                                    });
  side->function = function;
  if (sender) sender->connect(function, side);
  side->sender = sender;
  submit_job([work, function, sender, side]() mutable {
    if (!work->claim()) return;
    run_caught(*work);
    work->finish();
    if (sender) sender->disconnect();
    const auto settle = [side](Napi::Env settled_env, Napi::Function /*unused*/) {
      if (static_cast<napi_env>(settled_env) != nullptr) side->settle();
    };
    // An environment that is closing takes no calls, and its function must not be touched again.
    const std::lock_guard lock(work->channel);
    if (work->open && function.BlockingCall(settle) == napi_ok) function.Release();
  });
  return result;
}

Napi::Object finish_job(Napi::Env env, Run run) {
  Work work(1, {});
  work.run = std::move(run);
  run_caught(work);
  const auto deferred = Napi::Promise::Deferred::New(env);
  settle_promise(deferred, work, {});
  Napi::Object result = Napi::Object::New(env);
  result.Set("promise", deferred.Promise());
  result.Set("cancel", Napi::Function::New(env, [](const Napi::CallbackInfo&) {}));
  return result;
}

}  // namespace eigenscape::node
