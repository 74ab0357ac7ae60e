// SPDX-License-Identifier: Apache-2.0
// An invented law, not fitted to anybody's data. logit P(default) is nonlinear in age and debt ratio, has an interaction of
// debt ratio with employment, category effects, and gaps that carry information (income is withheld more often by those who
// are at risk), so that a straight line is good but not best.

#include "learn/loan_book.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace plimsoll::learn {
namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

constexpr std::array<const char*, 5> employments{"permanent", "temporary", "self_employed", "retired", "unemployed"};
constexpr std::array<double, 5> employment_shares{0.58, 0.14, 0.13, 0.09, 0.06};
constexpr std::array<double, 5> employment_effects{-0.25, 0.35, 0.25, -0.15, 1.05};
constexpr std::array<const char*, 8> regions{"north", "north_east", "east", "south_east", "south", "south_west", "west", "capital"};
constexpr std::array<double, 8> region_shares{0.10, 0.09, 0.13, 0.11, 0.14, 0.09, 0.12, 0.22};
constexpr std::array<double, 8> region_effects{0.10, 0.25, 0.05, -0.05, -0.10, 0.15, 0.0, -0.20};
constexpr std::array<const char*, 6> purposes{"car", "home", "education", "business", "consolidation", "other"};
constexpr std::array<double, 6> purpose_shares{0.30, 0.22, 0.08, 0.10, 0.20, 0.10};
constexpr std::array<double, 6> purpose_effects{-0.10, -0.20, 0.0, 0.35, 0.30, 0.10};

struct Applicant {
  std::int32_t employment = 0;
  std::int32_t region = 0;
  std::int32_t purpose = 0;
  double age = 0;
  double income = 0;  // a month
  double debt_ratio = 0;
  double years_employed = 0;
  double savings = 0;
  double amount = 0;
  std::int64_t term_months = 0;
  std::int64_t late_payments = 0;
  double truth = 0;
  bool defaulted = false;
};

template <std::size_t N>
std::int32_t pick(Stream& stream, const std::array<double, N>& shares) {
  double u = stream.uniform();
  for (std::size_t i = 0; i + 1 < N; ++i) {
    if (u < shares[i]) return static_cast<std::int32_t>(i);
    u -= shares[i];
  }
  return static_cast<std::int32_t>(N - 1);
}

double rounded(double x, double unit) { return std::floor(x / unit + 0.5) * unit; }

void draw_person(Stream& stream, Applicant& a) {
  a.employment = pick(stream, employment_shares);
  a.region = pick(stream, region_shares);
  a.purpose = pick(stream, purpose_shares);
  const bool retired = a.employment == 3;
  const double working_age = 19.0 + 46.0 * stream.beta(1.6, 2.0);
  const double later_age = 60.0 + 20.0 * stream.beta(1.5, 2.5);
  a.age = std::floor(retired ? later_age : working_age);
  const double tenure = stream.beta(1.0, 2.5);
  a.years_employed = std::floor(10.0 * tenure * std::max(0.0, std::min(a.age, 65.0) - 18.0)) / 10.0;
  const double seniority = std::min(1.0, (a.age - 18.0) / 25.0);
  const double noise = stream.normal();
  double log_income = 7.35 + 0.55 * seniority + 0.38 * noise;
  if (a.employment == 4) log_income -= 0.75;
  if (a.region == 7) log_income += 0.15;
  a.income = rounded(std::exp(log_income), 10.0);
}

void draw_loan(Stream& stream, Applicant& a) {
  a.debt_ratio = rounded(1.2 * stream.beta(1.8, 4.0), 0.001);
  const double size = stream.normal();
  a.amount = rounded(std::exp(8.9 + 0.6 * size) * (a.purpose == 1 ? 1.6 : 1.0), 100.0);
  const std::uint64_t step = stream.below(6);
  a.term_months = 12 * (1 + static_cast<std::int64_t>(step));
  const double wealth = stream.normal();
  a.savings = rounded(a.income * std::exp(0.4 + 1.1 * wealth), 50.0);
  a.late_payments = stream.poisson(0.25 + 0.9 * a.debt_ratio);
}

double default_logit(const Applicant& a) {
  const double burden = a.amount / (a.income * static_cast<double>(a.term_months));
  double z = -3.12 + 0.42 * static_cast<double>(std::min<std::int64_t>(a.late_payments, 4));
  z += employment_effects[static_cast<std::size_t>(a.employment)];
  z += region_effects[static_cast<std::size_t>(a.region)];
  z += purpose_effects[static_cast<std::size_t>(a.purpose)];
  z += 2.6 * a.debt_ratio * a.debt_ratio + 1.5 * std::max(0.0, a.debt_ratio - 0.55);
  const double youth = std::max(0.0, (32.0 - a.age) / 10.0);
  z += 0.55 * youth * youth;
  z += 1.1 * std::log1p(4.0 * burden);
  z -= 0.30 * std::log1p(a.savings / (a.income + 1.0));
  z -= 0.25 * std::log1p(a.years_employed);
  if (a.employment == 1 || a.employment == 4) z += 1.2 * a.debt_ratio;
  return z;
}

Applicant draw(Stream stream) {
  Applicant a;
  draw_person(stream, a);
  draw_loan(stream, a);
  const double z = default_logit(a);
  a.truth = 1.0 / (1.0 + std::exp(-z));
  a.defaulted = stream.uniform() < a.truth;
  // Gaps depend on the true risk but not on the outcome: given the row as it is seen, they are one more piece of evidence.
  const double withheld = stream.uniform();
  const double unknown = stream.uniform();
  if (withheld < 0.03 + 0.25 * a.truth) a.income = missing;
  if (unknown < 0.12) a.savings = missing;
  if (a.employment >= 3) a.years_employed = missing;
  return a;
}

std::vector<std::string> names_of(const char* const* begin, std::size_t count) { return {begin, begin + count}; }

}  // namespace

Result<LoanBook> make_loan_book(Stream stream, std::int64_t rows, int year) {
  if (rows < 0) return Error(ErrorCode::bad_parameter, "a loan book cannot have " + std::to_string(rows) + " rows", "give 0 or more").in_parameter("rows");
  const auto n = static_cast<std::size_t>(rows);
  std::vector<std::int64_t> application(n), term(n), late(n);
  std::vector<double> age(n), income(n), ratio(n), tenure(n), savings(n), amount(n), truth(n);
  std::vector<std::int32_t> employment(n), region(n), purpose(n), outcome(n);
  const Stream book = stream.child("loan_book").child(static_cast<std::uint64_t>(year));
  for (std::size_t i = 0; i < n; ++i) {
    const Applicant a = draw(book.child(i));
    application[i] = static_cast<std::int64_t>(year) * 100000000 + static_cast<std::int64_t>(i);
    age[i] = a.age;
    income[i] = a.income;
    ratio[i] = a.debt_ratio;
    tenure[i] = a.years_employed;
    savings[i] = a.savings;
    amount[i] = a.amount;
    term[i] = a.term_months;
    late[i] = a.late_payments;
    employment[i] = a.employment;
    region[i] = a.region;
    purpose[i] = a.purpose;
    outcome[i] = a.defaulted ? 1 : 0;
    truth[i] = a.truth;
  }
  TableBuilder builder;
  builder.integer("application", std::move(application));
  builder.category("region", std::move(region), names_of(regions.data(), regions.size()));
  builder.real("age", std::move(age));
  builder.category("employment", std::move(employment), names_of(employments.data(), employments.size()));
  builder.real_or_null("years_employed", std::move(tenure));
  builder.real_or_null("income", std::move(income));
  builder.real_or_null("savings", std::move(savings));
  builder.real("debt_ratio", std::move(ratio));
  builder.integer("late_payments", std::move(late));
  builder.category("purpose", std::move(purpose), names_of(purposes.data(), purposes.size()));
  builder.real("amount", std::move(amount));
  builder.integer("term_months", std::move(term));
  builder.category("default", std::move(outcome), {"no", "yes"});
  PLIMSOLL_TRY(Table table, std::move(builder).build());
  return LoanBook{std::move(table), std::move(truth)};
}

}  // namespace plimsoll::learn
