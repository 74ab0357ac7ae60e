// SPDX-License-Identifier: Apache-2.0
#pragma once

// The shapes that detectors know, each as one question about one place: does a span start exactly here, and could more text
// still change the answer? Every other form of the search (blocks of 64 bytes, streams) is built on these questions.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace plimsoll::gateway {

struct Probe {
  std::size_t end = 0;  // one past the longest span that starts here; 0: none
  bool open = false;    // more text could change the answer
};

struct Place {
  std::string_view text;
  std::size_t at = 0;
  bool final = true;  // nothing follows the text
};

Probe probe_email(const Place& place);
Probe probe_phone(const Place& place);
Probe probe_card(const Place& place);
Probe probe_iban(const Place& place);
Probe probe_key(const Place& place);
Probe probe_jwt(const Place& place);
Probe probe_private_key(const Place& place);
Probe probe_ip(const Place& place);
Probe probe_secret(const Place& place);

namespace letters {
inline constexpr std::uint8_t digit = 1, upper = 2, lower = 4, token = 8, local = 16, hex = 32;
constexpr std::uint8_t class_of(unsigned char c) {
  unsigned out = 0;
  if (c >= '0' && c <= '9') out |= digit;
  if (c >= 'A' && c <= 'Z') out |= upper;
  if (c >= 'a' && c <= 'z') out |= lower;
  const bool alnum = out != 0;
  if (alnum || c == '+' || c == '/' || c == '_' || c == '-') out |= token;
  if (alnum || c == '.' || c == '_' || c == '%' || c == '+' || c == '-' || c == '\'') out |= local;
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) out |= hex;
  return static_cast<std::uint8_t>(out);
}
struct Table {
  std::uint8_t of[256];
};
constexpr Table table() {
  Table made{};
  for (unsigned i = 0; i < 256; ++i) made.of[i] = class_of(static_cast<unsigned char>(i));
  return made;
}
inline constexpr Table classes = table();
inline bool is(char c, unsigned mask) { return (classes.of[static_cast<unsigned char>(c)] & mask) != 0; }
inline constexpr unsigned alpha = upper | lower;
inline constexpr unsigned alnum = digit | upper | lower;
}  // namespace letters

// No built-in span begins more than this many bytes before the first byte that gives it away (span_windows.h).
inline constexpr std::size_t most_local = 64;
inline constexpr std::size_t most_private_key = 16384;

}  // namespace plimsoll::gateway
