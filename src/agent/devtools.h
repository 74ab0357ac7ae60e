// SPDX-License-Identifier: Apache-2.0
#pragma once

// A Chromium of its own, spoken to by the DevTools protocol over a pair of pipes (no port is opened): JSON messages ended by a zero.

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "base/stop.h"

namespace plimsoll::agent {

class DevTools {
 public:
  // Called with each event's method and parameters while an answer is waited for.
  using OnEvent = std::function<void(const std::string& method, const Json& parameters)>;

  // `missing_plugin` where the program is not there or does not answer.
  static Result<std::unique_ptr<DevTools>> start(const std::string& program, const std::filesystem::path& profile, double seconds, const StopToken& stop);
  ~DevTools();
  DevTools(const DevTools&) = delete;
  DevTools& operator=(const DevTools&) = delete;

  void on_event(OnEvent handler) { handler_ = std::move(handler); }
  void use_session(std::string session) { session_ = std::move(session); }
  // `timeout` at `end` (seconds of the steady clock), `upstream` for an error of the browser or its end, `cancelled`.
  Result<Json> call(const std::string& method, const Json& parameters, double end);
  void send(const std::string& method, const Json& parameters);  // and wait for nothing
  Result<void> listen(double end);                               // to events until then

 private:
  DevTools() = default;
  Result<Json> next(double end);
  Result<bool> take(const Json& message, std::int64_t wanted, Json& into);

  pid_t child_ = -1;
  int to_ = -1;
  int from_ = -1;
  std::int64_t last_ = 0;
  std::string session_;
  std::string held_;
  OnEvent handler_;
  StopToken stop_;
};

double seconds_now();

}  // namespace plimsoll::agent
