// SPDX-License-Identifier: Apache-2.0
// Models, reports and sessions.
#include <filesystem>
#include <string_view>

#include "base/file.h"
#include "base/json.h"
#include "capi/handles.h"

using namespace plimsoll;
using namespace plimsoll::capi;

plimsoll_error* plimsoll_model_load(const char* path, plimsoll_model** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(path);
    PLIMSOLL_WANT(out);
    PLIMSOLL_TRY(ArtifactPort artifact, Artifact::load(path));
    hand_over(out, std::move(artifact));
    return {};
  });
}

plimsoll_error* plimsoll_model_save(const plimsoll_model* model, const char* path) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(model);
    PLIMSOLL_WANT(path);
    return model->artifact->save(path);
  });
}

plimsoll_error* plimsoll_model_from_bytes(const void* data, size_t size, plimsoll_model** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(data);
    PLIMSOLL_WANT(out);
    PLIMSOLL_TRY(ArtifactPort artifact, Artifact::from_bytes({static_cast<const char*>(data), size}, "bytes"));
    hand_over(out, std::move(artifact));
    return {};
  });
}

plimsoll_error* plimsoll_model_bytes(const plimsoll_model* model, plimsoll_text** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(model);
    PLIMSOLL_WANT(out);
    PLIMSOLL_TRY(std::string bytes, model->artifact->to_bytes());
    hand_text(out, std::move(bytes));
    return {};
  });
}

plimsoll_error* plimsoll_model_json(const plimsoll_model* model, plimsoll_text** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(model);
    PLIMSOLL_WANT(out);
    hand_text(out, canonical_json(to_json(*model->artifact)));
    return {};
  });
}

plimsoll_error* plimsoll_model_promise(const plimsoll_model* model, plimsoll_text** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(model);
    PLIMSOLL_WANT(out);
    hand_text(out, model->artifact->certified() ? to_text(model->artifact->certificate()) : std::string());
    return {};
  });
}

void plimsoll_model_free(plimsoll_model* model) { delete model; }

namespace {

Result<std::string> report_text(const Report& report, std::string_view format) {
  if (format == "html") return to_html(report);
  if (format == "json") return canonical_json(to_json(report));
  if (format == "markdown") return to_markdown(report);
  return Error(ErrorCode::bad_parameter, "there is no report format '" + std::string(format) + "'", "Ask for html, json or markdown.").in_parameter("format");
}

}  // namespace

plimsoll_error* plimsoll_report_text(const plimsoll_report* report, const char* format, plimsoll_text** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(report);
    PLIMSOLL_WANT(format);
    PLIMSOLL_WANT(out);
    PLIMSOLL_TRY(std::string text, report_text(report->report, format));
    hand_text(out, std::move(text));
    return {};
  });
}

plimsoll_error* plimsoll_report_save(const plimsoll_report* report, const char* path) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(report);
    PLIMSOLL_WANT(path);
    const std::string suffix = std::filesystem::path(path).extension().string();
    const std::string format = suffix == ".html" || suffix == ".htm" ? "html" : suffix == ".json" ? "json" : suffix == ".md" ? "markdown" : "";
    if (format.empty()) {
      return Error(ErrorCode::bad_parameter, "the suffix of a report says its form, and '" + suffix + "' is none of them", "Name it .html, .json or .md.")
          .in_parameter("path")
          .in_file(path);
    }
    PLIMSOLL_TRY(const std::string text, report_text(report->report, format));
    return write_file(path, text);
  });
}

plimsoll_error* plimsoll_report_from_json(const char* json, plimsoll_report** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(json);
    PLIMSOLL_WANT(out);
    PLIMSOLL_TRY(const Json parsed, parse_json(json, "report"));
    PLIMSOLL_TRY(Report report, report_from_json(parsed));
    hand_over(out, std::move(report));
    return {};
  });
}

void plimsoll_report_free(plimsoll_report* report) { delete report; }

plimsoll_error* plimsoll_session_open(const plimsoll_model* model, plimsoll_session** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(model);
    PLIMSOLL_WANT(out);
    PLIMSOLL_TRY(Session session, Session::open(model->artifact));
    auto handle = std::make_unique<plimsoll_session>();
    handle->session = std::move(session);
    WorkspaceOptions options;
    options.threads = 1;
    handle->workspace = std::make_unique<Workspace>(options);
    *out = handle.release();
    return {};
  });
}

plimsoll_error* plimsoll_session_step(plimsoll_session* session, const char* event, plimsoll_text** row) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(session);
    PLIMSOLL_WANT(event);
    PLIMSOLL_WANT(row);
    PLIMSOLL_TRY(std::string answer, session->session.step(session->workspace->context(), event));
    hand_text(row, std::move(answer));
    return {};
  });
}

plimsoll_error* plimsoll_session_state(const plimsoll_session* session, plimsoll_text** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(session);
    PLIMSOLL_WANT(out);
    PLIMSOLL_TRY(std::string state, session->session.state_bytes());
    hand_text(out, std::move(state));
    return {};
  });
}

plimsoll_error* plimsoll_session_restore(plimsoll_session* session, const void* data, size_t size) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(session);
    PLIMSOLL_WANT(data);
    return session->session.restore({static_cast<const char*>(data), size});
  });
}

void plimsoll_session_free(plimsoll_session* session) { delete session; }
