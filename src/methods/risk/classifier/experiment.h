// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/context.h"
#include "engine/evidence.h"
#include "engine/subject.h"

namespace plimsoll::risk::classifier {

// Redraws the whole: past cases, fit, sets for new cases; counts the covered ones against the BetaBinomial law.
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);

}  // namespace plimsoll::risk::classifier
