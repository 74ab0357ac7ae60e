// SPDX-License-Identifier: Apache-2.0
#include "serve/key_gate.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "base/hash.h"

namespace plimsoll::serve {
namespace {

bool same_secret(const std::string& a, const std::string& b) { return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

}  // namespace

unsigned KeyGate::refusal(const gateway::Policy& policy, std::string given, std::string& key, std::string& why) {
  if (policy.keys.empty()) return 0;
  if (given.starts_with("Bearer ")) given.erase(0, 7);
  const std::string digest = sha256_hex(given);
  const gateway::KeySpec* found = nullptr;
  for (const gateway::KeySpec& each : policy.keys)
    if (same_secret(each.sha256, digest)) found = &each;
  if (!found || given.empty()) {
    why = "no known key in Authorization";
    return 401;
  }
  key = found->name;
  Bucket& bucket = buckets_[key];
  const auto now = std::chrono::steady_clock::now();
  const double rate = static_cast<double>(found->requests_per_minute) / 60;
  const double most = static_cast<double>(found->burst > 0 ? found->burst : found->requests_per_minute);
  bucket.tokens = bucket.tokens < 0 ? most : std::min(most, bucket.tokens + rate * std::chrono::duration<double>(now - bucket.at).count());
  bucket.at = now;
  if ((found->requests_per_minute > 0 && bucket.tokens < 1) || (found->requests > 0 && bucket.used >= found->requests)) {
    why = "the key's rate or budget is used up";
    return 429;
  }
  if (found->requests_per_minute > 0) bucket.tokens -= 1;
  ++bucket.used;
  return 0;
}

}  // namespace plimsoll::serve
