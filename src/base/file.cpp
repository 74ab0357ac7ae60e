// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace plimsoll {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 18;
constexpr std::size_t longest_name = 255;

// Owns a descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string random_letters() {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz234567";
  unsigned char bytes[8] = {};
  if (getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) bytes[0] = static_cast<unsigned char>(getpid());
  std::string text;
  for (const unsigned char byte : bytes) text += letters[byte % letters.size()];
  return text;
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

int sync_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0) return errno;
  // Some file systems cannot sync a folder and say EINVAL: the rename is then as durable as they make it.
  if (::fsync(descriptor.get()) != 0 && errno != EINVAL) return errno;
  return 0;
}

}  // namespace

Error file_error(int errno_value, const std::filesystem::path& path, std::string_view doing) {
  const std::string what = std::string(doing) + ": " + std::generic_category().message(errno_value);
  const auto error = [&](ErrorCode code, const char* mend) { return Error(code, what, mend).in_file(path.string()); };
  switch (errno_value) {
    case ENOENT:
      return error(ErrorCode::not_found, "Check the path");
    case EACCES:
    case EPERM:
    case EROFS:
      return error(ErrorCode::denied, "Check the permissions of the file and its folder");
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return error(ErrorCode::no_disk, "Free some space or write elsewhere; nothing half-written was left");
    case ENOMEM:
      return error(ErrorCode::no_memory, "Free some memory");
    case EISDIR:
    case ENOTDIR:
    case ELOOP:
      return error(ErrorCode::wrong_kind, "Give the path of a regular file");
    case ENAMETOOLONG:
    case EINVAL:
      return error(ErrorCode::bad_parameter, "Give another path");
    case EMFILE:
    case ENFILE:
      return error(ErrorCode::busy, "Too many files are open: raise the limit (ulimit -n)");
    case ETIMEDOUT:
      return error(ErrorCode::timeout, "Try again");
    case EIO:
      return error(ErrorCode::unavailable, "The device failed to read or write: check it");
    default:
      return error(ErrorCode::internal, "This is unexpected: please report it");
  }
}

struct AtomicFile::State {
  std::filesystem::path target;
  std::filesystem::path temporary;
  int fd = -1;
  bool failed = false;
  bool committed = false;
  std::string buffer;

  Result<void> put(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return fail("cannot write");
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }
  Error fail(std::string_view doing) {
    const int why = errno;
    failed = true;
    return file_error(why, target, doing);
  }
  Result<void> flush() {
    const Result<void> done = put(buffer);
    buffer.clear();
    return done;
  }
  ~State() {
    if (fd >= 0) ::close(fd);
    if (!committed && !temporary.empty()) ::unlink(temporary.c_str());
  }
};

AtomicFile::AtomicFile() : state_(std::make_unique<State>()) {}
AtomicFile::AtomicFile(AtomicFile&&) noexcept = default;
AtomicFile& AtomicFile::operator=(AtomicFile&&) noexcept = default;
AtomicFile::~AtomicFile() = default;

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& path) {
  std::filesystem::path target = path;
  struct stat facts = {};
  const bool stands = ::stat(path.c_str(), &facts) == 0;
  if (stands && !S_ISREG(facts.st_mode))
    return Error(ErrorCode::wrong_kind, "cannot replace what is not a regular file", "Give the path of a regular file")
        .in_file(path.string());
  if (stands) {  // a link keeps standing: what it points at is replaced
    std::error_code ignored;
    const auto resolved = std::filesystem::canonical(path, ignored);
    if (!ignored) target = resolved;
  }
  if (!target.has_filename()) return file_error(EISDIR, path, "cannot create the file");
  AtomicFile file;
  State& state = *file.state_;
  state.target = target;
  const std::string name = target.filename().string().substr(0, longest_name - 16);
  for (int attempt = 0; attempt < 100 && state.fd < 0; ++attempt) {
    const auto temporary = folder_of(target) / ("." + name + "." + random_letters() + ".tmp");
    state.fd = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (state.fd >= 0) state.temporary = temporary;
    else if (errno != EEXIST && errno != EINTR) break;
  }
  if (state.fd < 0) return file_error(errno, path, "cannot create the file");
  if (stands) {
    [[maybe_unused]] const int kept = ::fchmod(state.fd, facts.st_mode & 07777);  // the old file's mode, where allowed
  }
  return file;
}

Result<void> AtomicFile::write(std::string_view bytes) {
  State& state = *state_;
  if (state.buffer.size() + bytes.size() < buffer_bytes) {
    state.buffer.append(bytes);
    return {};
  }
  PLIMSOLL_CHECK(state.flush());
  return state.put(bytes);
}

Result<void> AtomicFile::commit() {
  State& state = *state_;
  if (state.failed || state.committed)
    return Error(ErrorCode::internal, "commit of a file that already failed or was committed").in_file(state.target.string());
  PLIMSOLL_CHECK(state.flush());
  // Opened by name: a library that was given temporary() may have replaced it.
  const Descriptor written(::open(state.temporary.c_str(), O_RDONLY | O_CLOEXEC));
  if (written.get() < 0 || ::fsync(written.get()) != 0) return state.fail("cannot write to disk");
  const int fd = state.fd;
  state.fd = -1;
  if (::close(fd) != 0 && errno != EINTR) return state.fail("cannot close");
  if (::rename(state.temporary.c_str(), state.target.c_str()) != 0) return state.fail("cannot rename into place");
  state.committed = true;
  if (const int why = sync_folder(folder_of(state.target)); why != 0)
    return file_error(why, folder_of(state.target), "cannot write the folder to disk");
  return {};
}

const std::filesystem::path& AtomicFile::temporary() const { return state_->temporary; }

Result<void> write_file(const std::filesystem::path& path, std::string_view bytes) {
  PLIMSOLL_TRY(AtomicFile file, AtomicFile::create(path));
  PLIMSOLL_CHECK(file.write(bytes));
  return file.commit();
}

Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t most) {
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.get() < 0) return file_error(errno, path, "cannot open");
  struct stat facts = {};
  if (::fstat(descriptor.get(), &facts) != 0) return file_error(errno, path, "cannot look at");
  if (S_ISDIR(facts.st_mode)) return file_error(EISDIR, path, "cannot read");
  const auto too_large = [&] {
    return Error(ErrorCode::too_large, "the file is longer than " + std::to_string(most) + " bytes", "Give a smaller file")
        .in_file(path.string());
  };
  const auto size = static_cast<std::uint64_t>(std::max<off_t>(0, facts.st_size));
  if (S_ISREG(facts.st_mode) && size > most) return too_large();
  // One byte more than the file says, so that its end is seen without another round; pipes grow as they come.
  std::string bytes(S_ISREG(facts.st_mode) ? size + 1 : buffer_bytes, '\0');
  std::size_t filled = 0;
  for (;;) {
    if (filled == bytes.size()) bytes.resize(2 * bytes.size());
    const ssize_t got = ::read(descriptor.get(), bytes.data() + filled, bytes.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(errno, path, "cannot read");
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled > most) return too_large();
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace plimsoll
