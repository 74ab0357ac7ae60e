// SPDX-License-Identifier: Apache-2.0
#pragma once

// The gateway's door to the network: an HTTP/1.1 reverse proxy for the model dialects. One thread, coroutines; no header of Beast
// is seen here.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "gateway/exchange.h"
#include "gateway/policy.h"

namespace plimsoll::serve {

struct Address {
  std::string host;
  std::uint16_t port = 0;
};
Result<Address> parse_address(const std::string& text);  // "127.0.0.1:8080"

struct Upstream {
  std::string host;
  std::string port = "80";
  std::string path;  // without a slash at its end, such as "/v1"
};
Result<Upstream> parse_upstream(const std::string& url);  // "http://host:port/v1"

struct ServerOptions {
  std::filesystem::path policy;  // read again when it changes
  Upstream upstream;
  Address listen;
  std::int64_t drain_ms = 10'000;
  std::int64_t policy_poll_ms = 1'000;
  std::int64_t ledger_pages = 0;                       // tests fill a small log
  gateway::Look look;                                  // tests; null: methods of the catalogue
  std::function<void(const std::string&)> say = {};    // one line of what happened; may be null
};

class Server {
 public:
  // Reads the policy, opens the log and listens; `run` then serves.
  static Result<std::unique_ptr<Server>> open(ServerOptions options);
  ~Server();
  std::uint16_t port() const;
  void run();    // until drained
  void drain();  // from any thread: no new connection, open requests end, then run returns
  std::string metrics() const;

 private:
  Server();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace plimsoll::serve
