// SPDX-License-Identifier: Apache-2.0
#include "base/number_text.h"

#include <array>
#include <charconv>

namespace plimsoll {

std::string number_text(double value) {
  std::array<char, 40> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 12);
  return error == std::errc() ? std::string(text.data(), end) : std::string("?");
}

}  // namespace plimsoll
