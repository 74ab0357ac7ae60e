// SPDX-License-Identifier: Apache-2.0
// Any bytes, cut anywhere: the fast form equals the plain one, a stream equals the whole.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/json_text.h"
#include "gateway/spans.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plimsoll::gateway;
  static const auto detectors = Detectors::compile({}).value();
  if (size < 2) return 0;
  const std::size_t cut = 1 + data[0];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto spans = detectors->find(text);
  if (spans != detectors->find_plainly(text)) __builtin_trap();
  Names whole, names;
  Holdback stream(detectors, &names);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += cut) out += stream.push(text.substr(at, cut));
  out += stream.finish();
  if (out != redact(text, spans, *detectors, whole)) __builtin_trap();
  const auto json = JsonText::parse(std::string(text));
  if (json.ok() && json.value().written() != text) __builtin_trap();
  return 0;
}
