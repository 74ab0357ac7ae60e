// SPDX-License-Identifier: Apache-2.0
#include "text/tfidf.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <unordered_map>

#include "base/hash.h"
#include "engine/fields.h"

namespace plimsoll::text {
namespace {

constexpr std::int64_t most_columns = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t texts_a_task = 256;

struct HashOfBytes {
  using is_transparent = void;
  std::size_t operator()(std::string_view bytes) const { return hash64(bytes); }
};

struct Counts {
  std::int64_t texts = 0;
  std::int64_t times = 0;
  std::int64_t last = -1;  // the text that counted it last
};
using Terms = std::unordered_map<std::string, Counts, HashOfBytes, std::equal_to<>>;

std::int64_t bucket_of(std::string_view gram, std::int64_t buckets) {
  return static_cast<std::int64_t>(hash64(gram) % static_cast<std::uint64_t>(buckets));
}

Error at_text(Error error, std::int64_t row) { return std::move(error).at_row(row); }

Result<void> check_options(const TfidfOptions& options) {
  PLIMSOLL_CHECK(check(options.ngrams));
  if (options.buckets > most_columns) {
    return Error(ErrorCode::bad_parameter, std::to_string(options.buckets) + " buckets are too many", "Give at most 2^31 - 1")
        .in_parameter("buckets");
  }
  return {};
}

// Counts of each part of the texts, added in the order of the parts; the sum does not depend on it.
Result<Terms> count_terms(Context& context, std::span<const std::string> texts, const NgramOptions& options) {
  const auto count = static_cast<std::int64_t>(texts.size());
  const std::int64_t parts = std::min<std::int64_t>(context.runtime.threads(), (count + texts_a_task - 1) / texts_a_task);
  std::vector<Terms> counted(static_cast<std::size_t>(parts));
  const auto count_part = [&](std::int64_t part) -> Result<void> {
    Terms& terms = counted[static_cast<std::size_t>(part)];
    Ngrams ngrams(options);
    for (std::int64_t row = count * part / parts; row < count * (part + 1) / parts; ++row) {
      if (row % texts_a_task == 0) PLIMSOLL_CHECK(context.stop.check());
      auto read = ngrams.read(texts[static_cast<std::size_t>(row)], [&terms, row](std::string_view gram) {
        auto found = terms.find(gram);
        if (found == terms.end()) found = terms.emplace(std::string(gram), Counts{}).first;
        Counts& counts = found->second;
        ++counts.times;
        if (counts.last != row) ++counts.texts;
        counts.last = row;
      });
      if (!read) return at_text(std::move(read).error(), row);
    }
    return {};
  };
  PLIMSOLL_CHECK(context.runtime.for_each(parts, context.stop, count_part));
  Terms all = std::move(counted[0]);
  for (std::size_t part = 1; part < counted.size(); ++part) {
    for (const auto& [term, counts] : counted[part]) {
      Counts& sum = all[term];
      sum.texts += counts.texts;
      sum.times += counts.times;
    }
  }
  return all;
}

struct Kept {
  std::string_view term;
  Counts counts;
};

std::vector<Kept> choose(const Terms& terms, std::int64_t texts, const TfidfOptions& options) {
  const double most = options.largest_share * static_cast<double>(texts);
  std::vector<Kept> kept;
  for (const auto& [term, counts] : terms) {
    if (counts.texts >= options.least_texts && static_cast<double>(counts.texts) <= most) kept.push_back({term, counts});
  }
  const auto by_name = [](const Kept& a, const Kept& b) { return a.term < b.term; };
  if (options.most_terms > 0 && static_cast<std::int64_t>(kept.size()) > options.most_terms) {
    const auto commoner = [&](const Kept& a, const Kept& b) {
      return a.counts.times != b.counts.times ? a.counts.times > b.counts.times : by_name(a, b);
    };
    const auto cut = kept.begin() + options.most_terms;
    std::nth_element(kept.begin(), cut, kept.end(), commoner);
    kept.erase(cut, kept.end());
  }
  std::ranges::sort(kept, by_name);
  return kept;
}

double idf_of(std::int64_t texts, std::int64_t with_term) {
  return std::log(static_cast<double>(1 + texts) / static_cast<double>(1 + with_term)) + 1;
}

// A bucket counts as a term: it stands in the texts that any of its n-grams stands in.
Result<void> fit_buckets(Context& context, std::span<const std::string> texts, Tfidf& model) {
  const std::int64_t buckets = model.options.buckets;
  std::vector<std::int64_t> with(static_cast<std::size_t>(buckets), 0);
  std::vector<std::int64_t> last(static_cast<std::size_t>(buckets), -1);
  Ngrams ngrams(model.options.ngrams);
  for (std::int64_t row = 0; row < model.texts; ++row) {
    if (row % texts_a_task == 0) PLIMSOLL_CHECK(context.stop.check());
    auto read = ngrams.read(texts[static_cast<std::size_t>(row)], [&](std::string_view gram) {
      const auto b = static_cast<std::size_t>(bucket_of(gram, buckets));
      if (last[b] != row) ++with[b];
      last[b] = row;
    });
    if (!read) return at_text(std::move(read).error(), row);
  }
  model.idf.reserve(with.size());
  for (const std::int64_t n : with) model.idf.push_back(idf_of(model.texts, n));
  return {};
}

}  // namespace

std::span<const std::string_view> choices_of(Length) {
  static constexpr std::array<std::string_view, 3> names = {"none", "absolute", "euclidean"};
  return names;
}

void describe(Fields& f, TfidfOptions& options) {
  f({"ngrams", "what is counted"}, options.ngrams);
  f({"least_texts", "a term must stand in this many texts", at_least(1)}, options.least_texts);
  f({"largest_share", "and in no larger share of them", Constraint{0, 1, true, false, false}}, options.largest_share);
  f({"most_terms", "keep the commonest terms only; 0: all", at_least(0)}, options.most_terms);
  f({"buckets", "hash terms into so many columns; 0: a column a term", within(0, 2147483647)}, options.buckets);
  f({"log_counts", "1 + ln(count) in place of the count"}, options.log_counts);
  f({"weigh_by_idf", "rare terms weigh more"}, options.weigh_by_idf);
  f({"length", "what each row is scaled to length 1 by"}, options.length);
}

void describe(Fields& f, Tfidf& model) {
  f({"options", "how texts become columns"}, model.options);
  f({"texts", "how many texts were learned from", at_least(0)}, model.texts);
  f.blob({"term_bytes", "the terms, one behind the other"}, model.term_bytes);
  f.tensor({"term_ends", "where each term ends"}, model.term_ends);
  f.tensor({"idf", "weight of each column"}, model.idf);
}

std::string_view Tfidf::term(std::int64_t column) const {
  const auto c = static_cast<std::size_t>(column);
  const auto from = static_cast<std::size_t>(c == 0 ? 0 : term_ends[c - 1]);
  return std::string_view(term_bytes).substr(from, static_cast<std::size_t>(term_ends[c]) - from);
}

Result<void> check(const Tfidf& model) {
  const auto corrupt = [](const char* what) {
    return Error(ErrorCode::corrupt_file, std::string("text weights are damaged: ") + what, "Fit the model again");
  };
  if (auto options = check_options(model.options); !options) return corrupt("their options contradict");
  const std::int64_t columns = model.columns();
  if (columns > most_columns) return corrupt("too many columns");
  if (!std::ranges::all_of(model.idf, [](double w) { return std::isfinite(w) && w > 0; })) return corrupt("a weight is no positive number");
  if (model.options.buckets > 0) {
    return columns == model.options.buckets && model.term_ends.empty() ? Result<void>() : corrupt("buckets and weights differ in number");
  }
  if (static_cast<std::int64_t>(model.term_ends.size()) != columns) return corrupt("terms and weights differ in number");
  std::int64_t last = 0;
  for (const std::int64_t end : model.term_ends) {
    if (end <= last || end > static_cast<std::int64_t>(model.term_bytes.size())) return corrupt("the ends of terms do not rise");
    last = end;
  }
  if (last != static_cast<std::int64_t>(model.term_bytes.size())) return corrupt("bytes behind the last term");
  for (std::int64_t c = 1; c < columns; ++c) {
    if (model.term(c) <= model.term(c - 1)) return corrupt("terms are out of order");
  }
  return {};
}

Result<Tfidf> fit_tfidf(Context& context, std::span<const std::string> texts, const TfidfOptions& options) {
  PLIMSOLL_CHECK(check_options(options));
  if (texts.empty()) return Error(ErrorCode::too_few_rows, "there is no text to learn from", "Give at least one");
  Tfidf model;
  model.options = options;
  model.texts = static_cast<std::int64_t>(texts.size());
  if (options.buckets > 0) {
    PLIMSOLL_CHECK(fit_buckets(context, texts, model));
    return model;
  }
  PLIMSOLL_TRY(const Terms terms, count_terms(context, texts, options.ngrams));
  for (const Kept& kept : choose(terms, model.texts, options)) {
    model.term_bytes.append(kept.term);
    model.term_ends.push_back(static_cast<std::int64_t>(model.term_bytes.size()));
    model.idf.push_back(idf_of(model.texts, kept.counts.texts));
  }
  if (model.idf.empty()) {
    return Error(ErrorCode::too_few_rows, "no term is left of " + std::to_string(terms.size()) + " in the texts",
                 "Lower least_texts, or raise largest_share");
  }
  if (model.columns() > most_columns) return Error(ErrorCode::too_large, "more than 2^31 terms", "Set most_terms or buckets");
  return model;
}

struct BoundTfidf::Lookup {
  std::unordered_map<std::string_view, std::int32_t, HashOfBytes, std::equal_to<>> columns;
};

Result<BoundTfidf> bind(const Tfidf& model) {
  PLIMSOLL_CHECK(check(model));
  auto lookup = std::make_shared<BoundTfidf::Lookup>();
  lookup->columns.reserve(model.term_ends.size());
  for (std::int64_t c = 0; c < static_cast<std::int64_t>(model.term_ends.size()); ++c) {
    lookup->columns.emplace(model.term(c), static_cast<std::int32_t>(c));
  }
  BoundTfidf bound;
  bound.model_ = &model;
  bound.lookup_ = std::move(lookup);
  return bound;
}

Result<void> BoundTfidf::append(Ngrams& ngrams, std::string_view text, learn::SparseRows& out) const {
  const TfidfOptions& options = model_->options;
  std::vector<std::int32_t> found;
  PLIMSOLL_CHECK(ngrams.read(text, [&](std::string_view gram) {
    if (options.buckets > 0) {
      found.push_back(static_cast<std::int32_t>(bucket_of(gram, options.buckets)));
    } else if (const auto term = lookup_->columns.find(gram); term != lookup_->columns.end()) {
      found.push_back(term->second);
    }
  }));
  std::ranges::sort(found);
  const std::size_t first = out.values.size();
  double length = 0;
  for (std::size_t i = 0; i < found.size();) {
    std::size_t next = i;
    while (next < found.size() && found[next] == found[i]) ++next;
    const auto count = static_cast<double>(next - i);
    double value = options.log_counts ? 1 + std::log(count) : count;
    if (options.weigh_by_idf) value *= model_->idf[static_cast<std::size_t>(found[i])];
    out.columns.push_back(found[i]);
    out.values.push_back(value);
    length += options.length == Length::euclidean ? value * value : value;
    i = next;
  }
  if (options.length == Length::euclidean) length = std::sqrt(length);
  if (options.length != Length::none && length > 0) {
    for (std::size_t i = first; i < out.values.size(); ++i) out.values[i] /= length;
  }
  out.offsets.push_back(static_cast<std::int64_t>(out.values.size()));
  return {};
}

Result<learn::SparseRows> BoundTfidf::rows_of(Context& context, std::span<const std::string> texts) const {
  const auto count = static_cast<std::int64_t>(texts.size());
  const std::int64_t tasks = (count + texts_a_task - 1) / texts_a_task;
  std::vector<learn::SparseRows> parts(static_cast<std::size_t>(tasks));
  PLIMSOLL_CHECK(context.runtime.for_each(tasks, context.stop, [&](std::int64_t task) -> Result<void> {
    Ngrams ngrams(model_->options.ngrams);
    for (std::int64_t row = task * texts_a_task; row < std::min(count, (task + 1) * texts_a_task); ++row) {
      auto done = append(ngrams, texts[static_cast<std::size_t>(row)], parts[static_cast<std::size_t>(task)]);
      if (!done) return at_text(std::move(done).error(), row);
    }
    return {};
  }));
  learn::SparseRows all;
  all.width = model_->columns();
  for (const learn::SparseRows& part : parts) {
    const std::int64_t base = all.offsets.back();
    for (std::size_t r = 1; r < part.offsets.size(); ++r) all.offsets.push_back(base + part.offsets[r]);
    all.columns.insert(all.columns.end(), part.columns.begin(), part.columns.end());
    all.values.insert(all.values.end(), part.values.begin(), part.values.end());
  }
  return all;
}

std::vector<double> dense(const learn::SparseRows& rows) {
  const auto width = static_cast<std::size_t>(rows.width);
  std::vector<double> out(rows.rows() * width, 0.0);
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    for (auto i = static_cast<std::size_t>(rows.offsets[r]); i < static_cast<std::size_t>(rows.offsets[r + 1]); ++i) {
      out[r * width + static_cast<std::size_t>(rows.columns[i])] = rows.values[i];
    }
  }
  return out;
}

}  // namespace plimsoll::text
