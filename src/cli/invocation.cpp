// SPDX-License-Identifier: Apache-2.0
#include "cli/invocation.h"

#include "base/stop.h"
#include "cli/method_flags.h"

namespace plimsoll::cli {

Result<std::unique_ptr<Invocation>> Invocation::open(const Arguments& arguments) {
  std::unique_ptr<Invocation> invocation(new Invocation(arguments.on("json"), arguments.on("quiet")));
  WorkspaceOptions options;
  options.progress = &invocation->progress_;
  if (arguments.on("verbose")) options.log = &invocation->log_;
  if (arguments.has("seed")) {
    PLIMSOLL_TRY(const std::int64_t seed, parse_count("seed", arguments.one("seed"), 0));
    options.seed = static_cast<std::uint64_t>(seed);
  }
  if (arguments.has("threads")) {
    PLIMSOLL_TRY(const std::int64_t threads, parse_count("threads", arguments.one("threads"), 1));
    if (threads > 4096) return Error(ErrorCode::bad_parameter, "--threads cannot be " + std::to_string(threads), "Give at most 4096").in_parameter("threads");
    options.threads = static_cast<int>(threads);
  }
  if (arguments.has("memory")) {
    PLIMSOLL_TRY(options.budget.memory_bytes, parse_bytes(arguments.one("memory")));
  }
  options.allow_overlap = arguments.one("allow-overlap");
  if (arguments.has("allow-overlap") && options.allow_overlap.empty())
    return Error(ErrorCode::bad_parameter, "--allow-overlap needs a reason", "Write the reason in a few words: it stands on the certificate").in_parameter("allow-overlap");
  invocation->workspace_ = std::make_unique<Workspace>(options);
  stop_on_signals(invocation->context().stop);
  return invocation;
}

}  // namespace plimsoll::cli
