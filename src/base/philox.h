// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace plimsoll {

// The bare block function, ten rounds: for known-answer tests and for whoever needs random access by counter.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

// Philox4x32-10 (Salmon et al. 2011): counter-based, so a stream is a key and any position is reached at once.
// A Stream is cheap to copy. `stream(name)` and `stream(index)` derive independent children by hashing into the key:
// never share one Stream between threads; derive one per row, block or replicate.
class Stream {
 public:
  explicit Stream(std::uint64_t seed, std::uint64_t key = 0);

  Stream child(std::uint64_t index) const;
  Stream child(std::string_view name) const;

  std::uint32_t next_u32();
  std::uint64_t next_u64();
  double uniform();                      // in [0, 1), 53 bits
  double uniform_open();                 // in (0, 1)
  std::uint64_t below(std::uint64_t n);  // in [0, n), unbiased; n > 0
  double normal();                       // standard normal, polar form of Box-Muller: log and sqrt only
  double exponential();                  // mean 1
  bool bernoulli(double p);
  double gamma(double shape);  // scale 1, shape > 0 (Marsaglia-Tsang)
  double beta(double a, double b);
  std::int64_t poisson(double mean);
  std::int64_t binomial(std::int64_t n, double p);

  // Fisher-Yates with below(); same bytes with every compiler.
  template <class T>
  void shuffle(std::span<T> values) {
    for (std::size_t i = values.size(); i > 1; --i) {
      const std::size_t j = static_cast<std::size_t>(below(i));
      std::swap(values[i - 1], values[j]);
    }
  }

  std::uint64_t seed() const { return seed_; }
  std::uint64_t key() const { return key_; }

 private:
  void refill();
  std::uint64_t seed_;
  std::uint64_t key_;
  std::uint64_t counter_ = 0;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
  bool has_normal_ = false;
  double spare_normal_ = 0;
};

}  // namespace plimsoll
