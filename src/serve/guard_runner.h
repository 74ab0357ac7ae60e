// SPDX-License-Identifier: Apache-2.0
#pragma once

// Detectors that are methods of the catalogue: any with a `step` from gateway::Event to gateway::Findings.

#include "gateway/exchange.h"

namespace plimsoll::serve {

// Runs the step; whatever goes wrong is a status.
gateway::Findings look_by_method(const gateway::GuardSpec& guard, const gateway::Event& event);

// The same look under the guard's deadline: a late answer is `timeout`, an exception `error`. Late work ends in its own thread.
gateway::Look bounded(gateway::Look look);

}  // namespace plimsoll::serve
