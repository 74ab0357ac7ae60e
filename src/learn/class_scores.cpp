// SPDX-License-Identifier: Apache-2.0
// Scores of labels; the formulas stand in class_scores.h.
#include "learn/class_scores.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "learn/class_ranking.h"

namespace plimsoll::learn {
namespace {

constexpr std::array<std::string_view, 7> names = {"lac", "aps", "raps", "saps", "margin", "top_k", "neg_log"};
constexpr std::size_t sorted_at_once = 32;  // rows of up to this many classes are sorted whole

// The two largest probabilities of a row and the first class that has the largest.
struct TopTwo {
  double first = -std::numeric_limits<double>::infinity();
  double second = -std::numeric_limits<double>::infinity();
  std::size_t top = 0;
};

TopTwo top_two(ClassColumns columns, std::size_t row) {
  TopTwo two;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const double p = columns[c][row];
    if (p > two.first) {
      two.second = two.first;
      two.first = p;
      two.top = c;
    } else if (p > two.second) {
      two.second = p;
    }
  }
  if (columns.size() == 1) two.second = 0;  // nobody else: the margin is -p
  return two;
}

double ranked_label_score(const ClassScoreOptions& options, RankedRow& row, std::size_t label, double u) {
  if (options.score == ClassScore::top_k || options.score == ClassScore::saps) {
    double largest = row.p(0);
    for (std::size_t c = 1; c < row.classes(); ++c) largest = std::max(largest, row.p(c));
    return ranked_score(options, static_cast<double>(row.rank_of(label) + 1), row.p(label), largest, 0, u);
  }
  double sum = 0;
  for (std::size_t rank = 0;; ++rank) {
    const auto c = static_cast<std::size_t>(row.at_rank(rank));
    sum += row.p(c);
    if (c == label) return ranked_score(options, static_cast<double>(rank + 1), row.p(c), 0, sum, u);
  }
}

}  // namespace

std::span<const std::string_view> choices_of(ClassScore) { return names; }

void RankedRow::sort_all() {
  std::iota(order_.begin(), order_.end(), 0);
  // Insertion: rows of a few classes, most of them nearly in no order, at no call each.
  for (std::size_t i = 1; i < order_.size(); ++i) {
    const std::int32_t c = order_[i];
    std::size_t at = i;
    for (; at > 0 && before(c, order_[at - 1]); --at) order_[at] = order_[at - 1];
    order_[at] = c;
  }
  sorted_ = order_.size();
}

std::int32_t RankedRow::at_rank(std::size_t rank) {
  if (sorted_ > rank && !heaped_) return order_[rank];
  if (order_.size() <= sorted_at_once) {
    sort_all();
    return order_[rank];
  }
  // A heap gives the ranks one by one: whoever stops early pays for what was read only.
  const auto worse = [this](std::int32_t a, std::int32_t b) { return before(b, a); };
  if (!heaped_) {
    std::iota(order_.begin(), order_.end(), 0);
    std::make_heap(order_.begin(), order_.end(), worse);
    heaped_ = true;
    sorted_ = 0;
  }
  while (sorted_ <= rank) {
    std::pop_heap(order_.begin(), order_.end() - static_cast<std::ptrdiff_t>(sorted_), worse);
    ++sorted_;
  }
  return order_[order_.size() - 1 - rank];
}

std::size_t RankedRow::rank_of(std::size_t c) const {
  std::size_t rank = 0;
  for (std::size_t other = 0; other < p_.size(); ++other) {
    rank += before(static_cast<std::int32_t>(other), static_cast<std::int32_t>(c)) ? 1U : 0U;
  }
  return rank;
}

void row_uniforms(const Stream& stream, std::int64_t first_row, std::span<double> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = stream.child(static_cast<std::uint64_t>(first_row) + i).uniform();
  }
}

void row_uniforms(const Stream& stream, std::span<const std::uint64_t> keys, std::span<double> out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = stream.child(keys[i]).uniform();
}

void score_labels(const ClassScoreOptions& options, ClassColumns columns, std::span<const std::int32_t> labels,
                  std::span<const double> uniforms, std::span<double> out) {
  const auto own = [&](std::size_t i) { return columns[static_cast<std::size_t>(labels[i])][i]; };
  switch (options.score) {
    case ClassScore::lac:
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = 1.0 - own(i);
      return;
    case ClassScore::neg_log:
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = -std::log(own(i));
      return;
    case ClassScore::margin:
      for (std::size_t i = 0; i < out.size(); ++i) {
        const TopTwo two = top_two(columns, i);
        out[i] = (static_cast<std::size_t>(labels[i]) == two.top ? two.second : two.first) - own(i);
      }
      return;
    default: break;
  }
  RankedRow row(columns.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    row.load(columns, i);
    out[i] = ranked_label_score(options, row, static_cast<std::size_t>(labels[i]), uniform_of(options, uniforms, i));
  }
}

void score_all(const ClassScoreOptions& options, ClassColumns columns, std::span<const double> uniforms, std::span<double> out) {
  const std::size_t classes = columns.size();
  const std::size_t rows = classes == 0 ? 0 : columns.front().size();
  RankedRow row(classes);
  for (std::size_t i = 0; i < rows; ++i) {
    double* to = out.data() + i * classes;
    switch (options.score) {
      case ClassScore::lac:
        for (std::size_t c = 0; c < classes; ++c) to[c] = 1.0 - columns[c][i];
        continue;
      case ClassScore::neg_log:
        for (std::size_t c = 0; c < classes; ++c) to[c] = -std::log(columns[c][i]);
        continue;
      case ClassScore::margin: {
        const TopTwo two = top_two(columns, i);
        for (std::size_t c = 0; c < classes; ++c) to[c] = (c == two.top ? two.second : two.first) - columns[c][i];
        continue;
      }
      default: break;
    }
    row.load(columns, i);
    const double u = uniform_of(options, uniforms, i);
    double sum = 0;
    double largest = 0;
    for (std::size_t rank = 0; rank < classes; ++rank) {
      const auto c = static_cast<std::size_t>(row.at_rank(rank));
      sum += row.p(c);
      if (rank == 0) largest = row.p(c);
      to[c] = ranked_score(options, static_cast<double>(rank + 1), row.p(c), largest, sum, u);
    }
  }
}

void most_probable(ClassColumns columns, std::span<std::int32_t> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::size_t best = 0;
    for (std::size_t c = 1; c < columns.size(); ++c) {
      if (columns[c][i] > columns[best][i]) best = c;
    }
    out[i] = static_cast<std::int32_t>(best);
  }
}

}  // namespace plimsoll::learn
