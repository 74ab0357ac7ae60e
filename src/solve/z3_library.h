// SPDX-License-Identifier: Apache-2.0
#pragma once

// Z3's C interface as a table of function pointers, opened on first use: no start of a program pays for it.

#include <z3.h>

#include "base/result.h"

namespace plimsoll::solve {

struct Z3Library {
  decltype(&::Z3_get_full_version) full_version = nullptr;
  decltype(&::Z3_mk_config) mk_config = nullptr;
  decltype(&::Z3_del_config) del_config = nullptr;
  decltype(&::Z3_mk_context) mk_context = nullptr;
  decltype(&::Z3_del_context) del_context = nullptr;
  decltype(&::Z3_set_error_handler) set_error_handler = nullptr;
  decltype(&::Z3_get_error_code) error_code = nullptr;
  decltype(&::Z3_get_error_msg) error_message = nullptr;
  decltype(&::Z3_mk_solver) mk_solver = nullptr;
  decltype(&::Z3_solver_inc_ref) solver_inc_ref = nullptr;
  decltype(&::Z3_solver_dec_ref) solver_dec_ref = nullptr;
  decltype(&::Z3_solver_from_string) solver_from_string = nullptr;
  decltype(&::Z3_solver_set_params) solver_set_params = nullptr;
  decltype(&::Z3_solver_check) solver_check = nullptr;
  decltype(&::Z3_solver_get_reason_unknown) reason_unknown = nullptr;
  decltype(&::Z3_solver_get_model) solver_get_model = nullptr;
  decltype(&::Z3_solver_get_assertions) solver_get_assertions = nullptr;
  decltype(&::Z3_model_inc_ref) model_inc_ref = nullptr;
  decltype(&::Z3_model_dec_ref) model_dec_ref = nullptr;
  decltype(&::Z3_model_get_num_consts) model_get_num_consts = nullptr;
  decltype(&::Z3_model_get_const_decl) model_get_const_decl = nullptr;
  decltype(&::Z3_model_get_const_interp) model_get_const_interp = nullptr;
  decltype(&::Z3_model_eval) model_eval = nullptr;
  decltype(&::Z3_get_decl_name) get_decl_name = nullptr;
  decltype(&::Z3_get_symbol_string) get_symbol_string = nullptr;
  decltype(&::Z3_ast_to_string) ast_to_string = nullptr;
  decltype(&::Z3_ast_vector_inc_ref) vector_inc_ref = nullptr;
  decltype(&::Z3_ast_vector_dec_ref) vector_dec_ref = nullptr;
  decltype(&::Z3_ast_vector_size) vector_size = nullptr;
  decltype(&::Z3_ast_vector_get) vector_get = nullptr;
  decltype(&::Z3_get_bool_value) get_bool_value = nullptr;
  decltype(&::Z3_mk_params) mk_params = nullptr;
  decltype(&::Z3_params_inc_ref) params_inc_ref = nullptr;
  decltype(&::Z3_params_dec_ref) params_dec_ref = nullptr;
  decltype(&::Z3_params_set_uint) params_set_uint = nullptr;
  decltype(&::Z3_mk_string_symbol) mk_string_symbol = nullptr;
  decltype(&::Z3_interrupt) interrupt = nullptr;
};

// Opened once a process; `missing_plugin` if the library is not found.
Result<const Z3Library*> z3();

}  // namespace plimsoll::solve
