// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/json_fwd.h"
#include "base/result.h"

namespace plimsoll {

struct LineTree;

// A YAML, TOML or JSON document as one JSON tree that knows the line of each node. Bounded: 16 MiB, a million nodes, depth 64,
// no YAML aliases beyond 10,000 nodes, no duplicate keys. YAML is read by the core schema of YAML 1.2 (`yes` and `no` are
// texts, as are dates); no custom tags, no merge keys. Dates of TOML become texts.
class Document {
 public:
  Document();
  const Json& root() const { return *root_; }
  const std::string& file() const { return file_; }
  const std::string& sha256() const { return sha256_; }
  // One-based line of the node at a JSON pointer ("/steps/2/fit"); 0 if unknown.
  std::int64_t line_of(std::string_view pointer) const;
  // `bad_document` at the node's line.
  Error error_at(std::string_view pointer, std::string what, std::string mend) const;

 private:
  friend Result<Document> parse_document(std::string_view, std::string_view, std::string_view);
  std::shared_ptr<const Json> root_;
  std::shared_ptr<const LineTree> lines_;
  std::string file_;
  std::string sha256_;
};

// format: "yaml", "toml" or "json".
Result<Document> parse_document(std::string_view text, std::string_view format, std::string_view file);
// Format by suffix.
Result<Document> read_document(const std::filesystem::path& path);

}  // namespace plimsoll
