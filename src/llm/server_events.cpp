// SPDX-License-Identifier: Apache-2.0
#include "llm/server_events.h"

namespace plimsoll::llm {

bool ServerEvents::line(std::string_view text, const std::function<bool(std::string_view)>& each) {
  if (first_ && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  first_ = false;
  if (text.empty()) {
    const bool go_on = !has_data_ || each(data_);
    data_.clear();
    has_data_ = false;
    return go_on;
  }
  const std::size_t colon = text.find(':');
  if (text.substr(0, colon) != "data") return true;  // comments, event, id, retry
  std::string_view value = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (has_data_) data_.push_back('\n');
  data_.append(value);
  has_data_ = true;
  return true;
}

Result<bool> ServerEvents::feed(std::string_view bytes, const std::function<bool(std::string_view)>& each) {
  for (const char c : bytes) {
    const bool second_half = c == '\n' && after_return_;
    after_return_ = c == '\r';
    if (second_half) continue;
    if (c == '\n' || c == '\r') {
      const bool go_on = line(line_, each);
      line_.clear();
      if (!go_on) return false;
    } else {
      line_.push_back(c);
    }
    if (line_.size() + data_.size() > most_) {
      return Error(ErrorCode::too_large, "an event of the stream is longer than " + std::to_string(most_) + " bytes", "Use a server that streams by token");
    }
  }
  return true;
}

}  // namespace plimsoll::llm
