// SPDX-License-Identifier: Apache-2.0
#pragma once

// One call of the door as a person asks for it: files by name instead of open tables. The command line and recipes both
// end here, so what one can do the other can too.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/artifact.h"
#include "engine/door.h"
#include "engine/role_binding.h"
#include "engine/schema.h"
#include "engine/workspace.h"
#include "table/file_format.h"

namespace plimsoll::cli {

struct PortRequest {
  std::string path;
  Roles roles;       // bound on this port only
  ReadOptions read;  // of a table port
};

struct Request {
  Verb verb = Verb::fit;
  const Method* method = nullptr;
  std::string model_path;                        // empty: no model
  ArtifactPort model;
  std::string parameters = "{}";                 // JSON
  std::map<std::string, PortRequest> ports;      // by port name
  Roles roles;                                   // for each table port that declares the role
  std::string output;                            // the model of a fit, the first table of an apply; empty: standard output
  std::map<std::string, std::string> outputs;    // further outputs by name
  std::string report;                            // where the report goes; empty: nowhere
  std::int64_t batch_rows = 65536;
  std::string fail_on;                           // verdicts that make an assess fail, comma-separated
};

// The types of the verb's parameters (an apply without a fit has the model's and the options').
std::vector<const Type*> parameters_of(const Method& method, Verb verb, bool with_model);
Schema input_schema(const Method& method, Verb verb);
std::vector<FieldSchema> parameter_fields(const Method& method, Verb verb, bool with_model);

// `unknown_name` when the method lacks the verb, `missing_input` when it wants a fitted model.
Result<void> check_verb(const Request& request);

struct Outcome {
  Reply reply;
  std::vector<std::pair<std::string, std::string>> written;  // what, path
};

// Opens the ports, runs the verb, writes the outputs; on an error nothing half-written is left.
Result<Outcome> execute(Workspace& workspace, const Request& request);

// Writes a report in the format its suffix says: .html, .json or .md.
Result<void> write_report(const Report& report, const std::string& path);

// `check_failed` when the report's verdict is among `fail_on` (comma-separated).
Result<void> check_verdict(const Report& report, const std::string& fail_on);

}  // namespace plimsoll::cli
