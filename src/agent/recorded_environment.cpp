// SPDX-License-Identifier: Apache-2.0
// Episodes as lines: {"seed"} or {"action"}, what was observed, and a hash over the line before and this one, so that no line can be
// changed, taken or moved. Replay follows the transcript as long as the actions are those recorded; another is an error.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "agent/environments.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "text/unicode.h"

namespace plimsoll::agent {
namespace {

struct Entry {
  std::string key;   // canonical JSON of {"seed"} or {"action"}
  Observation seen;
};

std::string seed_key(std::uint64_t seed) { return canonical_json({{"seed", std::to_string(seed)}}); }
std::string action_key(const std::string& action) { return canonical_json({{"action", action}}); }

std::string line_of(const std::string& key, const Observation& seen, std::string& chain) {
  Json line = {{"asked", key}, {"seen", to_text(seen)}};
  chain = sha256_hex(chain + canonical_json(line));
  line["sha256"] = chain;
  return canonical_json(line) + "\n";
}

class RecordingWorld final : public World {
 public:
  RecordingWorld(WorldPointer inner, int file, std::filesystem::path path) : inner_(std::move(inner)), file_(file), path_(std::move(path)) {}
  ~RecordingWorld() override { ::close(file_); }
  std::string description() const override { return inner_->description(); }
  Result<Observation> begin(std::uint64_t seed) override {
    PLIMSOLL_TRY(Observation seen, inner_->begin(seed));
    PLIMSOLL_CHECK(record(line_of(seed_key(seed), seen, chain_)));
    return seen;
  }
  Result<Observation> step(const std::string& action) override {
    PLIMSOLL_CHECK(text::check_utf8(action));
    PLIMSOLL_TRY(Observation seen, inner_->step(action));
    PLIMSOLL_CHECK(record(line_of(action_key(action), seen, chain_)));
    return seen;
  }

 private:
  Result<void> record(const std::string& line) {
    for (std::size_t at = 0; at < line.size();) {
      const ssize_t written = ::write(file_, line.data() + at, line.size() - at);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return file_error(errno, path_, "writing");
      at += static_cast<std::size_t>(written);
    }
    return {};
  }
  WorldPointer inner_;
  int file_;
  std::filesystem::path path_;
  std::string chain_;
};

class RecordedWorld final : public World {
 public:
  RecordedWorld(std::vector<Entry> entries, std::string file, std::string sha256) : entries_(std::move(entries)), file_(std::move(file)), sha256_(std::move(sha256)) {}
  std::string description() const override { return "recorded " + sha256_.substr(0, 12); }
  Result<Observation> begin(std::uint64_t seed) override { return next(seed_key(seed)); }
  Result<Observation> step(const std::string& action) override {
    PLIMSOLL_CHECK(text::check_utf8(action));
    return next(action_key(action));
  }

 private:
  Result<Observation> next(const std::string& key) {
    const auto line = static_cast<std::int64_t>(next_) + 1;
    if (next_ >= entries_.size()) {
      return Error(ErrorCode::not_found, "the transcript is over, and " + key.substr(0, 120) + " is asked", "Record a longer one").in_file(file_).at_line(line);
    }
    if (entries_[next_].key != key) {
      return Error(ErrorCode::not_found, "the transcript goes on with " + entries_[next_].key.substr(0, 120) + ", not with " + key.substr(0, 120),
                   "Record this episode").in_file(file_).at_line(line);
    }
    return entries_[next_++].seen;
  }
  std::vector<Entry> entries_;
  std::string file_;
  std::string sha256_;
  std::size_t next_ = 0;
};

}  // namespace

Result<WorldPointer> with_transcript(WorldPointer inner, const std::filesystem::path& file) {
  const int handle = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (handle < 0) return file_error(errno, file, "writing");
  return WorldPointer(std::make_shared<RecordingWorld>(std::move(inner), handle, file));
}

Result<WorldPointer> open_recorded(const std::filesystem::path& transcript) {
  PLIMSOLL_TRY(const std::string text, read_file(transcript, std::uint64_t{1} << 30));
  std::vector<Entry> entries;
  std::string chain;
  std::int64_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    ++number;
    const std::size_t end = text.find('\n', at);
    if (end == std::string::npos) break;  // torn by a crash
    const std::string whole = text.substr(at, end + 1 - at);
    at = end + 1;
    const auto json = parse_json(std::string_view(whole).substr(0, whole.size() - 1), transcript.string());
    const auto corrupt = [&] {
      return Error(ErrorCode::corrupt_file, "a line of the transcript does not keep its hash", "Record it again").in_file(transcript.string()).at_line(number);
    };
    if (!json || !json->is_object() || !json->contains("asked") || !(*json)["asked"].is_string() || !json->contains("seen") || !(*json)["seen"].is_string()) return corrupt();
    auto seen = observation_from_text((*json)["seen"].get<std::string>());
    if (!seen) return corrupt();
    Entry entry{(*json)["asked"].get<std::string>(), std::move(seen).value()};
    if (line_of(entry.key, entry.seen, chain) != whole) return corrupt();
    entries.push_back(std::move(entry));
  }
  return WorldPointer(std::make_shared<RecordedWorld>(std::move(entries), transcript.string(), sha256_hex(text)));
}

}  // namespace plimsoll::agent
