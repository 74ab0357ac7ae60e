// SPDX-License-Identifier: Apache-2.0
// CSV bytes and how to read them, whole and as a stream; then roles bound to its columns and every typed access.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "table/file_format.h"
#include "table/fingerprint.h"

namespace {

void touch(const plimsoll::Table& table) {
  for (const plimsoll::ColumnInfo& column : table.columns()) {
    (void)table.reals(column.name, plimsoll::Missing::as_nan);
    (void)table.reals(column.name);
    (void)table.integers(column.name);
    (void)table.categories(column.name);
    (void)table.texts(column.name);
    (void)table.text_lists(column.name);
  }
  (void)table.role_column("target");
  (void)table.role_columns("feature");
  plimsoll::RowFingerprint print;
  (void)print.add(table);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  plimsoll::ReadOptions options;
  options.header = (data[0] & 1U) != 0;
  options.trim = (data[0] & 2U) != 0;
  if ((data[0] & 4U) != 0) options.delimiter = ';';
  if ((data[0] & 8U) != 0) options.null_values = {"?"};
  if ((data[0] & 16U) != 0) options.strip_suffix = {"c1=."};
  if ((data[0] & 32U) != 0) options.memory_bytes = 1 << 20;
  options.batch_rows = 1 + data[1];
  const std::string text(reinterpret_cast<const char*>(data + 2), size - 2);
  const auto whole = plimsoll::read_table_bytes(text, plimsoll::FileFormat::csv, options);
  if (whole.ok()) {
    plimsoll::Roles roles = {{"feature", {}}, {"target", {"y"}}};
    for (const plimsoll::ColumnInfo& column : whole->columns()) roles["feature"].push_back(column.name);
    touch(whole->with_roles(std::move(roles)));
  }
  auto stream = plimsoll::open_table_bytes(text, plimsoll::FileFormat::csv, options);
  if (!stream.ok()) return 0;
  const auto streamed = plimsoll::read_all(**stream);
  // What fits one piece must be the same table either way.
  if (streamed.ok() && whole.ok() && streamed->rows() != whole->rows()) std::abort();
  return 0;
}
