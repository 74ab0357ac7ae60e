// SPDX-License-Identifier: Apache-2.0
#pragma once

// A small data set that any language makes alike, from a linear congruential generator; the reference numbers in the tests
// of this room were computed on it by scikit-learn 1.9.1 and betacal 1.1.0 (tools named at each number).
//   s <- (1103515245 s + 12345) mod 2^31, from 12345; u = s / 2^31; five draws a row: three features 2u - 1, t, weight 1/2 + u
//   eta = 1.5 x1 - 2 x2 + 0.3; y = [t < sigmoid(eta)]; y3 = 0 if t < .33 + .2 x1, else 1 if t < .66 + .2 x2, else 2

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace plimsoll::learn {

struct ReferenceCase {
  std::array<std::vector<double>, 3> x;
  std::vector<double> weight;
  std::vector<double> score;         // 1.7 eta - 0.4
  std::vector<std::int32_t> y, y3;

  std::vector<std::span<const double>> columns() const { return {x[0], x[1], x[2]}; }
};

inline ReferenceCase reference_case() {
  ReferenceCase data;
  std::int64_t state = 12345;
  const auto draw = [&state] {
    state = (state * 1103515245 + 12345) % 2147483648;
    return static_cast<double>(state) / 2147483648.0;
  };
  for (int i = 0; i < 120; ++i) {
    for (auto& column : data.x) column.push_back(draw() * 2 - 1);
    const double t = draw();
    data.weight.push_back(0.5 + draw());
    const double a = data.x[0].back();
    const double b = data.x[1].back();
    const double eta = 1.5 * a - 2 * b + 0.3;
    data.score.push_back(eta * 1.7 - 0.4);
    data.y.push_back(t < 1 / (1 + std::exp(-eta)) ? 1 : 0);
    data.y3.push_back(t < 0.33 + 0.2 * a ? 0 : t < 0.66 + 0.2 * b ? 1 : 2);
  }
  return data;
}

}  // namespace plimsoll::learn
