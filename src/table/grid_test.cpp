// SPDX-License-Identifier: Apache-2.0
// NetCDF and GRIB written by their own libraries, read as tables; cut short and altered, they give an error or a table.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <fstream>

#include "base/philox.h"
#include "table/apart.h"
#include "table/cf_time.h"
#include "table/eccodes_library.h"
#include "table/netcdf_library.h"
#include "table/sample_tables.h"

namespace plimsoll {
namespace {

void* library_of(const char* function, const std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (void* handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL); handle != nullptr && dlsym(handle, function) != nullptr) return handle;
  return nullptr;
}

template <class F>
F* function(void* handle, const char* name) {
  auto* found = reinterpret_cast<F*>(dlsym(handle, name));
  EXPECT_NE(found, nullptr) << name;
  return found;
}

// The few calls of netCDF that write.
struct NetcdfWriter {
  void* handle = library_of("nc_create", {"libnetcdf.so.19", "libnetcdf.so.22", "libnetcdf.so.18", "libnetcdf.so"});
  int file = 0;
  std::vector<int> dims;
  void create(const std::filesystem::path& path, int mode) { check(function<int(const char*, int, int*)>(handle, "nc_create")(path.c_str(), mode, &file)); }
  void dimension(const char* name, std::size_t length) { check(function<int(int, const char*, std::size_t, int*)>(handle, "nc_def_dim")(file, name, length, &dims.emplace_back())); }
  int variable(const char* name, int type, std::vector<int> on) {
    int id = -1;
    check(function<int(int, const char*, int, int, const int*, int*)>(handle, "nc_def_var")(file, name, type, static_cast<int>(on.size()), on.data(), &id));
    return id;
  }
  void attribute(int variable, const char* name, const std::string& text) {
    check(function<int(int, int, const char*, std::size_t, const char*)>(handle, "nc_put_att_text")(file, variable, name, text.size(), text.data()));
  }
  void attribute(int variable, const char* name, int type, double value) {
    check(function<int(int, int, const char*, int, std::size_t, const double*)>(handle, "nc_put_att_double")(file, variable, name, type, 1, &value));
  }
  void end() { check(function<int(int)>(handle, "nc_enddef")(file)); }
  void write(int variable, const std::vector<double>& values) { check(function<int(int, int, const double*)>(handle, "nc_put_var_double")(file, variable, values.data())); }
  void write_texts(int variable, std::vector<const char*> values) { check(function<int(int, int, const char**)>(handle, "nc_put_var_string")(file, variable, values.data())); }
  void close() { check(function<int(int)>(handle, "nc_close")(file)); }
  static void check(int code) { ASSERT_EQ(code, 0); }
};

constexpr int type_short = 3;
constexpr int type_int = 4;
constexpr int type_double = 6;
constexpr int type_text = 12;
constexpr int classic = 0;
constexpr int version_4 = 0x1000;

// t2m(member, time, station) packed as shorts around 280, and what happened(time, station).
void write_ensemble(const std::filesystem::path& path, int mode) {
  NetcdfWriter nc;
  nc.create(path, mode);
  nc.dimension("number", 3);
  nc.dimension("time", 2);
  nc.dimension("station", 2);
  const int number = nc.variable("number", type_int, {nc.dims[0]});
  const int time = nc.variable("time", type_int, {nc.dims[1]});
  nc.attribute(time, "units", "hours since 2024-02-28 12:00:00");
  const int height = nc.variable("height", type_double, {nc.dims[2]});
  const int t2m = nc.variable("t2m", type_short, {nc.dims[0], nc.dims[1], nc.dims[2]});
  nc.attribute(t2m, "scale_factor", type_double, 0.5);
  nc.attribute(t2m, "add_offset", type_double, 280);
  nc.attribute(t2m, "_FillValue", type_short, -9);
  const int happened = nc.variable("observed", type_double, {nc.dims[1], nc.dims[2]});
  const int station = mode == version_4 ? nc.variable("station", type_text, {nc.dims[2]}) : -1;
  nc.end();
  nc.write(number, {0, 1, 5});
  nc.write(time, {0, 24});
  nc.write(height, {10, 900});
  nc.write(t2m, {0, 1, 2, 3, 10, 11, 12, -9, 20, 21, 22, 23});
  nc.write(happened, {281, 282, 283, 284});
  if (station >= 0) nc.write_texts(station, {"coast", "hill"});
  nc.close();
}

class Netcdf : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (const auto library = netcdf(); !library.ok()) GTEST_SKIP() << library.error().message();
  }
  const Folder folder_;
};

std::vector<double> numbers(const Table& table, const std::string& name) {
  const auto values = table.reals(name, Missing::as_nan);
  EXPECT_TRUE(values.ok()) << name;
  return values.ok() ? std::vector<double>(values->begin(), values->end()) : std::vector<double>();
}

TEST_P(Netcdf, MembersBecomeColumns) {
  const auto path = folder_ / "ensemble.nc";
  write_ensemble(path, GetParam());
  const auto table = read_table(path);
  ASSERT_TRUE(table.ok()) << table.error().message();
  ASSERT_EQ(table->rows(), 4);
  EXPECT_EQ(numbers(*table, "t2m[0]"), (std::vector<double>{280, 280.5, 281, 281.5}));
  EXPECT_EQ(numbers(*table, "t2m[5]"), (std::vector<double>{290, 290.5, 291, 291.5}));
  const auto gaps = numbers(*table, "t2m[1]");
  EXPECT_EQ(gaps[2], 286);
  EXPECT_TRUE(std::isnan(gaps[3]));
  EXPECT_EQ(numbers(*table, "height"), (std::vector<double>{10, 900, 10, 900}));
  EXPECT_EQ(numbers(*table, "observed"), (std::vector<double>{281, 282, 283, 284}));
  const auto times = table->integers("time");
  ASSERT_TRUE(times.ok()) << times.error().message();
  EXPECT_EQ((*times)[0], std::int64_t{1709121600} * 1'000'000);  // 2024-02-28 12:00 UTC
  EXPECT_EQ((*times)[2], std::int64_t{1709121600 + 86400} * 1'000'000);
  if (GetParam() == version_4) {
    EXPECT_EQ(*table->texts("station"), (std::vector<std::string>{"coast", "hill", "coast", "hill"}));
  } else {
    EXPECT_EQ(numbers(*table, "station"), (std::vector<double>{0, 1, 0, 1}));
  }
  // A choice of columns reads no others; memory reads as a file does.
  ReadOptions two;
  two.columns = {"observed", "t2m[1]"};
  const auto chosen = read_table(path, two);
  ASSERT_TRUE(chosen.ok()) << chosen.error().message();
  EXPECT_EQ(chosen->columns().size(), 2u);
  EXPECT_EQ(chosen->columns()[0].name, "observed");
  const auto bytes = read_file(path);
  ASSERT_TRUE(bytes.ok());
  const auto memory = read_table_bytes(*bytes, FileFormat::netcdf);
  ASSERT_TRUE(memory.ok()) << memory.error().message();
  EXPECT_EQ(numbers(*memory, "t2m[5]"), numbers(*table, "t2m[5]"));
}

void try_damaged(const std::string& bytes, FileFormat format, bool must_fail) {
  ReadOptions little;
  little.memory_bytes = 1 << 24;
  const auto table = read_table_bytes(bytes, format, little);
  if (must_fail) {
    ASSERT_FALSE(table.ok()) << bytes.size();
  }
  if (table.ok()) {
    for (const ColumnInfo& column : table->columns()) (void)table->categories(column.name);
    return;
  }
  EXPECT_NE(table.error().code, ErrorCode::internal) << table.error().message();
  EXPECT_FALSE(table.error().mend.empty());
}

TEST_P(Netcdf, CutShortOrAltered) {
  const auto path = folder_ / "ensemble.nc";
  write_ensemble(path, GetParam());
  const auto bytes = read_file(path);
  ASSERT_TRUE(bytes.ok());
  const std::size_t step = GetParam() == version_4 ? 397 : 29;
  for (std::size_t size = 0; size + 64 < bytes->size(); size += step) try_damaged(bytes->substr(0, size), FileFormat::netcdf, size < 8);
  Stream draws(20261121);
  for (int trial = 0; trial < 40; ++trial) {
    std::string changed = *bytes;
    for (int k = 0; k < 3; ++k) {
      const auto at = static_cast<std::size_t>(draws.below(changed.size()));
      changed[at] = static_cast<char>(draws.below(256));
    }
    try_damaged(changed, FileFormat::netcdf, false);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Netcdf, testing::Values(classic, version_4));

// Three members on a grid of 4 x 3 points at two steps, the second step of the last member left out.
void write_grib(const std::filesystem::path& path) {
  void* handle = library_of("codes_grib_handle_new_from_samples", {"libeccodes.so.0", "libeccodes.so"});
  using Handle = EccodesLibrary::Handle;
  std::ofstream file(path, std::ios::binary);
  for (long number = 0; number < 3; ++number) {
    for (const long step : {0L, 6L}) {
      if (number == 2 && step == 6) continue;
      Handle* message = function<Handle*(void*, const char*)>(handle, "codes_grib_handle_new_from_samples")(nullptr, "regular_ll_sfc_grib2");
      ASSERT_NE(message, nullptr);
      const auto set = [&](const char* key, long value) { ASSERT_EQ(function<int(Handle*, const char*, long)>(handle, "codes_set_long")(message, key, value), 0) << key; };
      for (const auto& [key, value] : std::vector<std::pair<const char*, long>>{{"productDefinitionTemplateNumber", 1}, {"dataDate", 20240229}, {"dataTime", 1200}, {"forecastTime", step},
                                                                               {"number", number}, {"Ni", 4}, {"Nj", 3}, {"bitsPerValue", 16}, {"bitmapPresent", 1}})
        set(key, value);
      const auto real = [&](const char* key, double value) { ASSERT_EQ(function<int(Handle*, const char*, double)>(handle, "codes_set_double")(message, key, value), 0) << key; };
      for (const auto& [key, value] : std::vector<std::pair<const char*, double>>{{"latitudeOfFirstGridPointInDegrees", 50}, {"latitudeOfLastGridPointInDegrees", 48}, {"longitudeOfFirstGridPointInDegrees", 0},
                                                                                 {"longitudeOfLastGridPointInDegrees", 3}, {"iDirectionIncrementInDegrees", 1}, {"jDirectionIncrementInDegrees", 1}, {"missingValue", -1}})
        real(key, value);
      std::vector<double> values;
      for (int i = 0; i < 12; ++i) values.push_back(static_cast<double>(100 * number + 20 * step / 6) + i);
      values[5] = -1;
      ASSERT_EQ(function<int(Handle*, const char*, const double*, std::size_t)>(handle, "codes_set_double_array")(message, "values", values.data(), values.size()), 0);
      const void* bytes = nullptr;
      std::size_t size = 0;
      ASSERT_EQ(function<int(const Handle*, const void**, std::size_t*)>(handle, "codes_get_message")(message, &bytes, &size), 0);
      file.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
      function<int(Handle*)>(handle, "codes_handle_delete")(message);
    }
  }
}

class Grib : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto library = eccodes(); !library.ok()) GTEST_SKIP() << library.error().message();
    write_grib(path_);
  }
  const Folder folder_;
  const std::filesystem::path path_ = folder_ / "ensemble.grib2";
};

TEST_F(Grib, MembersBecomeColumns) {
  const auto table = read_table(path_);
  ASSERT_TRUE(table.ok()) << table.error().message();
  ASSERT_EQ(table->rows(), 24);
  std::vector<std::string> names;
  for (const ColumnInfo& column : table->columns()) names.push_back(column.name);
  ASSERT_EQ(names.size(), 8u);
  const std::string variable = names[5].substr(0, names[5].find('['));
  EXPECT_EQ(names[7], variable + "[2]");
  const auto second = numbers(*table, names[6]);
  EXPECT_NEAR(second[0], 100, 1e-2);
  EXPECT_NEAR(second[11], 111, 1e-2);
  EXPECT_NEAR(second[12], 120, 1e-2);
  EXPECT_TRUE(std::isnan(second[5]));
  EXPECT_TRUE(std::isnan(numbers(*table, names[7])[12]));
  EXPECT_NEAR(numbers(*table, names[7])[0], 200, 1e-2);
  EXPECT_NEAR(numbers(*table, "latitude")[0], 50, 1e-9);
  EXPECT_NEAR(numbers(*table, "longitude")[3], 3, 1e-9);
  EXPECT_EQ(numbers(*table, "step")[12], 6);
  EXPECT_EQ((*table->integers("time"))[0], *grib_time(20240229, 1200));
}

TEST_F(Grib, CutShortOrAltered) {
  const auto bytes = read_file(path_);
  ASSERT_TRUE(bytes.ok());
  for (std::size_t size = 0; size < bytes->size(); size += 301) try_damaged(bytes->substr(0, size), FileFormat::grib, size < 16);
  Stream draws(20261122);
  for (int trial = 0; trial < 40; ++trial) {
    std::string changed = *bytes;
    for (int k = 0; k < 2; ++k) {
      const auto at = static_cast<std::size_t>(draws.below(changed.size()));
      changed[at] = static_cast<char>(draws.below(256));
    }
    try_damaged(changed, FileFormat::grib, false);
  }
}

// What netCDF does on some of the altered files above, every time.
TEST(GridFiles, ALibraryThatCrashesOrNeverEndsIsAnError) {
  Source source;
  source.name = "x.nc";
  const auto crash = read_apart({[](const Source&, const ReadOptions&) -> Result<GridColumns> {
                                   std::raise(SIGSEGV);
                                   return GridColumns();
                                 },
                                 "netCDF", 1},
                                source, {});
  ASSERT_FALSE(crash.ok());
  EXPECT_EQ(crash.error().code, ErrorCode::corrupt_file);
  EXPECT_EQ(crash.error().file, "x.nc");
  ReadOptions little;
  little.memory_bytes = 1 << 24;
  const auto endless = read_apart({[](const Source&, const ReadOptions&) -> Result<GridColumns> {
                                     for (volatile int i = 0;;) i = i + 1;
                                   },
                                   "netCDF", 0},
                                  source, little);
  ASSERT_FALSE(endless.ok());
  EXPECT_EQ(endless.error().code, ErrorCode::corrupt_file);
}

TEST(GridFiles, AreReadOnlyAndNotFromAPipe) {
  const Folder folder;
  EXPECT_EQ(write_table(sample_table(3), folder / "t.nc").error().code, ErrorCode::bad_parameter);
  ReadOptions grib;
  grib.format = FileFormat::grib;
  EXPECT_EQ(read_table("-", grib).error().code, ErrorCode::bad_parameter);
}

TEST(CfTime, UnitsOfTheConventions) {
  const auto days = cf_units("days since 1970-01-02", "");
  ASSERT_TRUE(days);
  EXPECT_EQ(days->origin, std::int64_t{86400} * 1'000'000);
  EXPECT_EQ((*cf_times(*days, std::vector<double>{0.5}))[0], std::int64_t{86400 + 43200} * 1'000'000);
  const auto zulu = cf_units("seconds since 2000-02-29T06:30:15Z", "gregorian");
  ASSERT_TRUE(zulu);
  EXPECT_EQ(zulu->origin, std::int64_t{951805815} * 1'000'000);
  for (const char* units : {"months since 2000-01-01", "days", "days since 2000-13-01", "days since 2001-02-29", "hours since 2000-01-01 25:00", "hours since 2000-01-01 00:00 +05:00", "days since 0001-01-01", "K", ""})
    EXPECT_FALSE(cf_units(units, "")) << units;
  EXPECT_FALSE(cf_units("days since 2000-01-01", "360_day"));
  EXPECT_FALSE(cf_times(*days, std::vector<double>{1e300}));
  EXPECT_FALSE(cf_times(*days, std::vector<double>{std::nan("")}));
  EXPECT_FALSE(grib_time(20230229, 0));
  EXPECT_FALSE(grib_time(20230228, 2460));
}

}  // namespace
}  // namespace plimsoll
