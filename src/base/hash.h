// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace plimsoll {

// SHA-256 by OpenSSL's libcrypto.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view bytes);
  std::array<std::uint8_t, 32> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);

// 64-bit mixing hash for row fingerprints (not cryptographic): xxh64-like avalanche, same value on every machine.
std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);
std::uint64_t mix64(std::uint64_t x);  // SplitMix64 finaliser

}  // namespace plimsoll
