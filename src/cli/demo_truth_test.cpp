// SPDX-License-Identifier: Apache-2.0
// The judge of the demonstration must be able to say BROKEN.
#include "cli/demo_truth.h"

#include <gtest/gtest.h>

namespace plimsoll::cli {
namespace {

constexpr std::int64_t rows = 5000;

// `covered` of the rows hold their outcome; everybody's risk is one in ten.
Result<DemoVerdict> judged(std::int64_t covered) {
  std::vector<std::int32_t> offsets(1, 0);
  std::vector<std::uint8_t> codes;
  std::vector<std::string> outcomes;
  std::vector<std::string> decisions;
  for (std::int64_t i = 0; i < rows; ++i) {
    const bool defaulted = i % 10 == 0;
    outcomes.emplace_back(defaulted ? "yes" : "no");
    codes.push_back(static_cast<std::uint8_t>((i < covered) == defaulted ? 1 : 0));
    offsets.push_back(static_cast<std::int32_t>(codes.size()));
    decisions.emplace_back(i % 3 == 0 ? "abstain" : i % 3 == 1 ? "act" : "pass");
  }
  TableBuilder builder;
  builder.real("probability", std::vector<double>(rows, 0.1));
  builder.list_of_text("set", std::move(offsets), std::move(codes), {"no", "yes"});
  builder.text("decision", decisions);
  PLIMSOLL_TRY(const Table scored, std::move(builder).build());
  Certificate certificate;
  certificate.level = 0.9;
  certificate.values = {{"n", 999.0}, {"k", 900.0}};
  return compare_with_truth(certificate, scored, std::vector<double>(rows, 0.1), outcomes, DemoCosts{});
}

TEST(DemoTruth, HoldsWhereTheCertificateHolds) {
  const auto verdict = judged(rows * 9 / 10);
  ASSERT_TRUE(verdict) << verdict.error().message();
  EXPECT_TRUE(verdict->holds);
  EXPECT_EQ(verdict->rows.front().verdict, "holds");
  EXPECT_EQ(verdict->rows[1].observed, "10.00 %");
}

TEST(DemoTruth, SaysBrokenFivePointsBelow) {
  // BetaBinomial(5000; 900, 100) is below 4,250 less than once in 10^6 draws: its standard deviation is 52.
  const auto verdict = judged(rows * 85 / 100 - 50);
  ASSERT_TRUE(verdict) << verdict.error().message();
  EXPECT_FALSE(verdict->holds);
  EXPECT_EQ(verdict->rows.front().verdict, "BROKEN");
}

TEST(DemoTruth, CostsAreThoseOfTheDecisions) {
  const auto verdict = judged(rows);
  ASSERT_TRUE(verdict) << verdict.error().message();
  // A third abstains (0.75), a third acts (1 for each of the nine in ten good ones), a third passes (5 for one in ten).
  // Rows 0, 3, 6 ... abstain; the pattern of defaults has period ten and that of decisions three, so the shares are even.
  const double expected = 1000.0 * (0.75 + 0.9 + 0.5) / 3.0;
  EXPECT_NEAR(std::stod(verdict->rows[4].observed), expected, 2.0);
}

}  // namespace
}  // namespace plimsoll::cli
