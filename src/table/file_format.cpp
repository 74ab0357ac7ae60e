// SPDX-License-Identifier: Apache-2.0
#include "table/file_format.h"

#include <arrow/buffer.h>

#include <algorithm>
#include <cerrno>
#include <functional>

#include "base/file.h"
#include "table/grid_columns.h"
#include "table/readers.h"
#include "table/suffix.h"

namespace plimsoll {
namespace {

namespace fs = std::filesystem;

Result<std::unique_ptr<TableStream>> open_source(FileFormat format, Source source, const ReadOptions& options) {
  switch (format) {
    case FileFormat::csv: return open_csv(std::move(source), options);
    case FileFormat::parquet: return open_parquet(std::move(source), options);
    case FileFormat::jsonl: return open_jsonl(std::move(source), options);
    case FileFormat::arrow: return open_arrow(std::move(source), options);
    case FileFormat::netcdf: return open_netcdf(std::move(source), options);
    case FileFormat::grib: return open_grib(std::move(source), options);
  }
  return Error(ErrorCode::internal, "a file format without a reader");
}

Result<Table> read_source(FileFormat format, const Source& source, const ReadOptions& options) {
  switch (format) {
    case FileFormat::csv: return read_csv(source, options);
    case FileFormat::parquet: return read_parquet(source, options);
    case FileFormat::jsonl: return read_jsonl(source, options);
    case FileFormat::arrow: return read_arrow(source, options);
    case FileFormat::netcdf:
    case FileFormat::grib: {
      PLIMSOLL_TRY(const auto stream, open_source(format, source, options));
      return read_all(*stream);
    }
  }
  return Error(ErrorCode::internal, "a file format without a reader");
}

// Every error of a reader names the file.
template <class T>
Result<T> in_file(Result<T> result, const std::string& name) {
  if (result.ok() || !result.error().file.empty()) return result;
  Error error = std::move(result).error();
  return std::move(error).in_file(name);
}

ReadOptions with_delimiter(const fs::path& path, ReadOptions options) {
  if (options.delimiter == ',' && path.extension() == ".tsv") options.delimiter = '\t';
  return options;
}

struct Pipe {
  Source source;
  FileFormat format = FileFormat::csv;
};

Result<Pipe> open_pipe(const ReadOptions& options) {
  Pipe pipe;
  pipe.source.name = "standard input";
  pipe.source.pipe = standard_input();
  if (options.format.has_value()) {
    pipe.format = *options.format;
  } else {
    auto head = pipe.source.pipe->Peek(6);
    const std::string_view text = head.ok() ? *head : std::string_view();
    if (text.starts_with("ARROW1") || text.starts_with("\xff\xff\xff\xff")) pipe.format = FileFormat::arrow;
  }
  if (pipe.format == FileFormat::parquet || pipe.format == FileFormat::netcdf || pipe.format == FileFormat::grib) {
    return Error(ErrorCode::bad_parameter, "Parquet, netCDF and GRIB cannot be read from standard input", "Write it to a file, or pipe CSV or an Arrow stream.")
        .in_parameter("read.format");
  }
  return pipe;
}

struct Part {
  Source source;
  FileFormat format = FileFormat::csv;
};

Result<FileFormat> format_for(const fs::path& path, const ReadOptions& options) {
  if (options.format.has_value()) return *options.format;
  const auto format = format_of_suffix(path);
  if (format.has_value()) return *format;
  return Error(ErrorCode::bad_parameter, "the suffix of '" + path.filename().string() + "' is not that of a table",
               "Use .csv .tsv .parquet .jsonl .ndjson .arrow .feather .ipc .nc .grib, or give --read.format.")
      .in_file(path.string())
      .in_parameter("read.format");
}

// Files of a folder in the order of their names. Those that begin with a stop or an underscore are marks of other programs.
Result<std::vector<Part>> parts_of_folder(const fs::path& folder, const ReadOptions& options) {
  std::vector<fs::path> paths;
  std::error_code code;
  for (fs::directory_iterator at(folder, code), end; !code && at != end; at.increment(code)) {
    const std::string name = at->path().filename().string();
    if (name.empty() || name.front() == '.' || name.front() == '_' || !at->is_regular_file()) continue;
    if (options.format.has_value() || format_of_suffix(at->path()).has_value()) paths.push_back(at->path());
  }
  if (code) return file_error(code.value(), folder, "listing");
  std::sort(paths.begin(), paths.end());
  if (paths.empty()) {
    return Error(ErrorCode::not_found, "the folder holds no table", "Put .csv, .parquet, .jsonl or .arrow files into it.").in_file(folder.string());
  }
  std::vector<Part> parts;
  for (const fs::path& path : paths) {
    PLIMSOLL_TRY(const FileFormat format, format_for(path, options));
    if (!parts.empty() && parts.front().format != format) {
      return Error(ErrorCode::bad_parameter, "the folder holds files of more than one format ('" + paths.front().filename().string() + "' and '" +
                                                 path.filename().string() + "')",
                   "Keep one format a folder, or give --read.format.")
          .in_file(folder.string());
    }
    parts.push_back({Source{path.string(), path, nullptr, nullptr}, format});
  }
  return parts;
}

// One stream after another; batches are brought to the first file's columns and types.
class FolderStream final : public TableStream {
 public:
  FolderStream(std::vector<Part> parts, ReadOptions options) : parts_(std::move(parts)), options_(std::move(options)) {}

  Result<void> open_first() {
    PLIMSOLL_TRY(current_, open_part(0));
    columns_ = current_->columns();
    return {};
  }
  const std::vector<ColumnInfo>& columns() const override { return columns_; }

  Result<std::optional<Table>> next() override {
    while (true) {
      PLIMSOLL_TRY(std::optional<Table> batch, current_->next());
      if (batch.has_value()) return conformed(*batch);
      if (at_ + 1 >= parts_.size()) return std::optional<Table>();
      PLIMSOLL_TRY(current_, open_part(++at_));
    }
  }
  Result<void> rewind() override {
    at_ = 0;
    PLIMSOLL_TRY(current_, open_part(0));
    return {};
  }

 private:
  Result<std::unique_ptr<TableStream>> open_part(std::size_t i) {
    ReadOptions options = options_;
    // Columns are found by name in every file, so that their order may differ.
    if (options.columns.empty()) {
      for (const ColumnInfo& column : columns_) options.columns.push_back(column.name);
    }
    const Part& part = parts_[i];
    return in_file(open_source(part.format, part.source, with_delimiter(part.source.path, options)), part.source.name);
  }

  Result<std::optional<Table>> conformed(const Table& batch) {
    if (schema_ == nullptr) schema_ = batch.impl().table->schema();
    auto table = in_file(conform(batch.impl().table, schema_), parts_[at_].source.name);
    if (!table.ok()) return std::move(table).error();
    return std::optional<Table>(wrap(std::move(*table), roles_));
  }

  std::vector<Part> parts_;
  ReadOptions options_;
  std::size_t at_ = 0;
  std::unique_ptr<TableStream> current_;
  std::vector<ColumnInfo> columns_;
  std::shared_ptr<arrow::Schema> schema_;
};

Result<Table> read_folder(const fs::path& folder, const ReadOptions& options) {
  PLIMSOLL_TRY(const std::vector<Part> parts, parts_of_folder(folder, options));
  std::vector<Table> tables;
  ReadOptions each = options;
  for (const Part& part : parts) {
    PLIMSOLL_TRY(Table table, in_file(read_source(part.format, part.source, with_delimiter(part.source.path, each)), part.source.name));
    if (each.columns.empty()) {
      for (const ColumnInfo& column : table.columns()) each.columns.push_back(column.name);
    }
    if (table.rows() > 0 || tables.empty()) tables.push_back(std::move(table));
  }
  // A file of no rows knows no types.
  if (tables.size() > 1 && tables.front().rows() == 0) tables.erase(tables.begin());
  return in_file(Table::concatenate(tables), folder.string());
}

Result<void> check_there(const fs::path& path) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (fs::exists(status)) return {};
  const int cause = code ? code.value() : ENOENT;
  return file_error(cause, path, "reading");
}

Source source_of(const fs::path& path) { return Source{path.string(), path, nullptr, nullptr}; }

}  // namespace

std::optional<FileFormat> format_of_suffix(const fs::path& path) {
  std::string suffix = path.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(), [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  if (suffix == ".csv" || suffix == ".tsv") return FileFormat::csv;
  if (suffix == ".parquet") return FileFormat::parquet;
  if (suffix == ".jsonl" || suffix == ".ndjson") return FileFormat::jsonl;
  if (suffix == ".arrow" || suffix == ".feather" || suffix == ".ipc") return FileFormat::arrow;
  if (suffix == ".nc" || suffix == ".nc4" || suffix == ".cdf") return FileFormat::netcdf;
  if (suffix == ".grib" || suffix == ".grib2" || suffix == ".grb" || suffix == ".grb2") return FileFormat::grib;
  return std::nullopt;
}

Result<std::unique_ptr<TableStream>> open_table(const fs::path& path, const ReadOptions& options) {
  if (path == "-") {
    PLIMSOLL_TRY(Pipe pipe, open_pipe(options));
    const std::string name = pipe.source.name;
    return in_file(open_source(pipe.format, std::move(pipe.source), options), name);
  }
  PLIMSOLL_CHECK(check_there(path));
  if (fs::is_directory(path)) {
    PLIMSOLL_TRY(std::vector<Part> parts, parts_of_folder(path, options));
    auto stream = std::make_unique<FolderStream>(std::move(parts), options);
    PLIMSOLL_CHECK(stream->open_first());
    return std::unique_ptr<TableStream>(std::move(stream));
  }
  PLIMSOLL_TRY(const FileFormat format, format_for(path, options));
  return in_file(open_source(format, source_of(path), with_delimiter(path, options)), path.string());
}

Result<Table> read_table(const fs::path& path, const ReadOptions& options) {
  if (path == "-") {
    PLIMSOLL_TRY(Pipe pipe, open_pipe(options));
    return in_file(read_source(pipe.format, pipe.source, options), pipe.source.name);
  }
  PLIMSOLL_CHECK(check_there(path));
  if (fs::is_directory(path)) return read_folder(path, options);
  PLIMSOLL_TRY(const FileFormat format, format_for(path, options));
  return in_file(read_source(format, source_of(path), with_delimiter(path, options)), path.string());
}

Result<Table> read_table_bytes(std::string_view bytes, FileFormat format, const ReadOptions& options) {
  const auto buffer = std::make_shared<arrow::Buffer>(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<std::int64_t>(bytes.size()));
  // Tables read from Arrow's own format would view the caller's bytes: they get a copy that they own.
  auto owned = buffer->CopySlice(0, buffer->size());
  if (!owned.ok()) return arrow_error(owned.status(), ErrorCode::no_memory);
  return in_file(read_source(format, Source{"memory", {}, *owned, nullptr}, options), "memory");
}

Result<std::unique_ptr<TableStream>> open_table_bytes(std::string bytes, FileFormat format, const ReadOptions& options) {
  std::shared_ptr<arrow::Buffer> owned = arrow::Buffer::FromString(std::move(bytes));
  return in_file(open_source(format, Source{"memory", {}, std::move(owned), nullptr}, options), "memory");
}

}  // namespace plimsoll
