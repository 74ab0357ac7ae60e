// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where built-in spans can start at all. Each shape shows a tell-tale within a bounded distance of its start: an '@', a group of
// digits, a run of 16 token characters, a colon between hexadecimal digits, five hyphens. Blocks of 64 bytes are read into one
// bit mask a class; the places that no window covers start no span. Forms for any processor and for AVX2 give the same windows.

#include <cstddef>
#include <string_view>
#include <vector>

namespace plimsoll::gateway {

struct Window {
  std::size_t begin = 0;
  std::size_t end = 0;  // exclusive
};

// A tell-tale stands at most this many bytes after the start of its span.
inline constexpr std::size_t window_reach = 80;

enum class Lanes : int { fastest, plain };

// Windows over text[from, text.size()), in order and disjoint. They hold every start of a span, and every place that is still open,
// that lies `window_reach` bytes or more before the text's end; all of them when nothing follows the text.
void span_windows(std::string_view text, std::size_t from, Lanes lanes, std::vector<Window>& out);

}  // namespace plimsoll::gateway
