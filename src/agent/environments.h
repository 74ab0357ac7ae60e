// SPDX-License-Identifier: Apache-2.0
#pragma once

// Environments from a described file. An episode is begin(seed), then step(action) until it is done; every episode starts anew.
//
//   provider = "sql"
//   setup = "CREATE TABLE loads(ship TEXT, tonnes REAL); INSERT INTO loads VALUES ('Ada', 12.5);"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "engine/document.h"
#include "engine/environment.h"

namespace plimsoll {
class Fields;
}

namespace plimsoll::agent {

enum class Provider : std::uint8_t { state, sql, process, browser, recorded };
std::span<const std::string_view> choices_of(Provider);

// One thing that a tool of a state does: at the JSON pointer `path`, put `value` (JSON; the text "$name" is that argument),
// append it to a list, or take the entry away. In a pointer, {name} is an argument.
enum class Deed : std::uint8_t { put, append, take };
std::span<const std::string_view> choices_of(Deed);
struct Effect {
  Deed deed = Deed::put;
  std::string path;
  std::string value = "null";
};
void describe(Fields& f, Effect& effect);

// {"tool": name, "args": {...}}: refused unless every need holds; then the effects, then what stands at `shows` is seen.
struct Need {
  std::string path;
  std::string equals = "null";   // JSON, or "$name"
};
void describe(Fields& f, Need& need);
struct Tool {
  std::string name;
  std::vector<std::string> arguments;
  std::vector<Need> needs;
  std::vector<Effect> effects;
  std::string shows;
  bool ends = false;             // the episode
};
void describe(Fields& f, Tool& tool);

struct EnvironmentSpec {
  Provider provider = Provider::state;
  std::int64_t most_steps = 100;
  double seconds = 5;                         // of one action
  std::int64_t most_output = 65536;           // bytes that an agent sees of one action
  std::string initial = "{}";                 // state: JSON
  std::vector<Tool> tools;                    // state
  std::string setup;                          // sql: statements before each episode
  std::int64_t most_rows = 1000;              // sql: that an agent sees, and that evidence of one table holds
  std::map<std::string, std::string> files;   // process: name and content, written before each episode; browser: path and page
  std::int64_t memory_bytes = 512 << 20;      // process
  std::string start = "/index.html";          // browser
  std::string program = "chromium";           // browser
  std::string transcript;                     // file to record into; of a recorded environment, the file to replay
};
void describe(Fields& f, EnvironmentSpec& spec);

Result<EnvironmentSpec> spec_of(const Document& document);
Result<EnvironmentPort> open_environment(const EnvironmentSpec& spec, const Context& context, const std::filesystem::path& folder = {});
Result<EnvironmentPort> open_environment_file(const std::filesystem::path& path, const Context& context);

// The providers, for open_environment() and tests.
using WorldPointer = std::shared_ptr<World>;
Result<WorldPointer> open_state(const EnvironmentSpec& spec);
Result<WorldPointer> open_sql(const EnvironmentSpec& spec, const Context& context);
Result<WorldPointer> open_process(const EnvironmentSpec& spec, const Context& context);
Result<WorldPointer> open_browser(const EnvironmentSpec& spec, const Context& context);
Result<WorldPointer> open_recorded(const std::filesystem::path& transcript);
Result<WorldPointer> with_transcript(WorldPointer inner, const std::filesystem::path& file);

}  // namespace plimsoll::agent
