// SPDX-License-Identifier: Apache-2.0
#pragma once

// Prompts as data: a document with an id, a version and messages whose texts hold {{name}} for a value and {{?name}} ... {{/name}}
// for a part that stands only where the value is not empty; {{open}} is two braces. No loops, no code; a value is put in as it
// is and never read as a template. The hash names exactly what was asked, for provenance.
//
//   id = "judge.harm"
//   version = 2
//   variables = ["question", "policy"]
//   [[messages]]
//   role = "user"
//   text = "{{?policy}}Policy: {{policy}}\n{{/policy}}Is this harmful?\n{{question}}"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/document.h"
#include "engine/endpoint.h"

namespace plimsoll::llm {

class PromptTemplate {
 public:
  // `bad_document` with the line.
  static Result<PromptTemplate> parse(const Document& document);

  const std::string& id() const { return id_; }
  std::int64_t version() const { return version_; }
  const std::string& sha256() const { return sha256_; }  // of the canonical document
  const std::vector<std::string>& variables() const { return variables_; }

  // `missing_input` for a variable without a value, `unknown_name` for a value that no variable takes, `bad_value` for one that
  // is no UTF-8, `too_large` beyond 16 MiB in all.
  Result<std::vector<Message>> fill(const std::map<std::string, std::string>& values) const;

 private:
  enum class Kind : std::uint8_t { text, value, begin, end };
  struct Part {
    Kind kind = Kind::text;
    std::string text;  // itself, or the variable
  };
  struct Line {
    std::string role;
    std::vector<Part> parts;
  };
  static Result<std::vector<Part>> parts_of(std::string_view text, const std::vector<std::string>& variables);

  std::string id_;
  std::int64_t version_ = 1;
  std::string sha256_;
  std::vector<std::string> variables_;
  std::vector<Line> lines_;
};

}  // namespace plimsoll::llm
