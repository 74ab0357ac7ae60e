// SPDX-License-Identifier: Apache-2.0
// The experiment: prose with secrets planted at known places passes as a stream cut at random; what comes out is compared byte for
// byte with the prose whose secrets are named. One byte that differs, or one secret that is still there, fails it: no chance enters.
#include "methods/guard/spans/spans.h"

#include "engine/subject.h"
#include "gateway/planted_text.h"
#include "stats/intervals.h"

namespace plimsoll::guard::spans {
namespace {

struct Case {
  Table table;
  std::vector<gateway::Planted> truth;
};

Result<Case> planted_case(Stream rng, std::int64_t rows) {
  Case out;
  std::vector<std::string> texts, ids;
  for (std::int64_t i = 0; i < rows; ++i) {
    Stream row = rng.child(static_cast<std::uint64_t>(i));
    const int secrets = static_cast<int>(row.below(4));
    out.truth.push_back(gateway::planted_text(row, 12, secrets));
    texts.push_back(out.truth.back().text);
    ids.push_back("t" + std::to_string(i));
  }
  PLIMSOLL_TRY(Table table, TableBuilder().text("id", std::move(ids)).text("words", std::move(texts)).build());
  out.table = table.with_roles({{"text", {"words"}}, {"id", {"id"}}});
  return out;
}

}  // namespace

Result<Example> example(Context&, Verb, std::uint64_t seed, std::int64_t rows) {
  PLIMSOLL_TRY(Case made, planted_case(Stream(seed).child("guard.spans"), rows));
  return Example::of(Inputs{std::move(made.table)}, Options{});
}

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t rounds = options.size == ProveSize::quick ? 12 : options.size == ProveSize::normal ? 200 : 1000;
  constexpr std::int64_t rows = 100;
  const Stream root = Stream(options.seed).child("guard.spans.prove");
  std::int64_t wrong = 0, leaked = 0, secrets = 0;
  for (std::int64_t round = 0; round < rounds; ++round) {
    PLIMSOLL_CHECK(context.stop.check());
    PLIMSOLL_TRY(const Case made, planted_case(root.child(static_cast<std::uint64_t>(round)), rows));
    Options cut;
    cut.pieces = 1 + round % 40;
    PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, Params{}, Inputs{made.table}, cut)));
    PLIMSOLL_TRY(const std::vector<std::string> out, outputs.rows.texts("redacted"));
    for (std::size_t i = 0; i < made.truth.size(); ++i) {
      if (i >= out.size() || out[i] != made.truth[i].redacted) ++wrong;
      for (const std::string& secret : made.truth[i].secrets) {
        ++secrets;
        if (i < out.size() && out[i].find(secret) != std::string::npos) ++leaked;
      }
    }
  }
  const std::int64_t trials = rounds * rows;
  const stats::Interval band = stats::clopper_pearson(wrong, trials, 1 - 1e-6);
  Evidence evidence;
  evidence.method = "guard.spans";
  evidence.claim = "what a stream lets out is the redaction of the whole text, however it is cut: no planted secret, no other byte changed";
  evidence.level = 0;
  evidence.observed = static_cast<double>(wrong) / static_cast<double>(trials);
  evidence.low = band.lo;
  evidence.high = band.hi;
  evidence.trials = trials;
  evidence.seed = options.seed;
  evidence.false_alarm = 0;
  evidence.passed = wrong == 0 && leaked == 0;
  evidence.detects = "detectors that see each piece of 200 bytes by itself";
  evidence.figures = {{"secrets", static_cast<double>(secrets)}, {"leaked", static_cast<double>(leaked)}};
  return evidence;
}

}  // namespace plimsoll::guard::spans
