// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace plimsoll {

// A number in a sentence: twelve digits, as printf's %.12g has them, whatever the locale.
std::string number_text(double value);

}  // namespace plimsoll
