// SPDX-License-Identifier: Apache-2.0
#include "engine/warnings.h"

#include <algorithm>

namespace plimsoll {

void Warnings::listen(Context& context) {
  context.warn = [this](std::string words) { add(std::move(words)); };
  context.tally = [this](std::string pattern, std::int64_t count) { tally(std::move(pattern), count); };
}

void Warnings::add(std::string words) {
  const std::lock_guard guard(lock_);
  if (std::find(words_.begin(), words_.end(), words) == words_.end()) words_.push_back(std::move(words));
}

void Warnings::tally(std::string pattern, std::int64_t count) {
  const std::lock_guard guard(lock_);
  if (count > 0) counts_[std::move(pattern)] += count;
}

std::vector<std::string> Warnings::list() const {
  const std::lock_guard guard(lock_);
  std::vector<std::string> all = words_;
  for (const auto& [pattern, count] : counts_) {
    std::string words = pattern;
    if (const auto at = words.find("{}"); at != std::string::npos) words.replace(at, 2, std::to_string(count));
    all.push_back(std::move(words));
  }
  return all;
}

std::vector<std::string> Warnings::words() const {
  const std::lock_guard guard(lock_);
  return words_;
}

std::map<std::string, std::int64_t> Warnings::counts() const {
  const std::lock_guard guard(lock_);
  return counts_;
}

void Warnings::sort() {
  const std::lock_guard guard(lock_);
  std::sort(words_.begin(), words_.end());
}

}  // namespace plimsoll
