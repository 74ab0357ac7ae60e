// SPDX-License-Identifier: Apache-2.0
#pragma once

// What was asked and answered, one canonical JSON object a line: {"key": request, "answer": ..., "sha256": of both}. A last line
// torn by a crash is dropped; any other line that does not keep its hash is `corrupt_file`.

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace plimsoll::llm {

struct Transcript {
  std::string file;
  std::string sha256;                    // of the whole file
  std::map<std::string, Json> answers;   // by canonical request; of repeats the first
};
Result<Transcript> read_transcript(const std::filesystem::path& file);
Result<Transcript> parse_transcript(std::string_view text, const std::string& file);
std::string transcript_line(const std::string& key, const Json& answer);  // with its line feed

std::string key_of_embedding(std::span<const std::string> texts, const std::string& model);
Json vectors_json(const std::vector<std::vector<double>>& vectors);
Result<std::vector<std::vector<double>>> vectors_from_json(const Json& json);

}  // namespace plimsoll::llm
