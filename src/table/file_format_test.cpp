// SPDX-License-Identifier: Apache-2.0
#include "table/file_format.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "table/sample_tables.h"

namespace plimsoll {
namespace {

namespace fs = std::filesystem;

const char* const suffixes[] = {"parquet", "arrow", "jsonl", "csv", "tsv"};

// CSV holds no lists: what comes back is their joined text.
Table without_lists(const Table& table) { return table.without({"set"}); }

bool has_lists(const std::string& suffix) { return suffix != "csv" && suffix != "tsv"; }

TEST(FileFormat, RoundTrips) {
  const Folder folder;
  for (const std::string suffix : suffixes) {
    for (const std::int64_t rows : {1, 100, 5000}) {
      SCOPED_TRACE(suffix + " " + std::to_string(rows));
      const Table table = has_lists(suffix) ? sample_table(rows) : without_lists(sample_table(rows));
      const fs::path path = folder / ("t." + suffix);
      auto written = write_table(table, path);
      ASSERT_TRUE(written.ok()) << written.error().message();
      // One row tells little of types; JSON and CSV say "null" there.
      auto read = read_table(path);
      ASSERT_TRUE(read.ok()) << read.error().message();
      expect_same(*read, table);
      auto stream = open_table(path);
      ASSERT_TRUE(stream.ok()) << stream.error().message();
      auto streamed = read_all(**stream);
      ASSERT_TRUE(streamed.ok()) << streamed.error().message();
      expect_same(*streamed, table);
      ASSERT_TRUE((*stream)->rewind().ok());
      expect_same(*read_all(**stream), table);
    }
  }
}

TEST(FileFormat, RealsComeBackBitForBit) {
  const Folder folder;
  std::vector<double> values = {0.1, 1e308, 5e-324, -0.0, 3, 1.0 / 3, 123456789012345678.0, 0x1.fffffffffffffp+1023};
  const Table table = *TableBuilder().real("v", values).build();
  for (const std::string suffix : suffixes) {
    const fs::path path = folder / ("r." + suffix);
    ASSERT_TRUE(write_table(table, path).ok());
    auto read = read_table(path);
    ASSERT_TRUE(read.ok()) << read.error().message();
    auto got = read->reals("v");
    ASSERT_TRUE(got.ok()) << suffix << got.error().message();
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(std::signbit((*got)[i]), std::signbit(values[i])) << suffix << i;
      EXPECT_EQ((*got)[i], values[i]) << suffix << i;
    }
  }
}

TEST(FileFormat, NoRows) {
  const Folder folder;
  for (const std::string suffix : {"parquet", "arrow", "csv"}) {
    const Table table = without_lists(sample_table(0));
    const fs::path path = folder / ("e." + suffix);
    ASSERT_TRUE(write_table(table, path).ok());
    auto read = read_table(path);
    ASSERT_TRUE(read.ok()) << suffix << read.error().message();
    EXPECT_EQ(read->rows(), 0);
    EXPECT_EQ(read->columns().size(), 6U);
    auto stream = open_table(path);
    ASSERT_TRUE(stream.ok()) << suffix << stream.error().message();
    EXPECT_EQ((*stream)->columns().size(), 6U);
    EXPECT_EQ(read_all(**stream)->rows(), 0);
  }
}

TEST(FileFormat, BytesDoNotDependOnBatches) {
  const Folder folder;
  const Table table = sample_table(3000);
  for (const std::string suffix : suffixes) {
    std::string first;
    for (const std::int64_t rows : {3000, 1, 1000, 17}) {
      const fs::path path = folder / ("b" + std::to_string(rows) + "." + suffix);
      auto sink = create_table(path);
      ASSERT_TRUE(sink.ok());
      auto stream = stream_of(table, rows);
      while (true) {
        auto batch = stream->next();
        if (!batch->has_value()) break;
        ASSERT_TRUE((*sink)->write(**batch).ok());
        EXPECT_FALSE(fs::exists(path));
      }
      ASSERT_TRUE((*sink)->finish().ok());
      const std::string bytes = *read_file(path);
      if (first.empty()) first = bytes;
      EXPECT_EQ(bytes, first) << suffix << " in batches of " << rows;
    }
  }
}

TEST(FileFormat, NothingIsSeenBeforeFinish) {
  const Folder folder;
  for (const std::string suffix : suffixes) {
    const fs::path path = folder / ("n." + suffix);
    {
      auto sink = create_table(path);
      ASSERT_TRUE((*sink)->write(sample_table(2000)).ok());
    }
    EXPECT_TRUE(fs::is_empty(folder.path())) << suffix;
  }
}

TEST(FileFormat, ListsAreJoinedInCsv) {
  const Folder folder;
  ASSERT_TRUE(write_table(sample_table(6), folder / "l.csv").ok());
  const Table read = *read_table(folder / "l.csv");
  EXPECT_EQ((*read.texts("set"))[5], "b|c");
  EXPECT_EQ(*read.null_count("set"), 0);
  const Table bad = *TableBuilder().list_of_text("s", {0, 1}, std::vector<std::uint8_t>{0}, {"a|b"}).build();
  EXPECT_EQ(write_table(bad, folder / "x.csv").error().code, ErrorCode::bad_value);
  EXPECT_FALSE(fs::exists(folder / "x.csv"));
  WriteOptions other;
  other.list_separator = ";";
  EXPECT_TRUE(write_table(bad, folder / "x.csv", other).ok());
}

TEST(FileFormat, ChoosesColumns) {
  const Folder folder;
  const Table table = sample_table(50);
  for (const std::string suffix : suffixes) {
    const fs::path path = folder / ("c." + suffix);
    ASSERT_TRUE(write_table(table, path).ok());
    ReadOptions options;
    options.columns = {"class", "set", "x"};
    const Table read = *read_table(path, options);
    ASSERT_EQ(read.columns().size(), 3U);
    EXPECT_EQ(read.columns()[0].name, "class");
    EXPECT_EQ(read.columns()[2].name, "x");
    auto stream = open_table(path, options);
    ASSERT_TRUE(stream.ok()) << stream.error().message();
    EXPECT_EQ((*stream)->columns()[1].name, "set");
    expect_same(*read_all(**stream), read);
    options.columns = {"clas"};
    EXPECT_EQ(read_table(path, options).error().code, ErrorCode::missing_column) << suffix;
    auto missing = open_table(path, options);
    ASSERT_FALSE(missing.ok()) << suffix;
    EXPECT_EQ(missing.error().code, ErrorCode::missing_column);
    EXPECT_EQ(missing.error().candidates.front(), "class");
    EXPECT_EQ(missing.error().file, path.string());
  }
}

TEST(FileFormat, FoldersAreOneTable) {
  const Folder folder;
  const Table table = without_lists(sample_table(300));
  for (const std::string suffix : suffixes) {
    const fs::path part = folder / suffix;
    fs::create_directory(part);
    ASSERT_TRUE(write_table(table.slice(0, 100), part / ("a." + suffix)).ok());
    ASSERT_TRUE(write_table(table.slice(100, 150), part / ("b." + suffix)).ok());
    ASSERT_TRUE(write_table(table.slice(250, 50), part / ("c." + suffix)).ok());
    ASSERT_TRUE(write_file(part / "_SUCCESS", "").ok());
    auto read = read_table(part);
    ASSERT_TRUE(read.ok()) << read.error().message();
    expect_same(*read, table);
    auto stream = open_table(part);
    ASSERT_TRUE(stream.ok()) << stream.error().message();
    for (int pass = 0; pass < 2; ++pass) {
      auto streamed = read_all(**stream);
      ASSERT_TRUE(streamed.ok()) << streamed.error().message();
      expect_same(*streamed, table);
      ASSERT_TRUE((*stream)->rewind().ok());
    }
  }
  EXPECT_EQ(read_table(folder.path()).error().code, ErrorCode::not_found);
  ASSERT_TRUE(write_table(table, folder / "a.csv").ok());
  ASSERT_TRUE(write_table(table, folder / "b.parquet").ok());
  EXPECT_EQ(read_table(folder.path()).error().code, ErrorCode::bad_parameter);
}

TEST(FileFormat, NamesWhatIsNotThere) {
  const Folder folder;
  EXPECT_EQ(read_table(folder / "no.csv").error().code, ErrorCode::not_found);
  EXPECT_EQ(open_table(folder / "no.parquet").error().code, ErrorCode::not_found);
  ASSERT_TRUE(write_file(folder / "a.xls", "x").ok());
  EXPECT_EQ(read_table(folder / "a.xls").error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(create_table(folder / "a.xls").error().code, ErrorCode::bad_parameter);
  EXPECT_FALSE(create_table(folder / "no/such/a.csv").ok());
}

TEST(FileFormat, StreamsGiveSmallBatches) {
  const Folder folder;
  const Table table = sample_table(5000);
  for (const std::string suffix : suffixes) {
    const fs::path path = folder / ("s." + suffix);
    ASSERT_TRUE(write_table(table, path).ok());
    ReadOptions options;
    options.batch_rows = 128;
    options.memory_bytes = 1 << 24;
    auto stream = open_table(path, options);
    std::int64_t rows = 0;
    while (true) {
      auto batch = (*stream)->next();
      ASSERT_TRUE(batch.ok());
      if (!batch->has_value()) break;
      EXPECT_LE((*batch)->rows(), 128);
      rows += (*batch)->rows();
    }
    EXPECT_EQ(rows, 5000);
  }
}

// A disk that takes no more: the file size limit of a child process stands for it.
TEST(FileFormat, FullDisk) {
  const Folder folder;
  for (const std::string suffix : suffixes) {
    const fs::path path = folder / ("f." + suffix);
    const Table table = sample_table(60000);
    const pid_t child = fork();
    if (child == 0) {
      signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{100000, 100000};
      setrlimit(RLIMIT_FSIZE, &limit);
      const auto written = write_table(table, path);
      _exit(!written.ok() && written.error().code == ErrorCode::no_disk ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << suffix;
    EXPECT_TRUE(fs::is_empty(folder.path())) << suffix;
  }
}

// Standard input of a child process; what it read is judged there.
int with_input(const std::string& bytes, int (*judge)()) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    close(ends[1]);
    _exit(judge());
  }
  close(ends[0]);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = write(ends[1], bytes.data() + done, bytes.size() - done);
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  close(ends[1]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int judge_input() {
  auto stream = open_table("-");
  if (!stream.ok()) return 2;
  auto table = read_all(**stream);
  if (!table.ok()) return 3;
  if (table->rows() != 2000) return 4;
  if ((*table->texts("word"))[3] != "line\nbreak") return 5;
  return (*stream)->rewind().ok() ? 6 : 0;
}

TEST(FileFormat, ReadsStandardInput) {
  const Folder folder;
  for (const std::string suffix : {"csv", "arrow"}) {
    const fs::path path = folder / ("i." + suffix);
    ASSERT_TRUE(write_table(sample_table(2000), path).ok());
    EXPECT_EQ(with_input(*read_file(path), judge_input), 0) << suffix;
  }
  EXPECT_EQ(with_input("", judge_input), 2);
}

TEST(FileFormat, LargeText) {
  const Folder folder;
  const Table table = *TableBuilder().text("t", {std::string(9 << 20, 'x'), "y", std::string(5 << 20, 'z')}).integer("i", {1, 2, 3}).build();
  for (const std::string suffix : suffixes) {
    const fs::path path = folder / ("large." + suffix);
    ASSERT_TRUE(write_table(table, path).ok());
    auto stream = open_table(path);
    ASSERT_TRUE(stream.ok()) << suffix << stream.error().message();
    auto streamed = read_all(**stream);
    ASSERT_TRUE(streamed.ok()) << suffix << streamed.error().message();
    expect_same(*streamed, table);
    auto read = read_table(path);
    ASSERT_TRUE(read.ok()) << suffix << read.error().message();
    expect_same(*read, table);
  }
}

}  // namespace
}  // namespace plimsoll
