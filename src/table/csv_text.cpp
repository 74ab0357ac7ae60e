// SPDX-License-Identifier: Apache-2.0
#include "table/csv_text.h"

#include <arrow/buffer.h>
#include <arrow/status.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>

namespace plimsoll {
namespace {

constexpr std::int64_t pull_bytes = std::int64_t{1} << 18;
constexpr std::size_t longest_header = std::size_t{1} << 24;

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_line_end(char c) { return c == '\n' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Walks records: `field` at each field's end, `record` at each line end outside quotes (blank lines too, with no field).
class RecordWalker {
 public:
  explicit RecordWalker(char delimiter) : delimiter_(delimiter) {}

  std::int64_t line = 1;         // of the byte before us
  std::int64_t record_line = 1;  // where the current record began
  std::int64_t fields = 0;       // of the record that ended
  bool blank = true;             // no byte in this record yet

  // True when `c` ended a record.
  bool step(char c) {
    if (c == '\n' && after_return_) {  // the second half of \r\n
      after_return_ = false;
      return false;
    }
    after_return_ = false;
    if (in_quotes_) {
      if (c == '"') in_quotes_ = false;
      if (c == '\n') ++line;
      return false;
    }
    if (is_line_end(c)) {
      after_return_ = c == '\r';
      ++line;
      return true;
    }
    blank = false;
    if (c == delimiter_) {
      ++open_fields_;
      field_start_ = true;
      return false;
    }
    if (c == '"' && (field_start_ || quoted_)) {
      in_quotes_ = true;
      quoted_ = true;
    }
    if (field_start_ && c != '"') quoted_ = false;
    field_start_ = false;
    return false;
  }
  void begin_record() {
    fields = open_fields_ + 1;
    open_fields_ = 0;
    blank = true;
    field_start_ = true;
    quoted_ = false;
    record_line = line;
  }
  std::int64_t fields_so_far() const { return open_fields_ + 1; }

 private:
  char delimiter_;
  std::int64_t open_fields_ = 0;
  bool in_quotes_ = false;
  bool quoted_ = false;
  bool field_start_ = true;
  bool after_return_ = false;
};

std::vector<std::string> split_record(std::string_view record, char delimiter, bool trim) {
  std::vector<std::string> fields;
  std::string field;
  bool in_quotes = false;
  bool quoted = false;
  const auto end_field = [&] {
    fields.emplace_back(trim && !quoted ? std::string(trimmed(field)) : field);
    field.clear();
    quoted = false;
  };
  for (std::size_t i = 0; i < record.size(); ++i) {
    const char c = record[i];
    if (in_quotes) {
      if (c != '"') {
        field += c;
      } else if (i + 1 < record.size() && record[i + 1] == '"') {
        field += '"';
        ++i;
      } else {
        in_quotes = false;
      }
    } else if (c == '"' && !quoted && trimmed(field).empty()) {
      in_quotes = true;
      quoted = true;
      field.clear();
    } else if (c == delimiter) {
      end_field();
    } else if (!quoted || !is_blank(c)) {
      field += c;
    }
  }
  end_field();
  return fields;
}

// The first record that is not an empty line: [begin, end) and where the next begins; end = npos when it is not complete.
struct FirstRecord {
  std::size_t begin = 0;
  std::size_t end = std::string::npos;
  std::size_t next = std::string::npos;
};

FirstRecord first_record(std::string_view text, char delimiter) {
  RecordWalker walker(delimiter);
  FirstRecord found;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool blank = walker.blank;
    if (!walker.step(text[i])) continue;
    if (blank) {
      found.begin = i + 1;
      walker.begin_record();
      continue;
    }
    if (text[i] == '\r' && i + 1 == text.size()) return found;  // its \n may follow
    found.end = i;
    found.next = i + 1 + (text[i] == '\r' && text[i + 1] == '\n' ? 1U : 0U);
    return found;
  }
  return found;
}

Result<std::vector<std::string>> suffixes_by_column(const ReadOptions& options, const std::vector<std::string>& names) {
  std::vector<std::string> suffixes;
  if (options.strip_suffix.empty()) return suffixes;
  suffixes.resize(names.size());
  for (const std::string& rule : options.strip_suffix) {
    const std::size_t cut = rule.find('=');
    if (cut == std::string::npos || cut + 1 == rule.size()) {
      return Error(ErrorCode::bad_parameter, "'" + rule + "' is no rule of the form COLUMN=SUFFIX", "Write for example income=. to remove a stop.")
          .in_parameter("read.strip_suffix");
    }
    const std::string column = rule.substr(0, cut);
    const auto at = std::find(names.begin(), names.end(), column);
    if (at == names.end()) {
      std::vector<std::string> near = nearest_names(column, names);
      const std::string mend = near.empty() ? "Name a column of the file." : "Did you mean '" + near.front() + "'?";
      return Error(ErrorCode::missing_column, "the file has no column '" + column + "'", mend)
          .in_column(column)
          .in_parameter("read.strip_suffix")
          .with_candidates(std::move(near));
    }
    suffixes[static_cast<std::size_t>(at - names.begin())] = rule.substr(cut + 1);
  }
  return suffixes;
}

// Calls visit(walker) after each record that is not blank, and stops when it returns true.
template <class Visit>
void walk_records(const Source& source, const ReadOptions& options, Visit visit) {
  if (source.once()) return;
  auto stream = source.open_stream();
  if (!stream.ok()) return;
  RecordWalker walker(options.delimiter);
  while (true) {
    auto buffer = (*stream)->Read(pull_bytes);
    if (!buffer.ok() || (*buffer)->size() == 0) break;
    const std::string_view text(reinterpret_cast<const char*>((*buffer)->data()), static_cast<std::size_t>((*buffer)->size()));
    for (const char c : text) {
      const bool blank = walker.blank;
      if (!walker.step(c)) continue;
      const std::int64_t began = walker.record_line;
      walker.begin_record();
      if (!blank && visit(began, walker.fields)) return;
    }
  }
  if (!walker.blank) visit(walker.record_line, walker.fields_so_far());
}

}  // namespace

void FieldCleaner::end_field(std::string& out) {
  std::string_view field = field_;
  if (trim_) field = trimmed(field);
  const bool quote_last = quoted_ && field.size() >= 2 && field.back() == '"';
  if (column_ < suffixes_.size() && !suffixes_[column_].empty()) {
    if (quote_last) field.remove_suffix(1);
    if (field.ends_with(suffixes_[column_])) field.remove_suffix(suffixes_[column_].size());
    out.append(field);
    if (quote_last) out += '"';
  } else {
    out.append(field);
  }
  field_.clear();
  quoted_ = false;
}

void FieldCleaner::feed(std::string_view in, std::string& out) {
  for (const char c : in) {
    if (in_quotes_) {
      field_ += c;
      if (c == '"') in_quotes_ = false;
      continue;
    }
    if (c == delimiter_) {
      end_field(out);
      out += c;
      ++column_;
    } else if (is_line_end(c)) {
      end_field(out);
      out += c;
      column_ = 0;
    } else if (c == '"' && (field_.empty() || quoted_)) {
      in_quotes_ = true;
      quoted_ = true;
      field_ += c;
    } else if (!(trim_ && field_.empty() && is_blank(c))) {
      field_ += c;
    }
  }
}

void FieldCleaner::finish(std::string& out) { end_field(out); }

std::size_t last_record_end(std::string_view text) {
  if (std::memchr(text.data(), '"', text.size()) == nullptr) {
    const std::size_t at = text.find_last_of("\n\r");
    return at == std::string_view::npos ? at : at + 1;
  }
  std::size_t last = std::string_view::npos;
  bool in_quotes = false;
  // A doubled quote closes and opens again: the state after it is the same.
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') in_quotes = !in_quotes;
    if (!in_quotes && is_line_end(text[i])) last = i + 1;
  }
  return last;
}

Result<bool> CsvText::pull(std::int64_t size) {
  if (ended_) return false;
  auto buffer = stream_->Read(size);
  if (!buffer.ok()) return arrow_error(buffer.status(), ErrorCode::bad_document, "The file could not be read.");
  const std::string_view text(reinterpret_cast<const char*>((*buffer)->data()), static_cast<std::size_t>((*buffer)->size()));
  if (text.empty()) {
    ended_ = true;
    if (cleaner_ != nullptr) cleaner_->finish(ready_);
    return false;
  }
  if (cleaner_ != nullptr) {
    cleaner_->feed(text, ready_);
  } else {
    ready_.append(text);
  }
  return true;
}

Result<void> CsvText::take_header(const ReadOptions& options) {
  FirstRecord first;
  while (true) {
    PLIMSOLL_TRY(const bool more, pull(pull_bytes));
    if (ready_.starts_with("\xff\xfe") || ready_.starts_with("\xfe\xff")) {
      return Error(ErrorCode::bad_document, "the file is UTF-16", "Save it as UTF-8.").at_line(1);
    }
    if (ready_.starts_with("\xef\xbb\xbf")) ready_.erase(0, 3);
    first = first_record(ready_, delimiter_);
    if (first.end != std::string::npos || !more) break;
    if (ready_.size() > longest_header) return Error(ErrorCode::bad_document, "the first line is longer than 16 MiB", "Is this a CSV file?").at_line(1);
  }
  if (first.end == std::string::npos) first.end = first.next = ready_.size();
  std::string_view record = std::string_view(ready_).substr(first.begin, first.end - first.begin);
  while (!record.empty() && is_line_end(record.back())) record.remove_suffix(1);
  if (record.empty()) {
    return Error(ErrorCode::bad_document, "the file is empty", "Write at least a header line, or give the right file.").at_line(1);
  }
  const std::vector<std::string> fields = split_record(record, delimiter_, options.trim);
  names_ = options.names;
  if (names_.empty() && options.header) names_ = fields;
  if (names_.empty()) {
    for (std::size_t i = 0; i < fields.size(); ++i) names_.push_back("c" + std::to_string(i + 1));
  }
  if (names_.size() != fields.size()) {
    return Error(ErrorCode::bad_parameter, std::to_string(names_.size()) + " names are given for " + std::to_string(fields.size()) + " columns",
                 "Give one name for each column.")
        .in_parameter("read.names");
  }
  ready_.erase(0, options.header ? first.next : 0);
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : names_) {
    if (seen.insert(name).second) continue;
    return Error(ErrorCode::bad_value, "two columns are named '" + name + "'", "Rename one of them, or name all with --read.names.").in_column(name).at_line(1);
  }
  return {};
}

Result<void> CsvText::find_rows() {
  while (true) {
    const auto at = std::find_if(ready_.begin(), ready_.end(), [](char c) { return !is_line_end(c); });
    any_rows_ = at != ready_.end();
    if (any_rows_) return {};
    PLIMSOLL_TRY(const bool more, pull(pull_bytes));
    if (!more && ready_.empty()) return {};
    if (!more) {
      any_rows_ = std::any_of(ready_.begin(), ready_.end(), [](char c) { return !is_line_end(c); });
      return {};
    }
  }
}

Result<CsvText> CsvText::open(const Source& source, const ReadOptions& options) {
  CsvText text;
  PLIMSOLL_TRY(text.stream_, source.open_stream());
  text.delimiter_ = options.delimiter;
  PLIMSOLL_CHECK(text.take_header(options));
  PLIMSOLL_TRY(auto suffixes, suffixes_by_column(options, text.names_));
  if (options.trim || !suffixes.empty()) {
    text.cleaner_ = std::make_unique<FieldCleaner>(options.delimiter, options.trim, std::move(suffixes));
    std::string cleaned;
    text.cleaner_->feed(text.ready_, cleaned);
    if (text.ended_) text.cleaner_->finish(cleaned);
    text.ready_ = std::move(cleaned);
  }
  PLIMSOLL_CHECK(text.find_rows());
  return text;
}

Result<std::string> CsvText::bytes(std::int64_t size) {
  const auto wanted = static_cast<std::size_t>(size);
  while (ready_.size() < wanted && !ended_) {
    PLIMSOLL_CHECK(pull(size - static_cast<std::int64_t>(ready_.size())));
  }
  std::string out;
  if (ready_.size() <= wanted) {
    out.swap(ready_);
  } else {
    out.assign(ready_, 0, wanted);
    ready_.erase(0, wanted);
  }
  return out;
}

Result<std::string> CsvText::piece(std::int64_t size) {
  std::size_t wanted = static_cast<std::size_t>(size);
  while (true) {
    while (ready_.size() < wanted && !ended_) {
      PLIMSOLL_CHECK(pull(static_cast<std::int64_t>(wanted - ready_.size())));
    }
    if (ended_ && ready_.size() <= wanted) {
      std::string out;
      out.swap(ready_);
      return out;
    }
    const std::size_t end = last_record_end(std::string_view(ready_).substr(0, wanted));
    if (end != std::string::npos) {
      std::string rest(ready_, end);
      ready_.resize(end);
      std::string out;
      out.swap(ready_);
      ready_ = std::move(rest);
      return out;
    }
    wanted *= 2;
  }
}

std::int64_t line_of_row(const Source& source, const ReadOptions& options, std::int64_t row) {
  std::int64_t record = -(options.header ? 1 : 0);
  std::int64_t line = -1;
  walk_records(source, options, [&](std::int64_t began, std::int64_t) {
    if (record++ != row) return false;
    line = began;
    return true;
  });
  return line;
}

RaggedRow find_ragged_row(const Source& source, const ReadOptions& options, std::int64_t fields) {
  RaggedRow found;
  walk_records(source, options, [&](std::int64_t began, std::int64_t count) {
    if (count == fields) return false;
    found = {began, count};
    return true;
  });
  return found;
}

}  // namespace plimsoll
