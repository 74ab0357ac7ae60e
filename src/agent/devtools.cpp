// SPDX-License-Identifier: Apache-2.0
#include "agent/devtools.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>

namespace plimsoll::agent {
namespace {

constexpr std::size_t most_message = std::size_t{64} << 20;

Error gone(const std::string& what) { return Error(ErrorCode::upstream, "the browser " + what, "Begin a new episode"); }

[[noreturn]] void become(int in, int out, char* const* arguments) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Away from 3 and 4 first, which they may be themselves.
  const int read_end = fcntl(in, F_DUPFD, 10);
  const int write_end = fcntl(out, F_DUPFD, 10);
  const int nothing = open("/dev/null", O_RDWR);
  for (const int fd : {0, 1, 2}) dup2(nothing, fd);
  dup2(read_end, 3);
  dup2(write_end, 4);
  syscall(SYS_close_range, 5U, ~0U, 0U);
  execvp(arguments[0], arguments);
  _exit(127);
}

}  // namespace

double seconds_now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Result<std::unique_ptr<DevTools>> DevTools::start(const std::string& program, const std::filesystem::path& profile, double seconds, const StopToken& stop) {
  std::vector<std::string> words = {program, "--headless=new", "--remote-debugging-pipe", "--user-data-dir=" + profile.string(), "--no-first-run",
                                    "--disable-gpu", "--disable-extensions", "--disable-sync", "--disable-background-networking",
                                    "--disable-component-update", "--disable-default-apps", "--disable-domain-reliability", "--disable-dev-shm-usage",
                                    "--mute-audio", "--window-size=1280,800", "--force-device-scale-factor=1", "--lang=en-US",
                                    "--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9", "about:blank"};
  if (geteuid() == 0) words.insert(words.begin() + 1, "--no-sandbox");  // Chromium's own refuses root
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  // Sockets, not pipes: a write to a browser that is gone is then an error and not a signal.
  int ours_to[2] = {-1, -1};
  int ours_from[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ours_to) != 0) return Error(ErrorCode::unavailable, "no pipe to a browser can be made", "Close files");
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ours_from) != 0) {
    for (const int fd : ours_to) close(fd);
    return Error(ErrorCode::unavailable, "no pipe to a browser can be made", "Close files");
  }
  std::unique_ptr<DevTools> made(new DevTools);
  made->stop_ = stop;
  made->child_ = fork();
  if (made->child_ == 0) become(ours_to[1], ours_from[1], arguments.data());
  close(ours_to[1]);
  close(ours_from[1]);
  made->to_ = ours_to[0];
  made->from_ = ours_from[0];
  auto answer = made->call("Browser.getVersion", Json::object(), seconds_now() + seconds);
  if (!answer) {
    if (answer.error().code == ErrorCode::cancelled) return std::move(answer).error();
    return Error(ErrorCode::missing_plugin, "no browser answers as '" + program + "': " + answer.error().what, "Install chromium");
  }
  return made;
}

DevTools::~DevTools() {
  if (to_ >= 0) close(to_);
  if (from_ >= 0) close(from_);
  if (child_ <= 0) return;
  kill(-child_, SIGKILL);
  kill(child_, SIGKILL);
  while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void DevTools::send(const std::string& method, const Json& parameters) {
  Json message = {{"id", ++last_}, {"method", method}, {"params", parameters}};
  if (!session_.empty()) message["sessionId"] = session_;
  std::string bytes = message.dump(-1, ' ', false, Json::error_handler_t::replace);
  bytes.push_back('\0');
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t sent = ::send(to_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return;  // the reading side will say that it is gone
    at += static_cast<std::size_t>(sent);
  }
}

Result<Json> DevTools::next(double end) {
  while (true) {
    if (const std::size_t zero = held_.find('\0'); zero != std::string::npos) {
      const Json message = Json::parse(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(zero), nullptr, false);
      held_.erase(0, zero + 1);
      if (!message.is_object()) return gone("speaks no JSON");
      return message;
    }
    if (held_.size() > most_message) return gone("says too much");
    PLIMSOLL_CHECK(stop_.check());
    const double left = end - seconds_now();
    if (left <= 0) return Error(ErrorCode::timeout, "the browser does not answer in time", "Allow more seconds");
    pollfd fd = {from_, POLLIN, 0};
    if (poll(&fd, 1, static_cast<int>(std::min(left, 0.1) * 1000) + 1) <= 0) continue;
    std::array<char, 65536> bytes{};
    const ssize_t got = ::read(from_, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return gone("is gone");
    held_.append(bytes.data(), static_cast<std::size_t>(got));
  }
}

// True: the message is the answer that is wanted.
Result<bool> DevTools::take(const Json& message, std::int64_t wanted, Json& into) {
  if (message.contains("id")) {
    if (message["id"] != Json(wanted)) return false;
    if (message.contains("error")) return gone("refuses: " + message["error"].value("message", std::string()));
    into = message.value("result", Json(Json::object()));
    return true;
  }
  if (handler_ && message.contains("method") && message["method"].is_string()) handler_(message["method"].get<std::string>(), message.value("params", Json(Json::object())));
  return false;
}

Result<Json> DevTools::call(const std::string& method, const Json& parameters, double end) {
  send(method, parameters);
  const std::int64_t wanted = last_;
  while (true) {
    PLIMSOLL_TRY(const Json message, next(end));
    Json result;
    PLIMSOLL_TRY(const bool found, take(message, wanted, result));
    if (found) return result;
  }
}

Result<void> DevTools::listen(double end) {
  while (true) {
    auto message = next(end);
    if (!message && message.error().code == ErrorCode::timeout) return {};
    if (!message) return std::move(message).error();
    Json nothing;
    PLIMSOLL_CHECK(take(*message, -1, nothing));
  }
}

}  // namespace plimsoll::agent
