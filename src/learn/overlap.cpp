// SPDX-License-Identifier: Apache-2.0
#include "learn/overlap.h"

#include "engine/door.h"
#include "table/fingerprint.h"

namespace plimsoll::learn {

Result<std::string> overlap_remark(Context& context, const Table& calibration, const std::optional<Table>& learned) {
  if (!learned) return std::string();
  RowFingerprint ours, theirs;
  PLIMSOLL_CHECK(ours.add(calibration));
  PLIMSOLL_CHECK(theirs.add(*learned));
  std::string remark;
  if (ours.rows() > 0 && theirs.rows() > 0) PLIMSOLL_CHECK(check_overlap(context, theirs, "learning", ours, "calibration", &remark));
  if (remark.empty()) remark = "No overlap of calibration and learning rows was seen.";
  return remark;
}

}  // namespace plimsoll::learn
