// SPDX-License-Identifier: Apache-2.0
// A server's stream, cut where the first two bytes say: events, then the answer, must not hang on the cuts.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "llm/dialect.h"
#include "llm/server_events.h"

namespace {

using namespace plimsoll;

std::string read(std::string_view bytes, std::size_t cut) {
  llm::ServerEvents events(1 << 12);
  llm::StreamedAnswer answer;
  const auto each = [&answer](std::string_view data) {
    answer.take(data);
    return !answer.done() && !answer.faulty();
  };
  for (const std::string_view piece : {bytes.substr(0, cut), bytes.substr(cut)}) {
    const auto fed = events.feed(piece, each);
    if (!fed) return "too_large";
    if (!*fed) break;
  }
  return canonical_json(llm::to_json(std::move(answer).finish()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t cut = std::min<std::size_t>(bytes.size(), static_cast<std::size_t>(data[0]) * 256 + data[1]);
  if (read(bytes, cut) != read(bytes, 0)) std::abort();
  const Answer whole = llm::answer_of_reply(bytes);
  const auto again = llm::answer_from_json(llm::to_json(whole));
  if (!again || canonical_json(llm::to_json(*again)) != canonical_json(llm::to_json(whole))) std::abort();
  return 0;
}
