// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "serve/server.h"

namespace plimsoll::serve {
namespace {

// A port given as an int and cut to 16 bits would listen elsewhere: it is checked instead.
bool read_port(std::string_view text, std::uint16_t& out) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > 65535) return false;
  out = static_cast<std::uint16_t>(value);
  return true;
}

}  // namespace

Result<Address> parse_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  Address out;
  if (colon == std::string::npos || colon == 0 || !read_port(std::string_view(text).substr(colon + 1), out.port))
    return Error(ErrorCode::bad_parameter, "'" + text + "' is no address to listen on", "Give HOST:PORT, such as 127.0.0.1:8080.").in_parameter("listen");
  out.host = text.substr(0, colon);
  return out;
}

Result<Upstream> parse_upstream(const std::string& url) {
  const auto wrong = [&url](const char* what) {
    return Error(ErrorCode::bad_parameter, "'" + url + "' is no upstream that can be reached: " + what, "Give http://HOST:PORT/v1; put a TLS tunnel before an https one.").in_parameter("upstream");
  };
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme)) return wrong("it does not begin with http://");
  const std::string rest = url.substr(scheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string host = rest.substr(0, slash);
  Upstream out;
  out.path = rest.substr(slash);
  while (out.path.ends_with('/')) out.path.pop_back();
  const std::size_t colon = host.rfind(':');
  out.host = host.substr(0, std::min(colon, host.size()));
  if (out.host.empty() || out.host.find_first_of("@?# ") != std::string::npos) return wrong("it names no host");
  if (out.path.find_first_of("?# ") != std::string::npos) return wrong("its path holds a question");
  if (colon != std::string::npos) {
    std::uint16_t port = 0;
    out.port = host.substr(colon + 1);
    if (!read_port(out.port, port) || port == 0) return wrong("its port is none");
  }
  return out;
}

}  // namespace plimsoll::serve
