// SPDX-License-Identifier: Apache-2.0
// Programs in the jail of sandbox.h; the folder /work lives for one episode. Evidence: which files each action made, changed, took.
#include <fstream>

#include "agent/environments.h"
#include "agent/sandbox.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"

namespace plimsoll::agent {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t most_files = 1000;
constexpr std::uint64_t most_hashed = std::uint64_t{64} << 20;

std::string utf8_of(const std::string& bytes) {
  const Json text = bytes;
  const Json back = Json::parse(text.dump(-1, ' ', false, Json::error_handler_t::replace), nullptr, false);
  return back.get<std::string>();
}

class ProcessWorld final : public World {
 public:
  ProcessWorld(EnvironmentSpec spec, fs::path scratch, StopToken stop) : spec_(std::move(spec)), scratch_(std::move(scratch)), stop_(std::move(stop)) {}
  ~ProcessWorld() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  std::string description() const override { return "process in namespaces, seccomp"; }

  Result<Observation> begin(std::uint64_t) override {
    steps_ = 0;
    std::error_code error;
    if (!folder_.empty()) fs::remove_all(folder_, error);
    std::string pattern = (scratch_ / "work-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) return file_error(errno, pattern, "making");
    folder_ = pattern;
    for (const auto& [name, content] : spec_.files) {
      const fs::path relative(name);
      if (relative.is_absolute() || name.find("..") != std::string::npos || name.empty()) {
        return Error(ErrorCode::bad_parameter, "'" + name + "' is no file inside the folder", "Name files inside it").in_parameter("files");
      }
      fs::create_directories((folder_ / relative).parent_path(), error);
      PLIMSOLL_CHECK(write_file(folder_ / relative, content));
    }
    // Whether this machine can jail at all is known before the first action.
    PLIMSOLL_TRY(const JailReply probe, run_jailed(jail({"/bin/true"}, "")));
    if (!probe.ran) return Observation{"not_run", probe.why, {}, true};
    if (probe.child.end != ChildEnd::exited || probe.child.status != 0) return Observation{"not_run", "the jail's probe does not end well", {}, true};
    return Observation{"ok", "{\"command\": [program, argument, ...], \"input\": text}", {}, false};
  }

  Result<Observation> step(const std::string& action) override {
    if (folder_.empty()) return Error(ErrorCode::bad_parameter, "no episode has begun", "Reset first");
    const bool last = ++steps_ >= spec_.most_steps;
    std::vector<std::string> command;
    std::string input;
    if (!read(action, command, input)) return Observation{"refused", "an action is {\"command\": [program, argument, ...], \"input\": text}", {}, last};
    const auto before = files();
    PLIMSOLL_TRY(const JailReply reply, run_jailed(jail(std::move(command), std::move(input))));
    Observation seen;
    seen.done = last;
    if (!reply.ran) return Observation{"not_run", reply.why, {}, true};
    switch (reply.child.end) {
      case ChildEnd::not_started: return Observation{"refused", "there is no such program", {}, last};
      case ChildEnd::timeout:
      case ChildEnd::too_large: seen.status = "timeout"; break;
      case ChildEnd::exited:
      case ChildEnd::killed: break;
    }
    seen.text = canonical_json({{"errors", utf8_of(reply.child.errors.substr(0, static_cast<std::size_t>(spec_.most_output)))},
                                {"exit", seen.status == "ok" ? Json(reply.child.status) : Json()}, {"output", utf8_of(reply.child.output)}});
    report(before, files(), seen);
    return seen;
  }

 private:
  static bool read(const std::string& action, std::vector<std::string>& command, std::string& input) {
    const auto json = parse_json(action, "action");
    if (!json || !json->is_object() || !json->contains("command") || !(*json)["command"].is_array() || (*json)["command"].empty()) return false;
    for (const Json& word : (*json)["command"]) {
      if (!word.is_string() || word.get_ref<const std::string&>().find('\0') != std::string::npos) return false;
      command.push_back(word.get<std::string>());
    }
    if (!json->contains("input")) return true;
    if (!(*json)["input"].is_string()) return false;
    input = (*json)["input"].get<std::string>();
    return true;
  }

  JailAsk jail(std::vector<std::string> command, std::string input) const {
    JailAsk ask;
    ask.command = std::move(command);
    ask.folder = folder_;
    ask.input = std::move(input);
    ask.seconds = spec_.seconds;
    ask.memory_bytes = static_cast<std::uint64_t>(spec_.memory_bytes);
    ask.most_output = static_cast<std::uint64_t>(spec_.most_output);
    ask.stop = stop_;
    return ask;
  }

  // Names with hashes; links are named, never followed.
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> out;
    std::error_code error;
    for (auto at = fs::recursive_directory_iterator(folder_, fs::directory_options::skip_permission_denied, error); !error && at != fs::end(at) && out.size() < most_files; at.increment(error)) {
      std::error_code gone;
      const std::string name = utf8_of(at->path().lexically_relative(folder_).string());
      if (at->is_symlink(gone)) out[name] = "link";
      else if (at->is_regular_file(gone)) {
        const auto bytes = at->file_size(gone) <= most_hashed ? read_file(at->path(), most_hashed) : Result<std::string>(std::string());
        out[name] = bytes ? sha256_hex(*bytes) : std::string("closed");
      }
    }
    return out;
  }

  static void report(const std::map<std::string, std::string>& before, const std::map<std::string, std::string>& after, Observation& seen) {
    for (const auto& [name, hash] : after) {
      const auto old = before.find(name);
      if (old == before.end() || old->second != hash) seen.events.push_back(canonical_json({{"file", name}, {"sha256", hash}, {"was", old != before.end()}}));
    }
    for (const auto& [name, hash] : before) {
      if (!after.contains(name)) seen.events.push_back(canonical_json({{"file", name}, {"taken", true}}));
    }
  }

  EnvironmentSpec spec_;
  fs::path scratch_;
  fs::path folder_;
  StopToken stop_;
  std::int64_t steps_ = 0;
};

}  // namespace

Result<WorldPointer> open_process(const EnvironmentSpec& spec, const Context& context) {
  std::error_code error;
  const fs::path scratch = fs::is_directory(context.scratch, error) ? context.scratch : fs::temp_directory_path(error);
  return WorldPointer(std::make_shared<ProcessWorld>(spec, fs::canonical(scratch, error), context.stop));
}

}  // namespace plimsoll::agent
