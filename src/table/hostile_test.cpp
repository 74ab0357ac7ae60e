// SPDX-License-Identifier: Apache-2.0
// Parquet and Arrow files that were cut short or altered: an error or a table, never a crash.
#include <gtest/gtest.h>

#include "base/philox.h"
#include "table/file_format.h"
#include "table/sample_tables.h"

namespace plimsoll {
namespace {

std::string bytes_of(const std::string& suffix, std::int64_t rows) {
  const Folder folder;
  EXPECT_TRUE(write_table(sample_table(rows), folder / ("t." + suffix)).ok());
  return *read_file(folder / ("t." + suffix));
}

void touch_all(const Table& table) {
  for (const ColumnInfo& column : table.columns()) {
    if (column.type == ColumnType::list_of_text) {
      (void)table.text_lists(column.name);
    } else {
      (void)table.categories(column.name);
    }
  }
}

// Reads whole and as a stream; what can be read must be sound enough to touch.
void try_both(const std::string& bytes, FileFormat format, bool must_fail) {
  const Result<Table> whole = read_table_bytes(bytes, format);
  if (whole.ok()) touch_all(*whole);
  if (must_fail) {
    ASSERT_FALSE(whole.ok()) << bytes.size();
    EXPECT_TRUE(whole.error().code == ErrorCode::corrupt_file || whole.error().code == ErrorCode::bad_document) << whole.error().message();
  }
  auto stream = open_table_bytes(bytes, format);
  if (!stream.ok()) return;
  const Result<Table> streamed = read_all(**stream);
  if (must_fail) {
    EXPECT_FALSE(streamed.ok()) << bytes.size();
  }
  if (streamed.ok()) touch_all(*streamed);
}

TEST(Hostile, TruncatedParquet) {
  const std::string bytes = bytes_of("parquet", 300);
  for (std::size_t size = 0; size < bytes.size(); size += 97) try_both(bytes.substr(0, size), FileFormat::parquet, true);
}

TEST(Hostile, TruncatedArrow) {
  const std::string bytes = bytes_of("arrow", 300);
  for (std::size_t size = 0; size < bytes.size(); size += 97) try_both(bytes.substr(0, size), FileFormat::arrow, true);
}

TEST(Hostile, AlteredBytes) {
  const std::pair<const char*, FileFormat> formats[] = {{"parquet", FileFormat::parquet}, {"arrow", FileFormat::arrow}};
  Stream draws(20260101);
  for (const auto& [suffix, format] : formats) {
    const std::string bytes = bytes_of(suffix, 50);
    for (int trial = 0; trial < 400; ++trial) {
      std::string altered = bytes;
      const std::uint64_t changes = 1 + draws.below(4);
      for (std::uint64_t k = 0; k < changes; ++k) {
        const std::size_t at = draws.below(altered.size());
        altered[at] = static_cast<char>(draws.below(256));
      }
      try_both(altered, format, false);
    }
  }
}

TEST(Hostile, NotEvenClose) {
  for (const FileFormat format : {FileFormat::parquet, FileFormat::arrow}) {
    try_both("", format, true);
    try_both("PAR1", format, true);
    try_both("ARROW1", format, true);
    try_both(std::string(1000, '\0'), format, format == FileFormat::parquet);
    try_both("a,b\n1,2\n3,4\n5,6\n7,8\n", format, true);
  }
  const Folder folder;
  ASSERT_TRUE(write_file(folder / "cut.parquet", bytes_of("parquet", 50).substr(0, 500)).ok());
  const Result<Table> cut = read_table(folder / "cut.parquet");
  ASSERT_FALSE(cut.ok());
  EXPECT_EQ(cut.error().code, ErrorCode::corrupt_file);
  EXPECT_EQ(cut.error().file, (folder / "cut.parquet").string());
  EXPECT_FALSE(cut.error().mend.empty());
}

}  // namespace
}  // namespace plimsoll
