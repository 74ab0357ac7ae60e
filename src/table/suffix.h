// SPDX-License-Identifier: Apache-2.0
#pragma once

// Private to the table room: the format that a file's suffix names.

#include <filesystem>
#include <optional>

#include "table/file_format.h"

namespace plimsoll {

std::optional<FileFormat> format_of_suffix(const std::filesystem::path& path);

}  // namespace plimsoll
