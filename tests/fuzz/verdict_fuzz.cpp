// SPDX-License-Identifier: Apache-2.0
// Answers of a model that would like to be read as safe: what is not a label stays unparsed, and no label comes with it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "llm/verdict.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plimsoll;
  if (size < 10) return 0;
  llm::VerdictOptions options;
  options.labels = {"safe", "unsafe"};
  options.form = static_cast<llm::VerdictForm>(data[0] % 3);
  options.need_mass = (data[0] & 4) != 0;
  Answer answer;
  answer.finish = (data[0] & 8) != 0 ? "length" : "stop";
  answer.text.assign(reinterpret_cast<const char*>(data) + 10, size - 10);
  if ((data[0] & 16) != 0) {
    double logprob = 0;
    std::memcpy(&logprob, data + 2, 8);
    answer.tokens = {{"safe", logprob, {{answer.text.substr(0, data[1] % 9), logprob}, {"safe", -1}}}};
  }
  for (const llm::Verdict& verdict : {llm::read_verdict(options, answer), llm::read_mass(options, answer)}) {
    if ((verdict.status == "ok") != (verdict.label >= 0)) std::abort();
    if (verdict.status != "ok" && (verdict.is(0) || verdict.why.empty())) std::abort();
    if (verdict.status == "ok" && !verdict.mass.empty() && !(verdict.coverage >= options.least_coverage && verdict.coverage <= 1.002)) std::abort();
  }
  return 0;
}
