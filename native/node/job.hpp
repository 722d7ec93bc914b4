// Long calls: they run on the library's own pool and settle a promise on the JavaScript thread.
//
// A job has three acts. The caller reads its arguments into plain data; `run` works on a pool
// thread and knows no JavaScript; `resolve` makes the result on the JavaScript thread. What the
// pool thread holds never refers to JavaScript, except arrays that are read or written in place:
// for such a job the end of its environment (a worker that is terminated) waits until it has
// stopped.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>

#include "core/control.hpp"
#include "core/error.hpp"

namespace eigenscape::node {

/// Makes the value that settles the promise; nullptr stands for the array that was written in
/// place.
using Resolve = std::function<Napi::Value(Napi::Env env)>;
/// Returns how to make the result; throws eigenscape::Error.
using Run = std::function<Resolve(const Control& control)>;

/// Starts a job. `options` is { threads: number, onProgress?: (stage, done, total) => void };
/// `in_place` is an array, or a list of some, that `run` writes and nobody reads meanwhile; beside
/// it, `read` is one that `run` reads and that nobody changes meanwhile.
/// Returns { promise, cancel }.
Napi::Object start_job(Napi::Env env, const Napi::Object& options, Run run,
                       Napi::Value in_place = {}, Napi::Value read = {});

/// The same for work that takes less time than another thread takes to wake: done when this
/// returns, on the JavaScript thread; the promise is settled. No progress.
Napi::Object finish_job(Napi::Env env, Run run);

/// The JavaScript error for an error of the engine: `code` is its ERR_ name.
Napi::Error to_javascript(Napi::Env env, ErrorCode code, const std::string& message,
                          const Details& details = {});

/// Calls `action`, and throws what it throws as a JavaScript error.
Napi::Value guarded(Napi::Env env, const std::function<Napi::Value()>& action);

}  // namespace eigenscape::node
