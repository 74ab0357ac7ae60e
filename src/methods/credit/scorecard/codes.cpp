// SPDX-License-Identifier: Apache-2.0
// The bin of a value: of whole columns, and of one value as text.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "methods/credit/scorecard/atoms.h"

namespace plimsoll::credit::scorecard {
namespace {

std::uint8_t bin_or_unknown(std::int64_t bin) { return bin < 0 ? unknown_bin : static_cast<std::uint8_t>(bin); }

std::uint8_t bin_of_level(const Feature& feature, const std::string& level) {
  const auto found = std::lower_bound(feature.levels.begin(), feature.levels.end(), level);
  if (found == feature.levels.end() || *found != level) return bin_or_unknown(feature.other_bin);
  return bin_or_unknown(feature.level_bin[static_cast<std::size_t>(found - feature.levels.begin())]);
}

std::uint8_t bin_of_number(const Feature& feature, const CutSearch& search, double x) {
  if (std::isnan(x)) return bin_or_unknown(feature.missing_bin);
  for (std::size_t k = 0; k < feature.specials.size(); ++k)
    if (feature.specials[k] == x) return bin_or_unknown(feature.special_bin[k]);
  return static_cast<std::uint8_t>(search(x));
}

Result<std::vector<std::uint8_t>> number_codes(const Feature& feature, const Table& table, std::int64_t* unseen) {
  PLIMSOLL_TRY(const Reals values, table.reals(feature.name, Missing::as_nan));
  const CutSearch search(feature.cuts);
  std::vector<std::uint8_t> codes(values.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (std::isinf(values[i]))
      return Error(ErrorCode::bad_value, "a feature is infinite", "Make it missing, or give a finite number.").in_column(feature.name).at_row(table.first_row() + static_cast<std::int64_t>(i));
    codes[i] = bin_of_number(feature, search, values[i]);
    *unseen += codes[i] == unknown_bin ? 1 : 0;
  }
  return codes;
}

}  // namespace

Result<std::vector<std::uint8_t>> codes_of(const Feature& feature, const Table& table, std::int64_t* unseen, std::string* example) {
  *unseen = 0;
  if (feature.kind == Kind::number) return number_codes(feature, table, unseen);
  PLIMSOLL_TRY(const Categories found, table.categories(feature.name));
  std::vector<std::uint8_t> of_name;
  std::vector<bool> known;
  for (const std::string& name : found.names) {
    of_name.push_back(bin_of_level(feature, name));
    known.push_back(std::binary_search(feature.levels.begin(), feature.levels.end(), name));
  }
  std::vector<std::uint8_t> codes(found.codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::int32_t c = found.codes[i];
    codes[i] = c < 0 ? bin_or_unknown(feature.missing_bin) : of_name[static_cast<std::size_t>(c)];
    if (c < 0) *unseen += codes[i] == unknown_bin ? 1 : 0;
    else if (!known[static_cast<std::size_t>(c)]) {
      ++*unseen;
      const std::string& name = found.names[static_cast<std::size_t>(c)];
      if (example->empty() || name < *example) *example = name;
    }
  }
  return codes;
}

std::uint8_t code_of_text(const Feature& feature, const std::string& value) {
  if (feature.kind == Kind::category) return value.empty() ? bin_or_unknown(feature.missing_bin) : bin_of_level(feature, value);
  double x = std::numeric_limits<double>::quiet_NaN();
  if (!value.empty()) {
    const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), x);
    if (fault != std::errc() || end != value.data() + value.size() || std::isinf(x)) x = std::numeric_limits<double>::quiet_NaN();
  }
  return bin_of_number(feature, CutSearch(feature.cuts), x);
}

std::string digits(double x) {
  char text[40];
  const auto [end, fault] = std::to_chars(text, text + sizeof text, x);
  return fault == std::errc() ? std::string(text, end) : std::string("nan");
}

}  // namespace plimsoll::credit::scorecard
