// SPDX-License-Identifier: Apache-2.0
#include "methods/guard/spans/spans.h"

#include <gtest/gtest.h>

#include "engine/workspace.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::guard::spans {
namespace {

// Each piece redacted by itself: a secret that lies across a cut passes.
Result<Box> piece_by_piece(Context&, const void* model, const void* inputs, const void*) {
  const auto& params = *static_cast<const Params*>(model);
  const auto detectors = gateway::Detectors::compile({params.detectors, params.patterns, params.words, params.ignore_case}).value();
  const auto texts = static_cast<const Inputs*>(inputs)->data.texts("words").value();
  std::vector<std::string> out;
  for (const std::string& text : texts) {
    gateway::Names names;
    std::string done;
    for (std::size_t at = 0; at < text.size(); at += 200) {
      const std::string piece = text.substr(at, 200);
      done += gateway::redact(piece, detectors->find(piece), *detectors, names);
    }
    out.push_back(done);
  }
  Outputs outputs;
  outputs.rows = TableBuilder().text("redacted", std::move(out)).build().value();
  return Box::of(std::move(outputs));
}

const SpoiledForm spoiled{"guard.spans", "detectors that see each piece of 200 bytes by itself", [](Subject& subject) { subject.replace_apply(&piece_by_piece); }};

Table texts_of(std::vector<std::string> texts) { return TableBuilder().text("t", std::move(texts)).build().value().with_roles({{"text", {"t"}}}); }

TEST(GuardSpans, TableOfTexts) {
  Workspace workspace({.backend = Backend::serial});
  const Table table = texts_of({"mail a@b.example", "nothing", "4111 1111 1111 1111 and a@b.example"});
  for (const std::int64_t pieces : {0, 1, 7}) {
    const auto out = apply(workspace.context(), Params{}, Inputs{table}, Options{pieces});
    ASSERT_TRUE(out.ok()) << out.error().message();
    EXPECT_EQ(out.value().found, 3);
    EXPECT_EQ(out.value().rows.texts("redacted").value(), (std::vector<std::string>{"mail [EMAIL_1]", "nothing", "[CARD_1] and [EMAIL_1]"}));
    EXPECT_EQ(out.value().rows.texts("detectors").value(), (std::vector<std::string>{"email", "", "card,email"}));
  }
}

TEST(GuardSpans, StepKeepsNamesOfTheConversation) {
  Workspace workspace({.backend = Backend::serial});
  State state;
  gateway::Event event;
  event.pieces = {{"I am a@b.example", gateway::Source::user, ""}, {"c@d.example", gateway::Source::tool, "search"}};
  const auto first = step(workspace.context(), Params{}, state, event);
  ASSERT_TRUE(first.ok());
  ASSERT_EQ(first.value().found.size(), 2u);
  EXPECT_EQ(first.value().found[1].piece, 1);
  EXPECT_EQ(first.value().found[1].replacement, "[EMAIL_2]");
  event.pieces = {{"c@d.example again", gateway::Source::user, ""}};
  const auto second = step(workspace.context(), Params{}, state, event);
  EXPECT_EQ(second.value().found[0].replacement, "[EMAIL_2]");
  EXPECT_EQ(second.value().found[0].begin, 0);
  EXPECT_EQ(second.value().found[0].end, 11);
  EXPECT_EQ(second.value().status, gateway::Status::ok);
}

TEST(GuardSpans, BadInput) {
  Workspace workspace({.backend = Backend::serial});
  Params params;
  params.detectors = {"cards"};
  EXPECT_EQ(check(params).error().code, ErrorCode::unknown_name);
  params = {};
  params.patterns = {{"x", "a*"}};
  EXPECT_EQ(check(params).error().code, ErrorCode::bad_parameter);
  const Table bare = TableBuilder().text("t", {"a"}).build().value();
  EXPECT_EQ(apply(workspace.context(), Params{}, Inputs{bare}, Options{}).error().code, ErrorCode::missing_input);
  const auto invalid = apply(workspace.context(), Params{}, Inputs{texts_of({std::string("\xff\xfe a@b.example"), ""})}, Options{});
  ASSERT_TRUE(invalid.ok());  // bytes that are no UTF-8 pass as they are
  EXPECT_EQ(invalid.value().found, 1);
}

}  // namespace
}  // namespace plimsoll::guard::spans
