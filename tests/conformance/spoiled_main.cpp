// SPDX-License-Identifier: Apache-2.0
// plimsoll_spoiled [ID] [--seed S] [--normal]: runs every method's experiment on its spoiled forms. Exit 0 only if each fails.

#include <cstdio>
#include <string>

#include "base/json.h"
#include "engine/door.h"
#include "engine/workspace.h"
#include "tests/conformance/spoiled.h"

namespace {

using namespace plimsoll;

bool caught(const SpoiledForm& form, std::uint64_t seed, const char* size) {
  const auto line = find_method(form.method());
  if (!line) {
    std::printf("unknown  %s\n", std::string(form.method()).c_str());
    return false;
  }
  Subject subject(*line.value()->entry);
  form.spoil(subject);
  Workspace workspace({.seed = seed});
  Call call;
  call.verb = Verb::prove;
  call.method = form.method();
  call.parameters = canonical_json({{"seed", seed}, {"size", size}});
  call.subject = &subject;
  const auto reply = run(workspace.context(), call);
  const bool good = reply.ok() && !reply.value().evidence->passed;
  std::printf("%s  %s: %s", good ? "caught " : "MISSED ", std::string(form.method()).c_str(), std::string(form.what()).c_str());
  if (!reply.ok()) std::printf(" (%s)\n", reply.error().message().c_str());
  else std::printf(": claimed %g, observed %g, interval [%g, %g]\n", reply.value().evidence->level, reply.value().evidence->observed, reply.value().evidence->low, reply.value().evidence->high);
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  std::string id;
  std::uint64_t seed = 1;
  const char* size = "quick";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--seed" && i + 1 < argc) seed = std::strtoull(argv[++i], nullptr, 10);
    else if (word == "--normal") size = "normal";
    else id = word;
  }
  int forms = 0;
  int missed = 0;
  for (const SpoiledForm* form : SpoiledForm::all()) {
    if (!id.empty() && form->method() != id) continue;
    ++forms;
    if (!caught(*form, seed, size)) ++missed;
  }
  std::printf("%d spoiled forms, %d missed\n", forms, missed);
  return forms > 0 && missed == 0 ? 0 : 1;
}
