// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>

#include "base/json.h"

namespace plimsoll::cli {
namespace {

std::atomic<bool> output_broken{false};

void write_all(std::FILE* stream, std::string_view text) {
  const bool complete = std::fwrite(text.data(), 1, text.size(), stream) == text.size() && std::fflush(stream) == 0;
  if (!complete && stream == stdout) output_broken.store(true);
}

std::string duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 100) return std::to_string(whole) + " s";
  if (whole < 6000) return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole % 3600 / 60) + " min";
}

// Columns that a text takes: bytes that do not continue a UTF-8 sequence.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

}  // namespace

void print(std::string_view text) { write_all(stdout, text); }
void print_error_stream(std::string_view text) { write_all(stderr, text); }
bool output_failed() { return output_broken.load(); }

Json to_json(const Error& error) {
  Json body = {{"code", info(error.code).name}, {"what", error.what}};
  if (!error.mend.empty()) body["mend"] = error.mend;
  if (!error.file.empty()) body["file"] = error.file;
  if (error.line) body["line"] = *error.line;
  if (!error.column.empty()) body["column"] = error.column;
  if (error.row) body["row"] = *error.row;
  if (!error.parameter.empty()) body["parameter"] = error.parameter;
  if (!error.candidates.empty()) body["candidates"] = error.candidates;
  return Json{{"error", std::move(body)}};
}

int report_error(const Error& error, bool json) {
  print_error_stream(json ? canonical_json(to_json(error)) + "\n" : "plimsoll: " + error.message() + "\n");
  return info(error.code).exit_status;
}

void report_warnings(const std::vector<std::string>& warnings, bool quiet) {
  if (quiet) return;
  for (const std::string& words : warnings) print_error_stream("warning: " + words + "\n");
}

std::string grouped(std::int64_t count) {
  const std::string digits = std::to_string(count);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const std::size_t left = digits.size() - i;
    if (i > 0 && left % 3 == 0 && digits[i - 1] != '-') text += ',';
    text += digits[i];
  }
  return text;
}

std::string aligned(const std::vector<std::vector<std::string>>& rows, std::string_view indent) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    text += indent;
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - width_of(row[i]) + 2, ' ');
    }
    while (!text.empty() && text.back() == ' ') text.pop_back();
    text += '\n';
  }
  return text;
}

std::string folded(std::string_view text, std::size_t width, std::string_view indent) {
  std::string out;
  std::size_t column = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = text.find_first_of(" \n", at);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view word = text.substr(at, end - at);
    if (!word.empty()) {
      if (column > 0 && column + 1 + width_of(word) > width) {
        out += '\n';
        out += indent;
        column = 0;
      }
      if (column > 0) {
        out += ' ';
        ++column;
      }
      out += word;
      column += width_of(word);
    }
    at = end + 1;
  }
  return out;
}

TerminalProgress::TerminalProgress(bool wanted) : shown_(wanted && isatty(STDERR_FILENO) == 1) {}

double TerminalProgress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void TerminalProgress::begin(std::string_view task, std::int64_t total, std::string_view unit) {
  if (!shown_) return;
  const std::lock_guard guard(lock_);
  if (++nested_ > 1) return;  // the outermost task is the one people wait for
  task_ = task;
  unit_ = unit;
  total_ = total;
  done_ = 0;
  begun_ = drawn_ = seconds();
}

void TerminalProgress::advance(std::int64_t count) {
  if (!shown_) return;
  const std::lock_guard guard(lock_);
  if (nested_ != 1) return;
  done_ += count;
  const double now = seconds();
  if (now - drawn_ >= 0.1) draw(now);
}

void TerminalProgress::end() {
  if (!shown_) return;
  const std::lock_guard guard(lock_);
  if (nested_ > 0) --nested_;
  if (nested_ == 0) print_error_stream("\r\x1b[K");
}

void TerminalProgress::draw(double now) {
  drawn_ = now;
  const double passed = now - begun_;
  const double rate = passed > 0 ? static_cast<double>(done_) / passed : 0;
  std::string line = task_;
  if (total_ > 0) line += " " + std::to_string(std::min<std::int64_t>(100, done_ * 100 / total_)) + " %";
  line += ", " + grouped(done_) + (total_ > 0 ? " of " + grouped(total_) : std::string()) + " " + unit_;
  line += ", " + grouped(static_cast<std::int64_t>(rate)) + " " + unit_ + "/s";
  if (total_ > done_ && rate > 0) line += ", " + duration(static_cast<double>(total_ - done_) / rate) + " left";
  print_error_stream("\r\x1b[K" + line);
}

void TerminalLog::write(const LogRecord& record) {
  std::string line = record.message;
  for (const auto& [name, value] : record.fields) line += " " + name + "=" + value;
  const std::lock_guard guard(lock_);
  print_error_stream(line + "\n");
}

}  // namespace plimsoll::cli
