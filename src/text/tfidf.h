// SPDX-License-Identifier: Apache-2.0
#pragma once

// Weights of n-grams: G. Salton and C. Buckley, "Term-weighting approaches in automatic text retrieval", Information
// Processing and Management 24 (1988), in the form that scikit-learn made common:
//   idf(t) = ln((1 + n) / (1 + df(t))) + 1      tf = count, or 1 + ln(count)      rows scaled to Euclidean or absolute length 1
// Columns are the terms in the order of their bytes; with `buckets` they are hashes, and nothing but their idf is kept.
// Class A: what is learned is a function of the multiset of texts, a row is a function of its text; threads change nothing.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "learn/sparse_rows.h"
#include "text/ngrams.h"

namespace plimsoll::text {

enum class Length : std::uint8_t { none, absolute, euclidean };
std::span<const std::string_view> choices_of(Length);

struct TfidfOptions {
  NgramOptions ngrams;
  std::int64_t least_texts = 1;    // a term must stand in this many texts ...
  double largest_share = 1;        // ... and in no larger share of them
  std::int64_t most_terms = 0;     // the commonest by count (ties: earlier by name); 0: all
  std::int64_t buckets = 0;        // above 0: terms are hashed into so many columns, and the three limits above do not apply
  bool log_counts = false;
  bool weigh_by_idf = true;
  Length length = Length::euclidean;
};
void describe(Fields& f, TfidfOptions& options);

struct Tfidf {
  TfidfOptions options;
  std::int64_t texts = 0;              // learned from
  std::string term_bytes;              // all terms, one behind the other, rising
  std::vector<std::int64_t> term_ends; // where each ends in term_bytes
  std::vector<double> idf;             // a column each

  std::int64_t columns() const { return static_cast<std::int64_t>(idf.size()); }
  std::string_view term(std::int64_t column) const;  // only without buckets
};
void describe(Fields& f, Tfidf& model);
// What describe() cannot bound (ends rising, terms distinct, idf finite): `corrupt_file`. Called by bind().
Result<void> check(const Tfidf& model);

// Texts: of any type that turns into a view. `too_few_rows` without a text or without a term that is left, `bad_value` with
// the row for what is no UTF-8, `bad_parameter` for options that contradict.
Result<Tfidf> fit_tfidf(Context& context, std::span<const std::string> texts, const TfidfOptions& options);

// A model made ready to look terms up. The model must outlive it. Safe from many threads.
class BoundTfidf {
 public:
  const Tfidf& model() const { return *model_; }
  Result<learn::SparseRows> rows_of(Context& context, std::span<const std::string> texts) const;

 private:
  struct Lookup;
  friend Result<BoundTfidf> bind(const Tfidf& model);
  Result<void> append(Ngrams& ngrams, std::string_view text, learn::SparseRows& out) const;
  const Tfidf* model_ = nullptr;
  std::shared_ptr<const Lookup> lookup_;
};
Result<BoundTfidf> bind(const Tfidf& model);

// A narrow row (an embedding, cues) in front of a classifier wants dense columns: row-major rows x columns.
std::vector<double> dense(const learn::SparseRows& rows);

}  // namespace plimsoll::text
