// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/report.h"
#include "methods/risk/classifier/model.h"

namespace plimsoll::risk::classifier {

// The report of a model on the rows that `d` summarises.
Report draw(const Model& model, const Certificate& promise, const Diagnostics& d);

// The same on the rows that the fit held out, after what apply gave to rows whose outcomes are not known yet.
// `missing_column` when apply did not write the table.
Result<Report> draw_unlabelled(const Model& model, const Certificate& promise, const Table& scored);

}  // namespace plimsoll::risk::classifier
