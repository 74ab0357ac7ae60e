// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
// Distributions are our own, so that the same seed gives the same draws with every compiler and library:
//   normal    polar Box-Muller (Marsaglia and Bray 1964): log and sqrt only; compilers fuse sin and cos differently
//   gamma     Marsaglia and Tsang 2000; below shape 1: G(a) = G(a + 1) U^(1/a)
//   beta      G(a) / (G(a) + G(b)); both at most 1: Joehnk 1964, in logarithms where the powers underflow
//   binomial, poisson   exact: sequential inversion for small means, else split by an order statistic or a waiting time
//             (Ahrens and Dieter 1974; Devroye 1986, X.4.3), so that no logarithm of a factorial is needed
#include "base/philox.h"

#include <cassert>
#include <cmath>
#include <limits>

#include "base/hash.h"

namespace plimsoll {
namespace {

constexpr std::uint32_t multiplier_0 = 0xD2511F53u;
constexpr std::uint32_t multiplier_1 = 0xCD9E8D57u;
constexpr std::uint32_t weyl_0 = 0x9E3779B9u;
constexpr std::uint32_t weyl_1 = 0xBB67AE85u;
constexpr std::uint64_t golden = 0x9E3779B97F4A7C15u;

// Keys of children by number and by name come from different places, so that child(1) and child("1") differ.
constexpr std::uint64_t by_index = 0x6A09E667F3BCC909u;
constexpr std::uint64_t by_name = 0xBB67AE8584CAA73Bu;

std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
std::uint32_t high(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{multiplier_0} * c[0];
    const std::uint64_t p1 = std::uint64_t{multiplier_1} * c[2];
    c = {high(p1) ^ c[1] ^ k[0], low(p1), high(p0) ^ c[3] ^ k[1], low(p0)};
    k[0] += weyl_0;
    k[1] += weyl_1;
  }
  return c;
}

Stream::Stream(std::uint64_t seed, std::uint64_t key) : seed_(seed), key_(key) {}

// For one parent the map from index to key is one-to-one: siblings never collide.
Stream Stream::child(std::uint64_t index) const { return Stream(seed_, mix64(mix64(key_ ^ by_index) + golden * index)); }

Stream Stream::child(std::string_view name) const { return Stream(seed_, hash64(name, mix64(key_ ^ by_name))); }

void Stream::refill() {
  block_ = philox4x32({low(counter_), high(counter_), low(key_), high(key_)}, {low(seed_), high(seed_)});
  ++counter_;
  used_ = 0;
}

std::uint32_t Stream::next_u32() {
  if (used_ >= 4) refill();
  return block_[static_cast<std::size_t>(used_++)];
}

std::uint64_t Stream::next_u64() {
  const std::uint64_t first = next_u32();
  const std::uint64_t second = next_u32();
  return (second << 32) | first;
}

double Stream::uniform() { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }

double Stream::uniform_open() { return (static_cast<double>(next_u64() >> 12) + 0.5) * 0x1p-52; }

// Lemire 2019: multiply and reject the short remainder.
std::uint64_t Stream::below(std::uint64_t n) {
  assert(n > 0);
  __extension__ typedef unsigned __int128 Wide;
  Wide product = static_cast<Wide>(next_u64()) * n;
  if (static_cast<std::uint64_t>(product) < n) {
    const std::uint64_t threshold = (0 - n) % n;
    while (static_cast<std::uint64_t>(product) < threshold) product = static_cast<Wide>(next_u64()) * n;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

double Stream::normal() {
  if (has_normal_) {
    has_normal_ = false;
    return spare_normal_;
  }
  for (;;) {
    const double x = 2 * uniform_open() - 1;
    const double y = 2 * uniform_open() - 1;
    const double square = x * x + y * y;
    if (square >= 1 || square == 0) continue;
    const double scale = std::sqrt(-2 * std::log(square) / square);
    spare_normal_ = y * scale;
    has_normal_ = true;
    return x * scale;
  }
}

double Stream::exponential() { return -std::log(uniform_open()); }

bool Stream::bernoulli(double p) { return uniform() < p; }

double Stream::gamma(double shape) {
  assert(shape > 0);
  if (shape < 1) {
    const double larger = gamma(shape + 1);
    return larger * std::exp(std::log(uniform_open()) / shape);
  }
  const double d = shape - 1.0 / 3.0;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal();
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double u = uniform_open();
    if (u < 1 - 0.0331 * (x * x) * (x * x)) return d * v;
    if (std::log(u) < 0.5 * x * x + d * (1 - v + std::log(v))) return d * v;
  }
}

double Stream::beta(double a, double b) {
  assert(a > 0 && b > 0);
  if (a > 1 || b > 1) {
    const double x = gamma(a);
    const double y = gamma(b);
    if (x + y > 0) return x / (x + y);
    return x >= y ? 1 : 0;
  }
  for (;;) {
    const double log_x = std::log(uniform_open()) / a;
    const double log_y = std::log(uniform_open()) / b;
    const double larger = log_x > log_y ? log_x : log_y;
    // x + y <= 1 in logarithms: powers of small shapes underflow.
    const double log_sum = larger + std::log(std::exp(log_x - larger) + std::exp(log_y - larger));
    if (log_sum <= 0) return std::exp(log_x - log_sum);
  }
}

std::int64_t Stream::poisson(double mean) {
  assert(mean >= 0);
  // Waiting time of the m-th event: if it comes before `mean`, m events are in and the rest is Poisson; else the m - 1
  // earlier ones are uniform on it.
  std::int64_t total = 0;
  while (mean > 15) {
    const auto m = static_cast<std::int64_t>(mean * 0.875);
    const double time = gamma(static_cast<double>(m));
    if (time > mean) return total + binomial(m - 1, mean / time);
    total += m;
    mean -= time;
  }
  double probability = std::exp(-mean);
  double left = uniform();
  std::int64_t k = 0;
  while (left >= probability && probability > 0) {
    left -= probability;
    ++k;
    probability *= mean / static_cast<double>(k);
  }
  return total + k;
}

std::int64_t Stream::binomial(std::int64_t n, double p) {
  assert(n >= 0);
  std::int64_t total = 0;
  bool flipped = false;
  std::int64_t flipped_n = 0;
  if (p > 0.5) {
    flipped = true;
    flipped_n = n;
    p = 1 - p;
  }
  // The middle one of n uniforms is beta: it tells which half of them is left to count.
  while (static_cast<double>(n) * (p < 0.5 ? p : 1 - p) > 15) {
    const std::int64_t a = 1 + n / 2;
    const std::int64_t b = n + 1 - a;
    const double middle = beta(static_cast<double>(a), static_cast<double>(b));
    if (middle > p) {
      n = a - 1;
      p /= middle;
    } else {
      total += a;
      n = b - 1;
      p = (p - middle) / (1 - middle);
    }
  }
  std::int64_t k = 0;
  const bool turned = p > 0.5;
  const double q = turned ? 1 - p : p;
  if (n > 0 && q > 0) {
    const double odds = q / (1 - q);
    double probability = std::exp(static_cast<double>(n) * std::log1p(-q));
    double left = uniform();
    while (left >= probability && k < n) {
      left -= probability;
      ++k;
      probability *= odds * static_cast<double>(n - k + 1) / static_cast<double>(k);
    }
  }
  total += turned ? n - k : k;
  return flipped ? flipped_n - total : total;
}

}  // namespace plimsoll
