// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace plimsoll {
namespace {

TEST(Hash, Sha256KnownAnswers) {  // FIPS 180-2
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string million(1000000, 'a');
  EXPECT_EQ(sha256_hex(million), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Hash, Sha256InPieces) {
  Sha256 a, b;
  a.update("hello world");
  b.update("hello");
  b.update(" world");
  EXPECT_EQ(a.finish(), b.finish());
  a.update("abc");  // starts anew after finish
  Sha256 c;
  c.update("abc");
  EXPECT_EQ(a.finish(), c.finish());
}

TEST(Hash, Hash64KnownAnswers) {  // xxHash's published XXH64 values
  EXPECT_EQ(hash64(""), 0xEF46DB3751D8E999u);
  EXPECT_EQ(hash64("a"), 0xD24EC4F1A98C6E5Bu);
  EXPECT_EQ(hash64("abc"), 0x44BC2CF5AD770999u);
  EXPECT_EQ(hash64("Nobody inspects the spammish repetition"), 0xFBCEA83C8A378BF1u);
  EXPECT_NE(hash64("abc", 1), hash64("abc", 2));
}

TEST(Hash, Mix64KnownAnswer) { EXPECT_EQ(mix64(0x9E3779B97F4A7C15u), 0xE220A8397B1DCDAFu); }  // SplitMix64, seed 0

// One changed input bit changes each output bit half the time: 64 x 8 n pairs, 7 standard errors (2e-12 each side).
TEST(Hash, Avalanche) {
  for (const std::size_t length : {4u, 8u, 13u, 40u}) {
    const int trials = 300;
    std::vector<int> flips(64);
    for (int t = 0; t < trials; ++t) {
      std::string bytes(length, '\0');
      for (std::size_t i = 0; i < length; ++i)
        bytes[i] = static_cast<char>(mix64(static_cast<std::uint64_t>(t) * 1000 + i) & 0xFFu);
      const std::uint64_t whole = hash64(bytes);
      for (std::size_t bit = 0; bit < 8 * length; ++bit) {
        std::string other = bytes;
        other[bit / 8] = static_cast<char>(static_cast<unsigned char>(other[bit / 8]) ^ (1u << (bit % 8)));
        const std::uint64_t difference = whole ^ hash64(other);
        for (unsigned out = 0; out < 64; ++out) flips[out] += static_cast<int>((difference >> out) & 1u);
      }
    }
    const double n = static_cast<double>(trials) * 8 * static_cast<double>(length);
    for (const int count : flips) EXPECT_NEAR(count / n, 0.5, 7 * 0.5 / std::sqrt(n));
  }
}

}  // namespace
}  // namespace plimsoll
