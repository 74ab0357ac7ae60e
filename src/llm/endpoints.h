// SPDX-License-Identifier: Apache-2.0
#pragma once

// Endpoints from a described file, and the wrappers that every provider gets: cache on disk, transcript.
//
//   provider = "http"                       # recorded, scripted, command
//   url = "https://host/v1"
//   model = "some-model"
//   key_env = "SOME_API_KEY"                # the variable's name; the key itself stands nowhere
//   [price]                                 # a million tokens; then most_money is required
//   input = 0.15

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/json_fwd.h"
#include "engine/document.h"
#include "engine/endpoint.h"

namespace plimsoll {
class Fields;
}

namespace plimsoll::llm {

enum class Provider : std::uint8_t { http, recorded, scripted, command };
std::span<const std::string_view> choices_of(Provider);

struct Price {  // of a million tokens, in the unit of most_money
  double input = 0;
  double cached = 0;
  double output = 0;
};
void describe(Fields& f, Price& price);

// The first rule that fits answers. A rule without conditions fits all.
struct ScriptRule {
  std::string contains;                // in the last message, or the prompt
  std::string equals;
  std::string text;
  std::vector<std::string> tokens;     // alternatives of the first token ...
  std::vector<double> logprobs;        // ... and their chances, as long
  std::string status = "ok";
};
void describe(Fields& f, ScriptRule& rule);

struct EndpointSpec {
  Provider provider = Provider::http;
  std::string url;
  std::string model;
  std::string key_env;
  double seconds = 60;                 // for one attempt
  double all_seconds = 600;            // for one request with its retries
  std::int64_t retries = 4;
  double first_wait = 1;               // before the first retry; doubles, at most 60
  std::int64_t most_bytes = 16 << 20;  // of one answer
  double most_money = 0;
  std::int64_t most_tokens = 0;        // in and out, all requests together; 0: no limit
  double most_seconds = 0;             // likewise, of answering
  Price price;
  std::string extra;                   // a JSON object of the server's own switches
  std::string cache;                   // folder
  std::string transcript;              // file to record into, or to replay (recorded)
  std::vector<ScriptRule> rules;       // scripted
  std::vector<std::string> command;    // program and arguments
};
void describe(Fields& f, EndpointSpec& spec);

Result<EndpointSpec> spec_of(const Document& document);
// Files named in the spec are read from `folder` where they are relative.
Result<EndpointPort> open_endpoint(const EndpointSpec& spec, const Context& context, const std::filesystem::path& folder = {});
Result<EndpointPort> open_endpoint_file(const std::filesystem::path& path, const Context& context);

// The providers and wrappers, for open_endpoint() and tests.
using Model = std::shared_ptr<LanguageModel>;
Result<Model> open_http(const EndpointSpec& spec, const Context& context);
Result<Model> open_command(const EndpointSpec& spec, const Context& context);
Result<Model> open_scripted(const EndpointSpec& spec);
Result<Model> open_recorded(const std::filesystem::path& transcript, const EndpointSpec& spec);
Result<Model> with_cache(Model inner, std::filesystem::path folder, const EndpointSpec& spec);
Result<Model> with_transcript(Model inner, const std::filesystem::path& file, const EndpointSpec& spec);

Result<Json> extra_of(const EndpointSpec& spec);

}  // namespace plimsoll::llm
