// SPDX-License-Identifier: Apache-2.0
#include "base/stop.h"

#include <gtest/gtest.h>

#include <unistd.h>
#include <csignal>

#include "base/log.h"
#include "base/progress.h"

namespace plimsoll {
namespace {

TEST(Stop, CopiesShareOneFlag) {
  const StopToken a;
  const StopToken b = a;
  EXPECT_TRUE(a.check().ok());
  b.request();
  ASSERT_FALSE(a.check().ok());
  EXPECT_EQ(a.check().error().code, ErrorCode::cancelled);
  EXPECT_FALSE(StopToken().requested());
}

TEST(StopDeathTest, FirstSignalAsksAndSecondEnds) {
  EXPECT_EXIT(
      {
        const StopToken stop;
        stop_on_signals(stop);
        std::raise(SIGINT);
        if (!stop.requested()) _exit(3);
        std::raise(SIGTERM);
        _exit(4);
      },
      testing::ExitedWithCode(130), "");
}

TEST(Silence, TakesEverything) {
  silent_progress().begin("work", -1, "rows");
  silent_progress().advance(3);
  silent_progress().end();
  null_log().write({Severity::error, "gone", {{"a", "b"}}});
}

}  // namespace
}  // namespace plimsoll
