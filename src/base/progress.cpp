// SPDX-License-Identifier: Apache-2.0
#include "base/progress.h"

namespace plimsoll {
namespace {

class SilentProgress final : public Progress {
 public:
  void begin(std::string_view, std::int64_t, std::string_view) override {}
  void advance(std::int64_t) override {}
  void end() override {}
};

}  // namespace

Progress& silent_progress() {
  static SilentProgress silent;  // no state: sharing it shares nothing
  return silent;
}

}  // namespace plimsoll
