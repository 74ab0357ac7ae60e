// SPDX-License-Identifier: Apache-2.0
// Parameters as JSON against every method of the catalogue. What is accepted must satisfy its constraints, and must be read
// again to the same values after it was written.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "engine/catalogue.h"
#include "engine/schema.h"

namespace {

void round_trip(const plimsoll::Type* type, const plimsoll::Json& json) {
  using namespace plimsoll;
  if (!type) return;
  Box first(*type);
  std::vector<std::string> warnings;
  const auto read = read_fields(json, first, warnings);
  if (!read) {
    if (read.error().what.empty() || read.error().mend.empty()) std::abort();
    return;
  }
  if (!check_fields(first)) std::abort();
  const auto written = write_fields(first);
  if (!written) std::abort();
  Box second(*type);
  if (!read_fields(*written, second, warnings)) std::abort();
  const auto again = write_fields(second);
  if (!again || canonical_json(*again) != canonical_json(*written)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plimsoll;
  const auto json = parse_json({reinterpret_cast<const char*>(data), size});
  if (!json) return 0;
  for (const CatalogueLine& line : catalogue_lines()) {
    const Method& method = *line.entry;
    round_trip(method.fit_.params, *json);
    round_trip(method.assess_.params, *json);
    round_trip(method.apply_.options, *json);
    if (!method.fit_.model) round_trip(method.apply_.model, *json);
  }
  return 0;
}
