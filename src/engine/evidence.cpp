// SPDX-License-Identifier: Apache-2.0
#include "engine/evidence.h"

#include <array>
#include <iomanip>
#include <sstream>

#include "base/json.h"

namespace plimsoll {

std::span<const std::string_view> choices_of(ProveSize) {
  static constexpr std::array<std::string_view, 3> names = {"quick", "normal", "full"};
  return names;
}

Json to_json(const Evidence& e) {
  Json figures = Json::object();
  for (const auto& [name, number] : e.figures) figures[name] = json_of(number);
  return {{"method", e.method},
          {"claim", e.claim},
          {"level", json_of(e.level)},
          {"observed", json_of(e.observed)},
          {"interval", {json_of(e.low), json_of(e.high)}},
          {"trials", e.trials},
          {"seed", e.seed},
          {"passed", e.passed},
          {"false_alarm", json_of(e.false_alarm)},
          {"detects", e.detects},
          {"figures", figures}};
}

Result<Evidence> evidence_from_json(const Json& json) {
  const auto bad = [](std::string what) { return Error(ErrorCode::bad_document, std::move(what), "Write it with `plimsoll prove METHOD --json`."); };
  if (!json.is_object()) return bad("evidence is a JSON object");
  for (const char* key : {"method", "claim", "detects"})
    if (!json.contains(key) || !json[key].is_string()) return bad(std::string("evidence lacks the text '") + key + "'");
  for (const char* key : {"trials", "seed"})
    if (!json.contains(key) || !json[key].is_number_integer()) return bad(std::string("evidence lacks the integer '") + key + "'");
  if (!json.contains("passed") || !json["passed"].is_boolean()) return bad("evidence lacks the flag 'passed'");
  if (!json.contains("interval") || !json["interval"].is_array() || json["interval"].size() != 2) return bad("evidence lacks 'interval' of two numbers");
  Evidence e;
  e.method = json["method"];
  e.claim = json["claim"];
  e.detects = json["detects"];
  e.trials = json["trials"];
  e.seed = json["seed"];
  e.passed = json["passed"];
  for (auto [key, target] : {std::pair{"level", &e.level}, {"observed", &e.observed}, {"false_alarm", &e.false_alarm}}) {
    if (!json.contains(key)) return bad(std::string("evidence lacks the number '") + key + "'");
    PLIMSOLL_TRY(*target, json_number(json[key]));
  }
  PLIMSOLL_TRY(e.low, json_number(json["interval"][0]));
  PLIMSOLL_TRY(e.high, json_number(json["interval"][1]));
  if (json.contains("figures") && json["figures"].is_object())
    for (const auto& [name, number] : json["figures"].items()) {
      PLIMSOLL_TRY(e.figures[name], json_number(number));
    }
  return e;
}

std::string to_text(const Evidence& e) {
  std::ostringstream out;
  out << std::setprecision(6);
  out << (e.passed ? "holds  " : "FAILS  ") << e.method << ": " << e.claim << '\n';
  out << "  claimed " << e.level << ", observed " << e.observed << ", interval [" << e.low << ", " << e.high << "] at 1 - " << e.false_alarm << ", " << e.trials
      << " trials, seed " << e.seed << '\n';
  for (const auto& [name, number] : e.figures) out << "  " << name << " = " << number << '\n';
  out << "  detects: " << e.detects << '\n';
  return out.str();
}

}  // namespace plimsoll
