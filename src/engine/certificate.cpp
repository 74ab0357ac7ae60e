// SPDX-License-Identifier: Apache-2.0
#include "engine/certificate.h"

#include <array>
#include <sstream>

#include "base/json.h"
#include "engine/fields.h"
#include "engine/schema.h"

namespace plimsoll {
namespace {
// A map of numbers has no kind of its own: it travels as two lists of equal length.
struct NamedNumbers {
  std::vector<std::string> names;
  std::vector<double> numbers;
};
void describe(Fields& f, NamedNumbers& v) {
  f({"names", "names"}, v.names);
  f({"numbers", "numbers", any_real()}, v.numbers);
}
}  // namespace

std::span<const std::string_view> choices_of(Exactness) {
  static constexpr std::array<std::string_view, 3> names = {"exact", "asymptotic", "heuristic"};
  return names;
}

void describe(Fields& f, Certificate& c) {
  f({"template", "template of the sentence"}, c.template_id);
  NamedNumbers values;
  for (const auto& [name, number] : c.values) {
    values.names.push_back(name);
    values.numbers.push_back(number);
  }
  f({"values", "numbers of the sentence"}, values);
  c.values.clear();
  for (std::size_t i = 0; i < std::min(values.names.size(), values.numbers.size()); ++i) c.values[values.names[i]] = values.numbers[i];
  f({"promise", "the sentence promised"}, c.promise);
  f({"level", "promised probability", within(0, 1)}, c.level);
  f({"delta", "chance over the calibration draw that the promise fails", within(0, 1)}, c.delta);
  f({"assumptions", "what must hold"}, c.assumptions);
  f({"n", "rows that certify", at_least(0)}, c.n);
  f({"exactness", "kind of guarantee"}, c.exactness);
  f({"vacuous", "nothing beyond the trivial is promised"}, c.vacuous);
  f({"remarks", "remarks"}, c.remarks);
  f({"falsified_by", "the experiment that could falsify it"}, c.falsified_by);
  f({"law", "reproducibility class"}, c.law);
  f({"versions", "versions that mattered"}, c.versions);
  f({"allowed_overlap", "reason given for certifying on rows used before"}, c.allowed_overlap);
}

Json to_json(const Certificate& c) {
  Json values = Json::object();
  for (const auto& [name, number] : c.values) values[name] = json_of(number);
  return {{"template", c.template_id},   {"values", values},           {"promise", c.promise},
          {"level", json_of(c.level)},   {"delta", json_of(c.delta)},  {"assumptions", c.assumptions},
          {"n", c.n},                    {"vacuous", c.vacuous},       {"exactness", choices_of(c.exactness)[static_cast<std::size_t>(c.exactness)]},
          {"remarks", c.remarks},        {"law", c.law},               {"falsified_by", c.falsified_by},
          {"versions", c.versions},      {"allowed_overlap", c.allowed_overlap}};
}

std::string to_text(const Certificate& c) {
  std::ostringstream out;
  out << c.promise << '\n';
  out << "  kind: " << choices_of(c.exactness)[static_cast<std::size_t>(c.exactness)] << ", certified on " << c.n << " rows, reproducibility class " << c.law << '\n';
  if (c.vacuous) out << "  This promise is empty: there are too few rows.\n";
  for (const auto& assumption : c.assumptions) out << "  assumes: " << assumption << '\n';
  for (const auto& remark : c.remarks) out << "  note: " << remark << '\n';
  if (!c.allowed_overlap.empty()) out << "  overlap allowed by the caller: " << c.allowed_overlap << '\n';
  if (!c.falsified_by.empty()) out << "  falsified by: " << c.falsified_by << '\n';
  for (const auto& [name, version] : c.versions) out << "  " << name << ' ' << version << '\n';
  return out.str();
}

}  // namespace plimsoll
