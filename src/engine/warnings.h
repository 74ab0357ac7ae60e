// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/context.h"

namespace plimsoll {

// Gathers what verbs warn of, from any thread, each sentence once; counted warnings are summed and come last, by pattern.
class Warnings {
 public:
  // Sets context.warn and context.tally to this object, which must outlive them.
  void listen(Context& context);
  void add(std::string words);
  void tally(std::string pattern, std::int64_t count);
  std::vector<std::string> list() const;
  std::vector<std::string> words() const;                // the sentences without counts
  std::map<std::string, std::int64_t> counts() const;    // the counted ones, by pattern
  void sort();  // after parallel work, whose order of warning is chance

 private:
  mutable std::mutex lock_;
  std::vector<std::string> words_;
  std::map<std::string, std::int64_t> counts_;
};

}  // namespace plimsoll
