// SPDX-License-Identifier: Apache-2.0
#include "engine/partial_fit.h"

#include <algorithm>
#include <memory>

#include "base/json.h"
#include "engine/bind.h"
#include "engine/catalogue.h"
#include "engine/door_parts.h"
#include "engine/schema.h"
#include "engine/state_bytes.h"
#include "engine/warnings.h"

namespace plimsoll {
namespace {

constexpr std::int64_t numbered_batch = 65536;  // whole blocks
constexpr std::int64_t most_passes = 64;
constexpr std::string_view place = "partial fit";

using Counts = std::map<std::string, std::int64_t>;

Error corrupt(std::string what) { return Error(ErrorCode::corrupt_file, std::move(what), "Start the fit again.").in_file(std::string(place)); }

bool bound(const Roles& roles, std::string_view role) {
  const auto found = roles.find(role);
  return found != roles.end() && !found->second.empty();
}

Error needs_id(const Method& method) {
  return Error(ErrorCode::missing_input, std::string(method.id) + " draws at random for each row here, and a row's number is not known on a cluster",
               "Bind the column that tells rows apart: id=COLUMN; the draws are then keyed by it.")
      .in_parameter("id");
}

Result<void> check_fit(const Method& method, const Box& params, const Roles& roles, bool numbered) {
  const std::string id(method.id);
  if (!method.mergeable())
    return Error(ErrorCode::wrong_kind, id + " cannot be fitted in parts: it needs all its rows at once", "Fit it on one machine, on a sample if need be; its model can then be applied on the cluster.").in_parameter("method");
  if (method.fit_.law == Law::C)
    return Error(ErrorCode::wrong_kind, id + " is of class C: its result depends on the machine that computes it, so parts would not add up to the same answer", "Fit it on one machine; its model can then be applied on the cluster.").in_parameter("method");
  if (numbered) return {};
  if (method.fit_.law == Law::B)
    return Error(ErrorCode::missing_input, id + " is of class B: it adds up blocks of 4,096 consecutive rows, and rows have no order on a cluster", "Bind the column that orders the rows: order=COLUMN; rows are then cut at the same numbers as on one machine.").in_parameter("order");
  if (method.draws_.of_fit && method.draws_.of_fit(params.get()) && !bound(roles, "id")) return needs_id(method);
  return {};
}

void add_counts(Counts& sum, const Counts& more) {
  for (const auto& [pattern, count] : more) sum[pattern] += count;
}

void add_words(std::vector<std::string>& words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
}

bool same_schema(const std::vector<Artifact::Column>& a, const std::vector<Artifact::Column>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Artifact::Column& x, const Artifact::Column& y) { return x.name == y.name && x.type == y.type && x.role == y.role; });
}

Error other_columns() { return Error(ErrorCode::bad_value, "parts of the table have different columns", "Give every part the same columns with the same types and roles.").in_parameter("data"); }

// The inputs of one batch: the primary table replaced, side ports kept only in the first.
Box batch_inputs(const Box& inputs, Table batch, bool first) {
  Box piece = first ? inputs : Box(*inputs.type());
  auto ports = ports_of(piece);
  table_at(primary_table(ports)->slot) = std::move(batch);
  return piece;
}

}  // namespace

// A context whose seed and overlap are the fit's, and whose warnings go to the state.
class PartialFit::Listener {
 public:
  Listener(const Context& outer, PartialFit& fit) : context(outer), fit_(fit) {
    context.rng = Stream(fit.seed_);
    context.allow_overlap = fit.allow_overlap_;
    warnings_.listen(context);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    add_words(fit_.words_, warnings_.words());
    add_counts(fit_.counts_, warnings_.counts());
  }
  Context context;

 private:
  PartialFit& fit_;
  Warnings warnings_;
};

Result<PartialFit> PartialFit::start(Context& context, const std::string& method, const std::string& parameters) {
  return behind_the_door([&]() -> Result<PartialFit> {
    PartialFit fit;
    PLIMSOLL_TRY(fit.method_, method_with(method, Verb::fit));
    if (!fit.method_->mergeable()) PLIMSOLL_CHECK(check_fit(*fit.method_, Box(), {}, true));
    fit.seed_ = context.rng.seed();
    fit.allow_overlap_ = context.allow_overlap;
    fit.parameters_ = parameters;
    PLIMSOLL_TRY(const Json json, parse_parameters(parameters));
    {
      Listener inner(context, fit);
      PLIMSOLL_TRY(fit.params_, read_params(inner.context, *fit.method_, *fit.method_->fit_.params, json));
      PLIMSOLL_TRY(fit.state_, fit.method_->merge_.start(inner.context, fit.params_.get()));
    }
    return fit;
  });
}

Result<std::string> PartialFit::to_bytes() const {
  return behind_the_door([&]() -> Result<std::string> {
    PLIMSOLL_TRY(const State state, write_state(*state_.type(), state_.get()));
    Json schema = Json::array();
    for (const auto& column : schema_) schema.push_back({{"name", column.name}, {"type", column.type}, {"role", column.role}});
    return pack_state({{"partial", 1}, {"method", method_->id}, {"state_version", method_->state_version_}, {"engine", engine_version()}, {"seed", std::to_string(seed_)},
                       {"parameters", parameters_}, {"allow_overlap", allow_overlap_}, {"pass", pass_}, {"rows", rows_}, {"schema", schema},
                       {"words", words_}, {"counts", counts_}, {"earlier", earlier_}},
                      state);
  });
}

Result<PartialFit> PartialFit::from_bytes(std::string_view bytes) {
  return behind_the_door([&]() -> Result<PartialFit> {
    PLIMSOLL_TRY(const PackedState packed, unpack_state(bytes, place));
    const Json& meta = packed.metadata;
    PartialFit fit;
    std::string method;
    std::string engine;
    try {
      if (meta.at("partial") != 1) return corrupt("it is not a partial fit of this engine");
      method = meta.at("method");
      engine = meta.at("engine");
      fit.seed_ = std::stoull(meta.at("seed").get<std::string>());
      fit.parameters_ = meta.at("parameters");
      fit.allow_overlap_ = meta.at("allow_overlap");
      fit.pass_ = meta.at("pass");
      fit.rows_ = meta.at("rows");
      for (const Json& column : meta.at("schema")) fit.schema_.push_back({column.at("name"), column.at("type"), column.at("role")});
      fit.words_ = meta.at("words").get<std::vector<std::string>>();
      fit.counts_ = meta.at("counts").get<Counts>();
      fit.earlier_ = meta.at("earlier").get<Counts>();
    } catch (const std::exception& problem) {  // nlohmann's typed access throws
      return corrupt(std::string("its description cannot be read: ") + problem.what());
    }
    if (engine != engine_version()) return Error(ErrorCode::too_new, "a part was written by plimsoll " + engine + ", and this is " + std::string(engine_version()), "Install one version of plimsoll on every machine of the cluster.").in_file(std::string(place));
    PLIMSOLL_TRY(fit.method_, method_with(method, Verb::fit));
    if (!fit.method_->mergeable()) return corrupt("its method cannot be fitted in parts");
    PLIMSOLL_TRY(const Json json, parse_parameters(fit.parameters_));
    fit.params_ = Box(*fit.method_->fit_.params);
    std::vector<std::string> said_at_start;
    PLIMSOLL_CHECK(read_fields(json, fit.params_, said_at_start));
    PLIMSOLL_TRY(fit.state_, read_state(*fit.method_->merge_.state, packed.state, place));
    return fit;
  });
}

Result<void> PartialFit::note_schema(const std::vector<ColumnInfo>& columns, const Roles& roles) {
  const auto now = schema_columns(columns, roles);
  if (schema_.empty()) schema_ = now;
  else if (!same_schema(schema_, now)) return other_columns();
  return {};
}

Result<void> PartialFit::add_batch(Context& context, const Box& inputs, const Table& batch, bool first) {
  PLIMSOLL_CHECK(context.stop.check());
  const Box piece = batch_inputs(inputs, batch, first);
  PLIMSOLL_CHECK(method_->merge_.update(context, state_.get(), piece.get()));
  rows_ += batch.rows();
  context.progress.advance(batch.rows());
  return {};
}

Result<void> PartialFit::add_rows(Context& context, const std::map<std::string, PortValue>& ports, std::int64_t first_row) {
  PLIMSOLL_TRY(BoundInputs given, bind_inputs(context, *method_->fit_.inputs, ports, true));
  const bool numbered = first_row != unnumbered;
  if (numbered && (first_row < 0 || first_row % block_rows != 0))
    return Error(ErrorCode::bad_parameter, "a part begins at row " + std::to_string(first_row) + ", which is no multiple of " + std::to_string(block_rows), "Cut rows at multiples of 4,096.").in_parameter("first_row");
  std::shared_ptr<TableStream> stream = given.stream;
  if (!stream) {
    const Table table = table_at(primary_table(ports_of(given.inputs))->slot);
    stream = stream_of(table, numbered_batch);
    stream->bind(table.roles());
  }
  PLIMSOLL_CHECK(check_fit(*method_, params_, stream->roles(), numbered));
  PLIMSOLL_CHECK(note_schema(stream->columns(), stream->roles()));
  if (numbered) stream = rebatch(stream, numbered_batch);
  for (bool first = true;; first = false) {
    PLIMSOLL_TRY(std::optional<Table> batch, stream->next());
    if (!batch && !first) return {};
    if (!batch) {
      PLIMSOLL_TRY(batch, read_all(*stream));  // no rows, but columns: the method says what it thinks of that
      batch = batch->with_roles(given.stream ? given.stream->roles() : stream->roles());
    }
    if (numbered) batch = batch->with_first_row(first_row + batch->first_row());
    PLIMSOLL_CHECK(add_batch(context, given.inputs, *batch, first));
  }
}

Result<void> PartialFit::update(Context& context, const std::map<std::string, PortValue>& ports, std::int64_t first_row) {
  return behind_the_door([&]() -> Result<void> {
    Listener inner(context, *this);
    auto added = add_rows(inner.context, ports, first_row);
    if (added.ok() || first_row != unnumbered) return added;
    Error error = std::move(added).error();
    error.row.reset();  // counted within a batch: it would mislead
    return error;
  });
}

Result<void> PartialFit::merge(Context& context, const PartialFit& other) {
  return behind_the_door([&]() -> Result<void> {
    if (method_ != other.method_ || parameters_ != other.parameters_ || pass_ != other.pass_ || seed_ != other.seed_)
      return Error(ErrorCode::bad_parameter, "parts of different fits or passes were merged", "Merge parts that began from the same bytes.");
    if (!schema_.empty() && !other.schema_.empty() && !same_schema(schema_, other.schema_)) return other_columns();
    if (schema_.empty()) schema_ = other.schema_;
    Listener inner(context, *this);
    Box theirs = other.state_;
    PLIMSOLL_CHECK(method_->merge_.merge(inner.context, state_.get(), theirs.get()));
    rows_ += other.rows_;
    add_words(words_, other.words_);
    add_counts(counts_, other.counts_);
    return {};
  });
}

Result<ArtifactPort> PartialFit::finish(Context& context) {
  return behind_the_door([&]() -> Result<ArtifactPort> {
    Method::Merge::Finished finished;
    {
      Listener inner(context, *this);
      PLIMSOLL_TRY(finished, method_->merge_.finish(inner.context, state_.get(), params_.get()));
    }
    add_counts(earlier_, counts_);
    counts_.clear();
    if (!finished.model) {
      if (pass_ >= most_passes) return Error(ErrorCode::internal, "the fit asks for more than 64 passes over the rows", "Report this with the method's name and parameters.");
      state_ = std::move(finished.next);
      ++pass_;
      rows_ = 0;
      return ArtifactPort();
    }
    Warnings warnings;
    for (const std::string& words : words_) warnings.add(words);
    for (const auto& [pattern, count] : earlier_) warnings.tally(pattern, count);
    Artifact::Provenance provenance;
    provenance.schema = schema_;
    provenance.warnings = warnings.list();
    Listener inner(context, *this);
    return make_artifact(inner.context, *method_, std::move(finished.model), params_, std::move(provenance));
  });
}

Result<Law> check_cluster_fit(Context& context, const std::string& method, const std::string& parameters, const Roles& roles, bool numbered) {
  return behind_the_door([&]() -> Result<Law> {
    PLIMSOLL_TRY(const Method* found, method_with(method, Verb::fit));
    PLIMSOLL_TRY(const Json json, parse_parameters(parameters));
    PLIMSOLL_TRY(const Box params, read_params(context, *found, *found->fit_.params, json));
    PLIMSOLL_CHECK(check_fit(*found, params, roles, numbered));
    return found->fit_.law;
  });
}

Result<Rows> check_cluster_apply(Context& context, const std::string& method, const ArtifactPort& model, const std::string& parameters, const Roles& roles) {
  return behind_the_door([&]() -> Result<Rows> {
    PLIMSOLL_TRY(const Method* found, method_with(model ? model->provenance().method : method, Verb::apply));
    const std::string id(found->id);
    if (found->apply_.rows == Rows::whole)
      return Error(ErrorCode::wrong_kind, id + " looks at all rows together: applied in pieces it would mean something else", "Bring the rows to one machine (df.toArrow()) and apply there.").in_parameter("method");
    if (found->apply_.rows == Rows::grouped && !bound(roles, "group"))
      return Error(ErrorCode::missing_input, id + " wants the rows of a group together", "Bind the column that names the group: group=COLUMN.").in_parameter("group");
    if (!found->draws_.of_apply || bound(roles, "id")) return found->apply_.rows;
    PLIMSOLL_TRY(Json json, parse_parameters(parameters));
    Json for_options = Json::object();
    for (const FieldSchema& field : schema_of(*found->apply_.options).fields)
      if (const auto value = json.find(field.name); value != json.end()) {
        for_options[field.name] = *value;
        json.erase(field.name);
      }
    Box made;
    if (model) {
      for (const auto& [name, value] : json.items()) for_options[name] = value;  // unknown names are refused with the options
    } else {
      PLIMSOLL_TRY(made, read_params(context, *found, *found->apply_.model, json));
    }
    PLIMSOLL_TRY(const Box options, read_params(context, *found, *found->apply_.options, for_options));
    if (found->draws_.of_apply(model ? model->model().get() : made.get(), options.get())) return needs_id(*found);
    return found->apply_.rows;
  });
}

}  // namespace plimsoll
