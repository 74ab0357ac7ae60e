// SPDX-License-Identifier: Apache-2.0
// The one source with Boost.Beast. Asio 1.74 wants <utility> before it.
#include <utility>

#if defined(__clang__) && !defined(BOOST_ASIO_HAS_CO_AWAIT)
#define BOOST_ASIO_HAS_CO_AWAIT 1  // Asio 1.74 looks for a header that clang has dropped
#endif

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <charconv>
#include <chrono>

#include "llm/http_exchange.h"

namespace plimsoll::llm {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Tls = asio::ssl::stream<tcp::socket>;

class Exchange {
 public:
  Exchange(const HttpAsk& ask, const std::function<bool(std::string_view)>& on_bytes) : ask_(ask), on_bytes_(on_bytes) {}

  HttpReply run() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(ask_.seconds);
    asio::co_spawn(context_, whole(), asio::detached);
    while (!context_.stopped()) {
      context_.run_for(std::chrono::milliseconds(50));
      if (context_.stopped()) break;
      if (ask_.stop.requested()) {
        fail(HttpFault::stopped, "stopped");
        break;
      }
      if (std::chrono::steady_clock::now() >= end) {
        fail(HttpFault::timeout, "no answer within " + std::to_string(ask_.seconds) + " s");
        break;
      }
    }
    return std::move(reply_);
  }

 private:
  void fail(HttpFault fault, std::string detail) {
    reply_.fault = fault;
    reply_.detail = std::move(detail);
  }

  asio::awaitable<void> whole() {
    error_code error;
    tcp::resolver resolver(context_);
    const auto places = co_await resolver.async_resolve(ask_.url.host, ask_.url.port, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return fail(HttpFault::unreachable, error.message());
    tcp::socket socket(context_);
    co_await asio::async_connect(socket, places, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return fail(HttpFault::unreachable, error.message());
    socket.set_option(tcp::no_delay(true), error);
    if (!ask_.url.tls) {
      co_await talk(socket);
      co_return;
    }
    asio::ssl::context trust(asio::ssl::context::tls_client);
    trust.set_default_verify_paths();
    Tls secure(std::move(socket), trust);
    secure.set_verify_mode(asio::ssl::verify_peer);
    secure.set_verify_callback(asio::ssl::host_name_verification(ask_.url.host));
    if (SSL_set_tlsext_host_name(secure.native_handle(), ask_.url.host.c_str()) != 1) co_return fail(HttpFault::unreachable, "no TLS name");
    co_await secure.async_handshake(Tls::client, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return fail(HttpFault::unreachable, "TLS: " + error.message());
    co_await talk(secure);
  }

  http::request<http::string_body> request() const {
    http::request<http::string_body> out{http::verb::post, ask_.url.path + ask_.path, 11};
    out.set(http::field::host, ask_.url.host + ":" + ask_.url.port);
    out.set(http::field::content_type, "application/json");
    out.set(http::field::accept, "application/json, text/event-stream");
    out.set(http::field::connection, "close");
    if (!ask_.key.empty()) out.set(http::field::authorization, "Bearer " + ask_.key);
    out.body() = ask_.body;
    out.prepare_payload();
    return out;
  }

  template <class Socket>
  asio::awaitable<void> talk(Socket& socket) {
    error_code error;
    auto out = request();
    co_await http::async_write(socket, out, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return fail(HttpFault::broken, error.message());
    boost::beast::flat_buffer buffer;
    http::response_parser<http::buffer_body> parser;
    parser.body_limit(ask_.most_bytes);
    co_await http::async_read_header(socket, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error == http::error::body_limit) co_return fail(HttpFault::too_large, "more than " + std::to_string(ask_.most_bytes) + " bytes");
    if (error) co_return fail(HttpFault::broken, error.message());
    take_head(parser.get());
    const bool live = on_bytes_ && reply_.status == 200;
    std::string piece(1 << 14, '\0');
    while (!parser.is_done()) {
      parser.get().body().data = piece.data();
      parser.get().body().size = piece.size();
      co_await http::async_read_some(socket, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
      if (error == http::error::need_buffer) error = {};
      const std::string_view got(piece.data(), piece.size() - parser.get().body().size);
      if (live && !got.empty() && !on_bytes_(got)) co_return fail(HttpFault::cut, "cut");
      if (!live) reply_.body.append(got);
      if (error == http::error::body_limit) co_return fail(HttpFault::too_large, "more than " + std::to_string(ask_.most_bytes) + " bytes");
      if (error) co_return fail(HttpFault::broken, error.message());
    }
  }

  void take_head(const http::response<http::buffer_body>& head) {
    reply_.status = static_cast<int>(head.result_int());
    const auto type = head[http::field::content_type];
    reply_.content_type.assign(type.data(), type.size());
    const auto wait = head[http::field::retry_after];
    double seconds = 0;
    const auto read = std::from_chars(wait.data(), wait.data() + wait.size(), seconds);
    if (read.ec == std::errc() && seconds >= 0 && seconds < 1e6) reply_.retry_after = seconds;
  }

  const HttpAsk& ask_;
  const std::function<bool(std::string_view)>& on_bytes_;
  HttpReply reply_;
  asio::io_context context_{1};
};

}  // namespace

bool Url::loopback() const { return host == "127.0.0.1" || host == "localhost" || host == "::1"; }

Result<Url> parse_url(std::string_view text) {
  const auto bad = [&](const char* why) {
    return Error(ErrorCode::bad_parameter, "'" + std::string(text) + "' is no address of an endpoint: " + why, "Write it as https://host/v1")
        .in_parameter("url");
  };
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) url.tls = true;
  else if (!rest.starts_with("http://")) return bad("it begins with neither http:// nor https://");
  rest.remove_prefix(url.tls ? 8 : 7);
  if (rest.find_first_of("@?# \t\r\n") != std::string_view::npos) return bad("it holds a user, a query or a blank");
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view place = rest.substr(0, slash);
  url.path = rest.substr(slash);
  while (url.path.ends_with('/')) url.path.pop_back();
  std::size_t colon = place.rfind(':');
  if (place.starts_with('[')) {
    const std::size_t close = place.find(']');
    if (close == std::string_view::npos) return bad("a bracket is open");
    url.host = place.substr(1, close - 1);
    colon = place.find(':', close);
  } else {
    url.host = place.substr(0, std::min(colon, place.size()));
  }
  url.port = colon == std::string_view::npos ? (url.tls ? "443" : "80") : std::string(place.substr(colon + 1));
  int port = 0;
  const auto read = std::from_chars(url.port.data(), url.port.data() + url.port.size(), port);
  if (url.host.empty()) return bad("it names no host");
  if (read.ec != std::errc() || read.ptr != url.port.data() + url.port.size() || port < 1 || port > 65535) return bad("its port is none");
  return url;
}

HttpReply http_exchange(const HttpAsk& ask, const std::function<bool(std::string_view)>& on_bytes) {
  return Exchange(ask, on_bytes).run();
}

}  // namespace plimsoll::llm
