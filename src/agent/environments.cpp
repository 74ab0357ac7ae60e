// SPDX-License-Identifier: Apache-2.0
#include "agent/environments.h"

#include <array>

#include "base/json.h"
#include "engine/box.h"
#include "engine/fields.h"
#include "engine/schema.h"

namespace plimsoll::agent {

std::span<const std::string_view> choices_of(Provider) {
  static constexpr std::array<std::string_view, 5> names = {"state", "sql", "process", "browser", "recorded"};
  return names;
}
std::span<const std::string_view> choices_of(Deed) {
  static constexpr std::array<std::string_view, 3> names = {"put", "append", "take"};
  return names;
}

void describe(Fields& f, Effect& effect) {
  f({"deed", "put a value, append it to a list, or take an entry away"}, effect.deed);
  f({"path", "JSON pointer; {name} is an argument"}, effect.path);
  f({"value", "JSON, or $name for an argument"}, effect.value);
}
void describe(Fields& f, Need& need) {
  f({"path", "JSON pointer; {name} is an argument"}, need.path);
  f({"equals", "JSON, or $name for an argument"}, need.equals);
}
void describe(Fields& f, Tool& tool) {
  f({"name", "of the tool"}, tool.name);
  f({"arguments", "names of its arguments"}, tool.arguments);
  f({"needs", "what must hold"}, tool.needs);
  f({"effects", "what it does"}, tool.effects);
  f({"shows", "JSON pointer of what is seen afterwards"}, tool.shows);
  f({"ends", "the episode"}, tool.ends);
}
void describe(Fields& f, EnvironmentSpec& spec) {
  f({"provider", "of the environment"}, spec.provider);
  f({"most_steps", "of one episode", within(1, 1000000)}, spec.most_steps);
  f({"seconds", "of one action", within(0.01, 3600)}, spec.seconds);
  f({"most_output", "bytes seen of one action", within(1, 1 << 26)}, spec.most_output);
  f({"initial", "state: JSON object"}, spec.initial);
  f({"tools", "state: what an agent can do"}, spec.tools);
  f({"setup", "sql: statements before each episode"}, spec.setup);
  f({"most_rows", "sql: rows seen of one action, and of a table's evidence", within(1, 1000000)}, spec.most_rows);
  f({"files", "process: files by name; browser: pages by path"}, spec.files);
  f({"memory_bytes", "process: of address space", within(1 << 20, 1e12)}, spec.memory_bytes);
  f({"start", "browser: path of the first page"}, spec.start);
  f({"program", "browser: Chromium's program"}, spec.program);
  f({"transcript", "file to record into, or to replay"}, spec.transcript);
}

Result<EnvironmentSpec> spec_of(const Document& document) {
  Box box = Box::of(EnvironmentSpec{});
  std::vector<std::string> warnings;
  if (auto read = read_fields(document.root(), box, warnings); !read) {
    Error error = std::move(read).error();
    error.code = ErrorCode::bad_document;
    if (const auto line = document.line_of("/" + error.parameter.substr(0, error.parameter.find('.'))); line > 0) error.line = line;
    error.file = document.file();
    return error;
  }
  return box.as<EnvironmentSpec>();
}

Result<EnvironmentPort> open_environment(const EnvironmentSpec& spec, const Context& context, const std::filesystem::path& folder) {
  const std::filesystem::path transcript = std::filesystem::path(spec.transcript).is_absolute() ? std::filesystem::path(spec.transcript) : folder / spec.transcript;
  auto made = [&]() -> Result<WorldPointer> {
    switch (spec.provider) {
      case Provider::state: return open_state(spec);
      case Provider::sql: return open_sql(spec, context);
      case Provider::process: return open_process(spec, context);
      case Provider::browser: return open_browser(spec, context);
      case Provider::recorded: break;
    }
    return open_recorded(transcript);
  }();
  if (!made) return std::move(made).error();
  WorldPointer inner = std::move(made).value();
  if (spec.provider != Provider::recorded && !spec.transcript.empty()) {
    PLIMSOLL_TRY(inner, with_transcript(std::move(inner), transcript));
  }
  return EnvironmentPort(std::move(inner));
}

Result<EnvironmentPort> open_environment_file(const std::filesystem::path& path, const Context& context) {
  PLIMSOLL_TRY(const Document document, read_document(path));
  PLIMSOLL_TRY(const EnvironmentSpec spec, spec_of(document));
  return open_environment(spec, context, path.parent_path());
}

}  // namespace plimsoll::agent
