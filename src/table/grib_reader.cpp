// SPDX-License-Identifier: Apache-2.0
// GRIB 1 and 2 as a table: one row a grid point of each (time, step, level), columns time, step (hours), level, latitude, longitude,
// then one a variable by its short name, and one a member for fields that carry a number, named VARIABLE[MEMBER]. All messages of a
// file share one grid. A field that a row's time, step or level lacks is NaN, and so is a point outside its bitmap. Read in
// a process apart (apart.h).
#include <arrow/buffer.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>

#include "base/file.h"
#include "table/cf_time.h"
#include "table/eccodes_library.h"
#include "table/apart.h"

namespace plimsoll {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr double gap = 9.99e32;  // what points outside the bitmap are given, far from any value
constexpr std::size_t longest_name = 256;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

struct Release {
  const EccodesLibrary* codes;
  void operator()(EccodesLibrary::Handle* handle) const { codes->release(handle); }
};
using Message = std::unique_ptr<EccodesLibrary::Handle, Release>;

struct Level {
  std::int64_t time = 0;
  long step = 0;
  long level = 0;
  bool operator<(const Level& other) const { return std::tie(time, step, level) < std::tie(other.time, other.step, other.level); }
};

struct FieldName {
  std::string variable;
  long number = -1;
  bool operator<(const FieldName& other) const { return std::tie(variable, number) < std::tie(other.variable, other.number); }
};

class Messages {
 public:
  Messages(const EccodesLibrary& codes, const Source& source, const ReadOptions& options) : codes_(codes), source_(source), options_(options) {}
  Result<void> read();
  GridColumns table() const;

 private:
  Error failed(int code) const {
    if (code == EccodesLibrary::out_of_memory) return Error(ErrorCode::no_memory, "ecCodes ran out of memory", "Give the process more, or cut the file.").in_file(source_.name);
    const char* why = codes_.error_message(code);
    return Error(ErrorCode::corrupt_file, std::string("ecCodes cannot read the file: ") + (why != nullptr ? why : "unknown error"), "The file is truncated or damaged, or no GRIB; write it again.").in_file(source_.name);
  }
  Result<void> done(int code) const {
    if (code != 0) return failed(code);
    return {};
  }
  Result<std::unique_ptr<std::FILE, CloseFile>> open() const;
  Result<long> whole(const Message& message, const char* key) const;
  Result<std::string> text(const Message& message, const char* key) const;
  Result<std::vector<double>> doubles(const Message& message, const char* key) const;
  Result<void> take(const Message& message);
  bool wanted(const std::string& column) const {
    return options_.columns.empty() || std::find(options_.columns.begin(), options_.columns.end(), column) != options_.columns.end();
  }

  const EccodesLibrary& codes_;
  const Source& source_;
  const ReadOptions& options_;
  std::string grid_;
  std::vector<double> latitude_, longitude_;
  std::map<Level, std::map<FieldName, std::vector<double>>> fields_;
  std::map<FieldName, bool> names_;
  std::uint64_t messages_ = 0;
};

Result<std::unique_ptr<std::FILE, CloseFile>> Messages::open() const {
  std::unique_ptr<std::FILE, CloseFile> file;
  if (source_.memory != nullptr) {
    if (source_.memory->size() == 0) return Error(ErrorCode::bad_document, "the file is empty", "Give the right file.").in_file(source_.name);
    file.reset(fmemopen(const_cast<std::uint8_t*>(source_.memory->data()), static_cast<std::size_t>(source_.memory->size()), "rb"));
  } else {
    file.reset(std::fopen(source_.path.c_str(), "rb"));
  }
  if (!file) return file_error(errno, source_.path, "opening");
  return file;
}

Result<long> Messages::whole(const Message& message, const char* key) const {
  long value = 0;
  PLIMSOLL_CHECK(done(codes_.get_long(message.get(), key, &value)));
  return value;
}

Result<std::string> Messages::text(const Message& message, const char* key) const {
  std::string value(longest_name, '\0');
  std::size_t length = value.size();
  PLIMSOLL_CHECK(done(codes_.get_string(message.get(), key, value.data(), &length)));
  return value.substr(0, value.find('\0'));
}

Result<std::vector<double>> Messages::doubles(const Message& message, const char* key) const {
  std::size_t size = 0;
  PLIMSOLL_CHECK(done(codes_.get_size(message.get(), key, &size)));
  PLIMSOLL_CHECK(check_grid(source_, options_, size, messages_ + 2));
  std::vector<double> values(size);
  PLIMSOLL_CHECK(done(codes_.get_doubles(message.get(), key, values.data(), &size)));
  values.resize(std::min(size, values.size()));
  return values;
}

Result<void> Messages::take(const Message& message) {
  ++messages_;
  Level level;
  FieldName name;
  PLIMSOLL_TRY(name.variable, text(message, "shortName"));
  if (name.variable.empty() || name.variable == "unknown") {
    PLIMSOLL_TRY(const long parameter, whole(message, "paramId"));
    name.variable = "param" + std::to_string(parameter);
  }
  long number = 0;
  if (codes_.get_long(message.get(), "number", &number) == 0) name.number = number;
  PLIMSOLL_TRY(const long date, whole(message, "dataDate"));
  PLIMSOLL_TRY(const long hour, whole(message, "dataTime"));
  const auto time = grib_time(date, hour);
  if (!time) return Error(ErrorCode::corrupt_file, "message " + std::to_string(messages_) + " has no date of the calendar", "Write the file again.").in_file(source_.name);
  level.time = *time;
  PLIMSOLL_TRY(level.step, whole(message, "endStep"));
  if (codes_.get_long(message.get(), "level", &level.level) != 0) level.level = 0;
  PLIMSOLL_CHECK(done(codes_.set_double(message.get(), "missingValue", gap)));
  PLIMSOLL_TRY(std::vector<double> values, doubles(message, "values"));
  PLIMSOLL_TRY(const std::string grid, text(message, "md5GridSection"));
  if (messages_ == 1) {
    grid_ = grid;
    PLIMSOLL_TRY(latitude_, doubles(message, "latitudes"));
    PLIMSOLL_TRY(longitude_, doubles(message, "longitudes"));
  }
  if (grid != grid_ || values.size() != latitude_.size() || values.size() != longitude_.size())
    return Error(ErrorCode::bad_document, "message " + std::to_string(messages_) + " is on another grid than the first", "Keep one grid a file.").in_file(source_.name);
  std::replace(values.begin(), values.end(), gap, none);
  names_[name] = true;
  PLIMSOLL_CHECK(check_grid(source_, options_, (fields_.size() + 1) * latitude_.size(), names_.size() + 5));
  auto& fields = fields_[level];
  if (!fields.emplace(name, std::move(values)).second)
    return Error(ErrorCode::bad_value, "message " + std::to_string(messages_) + " repeats '" + name.variable + "' of the same time, step, level and member", "Keep one kind of level a file, and each field once.").in_file(source_.name);
  return {};
}

Result<void> Messages::read() {
  PLIMSOLL_TRY(const auto file, open());
  while (true) {
    int error = 0;
    const Message message(codes_.next(codes_.context(), file.get(), EccodesLibrary::grib, &error), Release{&codes_});
    if (message == nullptr) {
      if (error != 0 && error != EccodesLibrary::end_of_file) return failed(error);
      break;
    }
    PLIMSOLL_CHECK(take(message));
  }
  if (messages_ == 0) return Error(ErrorCode::bad_document, "the file holds no GRIB message", "Give the right file.").in_file(source_.name);
  return {};
}

GridColumns Messages::table() const {
  const std::size_t points = latitude_.size();
  std::vector<std::int64_t> time;
  std::vector<double> step, level, latitude, longitude;
  for (const auto& [at, fields] : fields_) {
    time.insert(time.end(), points, at.time);
    step.insert(step.end(), points, static_cast<double>(at.step));
    level.insert(level.end(), points, static_cast<double>(at.level));
    latitude.insert(latitude.end(), latitude_.begin(), latitude_.end());
    longitude.insert(longitude.end(), longitude_.begin(), longitude_.end());
  }
  GridColumns grid;
  if (wanted("time")) grid.timestamp("time", std::move(time));
  if (wanted("step")) grid.real("step", std::move(step));
  if (wanted("level")) grid.real("level", std::move(level));
  if (wanted("latitude")) grid.real("latitude", std::move(latitude));
  if (wanted("longitude")) grid.real("longitude", std::move(longitude));
  for (const auto& [name, used] : names_) {
    const std::string column = name.number < 0 ? name.variable : member_column(name.variable, std::to_string(name.number));
    if (!wanted(column)) continue;
    std::vector<double> values;
    for (const auto& [at, fields] : fields_) {
      const auto field = fields.find(name);
      if (field == fields.end()) values.insert(values.end(), points, none);
      else values.insert(values.end(), field->second.begin(), field->second.end());
    }
    grid.real(column, std::move(values));
  }
  return grid;
}

Result<GridColumns> read_whole(const Source& source, const ReadOptions& options) {
  PLIMSOLL_TRY(const EccodesLibrary* library, eccodes());
  Messages messages(*library, source, options);
  PLIMSOLL_CHECK(messages.read());
  return messages.table();
}

}  // namespace

Result<std::unique_ptr<TableStream>> open_grib(Source source, ReadOptions options) {
  PLIMSOLL_CHECK(eccodes());
  const std::scoped_lock lock(eccodes_lock());
  return open_apart({&read_whole, "ecCodes", 10}, std::move(source), std::move(options));
}

}  // namespace plimsoll
