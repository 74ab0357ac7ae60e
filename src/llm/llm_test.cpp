// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "base/child_process.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/workspace.h"
#include "llm/dialect.h"
#include "llm/endpoints.h"
#include "llm/http_exchange.h"
#include "llm/prompt_template.h"
#include "llm/server_events.h"
#include "llm/transcript.h"
#include "llm/verdict.h"

namespace plimsoll::llm {
namespace {

Ask chat(std::string text) {
  Ask ask;
  ask.messages = {{"user", std::move(text)}};
  ask.top_logprobs = 5;
  return ask;
}

EndpointSpec script() {
  EndpointSpec spec;
  spec.provider = Provider::scripted;
  spec.rules = {{"bomb", "", "unsafe", {" unsafe", "unsafe", "safe"}, {std::log(0.5), std::log(0.25), std::log(0.2)}, "ok"},
                {"", "nothing", "", {}, {}, "timeout"},
                {"", "", "safe", {}, {}, "ok"}};
  return spec;
}

TEST(LlmUrl, TakesAddressesAndRefusesTheRest) {
  const Url url = parse_url("https://host.example/v1/").value();
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host + "|" + url.port + "|" + url.path, "host.example|443|/v1");
  EXPECT_EQ(parse_url("http://[::1]:8080").value().host, "::1");
  EXPECT_TRUE(parse_url("http://127.0.0.1:1/v1")->loopback());
  for (const char* bad : {"", "ftp://a", "http://", "http://a:0", "http://a:99174", "http://a:x", "http://u@a", "http://a?b", "http://a b", "http://[::1"}) {
    EXPECT_FALSE(parse_url(bad).ok()) << bad;
  }
}

std::vector<std::string> events_of(const std::vector<std::string>& pieces, bool& fine) {
  std::vector<std::string> out;
  ServerEvents events(64);
  for (const std::string& piece : pieces) {
    auto fed = events.feed(piece, [&out](std::string_view data) {
      out.emplace_back(data);
      return true;
    });
    fine = fine && fed.ok();
  }
  return out;
}

TEST(LlmEvents, DoNotHangOnTheCuts) {
  const std::string stream = "\xEF\xBB\xBF" "data: a\r\n\r\n: comment\ndata:b\ndata: c\n\nevent: x\nid: 1\n\ndata\n\rdata:  d\r\rdata: torn";
  const std::vector<std::string> wanted = {"a", "b\nc", "", " d"};
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    for (std::size_t second = cut; second <= stream.size(); ++second) {
      bool fine = true;
      ASSERT_EQ(events_of({stream.substr(0, cut), stream.substr(cut, second - cut), stream.substr(second)}, fine), wanted) << cut << " " << second;
      ASSERT_TRUE(fine);
    }
  }
  bool fine = true;
  events_of({"data: " + std::string(80, 'x')}, fine);
  EXPECT_FALSE(fine);
}

TEST(LlmDialect, WritesRequests) {
  Ask ask = chat("hi");
  ask.seed = 3;
  ask.json_schema = "{\"type\":\"object\"}";
  const Json body = request_json(ask, "m", {{"cache_prompt", false}, {"model", "forged"}}, true);
  EXPECT_EQ(body["model"], "m");
  EXPECT_EQ(body["cache_prompt"], false);
  EXPECT_EQ(body["logprobs"], true);
  EXPECT_EQ(body["stream"], true);
  EXPECT_EQ(body["response_format"]["json_schema"]["schema"]["type"], "object");
  ask.messages.clear();
  ask.prompt = "go on";
  EXPECT_EQ(request_json(ask, "m", {}, false)["logprobs"], 5);
  EXPECT_EQ(path_of(ask), "/completions");
  for (const auto& spoil : {+[](Ask& a) { a.prompt = "\xFF"; }, +[](Ask& a) { a.most_tokens = 0; }, +[](Ask& a) { a.messages = {{"tool", "x"}}; },
                            +[](Ask& a) { a.json_schema = "{"; }, +[](Ask& a) { a.temperature = std::nan(""); }}) {
    Ask bad = ask;
    spoil(bad);
    EXPECT_FALSE(check(bad).ok());
  }
}

TEST(LlmDialect, ReadsRepliesAndRefusesWhatIsNone) {
  const Answer answer = answer_of_reply(
      R"({"model":"x","choices":[{"finish_reason":"stop","message":{"content":"No","reasoning_content":"hm"},"logprobs":{"content":[)"
      R"({"token":"No","logprob":-0.5,"top_logprobs":[{"token":"No","logprob":-0.5},{"token":"Yes","logprob":-1}]}]}}],)"
      R"("usage":{"prompt_tokens":9,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":4}}})");
  EXPECT_EQ(answer.status, "ok");
  EXPECT_EQ(answer.text + "|" + answer.reasoning + "|" + answer.finish + "|" + answer.model, "No|hm|stop|x");
  ASSERT_EQ(answer.tokens.size(), 1u);
  EXPECT_EQ(answer.tokens[0].top[1], (std::pair<std::string, double>("Yes", -1)));
  EXPECT_EQ(answer.tokens_in * 100 + answer.tokens_cached * 10 + answer.tokens_out, 941);
  const Answer old = answer_of_reply(R"({"choices":[{"text":"a","logprobs":{"tokens":["a"],"token_logprobs":[-1],"top_logprobs":[{"a":-1,"b":-2}]}}]})");
  ASSERT_EQ(old.tokens.size(), 1u);
  EXPECT_EQ(old.tokens[0].top.size(), 2u);
  for (const char* bad : {"", "{", "[]", R"({"choices":[]})", R"({"choices":[3]})", "\xFF", R"({"choices":[{"text":"a"}],"choices":[{"text":"b"}]})",
                          R"({"choices":[{"text":"a","logprobs":{"content":[{"token":"a","logprob":"x"}]}}]})"}) {
    EXPECT_EQ(answer_of_reply(bad).status, "unparsed") << bad;
  }
  EXPECT_FALSE(embeddings_of_reply(R"({"data":[{"index":0,"embedding":[1]}]})", 2).ok());
  EXPECT_FALSE(embeddings_of_reply(R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})", 2).ok());
  EXPECT_EQ(embeddings_of_reply(R"({"data":[{"index":1,"embedding":[1,2]},{"index":0,"embedding":[3,4]}]})", 2).value()[0][1], 4);
}

TEST(LlmOptions, PoolsSpacedVariantsAndSaysTheCoverage) {
  Answer answer;
  answer.tokens = {{"A", -1, {{"A", std::log(0.3)}, {" A", std::log(0.2)}, {"B", std::log(0.1)}, {"I", std::log(0.2)}}}};
  const std::vector<std::string> options = {"A", "B", "C"};
  const auto chances = option_chances(answer, options).value();
  EXPECT_NEAR(std::exp(chances.logprob[0]), 0.5, 1e-12);
  EXPECT_NEAR(chances.coverage, 0.6, 1e-12);
  EXPECT_EQ(chances.logprob[2], -std::numeric_limits<double>::infinity());
  answer.tokens[0].top.emplace_back("C", 0.5);
  EXPECT_EQ(option_chances(answer, options).error().code, ErrorCode::upstream);
  EXPECT_EQ(option_chances(Answer{}, options).error().code, ErrorCode::missing_input);
}

Answer said(std::string text) {
  Answer answer;
  answer.text = std::move(text);
  answer.finish = "stop";
  return answer;
}

TEST(LlmVerdict, ReadsLabelsAndNothingElse) {
  VerdictOptions options;
  options.labels = {"safe", "unsafe"};
  ASSERT_TRUE(check(options).ok());
  EXPECT_TRUE(read_verdict(options, said(" Safe.\n")).is(0));
  EXPECT_TRUE(read_verdict(options, said("UNSAFE")).is(1));
  for (const char* none : {"", "safe unsafe", "I think it is safe", "safe, but", "not safe", "s", "\xFF"}) {
    const Verdict verdict = read_verdict(options, said(none));
    EXPECT_EQ(verdict.status, "unparsed") << none;
    EXPECT_FALSE(verdict.is(0));
  }
  options.form = VerdictForm::field;
  EXPECT_TRUE(read_verdict(options, said(R"({"verdict": "unsafe", "why": "x"})")).is(1));
  for (const char* none : {R"(The text says {"verdict":"safe"}. {"verdict":"unsafe"})", R"({"verdict":"safe","verdict":"unsafe"})", R"({"verdict":1})", "safe"}) {
    EXPECT_EQ(read_verdict(options, said(none)).status, "unparsed") << none;
  }
  options.form = VerdictForm::marked;
  EXPECT_TRUE(read_verdict(options, said("It explains.\nverdict: unsafe\n")).is(1));
  for (const char* none : {"verdict: safe\nverdict: unsafe", "verdict: safe\nand more", "verdict: perhaps", "verdict safe"}) {
    EXPECT_EQ(read_verdict(options, said(none)).status, "unparsed") << none;
  }
  Answer cut = said("x\nverdict: safe");
  cut.finish = "length";
  EXPECT_EQ(read_verdict(options, cut).status, "unparsed");
  Answer failed;
  failed.status = "timeout";
  failed.text = "verdict: safe";
  EXPECT_EQ(read_verdict(options, failed).status, "timeout");
  Answer filtered = said("verdict: safe");
  filtered.finish = "content_filter";
  EXPECT_FALSE(read_verdict(options, filtered).is(0));
  options.labels = {"safe", "SAFE"};
  EXPECT_FALSE(check(options).ok());
}

TEST(LlmVerdict, AForcedWordHasNoMass) {
  VerdictOptions options;
  options.labels = {"safe", "unsafe"};
  Answer answer = said("safe");
  answer.tokens = {{"safe", std::log(0.02), {{"I", std::log(0.9)}, {"safe", std::log(0.02)}, {" unsafe", std::log(0.03)}}}};
  const Verdict forced = read_verdict(options, answer);
  EXPECT_EQ(forced.status, "unparsed");
  EXPECT_NEAR(forced.coverage, 0.05, 1e-12);
  answer.tokens[0].top = {{"safe", std::log(0.3)}, {" safe", std::log(0.2)}, {"unsafe", std::log(0.4)}};
  EXPECT_TRUE(read_verdict(options, answer).is(0));
  EXPECT_TRUE(read_mass(options, answer).is(0));
  answer.tokens[0].top = {{"safe", std::log(0.4)}, {"unsafe", std::log(0.4)}};
  EXPECT_TRUE(read_mass(options, answer).is(0));  // a tie goes by name
  for (const double bad : {0.5, std::nan("")}) {
    answer.tokens[0].top.assign(1, {"safe", bad});
    EXPECT_EQ(read_mass(options, answer).status, "unparsed");
  }
  answer.tokens[0].top = {{"safe", -1e-9}, {"unsafe", std::log(0.5)}};
  EXPECT_EQ(read_mass(options, answer).status, "unparsed");
  options.need_mass = true;
  EXPECT_EQ(read_verdict(options, said("safe")).status, "unparsed");
  options.first_pieces = {"safe", "uns"};
  answer.tokens[0].top = {{" uns", std::log(0.7)}};
  EXPECT_TRUE(read_mass(options, answer).is(1));
}

Result<PromptTemplate> template_of(const std::string& text, const std::string& rest = "version = 2\nvariables = [\"q\", \"policy\"]") {
  auto document = parse_document("id = \"judge.harm\"\n" + rest + "\n[[messages]]\nrole = \"user\"\ntext = '''" + text + "'''\n", "toml", "t.toml");
  if (!document) return document.error();
  return PromptTemplate::parse(*document);
}

TEST(LlmTemplate, FillsValuesAndParts) {
  const auto made = template_of("{{?policy}}Policy: {{policy}}\n{{/policy}}{{open}}q}} {{q}}");
  ASSERT_TRUE(made.ok()) << made.error().message();
  EXPECT_EQ(made->version(), 2);
  EXPECT_EQ(made->fill({{"q", "{{policy}}"}, {"policy", ""}}).value()[0].content, "{{q}} {{policy}}");
  EXPECT_EQ(made->fill({{"q", "x"}, {"policy", "p"}}).value()[0].content, "Policy: p\n{{q}} x");
  EXPECT_EQ(made->fill({{"q", "x"}}).error().code, ErrorCode::missing_input);
  EXPECT_EQ(made->fill({{"q", "x"}, {"policy", ""}, {"polcy", ""}}).error().code, ErrorCode::unknown_name);
  EXPECT_EQ(made->fill({{"q", "\xFF"}, {"policy", ""}}).error().code, ErrorCode::bad_value);
  EXPECT_NE(made->sha256(), template_of("{{q}}")->sha256());
  for (const char* bad : {"{{q", "{{z}}", "{{?q}}", "{{/q}}", "{{?q}}{{?policy}}{{/q}}{{/policy}}", "{{ q }}", "{{q.x}}", "{{}}"}) {
    const auto refused = template_of(bad);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_EQ(refused.error().code, ErrorCode::bad_document);
    EXPECT_GT(refused.error().line.value_or(0), 0) << bad;
  }
  EXPECT_FALSE(template_of("x", "version = 0").ok());
  EXPECT_FALSE(template_of("x", "version = 1\nvariables = [\"open\"]").ok());
  EXPECT_FALSE(template_of("x", "version = 1\ncode = \"import os\"").ok());
}

TEST(LlmScripted, AnswersByItsRules) {
  Workspace workspace({.backend = Backend::serial});
  const EndpointPort port = open_endpoint(script(), workspace.context()).value();
  LanguageModel* model = language_model(port).value();
  const Answer answer = model->ask(chat("how to build a bomb")).value();
  EXPECT_EQ(answer.text, "unsafe");
  EXPECT_EQ(answer.tokens[0].top.size(), 3u);
  EXPECT_EQ(model->ask(chat("nothing"))->status, "timeout");
  EXPECT_EQ(port->complete("how to bake", 5)->text, "safe");
  std::string heard;
  const Answer cut = model->ask(chat("x"), [&](std::string_view piece) {
    heard += piece;
    return false;
  }).value();
  EXPECT_EQ(heard + cut.finish, "safecut");
  EXPECT_FALSE(model->embed({}).ok());
  EndpointSpec bad = script();
  bad.rules[0].logprobs.pop_back();
  EXPECT_FALSE(open_endpoint(bad, workspace.context()).ok());
}

TEST(LlmRecorded, ReplaysByteForByteAndMissesLoudly) {
  Workspace workspace({.backend = Backend::serial});
  const auto folder = workspace.scratch().value();
  EndpointSpec spec = script();
  spec.transcript = "t.jsonl";
  std::vector<std::string> first;
  {
    const EndpointPort port = open_endpoint(spec, workspace.context(), folder).value();
    for (const char* text : {"a bomb", "nothing", "tea"}) first.push_back(canonical_json(to_json(language_model(port).value()->ask(chat(text)).value())));
  }
  EndpointSpec replay;
  replay.provider = Provider::recorded;
  replay.transcript = "t.jsonl";
  const EndpointPort port = open_endpoint(replay, workspace.context(), folder).value();
  LanguageModel* model = language_model(port).value();
  std::vector<std::string> second;
  for (const char* text : {"a bomb", "nothing", "tea"}) second.push_back(canonical_json(to_json(model->ask(chat(text)).value())));
  EXPECT_EQ(first, second);
  const auto miss = model->ask(chat("te"));
  ASSERT_FALSE(miss.ok());
  EXPECT_EQ(miss.error().code, ErrorCode::not_found);
  EXPECT_NE(miss.error().candidates[0].find("\"tea\""), std::string::npos);
  Ask again = chat("tea");
  again.repeat = 1;
  EXPECT_FALSE(model->ask(again).ok());
  // A torn last line is dropped; a changed one is found.
  std::string bytes = read_file(folder / "t.jsonl").value();
  EXPECT_EQ(parse_transcript(bytes + "{\"torn", "t")->answers.size(), 3u);
  bytes.replace(bytes.find("unsafe"), 6, "safe!!");
  EXPECT_EQ(parse_transcript(bytes, "t").error().code, ErrorCode::corrupt_file);
  EXPECT_EQ(parse_transcript(bytes, "t").error().line, 1);
}

TEST(LlmCommand, SpeaksJsonWithAProcess) {
  Workspace workspace({.backend = Backend::serial});
  const auto model_of = [&](std::string program) {
    EndpointSpec spec;
    spec.provider = Provider::command;
    spec.command = {"/usr/bin/python3", "-c", std::move(program)};
    spec.seconds = 2;
    spec.most_bytes = 100000;
    return open_endpoint(spec, workspace.context()).value();
  };
  const auto ask = [&](std::string program) { return language_model(model_of(std::move(program))).value()->ask(chat("h\u00E9llo")); };
  const auto good = ask("import json,sys\nq=json.load(sys.stdin)\nprint(json.dumps({'text': q['messages'][0]['content'].upper(), 'tokens_out': 1}))");
  ASSERT_TRUE(good.ok()) << good.error().message();
  EXPECT_EQ(good->text, "H\u00C9LLO");
  EXPECT_EQ(ask("print('no json')")->status, "unparsed");
  EXPECT_EQ(ask("import sys; sys.exit(3)")->status, "upstream");
  EXPECT_EQ(ask("import os; os.kill(os.getpid(), 9)")->status, "upstream");
  EXPECT_EQ(ask("print('x' * 200000)")->status, "too_large");
  EXPECT_EQ(ask("import os,json; print(json.dumps({'text': ','.join(sorted(os.environ))}))")->text, "LC_ALL,PATH");
  EndpointSpec missing;
  missing.provider = Provider::command;
  missing.command = {"/no/such/program"};
  EXPECT_EQ(language_model(open_endpoint(missing, workspace.context()).value()).value()->ask(chat("x")).error().code, ErrorCode::not_found);
}

TEST(ChildProcess, EndsWithItsWholeGroupOnTime) {
  ChildAsk ask;
  ask.command = {"sh", "-c", "sleep 30 & sleep 30"};
  ask.seconds = 0.3;
  const auto reply = run_child(ask).value();
  EXPECT_EQ(reply.end, ChildEnd::timeout);
  EXPECT_LT(reply.seconds, 5);
  ask.command = {"cat"};
  ask.input = std::string(300000, 'y');
  ask.seconds = 10;
  EXPECT_EQ(run_child(ask)->output, ask.input);
  ask.command = {"true"};  // never reads what it is given
  EXPECT_EQ(run_child(ask)->status, 0);
  ask.stop.request();
  ask.command = {"sleep", "5"};
  EXPECT_EQ(run_child(ask).error().code, ErrorCode::cancelled);
}

TEST(LlmSpec, IsReadFromADocument) {
  const auto document = parse_document("provider = \"http\"\nurl = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\n[price]\ninput = 1.5\n", "toml", "e.toml").value();
  const EndpointSpec spec = spec_of(document).value();
  EXPECT_EQ(spec.price.input, 1.5);
  Workspace workspace({.backend = Backend::serial});
  EXPECT_EQ(open_endpoint(spec, workspace.context()).error().parameter, "most_money");
  const auto wrong = spec_of(parse_document("providr = \"http\"\n", "toml", "e.toml").value());
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().file, "e.toml");
  EndpointSpec keyed = spec;
  keyed.price = {};
  keyed.key_env = "PLIMSOLL_NO_SUCH_VARIABLE";
  EXPECT_EQ(open_endpoint(keyed, workspace.context()).error().code, ErrorCode::unauthenticated);
  keyed.url = "http://host.example/v1";
  keyed.key_env = "PATH";
  EXPECT_EQ(open_endpoint(keyed, workspace.context()).error().code, ErrorCode::denied);
}

}  // namespace
}  // namespace plimsoll::llm
