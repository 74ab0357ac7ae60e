// SPDX-License-Identifier: Apache-2.0
#include "engine/ledger.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace plimsoll {
namespace {

std::filesystem::path fresh(const std::string& name) {
  const auto path = std::filesystem::path(testing::TempDir()) / ("plimsoll_" + name + ".db");
  for (const char* tail : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + tail);
  return path;
}

std::filesystem::path written(const std::string& name, int records) {
  const auto path = fresh(name);
  auto ledger = Ledger::open(path).value();
  for (int i = 0; i < records; ++i) EXPECT_TRUE(ledger->append("{\"i\":" + std::to_string(i) + "}").ok());
  EXPECT_TRUE(ledger->flush().ok());
  return path;
}

void change(const std::filesystem::path& path, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
}

TEST(Ledger, ChainsAndGoesOn) {
  const auto path = written("whole", 50);
  const LedgerCheck first = check_ledger(path).value();
  EXPECT_EQ(first.records, 50);
  EXPECT_EQ(first.bad, 0);
  {
    auto again = Ledger::open(path).value();
    std::atomic<std::int64_t> number = 0;
    ASSERT_TRUE(again->append("more", [&number](Result<std::int64_t> at) { number = at.value(); }).ok());
    ASSERT_TRUE(again->flush().ok());
    EXPECT_EQ(number.load(), 51);
  }
  const LedgerCheck second = check_ledger(path).value();
  EXPECT_EQ(second.records, 51);
  EXPECT_NE(second.head, first.head);
  EXPECT_TRUE(is_ledger(path));
  EXPECT_EQ(check_ledger(path, first.head).value().bad, 51);  // the kept end is another
  std::string all;
  ASSERT_TRUE(read_ledger(path, [&all](std::int64_t, std::string_view body) -> Result<void> { all += body; return {}; }).ok());
  EXPECT_TRUE(all.starts_with("{\"i\":0}{\"i\":1}"));
}

TEST(Ledger, NamesTheFirstBadRecord) {
  struct Case {
    const char* name;
    const char* sql;
    std::int64_t bad;
  };
  for (const Case& each : {Case{"changed", "UPDATE record SET body = '{\"i\":99}' WHERE number = 7", 7},
                           Case{"removed", "DELETE FROM record WHERE number = 9", 9},
                           Case{"cut", "DELETE FROM record WHERE number > 15", 16},
                           Case{"first", "DELETE FROM record WHERE number = 1", 1},
                           Case{"reordered", "UPDATE record SET number = 100 WHERE number = 4; UPDATE record SET number = 4 WHERE number = 5; UPDATE record SET number = 5 WHERE number = 100", 4},
                           Case{"hash", "UPDATE record SET hash = replace(hash, 'a', 'b') WHERE number = 12", 12},
                           Case{"added", "INSERT INTO record SELECT 21, body, hash FROM record WHERE number = 20", 21},
                           Case{"head", "UPDATE head SET hash = 'x'", 20},
                           Case{"no_head", "DELETE FROM head", 21}}) {
    const auto path = written(each.name, 20);
    change(path, each.sql);
    const auto check = check_ledger(path);
    ASSERT_TRUE(check.ok()) << each.name << check.error().message();
    EXPECT_EQ(check.value().bad, each.bad) << each.name << ": " << check.value().fault;
  }
}

TEST(Ledger, ManyThreadsOneChain) {
  const auto path = fresh("threads");
  auto ledger = Ledger::open(path).value();
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&ledger, &done, t] {
      for (int i = 0; i < 500; ++i) EXPECT_TRUE(ledger->append(std::to_string(t) + ":" + std::to_string(i), [&done](Result<std::int64_t> r) { done += r.ok() ? 1 : 0; }).ok());
    });
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(ledger->flush().ok());
  EXPECT_EQ(done.load(), 2000);
  EXPECT_EQ(ledger->counts().records, 2000);
  EXPECT_LT(ledger->counts().commits, 2000);
  EXPECT_EQ(check_ledger(path).value().records, 2000);
}

TEST(Ledger, TwoWritersShareOneChain) {
  const auto path = fresh("shared");
  {
    auto one = Ledger::open(path).value();
    auto two = Ledger::open(path).value();
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE((i % 2 == 0 ? one : two)->append("r" + std::to_string(i)).ok());
      if (i % 3 == 0) {
        ASSERT_TRUE(one->flush().ok() && two->flush().ok());
      }
    }
  }
  EXPECT_EQ(check_ledger(path).value().records, 20);
  EXPECT_EQ(check_ledger(path).value().bad, 0);
}

TEST(Ledger, FullDiskFailsTheBatchAndKeepsTheChain) {
  const auto path = fresh("full");
  LedgerOptions options;
  options.most_pages = 8;
  std::int64_t kept = 0;
  {
    auto ledger = Ledger::open(path, options).value();
    std::optional<Error> error;
    for (int i = 0; i < 60 && !error; ++i) {
      ASSERT_TRUE(ledger->append(std::string(1000, 'x')).ok());
      if (auto done = ledger->flush(); !done) error = done.error();
    }
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, ErrorCode::no_disk);
    EXPECT_EQ(ledger->counts().failed, 1);
    kept = ledger->counts().records;
  }
  const LedgerCheck check = check_ledger(path).value();
  EXPECT_EQ(check.bad, 0) << check.fault;
  EXPECT_EQ(check.records, kept);
}

TEST(Ledger, RefusesWhatIsNone) {
  EXPECT_FALSE(Ledger::open("/nowhere/at/all.db").ok());
  EXPECT_FALSE(check_ledger("/nowhere/at/all.db").ok());
  EXPECT_FALSE(is_ledger("/nowhere/at/all.db"));
}

}  // namespace
}  // namespace plimsoll
