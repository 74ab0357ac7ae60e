// SPDX-License-Identifier: Apache-2.0
#include "llm/endpoints.h"

#include <array>

#include "base/json.h"
#include "engine/box.h"
#include "engine/fields.h"
#include "engine/schema.h"
#include "llm/http_exchange.h"

namespace plimsoll::llm {

std::span<const std::string_view> choices_of(Provider) {
  static constexpr std::array<std::string_view, 4> names = {"http", "recorded", "scripted", "command"};
  return names;
}

void describe(Fields& f, Price& price) {
  f({"input", "of a million tokens asked", at_least(0)}, price.input);
  f({"cached", "of a million tokens asked that the server had at hand", at_least(0)}, price.cached);
  f({"output", "of a million tokens answered", at_least(0)}, price.output);
}

void describe(Fields& f, ScriptRule& rule) {
  f({"contains", "fits what holds this text"}, rule.contains);
  f({"equals", "fits this text"}, rule.equals);
  f({"text", "what is answered"}, rule.text);
  f({"tokens", "alternatives of the first token"}, rule.tokens);
  f({"logprobs", "their natural logarithms of probability", any_real()}, rule.logprobs);
  f({"status", "ok, or the code of an error"}, rule.status);
}

void describe(Fields& f, EndpointSpec& spec) {
  f({"provider", "who answers"}, spec.provider);
  f({"url", "address of an OpenAI-compatible server, as https://host/v1"}, spec.url);
  f({"model", "the server's name of the model"}, spec.model);
  f({"key_env", "environment variable that holds the key"}, spec.key_env);
  f({"seconds", "for one attempt", within(0.001, 86400)}, spec.seconds);
  f({"all_seconds", "for one request with its retries", within(0.001, 86400)}, spec.all_seconds);
  f({"retries", "after the first attempt", within(0, 20)}, spec.retries);
  f({"first_wait", "seconds before the first retry", within(0, 60)}, spec.first_wait);
  f({"most_bytes", "of one answer", within(1, 1 << 30)}, spec.most_bytes);
  f({"most_money", "that all requests together may cost", at_least(0)}, spec.most_money);
  f({"most_tokens", "of all requests together; 0: no limit", at_least(0)}, spec.most_tokens);
  f({"most_seconds", "of answering, all requests together; 0: no limit", at_least(0)}, spec.most_seconds);
  f({"price", "of a million tokens"}, spec.price);
  f({"extra", "JSON object of the server's own switches"}, spec.extra);
  f({"cache", "folder of answers already had"}, spec.cache);
  f({"transcript", "file to record into; of a recorded endpoint, the file to replay"}, spec.transcript);
  f({"rules", "of a scripted endpoint"}, spec.rules);
  f({"command", "program and arguments: JSON in, JSON out"}, spec.command);
}

Result<EndpointSpec> spec_of(const Document& document) {
  Box box = Box::of(EndpointSpec{});
  std::vector<std::string> warnings;
  if (auto read = read_fields(document.root(), box, warnings); !read) {
    Error error = std::move(read).error();
    error.code = ErrorCode::bad_document;
    if (const auto line = document.line_of("/" + error.parameter.substr(0, error.parameter.find('.'))); line > 0) error.line = line;
    error.file = document.file();
    return error;
  }
  return box.as<EndpointSpec>();
}

Result<Json> extra_of(const EndpointSpec& spec) {
  if (spec.extra.empty()) return Json(Json::object());
  PLIMSOLL_TRY(Json extra, parse_json(spec.extra, "extra"));
  if (!extra.is_object()) return Error(ErrorCode::bad_parameter, "extra is no JSON object", "Write it as {\"name\": value}").in_parameter("extra");
  return extra;
}

Result<EndpointPort> open_endpoint(const EndpointSpec& spec, const Context& context, const std::filesystem::path& folder) {
  const auto place = [&](const std::string& name) { return std::filesystem::path(name).is_absolute() ? std::filesystem::path(name) : folder / name; };
  PLIMSOLL_CHECK(extra_of(spec));
  Model model;
  switch (spec.provider) {
    case Provider::http: {
      PLIMSOLL_TRY(model, open_http(spec, context));
      break;
    }
    case Provider::recorded: {
      PLIMSOLL_TRY(model, open_recorded(place(spec.transcript), spec));
      return EndpointPort(std::move(model));
    }
    case Provider::scripted: {
      PLIMSOLL_TRY(model, open_scripted(spec));
      break;
    }
    case Provider::command: {
      PLIMSOLL_TRY(model, open_command(spec, context));
      break;
    }
  }
  if (!spec.cache.empty()) {
    PLIMSOLL_TRY(model, with_cache(std::move(model), place(spec.cache), spec));
  }
  if (!spec.transcript.empty()) {
    PLIMSOLL_TRY(model, with_transcript(std::move(model), place(spec.transcript), spec));
  }
  return EndpointPort(std::move(model));
}

Result<EndpointPort> open_endpoint_file(const std::filesystem::path& path, const Context& context) {
  PLIMSOLL_TRY(const Document document, read_document(path));
  PLIMSOLL_TRY(const EndpointSpec spec, spec_of(document));
  return open_endpoint(spec, context, path.parent_path());
}

}  // namespace plimsoll::llm
