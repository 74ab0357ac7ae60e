// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which columns of a table play which role, from what a caller says and what a model remembers. The command line and the C
// interface bind alike.

#include <string>
#include <vector>

#include "engine/artifact.h"
#include "engine/schema.h"
#include "table/table.h"

namespace plimsoll {

// "p_*" and "x?" against the columns of a file, in the file's order. A name that stands in the file is taken as it is.
Result<std::vector<std::string>> expand_columns(const std::vector<std::string>& wanted, const std::vector<ColumnInfo>& columns,
                                                const std::string& role);

struct RoleRequest {
  const Roles& own;        // said of this port
  const Roles& general;    // said for every port that declares the role
  ArtifactPort model;      // whose roles are remembered; may be null
  bool several_ports = false;
};
Result<Roles> bind_roles(const RoleRequest& asked, const PortSchema& port, const std::vector<ColumnInfo>& columns);

// The port that takes the first word after the method: the first required table, else the first table, else the first port.
const PortSchema* first_port(const std::vector<PortSchema>& ports);

}  // namespace plimsoll
