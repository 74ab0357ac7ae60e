// SPDX-License-Identifier: Apache-2.0
// A state in JSON and tools that are data: a pure function of the actions, so a replay is the same bytes.
#include "agent/environments.h"
#include "base/json.h"

namespace plimsoll::agent {
namespace {

constexpr std::size_t most_state = std::size_t{1} << 20;

Observation refused(std::string why) { return {"refused", std::move(why), {}, false}; }

// An argument in a pointer: escaped, so that it stays one step of it.
std::string pointer_of(const std::string& path, const Json& arguments) {
  std::string out;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t open = path.find('{', at);
    const std::size_t close = open == std::string::npos ? open : path.find('}', open);
    if (close == std::string::npos) return out + path.substr(at);
    out += path.substr(at, open - at);
    const auto found = arguments.find(path.substr(open + 1, close - open - 1));
    if (found != arguments.end()) {
      for (const char c : found->is_string() ? found->get<std::string>() : found->dump()) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    }
    at = close + 1;
  }
  return out;
}

Result<Json> value_of(const std::string& text, const Json& arguments) {
  if (text.starts_with('$')) {
    const auto found = arguments.find(text.substr(1));
    return found == arguments.end() ? Json() : *found;
  }
  return parse_json(text, "value");
}

const Json* at(const Json& state, const std::string& pointer) {
  const Json::json_pointer place(pointer);
  return state.contains(place) ? &state.at(place) : nullptr;
}

class StateWorld final : public World {
 public:
  StateWorld(EnvironmentSpec spec, Json initial) : spec_(std::move(spec)), initial_(std::move(initial)) {}
  std::string description() const override { return "state " + std::to_string(spec_.tools.size()) + " tools"; }

  Result<Observation> begin(std::uint64_t) override {
    state_ = initial_;
    steps_ = 0;
    Json names = Json::array();
    for (const Tool& tool : spec_.tools) names.push_back({{"arguments", tool.arguments}, {"tool", tool.name}});
    return Observation{"ok", canonical_json(names), {}, false};
  }

  Result<Observation> step(const std::string& action) override {
    const bool last = ++steps_ >= spec_.most_steps;
    PLIMSOLL_TRY(Observation seen, answer(action));
    seen.done = seen.done || last;
    return seen;
  }

 private:
  Result<Observation> answer(const std::string& action) {
    const auto json = parse_json(action, "action");
    if (!json || !json->is_object() || !json->contains("tool") || !(*json)["tool"].is_string()) return refused("an action is {\"tool\": name, \"args\": {...}}");
    const Json arguments = json->value("args", Json(Json::object()));
    for (const Tool& tool : spec_.tools) {
      if (tool.name != (*json)["tool"].get<std::string>()) continue;
      if (!arguments.is_object() || arguments.size() != tool.arguments.size()) return refused("the tool wants other arguments");
      for (const std::string& name : tool.arguments) {
        if (!arguments.contains(name)) return refused("the argument '" + name + "' is missing");
      }
      return use(tool, arguments);
    }
    return refused("there is no such tool");
  }

  Result<Observation> use(const Tool& tool, const Json& arguments) {
    for (const Need& need : tool.needs) {
      PLIMSOLL_TRY(const Json wanted, value_of(need.equals, arguments));
      const Json* found = at(state_, pointer_of(need.path, arguments));
      if ((found == nullptr ? Json() : *found) != wanted) return refused("the state does not allow it: " + need.path);
    }
    Json next = state_;
    Observation seen;
    for (const Effect& effect : tool.effects) {
      const std::string pointer = pointer_of(effect.path, arguments);
      PLIMSOLL_TRY(const Json value, value_of(effect.value, arguments));
      if (!change(next, effect.deed, pointer, value)) return refused("there is no place " + pointer);
      seen.events.push_back(canonical_json({{"deed", choices_of(effect.deed)[static_cast<std::size_t>(effect.deed)]}, {"path", pointer}, {"tool", tool.name}, {"value", value}}));
    }
    if (canonical_json(next).size() > most_state) return refused("the state would grow beyond 1 MiB");
    state_ = std::move(next);
    const Json* shown = tool.shows.empty() ? nullptr : at(state_, pointer_of(tool.shows, arguments));
    seen.text = canonical_json(shown == nullptr ? Json() : *shown).substr(0, static_cast<std::size_t>(spec_.most_output));
    seen.done = tool.ends;
    return seen;
  }

  // Only inside what is there: the holder of the place must be an object (or a list, for append and take).
  static bool change(Json& state, Deed deed, const std::string& pointer, const Json& value) {
    const Json::json_pointer place(pointer);
    if (deed == Deed::append) {
      if (!state.contains(place) || !state[place].is_array()) return false;
      state[place].push_back(value);
      return true;
    }
    if (place.empty()) return false;
    const Json::json_pointer holder = place.parent_pointer();
    if (!state.contains(holder) || !state[holder].is_object()) return false;
    if (deed == Deed::put) state[holder][place.back()] = value;
    else return state[holder].erase(place.back()) == 1;
    return true;
  }

  EnvironmentSpec spec_;
  Json initial_;
  Json state_;
  std::int64_t steps_ = 0;
};

Result<void> check_pointer(const std::string& path) {
  if (!path.empty() && path[0] != '/') return Error(ErrorCode::bad_parameter, "'" + path + "' is no JSON pointer", "Begin it with a slash").in_parameter("tools");
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '~' && (i + 1 == path.size() || (path[i + 1] != '0' && path[i + 1] != '1'))) {
      return Error(ErrorCode::bad_parameter, "'" + path + "' is no JSON pointer", "Write ~0 for ~").in_parameter("tools");
    }
  }
  return {};
}

}  // namespace

Result<WorldPointer> open_state(const EnvironmentSpec& spec) {
  PLIMSOLL_TRY(Json initial, parse_json(spec.initial, "initial"));
  if (!initial.is_object()) return Error(ErrorCode::bad_parameter, "the initial state is no JSON object", "Write {...}").in_parameter("initial");
  for (const Tool& tool : spec.tools) {
    PLIMSOLL_CHECK(check_pointer(tool.shows));
    for (const Need& need : tool.needs) {
      PLIMSOLL_CHECK(check_pointer(need.path));
      PLIMSOLL_CHECK(value_of(need.equals, Json::object()));
    }
    for (const Effect& effect : tool.effects) {
      PLIMSOLL_CHECK(check_pointer(effect.path));
      PLIMSOLL_CHECK(value_of(effect.value, Json::object()));
    }
  }
  return WorldPointer(std::make_shared<StateWorld>(spec, std::move(initial)));
}

}  // namespace plimsoll::agent
