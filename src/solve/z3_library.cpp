// SPDX-License-Identifier: Apache-2.0
#include "solve/z3_library.h"

#include <array>
#include <string>

#include "base/shared_library.h"

namespace plimsoll::solve {
namespace {

bool find_solver(void* h, Z3Library& z) {
  return find_function(h, "Z3_get_full_version", z.full_version) && find_function(h, "Z3_mk_config", z.mk_config) && find_function(h, "Z3_del_config", z.del_config) &&
         find_function(h, "Z3_mk_context", z.mk_context) && find_function(h, "Z3_del_context", z.del_context) &&
         find_function(h, "Z3_set_error_handler", z.set_error_handler) && find_function(h, "Z3_get_error_code", z.error_code) &&
         find_function(h, "Z3_get_error_msg", z.error_message) && find_function(h, "Z3_mk_solver", z.mk_solver) &&
         find_function(h, "Z3_solver_inc_ref", z.solver_inc_ref) && find_function(h, "Z3_solver_dec_ref", z.solver_dec_ref) &&
         find_function(h, "Z3_solver_from_string", z.solver_from_string) && find_function(h, "Z3_solver_set_params", z.solver_set_params) &&
         find_function(h, "Z3_solver_check", z.solver_check) && find_function(h, "Z3_solver_get_reason_unknown", z.reason_unknown) &&
         find_function(h, "Z3_solver_get_model", z.solver_get_model) && find_function(h, "Z3_solver_get_assertions", z.solver_get_assertions) &&
         find_function(h, "Z3_interrupt", z.interrupt);
}

bool find_model(void* h, Z3Library& z) {
  return find_function(h, "Z3_model_inc_ref", z.model_inc_ref) && find_function(h, "Z3_model_dec_ref", z.model_dec_ref) &&
         find_function(h, "Z3_model_get_num_consts", z.model_get_num_consts) && find_function(h, "Z3_model_get_const_decl", z.model_get_const_decl) &&
         find_function(h, "Z3_model_get_const_interp", z.model_get_const_interp) && find_function(h, "Z3_model_eval", z.model_eval) &&
         find_function(h, "Z3_get_decl_name", z.get_decl_name) && find_function(h, "Z3_get_symbol_string", z.get_symbol_string) &&
         find_function(h, "Z3_ast_to_string", z.ast_to_string) && find_function(h, "Z3_ast_vector_inc_ref", z.vector_inc_ref) &&
         find_function(h, "Z3_ast_vector_dec_ref", z.vector_dec_ref) && find_function(h, "Z3_ast_vector_size", z.vector_size) &&
         find_function(h, "Z3_ast_vector_get", z.vector_get) && find_function(h, "Z3_get_bool_value", z.get_bool_value) &&
         find_function(h, "Z3_mk_params", z.mk_params) && find_function(h, "Z3_params_inc_ref", z.params_inc_ref) &&
         find_function(h, "Z3_params_dec_ref", z.params_dec_ref) && find_function(h, "Z3_params_set_uint", z.params_set_uint) &&
         find_function(h, "Z3_mk_string_symbol", z.mk_string_symbol);
}

bool find_all(void* h, Z3Library& z) { return find_solver(h, z) && find_model(h, z); }

}  // namespace

Result<const Z3Library*> z3() {
  static constexpr std::array<const char*, 2> names = {"libz3.so.4", "libz3.so"};
  static const OpenedLibrary<Z3Library> opened = open_library(names, &find_all, "Z3 4.8");
  if (!opened.ok()) {
    return Error(ErrorCode::missing_plugin, "the library of Z3 can't be opened: " + opened.why, "Install it (apt-get install libz3-4).");
  }
  return &opened.functions;
}

}  // namespace plimsoll::solve
