// SPDX-License-Identifier: Apache-2.0
// Prediction sets from class scores. For lac the comparison 1 - p <= t is turned into p >= p*, where p* is the smallest
// double that passes: the same answer for every p, at one comparison a value.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "learn/class_ranking.h"
#include "learn/class_scores.h"
#include "learn/class_tiles.h"

namespace plimsoll::learn {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double stop_margin = 1e-9;  // above any rounding of a running sum of probabilities

double threshold_of(const Thresholds& thresholds, std::size_t classes, std::size_t row, std::size_t c) {
  const std::int32_t group = thresholds.groups.empty() ? 0 : thresholds.groups[row];
  if (group < 0) return infinite;
  const auto g = static_cast<std::size_t>(group);
  return thresholds.by_class ? thresholds.values[g * classes + c] : thresholds.values[g];
}

double ordered_to_double(std::uint64_t key) {
  const std::uint64_t bits = (key >> 63) != 0 ? key ^ (std::uint64_t{1} << 63) : ~key;
  return std::bit_cast<double>(bits);
}

std::uint64_t double_to_ordered(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  return (bits >> 63) != 0 ? ~bits : bits | (std::uint64_t{1} << 63);
}

// The smallest double p with 1 - p <= t; rounding is monotone, so the doubles that pass are all from there on, and the first
// of them lies near 1 - t: the bracket doubles until it holds it.
double smallest_passing(double t) {
  if (std::isnan(t) || t == -infinite) return infinite;
  if (t == infinite) return -infinite;
  const std::uint64_t least = double_to_ordered(-std::numeric_limits<double>::max());
  const std::uint64_t most = double_to_ordered(infinite);
  const auto passes = [t](std::uint64_t key) { return 1.0 - ordered_to_double(key) <= t; };
  const std::uint64_t guess = std::clamp(double_to_ordered(1.0 - t), least, most);
  std::uint64_t low = guess;
  std::uint64_t high = guess;
  for (std::uint64_t step = 1; low > least && passes(low); step *= 2) low = low - least > step ? low - step : least;
  for (std::uint64_t step = 1; high < most && !passes(high); step *= 2) high = most - high > step ? high + step : most;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (passes(middle)) high = middle;
    else low = middle + 1;
  }
  return ordered_to_double(low);
}

void lac_masks(ClassColumns columns, const Thresholds& thresholds, std::span<std::uint64_t> masks) {
  const ClassLoops& loops = class_loops();
  const std::size_t classes = columns.size();
  std::array<double, 64> least{};
  std::array<const double*, 64> at{};
  for (std::size_t c = 0; c < classes; ++c) {
    least[c] = c == 0 || thresholds.by_class ? smallest_passing(threshold_of(thresholds, classes, 0, c)) : least[0];
  }
  for (std::size_t begin = 0; begin < masks.size(); begin += class_tile) {
    const std::size_t count = std::min(class_tile, masks.size() - begin);
    std::uint64_t* to = masks.data() + begin;
    std::fill(to, to + count, std::uint64_t{0});
    for (std::size_t c = 0; c < classes; ++c) at[c] = columns[c].data() + begin;
    loops.pass(at.data(), least.data(), classes, count, to);
  }
}

// Scores that need no order, one by one.
template <class Score>
void plain_masks(ClassColumns columns, const Thresholds& thresholds, std::span<std::uint64_t> masks, const Score& score) {
  std::fill(masks.begin(), masks.end(), std::uint64_t{0});
  for (std::size_t c = 0; c < columns.size(); ++c) {
    for (std::size_t i = 0; i < masks.size(); ++i) {
      const bool in = score(c, i) <= threshold_of(thresholds, columns.size(), i, c);
      masks[i] |= std::uint64_t{in} << c;
    }
  }
}

// Calls add(class) for each class of the row's set, in the order of ranks. Scores rise with the rank, so the walk ends once
// they are past the row's threshold; thresholds by class are compared to the end.
template <class Add>
void ranked_set(const ClassScoreOptions& options, RankedRow& row, const Thresholds& thresholds, std::size_t i, double u,
                const Add& add) {
  double sum = 0;
  double largest = 0;
  for (std::size_t rank = 0; rank < row.classes(); ++rank) {
    const std::int32_t c = row.at_rank(rank);
    const auto at = static_cast<std::size_t>(c);
    sum += row.p(at);
    if (rank == 0) largest = row.p(at);
    const double score = ranked_score(options, static_cast<double>(rank + 1), row.p(at), largest, sum, u);
    const double threshold = threshold_of(thresholds, row.classes(), i, at);
    if (score <= threshold) add(c);
    if (!thresholds.by_class && score > threshold + stop_margin && (rank > 0 || options.score != ClassScore::saps)) return;
  }
}

bool is_ranked(ClassScore score) {
  return score == ClassScore::aps || score == ClassScore::raps || score == ClassScore::saps || score == ClassScore::top_k;
}

// The classes of one row's set in class order, for any score and any number of classes.
void row_set(const ClassScoreOptions& options, ClassColumns columns, const Thresholds& thresholds,
             std::span<const double> uniforms, std::size_t i, RankedRow& row, std::vector<double>& scores,
             std::vector<std::int32_t>& set) {
  set.clear();
  if (is_ranked(options.score)) {
    row.load(columns, i);
    ranked_set(options, row, thresholds, i, uniform_of(options, uniforms, i), [&](std::int32_t c) { set.push_back(c); });
    std::sort(set.begin(), set.end());
    return;
  }
  std::vector<std::span<const double>> one(columns.size());
  for (std::size_t c = 0; c < columns.size(); ++c) one[c] = columns[c].subspan(i, 1);
  score_all(options, one, {}, scores);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (scores[c] <= threshold_of(thresholds, columns.size(), i, c)) set.push_back(static_cast<std::int32_t>(c));
  }
}

// For each set of eight classes their numbers in rising order, one a byte from the lowest on, and how many they are.
struct SetWords {
  std::array<std::uint64_t, 256> codes{};
  std::array<std::uint8_t, 256> counts{};
};

constexpr SetWords make_set_words() {
  SetWords words;
  for (std::size_t set = 0; set < 256; ++set) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      if ((set >> bit & 1U) != 0) words.codes[set] |= std::uint64_t{bit} << (8U * words.counts[set]++);
    }
  }
  return words;
}
constexpr SetWords set_words = make_set_words();
static_assert(std::endian::native == std::endian::little);

// The codes of some rows one after another, and where each row ends; `bytes` eights of classes may be in the masks. Eight classes
// at a time: their codes as one word, of which the first few count. Returns how many codes.
template <unsigned Bytes>
std::size_t spell_out(std::span<const std::uint64_t> masks, unsigned bytes, std::size_t before, std::uint8_t* codes, std::int32_t* ends) {
  if (Bytes > 0) bytes = Bytes;  // known when compiled: no loop is left
  std::size_t at = 0;
  for (const std::uint64_t mask : masks) {
    for (unsigned shift = 0; shift < 8 * bytes; shift += 8) {
      const auto byte = static_cast<std::size_t>(mask >> shift & 0xFFU);
      const std::uint64_t word = set_words.codes[byte] + shift * 0x0101010101010101U;
      std::memcpy(codes + at, &word, sizeof word);
      at += set_words.counts[byte];
    }
    *ends++ = static_cast<std::int32_t>(before + at);
  }
  return at;
}

Error too_many_codes() {
  return Error(ErrorCode::too_large, "the prediction sets hold more than 2^31 - 1 classes in one table",
               "Apply the model to smaller tables, or from a file in batches.");
}

}  // namespace

void masks_at(const ClassScoreOptions& options, ClassColumns columns, const Thresholds& thresholds,
              std::span<const double> uniforms, std::span<std::uint64_t> masks) {
  switch (options.score) {
    case ClassScore::lac:
      if (thresholds.groups.empty()) return lac_masks(columns, thresholds, masks);
      return plain_masks(columns, thresholds, masks, [&](std::size_t c, std::size_t i) { return 1.0 - columns[c][i]; });
    case ClassScore::neg_log:
      return plain_masks(columns, thresholds, masks, [&](std::size_t c, std::size_t i) { return -std::log(columns[c][i]); });
    case ClassScore::margin: {
      std::vector<double> scores(columns.size() * masks.size());
      score_all(options, columns, uniforms, scores);
      return plain_masks(columns, thresholds, masks,
                         [&](std::size_t c, std::size_t i) { return scores[i * columns.size() + c]; });
    }
    default: break;
  }
  RankedRow row(columns.size());
  for (std::size_t i = 0; i < masks.size(); ++i) {
    row.load(columns, i);
    std::uint64_t mask = 0;
    ranked_set(options, row, thresholds, i, uniform_of(options, uniforms, i),
               [&](std::int32_t c) { mask |= std::uint64_t{1} << static_cast<unsigned>(c); });
    masks[i] = mask;
  }
}

std::int64_t fill_empty(ClassColumns columns, std::span<std::uint64_t> masks) {
  std::int64_t filled = 0;
  for (std::size_t i = 0; i < masks.size(); ++i) {
    if (masks[i] != 0) continue;
    std::size_t best = 0;
    for (std::size_t c = 1; c < columns.size(); ++c) {
      if (columns[c][i] > columns[best][i]) best = c;
    }
    masks[i] = std::uint64_t{1} << best;
    ++filled;
  }
  return filled;
}

Result<void> append_sets(std::span<const std::uint64_t> masks, std::vector<std::int32_t>& offsets, std::vector<std::uint8_t>& codes) {
  constexpr std::size_t chunk = 256;
  std::array<std::uint8_t, chunk * 64 + 8> buffer;
  std::size_t row = offsets.size();
  offsets.resize(row + masks.size());
  for (std::size_t begin = 0; begin < masks.size(); begin += chunk) {
    const std::span<const std::uint64_t> part = masks.subspan(begin, std::min(chunk, masks.size() - begin));
    std::uint64_t any = 0;
    for (const std::uint64_t mask : part) any |= mask;
    const unsigned bits = 64U - static_cast<unsigned>(std::countl_zero(any));
    const std::size_t before = codes.size();
    const unsigned bytes = (bits + 7) / 8;
    const auto spell = bytes == 1 ? spell_out<1> : bytes == 2 ? spell_out<2> : spell_out<0>;
    const std::size_t at = spell(part, bytes, before, buffer.data(), offsets.data() + row);
    row += part.size();
    if (before + at > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) return too_many_codes();
    codes.insert(codes.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return {};
}

Result<std::int64_t> append_sets_at(const ClassScoreOptions& options, ClassColumns columns, const Thresholds& thresholds,
                                    std::span<const double> uniforms, bool fill_empty_sets,
                                    std::vector<std::int32_t>& offsets, std::vector<std::int32_t>& codes) {
  RankedRow row(columns.size());
  std::vector<double> scores(columns.size());
  std::vector<std::int32_t> set;
  std::int64_t filled = 0;
  const std::size_t rows = columns.empty() ? 0 : columns.front().size();
  for (std::size_t i = 0; i < rows; ++i) {
    row_set(options, columns, thresholds, uniforms, i, row, scores, set);
    if (set.empty() && fill_empty_sets) {
      row.load(columns, i);
      set.push_back(row.at_rank(0));
      ++filled;
    }
    codes.insert(codes.end(), set.begin(), set.end());
    if (codes.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) return too_many_codes();
    offsets.push_back(static_cast<std::int32_t>(codes.size()));
  }
  return filled;
}

}  // namespace plimsoll::learn
