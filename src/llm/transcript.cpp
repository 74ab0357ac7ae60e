// SPDX-License-Identifier: Apache-2.0
// Reading and writing transcripts, and the two wrappers that remember: a cache on disk, one file a request, and a recorder.
#include "llm/transcript.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "base/file.h"
#include "base/hash.h"
#include "llm/dialect.h"
#include "llm/endpoints.h"

namespace plimsoll::llm {
namespace {

Result<Json> line_of(std::string_view text, const std::string& file, std::int64_t line) {
  const auto corrupt = [&](const char* what) {
    return Error(ErrorCode::corrupt_file, std::string("a line of the transcript ") + what, "Record it again").in_file(file).at_line(line);
  };
  auto json = parse_json(text, file);
  if (!json || !json->is_object() || json->size() != 3 || !json->contains("key") || !json->contains("answer") || !json->contains("sha256")) {
    return corrupt("is none");
  }
  const Json both = {{"answer", (*json)["answer"]}, {"key", (*json)["key"]}};
  if ((*json)["sha256"] != Json(sha256_hex(canonical_json(both)))) return corrupt("does not keep its hash");
  return json;
}

class Recorder final : public LanguageModel {
 public:
  Recorder(Model inner, int file, std::filesystem::path path, EndpointSpec spec, Json extra)
      : inner_(std::move(inner)), file_(file), path_(std::move(path)), spec_(std::move(spec)), extra_(std::move(extra)) {}
  ~Recorder() override { ::close(file_); }
  std::string description() const override { return inner_->description(); }
  Result<Answer> ask(const Ask& ask, const OnText& on_text) override {
    PLIMSOLL_TRY(Answer answer, inner_->ask(ask, on_text));
    PLIMSOLL_CHECK(record(transcript_line(key_of(ask, spec_.model, extra_), to_json(answer))));
    return answer;
  }
  Result<std::vector<std::vector<double>>> embed(std::span<const std::string> texts) override {
    PLIMSOLL_TRY(auto vectors, inner_->embed(texts));
    PLIMSOLL_CHECK(record(transcript_line(key_of_embedding(texts, spec_.model), vectors_json(vectors))));
    return vectors;
  }

 private:
  Result<void> record(const std::string& line) {
    const std::lock_guard lock(mutex_);
    for (std::size_t at = 0; at < line.size();) {
      const ssize_t written = ::write(file_, line.data() + at, line.size() - at);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return file_error(errno, path_, "writing");
      at += static_cast<std::size_t>(written);
    }
    return {};
  }
  Model inner_;
  int file_;
  std::filesystem::path path_;
  EndpointSpec spec_;
  Json extra_;
  std::mutex mutex_;
};

class Cached final : public LanguageModel {
 public:
  Cached(Model inner, std::filesystem::path folder, EndpointSpec spec, Json extra)
      : inner_(std::move(inner)), folder_(std::move(folder)), spec_(std::move(spec)), extra_(std::move(extra)) {}
  std::string description() const override { return inner_->description(); }

  Result<Answer> ask(const Ask& ask, const OnText& on_text) override {
    PLIMSOLL_CHECK(check(ask));
    const std::string key = key_of(ask, spec_.model, extra_);
    if (const auto held = find(key); held) {
      PLIMSOLL_TRY(Answer answer, answer_from_json(*held));
      answer.money = 0;
      answer.seconds = 0;
      if (on_text && !answer.text.empty() && !on_text(answer.text)) answer.finish = "cut";
      return answer;
    }
    PLIMSOLL_TRY(Answer answer, inner_->ask(ask, on_text));
    if (answer.status == "ok" && answer.finish != "cut") PLIMSOLL_CHECK(keep(key, to_json(answer)));
    return answer;
  }
  Result<std::vector<std::vector<double>>> embed(std::span<const std::string> texts) override {
    const std::string key = key_of_embedding(texts, spec_.model);
    if (const auto held = find(key); held) return vectors_from_json(*held);
    PLIMSOLL_TRY(auto vectors, inner_->embed(texts));
    PLIMSOLL_CHECK(keep(key, vectors_json(vectors)));
    return vectors;
  }

 private:
  std::filesystem::path place(const std::string& key) const {
    const std::string name = sha256_hex(key);
    return folder_ / name.substr(0, 2) / (name.substr(2) + ".json");
  }
  // Nothing for what is not there, and for a file that does not keep its hash: it is asked anew and written over.
  std::optional<Json> find(const std::string& key) const {
    const auto text = read_file(place(key), std::uint64_t{64} << 20);
    if (!text) return std::nullopt;
    const auto line = line_of(std::string_view(*text).substr(0, text->empty() ? 0 : text->size() - 1), "cache", 1);
    if (!line || (*line)["key"] != Json(key)) return std::nullopt;
    return (*line)["answer"];
  }
  Result<void> keep(const std::string& key, const Json& answer) const {
    const auto path = place(key);
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (error) return file_error(error.value(), path.parent_path(), "making");
    return write_file(path, transcript_line(key, answer));
  }
  Model inner_;
  std::filesystem::path folder_;
  EndpointSpec spec_;
  Json extra_;
};

}  // namespace

std::string transcript_line(const std::string& key, const Json& answer) {
  Json both = {{"answer", answer}, {"key", key}};
  both["sha256"] = sha256_hex(canonical_json(both));
  return canonical_json(both) + "\n";
}

Result<Transcript> parse_transcript(std::string_view text, const std::string& file) {
  Transcript out;
  out.file = file;
  out.sha256 = sha256_hex(text);
  std::int64_t line = 0;
  for (std::size_t at = 0; at < text.size();) {
    ++line;
    const std::size_t end = text.find('\n', at);
    if (end == std::string_view::npos) break;  // torn
    PLIMSOLL_TRY(Json one, line_of(text.substr(at, end - at), file, line));
    at = end + 1;
    if (!one["key"].is_string()) return Error(ErrorCode::corrupt_file, "a request of the transcript is no text", "Record it again").in_file(file).at_line(line);
    out.answers.emplace(one["key"].get<std::string>(), one["answer"]);
  }
  return out;
}

Result<Transcript> read_transcript(const std::filesystem::path& file) {
  PLIMSOLL_TRY(const std::string text, read_file(file));
  return parse_transcript(text, file.string());
}

std::string key_of_embedding(std::span<const std::string> texts, const std::string& model) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(text);
  return canonical_json({{"embed", list}, {"model", model}});
}

Json vectors_json(const std::vector<std::vector<double>>& vectors) {
  Json out = Json::array();
  for (const auto& vector : vectors) {
    Json& row = out.emplace_back(Json::array());
    for (const double x : vector) row.push_back(json_of(x));
  }
  return out;
}

Result<std::vector<std::vector<double>>> vectors_from_json(const Json& json) {
  std::vector<std::vector<double>> out;
  for (const Json& row : json) {
    auto& vector = out.emplace_back();
    for (const Json& one : row) {
      PLIMSOLL_TRY(const double x, json_number(one));
      vector.push_back(x);
    }
  }
  return out;
}

Result<Model> with_cache(Model inner, std::filesystem::path folder, const EndpointSpec& spec) {
  PLIMSOLL_TRY(Json extra, extra_of(spec));
  return Model(std::make_shared<Cached>(std::move(inner), std::move(folder), spec, std::move(extra)));
}

Result<Model> with_transcript(Model inner, const std::filesystem::path& file, const EndpointSpec& spec) {
  PLIMSOLL_TRY(Json extra, extra_of(spec));
  const int handle = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (handle < 0) return file_error(errno, file, "writing");
  return Model(std::make_shared<Recorder>(std::move(inner), handle, file, spec, std::move(extra)));
}

}  // namespace plimsoll::llm
