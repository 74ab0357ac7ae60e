// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the door and the partial fit share: reading parameters, making artifacts, turning exceptions into errors.

#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_fwd.h"
#include "engine/artifact.h"
#include "engine/method.h"
#include "table/table.h"

namespace plimsoll {

// The method of that id, which must have the verb: `unknown_name`, or `wrong_kind` that lists its verbs.
Result<const Method*> method_with(const std::string& id, Verb verb);
Result<Json> parse_parameters(const std::string& text);
// Reads and checks parameters; what is deprecated is warned of.
Result<Box> read_params(Context& context, const Method& method, const Type& type, const Json& json);
std::vector<Artifact::Column> schema_columns(const std::vector<ColumnInfo>& columns, const Roles& roles);
// A fitted model with its certificate. `provenance` brings schema and warnings, the rest is filled in.
Result<ArtifactPort> make_artifact(Context& context, const Method& method, Box model, const Box& params, Artifact::Provenance provenance);

// The one place where exceptions of libraries become errors.
Error no_memory_left();
Error library_failed(std::string_view what);
template <class Work>
auto behind_the_door(Work&& work) -> decltype(work()) {
  try {
    return std::forward<Work>(work)();
  } catch (const std::bad_alloc&) {
    return no_memory_left();
  } catch (const std::exception& problem) {
    return library_failed(std::string(": ") + problem.what());
  } catch (...) {
    return library_failed(" without saying why");
  }
}

}  // namespace plimsoll
