// SPDX-License-Identifier: Apache-2.0
#include "table/interchange.h"

#include <arrow/c/abi.h>
#include <gtest/gtest.h>

#include "table/sample_tables.h"

namespace plimsoll {
namespace {

TEST(Interchange, ThereAndBack) {
  const Table table = sample_table(1000);
  for (const std::int64_t batch : {1, 100, 5000}) {
    ArrowArrayStream stream{};
    ASSERT_TRUE(export_stream(stream_of(table, batch), &stream).ok());
    auto back = import_stream(&stream);
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(stream.release, nullptr);
    const Table whole = *read_all(**back);
    expect_same(whole, table);
    EXPECT_EQ((*back)->rewind().error().code, ErrorCode::bad_parameter);
  }
}

TEST(Interchange, CopiesNothing) {
  const Table table = sample_table(1000);
  ArrowArrayStream stream{};
  ASSERT_TRUE(export_stream(stream_of(table, 1000), &stream).ok());
  auto back = import_stream(&stream);
  auto batch = (*back)->next();
  EXPECT_EQ((*batch)->reals("x")->begin(), table.reals("x")->begin());
}

TEST(Interchange, MemoryOutlivesTheTable) {
  ArrowArrayStream stream{};
  {
    const Table table = sample_table(100);
    ASSERT_TRUE(export_stream(stream_of(table, 30), &stream).ok());
  }
  auto back = import_stream(&stream);
  expect_same(*read_all(**back), sample_table(100));
}

TEST(Interchange, ReleasedUnread) {
  ArrowArrayStream stream{};
  ASSERT_TRUE(export_stream(stream_of(sample_table(100), 30), &stream).ok());
  stream.release(&stream);
  EXPECT_EQ(stream.release, nullptr);
  EXPECT_EQ(import_stream(&stream).error().code, ErrorCode::wrong_kind);
  EXPECT_EQ(import_stream(nullptr).error().code, ErrorCode::wrong_kind);
}

TEST(Interchange, NoRows) {
  ArrowArrayStream stream{};
  ASSERT_TRUE(export_stream(stream_of(sample_table(0)), &stream).ok());
  auto back = import_stream(&stream);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ((*back)->columns().size(), 7U);
  EXPECT_EQ(read_all(**back)->rows(), 0);
}

class FailingStream final : public TableStream {
 public:
  const std::vector<ColumnInfo>& columns() const override { return table_.columns(); }
  Result<std::optional<Table>> next() override {
    if (given_) return Error(ErrorCode::timeout, "the source fell silent", "Try again.");
    given_ = true;
    return std::optional<Table>(table_);
  }
  Result<void> rewind() override { return {}; }

 private:
  Table table_ = sample_table(3);
  bool given_ = false;
};

TEST(Interchange, ErrorsCross) {
  ArrowArrayStream stream{};
  ASSERT_TRUE(export_stream(std::make_unique<FailingStream>(), &stream).ok());
  auto back = import_stream(&stream);
  ASSERT_TRUE(back.ok());
  auto read = read_all(**back);
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.error().message().find("fell silent"), std::string::npos);
}

}  // namespace
}  // namespace plimsoll
