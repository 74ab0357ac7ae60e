// SPDX-License-Identifier: Apache-2.0
#pragma once

// One HTTP/1.1 exchange over TCP or TLS, under one deadline from the look-up of the name to the last byte.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/stop.h"

namespace plimsoll::llm {

struct Url {
  bool tls = false;
  std::string host;
  std::string port;
  std::string path;  // begins with "/", or is empty
  bool loopback() const;
};
// http:// or https://, no user, no query; `bad_parameter`.
Result<Url> parse_url(std::string_view text);

struct HttpAsk {
  Url url;
  std::string path;  // behind the url's
  std::string body;  // JSON
  std::string key;   // sent as a bearer's; never written anywhere else
  double seconds = 60;
  std::uint64_t most_bytes = std::uint64_t{16} << 20;  // of the answer's body
  StopToken stop;
};

enum class HttpFault : std::uint8_t { none, unreachable, timeout, broken, too_large, cut, stopped };

struct HttpReply {
  HttpFault fault = HttpFault::none;
  std::string detail;
  int status = 0;
  std::string content_type;
  double retry_after = -1;  // seconds; below zero: the server said nothing
  std::string body;         // what on_bytes did not take
};

// With `on_bytes` the body of a 200 goes there as it comes; false ends the exchange (fault cut).
HttpReply http_exchange(const HttpAsk& ask, const std::function<bool(std::string_view)>& on_bytes = {});

}  // namespace plimsoll::llm
