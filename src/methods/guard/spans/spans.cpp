// SPDX-License-Identifier: Apache-2.0
// Detectors of spans, as every gateway between an application and a language model needs them: shapes with checks (Luhn, mod 97,
// entropy), users' patterns and words, one name a value within a conversation. With R(t) the redaction of a text t, the promise is
//   R(c1) ... R(cn) released from a stream of pieces c1 ... cn is R(c1 c2 ... cn) byte for byte, whatever the cuts,
// because a byte leaves only when no continuation can change what becomes of it (gateway/spans.h).
#include "methods/guard/spans/spans.h"

#include <array>

#include "base/philox.h"

namespace plimsoll::guard::spans {
namespace {

constexpr std::array<RoleInfo, 2> roles = {{{"text", "the texts", true, false}, {"id", "identity of a row, kept beside the answer", false, false}}};

gateway::DetectorOptions options_of(const Params& p) { return {p.detectors, p.patterns, p.words, p.ignore_case}; }

struct Redacted {
  std::string text;
  std::vector<std::size_t> found;
};

Redacted redacted(const std::string& text, const std::shared_ptr<const gateway::Detectors>& detectors, std::int64_t pieces, Stream rng) {
  Redacted out;
  gateway::Names names;
  if (pieces == 0) {
    const std::vector<gateway::Span> spans = detectors->find(text);
    out.text = gateway::redact(text, spans, *detectors, names);
    for (const gateway::Span& span : spans) out.found.push_back(span.detector);
    return out;
  }
  gateway::Holdback stream(detectors, &names);
  for (std::size_t at = 0; at < text.size();) {
    const auto length = static_cast<std::size_t>(1 + rng.below(static_cast<std::uint64_t>(pieces)));
    out.text += stream.push(std::string_view(text).substr(at, length));
    at += length;
  }
  out.text += stream.finish();
  out.found = stream.found();
  return out;
}

}  // namespace

void describe(Fields& f, Params& p) {
  f({"detectors", "built-in detectors to use: email, phone, card, iban, key, jwt, private_key, ip, secret"}, p.detectors);
  f({"patterns", "detectors of yours: a name and its regular expression, with bounded repeats"}, p.patterns);
  f({"words", "detectors of yours: a name and whole words, separated by '|'"}, p.words);
  f({"ignore_case", "whether words match in any case"}, p.ignore_case);
}

Result<void> check(const Params& p) {
  if (auto compiled = gateway::Detectors::compile(options_of(p)); !compiled) return std::move(compiled).error();
  return {};
}

void describe(Fields& f, Inputs& in) { f(PortInfo{"data", "texts, one a row", roles}, in.data); }
void describe(Fields& f, Options& o) { f({"pieces", "0: whole texts; else each text passes as a stream in pieces of 1 to this many bytes", within(0, 1'000'000)}, o.pieces); }
void describe(Fields& f, Outputs& out) {
  f(PortInfo{"rows", "redacted texts, what was found in each"}, out.rows);
  f({"found", "spans found"}, out.found);
}
void describe(Fields& f, State& s) { f({"names", "digest of each value seen in the conversation, and its number"}, s.names); }

Result<Outputs> apply(Context& context, const Params& model, const Inputs& inputs, const Options& options) {
  PLIMSOLL_TRY(const auto detectors, gateway::Detectors::compile(options_of(model)));
  PLIMSOLL_TRY(const std::string column, inputs.data.role_column("text"));
  PLIMSOLL_TRY(const std::vector<std::string> texts, inputs.data.texts(column));
  PLIMSOLL_TRY(const std::vector<std::string> ids, inputs.data.role_columns("id"));
  std::vector<std::string> out, kinds;
  std::vector<std::int64_t> counts;
  Outputs outputs;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i % 1024 == 0) PLIMSOLL_CHECK(context.stop.check());
    // Where a stream is cut changes nothing, so the cuts may hang on the row's own bytes.
    Redacted row = redacted(texts[i], detectors, options.pieces, Stream(texts[i].size()).child("guard.spans.pieces"));
    std::string kind;
    for (const std::size_t found : row.found) kind += (kind.empty() ? "" : ",") + detectors->name(found);
    outputs.found += static_cast<std::int64_t>(row.found.size());
    counts.push_back(static_cast<std::int64_t>(row.found.size()));
    kinds.push_back(std::move(kind));
    out.push_back(std::move(row.text));
  }
  PLIMSOLL_TRY(outputs.rows, TableBuilder().text("redacted", std::move(out)).integer("found", std::move(counts)).text("detectors", std::move(kinds)).build());
  if (!ids.empty()) {
    PLIMSOLL_TRY(const Table kept, inputs.data.select({ids.front()}));
    PLIMSOLL_TRY(outputs.rows, kept.with_roles({}).beside(outputs.rows));
  }
  return outputs;
}

Result<gateway::Findings> step(Context& context, const Params& model, State& state, const gateway::Event& event) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_TRY(const auto detectors, gateway::Detectors::compile(options_of(model)));
  gateway::Names names;
  names.restore(state.names);
  gateway::Findings out;
  for (std::size_t i = 0; i < event.pieces.size(); ++i) {
    const std::string& text = event.pieces[i].text;
    for (const gateway::Span& span : detectors->find(text)) {
      const std::string& detector = detectors->name(span.detector);
      out.found.push_back({detector, static_cast<std::int64_t>(i), static_cast<std::int64_t>(span.begin), static_cast<std::int64_t>(span.end), 1,
                           names.of(detector, std::string_view(text).substr(span.begin, span.end - span.begin))});
    }
  }
  state.names = names.digests();
  return out;
}

extern constinit const Method entry = method("guard.spans").apply<&apply>(Rows::independent).step<&step>().prove<&prove>().example<&example>().check<&check>();

}  // namespace plimsoll::guard::spans
