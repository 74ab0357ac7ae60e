// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/context.h"
#include "engine/artifact.h"
#include "engine/door.h"
#include "engine/ports.h"

namespace plimsoll::learn {

// A fitted model as the artifact of an example.
template <class Model>
ArtifactPort example_artifact(const Context& context, std::string method, Model model, Certificate certificate) {
  Artifact::Provenance provenance;
  provenance.method = std::move(method);
  provenance.engine = std::string(engine_version());
  provenance.seed = context.rng.seed();
  provenance.parameters = "{}";
  return ArtifactPort(std::make_shared<const Artifact>(std::move(provenance), std::move(certificate), true, Box::of(std::move(model))));
}

}  // namespace plimsoll::learn
