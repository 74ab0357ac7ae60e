// SPDX-License-Identifier: Apache-2.0
#pragma once

// An append-only log that tells on whoever changes it: each record's hash covers the record, its number and the hash before it.
// Kept in SQLite; one writer thread commits everything that waits at once, so a record is durable in the time of one commit.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace plimsoll {

struct LedgerOptions {
  std::size_t most_waiting = 100'000;  // records; more are refused as `busy`
  std::int64_t most_pages = 0;         // 0: as many as the disk holds; tests fill a small one
};

struct LedgerCounts {
  std::int64_t records = 0;  // durable
  std::int64_t commits = 0;
  std::int64_t failed = 0;  // that were never written
  std::int64_t waiting = 0;
};

class Ledger {
 public:
  static Result<std::unique_ptr<Ledger>> open(const std::filesystem::path& path, const LedgerOptions& options = {});
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // Takes a record from any thread. `done` is called by the writer thread once the record is durable (with its number) or has failed.
  using Done = std::function<void(Result<std::int64_t>)>;
  Result<void> append(std::string record, Done done = {});
  Result<void> flush();  // waits until all that was appended is durable; the first failure since the last flush
  LedgerCounts counts() const;

 private:
  Ledger();
  struct State;
  std::unique_ptr<State> state_;
};

struct LedgerCheck {
  std::int64_t records = 0;
  std::string head;          // hash of the last record, 64 hex digits
  std::int64_t bad = 0;      // number of the first record that is wrong; 0: none
  std::string fault;         // what is wrong with it
};

// Recomputes the chain from the first record. Independent of the writer. Whoever can write the file could also write a shorter
// chain with its own end: against that, keep `head` elsewhere and give it here as the expected one.
Result<LedgerCheck> check_ledger(const std::filesystem::path& path, std::string_view expected_head = {});

// Every record in order. Stops at the first error of `take`.
Result<void> read_ledger(const std::filesystem::path& path, const std::function<Result<void>(std::int64_t, std::string_view)>& take);

bool is_ledger(const std::filesystem::path& path);  // by its first bytes

}  // namespace plimsoll
