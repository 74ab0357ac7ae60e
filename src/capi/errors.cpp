// SPDX-License-Identifier: Apache-2.0
// Errors as values, text, and what there is in the catalogue.
#include "base/json.h"
#include "capi/handles.h"
#include "engine/catalogue.h"
#include "engine/description.h"
#include "plimsoll/version.h"

namespace plimsoll::capi {

plimsoll_error* error_of(const Error& error) {
  auto handle = std::make_unique<plimsoll_error>();
  handle->code = info(error.code).name;
  handle->message = error.message();
  handle->json = canonical_json(error_json(error));
  return handle.release();
}

plimsoll_error* no_memory_error() {
  static plimsoll_error error{"no_memory", "no_memory: memory ran out. Give less data, or set a memory limit",
                              R"({"code":"no_memory","exit_status":4,"http_status":507,)"
                              R"("mend":"Give less data, or set a memory limit","message":"no_memory: memory ran out","what":"memory ran out"})"};
  return &error;
}

Error null_argument(const char* name) {
  return Error(ErrorCode::missing_input, std::string("the argument '") + name + "' is null", "Give it a value.").in_parameter(name);
}

void hand_text(plimsoll_text** out, std::string value) { hand_over(out, std::move(value)); }

}  // namespace plimsoll::capi

using namespace plimsoll;
using namespace plimsoll::capi;

const char* plimsoll_version(void) { return PLIMSOLL_VERSION; }

const char* plimsoll_error_code(const plimsoll_error* error) { return error == nullptr ? "" : error->code.c_str(); }
const char* plimsoll_error_message(const plimsoll_error* error) { return error == nullptr ? "" : error->message.c_str(); }
const char* plimsoll_error_json(const plimsoll_error* error) { return error == nullptr ? "{}" : error->json.c_str(); }
void plimsoll_error_free(plimsoll_error* error) {
  if (error != no_memory_error()) delete error;
}

const char* plimsoll_text_data(const plimsoll_text* text) { return text == nullptr ? "" : text->value.c_str(); }
size_t plimsoll_text_size(const plimsoll_text* text) { return text == nullptr ? 0 : text->value.size(); }
void plimsoll_text_free(plimsoll_text* text) { delete text; }

plimsoll_error* plimsoll_methods(plimsoll_text** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(out);
    Json lines = Json::array();
    for (const CatalogueLine& line : catalogue_lines()) lines.push_back(line_json(line));
    hand_text(out, canonical_json(lines));
    return {};
  });
}

plimsoll_error* plimsoll_method(const char* id, plimsoll_text** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(id);
    PLIMSOLL_WANT(out);
    PLIMSOLL_TRY(const CatalogueLine* line, find_method(id));
    hand_text(out, canonical_json(method_json(*line)));
    return {};
  });
}

plimsoll_error* plimsoll_error_table(plimsoll_text** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(out);
    Json list = Json::array();
    for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
      const ErrorInfo& facts = info(static_cast<ErrorCode>(code));
      list.push_back({{"code", std::string(facts.name)}, {"exit_status", facts.exit_status}, {"http_status", facts.http_status}});
    }
    hand_text(out, canonical_json(list));
    return {};
  });
}
