// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the opaque handles of include/plimsoll/plimsoll.h hold, and the one way in: guarded() turns an Error, or an exception
// of the translation around the door (memory, and little else), into an error value.

#include <exception>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "base/stop.h"
#include "engine/door.h"
#include "engine/schema.h"
#include "engine/workspace.h"
#include "plimsoll/plimsoll.h"
#include "table/file_format.h"

struct plimsoll_error {
  std::string code;
  std::string message;
  std::string json;
};

struct plimsoll_text {
  std::string value;
};

struct plimsoll_model {
  plimsoll::ArtifactPort artifact;
};

struct plimsoll_report {
  plimsoll::Report report;
};

namespace plimsoll::capi {

// An input as it was named: opened when the call runs, because roles are bound by what all of them say.
struct Input {
  std::string path;                      // or
  std::shared_ptr<TableStream> stream;   // or
  std::shared_ptr<const PortValue> value;
  bool hold = false;
  ReadOptions read;
  Roles roles;
};

}  // namespace plimsoll::capi

struct plimsoll_call {
  plimsoll::Verb verb = plimsoll::Verb::fit;
  const plimsoll::Method* method = nullptr;  // null until a model says which
  std::string parameters = "{}";
  plimsoll::WorkspaceOptions options;
  std::int64_t batch_rows = 65536;
  plimsoll::ArtifactPort model;
  std::map<std::string, plimsoll::capi::Input> inputs;
  std::map<std::string, plimsoll::Roles> port_roles;  // said before the port was given, or after
  plimsoll::Roles roles;
  std::map<std::string, std::string> output_paths;
  plimsoll::StopToken stop;
  plimsoll_progress_function on_progress = nullptr;
  void* progress_user = nullptr;
  plimsoll_stop_function on_stop = nullptr;
  void* stop_user = nullptr;
  bool ran = false;
};

struct plimsoll_reply {
  plimsoll::Reply reply;
  std::vector<std::string> outputs;  // in order of declaration
  std::string json;
};

struct plimsoll_session {
  plimsoll::Session session;
  std::unique_ptr<plimsoll::Workspace> workspace;
};

namespace plimsoll::capi {

plimsoll_error* error_of(const Error& error);
// When not even an error can be allocated; freeing it does nothing.
plimsoll_error* no_memory_error();
Error null_argument(const char* name);

template <class F>
plimsoll_error* guarded(F&& work) noexcept {
  try {
    const Result<void> result = work();
    return result.ok() ? nullptr : error_of(result.error());
  } catch (const std::bad_alloc&) {
    return no_memory_error();
  } catch (const std::exception& problem) {
    try {
      return error_of(Error(ErrorCode::internal, std::string("a library failed: ") + problem.what(), "Report this as a fault of plimsoll."));
    } catch (...) {
      return no_memory_error();
    }
  } catch (...) {
    return no_memory_error();
  }
}

template <class Handle, class Value>
void hand_over(Handle** out, Value value) {
  auto handle = std::make_unique<Handle>();
  *handle = Handle{std::move(value)};
  *out = handle.release();
}
void hand_text(plimsoll_text** out, std::string value);

// Opens what the call names, with roles bound, and lets it go.
Result<std::map<std::string, PortValue>> open_inputs(const Context& context, plimsoll_call& call, const std::vector<PortSchema>& ports);
// Opens the inputs and runs the verb; a call with functions of its owner works in a thread beside the caller's, which polls.
Result<void> run_call(plimsoll_call& call, plimsoll_reply& reply);

}  // namespace plimsoll::capi

#define PLIMSOLL_WANT(argument) \
  if ((argument) == nullptr) return ::plimsoll::capi::null_argument(#argument)
