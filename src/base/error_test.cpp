// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <gtest/gtest.h>

#include <set>

#include "base/result.h"

namespace plimsoll {
namespace {

TEST(Error, TableIsTotalAndNamesAreUnique) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(ErrorCode::internal); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    const ErrorInfo& facts = info(code);
    EXPECT_TRUE(names.insert(facts.name).second) << facts.name;
    EXPECT_EQ(error_code_named(facts.name), code);
    EXPECT_GT(facts.exit_status, 0);
    EXPECT_GE(facts.http_status, 200);
  }
  EXPECT_EQ(error_code_named("nonsense"), std::nullopt);
  EXPECT_EQ(info(ErrorCode::cancelled).exit_status, 130);
  EXPECT_EQ(info(ErrorCode::missing_column).http_status, 422);
}

TEST(Error, MessageHasWhatWhereAndMend) {
  const Error e = Error(ErrorCode::missing_column, "no column 'agee'", "Name an existing column")
                      .in_file("a.csv")
                      .in_column("agee")
                      .at_row(3)
                      .with_candidates({"age", "agency"});
  EXPECT_EQ(e.message(),
            "missing_column: no column 'agee' (file a.csv, row 3, column agee); nearest: age, agency. "
            "Name an existing column");
  EXPECT_EQ(Error(ErrorCode::internal, "x").message(), "internal: x");
  EXPECT_EQ(Error(ErrorCode::bad_document, "x", "y").at_line(2).message(), "bad_document: x (line 2). y");
}

TEST(Error, NearestNames) {
  const std::vector<std::string> known{"alpha", "alphas", "score", "scores", "seed", "beta"};
  EXPECT_EQ(nearest_names("alhpa", known), (std::vector<std::string>{"alpha", "alphas"}));
  EXPECT_EQ(nearest_names("alpa", known), (std::vector<std::string>{"alpha", "alphas"}));
  EXPECT_EQ(nearest_names("score", known, 1), (std::vector<std::string>{"score"}));
  EXPECT_TRUE(nearest_names("zzzzz", known).empty());
  EXPECT_TRUE(nearest_names("", known).empty());
  EXPECT_EQ(nearest_names("seed", {"seed", "seed"}).size(), 1u);
}

Result<int> half(int x) {
  if (x % 2 != 0) return Error(ErrorCode::bad_value, "odd");
  return x / 2;
}
Result<int> quarter(int x) {
  PLIMSOLL_TRY(const int h, half(x));
  PLIMSOLL_TRY(const int q, half(h));
  return q;
}
Result<void> quarters(int x) {
  PLIMSOLL_CHECK(quarter(x));
  return {};
}

TEST(Result, TryPassesErrorsOn) {
  EXPECT_EQ(*quarter(12), 3);
  EXPECT_EQ(quarter(6).error().what, "odd");
  EXPECT_TRUE(quarters(8).ok());
  EXPECT_FALSE(quarters(7).ok());
}

}  // namespace
}  // namespace plimsoll
