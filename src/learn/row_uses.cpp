// SPDX-License-Identifier: Apache-2.0
#include "learn/row_uses.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/door.h"
#include "table/fingerprint.h"

namespace plimsoll::learn {
namespace {

using Sketches = std::array<RowFingerprint, 2>;
using Chosen = std::array<std::span<const std::int64_t>, 2>;  // rows of a table in row order, two disjoint choices

// Sketches of both choices from rows [begin, end): every row is hashed where it stands, none is copied.
Result<void> sketch_rows(const Context& context, const Table& table, const Chosen& chosen, std::int64_t begin, std::int64_t end, Sketches& sketches) {
  constexpr std::int64_t piece = 16384;
  std::vector<std::uint64_t> hashes(static_cast<std::size_t>(piece)), own;
  std::array<const std::int64_t*, 2> at{};
  for (std::size_t k = 0; k < 2; ++k) at[k] = std::lower_bound(chosen[k].data(), chosen[k].data() + chosen[k].size(), begin);
  for (; begin < end; begin += piece) {
    PLIMSOLL_CHECK(context.stop.check());
    const Table rows = table.slice(begin, std::min(piece, end - begin));
    PLIMSOLL_TRY(const RowHasher hasher, RowHasher::of(rows));
    hasher.hash(0, std::span(hashes).first(static_cast<std::size_t>(rows.rows())));
    for (std::size_t k = 0; k < 2; ++k) {
      own.clear();
      for (; at[k] != chosen[k].data() + chosen[k].size() && *at[k] < begin + rows.rows(); ++at[k]) own.push_back(hashes[static_cast<std::size_t>(*at[k] - begin)]);
      PLIMSOLL_CHECK(sketches[k].begin_batch(hasher));
      sketches[k].add(own);
    }
  }
  return {};
}

Result<Sketches> sketches_of(Context& context, const Table& table, const Chosen& chosen) {
  const std::int64_t lanes = std::max(1, context.runtime.threads());
  std::vector<Sketches> parts(static_cast<std::size_t>(lanes));
  PLIMSOLL_CHECK(context.runtime.for_each(lanes, context.stop, [&](std::int64_t lane) -> Result<void> {
    return sketch_rows(context, table, chosen, table.rows() * lane / lanes, table.rows() * (lane + 1) / lanes, parts[static_cast<std::size_t>(lane)]);
  }));
  Sketches whole;
  for (const Sketches& part : parts)
    for (std::size_t k = 0; k < 2; ++k) whole[k].merge(part[k]);
  return whole;
}

}  // namespace

Result<RowUses> sketch_uses(Context& context, const Table& data, std::span<const std::int64_t> learned, const std::optional<Table>& later,
                            std::span<const std::int64_t> certifying) {
  PLIMSOLL_TRY(Sketches sketches, sketches_of(context, data, later ? Chosen{learned} : Chosen{learned, certifying}));
  if (later) {
    PLIMSOLL_TRY(Sketches own, sketches_of(context, *later, Chosen{certifying}));
    sketches[1] = std::move(own[0]);
  }
  const auto& [learning, calibration] = sketches;
  RowUses uses;
  if (later) PLIMSOLL_CHECK(check_overlap(context, learning, "learning", calibration, "calibration", &uses.overlap_remark));
  if (!later && learning.by_id()) {
    const Overlap shared = compare(learning, calibration);
    if (shared.share_of_second > 0) {
      uses.overlap_remark = "Some ids stand among the learning rows and among the calibration rows (" + shared.sentence + "): rows of one id are alike, so new ids may be covered more rarely than promised.";
      context.warn(uses.overlap_remark + " Keep one row an id, or give a calibration table of other ids.");
    }
  }
  uses.learning = learning.to_bytes();
  uses.calibration = calibration.to_bytes();
  return uses;
}

Result<std::vector<Remark>> seen_before(Context& context, const std::string& learning, const std::string& calibration, const Table& table) {
  std::vector<Remark> remarks;
  RowFingerprint now;
  PLIMSOLL_CHECK(now.add(table));
  const std::array<std::pair<const std::string*, std::string>, 2> earlier{{{&learning, "learning"}, {&calibration, "calibration"}}};
  for (const auto& [bytes, use] : earlier) {
    if (bytes->empty()) continue;
    PLIMSOLL_TRY(const RowFingerprint then, RowFingerprint::from_bytes(*bytes));
    const Overlap overlap = compare(then, now);
    if (!overlap.refused) continue;
    context.warn("these rows were used for " + use + ": " + overlap.sentence);
    remarks.push_back({2, "rows seen before", "these rows were used for " + use + ", so every figure below flatters the model: " + overlap.sentence, "report on rows that were kept apart"});
  }
  return remarks;
}

}  // namespace plimsoll::learn
