// SPDX-License-Identifier: Apache-2.0
#pragma once

// Ordinary prose with secrets planted at known places: the truth that experiments on detectors and streams are measured against.

#include <string>
#include <vector>

#include "base/philox.h"

namespace plimsoll::gateway {

struct Planted {
  std::string text;
  std::string redacted;              // what must come out
  std::vector<std::string> secrets;  // what must not
};

std::string random_secret(Stream& rng, std::string& detector);
// About `words` words of prose that no detector touches.
std::string clean_prose(Stream& rng, int words);
Planted planted_text(Stream& rng, int words, int secrets);

}  // namespace plimsoll::gateway
