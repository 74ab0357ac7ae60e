// SPDX-License-Identifier: Apache-2.0
// The filter is written before the fork (libseccomp allocates); behind the fork only system calls are made.
#include "agent/sandbox.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

namespace plimsoll::agent {
namespace {

constexpr std::uint64_t most_processes = 256;

struct Plan {
  std::string folder;
  std::string users, groups;             // lines of the maps
  std::vector<sock_filter> filter;
};

// Calls that reach the kernel's own settings, other processes, new namespaces or the network. Everything else is allowed: what
// it can reach is what the namespaces hold.
constexpr std::array denied = {
    SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(unshare), SCMP_SYS(setns),
    SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(kcmp), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
    SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(acct),
    SCMP_SYS(quotactl), SCMP_SYS(syslog), SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(adjtimex), SCMP_SYS(clock_adjtime),
    SCMP_SYS(open_by_handle_at), SCMP_SYS(name_to_handle_at), SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register), SCMP_SYS(personality), SCMP_SYS(fsopen), SCMP_SYS(fsmount), SCMP_SYS(move_mount), SCMP_SYS(open_tree),
    SCMP_SYS(mount_setattr), SCMP_SYS(pidfd_getfd), SCMP_SYS(memfd_secret), SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(sethostname)};
constexpr std::uint64_t new_namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

// An empty filter: it could not be made.
std::vector<sock_filter> make_filter() {
  const std::unique_ptr<void, decltype(&seccomp_release)> rules(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release);
  if (!rules) return {};
  int bad = 0;
  for (const int call : denied) bad |= seccomp_rule_add(rules.get(), SCMP_ACT_ERRNO(EPERM), call, 0);
  bad |= seccomp_rule_add(rules.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);  // its flags lie where a filter cannot look
  // Without the library's macros: they are C.
  const auto deny = [&](int call, const scmp_arg_cmp& when) { bad |= seccomp_rule_add_array(rules.get(), SCMP_ACT_ERRNO(EPERM), call, 1, &when); };
  for (std::uint64_t bit = 1; bit <= CLONE_NEWNET; bit <<= 1) {
    if ((new_namespaces & bit) != 0) deny(SCMP_SYS(clone), {0, SCMP_CMP_MASKED_EQ, bit, bit});
  }
  deny(SCMP_SYS(socket), {0, SCMP_CMP_NE, AF_UNIX, 0});
  deny(SCMP_SYS(ioctl), {1, SCMP_CMP_MASKED_EQ, 0xFFFFFFFFU, 0x5412 /* TIOCSTI */});
  const int file = memfd_create("filter", MFD_CLOEXEC);
  if (bad != 0 || file < 0 || seccomp_export_bpf(rules.get(), file) != 0) {
    if (file >= 0) close(file);
    return {};
  }
  std::vector<sock_filter> out(static_cast<std::size_t>(lseek(file, 0, SEEK_END)) / sizeof(sock_filter));
  const auto bytes = static_cast<ssize_t>(out.size() * sizeof(sock_filter));
  const bool read = pread(file, out.data(), static_cast<std::size_t>(bytes), 0) == bytes;
  close(file);
  return read ? out : std::vector<sock_filter>();
}

bool write_all(const char* path, const std::string& text) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(file);
  return written;
}

// A mount that came from outside keeps the locks it has there.
bool read_only(const char* at) {
  struct statvfs now {};
  if (statvfs(at, &now) != 0) return false;
  unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV;
  if ((now.f_flag & ST_NOEXEC) != 0) flags |= MS_NOEXEC;
  if ((now.f_flag & ST_NOATIME) != 0) flags |= MS_NOATIME;
  if ((now.f_flag & ST_NODIRATIME) != 0) flags |= MS_NODIRATIME;
  if ((now.f_flag & ST_RELATIME) != 0) flags |= MS_RELATIME;
  return mount(nullptr, at, nullptr, flags, nullptr) == 0;
}

// The system's folders that there are; links (as /bin is one) are made anew.
bool show(const char* outside, const char* inside, bool writable) {
  struct stat there {};
  if (lstat(outside, &there) != 0) return true;
  if (S_ISLNK(there.st_mode)) {
    std::array<char, 256> to{};
    const ssize_t length = readlink(outside, to.data(), to.size() - 1);
    return length > 0 && symlink(to.data(), inside) == 0;
  }
  if (S_ISDIR(there.st_mode) ? mkdir(inside, 0755) != 0 : close(open(inside, O_CREAT | O_WRONLY | O_CLOEXEC, 0644)) != 0) return false;
  if (mount(outside, inside, nullptr, MS_BIND | (writable ? 0 : MS_REC), nullptr) != 0) return false;
  return writable || read_only(inside);
}

const char* make_root(const Plan& plan) {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return "mounts cannot be made private";
  // The folder is held open, since the new root covers the place where it stands.
  const int folder = open(plan.folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return "its folder cannot be opened";
  if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=755") != 0) return "no file system in memory can be mounted";
  if (chdir("/tmp") != 0) return "the new root cannot be entered";
  for (const char* name : {"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"}) {
    std::array<char, 16> outside{};
    outside[0] = '/';
    std::strcpy(outside.data() + 1, name);
    if (!show(outside.data(), name, false)) return "the system's programs cannot be shown";
  }
  if (mkdir("dev", 0755) != 0 || mkdir("etc", 0755) != 0 || mkdir("tmp", 0777) != 0 || mkdir("proc", 0555) != 0) return "the new root cannot be filled";
  if (!show("/etc/alternatives", "etc/alternatives", false) || !show("/etc/ld.so.cache", "etc/ld.so.cache", false)) return "the system's programs cannot be shown";
  for (const auto& [outside, inside] : {std::pair("/dev/null", "dev/null"), std::pair("/dev/zero", "dev/zero"), std::pair("/dev/urandom", "dev/urandom")}) {
    if (!show(outside, inside, true)) return "the devices cannot be shown";
  }
  if (mkdir("work", 0755) != 0) return "the new root cannot be filled";
  // A bind of "." reaches the folder itself, wherever it stands.
  if (fchdir(folder) != 0 || mount(".", "/tmp/work", nullptr, MS_BIND, nullptr) != 0) return "its folder cannot be mounted";
  close(folder);
  if (chdir("/tmp") != 0 || syscall(SYS_pivot_root, ".", ".") != 0) return "the root cannot be changed";
  if (umount2(".", MNT_DETACH) != 0 || chdir("/work") != 0) return "the old root cannot be left";
  if (mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr) != 0) return "the new root cannot be closed";
  return nullptr;
}

// The first process of a namespace is deaf to signals from inside, so the program is its child; with the first all end. A program
// that a signal ended shows as 128 + the signal.
const char* become_init() {
  const long child = syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child < 0) return "no process can be made inside";
  if (child == 0) return nullptr;
  syscall(SYS_close_range, 0U, ~0U, 0U);  // or the program's input would never end: its other side is open here
  int status = 0;
  while (true) {
    const pid_t ended = waitpid(-1, &status, 0);
    if (ended == static_cast<pid_t>(child)) _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    if (ended < 0 && errno != EINTR) _exit(1);
  }
}

const char* enter(void* with) {
  const Plan& plan = *static_cast<const Plan*>(with);
  if (!write_all("/proc/self/setgroups", "deny") || !write_all("/proc/self/uid_map", plan.users) || !write_all("/proc/self/gid_map", plan.groups)) {
    return "users cannot be mapped";
  }
  if (const char* why = make_root(plan); why != nullptr) return why;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "rights cannot be given up";
  // Nobody inside: not the root of the namespace, so the program starts without any right over it.
  if (syscall(SYS_setresgid, 1000, 1000, 1000) != 0 || syscall(SYS_setresuid, 1000, 1000, 1000) != 0) return "users cannot be changed";
  sock_fprog filter{static_cast<unsigned short>(plan.filter.size()), const_cast<sock_filter*>(plan.filter.data())};
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0) return "system calls cannot be filtered";
  return become_init();
}

}  // namespace

Result<JailReply> run_jailed(const JailAsk& ask) {
  Plan plan;
  plan.folder = ask.folder.string();
  plan.users = "1000 " + std::to_string(geteuid()) + " 1\n";
  plan.groups = "1000 " + std::to_string(getegid()) + " 1\n";
  plan.filter = make_filter();
  JailReply reply;
  if (plan.filter.empty() || plan.filter.size() > BPF_MAXINSNS) {
    reply.why = "no filter of system calls can be made";
    return reply;
  }
  ChildAsk child;
  child.command = ask.command;
  child.environment = {"PATH=/usr/bin:/bin", "HOME=/work", "TMPDIR=/work", "LC_ALL=C.UTF-8"};
  child.input = ask.input;
  child.seconds = ask.seconds;
  child.most_output = ask.most_output;
  child.memory_bytes = ask.memory_bytes;
  child.file_bytes = ask.file_bytes;
  child.processes = most_processes;
  child.stop = ask.stop;
  child.before = &enter;
  child.before_with = &plan;
  child.clone_flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
  auto run = run_child(child);
  if (!run) {
    if (run.error().code != ErrorCode::unavailable) return std::move(run).error();
    reply.why = run.error().what;
    return reply;
  }
  reply.child = std::move(run).value();
  // A program that is not there is the caller's; anything else that stopped it from starting is the machine's.
  const bool absent = reply.child.end == ChildEnd::not_started && reply.child.why == "the program cannot be started";
  reply.ran = reply.child.end != ChildEnd::not_started || absent;
  if (!reply.ran) reply.why = reply.child.why;
  return reply;
}

}  // namespace plimsoll::agent
