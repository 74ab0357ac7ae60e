// SPDX-License-Identifier: Apache-2.0
// The gateway over real sockets: a scripted upstream, a client that reads and writes bytes, and faults, each by its name.
#include "serve/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "engine/ledger.h"

namespace plimsoll::serve {
namespace {

using namespace std::chrono_literals;

void send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

int bound_socket(std::uint16_t& port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&place), sizeof place), 0);
  socklen_t size = sizeof place;
  getsockname(fd, reinterpret_cast<sockaddr*>(&place), &size);
  port = ntohs(place.sin_port);
  return fd;
}

int connected(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  timeval wait{20, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(port);
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&place), sizeof place) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

std::string read_to_end(int fd) {
  std::string out;
  char piece[4096];
  while (true) {
    const ssize_t got = recv(fd, piece, sizeof piece, 0);
    if (got <= 0) return out;
    out.append(piece, static_cast<std::size_t>(got));
  }
}

// Reads one request (head and the length it states) and gives it to the script; the connection closes after.
class ScriptedUpstream {
 public:
  using Script = std::function<void(int fd, const std::string& request)>;
  explicit ScriptedUpstream(Script script) : script_(std::move(script)) {
    fd_ = bound_socket(port_);
    listen(fd_, 64);
    thread_ = std::thread([this] { accept_all(); });
  }
  ~ScriptedUpstream() {
    over_ = true;
    shutdown(fd_, SHUT_RDWR);
    close(fd_);
    thread_.join();
    for (std::thread& each : served_) each.join();
  }
  std::uint16_t port() const { return port_; }

 private:
  void accept_all() {
    while (!over_) {
      const int fd = accept(fd_, nullptr, nullptr);
      if (fd < 0) return;
      served_.emplace_back([this, fd] {
        std::string request;
        char piece[4096];
        std::size_t wanted = std::string::npos;
        while (request.size() < wanted) {
          const ssize_t got = recv(fd, piece, sizeof piece, 0);
          if (got <= 0) break;
          request.append(piece, static_cast<std::size_t>(got));
          const std::size_t end = request.find("\r\n\r\n");
          const std::size_t length = request.find("Content-Length: ");
          if (end != std::string::npos) wanted = end + 4 + (length == std::string::npos ? 0 : std::stoul(request.substr(length + 16)));
        }
        if (!request.empty()) script_(fd, request);
        close(fd);
      });
    }
  }
  Script script_;
  std::uint16_t port_ = 0;
  int fd_ = -1;
  std::atomic<bool> over_ = false;
  std::thread thread_;
  std::vector<std::thread> served_;
};

std::string ok(const std::string& body, const std::string& type = "application/json") {
  return "HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
const std::string stream_head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
std::string delta(const std::string& text) { return "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + text + "\"}}]}\n\n"; }

const std::string redact_all = "[[detector]]\nname = \"personal\"\n[[rule]]\nid = \"redact\"\nguard = [\"personal\"]\naction = \"redact\"\n";

class Gateway {
 public:
  Gateway(const std::string& name, const std::string& policy, std::uint16_t upstream, std::function<void(ServerOptions&)> change = {}) {
    folder = std::filesystem::path(testing::TempDir()) / ("plimsoll_gateway_" + name);
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    write(policy);
    ServerOptions options;
    options.policy = folder / "p.toml";
    options.upstream = {"127.0.0.1", std::to_string(upstream), "/v1"};
    options.listen = {"127.0.0.1", 0};
    options.drain_ms = 3000;
    options.policy_poll_ms = 20;
    options.say = [this](const std::string& words) { said += words + "\n"; };
    if (change) change(options);
    auto opened = Server::open(std::move(options));
    EXPECT_TRUE(opened.ok()) << opened.error().message();
    server = std::move(opened).value();
    thread = std::thread([this] { server->run(); });
  }
  ~Gateway() {
    server->drain();
    thread.join();
  }
  void write(const std::string& policy) const { std::ofstream(folder / "p.toml") << policy; }
  std::string send(const std::string& raw) const {
    const int fd = connected(server->port());
    send_all(fd, raw);
    std::string out = read_to_end(fd);
    close(fd);
    return out;
  }
  std::string post(const std::string& body, const std::string& path = "/v1/chat/completions", const std::string& more = {}) const {
    return send("POST " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n" + more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  std::string get(const std::string& path) const { return send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); }

  std::filesystem::path folder;
  std::unique_ptr<Server> server;
  std::thread thread;
  std::string said;
};

const std::string ask = R"({"model":"m","messages":[{"role":"user","content":"I am jane@mail.example, card 4111 1111 1111 1111"}]})";
const std::string ask_stream = R"({"stream":true,"messages":[{"role":"user","content":"hi"}]})";
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
unsigned status_of(const std::string& answer) { return answer.size() > 12 ? static_cast<unsigned>(std::stoi(answer.substr(9, 3))) : 0; }

TEST(Gateway, NothingPlantedReachesTheUpstreamNorComesBack) {
  std::string seen;
  ScriptedUpstream upstream([&seen](int fd, const std::string& request) {
    seen = request;
    send_all(fd, ok(R"({"choices":[{"message":{"role":"assistant","content":"call (212) 555-0123"}}],"x":1.0})"));
  });
  const Gateway gateway("whole", redact_all, upstream.port());
  const std::string answer = gateway.post(ask, "/v1/chat/completions", "Authorization: Bearer k\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n");
  EXPECT_EQ(status_of(answer), 200u) << answer;
  EXPECT_TRUE(has(answer, R"({"choices":[{"message":{"role":"assistant","content":"call [PHONE_1]"}}],"x":1.0})")) << answer;
  EXPECT_TRUE(has(answer, "x-guard-decision: redact"));
  EXPECT_TRUE(has(seen, R"({"model":"m","messages":[{"role":"user","content":"I am [EMAIL_1], card [CARD_1]"}]})")) << seen;
  EXPECT_TRUE(seen.starts_with("POST /v1/chat/completions HTTP/1.1")) << seen;
  EXPECT_TRUE(has(seen, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
  EXPECT_TRUE(has(seen, "Authorization: Bearer k"));
  const std::string metrics = gateway.get("/metrics");
  EXPECT_TRUE(has(metrics, "plimsoll_spans_found_total{detector=\"card\"} 1")) << metrics;
}

TEST(Gateway, StreamsPassThroughTheHoldBack) {
  ScriptedUpstream upstream([](int fd, const std::string&) {
    send_all(fd, stream_head + delta("Write to jane@ma") + delta("il.exa"));
    std::this_thread::sleep_for(20ms);
    send_all(fd, delta("mple, or") + "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
  });
  const Gateway gateway("stream", redact_all, upstream.port());
  const std::string answer = gateway.post(ask_stream);
  EXPECT_TRUE(has(answer, "Write to \"")) << answer;
  EXPECT_TRUE(has(answer, "[EMAIL_1], ")) << answer;
  EXPECT_TRUE(has(answer, "data: [DONE]"));
  EXPECT_FALSE(has(answer, "jane"));
  EXPECT_TRUE(answer.ends_with("0\r\n\r\n"));
}

TEST(Gateway, EdgesRefuseWhatTheyMust) {
  std::atomic<int> reached = 0;
  ScriptedUpstream upstream([&reached](int fd, const std::string&) {
    ++reached;
    send_all(fd, ok("{}"));
  });
  const Gateway gateway("edges", redact_all + "[limits]\nbody_bytes = 2000\nheader_bytes = 1000\nheader_ms = 200\n", upstream.port());
  EXPECT_EQ(status_of(gateway.get("/healthz")), 200u);
  EXPECT_EQ(status_of(gateway.get("/readyz")), 200u);
  EXPECT_EQ(status_of(gateway.get("/nowhere")), 404u);
  EXPECT_EQ(status_of(gateway.get("/v1/chat/completions")), 405u);
  for (const char* method : {"PUT", "DELETE", "QUERY", "TRACE"}) EXPECT_EQ(status_of(gateway.send(std::string(method) + " /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")), 405u) << method;
  EXPECT_EQ(status_of(gateway.post("{\"messages\":[],\"messages\":[]}")), 400u);  // duplicate keys
  EXPECT_EQ(status_of(gateway.post("{\"messages\":\"\xff\"}")), 400u);
  EXPECT_EQ(status_of(gateway.post("{}", "/v1/chat/completions", "Content-Encoding: gzip\r\n")), 415u);  // compressed bombs
  EXPECT_EQ(status_of(gateway.post(std::string(3000, ' '))), 413u);
  EXPECT_EQ(status_of(gateway.post("{}", "/v1/chat/completions", "X-Long: " + std::string(2000, 'x') + "\r\n")), 431u);
  // Request smuggling: two lengths, a length and chunks, a chunk that is none.
  const std::string head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  EXPECT_EQ(status_of(gateway.send(head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x")), 400u);
  EXPECT_EQ(status_of(gateway.send(head + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")), 400u);
  EXPECT_EQ(status_of(gateway.send(head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n")), 400u);
  EXPECT_EQ(status_of(gateway.send("rubbish\r\n\r\n")), 400u);
  EXPECT_EQ(gateway.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-Slow"), "");  // a slow head: the connection is closed
  EXPECT_EQ(reached.load(), 0);
}

TEST(Gateway, KeysRatesAndBudgets) {
  ScriptedUpstream upstream([](int fd, const std::string& request) { send_all(fd, ok(has(request, "secret-key") ? "{\"leak\":1}" : "{}")); });
  // sha256 of "secret-key"
  const Gateway gateway("keys", redact_all + "[[key]]\nname = \"team\"\nsha256 = \"85dbe15d75ef9308c7ae0f33c7a324cc6f4bf519a2ed2f3027bd33c140a4f9aa\"\nrequests_per_minute = 60\nburst = 3\n", upstream.port());
  EXPECT_EQ(status_of(gateway.post("{}")), 401u);
  EXPECT_EQ(status_of(gateway.post("{}", "/v1/embeddings", "Authorization: Bearer other\r\n")), 401u);
  int good = 0, full = 0;
  for (int i = 0; i < 8; ++i) {
    const std::string answer = gateway.post("{}", "/v1/embeddings", "Authorization: Bearer secret-key\r\n");
    EXPECT_FALSE(has(answer, "leak"));
    good += status_of(answer) == 200 ? 1 : 0;
    full += status_of(answer) == 429 ? 1 : 0;
  }
  EXPECT_GE(good, 3);
  EXPECT_EQ(good + full, 8);
  EXPECT_GE(full, 1);
}

TEST(Gateway, PolicyIsReadAgainAndABadOneLeavesTheOld) {
  ScriptedUpstream upstream([](int fd, const std::string& request) { send_all(fd, ok(has(request, "[EMAIL_1]") ? "{\"r\":1}" : "{\"r\":0}")); });
  Gateway gateway("reload", redact_all, upstream.port());
  EXPECT_TRUE(has(gateway.post(ask), "{\"r\":1}"));
  std::this_thread::sleep_for(30ms);
  gateway.write("[[detector]\n");
  for (int i = 0; i < 200 && !has(gateway.get("/metrics"), "plimsoll_policy_refused_total 1"); ++i) std::this_thread::sleep_for(20ms);
  EXPECT_TRUE(has(gateway.get("/metrics"), "plimsoll_policy_refused_total 1"));
  EXPECT_TRUE(has(gateway.post(ask), "{\"r\":1}"));
  gateway.write("[[detector]]\nname = \"none\"\ndetectors = [\"ip\"]\n");
  for (int i = 0; i < 200 && !has(gateway.get("/metrics"), "plimsoll_policy_reloads_total 1"); ++i) std::this_thread::sleep_for(20ms);
  EXPECT_TRUE(has(gateway.post(ask), "{\"r\":0}"));
}

// The twelve faults.

TEST(GatewayFault, UpstreamDead) {
  std::uint16_t port = 0;
  const int fd = bound_socket(port);
  close(fd);
  const Gateway gateway("dead", redact_all, port);
  EXPECT_EQ(status_of(gateway.post(ask)), 502u);
}

TEST(GatewayFault, UpstreamSlow) {
  ScriptedUpstream upstream([](int, const std::string&) { std::this_thread::sleep_for(400ms); });
  const Gateway gateway("slow", redact_all + "[limits]\nupstream_ms = 100\n", upstream.port());
  EXPECT_EQ(status_of(gateway.post(ask)), 504u);
}

TEST(GatewayFault, UpstreamResetsMidStream) {
  ScriptedUpstream upstream([](int fd, const std::string&) {
    send_all(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string event = delta("mail jane@ma");
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", event.size());
    send_all(fd, size + event + "\r\n");
  });
  const Gateway gateway("reset", redact_all, upstream.port());
  const std::string answer = gateway.post(ask_stream);
  EXPECT_TRUE(has(answer, "mail ")) << answer;
  EXPECT_TRUE(has(answer, "event: error")) << answer;
  EXPECT_FALSE(has(answer, "jane"));
}

TEST(GatewayFault, UpstreamSendsBadJson) {
  ScriptedUpstream upstream([](int fd, const std::string&) { send_all(fd, ok("{\"choices\":[{\"message\":{\"content\":\"a\"},\"message\":{\"content\":\"jane@mail.example\"}}]}")); });
  const Gateway gateway("json", redact_all, upstream.port());
  const std::string answer = gateway.post(ask);
  EXPECT_EQ(status_of(answer), 502u);
  EXPECT_FALSE(has(answer, "jane"));
}

TEST(GatewayFault, UpstreamSendsBadEvents) {
  ScriptedUpstream upstream([](int fd, const std::string&) { send_all(fd, stream_head + "jane@mail.example\n\n"); });
  const Gateway gateway("sse", redact_all, upstream.port());
  const std::string answer = gateway.post(ask_stream);
  EXPECT_TRUE(has(answer, "event: error")) << answer;
  EXPECT_FALSE(has(answer, "data: jane"));
}

TEST(GatewayFault, UpstreamSendsBadUtf8) {
  ScriptedUpstream upstream([](int fd, const std::string&) { send_all(fd, stream_head + delta("a\xff" "b")); });
  const Gateway gateway("utf8", redact_all, upstream.port());
  const std::string answer = gateway.post(ask_stream);
  EXPECT_TRUE(has(answer, "event: error")) << answer;
  EXPECT_FALSE(has(answer, "\xff"));
}

TEST(GatewayFault, UpstreamSendsAnEndlessBody) {
  ScriptedUpstream upstream([](int fd, const std::string&) {
    send_all(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n");
    for (int i = 0; i < 1000; ++i) {
      const std::string piece(4096, ' ');
      if (send(fd, piece.data(), piece.size(), MSG_NOSIGNAL) <= 0) return;
    }
  });
  const Gateway gateway("endless", redact_all + "[limits]\nanswer_bytes = 100000\n", upstream.port());
  EXPECT_EQ(status_of(gateway.post(ask)), 502u);
}

TEST(GatewayFault, ClientVanishes) {
  std::atomic<bool> ended = false;
  std::atomic<bool> asked = false;
  ScriptedUpstream upstream([&](int fd, const std::string&) {
    asked = true;
    char byte = 0;
    timeval wait{5, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    if (recv(fd, &byte, 1, 0) == 0) ended = true;  // the gateway let go
  });
  const Gateway gateway("vanish", redact_all, upstream.port());
  const int fd = connected(gateway.server->port());
  send_all(fd, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(ask.size()) + "\r\n\r\n" + ask);
  for (int i = 0; i < 200 && !asked; ++i) std::this_thread::sleep_for(10ms);
  close(fd);
  for (int i = 0; i < 200 && !ended; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(ended);
}

TEST(GatewayFault, DetectorThrows) {
  ScriptedUpstream upstream([](int fd, const std::string&) { send_all(fd, ok("{}")); });
  for (const auto& [on_error, status] : {std::pair{"open", 200u}, {"closed", 503u}}) {
    const Gateway gateway("throws", std::string("[[detector]]\nname = \"d\"\ntype = \"guard.test\"\nstages = [\"input\"]\non_error = \"") + on_error + "\"\n", upstream.port(),
                          [](ServerOptions& o) { o.look = [](const gateway::GuardSpec&, const gateway::Event&) -> gateway::Findings { throw std::bad_alloc(); }; });
    EXPECT_EQ(status_of(gateway.post(ask)), status) << on_error;
  }
}

TEST(GatewayFault, DetectorMissesItsDeadline) {
  ScriptedUpstream upstream([](int fd, const std::string&) { send_all(fd, ok("{}")); });
  for (const auto& [on_error, status] : {std::pair{"open", 200u}, {"closed", 503u}}) {
    const Gateway gateway("late", std::string("[[detector]]\nname = \"d\"\ntype = \"guard.test\"\ntimeout_ms = 30\nstages = [\"input\"]\non_error = \"") + on_error + "\"\n", upstream.port(),
                          [](ServerOptions& o) {
                            o.look = [](const gateway::GuardSpec&, const gateway::Event&) -> gateway::Findings {
                              std::this_thread::sleep_for(300ms);
                              return {};
                            };
                          });
    EXPECT_EQ(status_of(gateway.post(ask)), status) << on_error;
  }
  std::this_thread::sleep_for(350ms);  // the late work ends before the test does
}

TEST(GatewayFault, LedgerDiskFull) {
  ScriptedUpstream upstream([](int fd, const std::string&) { send_all(fd, ok("{}")); });
  for (const auto& [on_error, wanted] : {std::pair{"open", 200u}, {"closed", 503u}}) {
    const Gateway gateway("full", redact_all + "[log]\npath = \"d.db\"\nmode = \"before\"\non_error = \"" + on_error + "\"\n", upstream.port(), [](ServerOptions& o) { o.ledger_pages = 8; });
    unsigned last = 0;
    for (int i = 0; i < 120 && last != 503; ++i) last = status_of(gateway.post(ask));
    EXPECT_EQ(last, wanted) << on_error;
    EXPECT_TRUE(has(gateway.get("/readyz"), "not ready"));
    const LedgerCheck check = check_ledger(gateway.folder / "d.db").value();
    EXPECT_EQ(check.bad, 0) << check.fault;
  }
}

// With the log written before, every decision whose answer a client has seen is in the chain, and the chain is whole.
TEST(GatewayFault, KilledDuringLoad) {
  ScriptedUpstream upstream([](int fd, const std::string&) { send_all(fd, ok("{}")); });
  const auto folder = std::filesystem::path(testing::TempDir()) / "plimsoll_gateway_killed";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "p.toml") << redact_all + "[log]\npath = \"d.db\"\nmode = \"before\"\n";
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    ServerOptions options;
    options.policy = folder / "p.toml";
    options.upstream = {"127.0.0.1", std::to_string(upstream.port()), "/v1"};
    options.listen = {"127.0.0.1", 0};
    auto server = Server::open(std::move(options));
    const std::uint16_t port = server.ok() ? server.value()->port() : 0;
    if (write(ends[1], &port, sizeof port) != sizeof port || port == 0) _exit(1);
    server.value()->run();
    _exit(0);
  }
  std::uint16_t port = 0;
  ASSERT_EQ(read(ends[0], &port, sizeof port), static_cast<ssize_t>(sizeof port));
  ASSERT_NE(port, 0);
  std::atomic<int> seen = 0;
  std::atomic<bool> over = false;
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c)
    clients.emplace_back([&] {
      while (!over) {
        const int fd = connected(port);
        if (fd < 0) return;
        send_all(fd, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " + std::to_string(ask.size()) + "\r\n\r\n" + ask);
        if (status_of(read_to_end(fd)) == 200) ++seen;
        close(fd);
      }
    });
  for (int i = 0; i < 500 && seen < 40; ++i) std::this_thread::sleep_for(10ms);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  over = true;
  for (std::thread& each : clients) each.join();
  EXPECT_GE(seen.load(), 40);
  const LedgerCheck check = check_ledger(folder / "d.db").value();
  EXPECT_EQ(check.bad, 0) << check.fault;
  EXPECT_GE(check.records, seen.load());
}

TEST(Gateway, DrainEndsOpenStreamsInPeace) {
  ScriptedUpstream upstream([](int fd, const std::string&) {
    send_all(fd, stream_head + delta("one. "));
    std::this_thread::sleep_for(300ms);
    send_all(fd, delta("two. ") + "data: [DONE]\n\n");
  });
  std::string answer;
  {
    const Gateway gateway("drain", redact_all, upstream.port());
    std::thread client([&] { answer = gateway.post(ask_stream); });
    std::this_thread::sleep_for(100ms);
    gateway.server->drain();
    client.join();
  }
  EXPECT_TRUE(has(answer, "two. ")) << answer;
  EXPECT_TRUE(has(answer, "[DONE]"));
}

TEST(Address, PortsAreCheckedNotCut) {
  EXPECT_TRUE(parse_address("127.0.0.1:8080").ok());
  for (const char* bad : {"127.0.0.1:99174", "8080", ":80", "h:-1", "h:x", "h:"}) EXPECT_FALSE(parse_address(bad).ok()) << bad;
  EXPECT_EQ(parse_upstream("http://h:9/v1/").value().path, "/v1");
  EXPECT_EQ(parse_upstream("http://h").value().port, "80");
  for (const char* bad : {"https://h/v1", "h:9", "http://", "http://h:0", "http://u@h", "http://h/v1?x"}) EXPECT_FALSE(parse_upstream(bad).ok()) << bad;
}

}  // namespace
}  // namespace plimsoll::serve
