// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace plimsoll::learn {

// What a fit does with rows that miss a value.
enum class MissingRows : std::uint8_t { refuse, drop };
std::span<const std::string_view> choices_of(MissingRows);

}  // namespace plimsoll::learn
