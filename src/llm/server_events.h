// SPDX-License-Identifier: Apache-2.0
#pragma once

// Server-sent events (WHATWG HTML, section 9.2), cut at any byte: what comes out does not depend on the cuts.

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace plimsoll::llm {

class ServerEvents {
 public:
  explicit ServerEvents(std::size_t most_bytes_an_event = std::size_t{1} << 20) : most_(most_bytes_an_event) {}
  // Calls `each` with the data of every event that ended; false from it ends the reading. `too_large` for an event beyond the
  // limit. An event that the stream's end cuts off is dropped, as the standard says.
  Result<bool> feed(std::string_view bytes, const std::function<bool(std::string_view)>& each);

 private:
  bool line(std::string_view text, const std::function<bool(std::string_view)>& each);

  std::size_t most_;
  std::string line_;
  std::string data_;
  bool has_data_ = false;
  bool after_return_ = false;  // the next line feed belongs to the carriage return before it
  bool first_ = true;
};

}  // namespace plimsoll::llm
