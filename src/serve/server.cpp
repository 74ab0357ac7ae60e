// SPDX-License-Identifier: Apache-2.0
// One io_context on one thread; a coroutine a connection. Asio 1.74 wants <utility> before it.
#if defined(__clang__) && !defined(BOOST_ASIO_HAS_CO_AWAIT)
#define BOOST_ASIO_HAS_CO_AWAIT 1  // Asio 1.74 looks for a header that clang has dropped
#endif

#include "serve/server.h"

#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <atomic>
#include <chrono>
#include <ctime>
#include <deque>
#include <set>
#include <vector>

#include "base/hash.h"
#include "engine/ledger.h"
#include "serve/counters.h"
#include "serve/guard_runner.h"
#include "serve/key_gate.h"

namespace plimsoll::serve {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = net::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using gateway::Action;
using gateway::OnError;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

namespace {
struct Connection {
  explicit Connection(tcp::socket socket) : stream(std::move(socket)) {}
  explicit Connection(net::io_context& io) : stream(io) {}
  beast::tcp_stream stream;
  beast::flat_buffer buffer;
};

net::redirect_error_t<std::decay_t<decltype(net::use_awaitable)>> into(error_code& ec) { return net::redirect_error(net::use_awaitable, ec); }

std::string error_body(const std::string& type, const std::string& what, const std::string& id, const std::string& rule = {}) {
  return "{\"error\":{\"type\":\"" + type + "\",\"message\":\"" + gateway::json_escaped(what) + "\",\"rule\":\"" + gateway::json_escaped(rule) + "\",\"request_id\":\"" + id + "\"}}";
}

std::string time_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

bool hop_by_hop(http::field field) {
  switch (field) {
    case http::field::connection:
    case http::field::keep_alive:
    case http::field::proxy_authenticate:
    case http::field::proxy_authorization:
    case http::field::proxy_connection:
    case http::field::te:
    case http::field::trailer:
    case http::field::transfer_encoding:
    case http::field::upgrade:
    case http::field::host:
    case http::field::content_length:
    case http::field::accept_encoding:
    case http::field::expect: return true;
    default: return false;
  }
}

}  // namespace

struct Server::State {
  ServerOptions options;
  net::io_context io{1};
  tcp::acceptor acceptor{io};
  std::unique_ptr<gateway::PolicyHolder> policies;
  std::unique_ptr<Ledger> ledger;
  Counters counters;
  std::deque<std::unique_ptr<Connection>> idle_upstreams;
  std::set<beast::tcp_stream*> idle;  // connections that wait for a request
  KeyGate keys;
  std::uint64_t serial = mix64(static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()));
  std::int64_t open = 0;
  std::atomic<bool> draining = false;
  std::atomic<bool> log_broken = false;
  std::filesystem::file_time_type policy_time;
  net::steady_timer poll{io};
  net::steady_timer drain_timer{io};

  void say(const std::string& words) const {
    if (options.say) options.say(words);
  }
  std::string next_id() {
    constexpr std::string_view digits = "0123456789abcdef";
    std::uint64_t value = mix64(++serial);
    std::string id = "req-";
    for (int i = 0; i < 16; ++i, value >>= 4) id += digits[value & 15u];
    return id;
  }
  std::map<std::string, std::int64_t> gauges() const {
    const LedgerCounts log = ledger ? ledger->counts() : LedgerCounts{};
    return {{"plimsoll_connections", open},
            {"plimsoll_log_waiting", log.waiting},
            {"plimsoll_log_records_total", log.records},
            {"plimsoll_log_failed_total", log.failed},
            {"plimsoll_policy_reloads_total", policies->reloaded()},
            {"plimsoll_policy_refused_total", policies->refused()},
            {"plimsoll_draining", draining ? 1 : 0}};
  }
  bool ready() const { return !draining && !log_broken; }

  net::awaitable<void> listen();
  net::awaitable<void> session(std::shared_ptr<Connection> client);
  net::awaitable<void> watch_policy();
  net::awaitable<void> end_when_idle();
  net::awaitable<bool> serve_one(Connection& client, Request& request);
  net::awaitable<void> reply(Connection& client, const Request& request, unsigned status, std::string body, std::string type, std::string id = {}, std::string decision = {});
  net::awaitable<bool> proxy(Connection& client, Request& request, gateway::Dialect dialect);
  net::awaitable<bool> forward(Connection& client, Request& request, gateway::Exchange& exchange, std::string body, const std::string& id);
  net::awaitable<bool> relay_stream(Connection& client, const Request& request, Connection& up, http::response_parser<http::buffer_body>& parser, gateway::Exchange& exchange, const std::string& id);
  net::awaitable<bool> relay_whole(Connection& client, const Request& request, Connection& up, http::response_parser<http::buffer_body>& parser, gateway::Exchange& exchange, const std::string& id);
  net::awaitable<std::unique_ptr<Connection>> connect(Request& out, error_code& ec, std::int64_t wait_ms);
  net::awaitable<bool> record(gateway::Exchange& exchange);
};

net::awaitable<void> Server::State::listen() {
  while (true) {
    error_code ec;
    tcp::socket socket = co_await acceptor.async_accept(into(ec));
    if (draining || ec == net::error::operation_aborted) co_return;
    if (ec) continue;
    socket.set_option(tcp::no_delay(true), ec);
    net::co_spawn(io, session(std::make_shared<Connection>(std::move(socket))), net::detached);
  }
}

net::awaitable<void> Server::State::session(std::shared_ptr<Connection> client) {
  ++open;
  const auto policy = policies->current();
  bool again = open <= policy->limits.connections;
  if (!again) {
    Request none;
    none.keep_alive(false);
    counters.add("plimsoll_refused_total", "reason=\"connections\"");
    co_await reply(*client, none, 429, error_body("busy", "too many connections", ""), "application/json");
  }
  while (again && !draining) {
    error_code ec;
    http::request_parser<http::string_body> parser;
    const gateway::Limits limits = policies->current()->limits;
    parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    parser.body_limit(static_cast<std::uint64_t>(limits.body_bytes));
    if (client->buffer.size() == 0) {  // between requests a connection may rest; a head that has begun may not
      idle.insert(&client->stream);
      client->stream.expires_after(std::chrono::seconds(75));
      const std::size_t got = co_await client->stream.async_read_some(client->buffer.prepare(4096), into(ec));
      idle.erase(&client->stream);
      if (ec) break;
      client->buffer.commit(got);
    }
    client->stream.expires_after(std::chrono::milliseconds(limits.header_ms));
    co_await http::async_read_header(client->stream, client->buffer, parser, into(ec));
    if (!ec && parser.get().count(http::field::expect) > 0 && beast::iequals(parser.get()[http::field::expect], "100-continue")) {
      const std::string words = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await net::async_write(client->stream, net::buffer(words), into(ec));
    }
    if (!ec) {
      client->stream.expires_after(std::chrono::milliseconds(limits.header_ms * 4));
      co_await http::async_read(client->stream, client->buffer, parser, into(ec));
    }
    if (ec) {
      const unsigned status = ec == http::error::body_limit ? 413 : ec == http::error::header_limit ? 431 : ec == beast::error::timeout || ec == http::error::end_of_stream || ec == net::error::eof ? 0 : 400;  // after a time-out Beast has closed the socket
      if (status != 0) {
        Request none;
        none.keep_alive(false);
        counters.add("plimsoll_refused_total", "reason=\"" + std::to_string(status) + "\"");
        client->stream.expires_after(std::chrono::seconds(2));
        co_await reply(*client, none, status, error_body("bad_request", ec.message(), ""), "application/json");
      }
      break;
    }
    Request request = parser.release();
    client->stream.expires_never();
    again = co_await serve_one(*client, request);
  }
  error_code ignored;
  client->stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
  --open;
}

net::awaitable<void> Server::State::reply(Connection& client, const Request& request, unsigned status, std::string body, std::string type, std::string id, std::string decision) {
  Response out{static_cast<http::status>(status), 11};
  out.set(http::field::content_type, type);
  out.set(http::field::cache_control, "no-store");
  if (!id.empty()) out.set("x-guard-request-id", id);
  if (!decision.empty()) out.set("x-guard-decision", decision);
  if (status == 405) out.set(http::field::allow, "GET, POST");
  if (status == 429) out.set(http::field::retry_after, "1");
  out.body() = std::move(body);
  out.keep_alive(request.keep_alive() && !draining);
  out.prepare_payload();
  error_code ec;
  client.stream.expires_after(std::chrono::seconds(30));
  co_await http::async_write(client.stream, out, into(ec));
}

net::awaitable<bool> Server::State::serve_one(Connection& client, Request& request) {
  const auto begun = Clock::now();
  const std::string target(request.target());
  const std::string path = target.substr(0, target.find('?'));
  const bool get = request.method() == http::verb::get;
  bool again = request.keep_alive();
  const auto answer = [&](unsigned status, std::string body, const std::string& type = "application/json") { return reply(client, request, status, std::move(body), type); };
  if (!get && request.method() != http::verb::post) {
    co_await answer(405, error_body("method_not_allowed", "GET or POST", ""));
  } else if (get && path == "/healthz") {
    co_await answer(200, "{\"status\":\"live\"}");
  } else if (get && path == "/readyz") {
    co_await answer(ready() ? 200 : 503, ready() ? "{\"status\":\"ready\"}" : "{\"status\":\"not ready\"}");
  } else if (get && path == "/metrics") {
    co_await answer(200, counters.text(gauges()), "text/plain; version=0.0.4; charset=utf-8");
  } else if (const auto dialect = gateway::dialect_of(path); !dialect) {
    co_await answer(404, error_body("not_found", "known are POST /v1/chat/completions, /v1/completions, /v1/responses, /v1/embeddings and /v1/messages", ""));
  } else if (get) {
    co_await answer(405, error_body("method_not_allowed", "this path takes POST", ""));
  } else if (const auto encoding = request.find(http::field::content_encoding); encoding != request.end() && !beast::iequals(encoding->value(), "identity")) {
    co_await answer(415, error_body("bad_request", "compressed bodies are not taken: send it plain", ""));
  } else {
    again = co_await proxy(client, request, *dialect) && again;
    counters.took(std::chrono::duration<double>(Clock::now() - begun).count());
  }
  co_return again && !draining;
}

// Hands the records of an exchange to the log; false if the policy wants the request refused because that failed.
net::awaitable<bool> Server::State::record(gateway::Exchange& exchange) {
  std::vector<std::string> records = exchange.take_records();
  if (!ledger || records.empty()) co_return true;
  const gateway::LogSpec& log = exchange.policy().log;
  const bool open_on_error = log.on_error == OnError::open;
  struct Wait {
    explicit Wait(net::io_context& context) : timer(context, net::steady_timer::time_point::max()) {}
    net::steady_timer timer;
    std::size_t left = 0;
    bool good = true;
  };
  const auto wait = std::make_shared<Wait>(io);
  wait->left = records.size();
  bool taken = true;
  for (std::string& record : records) {
    const auto done = [this, wait](const Result<std::int64_t>& at) {
      log_broken = !at.ok();
      net::post(io, [wait, good = at.ok()] {
        wait->good = wait->good && good;
        if (--wait->left == 0) wait->timer.cancel();
      });
    };
    if (!ledger->append(std::move(record), done).ok()) {
      taken = false;
      --wait->left;
    }
  }
  if (log.before && wait->left > 0) {
    error_code ec;
    co_await wait->timer.async_wait(into(ec));
    taken = taken && wait->good;
  } else if (!log.before && log_broken) {
    taken = false;
  }
  co_return taken || open_on_error;
}

net::awaitable<bool> Server::State::proxy(Connection& client, Request& request, gateway::Dialect dialect) {
  const auto policy = policies->current();
  const std::string id = next_id();
  const std::string named = "dialect=\"" + std::string(gateway::name_of(dialect)) + "\",status=\"";
  const auto refuse = [&](unsigned status, const std::string& type, const std::string& what, const std::string& rule = {}, const std::string& decision = {}) {
    counters.add("plimsoll_requests_total", named + std::to_string(status) + "\"");
    return reply(client, request, status, error_body(type, what, id, rule), "application/json", id, decision);
  };
  std::string key, why;
  std::string given(request[http::field::authorization]);
  if (given.empty()) given = std::string(request["x-api-key"]);
  if (const unsigned status = keys.refusal(*policy, std::move(given), key, why); status != 0) {
    co_await refuse(status, status == 401 ? "unauthenticated" : "busy", why);
    co_return true;
  }
  const gateway::Look look = options.look ? bounded(options.look) : bounded(&look_by_method);
  gateway::Exchange exchange(policy, dialect, {id, time_now(), key}, look);
  auto verdict = exchange.request(std::move(request.body()));
  if (!verdict) {
    co_await refuse(400, "bad_request", verdict.error().message());
    co_return true;
  }
  if (!co_await record(exchange)) {
    co_await refuse(503, "guard_unavailable", "the log can not be written");
    co_return true;
  }
  if (verdict->action >= Action::escalate) {
    counters.add("plimsoll_decisions_total", "action=\"" + std::string(gateway::name_of(verdict->action)) + "\"");
    const bool unavailable = verdict->rule == "on_error";
    co_await refuse(unavailable ? 503 : 403, unavailable ? "guard_unavailable" : verdict->action == Action::block ? "guard_block" : "guard_escalate",
                    unavailable ? "a detector gave no answer" : "a rule of the policy stopped this request", verdict->rule, std::string(gateway::name_of(verdict->action)));
    co_return true;
  }
  const bool again = co_await forward(client, request, exchange, std::move(verdict->body), id);
  counters.add("plimsoll_decisions_total", "action=\"" + std::string(gateway::name_of(exchange.strongest())) + "\"");
  for (const auto& [detector, count] : exchange.counts()) counters.add("plimsoll_spans_found_total", "detector=\"" + detector + "\"", count);
  co_return again;
}

// Sends the request on a kept connection or a new one; a kept one may have been closed meanwhile, so that is tried again once.
net::awaitable<std::unique_ptr<Connection>> Server::State::connect(Request& out, error_code& ec, std::int64_t wait_ms) {
  const auto wait = std::chrono::milliseconds(wait_ms);
  while (!idle_upstreams.empty()) {
    std::unique_ptr<Connection> kept = std::move(idle_upstreams.back());
    idle_upstreams.pop_back();
    error_code peek;
    kept->stream.socket().non_blocking(true, peek);
    char byte = 0;
    kept->stream.socket().receive(net::buffer(&byte, 1), tcp::socket::message_peek, peek);
    if (peek != net::error::would_block) continue;  // closed, or has something to say that no one asked for
    kept->stream.expires_after(wait);
    co_await http::async_write(kept->stream, out, into(ec));
    if (!ec) co_return kept;
  }
  auto fresh = std::make_unique<Connection>(io);
  tcp::resolver resolver(io);
  const auto found = co_await resolver.async_resolve(options.upstream.host, options.upstream.port, into(ec));
  if (ec) co_return nullptr;
  fresh->stream.expires_after(std::min<std::chrono::milliseconds>(wait, std::chrono::seconds(10)));
  co_await fresh->stream.async_connect(found, into(ec));
  if (ec) co_return nullptr;
  fresh->stream.socket().set_option(tcp::no_delay(true), ec);
  fresh->stream.expires_after(wait);
  co_await http::async_write(fresh->stream, out, into(ec));
  if (ec) co_return nullptr;
  co_return fresh;
}

net::awaitable<bool> Server::State::forward(Connection& client, Request& request, gateway::Exchange& exchange, std::string body, const std::string& id) {
  const gateway::Policy& policy = exchange.policy();
  Request out{http::verb::post, "", 11};
  for (const auto& field : request.base()) {
    if (hop_by_hop(field.name()) || beast::iequals(field.name_string(), "x-guard-request-id")) continue;
    if (field.name() == http::field::authorization && !policy.keys.empty()) continue;
    if (beast::iequals(field.name_string(), "x-api-key") && !policy.keys.empty()) continue;
    out.insert(field.name_string(), field.value());
  }
  const std::string target(request.target());
  out.target(options.upstream.path.ends_with("/v1") ? options.upstream.path + target.substr(target.find("/v1/") + 3) : options.upstream.path + target);
  out.set(http::field::host, options.upstream.host + ":" + options.upstream.port);
  out.set(http::field::accept_encoding, "identity");
  if (!policy.upstream_key_env.empty())
    if (const char* secret = std::getenv(policy.upstream_key_env.c_str())) out.set(http::field::authorization, std::string("Bearer ") + secret);
  out.body() = std::move(body);
  out.prepare_payload();
  error_code ec;
  std::unique_ptr<Connection> up = co_await connect(out, ec, policy.limits.upstream_ms);
  http::response_parser<http::buffer_body> parser;
  parser.header_limit(64 << 10);
  parser.body_limit(static_cast<std::uint64_t>(policy.limits.answer_bytes));
  // While the upstream thinks, the client may go: then the upstream's connection is closed, and with it the work there.
  const auto alive = std::make_shared<beast::tcp_stream*>(up ? &up->stream : nullptr);
  if (up) {
    client.stream.socket().async_wait(tcp::socket::wait_read, [alive, &client](error_code waited) {
      if (waited || !*alive) return;
      error_code peeked;
      char byte = 0;
      client.stream.socket().non_blocking(true, peeked);
      const std::size_t got = client.stream.socket().receive(net::buffer(&byte, 1), tcp::socket::message_peek, peeked);
      if (got == 0 && peeked != net::error::would_block) (*alive)->close();
    });
    up->stream.expires_after(std::chrono::milliseconds(policy.limits.upstream_ms));
    co_await http::async_read_header(up->stream, up->buffer, parser, into(ec));
  }
  bool again = false;
  if (!up || ec) {
    counters.add("plimsoll_upstream_errors_total", ec == beast::error::timeout ? "kind=\"timeout\"" : "kind=\"unreachable\"");
    const unsigned status = ec == beast::error::timeout ? 504 : 502;
    co_await reply(client, request, status, error_body(status == 504 ? "timeout" : "upstream", "the upstream gave no answer: " + ec.message(), id), "application/json", id);
    again = true;
  } else {
    const std::string type(parser.get()[http::field::content_type]);
    const bool stream = type.starts_with("text/event-stream");
    again = stream ? co_await relay_stream(client, request, *up, parser, exchange, id) : co_await relay_whole(client, request, *up, parser, exchange, id);
  }
  *alive = nullptr;
  error_code ignored;
  client.stream.socket().cancel(ignored);
  if (up && again && !ec && parser.is_done() && parser.keep_alive() && up->buffer.size() == 0 && idle_upstreams.size() < 256) {
    up->stream.expires_never();
    idle_upstreams.push_back(std::move(up));
  }
  co_return again;
}

net::awaitable<bool> Server::State::relay_whole(Connection& client, const Request& request, Connection& up, http::response_parser<http::buffer_body>& parser, gateway::Exchange& exchange, const std::string& id) {
  const std::string named = "dialect=\"any\",status=\"";
  error_code ec;
  std::string body;
  std::array<char, 16384> piece{};
  while (!parser.is_done()) {
    parser.get().body().data = piece.data();
    parser.get().body().size = piece.size();
    up.stream.expires_after(std::chrono::milliseconds(exchange.policy().limits.upstream_ms));
    co_await http::async_read(up.stream, up.buffer, parser, into(ec));
    if (ec == http::error::need_buffer) ec = {};
    body.append(piece.data(), piece.size() - parser.get().body().size);
    if (ec || body.size() > static_cast<std::size_t>(exchange.policy().limits.answer_bytes)) break;
  }
  const auto encoding = parser.get()[http::field::content_encoding];
  const bool plain = encoding.empty() || beast::iequals(encoding, "identity");
  const unsigned status = parser.get().result_int();
  std::string failure = ec ? "the upstream broke off: " + ec.message() : !plain ? "the upstream sent a compressed answer" : "";
  if (failure.empty()) {
    auto verdict = exchange.answer(body);
    if (!verdict) failure = "the upstream's answer was not taken: " + verdict.error().message();
    else if (!co_await record(exchange)) {
      co_await reply(client, request, 503, error_body("guard_unavailable", "the log can not be written", id), "application/json", id);
      co_return true;
    } else if (verdict->action >= Action::escalate) {
      co_await reply(client, request, 403, error_body(verdict->action == Action::block ? "guard_block" : "guard_escalate", "a rule of the policy stopped the answer", id, verdict->rule), "application/json", id,
                     std::string(gateway::name_of(verdict->action)));
      co_return true;
    } else {
      body = std::move(verdict->body);
    }
  }
  if (!failure.empty()) {
    counters.add("plimsoll_upstream_errors_total", "kind=\"answer\"");
    co_await reply(client, request, ec == beast::error::timeout ? 504 : 502, error_body("upstream", failure, id), "application/json", id);
    co_return !ec;
  }
  counters.add("plimsoll_requests_total", named + std::to_string(status) + "\"");
  Response out{static_cast<http::status>(status), 11};
  for (const auto& field : parser.get().base())
    if (!hop_by_hop(field.name())) out.insert(field.name_string(), field.value());
  out.set("x-guard-request-id", id);
  out.set("x-guard-decision", std::string(gateway::name_of(exchange.strongest())));
  out.body() = std::move(body);
  out.keep_alive(request.keep_alive() && !draining);
  out.prepare_payload();
  client.stream.expires_after(std::chrono::seconds(60));
  co_await http::async_write(client.stream, out, into(ec));
  co_return !ec;
}

net::awaitable<bool> Server::State::relay_stream(Connection& client, const Request& request, Connection& up, http::response_parser<http::buffer_body>& parser, gateway::Exchange& exchange, const std::string& id) {
  error_code ec, out_ec;
  http::response<http::empty_body> head{parser.get().result(), 11};
  for (const auto& field : parser.get().base())
    if (!hop_by_hop(field.name())) head.insert(field.name_string(), field.value());
  head.set("x-guard-request-id", id);
  head.chunked(true);
  head.keep_alive(request.keep_alive() && !draining);
  http::response_serializer<http::empty_body> serializer{head};
  client.stream.expires_after(std::chrono::seconds(60));
  co_await http::async_write_header(client.stream, serializer, into(out_ec));
  std::array<char, 8192> piece{};
  std::string failure;
  const auto send = [&](const std::string& text) -> net::awaitable<void> {
    if (text.empty() || out_ec) co_return;
    client.stream.expires_after(std::chrono::seconds(60));
    co_await net::async_write(client.stream, http::make_chunk(net::buffer(text)), into(out_ec));
  };
  while (!parser.is_done() && !out_ec && failure.empty() && !exchange.stopped()) {
    parser.get().body().data = piece.data();
    parser.get().body().size = piece.size();
    up.stream.expires_after(std::chrono::milliseconds(exchange.policy().limits.upstream_ms));
    co_await http::async_read_some(up.stream, up.buffer, parser, into(ec));
    if (ec == http::error::need_buffer) ec = {};
    const std::size_t got = piece.size() - parser.get().body().size;
    if (got > 0) {
      auto text = exchange.stream(std::string_view(piece.data(), got));
      if (!text) failure = text.error().message();
      else co_await send(*text);
    }
    if (ec) failure = "the upstream broke off: " + ec.message();
  }
  std::string last;
  if (failure.empty() && !exchange.stopped()) {
    auto rest = exchange.stream_end();
    if (!rest) failure = rest.error().message();
    else last = std::move(*rest);
  }
  if (!failure.empty()) {
    counters.add("plimsoll_upstream_errors_total", "kind=\"stream\"");
    last = gateway::sse_text("error", error_body("upstream", failure, id));
  }
  if (!co_await record(exchange)) last = gateway::sse_text("error", error_body("guard_unavailable", "the log can not be written", id));
  co_await send(last);
  if (!out_ec) co_await net::async_write(client.stream, http::make_chunk_last(), into(out_ec));
  counters.add("plimsoll_requests_total", "dialect=\"any\",status=\"" + std::string(failure.empty() && !out_ec ? "200" : "broken") + "\"");
  if (exchange.stopped() || out_ec) up.stream.close();
  co_return !out_ec && failure.empty() && !exchange.stopped();
}

// The drain's own timer must not keep run() once the last connection is gone.
net::awaitable<void> Server::State::end_when_idle() {
  net::steady_timer pause(io);
  for (error_code ec; open != 0;) {
    pause.expires_after(std::chrono::milliseconds(20));
    co_await pause.async_wait(into(ec));
  }
  drain_timer.cancel();
}

net::awaitable<void> Server::State::watch_policy() {
  while (!draining) {
    error_code ec;
    poll.expires_after(std::chrono::milliseconds(options.policy_poll_ms));
    co_await poll.async_wait(into(ec));
    if (ec || draining) co_return;
    std::error_code gone;
    const auto time = std::filesystem::last_write_time(options.policy, gone);
    if (gone || time == policy_time) continue;
    policy_time = time;
    const auto done = policies->reload(options.policy);
    say(done.ok() ? "policy read again: " + policies->current()->hash : "policy not taken, the one before stays: " + done.error().message());
  }
}

Server::Server() : state_(std::make_unique<State>()) {}
Server::~Server() = default;
Result<std::unique_ptr<Server>> Server::open(ServerOptions options) {
  std::unique_ptr<Server> server(new Server);
  State& s = *server->state_;
  s.options = std::move(options);
  PLIMSOLL_TRY(const Document document, read_document(s.options.policy));
  PLIMSOLL_TRY(const auto policy, gateway::read_policy(document));
  std::error_code ignored;
  s.policy_time = std::filesystem::last_write_time(s.options.policy, ignored);
  s.policies = std::make_unique<gateway::PolicyHolder>(policy);
  if (!policy->log.path.empty()) {
    const std::filesystem::path path = s.options.policy.parent_path() / policy->log.path;
    LedgerOptions log;
    log.most_pages = s.options.ledger_pages;
    PLIMSOLL_TRY(s.ledger, Ledger::open(path, log));
  }
  error_code ec;
  const auto host = net::ip::make_address(s.options.listen.host == "localhost" ? "127.0.0.1" : s.options.listen.host, ec);
  if (ec) return Error(ErrorCode::bad_parameter, "'" + s.options.listen.host + "' is no address of this machine", "Give a number such as 127.0.0.1 or 0.0.0.0.").in_parameter("listen");
  const tcp::endpoint place(host, s.options.listen.port);
  s.acceptor.open(place.protocol(), ec);
  if (!ec) s.acceptor.set_option(net::socket_base::reuse_address(true), ec);
  if (!ec) s.acceptor.bind(place, ec);
  if (!ec) s.acceptor.listen(1024, ec);
  if (ec) return Error(ErrorCode::unavailable, "cannot listen on " + s.options.listen.host + ":" + std::to_string(s.options.listen.port) + ": " + ec.message(), "Give a free port, or end what holds it.").in_parameter("listen");
  return server;
}

std::uint16_t Server::port() const {
  error_code ec;
  return state_->acceptor.local_endpoint(ec).port();
}

void Server::run() {
  net::co_spawn(state_->io, state_->listen(), net::detached);
  net::co_spawn(state_->io, state_->watch_policy(), net::detached);
  state_->io.run();
}

void Server::drain() {
  net::post(state_->io, [s = state_.get()] {
    if (s->draining.exchange(true)) return;
    error_code ec;
    s->acceptor.close(ec);
    s->poll.cancel();
    for (beast::tcp_stream* stream : s->idle) stream->cancel();
    s->idle_upstreams.clear();
    s->drain_timer.expires_after(std::chrono::milliseconds(s->options.drain_ms));
    s->drain_timer.async_wait([s](error_code ended) { if (!ended) s->io.stop(); });
    net::co_spawn(s->io, s->end_when_idle(), net::detached);
  });
}

std::string Server::metrics() const { return state_->counters.text(state_->gauges()); }

}  // namespace plimsoll::serve
