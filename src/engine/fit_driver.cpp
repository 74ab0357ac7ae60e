// SPDX-License-Identifier: Apache-2.0
#include "engine/fit_driver.h"

#include <algorithm>
#include <numeric>

#include "engine/port_walk.h"
#include "engine/subject.h"

namespace plimsoll {
namespace {

constexpr std::int64_t default_batch = 65536;
constexpr int most_passes = 64;

std::int64_t whole_blocks(std::int64_t rows) { return std::max(block_rows, (rows + block_rows - 1) / block_rows * block_rows); }

// The inputs of one batch: the primary table replaced, side ports kept only in the first.
Box batch_inputs(const Box& inputs, Table batch, bool first) {
  Box piece = first ? inputs : Box(*inputs.type());
  auto ports = ports_of(piece);
  table_at(primary_table(ports)->slot) = std::move(batch);
  return piece;
}

Error endless() {
  return Error(ErrorCode::internal, "the fit asks for more than 64 passes over the rows", "Report this with the method's name and parameters.");
}

struct Lanes {
  Context& context;
  const Method& method;
  const Box& inputs;
  const Table& table;
  std::int64_t batch_rows;
  std::vector<std::int64_t> cuts;  // lane i covers batches cuts[i] to cuts[i+1]

  std::int64_t batches() const { return std::max<std::int64_t>(1, (table.rows() + batch_rows - 1) / batch_rows); }

  Result<void> run_lane(std::size_t lane, Box& state) const {
    for (std::int64_t b = cuts[lane]; b < cuts[lane + 1]; ++b) {
      PLIMSOLL_CHECK(context.stop.check());
      const Table batch = table.slice(b * batch_rows, batch_rows);
      const Box piece = batch_inputs(inputs, batch, b == 0);
      PLIMSOLL_CHECK(method.merge_.update(context, state.get(), piece.get()));
      context.progress.advance(batch.rows());
    }
    return {};
  }

  // One pass: partial states from copies of `start`, merged in the given order.
  Result<Box> pass(const Box& start, const std::vector<std::size_t>& order) const {
    std::vector<Box> states(cuts.size() - 1, start);
    PLIMSOLL_CHECK(context.runtime.for_each(static_cast<std::int64_t>(states.size()), context.stop,
                                            [&](std::int64_t lane) { return run_lane(static_cast<std::size_t>(lane), states[static_cast<std::size_t>(lane)]); }));
    Box merged = std::move(states[order.front()]);
    for (std::size_t i = 1; i < order.size(); ++i) PLIMSOLL_CHECK(method.merge_.merge(context, merged.get(), states[order[i]].get()));
    return merged;
  }
};

std::vector<std::int64_t> even_cuts(std::int64_t batches, std::int64_t lanes) {
  std::vector<std::int64_t> cuts;
  for (std::int64_t i = 0; i <= lanes; ++i) cuts.push_back(batches * i / lanes);
  return cuts;
}

Result<Box> fit_lanes(Context& context, Lanes lanes, const void* params, int pieces) {
  const Method& method = lanes.method;
  const std::int64_t count = std::clamp<std::int64_t>(pieces > 0 ? pieces : context.runtime.threads(), 1, lanes.batches());
  lanes.cuts = even_cuts(lanes.batches(), count);
  std::vector<std::size_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::size_t{0});
  Stream shuffle = context.rng.child("merge order");
  PLIMSOLL_TRY(Box state, method.merge_.start(context, params));
  for (int pass = 0; pass < most_passes; ++pass) {
    if (pieces > 0) shuffle.shuffle(std::span(order));
    context.progress.begin("fit", lanes.table.rows(), "rows");
    auto merged = lanes.pass(state, order);
    context.progress.end();
    if (!merged) return std::move(merged).error();
    PLIMSOLL_TRY(Method::Merge::Finished finished, method.merge_.finish(context, merged.value().get(), params));
    if (finished.model) return std::move(finished.model);
    state = std::move(finished.next);
  }
  return endless();
}

}  // namespace

Result<Box> run_fit(Context& context, const Method& method, const void* inputs, const void* params, std::int64_t batch_rows, int pieces) {
  if (!method.mergeable()) return method.fit_.call(context, inputs, params);
  const Box all = Box::copy_of(*method.fit_.inputs, inputs);
  Box seen = all;
  const auto ports = ports_of(seen);
  const Table table = table_at(primary_table(ports)->slot);
  return fit_lanes(context, Lanes{context, method, all, table, whole_blocks(batch_rows > 0 ? batch_rows : default_batch), {}}, params, pieces);
}

Result<Box> fit_stream(Context& context, const Method& method, Box inputs, const std::shared_ptr<TableStream>& given, const void* params) {
  const auto stream = rebatch(given, default_batch);  // batches begin at whole blocks
  PLIMSOLL_TRY(Box state, method.merge_.start(context, params));
  for (int pass = 0; pass < most_passes; ++pass) {
    if (pass > 0) PLIMSOLL_CHECK(stream->rewind());
    context.progress.begin("fit", stream->rows_hint(), "rows");
    bool first = true;
    while (true) {
      PLIMSOLL_CHECK(context.stop.check());
      PLIMSOLL_TRY(std::optional<Table> batch, stream->next());
      if (!batch && !first) break;
      if (!batch) {
        PLIMSOLL_TRY(batch, read_all(*stream));  // no rows, but columns: the method says what it thinks of that
      }
      const Box piece = batch_inputs(inputs, *batch, first);
      first = false;
      PLIMSOLL_CHECK(method.merge_.update(context, state.get(), piece.get()));
      context.progress.advance(batch->rows());
    }
    context.progress.end();
    PLIMSOLL_TRY(Method::Merge::Finished finished, method.merge_.finish(context, state.get(), params));
    if (finished.model) return std::move(finished.model);
    state = std::move(finished.next);
  }
  return endless();
}

}  // namespace plimsoll
