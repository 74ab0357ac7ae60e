// SPDX-License-Identifier: Apache-2.0
#include "engine/endpoint.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace plimsoll {
namespace {

std::string_view stripped(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t from = text.find_first_not_of(blanks);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

}  // namespace

Result<Completion> LanguageModel::complete(const std::string& prompt, std::int64_t most_tokens) {
  Ask question;
  question.messages = {{"user", prompt}};
  question.most_tokens = most_tokens;
  question.top_logprobs = 20;
  PLIMSOLL_TRY(Answer answer, ask(question));
  Completion out;
  out.text = std::move(answer.text);
  out.status = std::move(answer.status);
  if (!answer.tokens.empty()) out.logprobs = std::move(answer.tokens[0].top);
  return out;
}

Result<LanguageModel*> language_model(const EndpointPort& port) {
  if (!port) return Error(ErrorCode::missing_input, "no endpoint was given", "Give an endpoint");
  auto* model = dynamic_cast<LanguageModel*>(port.get());
  if (model == nullptr) {
    return Error(ErrorCode::wrong_kind, "the endpoint " + port->description() + " completes prompts and no more",
                 "Give one that answers chats, as those read from a file do");
  }
  return model;
}

Result<OptionChances> option_chances(const Answer& answer, std::span<const std::string> options) {
  if (answer.tokens.empty() || answer.tokens[0].top.empty()) {
    return Error(ErrorCode::missing_input, "the answer holds no log-probabilities", "Ask for top_logprobs, of a server that has them");
  }
  OptionChances out;
  std::vector<double> mass(options.size(), 0.0);
  double total = 0;
  for (const auto& [token, logprob] : answer.tokens[0].top) {
    if (std::isnan(logprob) || logprob > 1e-6) {
      return Error(ErrorCode::upstream, "the server says a log-probability of " + std::to_string(logprob), "Use a server whose log-probabilities are such");
    }
    const double p = std::exp(logprob);
    total += p;
    const auto found = std::ranges::find(options, stripped(token));
    if (found == options.end()) continue;
    mass[static_cast<std::size_t>(found - options.begin())] += p;
    out.coverage += p;
  }
  if (total > 1.001) {
    return Error(ErrorCode::upstream, "the server's probabilities of one token sum to " + std::to_string(total), "Use a server whose log-probabilities are such");
  }
  for (const double m : mass) out.logprob.push_back(m > 0 ? std::log(m) : -std::numeric_limits<double>::infinity());
  return out;
}

}  // namespace plimsoll
