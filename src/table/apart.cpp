// SPDX-License-Identifier: Apache-2.0
// The child is forked, not started anew: it inherits the opened library and the bytes. After a fork of a process with threads only
// the forking thread lives on; the library's lock is held meanwhile, so no other thread was inside it, and the heap is safe by the C
// library's own means. What comes back is checked as any hostile input is: sizes first, against the same limit as the grid.
#include "table/apart.h"

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/buffer.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/file.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PLIMSOLL_SHADOWED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PLIMSOLL_SHADOWED 1
#endif
#endif

namespace plimsoll {
namespace {

constexpr std::uint8_t says_columns = 1;
constexpr std::uint8_t says_error = 2;
constexpr std::uint64_t longest_text = 1 << 20;
constexpr std::size_t piece = std::size_t{1} << 24;

// --- the child's side ---

bool send(int pipe, const void* bytes, std::size_t size) {
  const auto* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t sent = ::write(pipe, at, size);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    at += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

template <class T>
bool send_value(int pipe, T value) {
  return send(pipe, &value, sizeof value);
}

bool send_text(int pipe, const std::string& text) {
  const std::uint64_t size = std::min<std::uint64_t>(text.size(), longest_text);
  return send_value(pipe, size) && send(pipe, text.data(), size);
}

void limit(int resource, rlim_t value) {
  struct rlimit set {};
  if (getrlimit(resource, &set) != 0) return;
  set.rlim_cur = set.rlim_max == RLIM_INFINITY ? value : std::min(value, set.rlim_max);
  setrlimit(resource, &set);
}

// Seconds of CPU this process may use from now on.
void allow_seconds(rlim_t seconds) {
  struct rusage used {};
  getrusage(RUSAGE_SELF, &used);
  limit(RLIMIT_CPU, static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1 + seconds);
}

bool send_columns(int pipe, const GridColumns& grid, unsigned seconds) {
  if (!send_value(pipe, says_columns) || !send_value(pipe, static_cast<std::uint64_t>(grid.columns.size()))) return false;
  for (const GridColumn& column : grid.columns) {
    const std::uint64_t rows = column.kind == GridColumn::Kind::real ? column.reals.size() : column.kind == GridColumn::Kind::time ? column.times.size() : column.texts.size();
    allow_seconds(seconds + static_cast<rlim_t>(rows * 8 / piece));
    if (!send_value(pipe, static_cast<std::uint8_t>(column.kind)) || !send_text(pipe, column.name) || !send_value(pipe, rows)) return false;
    bool sent = true;
    if (column.kind == GridColumn::Kind::real) sent = send(pipe, column.reals.data(), rows * 8);
    else if (column.kind == GridColumn::Kind::time) sent = send(pipe, column.times.data(), rows * 8);
    else
      for (const std::string& text : column.texts) sent = sent && send_text(pipe, text);
    if (!sent) return false;
  }
  return true;
}

[[noreturn]] void work(int pipe, const Apart& apart, const Source& source, const ReadOptions& options) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int number : {SIGINT, SIGTERM, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU, SIGPIPE}) std::signal(number, SIG_DFL);
  limit(RLIMIT_CORE, 0);
  allow_seconds(apart.seconds + static_cast<rlim_t>(grid_limit(source, options) / piece / 16));
#if !defined(PLIMSOLL_SHADOWED)
  limit(RLIMIT_AS, (std::uint64_t{1} << 36) + 4 * grid_limit(source, options));
#endif
  if (const int nothing = ::open("/dev/null", O_RDWR); nothing >= 0)
    for (const int fd : {0, 1, 2}) dup2(nothing, fd);
  auto grid = apart.read(source, options);
  bool sent = false;
  if (grid.ok()) {
    sent = send_columns(pipe, *grid, apart.seconds);
  } else {
    const Error& error = grid.error();
    sent = send_value(pipe, says_error) && send_value(pipe, static_cast<std::uint8_t>(error.code)) && send_text(pipe, error.what) && send_text(pipe, error.mend);
  }
  _exit(sent ? 0 : 1);
}

// --- ours ---

// What the child says, and how much of it is still allowed.
class Answer {
 public:
  Answer(int pipe, std::uint64_t allowed) : pipe_(pipe), allowed_(allowed) {}
  bool take(void* bytes, std::size_t size) {
    if (size > allowed_) return false;
    allowed_ -= size;
    auto* at = static_cast<char*>(bytes);
    while (size > 0) {
      const ssize_t got = ::read(pipe_, at, size);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      at += got;
      size -= static_cast<std::size_t>(got);
    }
    return true;
  }
  template <class T>
  bool value(T& out) {
    return take(&out, sizeof out);
  }
  bool text(std::string& out) {
    std::uint64_t size = 0;
    if (!value(size) || size > longest_text) return false;
    out.resize(size);
    return take(out.data(), size);
  }
  // Grows as the bytes come, so that a lie about the length costs nothing.
  template <class T>
  bool values(std::vector<T>& out, std::uint64_t rows) {
    if (rows > allowed_ / sizeof(T)) return false;
    while (out.size() < rows) {
      const std::size_t had = out.size();
      const auto more = static_cast<std::size_t>(std::min<std::uint64_t>(rows - had, piece / sizeof(T)));
      out.resize(had + more);
      if (!take(out.data() + had, more * sizeof(T))) return false;
    }
    return true;
  }
  bool column(GridColumn& out) {
    std::uint8_t kind = 0;
    std::uint64_t rows = 0;
    if (!value(kind) || kind > 2 || !text(out.name) || !value(rows)) return false;
    out.kind = static_cast<GridColumn::Kind>(kind);
    if (out.kind == GridColumn::Kind::real) return values(out.reals, rows);
    if (out.kind == GridColumn::Kind::time) return values(out.times, rows);
    for (std::uint64_t i = 0; i < rows; ++i)
      if (!text(out.texts.emplace_back())) return false;
    return true;
  }

 private:
  int pipe_;
  std::uint64_t allowed_;
};

enum class Heard : std::uint8_t { columns, error, nothing };

Heard listen(Answer& answer, GridColumns& grid, Error& error) {
  std::uint8_t what = 0;
  if (!answer.value(what)) return Heard::nothing;
  if (what == says_error) {
    std::uint8_t code = 0;
    if (!answer.value(code) || code > static_cast<std::uint8_t>(ErrorCode::internal) || !answer.text(error.what) || !answer.text(error.mend)) return Heard::nothing;
    error.code = static_cast<ErrorCode>(code);
    return Heard::error;
  }
  std::uint64_t count = 0;
  if (what != says_columns || !answer.value(count) || count > 200'000) return Heard::nothing;
  for (std::uint64_t c = 0; c < count; ++c)
    if (!answer.column(grid.columns.emplace_back())) return Heard::nothing;
  return Heard::columns;
}

Result<std::shared_ptr<arrow::Table>> arrow_table(GridColumns grid, const Source& source) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (GridColumn& column : grid.columns) {
    std::shared_ptr<arrow::DataType> type = arrow::float64();
    std::shared_ptr<arrow::Array> array;
    if (column.kind == GridColumn::Kind::real) {
      const auto rows = static_cast<std::int64_t>(column.reals.size());
      array = std::make_shared<arrow::DoubleArray>(rows, arrow::Buffer::FromVector(std::move(column.reals)));
    } else if (column.kind == GridColumn::Kind::time) {
      type = arrow::timestamp(arrow::TimeUnit::MICRO);
      const auto rows = static_cast<std::int64_t>(column.times.size());
      array = std::make_shared<arrow::TimestampArray>(type, rows, arrow::Buffer::FromVector(std::move(column.times)));
    } else {
      type = arrow::utf8();
      arrow::StringBuilder builder;
      for (const arrow::Status& status : {builder.AppendValues(column.texts), builder.Finish(&array)})
        if (!status.ok()) return arrow_error(status, ErrorCode::no_memory);
    }
    if (!arrays.empty() && arrays.front()->length() != array->length())
      return Error(ErrorCode::corrupt_file, "the columns of the grid have different lengths", "Write the file again.").in_file(source.name);
    fields.push_back(arrow::field(column.name, std::move(type)));
    arrays.push_back(std::move(array));
  }
  const std::int64_t rows = arrays.empty() ? 0 : arrays.front()->length();
  auto table = arrow::Table::Make(arrow::schema(std::move(fields)), std::move(arrays), rows);
  PLIMSOLL_CHECK(validate_text(*table));
  return table;
}

class ApartStream final : public ReaderStream {
 public:
  ApartStream(const Apart& apart, Source source, ReadOptions options) : ReaderStream(std::move(source), std::move(options)), apart_(apart) {}
  std::int64_t rows_hint() const override { return rows_; }
  Result<void> restart() override {
    PLIMSOLL_TRY(GridColumns grid, read_apart(apart_, source_, options_));
    PLIMSOLL_TRY(table_, arrow_table(std::move(grid), source_));
    rows_ = table_->num_rows();
    if (schema() == nullptr) PLIMSOLL_CHECK(set_schema(table_->schema()));
    return {};
  }

 protected:
  Result<std::shared_ptr<arrow::Table>> read_chunk() override { return std::exchange(table_, nullptr); }

 private:
  Apart apart_;
  std::shared_ptr<arrow::Table> table_;
  std::int64_t rows_ = -1;
};

}  // namespace

Result<GridColumns> read_apart(const Apart& apart, const Source& source, const ReadOptions& options) {
  int ends[2] = {};
  if (pipe2(ends, O_CLOEXEC) != 0) return file_error(errno, source.path, "reading");
  const pid_t child = fork();
  if (child < 0) {
    const int cause = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    return Error(ErrorCode::no_memory, std::string("no process can be started to read the file: ") + std::strerror(cause), "Give the process more memory, or end others.").in_file(source.name);
  }
  if (child == 0) {
    ::close(ends[0]);
    work(ends[1], apart, source, options);
  }
  ::close(ends[1]);
  GridColumns grid;
  Error error;
  Answer answer(ends[0], grid_limit(source, options) + (std::uint64_t{1} << 26));
  const Heard heard = listen(answer, grid, error);
  ::close(ends[0]);
  if (heard != Heard::columns) kill(child, SIGKILL);  // whatever it still does is of no use
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (heard == Heard::error) return std::move(error).in_file(source.name);
  if (heard == Heard::nothing)
    return Error(ErrorCode::corrupt_file, std::string(apart.library) + " came to no end with the file", "The file is damaged; write it again.").in_file(source.name);
  return grid;
}

Result<std::unique_ptr<TableStream>> open_apart(const Apart& apart, Source source, ReadOptions options) {
  auto stream = std::make_unique<ApartStream>(apart, std::move(source), std::move(options));
  PLIMSOLL_CHECK(stream->restart());
  return std::unique_ptr<TableStream>(std::move(stream));
}

}  // namespace plimsoll
