// SPDX-License-Identifier: Apache-2.0
#include "base/shared_library.h"

#include <gtest/gtest.h>

#include <array>

namespace plimsoll {
namespace {

struct Absolute {
  double (*fabs)(double) = nullptr;
};
bool find_absolute(void* handle, Absolute& f) { return find_function(handle, "fabs", f.fabs); }
bool find_nothing(void* handle, Absolute& f) { return find_function(handle, "no_such_function", f.fabs); }

TEST(SharedLibrary, TakesTheFirstThatServes) {
  constexpr std::array<const char*, 3> names = {"libplimsoll-none.so", "libnone.so", "libm.so.6"};
  const auto opened = open_library(names, &find_absolute, "libm 2");
  ASSERT_TRUE(opened.ok()) << opened.why;
  EXPECT_EQ(opened.functions.fabs(-2.5), 2.5);
}

TEST(SharedLibrary, SaysWhichNameWasWrongAndHow) {
  constexpr std::array<const char*, 1> present = {"libm.so.6"};
  EXPECT_EQ(open_library(present, &find_nothing, "libm 99").why, "libm.so.6: it lacks functions of libm 99");
  constexpr std::array<const char*, 2> absent = {"libplimsoll-none.so", "libnone.so"};
  const auto opened = open_library(absent, &find_absolute, "none 1");
  EXPECT_FALSE(opened.ok());
  EXPECT_NE(opened.why.find("libnone.so"), std::string::npos) << opened.why;
  EXPECT_EQ(opened.why.find("libplimsoll-none"), std::string::npos) << opened.why;
}

}  // namespace
}  // namespace plimsoll
