// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace plimsoll {

// Writes to a temporary file beside `path`, then fsync, rename, fsync of the folder: a reader sees the old file or the new
// one, never a torn one. Without commit() the temporary file is removed.
class AtomicFile {
 public:
  static Result<AtomicFile> create(const std::filesystem::path& path);
  AtomicFile(AtomicFile&&) noexcept;
  AtomicFile& operator=(AtomicFile&&) noexcept;
  ~AtomicFile();
  Result<void> write(std::string_view bytes);  // no_disk when the disk is full
  Result<void> commit();
  const std::filesystem::path& temporary() const;  // for libraries that open a path themselves
                                                   // themselves; commit() syncs and renames what they wrote.

 private:
  AtomicFile();
  struct State;
  std::unique_ptr<State> state_;
};

Result<void> write_file(const std::filesystem::path& path, std::string_view bytes);  // through AtomicFile
// too_large when the file is longer than `most` bytes; not_found when it is not there.
Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t most = std::uint64_t{1} << 32);

// The error that an errno of a file operation means: not_found, denied, no_disk, ...
Error file_error(int errno_value, const std::filesystem::path& path, std::string_view doing);

}  // namespace plimsoll
