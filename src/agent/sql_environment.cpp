// SPDX-License-Identifier: Apache-2.0
// SQLite: a fresh database in memory an episode. An agent's statements pass an authoriser that knows no files, no pragmas and no
// loading of code, and end at the action's time. Evidence: what each action changed, table by table, as rows added and taken.
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <set>

#include "agent/environments.h"
#include "base/json.h"

namespace plimsoll::agent {
namespace {

constexpr int most_statements = 64;
constexpr int steps_between_looks = 2000;  // of SQLite's machine

using Clock = std::chrono::steady_clock;
using Rows = std::multiset<std::string>;

struct Close {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Close>;
using Statement = std::unique_ptr<sqlite3_stmt, Close>;

int authorise(void*, int what, const char* first, const char* second, const char*, const char*) {
  switch (what) {
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_PRAGMA:
    case SQLITE_CREATE_VTABLE:
    case SQLITE_DROP_VTABLE: return SQLITE_DENY;
    case SQLITE_FUNCTION: {
      const std::string_view name = second == nullptr ? "" : second;
      for (const char* closed : {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "random", "randomblob"}) {
        if (name == closed) return SQLITE_DENY;  // the last two would break replays
      }
      return SQLITE_OK;
    }
    default: return first != nullptr && std::string_view(first).starts_with("pragma_") ? SQLITE_DENY : SQLITE_OK;
  }
}

Json cell(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER: return sqlite3_column_int64(statement, column);
    case SQLITE_FLOAT: return json_of(sqlite3_column_double(statement, column));
    case SQLITE_NULL: return nullptr;
    default: break;
  }
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
  const std::string text(bytes == nullptr ? "" : bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
  const Json out = text;
  const std::string written = out.dump(-1, ' ', false, Json::error_handler_t::replace);
  return Json::parse(written, nullptr, false);
}

class SqlWorld final : public World {
 public:
  SqlWorld(EnvironmentSpec spec, StopToken stop) : spec_(std::move(spec)), stop_(std::move(stop)) {}
  std::string description() const override { return std::string("sql SQLite ") + sqlite3_libversion(); }

  Result<Observation> begin(std::uint64_t) override {
    steps_ = 0;
    sqlite3* opened = nullptr;
    if (sqlite3_open_v2(":memory:", &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK) {
      sqlite3_close_v2(opened);
      return Error(ErrorCode::no_memory, "SQLite cannot make a database", "Free memory");
    }
    database_.reset(opened);
    char* why = nullptr;
    if (sqlite3_exec(opened, spec_.setup.c_str(), nullptr, nullptr, &why) != SQLITE_OK) {
      const std::string said = why == nullptr ? "" : why;
      sqlite3_free(why);
      return Error(ErrorCode::bad_parameter, "the set-up of the database fails: " + said, "Mend its statements").in_parameter("setup");
    }
    sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, 1 << 24);
    sqlite3_limit(opened, SQLITE_LIMIT_SQL_LENGTH, 1 << 20);
    sqlite3_limit(opened, SQLITE_LIMIT_WORKER_THREADS, 0);
    sqlite3_exec(opened, "PRAGMA max_page_count=65536; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY", nullptr, nullptr, nullptr);
    sqlite3_set_authorizer(opened, &authorise, nullptr);
    sqlite3_progress_handler(opened, steps_between_looks, &look, this);
    return Observation{"ok", schema(), {}, false};
  }

  Result<Observation> step(const std::string& action) override {
    if (!database_) return Error(ErrorCode::bad_parameter, "no episode has begun", "Reset first");
    PLIMSOLL_CHECK(stop_.check());
    const auto before = contents();
    end_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(spec_.seconds));
    limited_ = true;
    Observation seen = run(action);
    limited_ = false;
    PLIMSOLL_CHECK(stop_.check());
    if (sqlite3_get_autocommit(database_.get()) == 0) seen.events.push_back(canonical_json({{"open_transaction", true}}));
    report(before, contents(), seen);
    seen.done = ++steps_ >= spec_.most_steps;
    return seen;
  }

 private:
  static int look(void* self) {
    const auto* world = static_cast<const SqlWorld*>(self);
    return world->limited_ && (Clock::now() >= world->end_ || world->stop_.requested()) ? 1 : 0;
  }

  std::string schema() {
    Json out = Json::array();
    each("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name", [&](sqlite3_stmt* s) { out.push_back(cell(s, 0)); });
    return canonical_json(out);
  }

  template <class Each>
  void each(const std::string& sql, const Each& take) {
    sqlite3_stmt* made = nullptr;
    if (sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &made, nullptr) != SQLITE_OK) return;
    const Statement statement(made);
    while (sqlite3_step(made) == SQLITE_ROW) take(made);
  }

  Observation run(const std::string& action) {
    Observation seen;
    Json results = Json::array();
    const char* at = action.c_str();
    const char* const end = at + action.size();
    for (int count = 0; at < end; ++count) {
      if (count == most_statements) return refused("more than 64 statements in one action", results);
      sqlite3_stmt* made = nullptr;
      const int prepared = sqlite3_prepare_v2(database_.get(), at, static_cast<int>(end - at), &made, &at);
      const Statement statement(made);
      if (prepared != SQLITE_OK) return refused(sqlite3_errmsg(database_.get()), results);
      if (made == nullptr) continue;  // a comment, or blanks
      Json rows = Json::array();
      bool more = false;
      int went = SQLITE_ROW;
      std::size_t bytes = 0;
      while ((went = sqlite3_step(made)) == SQLITE_ROW) {
        if (static_cast<std::int64_t>(rows.size()) >= spec_.most_rows || bytes > static_cast<std::size_t>(spec_.most_output)) {
          more = true;
          continue;
        }
        Json row = Json::array();
        for (int c = 0; c < sqlite3_column_count(made); ++c) row.push_back(cell(made, c));
        bytes += row.dump().size();
        rows.push_back(std::move(row));
      }
      if (went != SQLITE_DONE) {
        const bool late = went == SQLITE_INTERRUPT;
        seen = refused(late ? "the time of an action is over" : sqlite3_errmsg(database_.get()), results);
        if (late) seen.status = "timeout";
        return seen;
      }
      Json columns = Json::array();
      for (int c = 0; c < sqlite3_column_count(made); ++c) columns.push_back(sqlite3_column_name(made, c));
      if (!columns.empty()) results.push_back({{"columns", columns}, {"more", more}, {"rows", rows}});
    }
    seen.text = canonical_json(results);
    return seen;
  }

  static Observation refused(const std::string& why, const Json& results) {
    return {"refused", canonical_json({{"error", why}, {"results", results}}), {}, false};
  }

  // Rows of every table, as canonical JSON; of a table beyond most_rows only how many there are.
  std::map<std::string, Rows> contents() {
    std::vector<std::string> names;
    each("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name", [&](sqlite3_stmt* s) { names.push_back(reinterpret_cast<const char*>(sqlite3_column_text(s, 0))); });
    std::map<std::string, Rows> out;
    for (const std::string& name : names) {
      std::string quoted = "\"";
      for (const char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
      quoted += '"';
      Rows& rows = out[name];
      std::int64_t count = 0;
      each("SELECT * FROM " + quoted, [&](sqlite3_stmt* s) {
        if (++count > spec_.most_rows) return;
        Json row = Json::object();
        for (int c = 0; c < sqlite3_column_count(s); ++c) row[sqlite3_column_name(s, c)] = cell(s, c);
        rows.insert(canonical_json(row));
      });
      if (count > spec_.most_rows) rows = {canonical_json({{"rows", count}})};
    }
    return out;
  }

  static void report(const std::map<std::string, Rows>& before, const std::map<std::string, Rows>& after, Observation& seen) {
    std::set<std::string> names;
    for (const auto* side : {&before, &after}) {
      for (const auto& [name, rows] : *side) names.insert(name);
    }
    for (const std::string& name : names) {
      const auto old = before.find(name);
      const auto now = after.find(name);
      Rows nothing;
      const Rows& a = old == before.end() ? nothing : old->second;
      const Rows& b = now == after.end() ? nothing : now->second;
      std::vector<std::string> added, taken;
      std::ranges::set_difference(b, a, std::back_inserter(added));
      std::ranges::set_difference(a, b, std::back_inserter(taken));
      Json event = {{"table", name}};
      if (old == before.end()) event["made"] = true;
      if (now == after.end()) event["dropped"] = true;
      for (const auto& row : added) event["added"].push_back(Json::parse(row, nullptr, false));
      for (const auto& row : taken) event["taken"].push_back(Json::parse(row, nullptr, false));
      if (event.size() > 1) seen.events.push_back(canonical_json(event));
    }
  }

  EnvironmentSpec spec_;
  StopToken stop_;
  Database database_;
  Clock::time_point end_;
  bool limited_ = false;
  std::int64_t steps_ = 0;
};

}  // namespace

Result<WorldPointer> open_sql(const EnvironmentSpec& spec, const Context& context) {
  return WorldPointer(std::make_shared<SqlWorld>(spec, context.stop));
}

}  // namespace plimsoll::agent
