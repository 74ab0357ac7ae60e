// SPDX-License-Identifier: Apache-2.0
#pragma once

// The engine for C++ programs: any verb of any method by its id. Parameters and replies are JSON, tables are files or
// Arrow C streams, so this header stays cheap and needs no other of ours. Nothing here throws, prints or exits.
//
//   plimsoll::api::Engine engine;
//   plimsoll::api::Request fit{"fit", "conformal.split"};
//   fit.parameters = R"({"alpha": [0.1]})";
//   fit.inputs["data"] = {"train.parquet", nullptr, {{"target", {"y"}}}};
//   fit.outputs["model"] = "model.plim";
//   plimsoll::api::Reply reply = engine.run(fit);
//   if (!reply.ok()) return reply.exit_status;   // reply.json says what, where, and what to do

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plimsoll/version.h"

#define PLIMSOLL_API __attribute__((visibility("default")))

struct ArrowArrayStream;  // of the Arrow C stream interface

namespace plimsoll::api {

// A named input: a path, or a stream that the call takes over and releases.
struct Input {
  std::string path;
  ArrowArrayStream* stream = nullptr;
  std::map<std::string, std::vector<std::string>> roles;  // tables: which columns play which part
};

struct Request {
  std::string verb;                      // fit, apply, assess, verify, prove or report
  std::string method;                    // an id of the catalogue; may be empty when a model is given
  std::string parameters = "{}";         // JSON
  std::map<std::string, Input> inputs;   // by port name; `method()` lists a method's ports
  std::string model;                     // path of a .plim: apply and report
  std::map<std::string, std::string> outputs;                // port name, "model" or "report" to a path
  std::map<std::string, ArrowArrayStream*> output_streams;   // tables wanted as streams; the caller releases them
  std::uint64_t seed = 0;
  std::string allow_overlap;             // the reason, if rows may certify that were used before
};

struct Reply {
  int exit_status = 0;  // of the error table; 0: well
  std::string json;     // {"warnings", "values", "certificate", "evidence", "findings", "report"}, or {"error": {...}}
  bool ok() const { return exit_status == 0; }
};

struct EngineOptions {
  int threads = 0;                 // 0: as many as the process may use
  std::int64_t memory_bytes = 0;   // 0: no limit
  std::string scratch;             // folder for temporary files; empty: the system's
};

class PLIMSOLL_API Engine {
 public:
  explicit Engine(EngineOptions options = {});
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  // The catalogue: [{"id", "tier", "plugin", "verbs"}].
  Reply methods() const;
  // One method: its card, and per verb the parameters (JSON Schema) and the ports with their roles.
  Reply method(const std::string& id) const;
  // Runs a verb. One call at a time per engine.
  Reply run(const Request& request);
  // From any thread: asks the running verb to end; its reply is `cancelled`.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The version of the library at run time.
PLIMSOLL_API const char* version();

}  // namespace plimsoll::api
