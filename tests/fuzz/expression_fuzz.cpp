// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/expression.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto expression = plimsoll::Expression::parse({reinterpret_cast<const char*>(data), size});
  if (!expression.ok()) return 0;
  const std::array<double, 2> numbers = {0.5, -3};
  const std::vector<std::span<const double>> columns(expression.value().columns().size(), numbers);
  if (!expression.value().evaluate(columns, numbers.size()).ok()) __builtin_trap();
  return 0;
}
