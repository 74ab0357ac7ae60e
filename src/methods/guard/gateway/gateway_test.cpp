// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>

#include "engine/door.h"
#include "engine/ledger.h"
#include "engine/workspace.h"
#include "gateway/exchange.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll {
namespace {

const SpoiledForm one_off{"guard.gateway", "one record a log that replays otherwise", [](Subject& subject) {
                            subject.spoil_report([](Report& report) {
                              for (auto& [name, value] : report.figures)
                                if (name == "same") value -= 1;
                            });
                          }};

const std::string policy_text = "[[detector]]\nname = \"p\"\n[[rule]]\nid = \"r\"\nfinding = [\"email\"]\naction = \"redact\"\n";

Result<Reply> replay(const std::string& policy, const std::string& log) {
  Workspace workspace({.backend = Backend::serial});
  Call call;
  call.verb = Verb::assess;
  call.method = "guard.gateway";
  call.parameters = log.empty() ? "{}" : "{\"log\":\"" + log + "\"}";
  auto document = parse_document(policy, "toml", "p.toml");
  if (!document) return std::move(document).error();
  call.ports["policy"] = document.value();
  return run(workspace.context(), call);
}

double figure(const Reply& reply, const std::string& wanted) {
  for (const auto& [name, value] : reply.report->figures)
    if (name == wanted) return value;
  return -1;
}

TEST(GuardGateway, ReplaysALogUnderItsOwnAndAnotherPolicy) {
  const auto path = std::filesystem::path(testing::TempDir()) / "plimsoll_replay.db";
  for (const char* tail : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + tail);
  {
    auto ledger = Ledger::open(path).value();
    const auto policy = gateway::parse_policy(policy_text, "p.toml").value();
    for (const char* text : {"hi", "a@b.example", "card 4111111111111111"}) {
      gateway::Exchange exchange(policy, gateway::Dialect::chat, {"id", "t", ""});
      ASSERT_TRUE(exchange.request(std::string("{\"messages\":[{\"role\":\"user\",\"content\":\"") + text + "\"}]}").ok());
      for (std::string& record : exchange.take_records()) ASSERT_TRUE(ledger->append(std::move(record)).ok());
    }
    ASSERT_TRUE(ledger->flush().ok());
  }
  const auto own = replay(policy_text, path.string());
  ASSERT_TRUE(own.ok()) << own.error().message();
  EXPECT_EQ(figure(own.value(), "records"), 3);
  EXPECT_EQ(figure(own.value(), "replayed"), 3);
  EXPECT_EQ(figure(own.value(), "replay_wrong"), 0);
  EXPECT_EQ(own.value().report->verdict, "green");
  const auto other = replay("[[detector]]\nname = \"p\"\n[[rule]]\nid = \"c\"\nfinding = [\"card\"]\naction = \"block\"\n", path.string());
  ASSERT_TRUE(other.ok()) << other.error().message();
  EXPECT_EQ(figure(other.value(), "stricter"), 1);
  EXPECT_EQ(figure(other.value(), "laxer"), 1);
  EXPECT_EQ(figure(other.value(), "same"), 1);
  EXPECT_EQ(other.value().report->verdict, "yellow");
}

TEST(GuardGateway, BadInput) {
  EXPECT_EQ(replay(policy_text, "").error().code, ErrorCode::missing_input);
  EXPECT_EQ(replay(policy_text, "/nowhere/at/all.db").error().code, ErrorCode::not_found);
  const auto wrong = replay(policy_text + "typo = 1\n", "/nowhere/at/all.db");
  EXPECT_EQ(wrong.error().code, ErrorCode::bad_document);
  EXPECT_EQ(wrong.error().line, 7);
}

}  // namespace
}  // namespace plimsoll
