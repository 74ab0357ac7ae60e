// SPDX-License-Identifier: Apache-2.0
#include "base/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

namespace plimsoll {
namespace {

constexpr std::size_t most_errors = 64 << 10;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Pipe {
  int ends[2] = {-1, -1};
  bool open() { return pipe2(ends, O_CLOEXEC) == 0; }
  void close(int end) {
    if (ends[end] >= 0) ::close(ends[end]);
    ends[end] = -1;
  }
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close(0);
    close(1);
  }
};

void limit(int resource, std::uint64_t value) {
  if (value == 0) return;
  struct rlimit set {};
  if (getrlimit(resource, &set) != 0) return;
  set.rlim_cur = set.rlim_max = set.rlim_max == RLIM_INFINITY ? value : std::min<rlim_t>(value, set.rlim_max);
  setrlimit(resource, &set);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

struct Pipes {
  Pipe in, out, err, why;
};

[[noreturn]] void become(const ChildAsk& ask, Pipes& pipes, char* const* arguments, char* const* environment) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int number = 1; number < 32; ++number) std::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const char* why = nullptr;
  if (dup2(pipes.in.ends[0], 0) < 0 || dup2(pipes.out.ends[1], 1) < 0 || dup2(pipes.err.ends[1], 2) < 0) why = "its files cannot be set";
  if (why == nullptr && !ask.folder.empty() && chdir(ask.folder.c_str()) != 0) why = "its folder cannot be entered";
  limit(RLIMIT_AS, ask.memory_bytes);
  limit(RLIMIT_FSIZE, ask.file_bytes);
  limit(RLIMIT_CPU, static_cast<std::uint64_t>(ask.seconds) + 2);
  struct rlimit no_core {};
  setrlimit(RLIMIT_CORE, &no_core);
  if (why == nullptr && ask.before != nullptr) why = ask.before(ask.before_with);
  limit(RLIMIT_NPROC, ask.processes);
  // What we hold open closes when the program starts; libraries do not always say so themselves.
  syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
  if (why == nullptr) {
    execvpe(arguments[0], arguments, environment);
    why = "the program cannot be started";
  }
  [[maybe_unused]] const ssize_t told = ::write(pipes.why.ends[1], why, std::strlen(why));
  _exit(127);
}

// Feeds and reads until both outputs end, the clock runs out, or more comes than is allowed.
class Talk {
 public:
  Talk(const ChildAsk& ask, Pipes& pipes, ChildReply& reply) : ask_(ask), pipes_(pipes), reply_(reply) {
    for (const int fd : {pipes_.in.ends[1], pipes_.out.ends[0], pipes_.err.ends[0], pipes_.why.ends[0]}) fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  bool run(double end) {  // false: stopped
    while (pipes_.out.ends[0] >= 0 || pipes_.err.ends[0] >= 0) {
      if (ask_.stop.requested()) return false;
      const double left = end - now();
      if (left <= 0) {
        reply_.end = ChildEnd::timeout;
        return true;
      }
      if (sent_ == ask_.input.size()) pipes_.in.close(1);
      std::array<pollfd, 3> fds = {{{pipes_.out.ends[0], POLLIN, 0}, {pipes_.err.ends[0], POLLIN, 0}, {pipes_.in.ends[1], POLLOUT, 0}}};
      if (poll(fds.data(), fds.size(), static_cast<int>(std::min(left, 0.1) * 1000) + 1) < 0 && errno != EINTR) return true;
      if (fds[0].revents != 0) read(pipes_.out, reply_.output, ask_.most_output);
      if (fds[1].revents != 0) read(pipes_.err, reply_.errors, most_errors);
      if (fds[2].revents != 0) send();
      if (reply_.output.size() > ask_.most_output) {
        reply_.output.resize(ask_.most_output);
        reply_.end = ChildEnd::too_large;
        return true;
      }
    }
    return true;
  }

 private:
  void read(Pipe& pipe, std::string& into, std::uint64_t most) {
    std::array<char, 65536> bytes{};
    const ssize_t got = ::read(pipe.ends[0], bytes.data(), bytes.size());
    if (got > 0 && into.size() <= most) into.append(bytes.data(), static_cast<std::size_t>(got));
    if (&into == &reply_.errors && into.size() > most) into.resize(most);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) pipe.close(0);
  }
  void send() {
    const ssize_t sent = ::write(pipes_.in.ends[1], ask_.input.data() + sent_, ask_.input.size() - sent_);
    if (sent > 0) sent_ += static_cast<std::size_t>(sent);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) pipes_.in.close(1);
  }

  const ChildAsk& ask_;
  Pipes& pipes_;
  ChildReply& reply_;
  std::size_t sent_ = 0;
};

// A write to a child that no longer reads must be an error code, not a signal, in this thread.
struct NoPipeSignal {
  sigset_t before{};
  bool was_pending = false;
  NoPipeSignal() {
    sigset_t pending, block;
    sigpending(&pending);
    was_pending = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&block);
    sigaddset(&block, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &block, &before);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;
  ~NoPipeSignal() {
    sigset_t pending, block;
    sigpending(&pending);
    if (!was_pending && sigismember(&pending, SIGPIPE) == 1) {
      sigemptyset(&block);
      sigaddset(&block, SIGPIPE);
      const timespec at_once{};
      sigtimedwait(&block, nullptr, &at_once);
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
};

// The program may close its outputs and live on: it has until `end`, then it goes, and its group with it.
int reap(pid_t child, double end, ChildReply& reply, const StopToken& stop) {
  int status = 0;
  while (reply.end == ChildEnd::exited) {
    const pid_t got = waitpid(child, &status, WNOHANG);
    if (got == child) {
      kill(-child, SIGKILL);
      return status;
    }
    if (now() >= end || stop.requested()) reply.end = ChildEnd::timeout;
    else usleep(500);
  }
  kill(-child, SIGKILL);
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

Result<ChildReply> run_child(const ChildAsk& ask) {
  if (ask.command.empty()) return Error(ErrorCode::bad_parameter, "there is no program to run", "Name one").in_parameter("command");
  Pipes pipes;
  if (!pipes.in.open() || !pipes.out.open() || !pipes.err.open() || !pipes.why.open()) {
    return Error(ErrorCode::unavailable, "no pipe can be made: " + std::string(std::strerror(errno)), "Close files, or raise their limit");
  }
  const std::vector<char*> arguments = pointers(ask.command);
  const std::vector<char*> environment = pointers(ask.environment);
  const NoPipeSignal quiet;
  const double begun = now();
  const double end = begun + ask.seconds;
  const long made = ask.clone_flags == 0 ? fork() : syscall(SYS_clone, ask.clone_flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (made < 0) {
    return Error(ErrorCode::unavailable, "no process can be made: " + std::string(std::strerror(errno)), "Allow more processes, or namespaces for users");
  }
  if (made == 0) become(ask, pipes, arguments.data(), environment.data());
  const auto child = static_cast<pid_t>(made);
  pipes.in.close(0);
  pipes.out.close(1);
  pipes.err.close(1);
  pipes.why.close(1);
  ChildReply reply;
  const bool done = Talk(ask, pipes, reply).run(end);
  if (!done) reply.end = ChildEnd::timeout;
  const int status = reap(child, end, reply, ask.stop);
  reply.seconds = now() - begun;
  if (!done || (reply.end == ChildEnd::timeout && ask.stop.requested())) return Error(ErrorCode::cancelled, "stopped while a program ran", "Run again");
  std::array<char, 256> why{};
  const ssize_t told = ::read(pipes.why.ends[0], why.data(), why.size());
  if (told > 0) {
    reply.end = ChildEnd::not_started;
    reply.why.assign(why.data(), static_cast<std::size_t>(told));
  } else if (reply.end == ChildEnd::exited) {
    reply.end = WIFEXITED(status) ? ChildEnd::exited : ChildEnd::killed;
    reply.status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
  }
  return reply;
}

}  // namespace plimsoll
