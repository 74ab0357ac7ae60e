// SPDX-License-Identifier: Apache-2.0
#pragma once

// Server-sent events (WHATWG HTML, section 9.2), cut anywhere. An event keeps its bytes, so that what is not rewritten is
// forwarded as it came.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll::gateway {

struct SseEvent {
  std::string raw;   // with the empty line that ends it
  std::string name;  // empty: message
  std::string data;  // lines joined by newlines
  bool has_data = false;
};

class SseReader {
 public:
  explicit SseReader(std::size_t most_bytes = std::size_t{4} << 20) : most_(most_bytes) {}
  // Whole events; `too_large` when one is longer than the limit, `unparsed` when a line has a name that events have not.
  Result<std::vector<SseEvent>> push(std::string_view bytes);
  std::string rest() const { return buffer_; }  // what no empty line has ended

 private:
  std::size_t most_;
  std::string buffer_;
};

std::string sse_text(std::string_view name, std::string_view data);

}  // namespace plimsoll::gateway
