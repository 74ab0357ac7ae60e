// SPDX-License-Identifier: Apache-2.0
// Retries: on 408, 409, 425, 429, 5xx, a fault of the line or a timeout, after min(60, first_wait 2^a) U(0.5, 1.5) seconds or
// what Retry-After says, within the request's deadline; the draw is keyed by the request, so it does not hang on the order of
// requests. A stream whose text was handed on is not tried again. 401 and 403 end everything at once.
// Budget: before a request its dearest end is set aside (a token has at least one byte), so the limit is never passed.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/hash.h"
#include "base/json.h"
#include "base/philox.h"
#include "llm/dialect.h"
#include "llm/endpoints.h"
#include "llm/http_exchange.h"
#include "llm/server_events.h"

namespace plimsoll::llm {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

bool worth_another(const HttpReply& reply) {
  if (reply.fault == HttpFault::unreachable || reply.fault == HttpFault::timeout || reply.fault == HttpFault::broken) return true;
  const int s = reply.status;
  return reply.fault == HttpFault::none && (s == 408 || s == 409 || s == 425 || s == 429 || s >= 500) && s != 501;
}

std::string first_words(const std::string& body) {
  const auto json = parse_json(body, "reply");
  if (json && json->is_object() && json->contains("error") && (*json)["error"].is_object() && (*json)["error"].contains("message") &&
      (*json)["error"]["message"].is_string()) {
    return (*json)["error"]["message"].get<std::string>().substr(0, 300);
  }
  return "HTTP " + std::string(json ? "error" : "error without a JSON reply");
}

// What is spent and set aside, of all requests together.
class Budget {
 public:
  explicit Budget(const EndpointSpec& spec) : spec_(spec) {}
  double worst(std::size_t bytes, std::int64_t out) const {
    return (static_cast<double>(bytes) * spec_.price.input + static_cast<double>(out) * spec_.price.output) / 1e6;
  }
  Result<void> set_aside(double money) {
    const std::lock_guard lock(mutex_);
    const auto spent = [](const char* what, const char* name) {
      return Error(ErrorCode::denied, std::string("the endpoint's budget of ") + what + " is spent", std::string("Raise ") + name).in_parameter(name);
    };
    if (money > 0 && money_ + aside_ + money > spec_.most_money) return spent("money", "most_money");
    if (spec_.most_tokens > 0 && tokens_ >= spec_.most_tokens) return spent("tokens", "most_tokens");
    if (spec_.most_seconds > 0 && seconds_ >= spec_.most_seconds) return spent("time", "most_seconds");
    aside_ += money;
    return {};
  }
  void settle(double aside, Answer& answer) {
    const std::lock_guard lock(mutex_);
    const auto fresh = static_cast<double>(answer.tokens_in - answer.tokens_cached);
    answer.money = (fresh * spec_.price.input + static_cast<double>(answer.tokens_cached) * spec_.price.cached +
                    static_cast<double>(answer.tokens_out) * spec_.price.output) / 1e6;
    aside_ -= aside;
    money_ += answer.money;
    tokens_ += answer.tokens_in + answer.tokens_out;
    seconds_ += answer.seconds;
  }

 private:
  const EndpointSpec& spec_;
  std::mutex mutex_;
  double money_ = 0, aside_ = 0, seconds_ = 0;
  std::int64_t tokens_ = 0;
};

class HttpModel final : public LanguageModel {
 public:
  HttpModel(EndpointSpec spec, Url url, Json extra, std::string key, StopToken stop)
      : spec_(std::move(spec)), url_(std::move(url)), extra_(std::move(extra)), key_(std::move(key)), stop_(std::move(stop)), budget_(spec_) {}

  std::string description() const override { return "http " + spec_.url + " " + spec_.model; }

  Result<Answer> ask(const Ask& ask, const OnText& on_text) override {
    PLIMSOLL_CHECK(check(ask));
    const bool live = static_cast<bool>(on_text);
    const std::string body = request_json(ask, spec_.model, extra_, live).dump();
    const double aside = budget_.worst(body.size(), ask.most_tokens);
    PLIMSOLL_CHECK(budget_.set_aside(aside));
    Stream draws = Stream(hash64(body, static_cast<std::uint64_t>(ask.repeat))).child("llm.retry");
    const double end = now() + spec_.all_seconds;
    Result<Answer> answer = Answer{};
    for (std::int64_t attempt = 0;; ++attempt) {
      const double begun = now();
      bool handed_on = false;
      HttpReply reply;
      answer = live ? streamed(body, ask, on_text, reply, handed_on) : whole(body, ask, reply);
      if (!answer) break;
      answer->attempts = attempt + 1;
      answer->seconds = now() - begun;
      if (answer->status == "ok" || handed_on || attempt >= spec_.retries || !worth_another(reply)) break;
      const double wait = reply.retry_after >= 0 ? reply.retry_after
                                                 : std::min(60.0, spec_.first_wait * static_cast<double>(1 << attempt)) * (0.5 + draws.uniform());
      if (now() + wait >= end) break;
      if (auto waited = pause(wait); !waited) {
        answer = std::move(waited).error();
        break;
      }
    }
    Answer nothing;
    budget_.settle(aside, answer ? *answer : nothing);
    return answer;
  }

  Result<std::vector<std::vector<double>>> embed(std::span<const std::string> texts) override {
    Json body = extra_;
    body["input"] = Json::array();
    for (const std::string& text : texts) body["input"].push_back(text);
    if (!spec_.model.empty()) body["model"] = spec_.model;
    const std::string bytes = body.dump();
    const double aside = budget_.worst(bytes.size(), 0);
    PLIMSOLL_CHECK(budget_.set_aside(aside));
    const HttpReply reply = http_exchange(exchange(bytes, "/embeddings"));
    Answer spent;
    spent.tokens_in = static_cast<std::int64_t>(bytes.size() / 4);  // the dialect's replies seldom say
    budget_.settle(aside, spent);
    PLIMSOLL_TRY(const Answer status, status_of(reply));
    if (status.status != "ok") {
      return Error(error_code_named(status.status).value_or(ErrorCode::upstream), "embeddings: " + status.detail, "Try again later");
    }
    return embeddings_of_reply(reply.body, texts.size());
  }

 private:
  HttpAsk exchange(const std::string& body, std::string_view path) const {
    return {url_, std::string(path), body, key_, spec_.seconds, static_cast<std::uint64_t>(spec_.most_bytes), stop_};
  }

  Result<void> pause(double seconds) const {
    for (const double end = now() + seconds; now() < end;) {
      PLIMSOLL_CHECK(stop_.check());
      std::this_thread::sleep_for(std::chrono::duration<double>(std::clamp(end - now(), 0.0, 0.05)));
    }
    return stop_.check();
  }

  // An error, a status, or "ok" where there is a body of a 200 to read.
  Result<Answer> status_of(const HttpReply& reply) const {
    Answer answer;
    const auto became = [&](const char* status, std::string detail) {
      answer.status = status;
      answer.detail = std::move(detail);
      return answer;
    };
    switch (reply.fault) {
      case HttpFault::none:
      case HttpFault::cut: break;
      case HttpFault::stopped: return Error(ErrorCode::cancelled, "stopped while the endpoint answered", "Run again");
      case HttpFault::timeout: return became("timeout", reply.detail);
      case HttpFault::too_large: return became("too_large", reply.detail);
      case HttpFault::unreachable: return became("unavailable", reply.detail);
      case HttpFault::broken: return became("upstream", reply.detail);
    }
    if (reply.status == 200) return answer;
    const std::string said = first_words(reply.body);
    const std::string where = " (" + spec_.url + ", HTTP " + std::to_string(reply.status) + ")";
    if (reply.status == 401) return Error(ErrorCode::unauthenticated, said + where, "Set the variable that key_env names").in_parameter("key_env");
    if (reply.status == 403) return Error(ErrorCode::denied, said + where, "Ask for the right to use this model").in_parameter("model");
    if (reply.status == 404) return Error(ErrorCode::not_found, said + where, "Check url and model").in_parameter("url");
    if (reply.status == 429) return became("busy", said);
    if (reply.status == 413) return became("too_large", said);
    if (reply.status == 408) return became("timeout", said);
    return became(reply.status == 503 ? "unavailable" : "upstream", said + where);
  }

  Result<Answer> whole(const std::string& body, const Ask& ask, HttpReply& reply) const {
    reply = http_exchange(exchange(body, path_of(ask)));
    PLIMSOLL_TRY(Answer status, status_of(reply));
    return status.status == "ok" ? answer_of_reply(reply.body) : status;
  }

  Result<Answer> streamed(const std::string& body, const Ask& ask, const OnText& on_text, HttpReply& reply, bool& handed_on) const {
    StreamedAnswer stream;
    ServerEvents events;
    std::string raw;  // a server that does not stream answers whole
    bool cut = false;
    std::string too_long;
    const auto on_event = [&](std::string_view data) {
      const std::string_view piece = stream.take(data);
      if (!piece.empty()) {
        handed_on = true;
        cut = !on_text(piece);
      }
      return !cut && !stream.done() && !stream.faulty();
    };
    reply = http_exchange(exchange(body, path_of(ask)), [&](std::string_view bytes) {
      if (raw.empty() || raw[0] == '{') raw.append(bytes);
      auto fed = events.feed(bytes, on_event);
      if (!fed) too_long = fed.error().what;
      return fed.ok() && *fed;
    });
    PLIMSOLL_TRY(Answer status, status_of(reply));
    if (status.status == "ok" && too_long.empty() && !handed_on && raw.starts_with('{')) return answer_of_reply(raw);
    const bool ended = stream.done();
    Answer answer = std::move(stream).finish();
    if (cut) {
      answer.status = "ok";
      answer.detail.clear();
      answer.finish = "cut";
    } else if (!too_long.empty()) {
      answer.status = "too_large";
      answer.detail = too_long;
    } else if (status.status != "ok" && !ended) {
      answer.status = status.status;
      answer.detail = status.detail;
    }
    return answer;
  }

  EndpointSpec spec_;
  Url url_;
  Json extra_;
  std::string key_;
  StopToken stop_;
  Budget budget_;
};

}  // namespace

Result<Model> open_http(const EndpointSpec& spec, const Context& context) {
  PLIMSOLL_TRY(Url url, parse_url(spec.url));
  PLIMSOLL_TRY(Json extra, extra_of(spec));
  std::string key;
  if (!spec.key_env.empty()) {
    const char* value = std::getenv(spec.key_env.c_str());
    if (value == nullptr || *value == '\0') {
      return Error(ErrorCode::unauthenticated, "the environment has no variable " + spec.key_env, "Set it to the endpoint's key").in_parameter("key_env");
    }
    key = value;
    if (key.find_first_of("\r\n") != std::string::npos) return Error(ErrorCode::unauthenticated, "the key in " + spec.key_env + " has line breaks", "Set it to the key alone");
    if (!url.tls && !url.loopback()) {
      return Error(ErrorCode::denied, "a key would travel unsealed to " + url.host, "Use https").in_parameter("url");
    }
  }
  if ((spec.price.input > 0 || spec.price.cached > 0 || spec.price.output > 0) && spec.most_money <= 0) {
    return Error(ErrorCode::bad_parameter, "the endpoint costs money, and none may be spent", "Set most_money").in_parameter("most_money");
  }
  return Model(std::make_shared<HttpModel>(spec, std::move(url), std::move(extra), std::move(key), context.stop));
}

}  // namespace plimsoll::llm
