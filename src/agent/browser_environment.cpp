// SPDX-License-Identifier: Apache-2.0
// Chromium on pages of the spec alone: every request is stopped in the browser and answered from `files`, or it fails; names do not
// resolve and the proxy is none, so nothing leaves the machine even past that. Actions are real mouse and key events.
#include <openssl/evp.h>

#include <array>

#include "agent/devtools.h"
#include "agent/environments.h"
#include "base/json.h"

namespace plimsoll::agent {
namespace {

namespace fs = std::filesystem;
const std::string origin = "http://site.test";

std::string base64(const std::string& bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

std::string type_of(const std::string& path) {
  for (const auto& [suffix, type] : {std::pair(".html", "text/html; charset=utf-8"), std::pair(".css", "text/css"), std::pair(".js", "text/javascript"),
                                     std::pair(".svg", "image/svg+xml"), std::pair(".json", "application/json"), std::pair(".txt", "text/plain; charset=utf-8")}) {
    if (path.ends_with(suffix)) return type;
  }
  return "application/octet-stream";
}

std::string quoted(const std::string& text) { return Json(text).dump(-1, ' ', true, Json::error_handler_t::replace); }

class BrowserWorld final : public World {
 public:
  BrowserWorld(EnvironmentSpec spec, fs::path scratch, StopToken stop) : spec_(std::move(spec)), scratch_(std::move(scratch)), stop_(std::move(stop)) {}
  ~BrowserWorld() override { forget(); }
  std::string description() const override { return "browser " + spec_.program; }

  Result<Observation> begin(std::uint64_t) override {
    forget();
    steps_ = 0;
    loading_ = false;
    events_.clear();
    std::string pattern = (scratch_ / "browser-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) return Error(ErrorCode::no_disk, "no folder for the browser can be made", "Free space");
    profile_ = pattern;
    auto started = DevTools::start(spec_.program, profile_, std::max(20.0, spec_.seconds), stop_);
    if (!started) {
      if (started.error().code != ErrorCode::missing_plugin) return std::move(started).error();
      return Observation{"not_run", started.error().what, {}, true};
    }
    browser_ = std::move(started).value();
    const double end = seconds_now() + std::max(20.0, spec_.seconds);
    PLIMSOLL_TRY(const Json target, browser_->call("Target.createTarget", {{"url", "about:blank"}}, end));
    PLIMSOLL_TRY(const Json session, browser_->call("Target.attachToTarget", {{"flatten", true}, {"targetId", target.value("targetId", std::string())}}, end));
    browser_->use_session(session.value("sessionId", std::string()));
    browser_->on_event([this](const std::string& method, const Json& parameters) { hear(method, parameters); });
    for (const char* domain : {"Page.enable", "Runtime.enable"}) PLIMSOLL_CHECK(browser_->call(domain, Json::object(), end));
    PLIMSOLL_CHECK(browser_->call("Fetch.enable", {{"patterns", Json::array({{{"urlPattern", "*"}}})}}, end));
    PLIMSOLL_CHECK(browser_->call("Page.navigate", {{"url", origin + spec_.start}}, end));
    return look(end, "ok");
  }

  Result<Observation> step(const std::string& action) override {
    if (!browser_) return Error(ErrorCode::bad_parameter, "no episode has begun", "Reset first");
    const bool last = ++steps_ >= spec_.most_steps;
    const double end = seconds_now() + spec_.seconds;
    events_.clear();
    auto status = perform(action, end);
    auto seen = status ? look(end, *status) : Result<Observation>(std::move(status).error());
    if (!seen && seen.error().code == ErrorCode::timeout) seen = Observation{"timeout", "", events_, false};
    if (!seen) return seen;
    seen->done = last;
    return seen;
  }

 private:
  void forget() {
    browser_.reset();
    std::error_code ignored;
    if (!profile_.empty()) fs::remove_all(profile_, ignored);
    profile_.clear();
  }

  void hear(const std::string& method, const Json& parameters) {
    if (method == "Fetch.requestPaused") return answer(parameters);
    if (method == "Page.frameRequestedNavigation" || method == "Page.frameStartedLoading") loading_ = true;
    if (method == "Page.frameStoppedLoading") loading_ = false;
    if (method == "Page.javascriptDialogOpening") {
      events_.push_back(canonical_json({{"dialog", parameters.value("message", std::string())}}));
      browser_->send("Page.handleJavaScriptDialog", {{"accept", false}});
    } else if (method == "Page.frameNavigated" && !parameters["frame"].contains("parentId")) {
      events_.push_back(canonical_json({{"page", parameters["frame"].value("url", std::string())}}));
    }
  }

  void answer(const Json& parameters) {
    const Json request = parameters.value("request", Json(Json::object()));
    const std::string url = request.value("url", std::string());
    const std::string id = parameters.value("requestId", std::string());
    Json event = {{"method", request.value("method", std::string())}, {"request", url}};
    if (request.contains("postData")) event["body"] = request["postData"];
    if (!url.starts_with(origin + "/")) {
      event["blocked"] = true;
      events_.push_back(canonical_json(event));
      browser_->send("Fetch.failRequest", {{"errorReason", "BlockedByClient"}, {"requestId", id}});
      return;
    }
    const std::string path = url.substr(origin.size(), url.find_first_of("?#", origin.size()) - origin.size());
    const auto page = spec_.files.find(path);
    const bool there = page != spec_.files.end();
    event["status"] = there ? 200 : 404;
    if (path != "/favicon.ico") events_.push_back(canonical_json(event));
    browser_->send("Fetch.fulfillRequest", {{"body", base64(there ? page->second : "not found")},
                                            {"requestId", id},
                                            {"responseCode", there ? 200 : 404},
                                            {"responseHeaders", Json::array({{{"name", "Content-Type"}, {"value", type_of(there ? path : ".txt")}}})}});
  }

  Result<Json> evaluate(const std::string& script, double end) {
    PLIMSOLL_TRY(const Json out, browser_->call("Runtime.evaluate", {{"awaitPromise", true}, {"expression", script}, {"returnByValue", true}}, end));
    if (out.contains("exceptionDetails")) return Json();
    return out.contains("result") ? out["result"].value("value", Json()) : Json();
  }

  // The page as it stands once it is loaded and drew: tried again where a navigation took the script's ground away.
  Result<Observation> look(double end, const std::string& status) {
    const std::string script =
        "new Promise(r => setTimeout(() => r(document.readyState === 'complete' ? {url: location.href, title: document.title,"
        " text: (document.body ? document.body.innerText : '').slice(0, " + std::to_string(spec_.most_output / 4) + "), controls: [...document.querySelectorAll('a[href],button,input,select,textarea')]"
        ".slice(0, 200).map(e => ({tag: e.tagName.toLowerCase(), id: e.id, name: e.name || '', label: (e.innerText || e.value || '').slice(0, 100)}))} : null), 20))";
    while (true) {
      auto page = evaluate(script, end);
      if (!page && page.error().code != ErrorCode::upstream) return std::move(page).error();
      if (page && !loading_ && page->is_object() && (*page).value("url", std::string()) != "about:blank") {
        return Observation{status, canonical_json(*page), events_, false};
      }
      PLIMSOLL_CHECK(browser_->listen(std::min(end, seconds_now() + 0.02)));
      if (seconds_now() >= end) return Error(ErrorCode::timeout, "the page does not come to rest", "Allow more seconds");
    }
  }

  Result<std::string> perform(const std::string& action, double end) {
    const auto json = parse_json(action, "action");
    const auto word = [&](const char* name) { return json && json->is_object() && json->contains(name) && (*json)[name].is_string() ? (*json)[name].get<std::string>() : std::string(); };
    const std::string deed = word("do");
    if (deed == "look") return std::string("ok");
    if (deed == "go") {
      if (!word("path").starts_with('/')) return std::string("refused");
      PLIMSOLL_CHECK(browser_->call("Page.navigate", {{"url", origin + word("path")}}, end));
      return std::string("ok");
    }
    if (deed != "click" && deed != "type") return std::string("refused");
    PLIMSOLL_TRY(const bool clicked, click(word("selector"), end));
    if (!clicked) return std::string("refused");
    if (deed == "type") PLIMSOLL_CHECK(browser_->call("Input.insertText", {{"text", word("text")}}, end));
    return std::string("ok");
  }

  // Where a person could: the middle of what is seen of the element, which must be on top there.
  Result<bool> click(const std::string& selector, double end) {
    const std::string script = "(() => { let e = null; try { e = document.querySelector(" + quoted(selector) +
                               "); } catch (x) { return null; } if (!e) return null; e.scrollIntoView({block: 'center'});"
                               " const b = e.getBoundingClientRect(); const x = b.x + b.width / 2, y = b.y + b.height / 2;"
                               " const top = document.elementFromPoint(x, y); return top && (e === top || e.contains(top)) ? [x, y] : null; })()";
    PLIMSOLL_TRY(const Json place, evaluate(script, end));
    if (!place.is_array() || place.size() != 2 || !place[0].is_number() || !place[1].is_number()) return false;
    for (const char* kind : {"mousePressed", "mouseReleased"}) {
      PLIMSOLL_CHECK(browser_->call("Input.dispatchMouseEvent", {{"button", "left"}, {"clickCount", 1}, {"type", kind}, {"x", place[0]}, {"y", place[1]}}, end));
    }
    return true;
  }

  EnvironmentSpec spec_;
  fs::path scratch_;
  fs::path profile_;
  StopToken stop_;
  std::unique_ptr<DevTools> browser_;
  std::vector<std::string> events_;
  bool loading_ = false;
  std::int64_t steps_ = 0;
};

}  // namespace

Result<WorldPointer> open_browser(const EnvironmentSpec& spec, const Context& context) {
  if (!spec.start.starts_with('/')) return Error(ErrorCode::bad_parameter, "the first page's path does not begin with a slash", "Write /index.html").in_parameter("start");
  std::error_code error;
  const fs::path scratch = fs::is_directory(context.scratch, error) ? context.scratch : fs::temp_directory_path(error);
  return WorldPointer(std::make_shared<BrowserWorld>(spec, fs::canonical(scratch, error), context.stop));
}

}  // namespace plimsoll::agent
