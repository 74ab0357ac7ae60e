// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "engine/report.h"

namespace plimsoll {

// Text made safe between tags and in quoted attributes; wrong UTF-8 and control characters are replaced.
std::string html_text(std::string_view text);

// The blocks of a report as HTML sections "b1", "b2" ... `row_cap` is the most rows a table block shows.
std::string html_blocks(const Report& report, std::size_t row_cap);
std::string html_block(const Block& block, std::size_t number, std::size_t row_cap);

// The heading of a block; empty if it has none.
const std::string& block_heading(const Block& block);

}  // namespace plimsoll
