// SPDX-License-Identifier: Apache-2.0
#include "engine/apply_driver.h"

#include <algorithm>

#include "base/json.h"
#include "engine/schema.h"

namespace plimsoll {
namespace {

// Output tables by port name: into the caller's sink, or gathered in memory.
class Outlets {
 public:
  explicit Outlets(const Call& call) : sinks_(call.sinks) {}

  Result<void> write(Box& outputs) {
    for (const BoundPort& port : ports_of(outputs)) {
      auto value = get_port(port.slot);
      if (!value) continue;
      if (const auto* table = std::get_if<Table>(&*value)) {
        const auto sink = sinks_.find(port.name);
        if (sink != sinks_.end()) PLIMSOLL_CHECK(sink->second->write(*table));
        else gathered_[port.name].push_back(*table);
      } else {
        others_.insert_or_assign(port.name, *std::move(value));
      }
    }
    return {};
  }

  Result<void> finish(Reply& reply) {
    for (const auto& [name, sink] : sinks_) PLIMSOLL_CHECK(sink->finish());
    for (auto& [name, parts] : gathered_) {
      PLIMSOLL_TRY(Table table, parts.size() == 1 ? Result<Table>(parts.front()) : Table::concatenate(parts));
      reply.outputs.insert_or_assign(name, std::move(table));
    }
    for (auto& [name, value] : others_) reply.outputs.insert_or_assign(name, std::move(value));
    return {};
  }

 private:
  std::map<std::string, std::shared_ptr<TableSink>> sinks_;
  std::map<std::string, std::vector<Table>> gathered_;
  std::map<std::string, PortValue> others_;
};

Result<void> check_sinks(const Method& method, const Call& call) {
  Box outputs(*method.apply_.outputs);
  std::vector<std::string> names;
  for (const BoundPort& port : ports_of(outputs))
    if (port.slot.kind == PortKind::table) names.push_back(port.name);
  for (const auto& [name, sink] : call.sinks)
    if (std::find(names.begin(), names.end(), name) == names.end())
      return Error(ErrorCode::bad_parameter, "apply has no output table '" + name + "'", "See --help for the outputs.").in_parameter(name).with_candidates(nearest_names(name, names));
  return {};
}

// Batches of the primary table, from memory or from a stream.
class Batches {
 public:
  Batches(const BoundInputs& bound, std::int64_t batch_rows) : batch_rows_(std::max<std::int64_t>(1, batch_rows)) {
    if (bound.stream) {
      source_ = bound.stream;
      stream_ = rebatch(bound.stream, batch_rows_);
      return;
    }
    Box copy = bound.inputs;
    const auto ports = ports_of(copy);
    table_ = table_at(primary_table(ports)->slot);
  }
  std::int64_t rows_hint() const { return stream_ ? stream_->rows_hint() : table_.rows(); }
  Result<std::optional<Table>> next() {
    if (stream_) {
      PLIMSOLL_TRY(std::optional<Table> batch, stream_->next());
      if (batch || at_ > 0) {
        at_ = 1;
        return batch;
      }
      // No rows at all: answered once, so that the output has its columns.
      at_ = 1;
      PLIMSOLL_TRY(const Table none, read_all(*source_));
      return std::optional<Table>(none.with_roles(source_->roles()));
    }
    if (at_ >= table_.rows() && at_ > 0) return std::optional<Table>();
    const Table batch = table_.slice(at_, batch_rows_);
    at_ = std::max<std::int64_t>(1, at_ + batch_rows_);
    return std::optional<Table>(batch);
  }

 private:
  std::shared_ptr<TableStream> source_;
  std::unique_ptr<TableStream> stream_;
  std::int64_t batch_rows_;
  Table table_;
  std::int64_t at_ = 0;
};

Result<void> apply_batches(Context& context, const Method& method, const void* model, const BoundInputs& bound, const Box& options, const Call& call, Outlets& outlets) {
  Batches batches(bound, call.batch_rows);
  // A few batches a thread keep all busy; a memory limit asks for one.
  const std::size_t width = static_cast<std::size_t>(context.runtime.threads()) * (context.budget.memory_bytes > 0 ? 1 : 4);
  context.progress.begin("apply", batches.rows_hint(), "rows");
  for (bool more = true; more;) {
    std::vector<Table> group;
    while (group.size() < width) {
      PLIMSOLL_CHECK(context.stop.check());
      PLIMSOLL_TRY(std::optional<Table> batch, batches.next());
      more = batch.has_value();
      if (!more) break;
      group.push_back(*std::move(batch));
    }
    std::vector<Box> results(group.size());
    PLIMSOLL_CHECK(context.runtime.for_each(static_cast<std::int64_t>(group.size()), context.stop, [&](std::int64_t i) -> Result<void> {
      Box piece = bound.inputs;
      const auto ports = ports_of(piece);
      table_at(primary_table(ports)->slot) = group[static_cast<std::size_t>(i)];
      PLIMSOLL_TRY(results[static_cast<std::size_t>(i)], method.apply_.call(context, model, piece.get(), options.get()));
      return {};
    }));
    for (std::size_t i = 0; i < results.size(); ++i) {
      PLIMSOLL_CHECK(outlets.write(results[i]));
      context.progress.advance(group[i].rows());
    }
  }
  context.progress.end();
  return {};
}

Result<void> apply_whole(Context& context, const Method& method, const void* model, const BoundInputs& bound, const Box& options, Outlets& outlets, Reply& reply) {
  PLIMSOLL_TRY(Box outputs, method.apply_.call(context, model, bound.inputs.get(), options.get()));
  PLIMSOLL_CHECK(outlets.write(outputs));
  PLIMSOLL_TRY(const Json values, write_fields(outputs));
  reply.values = canonical_json(values);
  if (method.certify_.of_outputs) {
    PLIMSOLL_TRY(Certificate certificate, method.certify_.of_outputs(model, outputs.get()));
    reply.certificate = std::move(certificate);
  }
  return {};
}

}  // namespace

Result<void> run_apply(Context& context, const Method& method, const void* model, BoundInputs bound, const Box& options, const Call& call, Reply& reply) {
  PLIMSOLL_CHECK(check_sinks(method, call));
  Outlets outlets(call);
  if (method.apply_.rows == Rows::independent) {
    PLIMSOLL_CHECK(apply_batches(context, method, model, bound, options, call, outlets));
  } else {
    PLIMSOLL_CHECK(apply_whole(context, method, model, bound, options, outlets, reply));
  }
  return outlets.finish(reply);
}

}  // namespace plimsoll
