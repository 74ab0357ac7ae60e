// SPDX-License-Identifier: Apache-2.0
#pragma once

// A verdict out of a language model's answer. What cannot be read is `unparsed`, and unparsed is no label: there is no way to
// get "safe" out of it. Two readings, and both must hold where both are there:
//   text   the answer is a label, or a JSON object whose one field is, or ends in one marked line; nothing else counts, so a
//          text under judgement cannot plant a verdict by being quoted
//   mass   alternatives of the first token, stripped of white space, pooled where they equal a label or its first piece;
//          coverage = their sum; below `least_coverage` the word was forced on the model (a grammar), and is unparsed

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/endpoint.h"

namespace plimsoll {
class Fields;
}

namespace plimsoll::llm {

enum class VerdictForm : std::uint8_t { whole, field, marked };
std::span<const std::string_view> choices_of(VerdictForm);

struct VerdictOptions {
  std::vector<std::string> labels;
  std::vector<std::string> first_pieces;   // what the tokeniser makes of each label's beginning; empty: the labels themselves
  VerdictForm form = VerdictForm::whole;
  std::string name = "verdict";            // of the JSON field, or the mark before the colon
  double least_coverage = 0.5;
  bool need_mass = false;                  // an answer without log-probabilities is unparsed
};
void describe(Fields& f, VerdictOptions& options);
Result<void> check(const VerdictOptions& options);  // distinct labels, at least two; distinct pieces

struct Verdict {
  std::string status = "unparsed";   // ok, unparsed, or the answer's own
  std::string why;                   // of a status other than ok
  std::int64_t label = -1;           // into labels; -1 unless ok
  std::vector<double> mass;          // of each label; empty without log-probabilities
  double coverage = 0;
  bool is(std::int64_t which) const { return status == "ok" && label == which; }
};

Verdict read_verdict(const VerdictOptions& options, const Answer& answer);
// By mass alone (one token asked): the label of the largest mass, ties by the labels' names.
Verdict read_mass(const VerdictOptions& options, const Answer& answer);

}  // namespace plimsoll::llm
