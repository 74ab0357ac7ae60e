// SPDX-License-Identifier: Apache-2.0
// Replay. A decision is a pure function d(case, policy) of what was found, what went before and the policy, and the log holds the
// case of each. So d(case, old policy) is the logged decision bit for bit, and d(case, new policy) what would have been decided.
// Departure from a rerun: detectors do not look again, the log holds no text; a new policy's detectors are not tried.
#include <algorithm>
#include <array>
#include <map>

#include "engine/ledger.h"
#include "engine/method.h"
#include "engine/subject.h"
#include "gateway/decision.h"
#include "stats/intervals.h"

namespace plimsoll::guard::gateway {
namespace {

namespace core = plimsoll::gateway;

constexpr std::array<RoleInfo, 1> roles = {{{"record", "the logged decision, as JSON", true, false}}};

struct Inputs {
  Document policy;
  std::optional<Table> decisions;
};
void describe(Fields& f, Inputs& in) {
  f({"policy", "the policy to decide by"}, in.policy);
  f(PortInfo{"decisions", "logged decisions, one a row; or give --log", roles}, in.decisions);
}

struct Params {
  std::string log;
};
void describe(Fields& f, Params& p) { f({"log", "the log that plimsoll serve wrote; its chain is checked first"}, p.log); }

struct Tally {
  std::int64_t records = 0, same = 0, stricter = 0, laxer = 0, other_rule = 0, replayed = 0, replay_wrong = 0;
  std::map<std::pair<std::string, std::string>, std::int64_t> moves;
  std::vector<std::vector<Cell>> examples;
};

std::string word(core::Action action) { return std::string(core::name_of(action)); }

Result<void> take(const core::Policy& policy, std::int64_t number, std::string_view text, Tally& tally) {
  auto record = core::read_record(text);
  if (!record) return std::move(record).error().at_row(number);
  const core::Decision now = core::decide(policy, record->seen);
  ++tally.records;
  if (record->policy == policy.hash) {
    ++tally.replayed;
    if (!core::same(*record, now)) ++tally.replay_wrong;
  }
  if (core::same(*record, now)) ++tally.same;
  else if (now.action > record->action) ++tally.stricter;
  else if (now.action < record->action) ++tally.laxer;
  else ++tally.other_rule;
  ++tally.moves[{word(record->action), word(now.action)}];
  if (now.action != record->action && tally.examples.size() < 200)
    tally.examples.push_back({number, record->seen.id, std::string(core::choices_of(record->seen.stage)[static_cast<std::size_t>(record->seen.stage)]), word(record->action), word(now.action), now.rule.empty() ? record->rule : now.rule});
  return {};
}

Result<Report> assess(Context& context, const Inputs& in, const Params& params) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_TRY(const auto policy, core::read_policy(in.policy));
  if (params.log.empty() == !in.decisions.has_value())
    return Error(ErrorCode::missing_input, "logged decisions are wanted once", "Give --log decisions.db, or --decisions TABLE with --record COLUMN.").in_parameter("log");
  Tally tally;
  if (in.decisions) {
    PLIMSOLL_TRY(const std::string column, in.decisions->role_column("record"));
    PLIMSOLL_TRY(const std::vector<std::string> records, in.decisions->texts(column));
    for (std::size_t i = 0; i < records.size(); ++i) PLIMSOLL_CHECK(take(*policy, in.decisions->first_row() + static_cast<std::int64_t>(i), records[i], tally));
  } else {
    PLIMSOLL_TRY(const LedgerCheck check, check_ledger(params.log));
    if (check.bad != 0) return Error(ErrorCode::corrupt_file, "record " + std::to_string(check.bad) + " of the log " + check.fault, "Replay a log that plimsoll verify takes.").in_file(params.log);
    PLIMSOLL_CHECK(read_ledger(params.log, [&](std::int64_t number, std::string_view text) { return take(*policy, number, text, tally); }));
  }
  if (tally.records == 0) return Error(ErrorCode::too_few_rows, "the log holds no decision", "Give one with records.");
  Report report;
  report.title = "Logged decisions under another policy";
  report.facts = {{"method", "guard.gateway"}, {"policy", policy->hash}, {"records", std::to_string(tally.records)}};
  report.verdict = tally.replay_wrong > 0 ? "red" : tally.same == tally.records ? "green" : "yellow";
  const auto figure = [&report](const char* name, std::int64_t value) { report.figures.emplace_back(name, static_cast<double>(value)); };
  figure("records", tally.records);
  figure("same", tally.same);
  figure("stricter", tally.stricter);
  figure("laxer", tally.laxer);
  figure("other_rule", tally.other_rule);
  figure("replayed", tally.replayed);
  figure("replay_wrong", tally.replay_wrong);
  TableBlock moves{"Actions", "What was decided, and what this policy decides.", {"was", "is", "records"}, {}};
  for (const auto& [move, count] : tally.moves) moves.rows.push_back({move.first, move.second, count});
  report.table(std::move(moves));
  if (!tally.examples.empty()) report.table({"The first that differ", "At most 200.", {"record", "request", "stage", "was", "is", "rule"}, std::move(tally.examples)});
  return report;
}

constexpr std::string_view example_policy = R"([[detector]]
name = "personal"
[[rule]]
id = "redact"
finding = ["email", "card"]
action = "redact"
[[rule]]
id = "no-cards-out"
finding = ["card"]
stage = ["output"]
action = "block"
)";

// Cases at random, and what the policy decides of each by a rule of thumb that knows nothing of rules: the truth of the experiment.
struct Made {
  Table table;
  std::int64_t blocked = 0, redacted = 0;
};

Result<Made> made_log(Stream rng, std::int64_t rows, const core::Policy& policy) {
  Made out;
  std::vector<std::string> records;
  for (std::int64_t i = 0; i < rows; ++i) {
    const bool card = rng.bernoulli(0.3);
    const bool mail = rng.bernoulli(0.4);
    const bool answer = rng.bernoulli(0.5);
    core::Case seen;
    seen.id = "req-" + std::to_string(i);
    seen.dialect = "chat";
    seen.stage = answer ? core::Stage::output : core::Stage::input;
    seen.pieces = {{answer ? core::Source::model : core::Source::user, ""}};
    seen.seen = {{"personal", core::Status::ok, "", {}}};
    if (mail) seen.seen[0].found.push_back({"email", 0, 0, 5, 1});
    if (card) seen.seen[0].found.push_back({"card", 0, 6, 22, 1});
    core::Decision logged;
    logged.action = card && answer ? core::Action::block : card || mail ? core::Action::redact : core::Action::allow;
    logged.rule = card && answer ? "no-cards-out" : card || mail ? "redact" : "";
    out.blocked += logged.action == core::Action::block ? 1 : 0;
    out.redacted += logged.action == core::Action::redact ? 1 : 0;
    records.push_back(core::record_of(policy, seen, logged));
  }
  PLIMSOLL_TRY(Table table, TableBuilder().text("record", std::move(records)).build());
  out.table = table.with_roles({{"record", {"record"}}});
  return out;
}

Result<Example> example(Context&, Verb, std::uint64_t seed, std::int64_t rows) {
  PLIMSOLL_TRY(const Document document, parse_document(example_policy, "toml", "example.toml"));
  PLIMSOLL_TRY(const auto policy, core::read_policy(document));
  PLIMSOLL_TRY(Made made, made_log(Stream(seed).child("guard.gateway"), rows, *policy));
  return Example::of(Inputs{document, std::move(made.table)}, Params{});
}

// The claim: replay under the logged policy gives each decision again. The log is written from the truth, not by the decision's code.
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t rounds = options.size == ProveSize::quick ? 10 : options.size == ProveSize::normal ? 200 : 1000;
  constexpr std::int64_t rows = 200;
  PLIMSOLL_TRY(const Document document, parse_document(example_policy, "toml", "prove.toml"));
  PLIMSOLL_TRY(const auto policy, core::read_policy(document));
  const Stream root = Stream(options.seed).child("guard.gateway.prove");
  std::int64_t wrong = 0;
  for (std::int64_t round = 0; round < rounds; ++round) {
    PLIMSOLL_CHECK(context.stop.check());
    PLIMSOLL_TRY(const Made made, made_log(root.child(static_cast<std::uint64_t>(round)), rows, *policy));
    PLIMSOLL_TRY(const Report report, subject.assess(context, Inputs{document, made.table}, Params{}));
    double same = 0, replayed = 0;
    for (const auto& [name, value] : report.figures) {
      if (name == "same") same = value;
      if (name == "replayed") replayed = value;
    }
    wrong += std::max(rows - static_cast<std::int64_t>(same), rows - static_cast<std::int64_t>(replayed));
  }
  const std::int64_t trials = rounds * rows;
  const stats::Interval band = stats::clopper_pearson(wrong, trials, 1 - 1e-6);
  Evidence evidence;
  evidence.method = "guard.gateway";
  evidence.claim = "a logged decision is made again from its record and policy, action and rule alike";
  evidence.observed = static_cast<double>(wrong) / static_cast<double>(trials);
  evidence.low = band.lo;
  evidence.high = band.hi;
  evidence.trials = trials;
  evidence.seed = options.seed;
  evidence.false_alarm = 0;
  evidence.passed = wrong == 0;
  evidence.detects = "one record a log that replays otherwise";
  return evidence;
}

}  // namespace

extern constinit const Method entry;
constinit const Method entry = method("guard.gateway").assess<&assess>().example<&example>().prove<&prove>();

}  // namespace plimsoll::guard::gateway
