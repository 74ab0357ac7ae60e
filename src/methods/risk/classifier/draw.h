// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/report.h"
#include "methods/risk/classifier/model.h"

namespace plimsoll::risk::classifier {

// The report of a model on the rows that `d` summarises.
Report draw(const Model& model, const Certificate& promise, const Diagnostics& d);

}  // namespace plimsoll::risk::classifier
