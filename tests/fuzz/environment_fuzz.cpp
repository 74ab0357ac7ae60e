// SPDX-License-Identifier: Apache-2.0
// Environments: the first byte chooses. Actions on a state and on a database; observations read back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/environments.h"
#include "engine/workspace.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plimsoll;
  if (size < 2) return 0;
  static Workspace workspace({.backend = Backend::serial});
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  agent::EnvironmentSpec spec;
  spec.seconds = 0.05;
  spec.most_rows = 20;
  spec.setup = "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'x');";
  spec.initial = R"({"m": {"a": []}, "n": 0})";
  spec.tools = {{"put", {"at", "what"}, {{"/n", "0"}}, {{agent::Deed::append, "/m/{at}", "$what"}}, "/m/{at}", false},
                {"take", {"at"}, {}, {{agent::Deed::take, "/m/{at}", "null"}}, "/m", false}};
  spec.provider = (data[0] & 1) != 0 ? agent::Provider::sql : agent::Provider::state;
  const auto opened = agent::open_environment(spec, workspace.context());
  if (!opened || !(*opened)->reset(1)) std::abort();
  const auto seen = (*opened)->act(text);
  if (!seen) std::abort();
  const auto read = observation_from_text(*seen);
  if (!read || to_text(*read) != *seen) std::abort();
  (void)observation_from_text(text);
  return 0;
}
