// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/request.h"

namespace plimsoll::cli {

// Opens each named port by its kind. Tables come as streams with their roles bound: the door reads whole what it must.
// The reader keeps to the context's threads and memory.
Result<std::map<std::string, PortValue>> open_ports(const Context& context, const Request& request, const std::vector<PortSchema>& ports);

}  // namespace plimsoll::cli
