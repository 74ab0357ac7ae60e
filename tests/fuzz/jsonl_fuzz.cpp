// SPDX-License-Identifier: Apache-2.0
// JSON lines from memory, whole and as a stream.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "table/file_format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto whole = plimsoll::read_table_bytes(text, plimsoll::FileFormat::jsonl);
  if (whole.ok()) {
    for (const plimsoll::ColumnInfo& column : whole->columns()) {
      (void)whole->reals(column.name, plimsoll::Missing::as_nan);
      (void)whole->categories(column.name);
      (void)whole->texts(column.name);
      (void)whole->text_lists(column.name);
    }
  }
  auto stream = plimsoll::open_table_bytes(text, plimsoll::FileFormat::jsonl);
  if (!stream.ok()) return 0;
  const auto streamed = plimsoll::read_all(**stream);
  if (streamed.ok() && whole.ok() && streamed->rows() != whole->rows()) std::abort();
  return 0;
}
