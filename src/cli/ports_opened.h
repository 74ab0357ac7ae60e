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

// "p_*" and "x?" against the columns of a file, in the file's order. A name that stands in the file is taken as it is.
Result<std::vector<std::string>> expand_columns(const std::vector<std::string>& wanted, const std::vector<ColumnInfo>& columns,
                                                const std::string& role);

}  // namespace plimsoll::cli
