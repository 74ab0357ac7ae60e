// SPDX-License-Identifier: Apache-2.0
// Questions as probabilities of their options: from columns of logits, from recorded lists of log-probabilities, or from a live
// endpoint that is asked for one token. A tokenizer may give a letter with a space before it or without: the larger counts. A letter
// that a list of the most probable tokens leaves out gets the smallest log-probability of the list less 1, and is counted.

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/hash.h"
#include "base/json.h"
#include "methods/conformal/abstain/abstain.h"

namespace plimsoll::conformal::abstain {
namespace {

constexpr std::size_t most_options = 64;
constexpr double absent = -std::numeric_limits<double>::infinity();

Result<Columns> bind(const Table& table, const Asking& asking, const Columns& fitted) {
  Columns columns = fitted;
  PLIMSOLL_TRY(const std::vector<std::string> logits, table.role_columns("logit"));
  if (!logits.empty()) columns.logit = logits;
  PLIMSOLL_CHECK(role_into(table, "logprobs", columns.logprobs));
  PLIMSOLL_CHECK(role_into(table, "text", columns.prompt));
  PLIMSOLL_CHECK(role_into(table, "target", columns.target));
  PLIMSOLL_CHECK(role_into(table, "group", columns.group));
  PLIMSOLL_CHECK(role_into(table, "id", columns.id));
  const int sources = (columns.logit.empty() ? 0 : 1) + (columns.logprobs.empty() ? 0 : 1) + (asking.endpoint ? 1 : 0);
  if (sources != 1)
    return Error(ErrorCode::missing_input, sources == 0 ? "nothing says how probable the options are" : "the options' probabilities come from more than one place", "Bind --logit a column an option, or --logprobs a column of recorded lists, or give an --endpoint with --text.").in_parameter("logit");
  if (asking.endpoint && columns.prompt.empty()) return Error(ErrorCode::missing_input, "no column holds what the endpoint is to be asked", "Bind --text.").in_parameter("text");
  if (asking.with_answer && columns.target.empty()) return Error(ErrorCode::missing_input, "no column is bound to the role 'target'", "Bind the right option: --target COLUMN.").in_parameter("target");
  return columns;
}

std::vector<std::string> option_names(const Params& params, const std::vector<std::string>& logits) {
  std::vector<std::string> names;
  for (const std::string& name : logits) names.push_back(name.starts_with(params.prefix) && name.size() > params.prefix.size() ? name.substr(params.prefix.size()) : name);
  return names;
}

// What a token says: spaces, and the marks by which tokenizers write them, fall off.
std::string_view letter_of(std::string_view token) {
  for (const std::string_view space : {" ", "\xE2\x96\x81", "\xC4\xA0"})
    while (token.starts_with(space)) token.remove_prefix(space.size());
  while (!token.empty() && (token.back() == ' ' || token.back() == '\n')) token.remove_suffix(1);
  return token;
}

using Tokens = std::vector<std::pair<std::string, double>>;

// Log-probabilities of the options from a list of tokens; returns how many were missing. Without any all are alike.
std::int32_t options_of(const Tokens& tokens, const std::vector<std::string>& options, std::span<double> out) {
  double least = std::numeric_limits<double>::infinity();
  std::fill(out.begin(), out.end(), absent);
  for (const auto& [token, value] : tokens) {
    least = std::min(least, value);
    const auto found = std::find(options.begin(), options.end(), letter_of(token));
    if (found == options.end()) continue;
    double& slot = out[static_cast<std::size_t>(found - options.begin())];
    slot = std::max(slot, value);
  }
  std::int32_t missing = 0;
  for (double& one : out) {
    if (one != absent) continue;
    one = tokens.empty() ? 0 : least - 1;
    ++missing;
  }
  return missing;
}

// {"A": -0.1, " B": -2} or [{"token": "A", "logprob": -0.1}, ...].
Result<Tokens> recorded(const std::string& text) {
  PLIMSOLL_TRY(const Json json, parse_json(text));
  const auto wrong = [] { return Error(ErrorCode::bad_value, "a recorded list is neither {\"A\": -0.1, ...} nor [{\"token\": \"A\", \"logprob\": -0.1}, ...]", "Give log-probabilities by token."); };
  Tokens tokens;
  const auto take = [&tokens](const std::string& token, const Json& value) {
    if (!value.is_number() || value.get<double>() > 1e-9) return false;
    tokens.emplace_back(token, value.get<double>());
    return true;
  };
  if (json.is_object()) {
    for (const auto& [token, value] : json.items())
      if (!take(token, value)) return wrong();
    return tokens;
  }
  if (!json.is_array()) return wrong();
  for (const Json& one : json)
    if (!one.is_object() || !one.contains("token") || !one["token"].is_string() || !one.contains("logprob") || !take(one["token"].get<std::string>(), one["logprob"])) return wrong();
  return tokens;
}

Result<void> read_lists(Context& context, const Table& table, const Asking& asking, Read& read) {
  const bool live = asking.endpoint.has_value();
  const std::string& column = live ? read.columns.prompt : read.columns.logprobs;
  PLIMSOLL_TRY(const std::vector<std::string> texts, table.texts(column));
  Questions& q = read.questions;
  q.p.resize(texts.size() * read.options.size());
  std::int64_t incomplete = 0;
  std::int64_t failed = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    PLIMSOLL_CHECK(context.stop.check());
    Tokens tokens;
    if (live) {
      auto asked = (*asking.endpoint)->complete(texts[i], 1);
      if (!asked) return std::move(asked).error();
      const bool answered = asked.value().status == "ok";
      if (answered) tokens = std::move(asked.value().logprobs);
      failed += answered ? 0 : 1;
    } else {
      auto found = recorded(texts[i]);
      if (!found) return std::move(found).error().in_column(column).at_row(table.first_row() + static_cast<std::int64_t>(i));
      tokens = std::move(found).value();
    }
    for (const auto& [token, value] : tokens)
      if (std::isnan(value)) return Error(ErrorCode::bad_value, "a log-probability is no number", "Ask again, or leave the row out.").in_column(column).at_row(table.first_row() + static_cast<std::int64_t>(i));
    const std::span<double> out = std::span(q.p).subspan(i * read.options.size(), read.options.size());
    q.imputed.push_back(options_of(tokens, read.options, out));
    incomplete += q.imputed.back() > 0 ? 1 : 0;
    to_probabilities(out, false);
  }
  if (incomplete > 0) context.tally("{} rows lack some option's log-probability: it was set to the smallest of the list less 1.", incomplete);
  if (failed > 0) context.tally("{} calls of the endpoint failed: all their options count as equally probable.", failed);
  return {};
}

Result<void> read_columns(Context& context, const Table& table, const Asking& asking, Read& read) {
  std::vector<Reals> columns;
  const std::size_t k = read.options.size();
  if (read.columns.logit.size() != k) return Error(ErrorCode::bad_parameter, std::to_string(read.columns.logit.size()) + " columns stand against " + std::to_string(k) + " options of the model", "Bind one an option, in the order of the fit.").in_parameter("logit");
  for (const std::string& name : read.columns.logit) {
    PLIMSOLL_TRY(Reals column, table.reals(name));
    columns.push_back(std::move(column));
  }
  Questions& q = read.questions;
  const auto rows = static_cast<std::size_t>(table.rows());
  q.p.resize(rows * k);
  q.imputed.assign(rows, 0);
  bool like_probabilities = rows > 0;
  for (std::size_t i = 0; i < rows; ++i) {
    double sum = 0;
    for (std::size_t c = 0; c < k; ++c) {
      const double value = columns[c][i];
      q.p[i * k + c] = value;
      sum += value;
      like_probabilities = like_probabilities && value >= 0 && value <= 1;
    }
    like_probabilities = like_probabilities && std::fabs(sum - 1) <= 1e-6;
    if (!to_probabilities(std::span(q.p).subspan(i * k, k), asking.params.probabilities))
      return Error(ErrorCode::bad_value, "the options' probabilities are negative or do not sum to one", "Give probabilities, or leave out --probabilities for logits.").in_column(read.columns.logit.front()).at_row(table.first_row() + static_cast<std::int64_t>(i));
  }
  if (like_probabilities && !asking.params.probabilities) context.warn("The logits look like probabilities: each row sums to one. If they are, give --probabilities; as logits they say much less.");
  return {};
}

Result<void> read_answers(const Table& table, Read& read) {
  PLIMSOLL_TRY(const Categories answers, table.categories(read.columns.target));
  for (std::size_t i = 0; i < answers.codes.size(); ++i) {
    const std::string name = answers.codes[i] < 0 ? std::string() : answers.names[static_cast<std::size_t>(answers.codes[i])];
    const auto found = std::find(read.options.begin(), read.options.end(), name);
    if (found == read.options.end())
      return Error(answers.codes[i] < 0 ? ErrorCode::null_value : ErrorCode::bad_value, answers.codes[i] < 0 ? "an answer is missing" : "the answer '" + name + "' is none of the options", "Give one of the options' names.").in_column(read.columns.target).at_row(table.first_row() + static_cast<std::int64_t>(i));
    read.questions.answer.push_back(static_cast<std::int32_t>(found - read.options.begin()));
  }
  return {};
}

}  // namespace

bool to_probabilities(std::span<double> values, bool probabilities) {
  double sum = 0;
  if (probabilities) {
    for (const double one : values) {
      if (!(one >= 0 && one <= 1 + 1e-9)) return false;
      sum += one;
    }
    return std::fabs(sum - 1) <= 1e-3;
  }
  const double most = *std::max_element(values.begin(), values.end());
  if (!std::isfinite(most)) return false;
  for (double& one : values) {
    if (std::isnan(one)) return false;
    one = std::exp(one - most);
    sum += one;
  }
  for (double& one : values) one /= sum;
  return true;
}

Result<Read> read(Context& context, const Table& table, const Asking& asking, const Columns& fitted) {
  Read read;
  PLIMSOLL_TRY(read.columns, bind(table, asking, fitted));
  read.options = !asking.options.empty() ? asking.options : read.columns.logit.empty() ? asking.params.options : option_names(asking.params, read.columns.logit);
  if (read.options.size() < 2 || read.options.size() > most_options) return Error(ErrorCode::bad_parameter, std::to_string(read.options.size()) + " options are too " + (read.options.size() < 2 ? "few" : "many"), "Give between 2 and 64.").in_parameter("logit");
  read.questions.options = read.options.size();
  PLIMSOLL_CHECK(read.columns.logit.empty() ? read_lists(context, table, asking, read) : read_columns(context, table, asking, read));
  if (asking.with_answer) PLIMSOLL_CHECK(read_answers(table, read));
  if (!read.columns.group.empty()) {
    PLIMSOLL_TRY(read.questions.group, table.texts(read.columns.group));
  }
  if (!read.columns.id.empty() && table.has(read.columns.id)) {
    PLIMSOLL_TRY(read.questions.ids, table.texts(read.columns.id));
  }
  for (std::int64_t i = 0; i < table.rows(); ++i) {
    read.questions.rows.push_back(i);
    read.questions.keys.push_back(read.questions.ids.empty() ? static_cast<std::uint64_t>(table.first_row() + i) : hash64(read.questions.ids[static_cast<std::size_t>(i)]));
  }
  return read;
}

}  // namespace plimsoll::conformal::abstain
