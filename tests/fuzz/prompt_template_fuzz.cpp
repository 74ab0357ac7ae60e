// SPDX-License-Identifier: Apache-2.0
// Templates, and transcripts: what parses can be filled, and a value is never read as a template.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "llm/prompt_template.h"
#include "llm/transcript.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plimsoll;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)llm::parse_transcript(text, "fuzz");
  Json root = {{"id", "fuzz"}, {"version", 1}, {"variables", {"a", "b"}}};
  root["messages"] = {{{"role", "user"}, {"text", std::string(text)}}};
  const auto document = parse_document(root.dump(-1, ' ', false, Json::error_handler_t::replace), "json", "fuzz");
  if (!document) return 0;
  const auto made = llm::PromptTemplate::parse(*document);
  if (!made) {
    if (made.error().what.empty() || made.error().mend.empty()) std::abort();
    return 0;
  }
  const auto filled = made->fill({{"a", "{{b}}"}, {"b", ""}});
  if (!filled || filled->size() != 1) std::abort();
  return 0;
}
