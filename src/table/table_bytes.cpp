// SPDX-License-Identifier: Apache-2.0
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/table.h>

#include "table/arrow_table.h"
#include "table/interchange.h"

namespace plimsoll {
namespace {
constexpr const char* mend = "The file is damaged: make it again or take it from a backup.";
Error broken(const arrow::Status& status) { return arrow_error(status, ErrorCode::corrupt_file, mend); }
}  // namespace

Result<std::string> table_to_bytes(const Table& table) {
  const auto& arrow_table = *table.impl().table;
  auto out = arrow::io::BufferOutputStream::Create();
  if (!out.ok()) return broken(out.status());
  auto writer = arrow::ipc::MakeStreamWriter(*out, arrow_table.schema());
  if (!writer.ok()) return broken(writer.status());
  if (auto status = (*writer)->WriteTable(arrow_table); !status.ok()) return broken(status);
  if (auto status = (*writer)->Close(); !status.ok()) return broken(status);
  auto buffer = (*out)->Finish();
  if (!buffer.ok()) return broken(buffer.status());
  return (*buffer)->ToString();
}

Result<Table> table_from_bytes(std::string_view bytes) {
  auto source = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::string(bytes)));
  auto reader = arrow::ipc::RecordBatchStreamReader::Open(source);
  if (!reader.ok()) return broken(reader.status());
  auto table = (*reader)->ToTable();
  if (!table.ok()) return broken(table.status());
  if (auto status = (*table)->ValidateFull(); !status.ok()) return broken(status);
  PLIMSOLL_TRY(auto admitted, admit(*std::move(table)));
  return wrap(std::move(admitted));
}

}  // namespace plimsoll
