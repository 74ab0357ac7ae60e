// SPDX-License-Identifier: Apache-2.0
#include "engine/method.h"

#include <algorithm>
#include <array>

namespace plimsoll {
namespace {
constexpr std::array<std::string_view, 7> verb_names = {"fit", "apply", "assess", "step", "verify", "prove", "report"};
}

std::string_view name_of(Verb verb) { return verb_names[static_cast<std::size_t>(verb)]; }

std::optional<Verb> verb_named(std::string_view name) {
  const auto found = std::find(verb_names.begin(), verb_names.end(), name);
  if (found == verb_names.end()) return std::nullopt;
  return static_cast<Verb>(found - verb_names.begin());
}

bool Findings::passed() const {
  return std::none_of(findings.begin(), findings.end(), [](const Finding& f) { return f.severity == ReportSeverity::alarm; });
}

bool Method::has(Verb verb) const {
  switch (verb) {
    case Verb::fit: return fit_.model != nullptr;
    case Verb::apply: return apply_.call != nullptr;
    case Verb::assess: return assess_.call != nullptr;
    case Verb::step: return step_.call != nullptr;
    case Verb::verify: return verify_.call != nullptr;
    case Verb::prove: return prove_ != nullptr;
    case Verb::report: return report_.call != nullptr;
  }
  return false;
}

}  // namespace plimsoll
