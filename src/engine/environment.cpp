// SPDX-License-Identifier: Apache-2.0
#include "engine/environment.h"

#include "base/json.h"

namespace plimsoll {

std::string to_text(const Observation& observation) {
  Json events = Json::array();
  for (const std::string& event : observation.events) {
    auto json = parse_json(event);
    events.push_back(json ? std::move(json).value() : Json(event));
  }
  return canonical_json({{"done", observation.done}, {"events", events}, {"status", observation.status}, {"text", observation.text}});
}

Result<Observation> observation_from_text(std::string_view text) {
  PLIMSOLL_TRY(const Json json, parse_json(text, "observation"));
  const auto bad = [] { return Error(ErrorCode::bad_document, "an observation is none", "Give done, events, status and text"); };
  if (!json.is_object() || !json.contains("status") || !json["status"].is_string() || !json.contains("text") || !json["text"].is_string()) return bad();
  if (!json.contains("done") || !json["done"].is_boolean() || !json.contains("events") || !json["events"].is_array()) return bad();
  Observation out{json["status"].get<std::string>(), json["text"].get<std::string>(), {}, json["done"].get<bool>()};
  for (const Json& event : json["events"]) out.events.push_back(canonical_json(event));
  return out;
}

Result<std::string> World::reset(std::uint64_t seed) {
  PLIMSOLL_TRY(const Observation seen, begin(seed));
  done_ = seen.done || seen.status == "not_run";
  return to_text(seen);
}

Result<std::string> World::act(const std::string& action) {
  PLIMSOLL_TRY(const Observation seen, step(action));
  done_ = done_ || seen.done || seen.status == "not_run";
  return to_text(seen);
}

Result<World*> world(const EnvironmentPort& port) {
  if (!port) return Error(ErrorCode::missing_input, "no environment was given", "Give an environment");
  auto* out = dynamic_cast<World*>(port.get());
  if (out == nullptr) {
    return Error(ErrorCode::wrong_kind, "the environment " + port->description() + " speaks in text alone", "Give one read from a file");
  }
  return out;
}

}  // namespace plimsoll
