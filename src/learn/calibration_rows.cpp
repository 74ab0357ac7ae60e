// SPDX-License-Identifier: Apache-2.0
#include "learn/calibration_rows.h"

#include "engine/door.h"
#include "table/fingerprint.h"

namespace plimsoll::learn {

Result<CalibrationRows> note_calibration(Context& context, const Table& rows, const std::optional<Table>& learned) {
  CalibrationRows noted;
  RowFingerprint now;
  PLIMSOLL_CHECK(now.add(rows));
  noted.fingerprint = now.to_bytes();
  if (!learned) return noted;
  RowFingerprint earlier;
  PLIMSOLL_CHECK(earlier.add(*learned));
  PLIMSOLL_CHECK(check_overlap(context, earlier, "learning", now, "calibration", &noted.overlap_remark));
  return noted;
}

}  // namespace plimsoll::learn
