// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "agent/environments.h"
#include "agent/sandbox.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/workspace.h"

namespace plimsoll::agent {
namespace {

struct Trial {
  Workspace workspace{{.backend = Backend::serial}};
  std::filesystem::path folder;
  EnvironmentPort port;
  World* world_of(const EnvironmentSpec& spec) {
    folder = workspace.scratch().value();
    auto opened = open_environment(spec, workspace.context(), folder);
    EXPECT_TRUE(opened.ok()) << opened.error().message();
    if (!opened) return nullptr;
    port = *opened;
    return world(port).value();
  }
};

EnvironmentSpec mailbox() {
  const auto document = parse_document(R"(
provider = "state"
initial = '{"mail": {"ann": []}, "sent": 0}'
[[tools]]
name = "send"
arguments = ["to", "text"]
effects = [{deed = "append", path = "/mail/{to}", value = "$text"}, {path = "/sent", value = "1"}]
shows = "/mail/{to}"
[[tools]]
name = "stop"
needs = [{path = "/sent", equals = "1"}]
ends = true
)", "toml", "mailbox.toml");
  return spec_of(document.value()).value();
}

TEST(AgentState, ToolsAreData) {
  Trial trial;
  World* world = trial.world_of(mailbox());
  EXPECT_EQ(world->begin(1)->status, "ok");
  EXPECT_EQ(world->step(R"({"tool":"stop"})")->status, "refused");  // nothing was sent yet
  const Observation seen = world->step(R"({"tool":"send","args":{"to":"ann","text":"hi"}})").value();
  EXPECT_EQ(seen.text, R"(["hi"])");
  EXPECT_EQ(seen.events.size(), 2u);
  for (const char* bad : {"send", R"({"tool":"fly"})", R"({"tool":"send"})", R"({"tool":"send","args":{"to":"bob","text":"x"}})",
                          R"({"tool":"send","args":{"to":"../sent","text":"x"}})", R"({"tool":3})"}) {
    EXPECT_EQ(world->step(bad)->status, "refused") << bad;
  }
  EXPECT_TRUE(world->step(R"({"tool":"stop"})")->done);
  const std::string first = trial.port->reset(1).value();
  EXPECT_FALSE(trial.port->done());
  EXPECT_EQ(to_text(observation_from_text(first).value()), first);
  EnvironmentSpec wrong = mailbox();
  wrong.tools[0].effects[0].path = "mail";
  EXPECT_FALSE(open_environment(wrong, trial.workspace.context()).ok());
}

EnvironmentSpec loads() {
  EnvironmentSpec spec;
  spec.provider = Provider::sql;
  spec.setup = "CREATE TABLE loads(ship TEXT, tonnes REAL); INSERT INTO loads VALUES ('Ada', 12.5), ('Bess', 3);";
  spec.seconds = 0.3;
  return spec;
}

TEST(AgentSql, ShowsRowsAndEvidenceOfChange) {
  Trial trial;
  World* world = trial.world_of(loads());
  ASSERT_EQ(world->begin(1)->status, "ok");
  EXPECT_EQ(world->step("SELECT * FROM loads ORDER BY ship")->text, R"([{"columns":["ship","tonnes"],"more":false,"rows":[["Ada",12.5],["Bess",3]]}])");
  const Observation changed = world->step("UPDATE loads SET tonnes = 4 WHERE ship = 'Bess'; CREATE TABLE x(a)").value();
  ASSERT_EQ(changed.events.size(), 2u);
  EXPECT_EQ(changed.events[0], R"({"added":[{"ship":"Bess","tonnes":4}],"table":"loads","taken":[{"ship":"Bess","tonnes":3}]})");
  EXPECT_EQ(changed.events[1], R"({"made":true,"table":"x"})");
  ASSERT_EQ(world->begin(2)->status, "ok");  // anew
  EXPECT_EQ(world->step("SELECT count(*) FROM loads")->text, R"x([{"columns":["count(*)"],"more":false,"rows":[[2]]}])x");
}

TEST(AgentSql, ClosesFilesPragmasAndTime) {
  Trial trial;
  World* world = trial.world_of(loads());
  ASSERT_EQ(world->begin(1)->status, "ok");
  for (const char* closed : {"ATTACH '/tmp/x.db' AS x", "PRAGMA user_version = 3", "SELECT * FROM pragma_table_info('loads')", "VACUUM INTO '/tmp/y.db'",
                             "SELECT load_extension('x')", "SELECT random()", "CREATE VIRTUAL TABLE v USING fts5(a)", "SELEC", "SELECT * FROM nowhere"}) {
    EXPECT_EQ(world->step(closed)->status, "refused") << closed;
  }
  const Observation late = world->step("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c").value();
  EXPECT_EQ(late.status, "timeout");
  EXPECT_EQ(world->step("SELECT 1")->status, "ok");
  EnvironmentSpec wrong = loads();
  wrong.setup = "CREATE";
  EXPECT_EQ(trial.world_of(wrong)->begin(1).error().parameter, "setup");
}

TEST(AgentTranscript, ReplaysByteForByteAndFindsEveryChange) {
  Trial trial;
  EnvironmentSpec spec = loads();
  spec.transcript = "t.jsonl";
  const std::vector<std::string> actions = {"SELECT * FROM loads", "DELETE FROM loads", "SELEC"};
  std::vector<std::string> first, second;
  trial.world_of(spec);
  first.push_back(trial.port->reset(7).value());
  for (const auto& action : actions) first.push_back(trial.port->act(action).value());
  trial.port.reset();
  const std::string bytes = read_file(trial.folder / "t.jsonl").value();
  spec.provider = Provider::recorded;
  trial.world_of(spec);
  second.push_back(trial.port->reset(7).value());
  for (const auto& action : actions) second.push_back(trial.port->act(action).value());
  EXPECT_EQ(first, second);
  EXPECT_EQ(trial.port->act("SELECT 1").error().code, ErrorCode::not_found);
  trial.world_of(spec);
  EXPECT_EQ(trial.port->reset(8).error().code, ErrorCode::not_found);
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 7) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    ASSERT_TRUE(write_file(trial.folder / "t.jsonl", changed).ok());
    EXPECT_FALSE(open_environment(spec, trial.workspace.context(), trial.folder).ok()) << i;
  }
}

class AgentProcess : public testing::Test {
 protected:
  void SetUp() override {
    EnvironmentSpec spec;
    spec.provider = Provider::process;
    spec.seconds = 5;
    spec.files = {{"in/loads.txt", "12.5\n"}};
    spec.most_output = 2000;
    world_ = trial_.world_of(spec);
    const Observation seen = world_->begin(1).value();
    if (seen.status == "not_run") GTEST_SKIP() << "this machine allows no jail: " << seen.text;
    ASSERT_EQ(seen.status, "ok");
  }
  Observation run(const std::vector<std::string>& command, const std::string& input = "") {
    auto seen = world_->step(canonical_json({{"command", command}, {"input", input}}));
    EXPECT_TRUE(seen.ok()) << seen.error().message();
    return seen ? *seen : Observation{"failed", "", {}, true};
  }
  Json result(const Observation& seen) { return parse_json(seen.text).value(); }
  Json shell(const std::string& script) { return result(run({"sh", "-c", script})); }
  Trial trial_;
  World* world_ = nullptr;
};

TEST_F(AgentProcess, WorksInItsFolderAndLeavesEvidence) {
  const Observation seen = run({"sh", "-c", "cat in/loads.txt; cat; echo new > out.txt; rm in/loads.txt; pwd; exit 3"}, "typed\n");
  EXPECT_EQ(seen.text, R"({"errors":"","exit":3,"output":"12.5\ntyped\n/work\n"})");
  ASSERT_EQ(seen.events.size(), 2u);
  EXPECT_NE(seen.events[0].find("\"file\":\"out.txt\""), std::string::npos);
  EXPECT_EQ(seen.events[1], R"({"file":"in/loads.txt","taken":true})");
  EXPECT_EQ(result(run({"cat", "out.txt"}))["output"], "new\n");
  EXPECT_EQ(run({"/no/such/program"}).status, "refused");
  EXPECT_EQ(world_->step("ls")->status, "refused");
}

TEST_F(AgentProcess, ReachesNothingOutside) {
  EXPECT_EQ(result(run({"env"}))["output"], "PATH=/usr/bin:/bin\nHOME=/work\nTMPDIR=/work\nLC_ALL=C.UTF-8\n");
  const auto root = shell("ls /")["output"].get<std::string>();
  for (const char* outside : {"home", "root", "var", "opt", "sys"}) EXPECT_EQ(root.find(outside), std::string::npos) << root;
  for (const char* script : {"echo x > /usr/x", "echo x > /x", "echo x > /tmp/x", "echo x > /etc/ld.so.cache", "mkdir /usr/y", "cat /etc/passwd",
                             "chmod 777 /usr/bin/env", "mount -t tmpfs none /tmp", "unshare -U true", "ls /root", "ls /home", "chroot / true"}) {
    EXPECT_NE(shell(script)["exit"], 0) << script;
  }
  const std::string python = "import socket,os,ctypes\n"
                             "def t(f):\n"
                             "  try: f(); print('reached')\n"
                             "  except OSError as e: print('closed')\n"
                             "t(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))\n"
                             "t(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))\n"
                             "t(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))\n"
                             "t(lambda: os.kill(" + std::to_string(getpid()) + ", 0))\n"
                             "t(lambda: os.setuid(0))\n"
                             "print(os.getuid(), os.getppid())\n";
  EXPECT_EQ(result(run({"/usr/bin/python3", "-c", python}))["output"], "closed\nclosed\nclosed\nclosed\nclosed\n1000 1\n");
}

TEST_F(AgentProcess, EndsAtItsLimits) {
  EXPECT_EQ(run({"sh", "-c", "yes"}).status, "timeout");  // more output than it may
  EXPECT_NE(result(run({"/usr/bin/python3", "-c", "x = b'x' * (1 << 30)"}))["exit"], 0);
  EXPECT_NE(shell("head -c 100000000 /dev/zero > big")["exit"], 0);
  EXPECT_EQ(result(run({"/usr/bin/python3", "-c", "import os; os.kill(os.getpid(), 9)"}))["exit"], 137);
  JailAsk ask;
  ask.command = {"sh", "-c", "sleep 60 & sleep 60"};
  ask.folder = trial_.folder;
  ask.seconds = 0.3;
  const JailReply late = run_jailed(ask).value();
  EXPECT_EQ(late.child.end, ChildEnd::timeout);
  EXPECT_LT(late.child.seconds, 3);
}

EnvironmentSpec site() {
  EnvironmentSpec spec;
  spec.provider = Provider::browser;
  spec.seconds = 20;
  spec.files = {{"/index.html", "<title>Loads</title><h1>Harbour</h1><a id=next href=/form.html>Book</a><img src='http://tracker.example/x.png'>"},
                {"/form.html", "<title>Form</title><form action=/done.html><input id=ship name=ship><button id=go>Send</button></form>"
                               "<div style='position:relative'><button id=under>no</button><div style='position:absolute;inset:0'></div></div>"},
                {"/done.html", "<title>Done</title><p id=p></p><script>p.textContent = location.search; alert('booked')</script>"}};
  return spec;
}

TEST(AgentBrowser, ActsOnPagesOfItsOwnAndReplays) {
  Trial trial;
  EnvironmentSpec spec = site();
  spec.transcript = "browser.jsonl";
  World* world = trial.world_of(spec);
  std::vector<std::string> seen = {trial.port->reset(1).value()};
  const Observation first = observation_from_text(seen[0]).value();
  if (first.status == "not_run") GTEST_SKIP() << first.text;
  const Json page = parse_json(first.text).value();
  EXPECT_EQ(page["title"], "Loads");
  EXPECT_EQ(page["text"], "Harbour\nBook");
  bool blocked = false;
  for (const std::string& event : first.events) blocked = blocked || (event.find("tracker.example") != std::string::npos && event.find("\"blocked\":true") != std::string::npos);
  EXPECT_TRUE(blocked);
  const std::vector<std::string> actions = {R"({"do":"click","selector":"#next"})", R"({"do":"click","selector":"#under"})",
                                            R"({"do":"type","selector":"#ship","text":"Ada"})", R"({"do":"click","selector":"#go"})",
                                            R"({"do":"fly"})", R"({"do":"go","path":"/none.html"})"};
  for (const std::string& action : actions) seen.push_back(trial.port->act(action).value());
  const auto at = [&seen](std::size_t i) { return observation_from_text(seen[i]).value(); };
  EXPECT_EQ(parse_json(at(1).text).value()["title"], "Form");
  EXPECT_EQ(at(2).status, "refused");  // something lies over it
  EXPECT_EQ(parse_json(at(4).text).value()["text"], "?ship=Ada");
  const std::vector<std::string> happened = at(4).events;
  EXPECT_NE(std::find(happened.begin(), happened.end(), R"({"dialog":"booked"})"), happened.end());
  EXPECT_EQ(at(5).status, "refused");
  EXPECT_EQ(parse_json(at(6).text).value()["text"], "not found");
  ASSERT_NE(world, nullptr);
  trial.port.reset();
  spec.provider = Provider::recorded;
  trial.world_of(spec);
  std::vector<std::string> again = {trial.port->reset(1).value()};
  for (const std::string& action : actions) again.push_back(trial.port->act(action).value());
  EXPECT_EQ(again, seen);
}

TEST(AgentBrowser, WithoutABrowserIsNotRun) {
  Trial trial;
  EnvironmentSpec spec = site();
  spec.program = "/no/such/browser";
  const Observation seen = trial.world_of(spec)->begin(1).value();
  EXPECT_EQ(seen.status, "not_run");
  EXPECT_TRUE(seen.done);
}

}  // namespace
}  // namespace plimsoll::agent
