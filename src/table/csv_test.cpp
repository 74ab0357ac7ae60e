// SPDX-License-Identifier: Apache-2.0
// CSV and JSON lines as people write them, and as nobody should.
#include <gtest/gtest.h>

#include "table/file_format.h"
#include "table/sample_tables.h"

namespace plimsoll {
namespace {

Result<Table> read_csv_text(std::string_view text, const ReadOptions& options = {}) { return read_table_bytes(text, FileFormat::csv, options); }

Result<Table> stream_text(const std::string& text, FileFormat format, const ReadOptions& options = {}) {
  PLIMSOLL_TRY(auto stream, open_table_bytes(text, format, options));
  return read_all(*stream);
}

TEST(Csv, InfersTypes) {
  const Table table = *read_csv_text("i,r,b,t,d,n,q\n1,1.5,true,x,2020-01-02,,\"1,2\"\n,2,false,NA,2021-01-02,,\"a\"\"b\"\n");
  const ColumnType types[] = {ColumnType::integer, ColumnType::real, ColumnType::boolean, ColumnType::text,
                              ColumnType::timestamp, ColumnType::real, ColumnType::text};
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(name_of(table.columns()[i].type), name_of(types[i])) << table.columns()[i].name;
  EXPECT_EQ(*table.null_count("i"), 1);
  EXPECT_EQ(*table.null_count("t"), 1);
  EXPECT_EQ(*table.null_count("n"), 2);
  EXPECT_EQ((*table.texts("q"))[1], "a\"b");
  EXPECT_EQ((*table.texts("d"))[0], "2020-01-02");
  EXPECT_EQ((*table.integers("d"))[0], 1577923200000000);
}

TEST(Csv, HeadersAndNames) {
  EXPECT_EQ((*read_csv_text("\xef\xbb\xbf" "a,b\n1,2\n")).columns()[0].name, "a");
  EXPECT_EQ((*read_csv_text("\n\r\na,b\r\n1,2\r\n")).rows(), 1);
  EXPECT_EQ((*read_csv_text("\"a,x\",b\n1,2")).columns()[0].name, "a,x");
  EXPECT_EQ((*read_csv_text("a,b")).rows(), 0);
  EXPECT_EQ((*read_csv_text("a,b\n\n\n")).rows(), 0);
  ReadOptions options;
  options.header = false;
  EXPECT_EQ((*read_csv_text("1,2\n3,4\n", options)).columns()[1].name, "c2");
  options.names = {"p", "q"};
  EXPECT_EQ((*read_csv_text("1,2\n3,4\n", options)).rows(), 2);
  options.header = true;
  EXPECT_EQ((*read_csv_text("1,2\n3,4\n", options)).rows(), 1);
  options.names = {"p"};
  EXPECT_EQ(read_csv_text("1,2\n3,4\n", options).error().code, ErrorCode::bad_parameter);
  const Result<Table> twice = read_csv_text("a,b,a\n1,2,3\n");
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().code, ErrorCode::bad_value);
  EXPECT_EQ(twice.error().column, "a");
  EXPECT_EQ(read_csv_text("").error().code, ErrorCode::bad_document);
  EXPECT_EQ(read_csv_text("\n\n").error().code, ErrorCode::bad_document);
  EXPECT_EQ(read_csv_text(std::string_view("\xff\xfe" "a\0", 4)).error().code, ErrorCode::bad_document);
}

TEST(Csv, RaggedLinesAreNamed) {
  const std::string text = "a,b,c\n1,2,3\n\n\"x\ny\",5,6\n7,8\n9,10,11\n";
  for (const auto& read : {read_csv_text(text), stream_text(text, FileFormat::csv)}) {
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code, ErrorCode::bad_document);
    EXPECT_EQ(read.error().line, 6) << read.error().message();
    EXPECT_NE(read.error().what.find("2 fields where 3"), std::string::npos) << read.error().what;
    EXPECT_EQ(read.error().file, "memory");
  }
}

// Rows enough for several pieces of a stream, a fault in the last.
TEST(Csv, FaultsFarDownAreNamed) {
  std::string text = "id,value,word\n";
  for (int i = 0; i < 400000; ++i) text += std::to_string(i) + ",7,w" + std::to_string(i % 5) + "\n";
  const Table whole = *read_csv_text(text + "400000,7.5,w\n");
  EXPECT_EQ(name_of(whole.columns()[1].type), "real");
  expect_same(*stream_text(text, FileFormat::csv), *read_csv_text(text));
  for (const std::string fault : {"400000,7.5,w\n", "400000,seven,w\n"}) {
    const Result<Table> read = stream_text(text + fault, FileFormat::csv);
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code, ErrorCode::bad_value);
    EXPECT_EQ(read.error().column, "value");
    EXPECT_EQ(read.error().row, 400000) << read.error().message();
    EXPECT_EQ(read.error().line, 400002);
    EXPECT_NE(read.error().mend.find("--read.text_columns value"), std::string::npos);
  }
  const Result<Table> ragged = stream_text(text + "1,2\n", FileFormat::csv);
  ASSERT_FALSE(ragged.ok());
  EXPECT_EQ(ragged.error().line, 400002);
  ReadOptions options;
  options.text_columns = {"value"};
  EXPECT_EQ(stream_text(text + "400000,seven,w\n", FileFormat::csv, options)->rows(), 400001);
  options.text_columns = {"valu"};
  EXPECT_EQ(read_csv_text(text, options).error().candidates.front(), "value");
  ReadOptions threads;
  threads.threads = 2;
  const Result<Table> many = read_csv_text(text + "1,2\n", threads);
  ASSERT_FALSE(many.ok());
  EXPECT_EQ(many.error().line, 400002);
}

TEST(Csv, NullsFirstNumbersLater) {
  std::string text = "a,b\n";
  for (int i = 0; i < 900000; ++i) text += "1,\n";
  text += "1,2.5\n";
  for (const auto& read : {read_csv_text(text), stream_text(text, FileFormat::csv)}) {
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(name_of(read->columns()[1].type), "real");
    EXPECT_EQ(*read->null_count("b"), 900000);
  }
}

TEST(Csv, RefusesWhatIsNotText) {
  const Result<Table> latin = read_csv_text("a,b\nGr\xfc\xdf,1\n");
  ASSERT_FALSE(latin.ok());
  EXPECT_EQ(latin.error().code, ErrorCode::bad_value);
  EXPECT_EQ(latin.error().column, "a");
  EXPECT_EQ(stream_text("a,b\nGr\xfc\xdf,1\n", FileFormat::csv).error().code, ErrorCode::bad_value);
  EXPECT_FALSE(read_csv_text("a,b\n\"open,1\n2,3\n").ok());
}

TEST(Csv, BlanksSuffixesAndNulls) {
  ReadOptions options;
  options.trim = true;
  options.null_values = {"?"};
  options.strip_suffix = {"y=."};
  const std::string text = "a , b, y\n 1 , ?, no.\n2,\tx y , \"yes.\"\n ? ,\" kept \",no.\n  \n";
  for (const auto& read : {read_csv_text(text, options), stream_text(text, FileFormat::csv, options)}) {
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(name_of(read->columns()[0].type), "integer");
    EXPECT_EQ(read->rows(), 3);
    EXPECT_EQ(*read->null_count("b"), 1);
    EXPECT_EQ((*read->texts("b"))[2], " kept ");
    EXPECT_EQ(*read->texts("y"), (std::vector<std::string>{"no", "yes", "no"}));
  }
  options.strip_suffix = {"z=."};
  EXPECT_EQ(read_csv_text(text, options).error().code, ErrorCode::missing_column);
  options.strip_suffix = {"y"};
  EXPECT_EQ(read_csv_text(text, options).error().code, ErrorCode::bad_parameter);
}

TEST(Csv, AdultAsPublished) {
  const auto data = shared_data();
  if (data.empty()) GTEST_SKIP() << "the public data is not here: set PLIMSOLL_SHARED";
  ReadOptions options;
  options.header = false;
  options.names = {"age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship",
                   "race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income"};
  options.trim = true;
  options.null_values = {"?"};
  options.strip_suffix = {"income=."};
  const std::pair<const char*, std::int64_t> files[] = {{"adult-train.csv", 32561}, {"adult-test.csv", 16281}};
  for (const auto& [name, rows] : files) {
    auto read = read_table(data / "adult" / name, options);
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(read->rows(), rows);
    EXPECT_EQ(name_of(read->columns()[0].type), "integer");
    EXPECT_EQ(read->categories("income")->names, (std::vector<std::string>{"<=50K", ">50K"}));
    EXPECT_GT(*read->null_count("workclass"), 900);
    auto stream = open_table(data / "adult" / name, options);
    expect_same(*read_all(**stream), *read);
  }
  ReadOptions raw;
  const Result<Table> guessed = read_table(data / "adult" / "adult-train.csv", raw);
  EXPECT_TRUE(guessed.ok() || !guessed.error().mend.empty());
}

TEST(Jsonl, TypesAndLists) {
  const std::string text = "{\"a\":1,\"b\":\"x\",\"l\":[\"p\",\"q\"],\"n\":null}\n\n{\"b\":\"y\",\"a\":2.5,\"l\":[]}\n";
  for (const auto& read : {read_table_bytes(text, FileFormat::jsonl), stream_text(text, FileFormat::jsonl)}) {
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(read->rows(), 2);
    EXPECT_EQ(name_of(read->columns()[0].type), "real");
    EXPECT_EQ(read->text_lists("l")->front(), (std::vector<std::string>{"p", "q"}));
    EXPECT_EQ(*read->null_count("n"), 2);
  }
}

TEST(Jsonl, FaultsAreNamed) {
  const std::pair<std::string, ErrorCode> faults[] = {
      {"{\"a\":\n", ErrorCode::bad_document}, {"[1,2]\n", ErrorCode::bad_document}, {"{\"a\":\"text\"}\n", ErrorCode::bad_value}};
  for (const auto& [fault, code] : faults) {
    const std::string text = "{\"a\":1}\n{\"a\":2}\n" + fault + "{\"a\":3}\n";
    for (const auto& read : {read_table_bytes(text, FileFormat::jsonl), stream_text(text, FileFormat::jsonl)}) {
      ASSERT_FALSE(read.ok());
      EXPECT_EQ(read.error().code, code) << read.error().message();
      EXPECT_EQ(read.error().line, 3) << read.error().message();
    }
  }
  EXPECT_EQ(read_table_bytes("", FileFormat::jsonl).error().code, ErrorCode::bad_document);
  EXPECT_EQ(stream_text("\n \n", FileFormat::jsonl).error().code, ErrorCode::bad_document);
  EXPECT_FALSE(read_table_bytes("{\"a\":1,\"a\":2}\n", FileFormat::jsonl).ok());
  EXPECT_EQ(read_table_bytes("{\"a\":" + std::string(100000, '[') + "\n", FileFormat::jsonl).error().code, ErrorCode::bad_document);
}

TEST(Jsonl, StreamKeepsItsColumns) {
  std::string text;
  for (int i = 0; i < 300000; ++i) text += "{\"key\":" + std::to_string(i) + ",\"word\":\"value " + std::to_string(i % 9) + "\"}\n";
  expect_same(*stream_text(text, FileFormat::jsonl), *read_table_bytes(text, FileFormat::jsonl));
  const Result<Table> late = stream_text(text + "{\"key\":1,\"other\":2}\n", FileFormat::jsonl);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, ErrorCode::bad_value) << late.error().message();
  EXPECT_EQ(read_table_bytes(text + "{\"key\":1,\"other\":2}\n", FileFormat::jsonl)->columns().size(), 3U);
}

}  // namespace
}  // namespace plimsoll
