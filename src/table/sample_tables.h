// SPDX-License-Identifier: Apache-2.0
#pragma once

// For the tests of this room: tables with every kind of column, a folder that goes away, and equality by value.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/file.h"
#include "table/file_format.h"
#include "table/table.h"

namespace plimsoll {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "plimsoll-table-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The folder of public data, where there is one; empty otherwise.
inline std::filesystem::path shared_data() {
  const char* set = std::getenv("PLIMSOLL_SHARED");
  std::filesystem::path root = set != nullptr ? std::filesystem::path(set) : std::filesystem::path(PLIMSOLL_SOURCE_DIR).parent_path() / "shared";
  return std::filesystem::is_directory(root / "data") ? root / "data" : std::filesystem::path();
}

// Rows 0..n-1 of every kind of column; nulls where i % 7 == 3, text with what CSV and JSON must quote.
inline Table sample_table(std::int64_t n) {
  std::vector<double> x, y;
  std::vector<std::int64_t> k;
  std::vector<bool> flag;
  std::vector<std::string> word;
  std::vector<std::int32_t> codes, offsets{0};
  std::vector<std::uint8_t> items;
  static const char* const words[] = {"plain", "with, comma", "with \"quotes\"", "line\nbreak", "", "NA", " blank ", "Gruesse \xc3\xbc\xe2\x82\xac"};
  for (std::int64_t i = 0; i < n; ++i) {
    const double d = static_cast<double>(i);
    x.push_back(d / 3 - 1e-300 * d);
    y.push_back(i % 7 == 3 ? std::nan("") : 1e10 / (d + 1));
    k.push_back((i % 2 == 0 ? 1 : -1) * (i << 40));
    flag.push_back(i % 3 == 0);
    word.emplace_back(words[i % 8]);
    codes.push_back(i % 7 == 3 ? -1 : static_cast<std::int32_t>(i % 3));
    for (std::int64_t j = 0; j < i % 3; ++j) items.push_back(static_cast<std::uint8_t>((i + j) % 4));
    offsets.push_back(static_cast<std::int32_t>(items.size()));
  }
  auto table = TableBuilder()
                   .real("x", x)
                   .real_or_null("y", y)
                   .integer("k", k)
                   .boolean("flag", flag)
                   .text("word", word)
                   .category("class", codes, {"low", "mid", "high"})
                   .list_of_text("set", offsets, items, {"a", "b", "c", "d"})
                   .build();
  EXPECT_TRUE(table.ok()) << (table.ok() ? "" : table.error().message());
  return table.ok() ? *table : Table();
}

inline void expect_same_column(const Table& a, const Table& b, const std::string& name, ColumnType type) {
  SCOPED_TRACE(name);
  if (type == ColumnType::list_of_text) {
    auto left = a.text_lists(name);
    auto right = b.text_lists(name);
    ASSERT_TRUE(left.ok() && right.ok());
    EXPECT_EQ(*left, *right);
    return;
  }
  EXPECT_EQ(*a.null_count(name), *b.null_count(name));
  auto left = a.categories(name);
  auto right = b.categories(name);
  ASSERT_TRUE(left.ok()) << left.error().message();
  ASSERT_TRUE(right.ok()) << right.error().message();
  EXPECT_EQ(left->codes, right->codes);
  EXPECT_EQ(left->names, right->names);
}

// The same columns with the same values, however they are stored.
inline void expect_same(const Table& a, const Table& b) {
  ASSERT_EQ(a.rows(), b.rows());
  ASSERT_EQ(a.columns().size(), b.columns().size());
  for (std::size_t i = 0; i < a.columns().size(); ++i) {
    ASSERT_EQ(a.columns()[i].name, b.columns()[i].name);
    ASSERT_EQ(name_of(a.columns()[i].type), name_of(b.columns()[i].type)) << a.columns()[i].name;
    expect_same_column(a, b, a.columns()[i].name, a.columns()[i].type);
  }
}

}  // namespace plimsoll
