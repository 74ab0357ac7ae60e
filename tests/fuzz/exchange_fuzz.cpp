// SPDX-License-Identifier: Apache-2.0
// Bodies, streams and policies of any bytes: errors, never a fault; an e-mail that JSON shows never passes a request.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/exchange.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plimsoll::gateway;
  static const auto policy = parse_policy("[[detector]]\nname = \"p\"\n[[rule]]\nid = \"r\"\nguard = [\"p\"]\naction = \"redact\"\n", "p.toml").value();
  if (size < 2) return 0;
  const auto dialect = static_cast<Dialect>(data[0] % 5);
  const std::size_t cut = 1 + data[1];
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  (void)parse_policy(text, "fuzz.toml");
  (void)read_record(text);
  Exchange exchange(policy, dialect, {});
  if (const auto verdict = exchange.request(text); verdict.ok() && !JsonText::parse(verdict->body).ok()) __builtin_trap();
  (void)exchange.answer(text);
  for (std::size_t at = 0; at < text.size(); at += cut)
    if (!exchange.stream(std::string_view(text).substr(at, cut)).ok()) return 0;
  (void)exchange.stream_end();
  return 0;
}
