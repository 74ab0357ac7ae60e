// SPDX-License-Identifier: Apache-2.0
#pragma once

// A mergeable fit in parts that may lie on different machines; its states travel as bytes. One pass:
//   driver   PartialFit::start(context, id, parameters), to_bytes()
//   workers  from_bytes(those bytes), update(their rows), to_bytes()
//   anyone   merge(), in any order and any tree
//   driver   finish(): the artifact, or null: then to_bytes() is what the workers of the next pass start from
// Under class A of Law 1 the artifact equals that of a fit on one machine byte for byte, however the rows were cut and ordered;
// under class B if every part is told the number of its first row, a multiple of 4,096.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "engine/artifact.h"
#include "engine/method.h"
#include "engine/ports.h"

namespace plimsoll {

inline constexpr std::int64_t unnumbered = -1;  // rows whose place in the whole is not known

class PartialFit {
 public:
  // Seed and allowed overlap are those of `context`, and travel with the state.
  static Result<PartialFit> start(Context& context, const std::string& method, const std::string& parameters);
  static Result<PartialFit> from_bytes(std::string_view bytes);
  Result<std::string> to_bytes() const;

  // Adds rows: ports as for a fit, the primary table as a table or a stream. Side tables must be given to one part a pass only.
  Result<void> update(Context& context, const std::map<std::string, PortValue>& ports, std::int64_t first_row = unnumbered);
  Result<void> merge(Context& context, const PartialFit& other);
  // Null: the method wants the rows once more.
  Result<ArtifactPort> finish(Context& context);

  const Method& method() const { return *method_; }
  std::int64_t pass() const { return pass_; }
  std::int64_t rows() const { return rows_; }  // seen in this pass

 private:
  class Listener;
  Result<void> add_batch(Context& context, const Box& inputs, const Table& batch, bool first);
  Result<void> add_rows(Context& context, const std::map<std::string, PortValue>& ports, std::int64_t first_row);
  Result<void> note_schema(const std::vector<ColumnInfo>& columns, const Roles& roles);

  const Method* method_ = nullptr;
  std::string parameters_;
  Box params_;
  Box state_;
  std::uint64_t seed_ = 0;
  std::string allow_overlap_;
  std::int64_t pass_ = 1;
  std::int64_t rows_ = 0;
  std::vector<Artifact::Column> schema_;
  std::vector<std::string> words_;               // warnings, sorted
  std::map<std::string, std::int64_t> counts_;   // counted warnings of this pass
  std::map<std::string, std::int64_t> earlier_;  // of the passes before: the same in all parts
};

// Whether rows in pieces of unknown order keep the meaning (Law 1, row shape); the error says what mends it. `roles` are those
// of the primary table; `numbered`: the pieces know their first row, a multiple of 4,096.
Result<Law> check_cluster_fit(Context& context, const std::string& method, const std::string& parameters, const Roles& roles, bool numbered);
// `model` null for a method without a fit, whose parameters are the model.
Result<Rows> check_cluster_apply(Context& context, const std::string& method, const ArtifactPort& model, const std::string& parameters, const Roles& roles);

}  // namespace plimsoll
