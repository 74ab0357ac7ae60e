# SPDX-License-Identifier: Apache-2.0
# The report's script and compiled figure templates: bundled by npm into
# build/web (shared by all presets), embedded into the engine as bytes.
function(plimsoll_web_assets)
  set(web "${PROJECT_SOURCE_DIR}/web/report")
  set(out "${PROJECT_SOURCE_DIR}/build/web")
  if(NOT EXISTS "${web}/package.json")
    return()
  endif()
  file(GLOB inputs CONFIGURE_DEPENDS "${web}/*.mjs" "${web}/*.json" "${web}/src/*" "${web}/templates/*")
  find_program(NPM_PROGRAM npm REQUIRED)
  add_custom_command(OUTPUT "${out}/report.js" "${out}/report.css" "${out}/templates.json"
      COMMAND "${CMAKE_COMMAND}" -E env "PLIMSOLL_WEB_OUT=${out}"
                "${PROJECT_SOURCE_DIR}/tools/build_web.sh"
      DEPENDS ${inputs} "${PROJECT_SOURCE_DIR}/tools/build_web.sh"
      WORKING_DIRECTORY "${web}" COMMENT "Bundling the report's script" VERBATIM)
  get_target_property(kind room_engine TYPE)
  if(kind STREQUAL "STATIC_LIBRARY")
    plimsoll_embed(room_engine report_js "${out}/report.js")
    plimsoll_embed(room_engine report_css "${out}/report.css")
    plimsoll_embed(room_engine report_templates "${out}/templates.json")
  endif()
endfunction()
