// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the program says and where: results on standard output, everything else on standard error.

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/result.h"

namespace plimsoll::cli {

void print(std::string_view text);          // standard output
void print_error_stream(std::string_view text);
bool output_failed();                        // standard output could not be written (a closed pipe, a full disk)

Json to_json(const Error& error);            // {"error": {"code", "what", "mend", ...}}
// Prints the error and returns its exit status.
int report_error(const Error& error, bool json);
void report_warnings(const std::vector<std::string>& warnings, bool quiet);

// "1,234,567"
std::string grouped(std::int64_t count);
// Columns padded to the same width, two blanks between; the last is not padded.
std::string aligned(const std::vector<std::vector<std::string>>& rows, std::string_view indent = "");
// Words folded to `width` columns, later lines indented.
std::string folded(std::string_view text, std::size_t width, std::string_view indent);

// A line on a terminal that is drawn again in place: task, share, rate, time left. Silent when standard error is no terminal.
class TerminalProgress final : public Progress {
 public:
  explicit TerminalProgress(bool wanted);
  void begin(std::string_view task, std::int64_t total, std::string_view unit) override;
  void advance(std::int64_t count) override;
  void end() override;

 private:
  void draw(double now);
  double seconds() const;

  bool shown_;
  std::mutex lock_;
  std::string task_;
  std::string unit_;
  std::int64_t total_ = -1;
  std::int64_t done_ = 0;
  double begun_ = 0;
  double drawn_ = 0;
  int nested_ = 0;
};

// --verbose: log records on standard error.
class TerminalLog final : public LogSink {
 public:
  void write(const LogRecord& record) override;

 private:
  std::mutex lock_;
};

}  // namespace plimsoll::cli
