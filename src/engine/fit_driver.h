// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "engine/method.h"

namespace plimsoll {

// Drives a mergeable fit over a stream that can be read again. `inputs` holds the other ports; its primary table is replaced
// by each batch. Side ports stand only in the first batch of each pass.
Result<Box> fit_stream(Context& context, const Method& method, Box inputs, const std::shared_ptr<TableStream>& given, const void* params);

}  // namespace plimsoll
