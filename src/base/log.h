// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plimsoll {

enum class Severity { debug, info, warning, error };

// One structured record; never holds row content.
struct LogRecord {
  Severity severity = Severity::info;
  std::string message;
  std::vector<std::pair<std::string, std::string>> fields;
};

class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(const LogRecord& record) = 0;
};

LogSink& null_log();

}  // namespace plimsoll
