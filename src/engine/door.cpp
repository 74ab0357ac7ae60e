// SPDX-License-Identifier: Apache-2.0
#include "engine/door.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "engine/apply_driver.h"
#include "engine/bind.h"
#include "engine/door_parts.h"
#include "engine/fit_driver.h"
#include "engine/schema.h"
#include "engine/warnings.h"

namespace plimsoll {
namespace {

constexpr std::array<Verb, 7> all_verbs = {Verb::fit, Verb::apply, Verb::assess, Verb::step, Verb::verify, Verb::prove, Verb::report};

Result<const Method*> method_of(const Call& call) {
  return method_with(!call.method.empty() ? call.method : call.model ? call.model->provenance().method : std::string(), call.verb);
}

}  // namespace

Result<const Method*> method_with(const std::string& id, Verb wanted) {
  if (id.empty()) return Error(ErrorCode::missing_input, "neither a method nor a model is named", "Name a method of `plimsoll methods`, or give an artifact.");
  PLIMSOLL_TRY(const CatalogueLine* line, find_method(id));
  const Method& method = *line->entry;
  if (method.has(wanted)) return &method;
  std::string verbs;
  for (const Verb verb : all_verbs)
    if (method.has(verb)) verbs += (verbs.empty() ? "" : ", ") + std::string(name_of(verb));
  return Error(ErrorCode::wrong_kind, id + " has no verb '" + std::string(name_of(wanted)) + "'", "It has: " + verbs + ".").in_parameter("verb");
}

Result<Json> parse_parameters(const std::string& text) {
  auto json = parse_json(text, "parameters");
  if (!json) return std::move(json).error();
  if (!json.value().is_object()) return Error(ErrorCode::bad_parameter, "parameters must be a JSON object", "Write {\"name\": value, ...}.");
  return json;
}

Result<Box> read_params(Context& context, const Method& method, const Type& type, const Json& json) {
  Box params(type);
  std::vector<std::string> warnings;
  PLIMSOLL_CHECK(read_fields(json, params, warnings));
  for (auto& words : warnings) context.warn(std::move(words));
  if (method.check_ && method.checked_ == &type) PLIMSOLL_CHECK(method.check_(params.get()));
  return params;
}

std::vector<Artifact::Column> schema_columns(const std::vector<ColumnInfo>& columns, const Roles& roles) {
  std::vector<Artifact::Column> schema;
  for (const ColumnInfo& column : columns) {
    Artifact::Column entry{column.name, std::string(name_of(column.type)), ""};
    for (const auto& [role, bound] : roles)
      if (std::find(bound.begin(), bound.end(), column.name) != bound.end()) entry.role = entry.role.empty() ? role : entry.role + "," + role;
    schema.push_back(std::move(entry));
  }
  return schema;
}

namespace {

constexpr std::array<std::string_view, 3> law_names = {"A", "B", "C"};

// Fingerprints are blobs of the model named USE_fingerprint, so that a mergeable fit gathers them with everything else.
Result<std::map<std::string, std::string>> fingerprints_of(const Box& model) {
  std::map<std::string, std::string> found;
  PLIMSOLL_TRY(const State state, write_state(*model.type(), model.get()));
  constexpr std::string_view suffix = "_fingerprint";
  for (const auto& [name, view] : state.tensors)
    if (name.ends_with(suffix) && !view.bytes.empty())
      found[name.substr(0, name.size() - suffix.size())] = std::string(reinterpret_cast<const char*>(view.bytes.data()), view.bytes.size());
  return found;
}

}  // namespace

Result<ArtifactPort> make_artifact(Context& context, const Method& method, Box model, const Box& params, Artifact::Provenance provenance) {
  provenance.method = method.id;
  provenance.state_version = method.state_version_;
  provenance.engine = engine_version();
  provenance.seed = context.rng.seed();
  PLIMSOLL_TRY(const Json parameters, write_fields(params));
  provenance.parameters = canonical_json(parameters);
  PLIMSOLL_TRY(provenance.fingerprints, fingerprints_of(model));
  Certificate certificate;
  if (method.certify_.of_model) {
    PLIMSOLL_TRY(certificate, method.certify_.of_model(model.get()));
    certificate.law = law_names[static_cast<std::size_t>(method.fit_.law)];
    certificate.versions["plimsoll"] = engine_version();
    certificate.allowed_overlap = context.allow_overlap;
    if (certificate.falsified_by.empty()) certificate.falsified_by = "plimsoll prove " + std::string(method.id);
    provenance.versions = certificate.versions;
  }
  return ArtifactPort(std::make_shared<const Artifact>(std::move(provenance), std::move(certificate), method.certify_.of_model != nullptr, std::move(model)));
}

namespace {

Result<void> run_fit_verb(Context& context, const Method& method, const Call& call, Warnings& warnings, Reply& reply) {
  PLIMSOLL_TRY(const Json json, parse_parameters(call.parameters));
  PLIMSOLL_TRY(const Box params, read_params(context, method, *method.fit_.params, json));
  PLIMSOLL_TRY(BoundInputs bound, bind_inputs(context, *method.fit_.inputs, call.ports, method.mergeable()));
  Artifact::Provenance provenance;
  Box model;
  if (bound.stream) {
    provenance.schema = schema_columns(bound.stream->columns(), bound.stream->roles());
    PLIMSOLL_TRY(model, fit_stream(context, method, std::move(bound.inputs), bound.stream, params.get()));
  } else {
    const auto ports = ports_of(bound.inputs);
    if (const BoundPort* primary = primary_table(ports)) {
      const Table& table = table_at(primary->slot);
      provenance.schema = schema_columns(table.columns(), table.roles());
    }
    PLIMSOLL_TRY(model, run_fit(context, method, bound.inputs.get(), params.get(), call.batch_rows));
  }
  if (method.mergeable()) warnings.sort();  // parts warn in an order that is chance
  provenance.warnings = warnings.list();
  PLIMSOLL_TRY(reply.artifact, make_artifact(context, method, std::move(model), params, std::move(provenance)));
  return {};
}

// Without a fit the parameters are the model: what options describe goes to them, the rest to the model.
Result<void> run_apply_verb(Context& context, const Method& method, const Call& call, Reply& reply) {
  PLIMSOLL_TRY(Json json, parse_parameters(call.parameters));
  Json for_options = Json::object();
  for (const FieldSchema& field : schema_of(*method.apply_.options).fields)
    if (const auto found = json.find(field.name); found != json.end()) {
      for_options[field.name] = *found;
      json.erase(field.name);
    }
  Box model;
  const void* used = nullptr;
  if (method.has(Verb::fit)) {
    if (!call.model) return Error(ErrorCode::missing_input, "apply of " + std::string(method.id) + " needs a fitted model", "Fit one: plimsoll fit " + std::string(method.id) + " DATA -o model.plim.").in_parameter("model");
    if (call.model->provenance().method != method.id)
      return Error(ErrorCode::wrong_kind, "the model is one of " + call.model->provenance().method + ", not of " + std::string(method.id), "Give an artifact of " + std::string(method.id) + ".").in_parameter("model");
    for (const auto& [name, value] : json.items()) for_options[name] = value;  // unknown names are refused with the options
    used = call.model->model().get();
  } else {
    PLIMSOLL_TRY(model, read_params(context, method, *method.apply_.model, json));
    used = model.get();
  }
  PLIMSOLL_TRY(const Box options, read_params(context, method, *method.apply_.options, for_options));
  PLIMSOLL_TRY(BoundInputs bound, bind_inputs(context, *method.apply_.inputs, call.ports, method.apply_.rows == Rows::independent));
  PLIMSOLL_CHECK(run_apply(context, method, used, std::move(bound), options, call, reply));
  if (reply.certificate) {
    reply.certificate->versions["plimsoll"] = engine_version();
    reply.certificate->allowed_overlap = context.allow_overlap;
    if (reply.certificate->falsified_by.empty()) reply.certificate->falsified_by = "plimsoll prove " + std::string(method.id);
  }
  return {};
}

Result<void> run_assess_verb(Context& context, const Method& method, const Call& call, Reply& reply) {
  PLIMSOLL_TRY(const Json json, parse_parameters(call.parameters));
  PLIMSOLL_TRY(const Box params, read_params(context, method, *method.assess_.params, json));
  auto ports = call.ports;
  if (call.model) ports.try_emplace("model", call.model);
  PLIMSOLL_TRY(const BoundInputs bound, bind_inputs(context, *method.assess_.inputs, ports, false));
  PLIMSOLL_TRY(Report report, method.assess_.call(context, bound.inputs.get(), params.get()));
  PLIMSOLL_CHECK(check(report));
  reply.report = std::move(report);
  return {};
}

Result<void> run_report_verb(Context& context, const Method& method, const Call& call, Reply& reply) {
  if (!call.model) return Error(ErrorCode::missing_input, "report needs a fitted model", "Give an artifact.").in_parameter("model");
  PLIMSOLL_TRY(const BoundInputs bound, bind_inputs(context, *method.report_.inputs, call.ports, false));
  PLIMSOLL_TRY(Report report, method.report_.call(context, call.model->model().get(), bound.inputs.get()));
  for (const std::string& words : call.model->provenance().warnings) context.warn("when fitted: " + words);
  PLIMSOLL_CHECK(check(report));
  reply.report = std::move(report);
  return {};
}

Result<void> run_verify_verb(Context& context, const Method& method, const Call& call, Reply& reply) {
  auto ports = call.ports;
  if (call.model) ports.try_emplace("model", call.model);
  PLIMSOLL_TRY(const BoundInputs bound, bind_inputs(context, *method.verify_.inputs, ports, false));
  PLIMSOLL_TRY(reply.findings, method.verify_.call(context, bound.inputs.get()));
  return {};
}

struct ProveParameters {
  std::int64_t seed = 0;
  ProveSize size = ProveSize::normal;
};
void describe(Fields& f, ProveParameters& p) {
  f({"seed", "seed of the experiment", at_least(0)}, p.seed);
  f({"size", "how large an experiment"}, p.size);
}

Result<void> run_prove_verb(Context& context, const Method& method, const Call& call, Reply& reply) {
  PLIMSOLL_TRY(const Json json, parse_parameters(call.parameters));
  PLIMSOLL_TRY(const Box params, read_params(context, method, type_of<ProveParameters>, json));
  const auto& chosen = params.as<ProveParameters>();
  const ProveOptions options{static_cast<std::uint64_t>(chosen.seed), chosen.size};
  const Subject own(method);
  context.rng = Stream(options.seed).child("prove").child(method.id);
  PLIMSOLL_TRY(Evidence evidence, method.prove_(context, call.subject ? *call.subject : own, options));
  evidence.method = method.id;
  evidence.seed = options.seed;
  reply.evidence = std::move(evidence);
  return {};
}

Result<Reply> run_verb(Context& context, const Call& call, Warnings& warnings) {
  PLIMSOLL_TRY(const Method* method, method_of(call));
  Reply reply;
  switch (call.verb) {
    case Verb::fit: PLIMSOLL_CHECK(run_fit_verb(context, *method, call, warnings, reply)); break;
    case Verb::apply: PLIMSOLL_CHECK(run_apply_verb(context, *method, call, reply)); break;
    case Verb::assess: PLIMSOLL_CHECK(run_assess_verb(context, *method, call, reply)); break;
    case Verb::report: PLIMSOLL_CHECK(run_report_verb(context, *method, call, reply)); break;
    case Verb::verify: PLIMSOLL_CHECK(run_verify_verb(context, *method, call, reply)); break;
    case Verb::prove: PLIMSOLL_CHECK(run_prove_verb(context, *method, call, reply)); break;
    case Verb::step: return Error(ErrorCode::wrong_kind, "step is an online verb", "Open a Session on the model.").in_parameter("verb");
  }
  if (call.verb == Verb::apply) warnings.sort();
  reply.warnings = warnings.list();
  return reply;
}

}  // namespace

Result<Reply> run(Context& outer, const Call& call) {
  Context context = outer;
  Warnings warnings;
  warnings.listen(context);
  return behind_the_door([&] { return run_verb(context, call, warnings); });
}

Error no_memory_left() { return Error(ErrorCode::no_memory, "not enough memory", "Give fewer rows, a smaller --batch-rows or more memory."); }

Error library_failed(std::string_view what) {
  return Error(ErrorCode::internal, "a library failed" + std::string(what), "Please report this with the command that led here.");
}

Result<void> check_overlap(Context& context, const RowFingerprint& earlier, std::string_view earlier_use, const RowFingerprint& now, std::string_view now_use,
                           std::string* certificate_remark) {
  const Overlap overlap = compare(earlier, now);
  const std::string words = "rows for " + std::string(now_use) + " against rows for " + std::string(earlier_use) + ": " + overlap.sentence;
  if (overlap.refused && context.allow_overlap.empty())
    return Error(ErrorCode::overlap, words, "Use rows that were not used before, or state why this is right: --allow-overlap REASON.");
  if (overlap.refused && certificate_remark) *certificate_remark += words + " Allowed by the caller: " + context.allow_overlap + ". ";
  if (overlap.refused || overlap.share_of_second > 0) context.warn(words);
  return {};
}

Result<Session> Session::open(ArtifactPort model) {
  if (!model) return Error(ErrorCode::missing_input, "a session needs a model", "Give an artifact.");
  PLIMSOLL_TRY(const CatalogueLine* line, find_method(model->provenance().method));
  if (!line->entry->has(Verb::step)) return Error(ErrorCode::wrong_kind, model->provenance().method + " has no verb 'step'", "Give an artifact of an online method.");
  Session session;
  session.model_ = std::move(model);
  session.method_ = line->entry;
  session.state_ = Box(*line->entry->step_.state);
  return session;
}

Result<std::string> Session::step(Context& context, const std::string& event_json) {
  PLIMSOLL_TRY(const Json json, parse_json(event_json, "event"));
  Box event(*method_->step_.event);
  std::vector<std::string> warnings;
  PLIMSOLL_CHECK(read_fields(json, event, warnings));
  PLIMSOLL_TRY(const Box row, method_->step_.call(context, model_->model().get(), state_.get(), event.get()));
  PLIMSOLL_TRY(const Json out, write_fields(row));
  return canonical_json(out);
}

Result<std::string> Session::state_bytes() const {
  PLIMSOLL_TRY(const Json json, write_fields(state_));
  return canonical_json(json);
}

Result<void> Session::restore(std::string_view bytes) {
  PLIMSOLL_TRY(const Json json, parse_json(bytes, "state"));
  Box state(*method_->step_.state);
  std::vector<std::string> warnings;
  PLIMSOLL_CHECK(read_fields(json, state, warnings));
  state_ = std::move(state);
  return {};
}

}  // namespace plimsoll
