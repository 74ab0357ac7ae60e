// SPDX-License-Identifier: Apache-2.0
// Over the whole catalogue: every flag that help shows can be given, names are unique, and a value reaches its place.
#include "cli/method_flags.h"

#include <gtest/gtest.h>

#include <set>

#include "base/json.h"
#include "cli/help.h"
#include "cli/verbs.h"
#include "engine/catalogue.h"

namespace plimsoll::cli {
namespace {

constexpr Verb verbs[] = {Verb::fit, Verb::apply, Verb::assess, Verb::verify, Verb::report};

TEST(MethodFlags, UniqueAndParsable) {
  int seen = 0;
  for (const CatalogueLine& line : catalogue_lines()) {
    for (const Verb verb : verbs) {
      if (!line.entry->has(verb)) continue;
      const auto bound = method_flags(*line.entry, verb, false);
      std::set<std::string> names;
      for (const BoundFlag& flag : bound) {
        EXPECT_TRUE(names.insert(dashed(flag.flag.name)).second) << line.id << " " << flag.flag.name;
        const auto parsed = parse_flags(plain_flags(bound), flag.flag.is_switch() ? Words{"--" + flag.flag.name} : Words{"--" + dashed(flag.flag.name), "x"});
        EXPECT_TRUE(parsed) << line.id << " --" << flag.flag.name;
        ++seen;
      }
      EXPECT_NE(help_of_method(*line.entry, verb, bound).find("--help"), std::string::npos);
    }
  }
  EXPECT_GT(seen, 100);
}

TEST(MethodFlags, DefaultsAsTextGiveTheDefaults) {
  for (const CatalogueLine& line : catalogue_lines()) {
    for (const Verb verb : verbs) {
      if (!line.entry->has(verb) || verb == Verb::verify || verb == Verb::report) continue;
      const auto fields = parameter_fields(*line.entry, verb, false);
      const auto bound = method_flags(*line.entry, verb, false);
      Words words;
      for (const BoundFlag& flag : bound) {
        if (flag.to != BoundFlag::To::parameter || flag.path.size() != 1) continue;
        for (const FieldSchema& field : fields) {
          if (field.name != flag.path[0] || field.required || field.default_json == "null") continue;
          const Json standard = Json::parse(field.default_json);
          words.push_back("--" + dashed(flag.flag.name) + "=" + (standard.is_string() ? standard.get<std::string>() : field.default_json));
        }
      }
      const auto parsed = parse_flags(plain_flags(bound), words);
      ASSERT_TRUE(parsed) << line.id << ": " << parsed.error().message();
      Request request;
      request.verb = verb;
      request.method = line.entry;
      const auto asked = asked_of(*parsed, bound, request);
      ASSERT_TRUE(asked) << line.id << ": " << asked.error().message();
      const Json given = Json::parse(asked->request.parameters);
      for (const auto& [name, value] : given.items()) {
        for (const FieldSchema& field : fields) {
          if (field.name == name) {
            EXPECT_EQ(canonical_json(value), field.default_json) << line.id << " " << name;
          }
        }
      }
    }
  }
}

TEST(Help, CardsGiveTitleAndFirstSentence) {
  const std::string card = "<!-- SPDX -->\n# A name\n\nDoes one thing. Then\nanother.\n\nMore.\n";
  EXPECT_EQ(card_title(card), "A name");
  EXPECT_EQ(card_summary(card), "Does one thing.");
}

}  // namespace
}  // namespace plimsoll::cli
