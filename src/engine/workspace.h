// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/context.h"
#include "engine/warnings.h"

namespace plimsoll {

struct WorkspaceOptions {
  Backend backend = Backend::tbb;
  int threads = 0;  // 0: as many as the process may use
  std::uint64_t seed = 0;
  std::filesystem::path scratch_parent = {};  // empty: the system's folder for temporary files
  Budget budget = {};
  Progress* progress = nullptr;  // null: silent
  LogSink* log = nullptr;        // null: none
  std::string allow_overlap = {};
};

// Owns what a Context points to: one for a program run, a test or a Python call. The scratch folder is made on first use of
// scratch() and removed at the end; no thread exists before the first verb.
class Workspace {
 public:
  explicit Workspace(const WorkspaceOptions& options = {});
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  Context& context() { return *context_; }
  std::vector<std::string> warnings() const { return warnings_.list(); }
  Result<std::filesystem::path> scratch();

 private:
  std::unique_ptr<Runtime> runtime_;
  Warnings warnings_;
  std::filesystem::path scratch_parent_;
  std::filesystem::path scratch_;
  std::unique_ptr<Context> context_;
};

}  // namespace plimsoll
