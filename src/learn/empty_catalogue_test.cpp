// SPDX-License-Identifier: Apache-2.0
// The tests of this room stand below the methods: artifacts find a catalogue without lines.
#include "engine/catalogue.h"

namespace plimsoll {

std::span<const CatalogueLine> catalogue_lines() { return {}; }

}  // namespace plimsoll
