// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/flags.h"
#include "cli/terminal.h"
#include "engine/workspace.h"

namespace plimsoll::cli {

// One run of the program: how it speaks, its workspace, its signals.
class Invocation {
 public:
  // Reads --json, --quiet, --verbose, --seed, --threads, --memory, --allow-overlap.
  static Result<std::unique_ptr<Invocation>> open(const Arguments& arguments);

  Workspace& workspace() { return *workspace_; }
  Context& context() { return workspace_->context(); }
  bool json() const { return json_; }
  bool quiet() const { return quiet_; }
  void warn(const std::vector<std::string>& warnings) const { report_warnings(warnings, quiet_ || json_); }

 private:
  Invocation(bool json, bool quiet) : json_(json), quiet_(quiet), progress_(!quiet && !json) {}

  bool json_;
  bool quiet_;
  TerminalProgress progress_;
  TerminalLog log_;
  std::unique_ptr<Workspace> workspace_;
};

// The arguments after the verb; the exit status.
using Command = Result<int> (*)(const std::vector<std::string>& args);

}  // namespace plimsoll::cli
