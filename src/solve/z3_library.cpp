// SPDX-License-Identifier: Apache-2.0
#include "solve/z3_library.h"

#include <dlfcn.h>

#include <array>
#include <string>

namespace plimsoll::solve {
namespace {

template <class F>
bool find(void* handle, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(handle, name));
  return function != nullptr;
}

bool find_solver(void* h, Z3Library& z) {
  return find(h, "Z3_get_full_version", z.full_version) && find(h, "Z3_mk_config", z.mk_config) && find(h, "Z3_del_config", z.del_config) &&
         find(h, "Z3_mk_context", z.mk_context) && find(h, "Z3_del_context", z.del_context) &&
         find(h, "Z3_set_error_handler", z.set_error_handler) && find(h, "Z3_get_error_code", z.error_code) &&
         find(h, "Z3_get_error_msg", z.error_message) && find(h, "Z3_mk_solver", z.mk_solver) &&
         find(h, "Z3_solver_inc_ref", z.solver_inc_ref) && find(h, "Z3_solver_dec_ref", z.solver_dec_ref) &&
         find(h, "Z3_solver_from_string", z.solver_from_string) && find(h, "Z3_solver_set_params", z.solver_set_params) &&
         find(h, "Z3_solver_check", z.solver_check) && find(h, "Z3_solver_get_reason_unknown", z.reason_unknown) &&
         find(h, "Z3_solver_get_model", z.solver_get_model) && find(h, "Z3_solver_get_assertions", z.solver_get_assertions) &&
         find(h, "Z3_interrupt", z.interrupt);
}

bool find_model(void* h, Z3Library& z) {
  return find(h, "Z3_model_inc_ref", z.model_inc_ref) && find(h, "Z3_model_dec_ref", z.model_dec_ref) &&
         find(h, "Z3_model_get_num_consts", z.model_get_num_consts) && find(h, "Z3_model_get_const_decl", z.model_get_const_decl) &&
         find(h, "Z3_model_get_const_interp", z.model_get_const_interp) && find(h, "Z3_model_eval", z.model_eval) &&
         find(h, "Z3_get_decl_name", z.get_decl_name) && find(h, "Z3_get_symbol_string", z.get_symbol_string) &&
         find(h, "Z3_ast_to_string", z.ast_to_string) && find(h, "Z3_ast_vector_inc_ref", z.vector_inc_ref) &&
         find(h, "Z3_ast_vector_dec_ref", z.vector_dec_ref) && find(h, "Z3_ast_vector_size", z.vector_size) &&
         find(h, "Z3_ast_vector_get", z.vector_get) && find(h, "Z3_get_bool_value", z.get_bool_value) &&
         find(h, "Z3_mk_params", z.mk_params) && find(h, "Z3_params_inc_ref", z.params_inc_ref) &&
         find(h, "Z3_params_dec_ref", z.params_dec_ref) && find(h, "Z3_params_set_uint", z.params_set_uint) &&
         find(h, "Z3_mk_string_symbol", z.mk_string_symbol);
}

struct Opened {
  Z3Library library;
  bool ok = false;
  std::string why;
};

// Never closed: its own threads and memory outlive any scope of ours.
Opened open_library() {
  Opened opened;
  for (const char* name : std::array<const char*, 2>{"libz3.so.4", "libz3.so"}) {
    void* handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (handle == nullptr) {
      const char* why = dlerror();
      if (opened.why.empty() && why != nullptr) opened.why = why;
      continue;
    }
    if (find_solver(handle, opened.library) && find_model(handle, opened.library)) {
      opened.ok = true;
      return opened;
    }
    opened.why = std::string(name) + " lacks functions of Z3 4.8";
    dlclose(handle);
  }
  return opened;
}

}  // namespace

Result<const Z3Library*> z3() {
  static const Opened opened = open_library();
  if (!opened.ok) {
    return Error(ErrorCode::missing_plugin, "the library of Z3 can't be opened: " + opened.why, "Install it (apt-get install libz3-4).");
  }
  return &opened.library;
}

}  // namespace plimsoll::solve
