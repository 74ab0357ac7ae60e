// SPDX-License-Identifier: Apache-2.0
#include "gateway/exchange.h"

#include <algorithm>
#include <array>

namespace plimsoll::gateway {
namespace {

void strings_below(const JsonText& json, std::uint32_t node, std::vector<std::uint32_t>& out) {
  if (json.is(node, JsonKind::string)) out.push_back(node);
  for (const std::uint32_t child : json.children(node)) strings_below(json, child, out);
}

struct Cut {
  std::size_t begin, end;
  std::string with;
};

std::string cut_into(const std::string& text, std::vector<Cut> cuts) {
  std::stable_sort(cuts.begin(), cuts.end(), [](const Cut& a, const Cut& b) { return a.begin < b.begin || (a.begin == b.begin && a.end > b.end); });
  std::string out;
  std::size_t at = 0;
  for (const Cut& cut : cuts) {
    if (cut.end > text.size() || cut.end <= at) continue;
    out.append(text, at, std::max(at, cut.begin) - at);
    if (cut.begin >= at) out += cut.with;  // of two that overlap the first is named, and both are gone
    at = cut.end;
  }
  return out.append(text, at, std::string::npos);
}

}  // namespace

Exchange::Exchange(std::shared_ptr<const Policy> policy, Dialect dialect, ExchangeInfo info, Look look)
    : policy_(std::move(policy)), dialect_(dialect), info_(std::move(info)), look_(std::move(look)) {
  for (const GuardSpec& guard : policy_->guards) {
    if (!guard.looks_at(Stage::output)) continue;
    if (guard.spans) spans_ = &guard;
    else gather_ = true;
  }
}

Seen Exchange::look_at(const GuardSpec& guard, const Event& event, std::vector<std::string>& replacements) const {
  Seen out;
  out.guard = guard.name;
  if (guard.spans) {
    for (std::size_t i = 0; i < event.pieces.size(); ++i)
      for (const Span& span : guard.spans->find(event.pieces[i].text)) {
        out.found.push_back({guard.spans->name(span.detector), static_cast<std::int64_t>(i), static_cast<std::int64_t>(span.begin), static_cast<std::int64_t>(span.end), 1});
        replacements.emplace_back();
      }
    return out;
  }
  Findings findings;
  if (look_) findings = look_(guard, event);
  else findings = {Status::skipped, "no one runs this detector", {}};
  out.status = findings.status;
  out.reason = findings.reason;
  for (Found& found : findings.found) {
    out.found.push_back({std::move(found.detector), found.piece, found.begin, found.end, found.score});
    replacements.push_back(std::move(found.replacement));
  }
  return out;
}

Decision Exchange::conclude(const Case& seen, Verdict& verdict) {
  Decision decision = decide(*policy_, seen);
  for (const Seen& each : seen.seen)
    for (const SeenSpan& span : each.found) ++counts_[span.detector];
  if (decision.action > verdict.action || verdict.rule.empty()) {
    if (decision.action >= verdict.action) {
      verdict.action = decision.action;
      verdict.rule = decision.rule;
    }
  }
  if (decision.action > strongest_) {
    strongest_ = decision.action;
    strongest_rule_ = decision.rule;
  }
  records_.push_back(record_of(*policy_, seen, decision));
  return decision;
}

std::vector<std::string> Exchange::guard_pieces(Stage stage, std::vector<Piece> pieces, Verdict& verdict) {
  Event event{stage, std::move(pieces), trace_};
  Case seen{info_.id, std::string(name_of(dialect_)), info_.time, info_.key, stage, {}, trace_, {}};
  for (const Piece& piece : event.pieces) seen.pieces.push_back({piece.source, piece.tool});
  std::vector<std::vector<std::string>> replacements;
  for (const GuardSpec& guard : policy_->guards) {
    if (!guard.looks_at(stage)) continue;
    replacements.emplace_back();
    seen.seen.push_back(look_at(guard, event, replacements.back()));
  }
  const Decision decision = conclude(seen, verdict);
  if (stage == Stage::tool_call)
    for (const Piece& piece : event.pieces)
      if (!piece.tool.empty() && (trace_.empty() || trace_.back() != piece.tool)) trace_.push_back(piece.tool);
  std::vector<std::vector<Cut>> cuts(event.pieces.size());
  for (std::size_t g = 0; g < seen.seen.size(); ++g)
    for (std::size_t k = 0; k < seen.seen[g].found.size(); ++k) {
      const SeenSpan& span = seen.seen[g].found[k];
      if (!decision.redacted[g][k] || span.begin < 0 || span.end <= span.begin || span.piece < 0 || static_cast<std::size_t>(span.piece) >= cuts.size()) continue;
      const auto piece = static_cast<std::size_t>(span.piece);
      const auto begin = static_cast<std::size_t>(span.begin);
      const auto end = std::min(static_cast<std::size_t>(span.end), event.pieces[piece].text.size());
      if (end <= begin) continue;
      std::string with = replacements[g][k];
      if (with.empty()) with = names_.of(span.detector, std::string_view(event.pieces[piece].text).substr(begin, end - begin));
      cuts[piece].push_back({begin, end, std::move(with)});
    }
  std::vector<std::string> out;
  for (std::size_t i = 0; i < cuts.size(); ++i) out.push_back(cuts[i].empty() ? std::move(event.pieces[i].text) : cut_into(event.pieces[i].text, std::move(cuts[i])));
  return out;
}

// Text that was gathered whole. Arguments are JSON: their strings are read decoded, and only they are rewritten.
std::string Exchange::guard_gathered(const Slot& slot, const std::string& text, Verdict& verdict) {
  auto inner = slot.arguments ? JsonText::parse(text) : Result<JsonText>(Error(ErrorCode::unparsed, "plain"));
  if (!inner) return guard_pieces(slot.stage, {{text, slot.source, slot.tool}}, verdict).front();
  std::vector<std::uint32_t> nodes;
  strings_below(*inner, inner->root(), nodes);
  std::vector<Piece> pieces;
  for (const std::uint32_t node : nodes) pieces.push_back({inner->string(node), slot.source, slot.tool});
  if (pieces.empty()) pieces.push_back({text, slot.source, slot.tool});
  const std::vector<Piece> before = pieces;
  const std::vector<std::string> after = guard_pieces(slot.stage, std::move(pieces), verdict);
  if (nodes.empty()) return after.front();
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (after[i] != before[i].text) inner->replace(nodes[i], after[i]);
  return inner->written();
}

void Exchange::guard_slots(JsonText& body, const std::vector<Slot>& slots, Verdict& verdict) {
  constexpr std::array<Stage, 6> order = {Stage::tool_spec, Stage::input, Stage::retrieval, Stage::tool_result, Stage::tool_call, Stage::output};
  for (const Stage stage : order) {
    std::vector<Piece> pieces;
    std::vector<std::uint32_t> nodes;
    for (const Slot& slot : slots) {
      if (slot.stage != stage) continue;
      if (slot.arguments) {
        const std::string text = body.string(slot.node);
        if (std::string after = guard_gathered(slot, text, verdict); after != text) body.replace(slot.node, after);
        continue;
      }
      pieces.push_back({body.string(slot.node), slot.source, slot.tool});
      nodes.push_back(slot.node);
    }
    if (pieces.empty()) continue;
    const std::vector<std::string> after = guard_pieces(stage, std::move(pieces), verdict);
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (after[i] != body.string(nodes[i])) body.replace(nodes[i], after[i]);
  }
}

Result<Verdict> Exchange::request(std::string text) {
  PLIMSOLL_TRY(JsonText body, JsonText::parse(std::move(text)));
  if (!body.is(body.root(), JsonKind::object)) return Error(ErrorCode::bad_document, "the body is no JSON object", "Send a request of the dialect.");
  Verdict verdict;
  verdict.stream = wants_stream(body);
  guard_slots(body, request_slots(dialect_, body), verdict);
  verdict.body = body.written();
  return verdict;
}

Result<Verdict> Exchange::answer(std::string text) {
  PLIMSOLL_TRY(JsonText body, JsonText::parse(std::move(text)));
  Verdict verdict;
  guard_slots(body, answer_slots(dialect_, body), verdict);
  verdict.body = body.written();
  return verdict;
}

std::vector<std::string> Exchange::take_records() { return std::exchange(records_, {}); }

Exchange::Channel& Exchange::channel_of(const StreamSlots::Delta& delta) {
  const auto found = channels_.find(delta.channel);
  if (found != channels_.end()) return found->second;
  Channel& made = channels_[delta.channel];
  made.slot = {0, delta.arguments ? Stage::tool_call : Stage::output, Source::model, delta.tool, delta.arguments};
  made.whole = delta.arguments || gather_ || !spans_;
  if (!made.whole) {
    const auto redacts = [this](std::size_t detector) {
      return action_for(*policy_, Stage::output, spans_->name, {spans_->spans->name(detector), 0, 0, 0, 1}, {Source::model, {}}) >= Action::redact;
    };
    made.text = std::make_unique<Holdback>(spans_->spans, &names_, redacts);
  }
  return made;
}

void Exchange::tell(Channel& channel) {
  for (; channel.told < channel.text->found().size(); ++channel.told) {
    const std::string& detector = spans_->spans->name(channel.text->found()[channel.told]);
    stream_found_.push_back({detector, 0, 0, 0, 1});
    if (action_for(*policy_, Stage::output, spans_->name, stream_found_.back(), {Source::model, {}}) >= Action::escalate) stopped_ = true;
  }
}

std::string Exchange::push(Channel& channel, std::string_view text) {
  if (channel.whole) {
    channel.gathered += text;
    return {};
  }
  std::string out = channel.text->push(text);
  tell(channel);
  return out;
}

std::string Exchange::finish(Channel& channel) {
  if (!channel.whole) {
    std::string out = channel.text->finish();
    tell(channel);
    return out;
  }
  if (channel.gathered.empty()) return {};
  Verdict verdict;
  std::string out = guard_gathered(channel.slot, std::exchange(channel.gathered, {}), verdict);
  if (verdict.action >= Action::escalate) {
    stopped_ = true;
    return {};
  }
  return out;
}

std::string Exchange::carried(const Channel& channel, const std::string& text) {
  JsonText copy = *channel.last;
  for (const std::uint32_t node : channel.last_nodes) copy.replace(node, node == channel.node ? std::string_view(text) : std::string_view());
  return sse_text(channel.event_name, copy.written());
}

// Ends the channels under a prefix: what they still hold goes into this event if it has a place for it, else into one before it.
std::string Exchange::close(const std::string& prefix, JsonText&, const std::vector<StreamSlots::Delta>& deltas, std::map<std::uint32_t, std::string>& texts) {
  std::string before;
  for (auto at = channels_.begin(); at != channels_.end();) {
    if (!at->first.starts_with(prefix)) {
      ++at;
      continue;
    }
    const std::string rest = finish(at->second);
    const auto here = std::find_if(deltas.begin(), deltas.end(), [&at](const StreamSlots::Delta& d) { return d.channel == at->first; });
    if (here != deltas.end()) texts[here->node] += rest;
    else if (!rest.empty() && at->second.last && !stopped_) before += carried(at->second, rest);
    at = channels_.erase(at);
  }
  return before;
}

Result<std::string> Exchange::stream_event(const SseEvent& event) {
  if (!event.has_data) return event.raw;
  if (event.data == "[DONE]") {
    JsonText none;
    std::map<std::uint32_t, std::string> texts;
    std::string before = close("", none, {}, texts);
    return stopped_ ? before + stop_text() : before + event.raw;
  }
  PLIMSOLL_TRY(JsonText json, JsonText::parse(event.data));
  StreamSlots slots = stream_slots(dialect_, json);
  std::map<std::uint32_t, std::string> texts;
  std::vector<std::uint32_t> nodes;
  for (const StreamSlots::Delta& delta : slots.deltas) nodes.push_back(delta.node);
  for (const StreamSlots::Delta& delta : slots.deltas) {
    Channel& channel = channel_of(delta);
    if (!delta.tool.empty()) channel.slot.tool = delta.tool;
    texts[delta.node] += push(channel, json.string(delta.node));
  }
  std::string before;
  for (const std::string& prefix : slots.closing) before += close(prefix, json, slots.deltas, texts);
  if (!slots.deltas.empty()) {
    const auto last = std::make_shared<const JsonText>(json);
    for (const StreamSlots::Delta& delta : slots.deltas) {
      const auto channel = channels_.find(delta.channel);
      if (channel == channels_.end()) continue;
      channel->second.last = last;
      channel->second.last_nodes = nodes;
      channel->second.node = delta.node;
      channel->second.event_name = event.name;
    }
  }
  Verdict verdict;
  if (slots.deltas.empty() && slots.whole.empty()) {  // an event of no known shape does not pass unread
    std::vector<std::uint32_t> all;
    strings_below(json, json.root(), all);
    for (const std::uint32_t node : all) slots.whole.push_back({node, Stage::output, Source::model, {}, false});
    if (spans_ && !gather_) std::erase_if(slots.whole, [&](const Slot& slot) { return spans_->spans->find(json.string(slot.node)).empty(); });
  }
  if (!slots.whole.empty()) guard_slots(json, slots.whole, verdict);
  if (verdict.action >= Action::escalate) stopped_ = true;
  for (const auto& [node, text] : texts)
    if (text != json.string(node)) json.replace(node, text);
  if (stopped_) return before + stop_text();
  if (!json.edited()) return before + event.raw;
  const std::size_t at = event.raw.find(event.data);
  if (at == std::string::npos) return before + sse_text(event.name, json.written());
  return before + event.raw.substr(0, at) + json.written() + event.raw.substr(at + event.data.size());
}

Result<std::string> Exchange::stream(std::string_view bytes) {
  streamed_ = true;
  std::string out;
  if (stopped_) return out;
  PLIMSOLL_TRY(const std::vector<SseEvent> events, reader_.push(bytes));
  for (const SseEvent& event : events) {
    PLIMSOLL_TRY(const std::string text, stream_event(event));
    out += text;
    if (stopped_) {
      record_stream();
      break;
    }
  }
  return out;
}

Result<std::string> Exchange::stream_end() {
  if (stopped_) return std::string();
  std::string out;
  if (!reader_.rest().empty()) {
    PLIMSOLL_TRY(out, stream("\n\n"));
  }
  JsonText none;
  std::map<std::uint32_t, std::string> texts;
  if (!stopped_) {
    out += close("", none, {}, texts);
    if (stopped_) out += stop_text();
    record_stream();
  }
  return out;
}

void Exchange::record_stream() {
  if (!spans_ || gather_) return;
  Case seen{info_.id, std::string(name_of(dialect_)), info_.time, info_.key, Stage::output, {{Source::model, {}}}, trace_, {}};
  seen.seen.push_back({spans_->name, Status::ok, {}, std::exchange(stream_found_, {})});
  Verdict verdict;
  conclude(seen, verdict);
}

std::string Exchange::stop_text() const {
  const std::string error = "{\"error\":{\"type\":\"guard_block\",\"message\":\"the answer was stopped by a rule\",\"request_id\":\"" + json_escaped(info_.id) + "\"}}";
  if (dialect_ == Dialect::messages) return sse_text("error", "{\"type\":\"error\"," + error.substr(1));
  return sse_text({}, error) + sse_text({}, "[DONE]");
}

}  // namespace plimsoll::gateway
