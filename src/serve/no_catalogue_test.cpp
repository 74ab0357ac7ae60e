// SPDX-License-Identifier: Apache-2.0
// The server's own tests need no method: an empty catalogue spares them the link with all.
#include "engine/catalogue.h"

namespace plimsoll {
std::span<const CatalogueLine> catalogue_lines() { return {}; }
}  // namespace plimsoll
