// SPDX-License-Identifier: Apache-2.0
#include "gateway/exchange.h"

#include <gtest/gtest.h>

#include "base/philox.h"
#include "gateway/planted_text.h"

namespace plimsoll::gateway {
namespace {

constexpr std::string_view chat_policy = R"([[detector]]
name = "personal"
[[rule]]
id = "redact-all"
finding = ["email", "card", "key", "phone", "iban", "jwt", "private_key", "ip", "secret"]
action = "redact"
)";

std::shared_ptr<const Policy> policy_of(std::string_view text) {
  auto policy = parse_policy(text, "p.toml");
  EXPECT_TRUE(policy.ok()) << policy.error().message();
  return policy.value();
}

TEST(Policy, MistakesAreNamedWithTheirLine) {
  const std::string head = "[[detector]]\nname = \"a\"\n";
  struct Case {
    std::string text;
    std::int64_t line;
    const char* word;
  };
  for (const Case& each : std::vector<Case>{{"x = 1\n", 1, "no key 'x'"},
                                            {head + "typo = 1\n", 3, "typo"},
                                            {head + "detectors = [\"emial\"]\n", 3, "emial"},
                                            {head + "on_error = \"opne\"\n", 3, "opne"},
                                            {head + "[[rule]]\nid = \"r\"\naction = \"blokc\"\n", 5, "blokc"},
                                            {head + "[[rule]]\nid = \"r\"\naction = \"block\"\nscore_at_least = 2\n", 6, "score"},
                                            {head + "[[rule]]\nid = \"r\"\naction = \"block\"\nguard = [\"b\"]\n", 6, "'b'"},
                                            {head + "[[rule]]\nid = \"r\"\naction = \"block\"\n[[rule]]\nid = \"r\"\naction = \"block\"\n", 0, "twice"},
                                            {head + "[detector.patterns]\nx = \"a*\"\n", 0, "upper bound"},
                                            {head + "[limits]\nbody_bytes = 0\n", 4, "body_bytes"},
                                            {head + "[[key]]\nname = \"k\"\nsha256 = \"x\"\n", 5, "64"},
                                            {head + "[log]\nmode = \"beside\"\n", 4, "beside"},
                                            {head + "[[detector]]\nname = \"b\"\n", 0, "two detectors"},
                                            {"not toml [", 1, ""}}) {
    const auto policy = parse_policy(each.text, "p.toml");
    ASSERT_FALSE(policy.ok()) << each.text;
    EXPECT_EQ(policy.error().code, ErrorCode::bad_document) << each.text;
    if (each.line > 0) {
      EXPECT_EQ(policy.error().line, each.line) << policy.error().message();
    }
    EXPECT_NE(policy.error().message().find(each.word), std::string::npos) << policy.error().message();
  }
}

TEST(Policy, ExamplesAreTaken) {
  for (const char* name : {"chat", "tools", "shadow"}) {
    const auto document = read_document(std::string(PLIMSOLL_SOURCE_DIR) + "/examples/gateway/" + name + ".toml");
    ASSERT_TRUE(document.ok()) << name;
    const auto policy = read_policy(document.value());
    EXPECT_TRUE(policy.ok()) << policy.error().message();
  }
}

TEST(Exchange, ACallWithMoneyInItWaitsForAPerson) {
  const auto policy = read_policy(read_document(std::string(PLIMSOLL_SOURCE_DIR) + "/examples/gateway/tools.toml").value()).value();
  const auto answer = [&policy](const std::string& tool, const std::string& arguments) {
    Exchange exchange(policy, Dialect::chat, {});
    return exchange.answer("{\"choices\":[{\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"" + tool + "\",\"arguments\":\"" + json_escaped(arguments) + "\"}}]}}]}")->action;
  };
  EXPECT_EQ(answer("transfer_funds", "{\"n\":5}"), Action::escalate);
  EXPECT_EQ(answer("run", "{\"sql\":\"drop table t\"}"), Action::escalate);
  EXPECT_EQ(answer("run", "{\"sql\":\"select 1\"}"), Action::allow);
}

TEST(Decision, TheStrongestRuleWinsAndReplaysBitForBit) {
  const auto policy = policy_of(R"([[detector]]
name = "personal"
on_error = "escalate"
[[rule]]
id = "mail"
finding = ["email"]
action = "redact"
[[rule]]
id = "card-out"
finding = ["card"]
stage = ["output"]
action = "block"
[[rule]]
id = "money"
tool = ["pay*"]
stage = ["tool_call"]
action = "escalate"
[[rule]]
id = "try"
finding = ["email"]
action = "block"
mode = "shadow"
)");
  Case seen{"req-1", "chat", "t", "", Stage::input, {{Source::user, ""}}, {}, {{"personal", Status::ok, "", {{"email", 0, 3, 9, 1}, {"card", 0, 10, 20, 1}}}}};
  Decision decision = decide(*policy, seen);
  EXPECT_EQ(decision.action, Action::redact);
  EXPECT_EQ(decision.rule, "mail");
  EXPECT_EQ(decision.shadow, Action::block);
  EXPECT_EQ(decision.shadow_rule, "try");
  EXPECT_EQ(decision.redacted, (std::vector<std::vector<bool>>{{true, false}}));
  seen.stage = Stage::output;
  EXPECT_EQ(decide(*policy, seen).action, Action::block);
  seen.stage = Stage::tool_call;
  seen.pieces[0].tool = "pay_bill";
  EXPECT_EQ(decide(*policy, seen).rule, "money");
  seen.seen[0].status = Status::timeout;
  seen.pieces[0].tool = "look";
  decision = decide(*policy, seen);
  EXPECT_EQ(decision.action, Action::escalate);
  EXPECT_EQ(decision.rule, "on_error");
  const std::string record = record_of(*policy, seen, decision);
  const Recorded back = read_record(record).value();
  EXPECT_TRUE(same(back, decide(*policy, back.seen)));
  EXPECT_EQ(record_of(*policy, back.seen, decide(*policy, back.seen)), record);
  EXPECT_FALSE(read_record("{}").ok());
  EXPECT_FALSE(read_record("x").ok());
}

TEST(Exchange, RequestsOfAllDialectsKeepTheirOtherBytes) {
  struct Case {
    Dialect dialect;
    std::string before, after;
  };
  for (const Case& each : std::vector<Case>{
           {Dialect::chat, R"({"model":"m","new_field":{"x":1.50},"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"I am a@b.example"},{"type":"image_url","image_url":{"url":"u"}}]}]})",
            R"({"model":"m","new_field":{"x":1.50},"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"I am [EMAIL_1]"},{"type":"image_url","image_url":{"url":"u"}}]}]})"},
           {Dialect::chat, R"({"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"send","arguments":"{\"to\":\"a\\u0040b.example\",\"n\":1.0}"}}]},{"role":"tool","content":"got a@b.example"}]})",
            R"({"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"send","arguments":"{\"to\":\"[EMAIL_1]\",\"n\":1.0}"}}]},{"role":"tool","content":"got [EMAIL_1]"}]})"},
           {Dialect::completions, R"({"prompt":["x a@b.example"]})", R"({"prompt":["x [EMAIL_1]"]})"},
           {Dialect::embeddings, R"({"input":["4111111111111111","b"]})", R"({"input":["[CARD_1]","b"]})"},
           {Dialect::responses, R"({"instructions":"for a@b.example","input":[{"role":"user","content":[{"type":"input_text","text":"c@d.example"}]},{"type":"function_call_output","output":"c@d.example"}]})",
            R"({"instructions":"for [EMAIL_1]","input":[{"role":"user","content":[{"type":"input_text","text":"[EMAIL_2]"}]},{"type":"function_call_output","output":"[EMAIL_2]"}]})"},
           {Dialect::messages, R"({"system":"s","messages":[{"role":"user","content":"a@b.example"},{"role":"user","content":[{"type":"tool_result","content":[{"type":"text","text":"a@b.example"}]}]}]})",
            R"({"system":"s","messages":[{"role":"user","content":"[EMAIL_1]"},{"role":"user","content":[{"type":"tool_result","content":[{"type":"text","text":"[EMAIL_1]"}]}]}]})"}}) {
    Exchange exchange(policy_of(chat_policy), each.dialect, {});
    const auto verdict = exchange.request(each.before);
    ASSERT_TRUE(verdict.ok()) << verdict.error().message();
    EXPECT_EQ(verdict->body, each.after);
    EXPECT_EQ(verdict->action, Action::redact);
    EXPECT_FALSE(exchange.take_records().empty());
  }
  Exchange exchange(policy_of(chat_policy), Dialect::chat, {});
  EXPECT_EQ(exchange.request(R"({"messages":[],"messages":[]})").error().code, ErrorCode::bad_document);
  EXPECT_FALSE(exchange.request("[1]").ok());
}

TEST(Exchange, AnswersAndBlocks) {
  Exchange exchange(policy_of(std::string(chat_policy) + "[[rule]]\nid = \"no-keys\"\nfinding = [\"key\"]\nstage = [\"output\"]\naction = \"block\"\n"), Dialect::chat, {});
  const auto answer = exchange.answer(R"({"choices":[{"message":{"role":"assistant","content":"mail a@b.example"}}]})");
  EXPECT_EQ(answer->body, R"({"choices":[{"message":{"role":"assistant","content":"mail [EMAIL_1]"}}]})");
  EXPECT_EQ(exchange.answer(R"({"choices":[{"message":{"content":"AKIAIOSFODNN7EXAMPLE"}}]})")->action, Action::block);
  EXPECT_EQ(exchange.strongest_rule(), "no-keys");
}

TEST(Exchange, AGuardWithoutAnswerIsNoSafeOne) {
  const std::string text = "[[detector]]\nname = \"model\"\ntype = \"guard.other\"\non_error = \"";
  for (const auto& [on_error, action] : {std::pair{"open", Action::allow}, {"closed", Action::block}, {"escalate", Action::escalate}}) {
    Exchange exchange(policy_of(text + on_error + "\"\n"), Dialect::chat, {}, [](const GuardSpec&, const Event&) { return Findings{Status::timeout, "late", {}}; });
    EXPECT_EQ(exchange.request(R"({"messages":[{"role":"user","content":"x"}]})")->action, action) << on_error;
  }
}

std::string chat_event(const std::string& text) { return "data: {\"id\":\"c\",\"x\":1.0,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + json_escaped(text) + "\"},\"finish_reason\":null}]}\n\n"; }

// What a client that joins the pieces reads.
std::string joined(Dialect dialect, const std::string& stream) {
  SseReader reader;
  std::string out;
  const std::vector<SseEvent> events = reader.push(stream).value();
  for (const SseEvent& event : events) {
    if (event.data == "[DONE]") continue;
    const JsonText json = JsonText::parse(event.data).value();
    for (const StreamSlots::Delta& delta : stream_slots(dialect, json).deltas) out += json.string(delta.node);
  }
  return out;
}

TEST(Exchange, StreamsCutAnywhereLoseNoSecretAndNoByte) {
  Stream rng(3);
  for (int round = 0; round < 150; ++round) {
    const Planted planted = planted_text(rng, 6, 2);
    std::string wire = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"},\"finish_reason\":null}]}\n\n";
    for (std::size_t at = 0; at < planted.text.size();) {
      std::size_t length = static_cast<std::size_t>(1 + rng.below(9));
      while (at + length < planted.text.size() && (static_cast<unsigned char>(planted.text[at + length]) & 0xC0u) == 0x80u) ++length;
      wire += chat_event(planted.text.substr(at, length));
      at += length;
    }
    wire += "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    Exchange exchange(policy_of(chat_policy), Dialect::chat, {});
    std::string out;
    for (std::size_t at = 0; at < wire.size();) {
      const auto length = static_cast<std::size_t>(1 + rng.below(200));
      out += exchange.stream(std::string_view(wire).substr(at, length)).value();
      at += length;
    }
    out += exchange.stream_end().value();
    ASSERT_EQ(joined(Dialect::chat, out), planted.redacted);
    ASSERT_LT(out.rfind("finish_reason\":\"stop\""), out.find("[DONE]"));
    ASSERT_EQ(exchange.take_records().size(), 1u);
  }
}

TEST(Exchange, ACleanStreamPassesByteForByte) {
  const std::string wire = ": hello\n\nid: 7\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Good day. \"}}],\"usage\":null}\r\n\r\ndata: [DONE]\n\n";
  Exchange exchange(policy_of(chat_policy), Dialect::chat, {});
  EXPECT_EQ(exchange.stream(wire).value() + exchange.stream_end().value(), wire);
}

TEST(Exchange, ToolArgumentsSplitOverChunksAreJudgedWhole) {
  const auto piece = [](const std::string& text) { return "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"send\",\"arguments\":\"" + json_escaped(text) + "\"}}]}}]}\n\n"; };
  Exchange exchange(policy_of(chat_policy), Dialect::chat, {});
  std::string out = exchange.stream(piece("{\"to\":\"a\\u00") + piece("40b.exa") + piece("mple\"}")).value();
  EXPECT_EQ(joined(Dialect::chat, out), "");
  out += exchange.stream("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n").value();
  EXPECT_EQ(joined(Dialect::chat, out), "{\"to\":\"[EMAIL_1]\"}");
}

TEST(Exchange, OtherStreamDialects) {
  Exchange messages(policy_of(chat_policy), Dialect::messages, {});
  const auto delta = [](const std::string& text) { return "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" + text + "\"}}\n\n"; };
  std::string out = messages.stream(delta("mail a@b.ex") + delta("ample") + "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n").value();
  EXPECT_EQ(joined(Dialect::messages, out), "mail [EMAIL_1]");
  EXPECT_NE(out.find("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"[EMAIL_1]\"}}"), std::string::npos);
  Exchange responses(policy_of(chat_policy), Dialect::responses, {});
  const std::string place = "\"item_id\":\"i\",\"output_index\":0,\"content_index\":0";
  const std::string wire = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\"," + place + ",\"delta\":\"a@b.ex\"}\n\nevent: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\"," + place +
                           ",\"delta\":\"ample\"}\n\nevent: response.output_text.done\ndata: {\"type\":\"response.output_text.done\"," + place + ",\"text\":\"a@b.example\"}\n\n";
  out = responses.stream(wire).value();
  EXPECT_EQ(joined(Dialect::responses, out), "[EMAIL_1]");
  EXPECT_EQ(out.find("a@b"), std::string::npos);
  EXPECT_NE(out.find("\"text\":\"[EMAIL_1]\""), std::string::npos);
}

TEST(Exchange, BlockedStreamsStop) {
  Exchange exchange(policy_of("[[detector]]\nname = \"p\"\n[[rule]]\nid = \"b\"\nfinding = [\"key\"]\naction = \"block\"\n"), Dialect::chat, {});
  const std::string out = exchange.stream(chat_event("see AKIAIOSFODNN7EXAMPLE ") + chat_event("more")).value();
  EXPECT_TRUE(exchange.stopped());
  EXPECT_EQ(out.find("AKIA"), std::string::npos);
  EXPECT_EQ(out.find("more"), std::string::npos);
  EXPECT_NE(out.find("guard_block"), std::string::npos);
  EXPECT_TRUE(out.ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(exchange.stream(chat_event("more")).value(), "");
}

TEST(Exchange, StreamsThatAreNoneAreErrors) {
  Exchange exchange(policy_of(chat_policy), Dialect::chat, {});
  EXPECT_EQ(exchange.stream("<html>\n\n").error().code, ErrorCode::unparsed);
  EXPECT_FALSE(exchange.stream("data: {\"a\":1,\"a\":2}\n\n").ok());
  SseReader reader(100);
  EXPECT_EQ(reader.push(std::string(200, 'x')).error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace plimsoll::gateway
