// SPDX-License-Identifier: Apache-2.0
#pragma once

// A program in a jail of Linux's own parts: namespaces of its own for users, mounts, processes, network, names and messages (so no
// network but an empty loopback), a root of its own that holds the system's programs read-only and one folder to write, system
// calls filtered, limits of time, memory, files, processes and output, no environment, no rights. Where the kernel denies any of
// these the program does not run at all: `not_run` with the reason, never an open run.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/child_process.h"
#include "base/result.h"

namespace plimsoll::agent {

struct JailAsk {
  std::vector<std::string> command;
  std::filesystem::path folder;   // becomes /work, its working folder, the one place to write
  std::string input;
  double seconds = 5;
  std::uint64_t memory_bytes = std::uint64_t{512} << 20;
  std::uint64_t file_bytes = std::uint64_t{64} << 20;
  std::uint64_t most_output = std::uint64_t{1} << 16;
  StopToken stop;
};

struct JailReply {
  bool ran = false;
  std::string why;   // where it did not
  ChildReply child;
};

Result<JailReply> run_jailed(const JailAsk& ask);

}  // namespace plimsoll::agent
