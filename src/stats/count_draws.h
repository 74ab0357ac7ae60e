// SPDX-License-Identifier: Apache-2.0
#pragma once

// Exact draws of counts without replacement: what permuting labels over bins comes to, without permuting.

#include <cstdint>
#include <span>

#include "base/philox.h"

namespace plimsoll::stats {

// How many of `draws` balls are among the `marked` of `total`; 0 <= marked, draws <= total. One uniform a draw.
std::int64_t hypergeometric_draw(Stream& stream, std::int64_t marked, std::int64_t draws, std::int64_t total);

// `draws` balls from an urn with counts[j] of colour j: taken[j] of each. The spans have one length; draws <= sum of counts.
void deal_counts(Stream& stream, std::span<const std::int64_t> counts, std::int64_t draws, std::span<std::int64_t> taken);

}  // namespace plimsoll::stats
