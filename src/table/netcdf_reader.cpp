// SPDX-License-Identifier: Apache-2.0
// NetCDF (classic, 64-bit, version 4) as a table: one row a point of the widest variable's grid without its member dimension, one
// column a dimension, one a variable, and one a member for variables that have members, named VARIABLE[MEMBER]. Variables on some of
// the grid's dimensions are repeated along the others; variables on other dimensions, of text in characters, or within groups are
// left out. Read in a process apart (apart.h). CF conventions: scale_factor, add_offset, _FillValue, missing_value, valid_min, valid_max, valid_range, time units.
#include <arrow/buffer.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>

#include "base/file.h"
#include "table/cf_time.h"
#include "table/apart.h"
#include "table/netcdf_library.h"

namespace plimsoll {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t longest_attribute = 4096;

struct Dimension {
  std::string name;
  std::size_t length = 0;
  int coordinate = -1;  // variable of the same name, if there is one
};

struct Variable {
  std::string name;
  int id = 0;
  int type = 0;
  std::vector<int> dims;
};

class File {
 public:
  File(const NetcdfLibrary& library, const Source& source, const ReadOptions& options) : nc_(library), source_(source), options_(options) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (open_) nc_.close(file_);
  }

  Result<void> open();
  Result<GridColumns> table();

 private:
  Error failed(int code) const {
    if (code == NetcdfLibrary::no_memory) return Error(ErrorCode::no_memory, "netCDF ran out of memory", "Give the process more, or cut the file.").in_file(source_.name);
    const char* why = nc_.strerror(code);
    return Error(ErrorCode::corrupt_file, std::string("netCDF cannot read the file: ") + (why != nullptr ? why : "unknown error"), "The file is truncated or damaged, or no netCDF; write it again.").in_file(source_.name);
  }
  Result<void> done(int code) const {
    if (code != 0) return failed(code);
    return {};
  }
  bool wanted(const std::string& column) const {
    return options_.columns.empty() || std::find(options_.columns.begin(), options_.columns.end(), column) != options_.columns.end();
  }
  Result<void> read_dimensions(int count);
  Result<void> read_variables(int count);
  std::optional<std::string> attribute(int variable, const char* name) const;
  std::vector<double> numbers(int variable, const char* name) const;
  int member_dimension() const;
  void choose_rows();
  bool on_rows(const Variable& variable) const;
  Result<std::vector<double>> values(const Variable& variable, std::size_t member) const;
  void decode(const Variable& variable, std::vector<double>& values) const;
  std::vector<std::size_t> spread(const std::vector<int>& dims) const;
  Result<void> add_dimension(int dim, GridColumns& columns) const;
  Result<void> add_variable(const Variable& variable, GridColumns& columns) const;
  Result<void> add_numbers(const std::string& name, const Variable& variable, std::vector<double> values, GridColumns& columns) const;
  Result<std::vector<std::string>> member_names() const;
  Result<std::vector<std::string>> texts(const Variable& variable) const;

  const NetcdfLibrary& nc_;
  const Source& source_;
  const ReadOptions& options_;
  int file_ = 0;
  bool open_ = false;
  std::vector<Dimension> dims_;
  std::vector<Variable> variables_;
  int member_ = -1;             // dimension of members
  std::vector<int> row_dims_;   // in the widest variable's order
  std::size_t rows_ = 1;
};

Result<void> File::open() {
  if (source_.memory != nullptr) {
    // The library only reads, but its interface does not say so.
    void* bytes = const_cast<std::uint8_t*>(source_.memory->data());
    PLIMSOLL_CHECK(done(nc_.open_mem("memory", NetcdfLibrary::no_write, static_cast<std::size_t>(source_.memory->size()), bytes, &file_)));
  } else {
    std::error_code code;
    const auto path = std::filesystem::absolute(source_.path, code);  // never a name that the library takes for an address
    PLIMSOLL_CHECK(done(nc_.open(path.c_str(), NetcdfLibrary::no_write, &file_)));
  }
  open_ = true;
  int dims = 0;
  int variables = 0;
  int attributes = 0;
  int unlimited = 0;
  PLIMSOLL_CHECK(done(nc_.inq(file_, &dims, &variables, &attributes, &unlimited)));
  PLIMSOLL_CHECK(read_dimensions(dims));
  PLIMSOLL_CHECK(read_variables(variables));
  member_ = member_dimension();
  choose_rows();
  return {};
}

Result<void> File::read_dimensions(int count) {
  for (int i = 0; i < count; ++i) {
    std::array<char, NetcdfLibrary::max_name + 1> name{};
    Dimension dimension;
    PLIMSOLL_CHECK(done(nc_.inq_dim(file_, i, name.data(), &dimension.length)));
    dimension.name = name.data();
    dims_.push_back(std::move(dimension));
  }
  return {};
}

Result<void> File::read_variables(int count) {
  for (int i = 0; i < count; ++i) {
    std::array<char, NetcdfLibrary::max_name + 1> name{};
    std::vector<int> dims(static_cast<std::size_t>(NetcdfLibrary::max_dims));
    int used = 0;
    int attributes = 0;
    Variable variable;
    variable.id = i;
    PLIMSOLL_CHECK(done(nc_.inq_var(file_, i, name.data(), &variable.type, &used, dims.data(), &attributes)));
    for (int d = 0; d < used; ++d) {
      if (dims[static_cast<std::size_t>(d)] < 0 || static_cast<std::size_t>(dims[static_cast<std::size_t>(d)]) >= dims_.size()) return failed(-46);
      variable.dims.push_back(dims[static_cast<std::size_t>(d)]);
    }
    variable.name = name.data();
    for (Dimension& dimension : dims_)
      if (dimension.name == variable.name && variable.dims.size() == 1 && &dims_[static_cast<std::size_t>(variable.dims[0])] == &dimension) dimension.coordinate = i;
    variables_.push_back(std::move(variable));
  }
  return {};
}

std::optional<std::string> File::attribute(int variable, const char* name) const {
  int type = 0;
  std::size_t length = 0;
  if (nc_.inq_att(file_, variable, name, &type, &length) != 0 || type != NetcdfLibrary::type_char || length > longest_attribute) return std::nullopt;
  std::string text(length, '\0');
  if (nc_.get_att_text(file_, variable, name, text.data()) != 0) return std::nullopt;
  return text.substr(0, text.find('\0'));
}

std::vector<double> File::numbers(int variable, const char* name) const {
  int type = 0;
  std::size_t length = 0;
  if (nc_.inq_att(file_, variable, name, &type, &length) != 0 || type == NetcdfLibrary::type_char || type > NetcdfLibrary::type_uint64 || length > 16) return {};
  std::vector<double> values(length);
  if (nc_.get_att_double(file_, variable, name, values.data()) != 0) return {};
  return values;
}

// By the standard name of CF, else by the names in use.
int File::member_dimension() const {
  for (std::size_t d = 0; d < dims_.size(); ++d)
    if (dims_[d].coordinate >= 0 && attribute(dims_[d].coordinate, "standard_name") == "realization") return static_cast<int>(d);
  static constexpr std::array<std::string_view, 9> names = {"number", "member", "members", "ensemble", "ensemble_member", "ens", "realization", "realisation", "realizations"};
  for (const std::string_view name : names)
    for (std::size_t d = 0; d < dims_.size(); ++d)
      if (dims_[d].name == name) return static_cast<int>(d);
  return -1;
}

void File::choose_rows() {
  double widest = 0;
  for (const Variable& variable : variables_) {
    if (variable.type == NetcdfLibrary::type_char || variable.type > NetcdfLibrary::type_string) continue;
    double size = 1;
    std::vector<int> dims;
    for (const int d : variable.dims) {
      size *= static_cast<double>(dims_[static_cast<std::size_t>(d)].length);
      if (d != member_) dims.push_back(d);
    }
    if (size > widest) {
      widest = size;
      row_dims_ = std::move(dims);
    }
  }
}

bool File::on_rows(const Variable& variable) const {
  if (variable.type == NetcdfLibrary::type_char || variable.type > NetcdfLibrary::type_string) return false;
  for (std::size_t k = 0; k < variable.dims.size(); ++k) {
    const int d = variable.dims[k];
    if (d != member_ && std::find(row_dims_.begin(), row_dims_.end(), d) == row_dims_.end()) return false;
    if (std::find(variable.dims.begin(), variable.dims.begin() + static_cast<std::ptrdiff_t>(k), d) != variable.dims.begin() + static_cast<std::ptrdiff_t>(k)) return false;
  }
  return true;
}

// One member's values (or all, without members) in the variable's own order.
Result<std::vector<double>> File::values(const Variable& variable, std::size_t member) const {
  std::vector<std::size_t> start(variable.dims.size() + 1);
  std::vector<std::size_t> count(variable.dims.size() + 1, 1);
  std::size_t size = 1;
  for (std::size_t k = 0; k < variable.dims.size(); ++k) {
    if (variable.dims[k] == member_) {
      start[k] = member;
      continue;
    }
    count[k] = dims_[static_cast<std::size_t>(variable.dims[k])].length;
    size *= count[k];
  }
  std::vector<double> read(size);
  if (size > 0) PLIMSOLL_CHECK(done(nc_.get_vara_double(file_, variable.id, start.data(), count.data(), read.data())));
  decode(variable, read);
  return read;
}

void File::decode(const Variable& variable, std::vector<double>& values) const {
  std::vector<double> gaps = numbers(variable.id, "_FillValue");
  for (const double gap : numbers(variable.id, "missing_value")) gaps.push_back(gap);
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  if (const auto range = numbers(variable.id, "valid_range"); range.size() == 2) {
    low = range[0];
    high = range[1];
  }
  if (const auto least = numbers(variable.id, "valid_min"); least.size() == 1) low = least[0];
  if (const auto most = numbers(variable.id, "valid_max"); most.size() == 1) high = most[0];
  const auto scale = numbers(variable.id, "scale_factor");
  const auto offset = numbers(variable.id, "add_offset");
  for (double& x : values) {
    if (x < low || x > high || std::find(gaps.begin(), gaps.end(), x) != gaps.end()) x = none;
    if (scale.size() == 1) x *= scale[0];
    if (offset.size() == 1) x += offset[0];
  }
}

// For each row, where a variable on these dimensions (members apart) holds its value.
std::vector<std::size_t> File::spread(const std::vector<int>& dims) const {
  std::vector<std::size_t> stride(row_dims_.size());
  std::size_t step = 1;
  for (std::size_t k = dims.size(); k-- > 0;) {
    if (dims[k] == member_) continue;
    const auto at = std::find(row_dims_.begin(), row_dims_.end(), dims[k]) - row_dims_.begin();
    stride[static_cast<std::size_t>(at)] = step;
    step *= dims_[static_cast<std::size_t>(dims[k])].length;
  }
  std::vector<std::size_t> where(rows_);
  std::vector<std::size_t> index(row_dims_.size());
  std::size_t place = 0;
  for (std::size_t row = 0; row < rows_; ++row) {
    where[row] = place;
    for (std::size_t k = row_dims_.size(); k-- > 0;) {
      place += stride[k];
      if (++index[k] < dims_[static_cast<std::size_t>(row_dims_[k])].length) break;
      place -= stride[k] * index[k];
      index[k] = 0;
    }
  }
  return where;
}

template <class T>
std::vector<T> gathered(const std::vector<T>& values, const std::vector<std::size_t>& where) {
  std::vector<T> rows;
  rows.reserve(where.size());
  for (const std::size_t at : where) rows.push_back(values[at]);
  return rows;
}

Result<std::vector<std::string>> File::texts(const Variable& variable) const {
  std::size_t size = 1;
  for (const int d : variable.dims) size *= dims_[static_cast<std::size_t>(d)].length;
  std::vector<char*> raw(size);
  std::vector<std::string> texts;
  if (size == 0) return texts;
  PLIMSOLL_CHECK(done(nc_.get_var_string(file_, variable.id, raw.data())));
  for (const char* text : raw) texts.emplace_back(text != nullptr ? text : "");
  nc_.free_string(size, raw.data());
  return texts;
}

Result<void> File::add_numbers(const std::string& name, const Variable& variable, std::vector<double> values, GridColumns& columns) const {
  const auto units = attribute(variable.id, "units");
  if (const auto time = units ? cf_units(*units, attribute(variable.id, "calendar").value_or("")) : std::nullopt) {
    if (auto times = cf_times(*time, values)) {
      columns.timestamp(name, std::move(*times));
      return {};
    }
  }
  columns.real(name, std::move(values));
  return {};
}

Result<void> File::add_dimension(int dim, GridColumns& columns) const {
  const Dimension& dimension = dims_[static_cast<std::size_t>(dim)];
  if (!wanted(dimension.name)) return {};
  const std::vector<std::size_t> where = spread({dim});
  if (dimension.coordinate < 0) {
    std::vector<double> index;
    for (const std::size_t at : where) index.push_back(static_cast<double>(at));
    columns.real(dimension.name, std::move(index));
    return {};
  }
  const Variable& coordinate = variables_[static_cast<std::size_t>(dimension.coordinate)];
  if (coordinate.type == NetcdfLibrary::type_string) {
    PLIMSOLL_TRY(const std::vector<std::string> names, texts(coordinate));
    columns.text(dimension.name, gathered(names, where));
    return {};
  }
  if (coordinate.type == NetcdfLibrary::type_char || coordinate.type > NetcdfLibrary::type_string) return {};
  PLIMSOLL_TRY(const std::vector<double> values_, values(coordinate, 0));
  return add_numbers(dimension.name, coordinate, gathered(values_, where), columns);
}

Result<std::vector<std::string>> File::member_names() const {
  const Dimension& dimension = dims_[static_cast<std::size_t>(member_)];
  std::vector<std::string> names;
  if (dimension.coordinate >= 0) {
    const Variable& coordinate = variables_[static_cast<std::size_t>(dimension.coordinate)];
    if (coordinate.type == NetcdfLibrary::type_string) return texts(coordinate);
    if (coordinate.type != NetcdfLibrary::type_char && coordinate.type < NetcdfLibrary::type_string) {
      for (std::size_t j = 0; j < dimension.length; ++j) {
        double number = 0;
        PLIMSOLL_CHECK(done(nc_.get_vara_double(file_, coordinate.id, &j, std::array<std::size_t, 1>{1}.data(), &number)));
        names.push_back(std::fabs(number) < 1e15 && number == std::floor(number) ? std::to_string(static_cast<std::int64_t>(number)) : std::to_string(number));
      }
      auto sorted = names;
      std::sort(sorted.begin(), sorted.end());
      if (std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end()) return names;
      names.clear();
    }
  }
  for (std::size_t j = 0; j < dimension.length; ++j) names.push_back(std::to_string(j));
  return names;
}

Result<void> File::add_variable(const Variable& variable, GridColumns& columns) const {
  const bool members = member_ >= 0 && std::find(variable.dims.begin(), variable.dims.end(), member_) != variable.dims.end();
  if (variable.type == NetcdfLibrary::type_string) {
    if (members || !wanted(variable.name)) return {};
    PLIMSOLL_TRY(const std::vector<std::string> names, texts(variable));
    columns.text(variable.name, gathered(names, spread(variable.dims)));
    return {};
  }
  const std::vector<std::size_t> where = spread(variable.dims);
  if (!members) {
    if (!wanted(variable.name)) return {};
    PLIMSOLL_TRY(const std::vector<double> all, values(variable, 0));
    return add_numbers(variable.name, variable, gathered(all, where), columns);
  }
  PLIMSOLL_TRY(const std::vector<std::string> names, member_names());
  for (std::size_t j = 0; j < names.size(); ++j) {
    const std::string name = member_column(variable.name, names[j]);
    if (!wanted(name)) continue;
    PLIMSOLL_TRY(const std::vector<double> all, values(variable, j));
    columns.real(name, gathered(all, where));
  }
  return {};
}

Result<GridColumns> File::table() {
  std::uint64_t rows = 1;
  for (const int d : row_dims_) {
    const std::uint64_t length = dims_[static_cast<std::size_t>(d)].length;
    if (length > 0 && rows > (std::uint64_t{1} << 40) / length) rows = std::uint64_t{1} << 41;  // check_grid refuses
    else rows *= length;
  }
  std::uint64_t columns = row_dims_.size();
  for (const Variable& variable : variables_) {
    const bool members = std::find(variable.dims.begin(), variable.dims.end(), member_) != variable.dims.end();
    columns += members ? dims_[static_cast<std::size_t>(member_)].length : 1;
  }
  PLIMSOLL_CHECK(check_grid(source_, options_, rows, columns));
  rows_ = static_cast<std::size_t>(rows);
  GridColumns grid;
  for (const int d : row_dims_) PLIMSOLL_CHECK(add_dimension(d, grid));
  bool any = false;
  for (const Variable& variable : variables_) {
    const bool coordinate = std::any_of(dims_.begin(), dims_.end(), [&](const Dimension& d) { return d.coordinate == variable.id; });
    if (coordinate || !on_rows(variable)) continue;
    any = true;
    PLIMSOLL_CHECK(add_variable(variable, grid));
  }
  if (!any) return Error(ErrorCode::bad_document, "the file holds no variable of numbers on a grid", "Give a file with variables outside groups.").in_file(source_.name);
  return grid;
}

Result<GridColumns> read_whole(const Source& source, const ReadOptions& options) {
  PLIMSOLL_TRY(const NetcdfLibrary* library, netcdf());
  File file(*library, source, options);
  PLIMSOLL_CHECK(file.open());
  return file.table();
}

}  // namespace

Result<std::unique_ptr<TableStream>> open_netcdf(Source source, ReadOptions options) {
  PLIMSOLL_CHECK(netcdf());  // opened here, once, not in each child
  const std::scoped_lock lock(netcdf_lock());
  return open_apart({&read_whole, "netCDF", 1}, std::move(source), std::move(options));
}

}  // namespace plimsoll
