// SPDX-License-Identifier: Apache-2.0
// h_0 = 64 zeros; h_i = SHA-256(hex(h_{i-1}) || i || newline || record_i). The end of the chain stands in a table of its own,
// written in the same transaction, so that records cut off its end are missed.
#include "engine/ledger.h"

#include <sqlite3.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

#include "base/hash.h"

namespace plimsoll {
namespace {

constexpr std::string_view magic{"SQLite format 3\0", 16};
const std::string first_hash(64, '0');

std::string hash_of(const std::string& before, std::int64_t number, std::string_view record) {
  Sha256 hash;
  hash.update(before);
  hash.update(std::to_string(number) + "\n");
  hash.update(record);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : hash.finish()) (out += digits[byte >> 4]) += digits[byte & 15u];
  return out;
}

struct Closer {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Closer>;
using Statement = std::unique_ptr<sqlite3_stmt, Closer>;

Error sqlite_error(sqlite3* db, int code, const std::filesystem::path& path, std::string_view doing) {
  const int kind = code & 0xff;
  const ErrorCode out = kind == SQLITE_FULL || kind == SQLITE_IOERR ? ErrorCode::no_disk
                        : kind == SQLITE_CANTOPEN                   ? ErrorCode::not_found
                        : kind == SQLITE_READONLY || kind == SQLITE_PERM || kind == SQLITE_AUTH ? ErrorCode::denied
                        : kind == SQLITE_NOTADB || kind == SQLITE_CORRUPT                       ? ErrorCode::corrupt_file
                        : kind == SQLITE_BUSY || kind == SQLITE_LOCKED                          ? ErrorCode::busy
                                                                                                : ErrorCode::internal;
  return Error(out, "the ledger could not be " + std::string(doing) + ": " + (db ? sqlite3_errmsg(db) : sqlite3_errstr(code)), "Look at its disk, folder and rights.").in_file(path.string());
}

Result<Database> open_database(const std::filesystem::path& path, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database db(raw);
  if (code != SQLITE_OK) return sqlite_error(raw, code, path, "opened");
  sqlite3_busy_timeout(raw, 5000);
  return db;
}

Result<Statement> prepare(sqlite3* db, const char* sql, const std::filesystem::path& path) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(db, sql, -1, &raw, nullptr);
  if (code != SQLITE_OK) return sqlite_error(db, code, path, "read");
  return Statement(raw);
}

std::string_view text_of(sqlite3_stmt* statement, int column) {
  const void* bytes = sqlite3_column_blob(statement, column);
  return {static_cast<const char*>(bytes), bytes ? static_cast<std::size_t>(sqlite3_column_bytes(statement, column)) : 0};
}

}  // namespace

struct Ledger::State {
  struct Waiting {
    std::string record;
    Done done;
  };
  std::filesystem::path path;
  LedgerOptions options;
  Database db;
  Statement begin, insert, read_head, write_head, commit, roll_back;
  std::mutex mutex;
  std::condition_variable wake, drained;
  std::vector<Waiting> queue;
  bool closing = false;
  bool writing = false;
  LedgerCounts counts;
  std::optional<Error> failed;
  std::thread writer;

  Result<void> set_up() {
    PLIMSOLL_TRY(db, open_database(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
    // Pages are the system's concern; the format is fixed by `user_version`.
    std::string sql = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000;";
    if (options.most_pages > 0) sql += "PRAGMA max_page_count=" + std::to_string(options.most_pages) + ";";
    sql += "CREATE TABLE IF NOT EXISTS record(number INTEGER PRIMARY KEY, body TEXT NOT NULL, hash TEXT NOT NULL);"
           "CREATE TABLE IF NOT EXISTS head(one INTEGER PRIMARY KEY CHECK(one = 1), number INTEGER NOT NULL, hash TEXT NOT NULL);"
           "INSERT OR IGNORE INTO head VALUES(1, 0, '" + first_hash + "');";
    if (const int code = sqlite3_exec(db.get(), sql.c_str(), nullptr, nullptr, nullptr); code != SQLITE_OK) return sqlite_error(db.get(), code, path, "set up");
    PLIMSOLL_TRY(begin, prepare(db.get(), "BEGIN IMMEDIATE", path));
    PLIMSOLL_TRY(commit, prepare(db.get(), "COMMIT", path));
    PLIMSOLL_TRY(roll_back, prepare(db.get(), "ROLLBACK", path));
    PLIMSOLL_TRY(insert, prepare(db.get(), "INSERT INTO record VALUES(?1, ?2, ?3)", path));
    PLIMSOLL_TRY(read_head, prepare(db.get(), "SELECT number, hash FROM head", path));
    PLIMSOLL_TRY(write_head, prepare(db.get(), "UPDATE head SET number = ?1, hash = ?2", path));
    return {};
  }

  static int run(const Statement& statement) {
    const int code = sqlite3_step(statement.get());
    sqlite3_reset(statement.get());
    return code;
  }

  // All of `batch` in one transaction; the number of the first. The end is read inside it, as another process may have written.
  Result<std::int64_t> write(const std::vector<Waiting>& batch) {
    if (const int code = run(begin); code != SQLITE_DONE) return sqlite_error(db.get(), code, path, "written");
    const auto fail = [&](int code) {
      Error error = sqlite_error(db.get(), code, path, "written");
      run(roll_back);
      return error;
    };
    const int seen = sqlite3_step(read_head.get());
    if (seen != SQLITE_ROW) {
      sqlite3_reset(read_head.get());
      return fail(seen);
    }
    std::int64_t number = sqlite3_column_int64(read_head.get(), 0);
    std::string hash(text_of(read_head.get(), 1));
    sqlite3_reset(read_head.get());
    const std::int64_t first = number + 1;
    for (const Waiting& each : batch) {
      hash = hash_of(hash, ++number, each.record);
      sqlite3_bind_int64(insert.get(), 1, number);
      sqlite3_bind_text(insert.get(), 2, each.record.data(), static_cast<int>(each.record.size()), SQLITE_STATIC);
      sqlite3_bind_text(insert.get(), 3, hash.data(), static_cast<int>(hash.size()), SQLITE_STATIC);
      if (const int code = run(insert); code != SQLITE_DONE) return fail(code);
    }
    sqlite3_bind_int64(write_head.get(), 1, number);
    sqlite3_bind_text(write_head.get(), 2, hash.data(), static_cast<int>(hash.size()), SQLITE_STATIC);
    if (const int code = run(write_head); code != SQLITE_DONE) return fail(code);
    if (const int code = run(commit); code != SQLITE_DONE) return fail(code);
    return first;
  }

  void work() {
    std::vector<Waiting> batch;
    while (true) {
      {
        std::unique_lock lock(mutex);
        writing = false;
        if (queue.empty()) drained.notify_all();
        wake.wait(lock, [this] { return closing || !queue.empty(); });
        if (queue.empty()) return;
        batch.clear();
        batch.swap(queue);
        writing = true;
      }
      const Result<std::int64_t> first = write(batch);
      {
        const std::lock_guard lock(mutex);
        const auto size = static_cast<std::int64_t>(batch.size());
        if (first.ok()) {
          counts.records += size;
          ++counts.commits;
        } else {
          counts.failed += size;
          if (!failed) failed = first.error();
        }
      }
      for (std::size_t i = 0; i < batch.size(); ++i) {
        if (!batch[i].done) continue;
        if (first.ok()) batch[i].done(first.value() + static_cast<std::int64_t>(i));
        else batch[i].done(first.error());
      }
    }
  }
};

Ledger::Ledger() : state_(std::make_unique<State>()) {}

Ledger::~Ledger() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->wake.notify_all();
  if (state_->writer.joinable()) state_->writer.join();
}

Result<std::unique_ptr<Ledger>> Ledger::open(const std::filesystem::path& path, const LedgerOptions& options) {
  std::unique_ptr<Ledger> ledger(new Ledger);
  ledger->state_->path = path;
  ledger->state_->options = options;
  PLIMSOLL_CHECK(ledger->state_->set_up());
  ledger->state_->writer = std::thread([state = ledger->state_.get()] { state->work(); });
  return ledger;
}

Result<void> Ledger::append(std::string record, Done done) {
  State& s = *state_;
  {
    const std::lock_guard lock(s.mutex);
    if (s.queue.size() >= s.options.most_waiting) return Error(ErrorCode::busy, "the ledger can not keep up", "Slow down, or give it a faster disk.").in_file(s.path.string());
    s.queue.push_back({std::move(record), std::move(done)});
  }
  s.wake.notify_one();
  return {};
}

Result<void> Ledger::flush() {
  std::unique_lock lock(state_->mutex);
  state_->drained.wait(lock, [this] { return state_->queue.empty() && !state_->writing; });
  if (!state_->failed) return {};
  Error error = std::move(*state_->failed);
  state_->failed.reset();
  return error;
}

LedgerCounts Ledger::counts() const {
  const std::lock_guard lock(state_->mutex);
  LedgerCounts out = state_->counts;
  out.waiting = static_cast<std::int64_t>(state_->queue.size());
  return out;
}

Result<LedgerCheck> check_ledger(const std::filesystem::path& path, std::string_view expected_head) {
  PLIMSOLL_TRY(const Database db, open_database(path, SQLITE_OPEN_READONLY));
  PLIMSOLL_TRY(const Statement records, prepare(db.get(), "SELECT number, body, hash FROM record ORDER BY number", path));
  PLIMSOLL_TRY(const Statement head, prepare(db.get(), "SELECT number, hash FROM head", path));
  LedgerCheck out;
  out.head = first_hash;
  const auto wrong = [&out](std::int64_t number, std::string fault) {
    out.bad = number;
    out.fault = std::move(fault);
    return out;
  };
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(records.get())) == SQLITE_ROW) {
    const std::int64_t number = sqlite3_column_int64(records.get(), 0);
    if (number != out.records + 1) return wrong(out.records + 1, "is missing: the next one there is " + std::to_string(number));
    const std::string hash = hash_of(out.head, number, text_of(records.get(), 1));
    if (hash != text_of(records.get(), 2)) return wrong(number, "is not what was written: it, its place or its hash was changed");
    out.head = hash;
    ++out.records;
  }
  if (code != SQLITE_DONE) return sqlite_error(db.get(), code, path, "read");
  if (sqlite3_step(head.get()) != SQLITE_ROW) return wrong(out.records + 1, "can not be known: the end of the chain is not recorded");
  const std::int64_t end = sqlite3_column_int64(head.get(), 0);
  if (end > out.records) return wrong(out.records + 1, "is missing: the chain ends at record " + std::to_string(end));
  if (end < out.records) return wrong(end + 1, "was added behind the end of the chain");
  if (text_of(head.get(), 1) != out.head) return wrong(out.records, "is not the end of the chain: the recorded end has another hash");
  if (!expected_head.empty() && expected_head != out.head) return wrong(out.records, "has another hash than the one that was kept: the chain was written anew");
  return out;
}

Result<void> read_ledger(const std::filesystem::path& path, const std::function<Result<void>(std::int64_t, std::string_view)>& take) {
  PLIMSOLL_TRY(const Database db, open_database(path, SQLITE_OPEN_READONLY));
  PLIMSOLL_TRY(const Statement records, prepare(db.get(), "SELECT number, body FROM record ORDER BY number", path));
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(records.get())) == SQLITE_ROW) PLIMSOLL_CHECK(take(sqlite3_column_int64(records.get(), 0), text_of(records.get(), 1)));
  if (code != SQLITE_DONE) return sqlite_error(db.get(), code, path, "read");
  return {};
}

bool is_ledger(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(magic.size(), '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  return file && head == magic;
}

}  // namespace plimsoll
