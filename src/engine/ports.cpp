// SPDX-License-Identifier: Apache-2.0
#include "engine/ports.h"

#include <algorithm>
#include <array>

#include "base/file.h"
#include "base/hash.h"

namespace plimsoll {
namespace {
constexpr std::array<std::string_view, 9> port_names = {"table",    "document", "files",       "raster", "network",
                                                        "artifact", "endpoint", "environment", "report"};
constexpr std::size_t most_files = 100'000;

Result<Files::Entry> entry_of(const std::filesystem::path& root, const std::filesystem::path& path) {
  PLIMSOLL_TRY(std::string bytes, read_file(path));
  return Files::Entry{std::filesystem::relative(path, root), static_cast<std::int64_t>(bytes.size()), sha256_hex(bytes)};
}
}  // namespace

std::string_view name_of(PortKind kind) { return port_names[static_cast<std::size_t>(kind)]; }

PortKind kind_of(const PortValue& value) {
  // The variant lists a stream beside the table; both are tables to a method.
  static constexpr std::array<PortKind, 10> kinds = {PortKind::table,   PortKind::table,    PortKind::document, PortKind::files,       PortKind::raster,
                                                     PortKind::network, PortKind::artifact, PortKind::endpoint, PortKind::environment, PortKind::report};
  return kinds[value.index()];
}

Result<Files> open_files(const std::filesystem::path& folder) {
  std::error_code failure;
  if (!std::filesystem::is_directory(folder, failure))
    return Error(ErrorCode::not_found, "'" + folder.string() + "' is not a folder", "Give the path of a folder that exists.").in_file(folder.string());
  std::vector<std::filesystem::path> paths;
  for (std::filesystem::recursive_directory_iterator walk(folder, failure), end; !failure && walk != end; walk.increment(failure)) {
    if (!walk->is_regular_file(failure)) continue;
    paths.push_back(walk->path());
    if (paths.size() > most_files)
      return Error(ErrorCode::too_large, "the folder holds more than 100,000 files", "Point to the subfolder that is needed.").in_file(folder.string());
  }
  if (failure) return file_error(failure.value(), folder, "listing");
  std::sort(paths.begin(), paths.end());
  Files files;
  files.root = folder;
  for (const auto& path : paths) {
    PLIMSOLL_TRY(Files::Entry entry, entry_of(folder, path));
    files.entries.push_back(std::move(entry));
  }
  return files;
}

}  // namespace plimsoll
