// SPDX-License-Identifier: Apache-2.0
// Uses the public interface only: the catalogue, one method's description, a prove run, and an error with its mend.
#include <iostream>
#include <plimsoll/engine.hpp>

int main() {
  plimsoll::api::Engine engine;
  if (std::string(plimsoll::api::version()) != PLIMSOLL_VERSION) return 2;
  const auto methods = engine.methods();
  if (!methods.ok() || methods.json.find("\"conformal.split\"") == std::string::npos) {
    std::cerr << methods.json << '\n';
    return 3;
  }
  if (!engine.method("conformal.split").ok()) return 4;
  const auto unknown = engine.method("conformal.spilt");
  if (unknown.exit_status != 2 || unknown.json.find("conformal.split") == std::string::npos) {
    std::cerr << unknown.json << '\n';
    return 5;
  }
  plimsoll::api::Request prove;
  prove.verb = "prove";
  prove.method = "conformal.split";
  prove.parameters = R"({"size": "quick"})";
  prove.seed = 7;
  const auto evidence = engine.run(prove);
  std::cout << evidence.json << '\n';
  return evidence.ok() && evidence.json.find("\"passed\":true") != std::string::npos ? 0 : 6;
}
