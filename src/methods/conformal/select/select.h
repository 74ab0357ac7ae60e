// SPDX-License-Identifier: Apache-2.0
#pragma once

// Conformal selection: the types that the sources of this folder share.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/method.h"
#include "table/bound_column.h"
#include "table/table.h"

namespace plimsoll::conformal::select {

enum class Direction : int { above, below };
std::span<const std::string_view> choices_of(Direction);
enum class Score : int { clip, residual };
std::span<const std::string_view> choices_of(Score);

// Without a fit the parameters are the model.
struct Params {
  double q = 0.1;
  double c = 0;
  Direction direction = Direction::above;
  Score score = Score::clip;
  bool randomized = false;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

struct Inputs {
  Table pool;
  Table labelled;
};
void describe(Fields& f, Inputs& in);

struct Options {
  Keep keep = Keep::id;
};
void describe(Fields& f, Options& o);

struct Outputs {
  Table rows;
  Report report;
  std::int64_t selected = 0;
  std::int64_t candidates = 0;
  std::int64_t labelled = 0;
  double threshold = 0;  // p-values up to here are selected; 0 if none is
};
void describe(Fields& f, Outputs& out);

Result<Outputs> apply(Context& context, const Params& params, const Inputs& inputs, const Options& options);
Result<Certificate> certify(const Params& params, const Outputs& outputs);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

// Strangeness as the procedure sees it: `labelled` of the labelled rows, `pool` of candidates if they just missed the bar.
struct Strangeness {
  std::vector<double> labelled;
  std::vector<double> pool;
};
// (n + 1) p of each candidate: 1 + #{V_i <= T_j}, or #{V_i < T_j} + U_j (1 + #{V_i = T_j}) where `draws` is not empty.
std::vector<double> scaled_p_values(const Strangeness& scores, std::span<const double> draws);
// Benjamini-Hochberg on scaled p-values: the largest selected one, or 0 if none is. r rows pass if scaled <= q r (n + 1) / m.
double largest_selected(std::vector<double> scaled, std::int64_t n, double q);

extern constinit const Method entry;

}  // namespace plimsoll::conformal::select
