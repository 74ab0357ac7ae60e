// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace plimsoll {

// Where long work says how far it is. `total` < 0 when unknown. Calls may come from any thread.
class Progress {
 public:
  virtual ~Progress() = default;
  virtual void begin(std::string_view task, std::int64_t total, std::string_view unit) = 0;
  virtual void advance(std::int64_t count) = 0;
  virtual void end() = 0;
};

// Says nothing.
Progress& silent_progress();

}  // namespace plimsoll
