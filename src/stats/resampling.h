// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/philox.h"
#include "base/runtime.h"
#include "base/stop.h"

namespace plimsoll::stats {

// How replicates are drawn: replicate r uses rng.child(r), so results do not depend on threads.
struct Resampling {
  Runtime& runtime;
  StopToken stop;
  Stream rng;
  int replicates = 1000;
};

}  // namespace plimsoll::stats
