// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "base/result.h"

namespace plimsoll {

class Fields;

enum class Exactness : int { exact, asymptotic, heuristic };
std::span<const std::string_view> choices_of(Exactness);

// What is promised, under which assumptions, and how it could be falsified. `promise` is the sentence with its numbers in it;
// `template_id` and `values` let a program check them. The engine adds versions, seed, law class and overlap remarks.
struct Certificate {
  std::string template_id;                // e.g. "coverage.marginal"
  std::map<std::string, double> values;   // the numbers of the sentence, by name
  std::string promise;
  double level = 0;                       // e.g. 0.9: the promised probability
  double delta = 0;                       // chance over the calibration draw that the promise fails; 0 when not of that form
  std::vector<std::string> assumptions;
  std::int64_t n = 0;                     // rows that certify
  Exactness exactness = Exactness::exact;
  bool vacuous = false;                   // nothing is promised beyond the trivial (too few rows): says so in `remarks`
  std::vector<std::string> remarks;
  std::string falsified_by;               // the experiment: "plimsoll prove METHOD --seed S"
  std::string law;                        // reproducibility class kept: A, B or C (Law 1)
  std::map<std::string, std::string> versions;
  std::string allowed_overlap;            // the caller's reason, repeated
};
void describe(Fields& f, Certificate& certificate);

Json to_json(const Certificate& certificate);
std::string to_text(const Certificate& certificate);  // plain words

}  // namespace plimsoll
