// SPDX-License-Identifier: Apache-2.0
#pragma once

// The one door: run(verb, id, parameters as JSON, named ports) -> outputs or error. The command line, Python, C, HTTP and
// recipes call only this, so bad input is tested here once. Exceptions of libraries become errors here and nowhere else.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "engine/artifact.h"
#include "engine/catalogue.h"
#include "engine/evidence.h"
#include "engine/method.h"
#include "engine/ports.h"
#include "engine/subject.h"
#include "table/fingerprint.h"

namespace plimsoll {

struct Call {
  Verb verb = Verb::fit;
  std::string method;                         // may be empty when `model` is given
  std::string parameters = "{}";              // JSON: of fit, assess; options of apply; {"seed","size"} of prove
  std::map<std::string, PortValue> ports;     // by port name; tables and streams carry their roles
  ArtifactPort model;                         // of apply, step, report
  // Where outputs that are tables go, by output port name; without a sink they are gathered in memory. With a sink, a
  // stream as input and independent rows, memory stays flat.
  std::map<std::string, std::shared_ptr<TableSink>> sinks;
  std::int64_t batch_rows = 65536;
  const Subject* subject = nullptr;           // prove: a replaced subject (tests)
};

struct Reply {
  ArtifactPort artifact;                      // fit
  std::map<std::string, PortValue> outputs;   // apply
  std::string values = "{}";                  // apply: described fields of Outputs that are not ports, as JSON
  std::optional<Certificate> certificate;     // apply, where it makes the promise
  std::optional<Report> report;               // assess, report
  std::optional<Findings> findings;           // verify
  std::optional<Evidence> evidence;           // prove
  std::vector<std::string> warnings;
};

Result<Reply> run(Context& context, const Call& call);

// An online session: the model's step over events, with a state that survives a restart.
class Session {
 public:
  static Result<Session> open(ArtifactPort model);
  Result<std::string> step(Context& context, const std::string& event_json);  // the row as JSON
  Result<std::string> state_bytes() const;
  Result<void> restore(std::string_view bytes);

 private:
  ArtifactPort model_;
  const Method* method_ = nullptr;
  Box state_;
};

// Refuses rows that were used before (design, section 4): `overlap`, unless context.allow_overlap gives a reason, which is
// then appended to `certificate_remark`. A smaller share is a warning.
Result<void> check_overlap(Context& context, const RowFingerprint& earlier, std::string_view earlier_use,
                           const RowFingerprint& now, std::string_view now_use, std::string* certificate_remark);

}  // namespace plimsoll
