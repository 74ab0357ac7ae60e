// SPDX-License-Identifier: Apache-2.0
#include "llm/verdict.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "base/json.h"
#include "engine/fields.h"
#include "text/unicode.h"

namespace plimsoll::llm {
namespace {

Verdict unparsed(std::string why) {
  Verdict verdict;
  verdict.why = std::move(why);
  return verdict;
}

std::string_view stripped(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t from = text.find_first_not_of(blanks);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

// The label that the text is, case and a closing full stop apart; -1.
std::int64_t label_of(const VerdictOptions& options, std::string_view text) {
  text = stripped(text);
  const auto same = [](std::string_view a, std::string_view b) {
    const text::Normalisation fold{text::Form::nfc, true};
    const auto x = text::normalised(a, fold);
    const auto y = text::normalised(b, fold);
    return x && y && *x == *y;
  };
  for (const bool stop : {false, true}) {
    if (stop && !text.ends_with('.')) break;
    const std::string_view word = stop ? text.substr(0, text.size() - 1) : text;
    for (std::size_t i = 0; i < options.labels.size(); ++i) {
      if (same(word, options.labels[i])) return static_cast<std::int64_t>(i);
    }
  }
  return -1;
}

Verdict of_label(std::int64_t label, const char* why) {
  if (label < 0) return unparsed(why);
  Verdict verdict;
  verdict.status = "ok";
  verdict.label = label;
  return verdict;
}

Verdict read_field(const VerdictOptions& options, std::string_view text) {
  const auto json = parse_json(stripped(text), "answer");
  if (!json || !json->is_object()) return unparsed("the answer is no JSON object alone");
  const auto found = json->find(options.name);
  if (found == json->end() || !found->is_string()) return unparsed("the answer has no text field '" + options.name + "'");
  return of_label(label_of(options, found->get<std::string>()), "the field is no label");
}

// Exactly one line begins with the mark, and it is the last that holds anything.
Verdict read_marked(const VerdictOptions& options, std::string_view text) {
  const std::string mark = options.name + ":";
  std::string_view last;
  int marked = 0;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = stripped(text.substr(at, end - at));
    at = end + 1;
    if (line.empty()) continue;
    last = line;
    if (line.starts_with(mark)) ++marked;
  }
  if (marked != 1 || !last.starts_with(mark)) return unparsed("the answer does not end in its one line '" + mark + "'");
  return of_label(label_of(options, last.substr(mark.size())), "the marked line holds no label");
}

// Mass and coverage; a reason where the chances are none.
std::string pool(const VerdictOptions& options, const Answer& answer, Verdict& into) {
  const auto& pieces = options.first_pieces.empty() ? options.labels : options.first_pieces;
  into.mass.assign(options.labels.size(), 0.0);
  double total = 0;
  for (const auto& [token, logprob] : answer.tokens[0].top) {
    if (std::isnan(logprob) || logprob > 1e-6) return "the server says a log-probability that is none";
    total += std::exp(logprob);
    const auto found = std::ranges::find(pieces, stripped(token));
    if (found == pieces.end()) continue;
    into.mass[static_cast<std::size_t>(found - pieces.begin())] += std::exp(logprob);
  }
  for (const double m : into.mass) into.coverage += m;
  return total > 1.001 ? "the server's probabilities of one token sum to more than 1" : std::string();
}

bool has_mass(const Answer& answer) { return !answer.tokens.empty() && !answer.tokens[0].top.empty(); }

// Not ok: why the mass does not carry a verdict.
Verdict weigh(const VerdictOptions& options, const Answer& answer) {
  Verdict verdict;
  verdict.why = pool(options, answer, verdict);
  if (verdict.why.empty() && !(verdict.coverage >= options.least_coverage)) {
    verdict.why = "only " + std::to_string(verdict.coverage) + " of the probability fell on labels";
  }
  if (verdict.why.empty()) verdict.status = "ok";
  return verdict;
}

// Statuses other than ok, and answers that are not whole.
bool not_whole(const Answer& answer, Verdict& verdict) {
  if (answer.status != "ok") {
    verdict.status = answer.status;
    verdict.why = answer.detail;
    return true;
  }
  if (answer.finish == "content_filter") {
    verdict.why = "the server filtered the answer";
    return true;
  }
  return false;
}

}  // namespace

std::span<const std::string_view> choices_of(VerdictForm) {
  static constexpr std::array<std::string_view, 3> names = {"whole", "field", "marked"};
  return names;
}

void describe(Fields& f, VerdictOptions& options) {
  f({"labels", "verdicts that there are"}, options.labels);
  f({"first_pieces", "first token of each label"}, options.first_pieces);
  f({"form", "the whole answer, a field of a JSON object, or a marked last line"}, options.form);
  f({"name", "of the field, or the mark"}, options.name);
  f({"least_coverage", "least probability that must fall on labels", within(0, 1)}, options.least_coverage);
  f({"need_mass", "log-probabilities must be there"}, options.need_mass);
}

Result<void> check(const VerdictOptions& options) {
  const auto bad = [](const char* what, const char* where) {
    return Error(ErrorCode::bad_parameter, what, "Name at least two labels, each by itself").in_parameter(where);
  };
  const auto distinct = [](const std::vector<std::string>& list) {
    std::set<std::string> seen;
    for (const std::string& one : list) {
      const auto folded = text::normalised(stripped(one), {text::Form::nfc, true});
      if (!folded || folded->empty() || !seen.insert(*folded).second) return false;
    }
    return true;
  };
  if (options.labels.size() < 2 || !distinct(options.labels)) return bad("the labels of a verdict are not two distinct ones or more", "labels");
  if (!options.first_pieces.empty() && (options.first_pieces.size() != options.labels.size() || !distinct(options.first_pieces))) {
    return bad("the first pieces of labels are not distinct, one for each label", "first_pieces");
  }
  return {};
}

Verdict read_verdict(const VerdictOptions& options, const Answer& answer) {
  Verdict verdict;
  if (not_whole(answer, verdict)) return verdict;
  if (answer.finish == "length" && options.form != VerdictForm::whole) return unparsed("the answer was cut by its length");
  switch (options.form) {
    case VerdictForm::whole: verdict = of_label(label_of(options, answer.text), "the answer is no label"); break;
    case VerdictForm::field: verdict = read_field(options, answer.text); break;
    case VerdictForm::marked: verdict = read_marked(options, answer.text); break;
  }
  if (verdict.status != "ok") return verdict;
  // Elsewhere than in the whole form the first token is no label, and its mass says nothing of the verdict.
  if (options.form != VerdictForm::whole || !has_mass(answer)) {
    return options.need_mass ? unparsed("the answer holds no log-probabilities of the label") : verdict;
  }
  Verdict weighed = weigh(options, answer);
  if (weighed.status == "ok") weighed.label = verdict.label;
  return weighed;
}

Verdict read_mass(const VerdictOptions& options, const Answer& answer) {
  Verdict verdict;
  if (not_whole(answer, verdict)) return verdict;
  if (!has_mass(answer)) return unparsed("the answer holds no log-probabilities");
  verdict = weigh(options, answer);
  if (verdict.status != "ok") return verdict;
  std::size_t best = 0;
  for (std::size_t i = 1; i < verdict.mass.size(); ++i) {
    if (verdict.mass[i] > verdict.mass[best] || (verdict.mass[i] == verdict.mass[best] && options.labels[i] < options.labels[best])) best = i;
  }
  verdict.label = static_cast<std::int64_t>(best);
  return verdict;
}

}  // namespace plimsoll::llm
