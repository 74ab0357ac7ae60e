// SPDX-License-Identifier: Apache-2.0
#include "engine/workspace.h"

#include <cerrno>
#include <chrono>
#include <cstdlib>

#include "base/file.h"

namespace plimsoll {
namespace {
double monotonic_seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
}  // namespace

Workspace::Workspace(const WorkspaceOptions& options) : runtime_(make_runtime(options.backend, options.threads)), scratch_parent_(options.scratch_parent) {
  context_.reset(new Context{*runtime_, Stream(options.seed), options.progress ? *options.progress : silent_progress(), StopToken(),
                             options.log ? *options.log : null_log(), {}, options.budget, monotonic_seconds, {}, {}, options.allow_overlap});
  warnings_.listen(*context_);
}

Workspace::~Workspace() {
  std::error_code ignored;
  if (!scratch_.empty()) std::filesystem::remove_all(scratch_, ignored);
}

Result<std::filesystem::path> Workspace::scratch() {
  if (scratch_.empty()) {
    std::error_code failure;
    const auto parent = scratch_parent_.empty() ? std::filesystem::temp_directory_path(failure) : scratch_parent_;
    if (failure) return file_error(failure.value(), "TMPDIR", "finding the folder for temporary files");
    std::string pattern = (parent / "plimsoll-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) return file_error(errno, pattern, "making a scratch folder");
    scratch_ = pattern;
    context_->scratch = scratch_;
  }
  return scratch_;
}

}  // namespace plimsoll
