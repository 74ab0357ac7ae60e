# SPDX-License-Identifier: Apache-2.0
# plimsoll_embed(target name file): the bytes of `file` as
#   namespace plimsoll::embedded { std::string_view name(); }
# declared in "embedded/<name>.h". The assembler takes the bytes straight from
# the file (.incbin, alike in g++ and clang), so a megabyte costs no compile time.
function(plimsoll_embed target name file)
  set(folder "${PROJECT_BINARY_DIR}/gen/embedded")
  set(source "${folder}/${name}.cpp")
  file(CONFIGURE OUTPUT "${folder}/${name}.h" @ONLY CONTENT [[
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>
namespace plimsoll::embedded {
std::string_view @name@();
}  // namespace plimsoll::embedded
]])
  file(CONFIGURE OUTPUT "${source}" @ONLY CONTENT [[
// SPDX-License-Identifier: Apache-2.0
#include "embedded/@name@.h"
asm(".pushsection .rodata\n"
    ".balign 16\n"
    ".hidden plimsoll_embedded_@name@\n"
    ".hidden plimsoll_embedded_@name@_end\n"
    ".globl plimsoll_embedded_@name@\n"
    ".globl plimsoll_embedded_@name@_end\n"
    "plimsoll_embedded_@name@:\n"
    ".incbin \"@file@\"\n"
    "plimsoll_embedded_@name@_end:\n"
    ".byte 0\n"
    ".popsection\n");
extern "C" __attribute__((visibility("hidden"))) const char plimsoll_embedded_@name@[];
extern "C" __attribute__((visibility("hidden"))) const char plimsoll_embedded_@name@_end[];
namespace plimsoll::embedded {
std::string_view @name@() {
  return {plimsoll_embedded_@name@,
          static_cast<std::size_t>(plimsoll_embedded_@name@_end - plimsoll_embedded_@name@)};
}
}  // namespace plimsoll::embedded
]])
  set_source_files_properties("${source}" PROPERTIES OBJECT_DEPENDS "${file}" SKIP_UNITY_BUILD_INCLUSION ON)
  target_sources(${target} PRIVATE "${source}")
  target_include_directories(${target} PRIVATE "${PROJECT_BINARY_DIR}/gen")
endfunction()
