// SPDX-License-Identifier: Apache-2.0
#pragma once

// Keys of the policy: kept by digest, compared in constant time, each with a rate and a budget.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "gateway/policy.h"

namespace plimsoll::serve {

class KeyGate {
 public:
  // 0, or the status that refuses the request: 401 without a known key, 429 above its rate or budget.
  unsigned refusal(const gateway::Policy& policy, std::string given, std::string& key, std::string& why);

 private:
  struct Bucket {
    double tokens = -1;
    std::chrono::steady_clock::time_point at;
    std::int64_t used = 0;
  };
  std::map<std::string, Bucket> buckets_;
};

}  // namespace plimsoll::serve
