// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <thread>

#include "base/json.h"
#include "cli/flags.h"
#include "cli/help.h"
#include "cli/invocation.h"
#include "cli/method_flags.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "engine/ledger.h"
#include "serve/server.h"

namespace plimsoll::cli {

Result<int> run_serve(const Words& args) {
  std::vector<Flag> flags = {{"upstream", "URL", "where requests go, such as http://127.0.0.1:9000/v1", 0, false, {}, "Serving"},
                             {"listen", "HOST:PORT", "where requests come in; port 0 takes a free one", 0, false, {}, "Serving"},
                             {"drain_seconds", "N", "how long open requests may go on after a stop; 10 if not given", 0, false, {}, "Serving"}};
  for (Flag& flag : speaking_flags()) flags.push_back(std::move(flag));
  PLIMSOLL_TRY(const Arguments arguments, parse_flags(flags, args));
  if (arguments.on("help")) {
    print(help_of_verb("serve", flags));
    return 0;
  }
  if (arguments.words.size() != 1) return Error(ErrorCode::missing_input, "serve takes one policy file", "Write plimsoll serve policy.toml --upstream URL --listen HOST:PORT");
  if (!arguments.has("upstream")) return Error(ErrorCode::missing_input, "the gateway needs somewhere to send requests", "Give --upstream http://HOST:PORT/v1").in_parameter("upstream");
  serve::ServerOptions options;
  options.policy = arguments.words.front();
  PLIMSOLL_TRY(options.upstream, serve::parse_upstream(arguments.one("upstream")));
  PLIMSOLL_TRY(options.listen, serve::parse_address(arguments.one("listen", "127.0.0.1:8080")));
  const std::string drain = arguments.one("drain_seconds", "10");
  if (drain.empty() || drain.size() > 6 || drain.find_first_not_of("0123456789") != std::string::npos) return Error(ErrorCode::bad_parameter, "'" + drain + "' is no number of seconds", "Give a whole number.").in_parameter("drain_seconds");
  options.drain_ms = std::stoll(drain) * 1000;
  const bool quiet = arguments.on("quiet");
  options.say = [quiet](const std::string& words) {
    if (!quiet) print_error_stream("plimsoll: " + words + "\n");
  };
  const std::string host = options.listen.host;
  PLIMSOLL_TRY(const auto server, serve::Server::open(std::move(options)));
  print("listening on http://" + host + ":" + std::to_string(server->port()) + "\n");
  const StopToken stop;
  stop_on_signals(stop);
  std::atomic<bool> over = false;
  std::thread watch([&] {
    while (!over && !stop.requested()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    server->drain();
  });
  server->run();
  over = true;
  watch.join();
  return 0;
}

Result<int> verify_ledger(const std::string& path, const Words& args) {
  std::vector<Flag> flags = {{"head", "HASH", "the end of the chain as it was kept elsewhere", 0, false, {}, "Inputs"}};
  for (Flag& flag : speaking_flags()) flags.push_back(std::move(flag));
  PLIMSOLL_TRY(const Arguments arguments, parse_flags(flags, args));
  PLIMSOLL_TRY(const LedgerCheck check, check_ledger(path, arguments.one("head")));
  if (arguments.on("json")) {
    print(canonical_json({{"verb", "verify"}, {"file", path}, {"passed", check.bad == 0}, {"records", check.records}, {"head", check.head}, {"bad", check.bad}, {"fault", check.fault}}) + "\n");
  } else if (check.bad != 0) {
    print("FAILED  " + path + ": record " + std::to_string(check.bad) + " " + check.fault + "\nNOT verified\n");
  } else if (!arguments.on("quiet")) {
    print("ok  " + path + ": " + grouped(check.records) + " records, one chain; its end is " + check.head + "\nverified\n");
  }
  return check.bad == 0 ? 0 : 1;
}

}  // namespace plimsoll::cli
