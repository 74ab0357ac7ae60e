// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace plimsoll {

// A number in a sentence: twelve digits, as printf's %.12g has them, whatever the locale.
std::string number_text(double value);

// 0.9 as "90 %", 0.1234 as "12.3 %": tenths where there are any.
std::string percent_text(double share);

}  // namespace plimsoll
