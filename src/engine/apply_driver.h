// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/bind.h"

namespace plimsoll {

// Runs apply over bound inputs into reply.outputs or call.sinks. Independent rows go batch by batch, in parallel, written in
// order; other row shapes are handed over whole.
Result<void> run_apply(Context& context, const Method& method, const void* model, BoundInputs bound, const Box& options, const Call& call, Reply& reply);

}  // namespace plimsoll
