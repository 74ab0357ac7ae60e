// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "table/table.h"

struct ArrowArrayStream;

namespace plimsoll {

// Takes over the Arrow C stream (releases it when done). Zero copy. `wrong_type` names the column of an unsupported type.
Result<std::unique_ptr<TableStream>> import_stream(ArrowArrayStream* stream);
// Fills `out`; the memory lives until its release is called.
Result<void> export_stream(std::unique_ptr<TableStream> stream, ArrowArrayStream* out);

// One table as Arrow stream bytes, and back (`corrupt_file`). Roles do not travel.
Result<std::string> table_to_bytes(const Table& table);
Result<Table> table_from_bytes(std::string_view bytes);

}  // namespace plimsoll
