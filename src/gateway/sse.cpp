// SPDX-License-Identifier: Apache-2.0
#include "gateway/sse.h"

#include <algorithm>

namespace plimsoll::gateway {
namespace {

// One past the empty line that ends the first event, 0 if there is none yet. Lines end with \n, \r\n or \r.
std::size_t end_of_event(std::string_view text) {
  std::size_t line = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '\n' && text[i] != '\r') {
      ++i;
      continue;
    }
    const bool empty = i == line;
    if (text[i] == '\r' && i + 1 == text.size()) break;  // \r\n may be cut in two
    i += text[i] == '\r' && text[i + 1] == '\n' ? 2 : 1;
    if (empty) return i;
    line = i;
  }
  return 0;
}

Result<SseEvent> read_event(std::string_view raw) {
  SseEvent event;
  event.raw = std::string(raw);
  while (!raw.empty()) {
    const std::size_t end = std::min(raw.find_first_of("\r\n"), raw.size());
    std::string_view line = raw.substr(0, end);
    raw.remove_prefix(std::min(raw.size(), end + (raw.substr(end).starts_with("\r\n") ? 2 : 1)));
    if (line.empty() || line.front() == ':') continue;
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string_view field = line.substr(0, colon);
    std::string_view value = line.substr(std::min(line.size(), colon + 1));
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "data") {
      if (event.has_data) event.data += '\n';
      event.data += value;
      event.has_data = true;
    } else if (field == "event") {
      event.name = std::string(value);
    } else if (field != "id" && field != "retry") {
      return Error(ErrorCode::unparsed, "the stream holds a line that no event has: '" + std::string(line.substr(0, 40)) + "'", "Send server-sent events.");
    }
  }
  return event;
}

}  // namespace

Result<std::vector<SseEvent>> SseReader::push(std::string_view bytes) {
  buffer_.append(bytes);
  std::vector<SseEvent> events;
  std::size_t at = 0;
  while (true) {
    const std::size_t end = end_of_event(std::string_view(buffer_).substr(at));
    if (end == 0) break;
    PLIMSOLL_TRY(SseEvent event, read_event(std::string_view(buffer_).substr(at, end)));
    events.push_back(std::move(event));
    at += end;
  }
  buffer_.erase(0, at);
  if (buffer_.size() > most_) return Error(ErrorCode::too_large, "an event is longer than " + std::to_string(most_) + " bytes", "Send smaller events.");
  return events;
}

std::string sse_text(std::string_view name, std::string_view data) {
  std::string out;
  if (!name.empty()) out += "event: " + std::string(name) + "\n";
  while (true) {
    const std::size_t end = std::min(data.find('\n'), data.size());
    out += "data: " + std::string(data.substr(0, end)) + "\n";
    if (end == data.size()) break;
    data.remove_prefix(end + 1);
  }
  return out + "\n";
}

}  // namespace plimsoll::gateway
