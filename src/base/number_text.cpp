// SPDX-License-Identifier: Apache-2.0
#include "base/number_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace plimsoll {

std::string number_text(double value) {
  std::array<char, 40> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 12);
  return error == std::errc() ? std::string(text.data(), end) : std::string("?");
}

std::string percent_text(double share) {
  const auto tenths = static_cast<std::int64_t>(std::floor(share * 1000.0 + 0.5));
  std::string text = std::to_string(tenths / 10);
  if (tenths % 10 != 0) text += "." + std::to_string(tenths % 10);
  return text + " %";
}

}  // namespace plimsoll
