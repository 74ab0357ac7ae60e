// SPDX-License-Identifier: Apache-2.0
// A fit in parts that lie on several machines: the engine's PartialFit behind opaque handles. A part's rows are named as the
// inputs of a call, so that paths, streams and roles mean here what they mean in plimsoll_run().
#include "engine/partial_fit.h"

#include "base/json.h"
#include "capi/handles.h"
#include "engine/port_walk.h"
#include "engine/schema.h"

using namespace plimsoll;
using namespace plimsoll::capi;

struct plimsoll_partial {
  PartialFit fit;
};

namespace {

Result<void> check_fit_call(const plimsoll_call& call) {
  if (call.ran) return Error(ErrorCode::bad_parameter, "this call ran already", "Make a new one.");
  if (call.verb == Verb::fit && call.method != nullptr) return {};
  return Error(ErrorCode::wrong_kind, "a fit in parts wants a call of 'fit' with a method", "Make it with plimsoll_call_new(\"fit\", METHOD, ...).").in_parameter("call");
}

// Roles of the first table, once its columns are known.
Result<Roles> roles_of_rows(const Type& type, const std::map<std::string, PortValue>& ports) {
  Box inputs(type);
  const std::vector<BoundPort> slots = ports_of(inputs);
  const BoundPort* primary = primary_table(slots);
  const auto given = primary == nullptr ? ports.end() : ports.find(primary->name);
  if (given == ports.end()) return Roles{};
  if (const auto* stream = std::get_if<std::shared_ptr<TableStream>>(&given->second)) return (*stream)->roles();
  if (const auto* table = std::get_if<Table>(&given->second)) return table->roles();
  return Roles{};
}

constexpr const char* law_name(Law law) { return law == Law::A ? "A" : law == Law::B ? "B" : "C"; }
constexpr const char* rows_name(Rows rows) { return rows == Rows::independent ? "independent" : rows == Rows::grouped ? "grouped" : "whole"; }

Result<Json> cluster_shape(plimsoll_call& call, bool numbered) {
  if (call.method == nullptr) return Error(ErrorCode::missing_input, "neither a method nor a model is named", "Name a method of the catalogue, or give a model.");
  if (call.verb != Verb::fit && call.verb != Verb::apply)
    return Error(ErrorCode::wrong_kind, "only fit and apply run on a cluster", "Run this verb on one machine.").in_parameter("verb");
  const std::string id(call.method->id);
  call.ran = true;
  Workspace workspace(call.options);
  Context& context = workspace.context();
  const Type* type = inputs_of(*call.method, call.verb);
  if (type == nullptr) return Error(ErrorCode::wrong_kind, id + " has no verb '" + std::string(name_of(call.verb)) + "'", "See its verbs.").in_parameter("verb");
  PLIMSOLL_TRY(const auto ports, open_inputs(context, call, schema_of(*type).ports));
  PLIMSOLL_TRY(const Roles roles, roles_of_rows(*type, ports));
  Json json = {{"roles", Json(std::map<std::string, std::vector<std::string>>(roles.begin(), roles.end()))}};
  if (call.verb == Verb::fit) {
    PLIMSOLL_TRY(const Law law, check_cluster_fit(context, id, call.parameters, roles, numbered));
    json["law"] = law_name(law);
  } else {
    PLIMSOLL_TRY(const Rows rows, check_cluster_apply(context, id, call.model, call.parameters, roles));
    json["rows"] = rows_name(rows);
  }
  return json;
}

}  // namespace

plimsoll_error* plimsoll_partial_start(plimsoll_call* call, plimsoll_partial** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(call);
    PLIMSOLL_WANT(out);
    PLIMSOLL_CHECK(check_fit_call(*call));
    Workspace workspace(call->options);
    PLIMSOLL_TRY(PartialFit fit, PartialFit::start(workspace.context(), std::string(call->method->id), call->parameters));
    hand_over(out, std::move(fit));
    return {};
  });
}

plimsoll_error* plimsoll_partial_from_bytes(const void* data, size_t size, plimsoll_partial** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(data);
    PLIMSOLL_WANT(out);
    PLIMSOLL_TRY(PartialFit fit, PartialFit::from_bytes({static_cast<const char*>(data), size}));
    hand_over(out, std::move(fit));
    return {};
  });
}

plimsoll_error* plimsoll_partial_bytes(const plimsoll_partial* partial, plimsoll_text** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(partial);
    PLIMSOLL_WANT(out);
    PLIMSOLL_TRY(std::string bytes, partial->fit.to_bytes());
    hand_text(out, std::move(bytes));
    return {};
  });
}

plimsoll_error* plimsoll_partial_update(plimsoll_partial* partial, plimsoll_call* call, int64_t first_row) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(partial);
    PLIMSOLL_WANT(call);
    PLIMSOLL_CHECK(check_fit_call(*call));
    if (call->method != &partial->fit.method())
      return Error(ErrorCode::wrong_kind, "the rows were named for " + std::string(call->method->id) + ", the fit is one of " + std::string(partial->fit.method().id), "Name the same method.").in_parameter("call");
    call->ran = true;
    Workspace workspace(call->options);
    Context& context = workspace.context();
    context.stop = call->stop;
    PLIMSOLL_TRY(const auto ports, open_inputs(context, *call, schema_of(*call->method->fit_.inputs).ports));
    return partial->fit.update(context, ports, first_row < 0 ? unnumbered : first_row);
  });
}

plimsoll_error* plimsoll_partial_merge(plimsoll_partial* partial, const plimsoll_partial* other) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(partial);
    PLIMSOLL_WANT(other);
    Workspace workspace;
    return partial->fit.merge(workspace.context(), other->fit);
  });
}

plimsoll_error* plimsoll_partial_finish(plimsoll_partial* partial, plimsoll_model** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(partial);
    PLIMSOLL_WANT(out);
    Workspace workspace;
    PLIMSOLL_TRY(ArtifactPort artifact, partial->fit.finish(workspace.context()));
    if (artifact) hand_over(out, std::move(artifact));
    return {};
  });
}

int64_t plimsoll_partial_rows(const plimsoll_partial* partial) { return partial == nullptr ? 0 : partial->fit.rows(); }
int64_t plimsoll_partial_pass(const plimsoll_partial* partial) { return partial == nullptr ? 0 : partial->fit.pass(); }
void plimsoll_partial_free(plimsoll_partial* partial) { delete partial; }

plimsoll_error* plimsoll_cluster_check(plimsoll_call* call, int numbered, plimsoll_text** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(call);
    PLIMSOLL_WANT(out);
    PLIMSOLL_TRY(const Json json, cluster_shape(*call, numbered != 0));
    hand_text(out, canonical_json(json));
    return {};
  });
}
