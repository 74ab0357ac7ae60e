// SPDX-License-Identifier: Apache-2.0
#pragma once

// A program in a process group of its own: text in, text out, under limits of time, memory and output, with no environment but
// the one given, no open file but its own three, and nothing of ours outliving it.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/stop.h"

namespace plimsoll {

struct ChildAsk {
  std::vector<std::string> command;         // program (a path, or a name on PATH) and arguments
  std::vector<std::string> environment;     // NAME=value
  std::filesystem::path folder;             // where it starts; empty: ours
  std::string input;
  double seconds = 10;                      // of the clock
  std::uint64_t most_output = std::uint64_t{16} << 20;
  std::uint64_t memory_bytes = 0;           // of address space; 0: no limit
  std::uint64_t file_bytes = 0;             // of any file it writes; 0: no limit
  std::uint64_t processes = 0;              // of its user, and so with care; 0: no limit
  StopToken stop;
  // Called in the child before the program starts, where only calls safe after a fork may be made; a text is why it cannot.
  const char* (*before)(void*) = nullptr;
  void* before_with = nullptr;
  unsigned long clone_flags = 0;            // namespaces to start in (CLONE_NEW*)
};

enum class ChildEnd : std::uint8_t { exited, killed, timeout, too_large, not_started };

struct ChildReply {
  ChildEnd end = ChildEnd::exited;
  int status = 0;            // exit status, or the signal
  std::string output;
  std::string errors;        // at most 64 KiB of what it wrote beside
  std::string why;           // of not_started
  double seconds = 0;
};

// `cancelled` on a stop; `unavailable` where no process can be made.
Result<ChildReply> run_child(const ChildAsk& ask);

}  // namespace plimsoll
