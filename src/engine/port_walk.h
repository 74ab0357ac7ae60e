// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/box.h"
#include "engine/fields.h"

namespace plimsoll {

// A port of a live struct: where it is and what is said of it.
struct BoundPort {
  std::string name;
  PortSlot slot;
  std::vector<RoleInfo> roles;
  std::string method;
};

std::vector<BoundPort> ports_of(Box& box);

// The table that row shape and batches speak of: the first required table port; null if there is none.
const BoundPort* primary_table(const std::vector<BoundPort>& ports);

Table& table_at(const PortSlot& slot);  // of a required table port
// Puts `value` in place; the kinds must agree.
void set_port(const PortSlot& slot, PortValue value);
// The port's value, or null where an optional port is empty.
std::optional<PortValue> get_port(const PortSlot& slot);

}  // namespace plimsoll
