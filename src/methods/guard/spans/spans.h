// SPDX-License-Identifier: Apache-2.0
#pragma once

// Spans of personal data and secrets: a guard over events, and a redaction of tables of texts.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/method.h"
#include "gateway/event.h"
#include "gateway/spans.h"
#include "table/table.h"

namespace plimsoll::guard::spans {

struct Params {
  std::vector<std::string> detectors = gateway::DetectorOptions().built_in;
  std::map<std::string, std::string> patterns;
  std::map<std::string, std::string> words;
  bool ignore_case = true;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

struct Inputs {
  Table data;
};
void describe(Fields& f, Inputs& in);

struct Options {
  std::int64_t pieces = 0;  // 0: whole texts; else each text streams in pieces of 1 to this many bytes
};
void describe(Fields& f, Options& o);

struct Outputs {
  Table rows;
  std::int64_t found = 0;
};
void describe(Fields& f, Outputs& out);

struct State {
  std::map<std::string, std::string> names;  // of the conversation
};
void describe(Fields& f, State& s);

Result<Outputs> apply(Context& context, const Params& model, const Inputs& inputs, const Options& options);
Result<gateway::Findings> step(Context& context, const Params& model, State& state, const gateway::Event& event);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

extern constinit const Method entry;

}  // namespace plimsoll::guard::spans
