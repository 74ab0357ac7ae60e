// SPDX-License-Identifier: Apache-2.0
// hash64 is XXH64 (Yann Collet, xxHash specification 0.1.1), read byte by byte as little endian on every machine.
// mix64 is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
#include "base/hash.h"

#include <openssl/evp.h>

#include <bit>
#include <cstring>
#include <new>

namespace plimsoll {
namespace {

constexpr std::uint64_t prime_1 = 0x9E3779B185EBCA87u;
constexpr std::uint64_t prime_2 = 0xC2B2AE3D27D4EB4Fu;
constexpr std::uint64_t prime_3 = 0x165667B19E3779F9u;
constexpr std::uint64_t prime_4 = 0x85EBCA77C2B2AE63u;
constexpr std::uint64_t prime_5 = 0x27D4EB2F165667C5u;

template <class Word>
std::uint64_t little(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  if constexpr (std::endian::native == std::endian::big) {
    Word turned = 0;
    for (std::size_t i = 0; i < sizeof word; ++i) turned = static_cast<Word>((turned << 8) | ((word >> (8 * i)) & 0xFFu));
    word = turned;
  }
  return word;
}

std::uint64_t round_of(std::uint64_t lane, std::uint64_t input) { return std::rotl(lane + input * prime_2, 31) * prime_1; }

std::uint64_t join(std::uint64_t hash, std::uint64_t lane) { return (hash ^ round_of(0, lane)) * prime_1 + prime_4; }

}  // namespace

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed) {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t hash = seed + prime_5;
  if (left >= 32) {
    std::array<std::uint64_t, 4> lane{seed + prime_1 + prime_2, seed + prime_2, seed, seed - prime_1};
    for (; left >= 32; left -= 32, at += 32)
      for (std::size_t i = 0; i < 4; ++i) lane[i] = round_of(lane[i], little<std::uint64_t>(at + 8 * i));
    hash = std::rotl(lane[0], 1) + std::rotl(lane[1], 7) + std::rotl(lane[2], 12) + std::rotl(lane[3], 18);
    for (const std::uint64_t part : lane) hash = join(hash, part);
  }
  hash += bytes.size();
  for (; left >= 8; left -= 8, at += 8) hash = std::rotl(hash ^ round_of(0, little<std::uint64_t>(at)), 27) * prime_1 + prime_4;
  if (left >= 4) {
    hash = std::rotl(hash ^ (little<std::uint32_t>(at) * prime_1), 23) * prime_2 + prime_3;
    left -= 4;
    at += 4;
  }
  for (; left > 0; --left, ++at) hash = std::rotl(hash ^ (static_cast<unsigned char>(*at) * prime_5), 11) * prime_1;
  hash = (hash ^ (hash >> 33)) * prime_2;
  hash = (hash ^ (hash >> 29)) * prime_3;
  return hash ^ (hash >> 32);
}

std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() {
    // Only exhausted memory makes these fail; the door turns bad_alloc into no_memory.
    if (context == nullptr || EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1) {
      EVP_MD_CTX_free(context);
      throw std::bad_alloc();
    }
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view bytes) { EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()); }

std::array<std::uint8_t, 32> Sha256::finish() {
  std::array<std::uint8_t, 32> digest{};
  EVP_DigestFinal_ex(state_->context, digest.data(), nullptr);
  EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr);
  return digest;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  std::string text;
  text.reserve(64);
  for (const std::uint8_t byte : hash.finish()) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += digits[byte >> 4];
    text += digits[byte & 15u];
  }
  return text;
}

}  // namespace plimsoll
