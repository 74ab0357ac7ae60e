// SPDX-License-Identifier: Apache-2.0
// Z3: L. de Moura, N. Bjorner, "Z3: an efficient SMT solver", TACAS 2008. What we add: text with commands other than
// declarations and assertions is refused (Z3 would read files), a model is taken only after every assertion evaluates to true
// under it, and `unknown` stays unknown.
#include "solve/smt.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include "solve/z3_library.h"

namespace plimsoll::solve {
namespace {

constexpr std::size_t most_text = std::size_t{64} << 20;
constexpr std::array<std::string_view, 8> allowed = {"assert", "declare-const", "declare-fun", "declare-sort", "declare-datatypes", "define-fun", "define-sort", "set-logic"};

// The solver's objects, released with the scope.
class Session {
 public:
  explicit Session(const Z3Library& library) : z(library) {
    const Z3_config config = z.mk_config();
    context = z.mk_context(config);
    z.del_config(config);
    z.set_error_handler(context, [](Z3_context, Z3_error_code) {});
    solver = z.mk_solver(context);
    z.solver_inc_ref(context, solver);
  }
  ~Session() {
    z.solver_dec_ref(context, solver);
    z.del_context(context);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  bool failed() const { return z.error_code(context) != Z3_OK; }
  std::string words() const { return z.error_message(context, z.error_code(context)); }

  const Z3Library& z;
  Z3_context context;
  Z3_solver solver;
};

Error no_question(std::string what) {
  return Error(ErrorCode::bad_document, "the question is no SMT-LIB text: " + std::move(what), "Give declarations and assertions, e.g. (declare-const x Int) (assert (> x 2)).");
}

// Skips a comment, a string or a quoted name that begins at `at`; its last character is where it ends.
std::size_t end_of_quoted(const std::string& text, std::size_t at) {
  const char end = text[at] == ';' ? '\n' : text[at];
  const std::size_t found = text.find(end, at + 1);
  return found == std::string::npos ? text.size() : found;
}

// Every command at the outermost level is one we know: none of the others is needed, and some touch files.
Result<void> check_commands(const std::string& text) {
  if (text.size() > most_text) return Error(ErrorCode::too_large, "the question is longer than 64 MB", "Ask less at once.");
  if (text.find('\0') != std::string::npos) return no_question("it holds a null character");
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ';' || c == '"' || c == '|') {
      i = end_of_quoted(text, i);
      continue;
    }
    if (c == ')' && --depth < 0) return no_question("a parenthesis closes nothing");
    if (c != '(') continue;
    if (++depth > 1) {
      if (depth > 10'000) return no_question("it is nested deeper than 10,000");
      continue;
    }
    const std::size_t begin = text.find_first_not_of(" \t\r\n", i + 1);
    const std::size_t end = begin == std::string::npos ? begin : text.find_first_of(" \t\r\n()", begin);
    const std::string_view command = begin == std::string::npos ? std::string_view() : std::string_view(text).substr(begin, end - begin);
    if (std::find(allowed.begin(), allowed.end(), command) == allowed.end()) return no_question("'" + std::string(command.substr(0, 40)) + "' is not among the commands taken");
  }
  if (depth != 0) return no_question("a parenthesis is left open");
  return {};
}

void set_limits(const Session& s, const SmtOptions& options) {
  const Z3_params params = s.z.mk_params(s.context);
  s.z.params_inc_ref(s.context, params);
  const auto set = [&](const char* name, unsigned value) { s.z.params_set_uint(s.context, params, s.z.mk_string_symbol(s.context, name), value); };
  set("random_seed", options.seed);
  constexpr double longest_ms = 4e9;
  if (std::isfinite(options.max_seconds)) set("timeout", static_cast<unsigned>(std::clamp(options.max_seconds * 1000, 1.0, longest_ms)));
  if (options.max_steps >= 0) set("rlimit", static_cast<unsigned>(std::clamp<std::int64_t>(options.max_steps, 1, 4'000'000'000)));
  s.z.solver_set_params(s.context, s.solver, params);
  s.z.params_dec_ref(s.context, params);
}

// Runs the check while another thread looks at the stop token: Z3 has no callback of its own.
Z3_lbool check_with_stop(const Session& s, const StopToken& stop) {
  std::atomic<bool> done = false;
  std::thread watcher([&] {
    while (!done.load()) {
      if (stop.requested()) s.z.interrupt(s.context);  // until it has ended: an interrupt that comes too early is forgotten
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  const Z3_lbool answer = s.z.solver_check(s.context, s.solver);
  done.store(true);
  watcher.join();
  return answer;
}

// The model's constants, if each assertion evaluates to true under it.
bool take_model(const Session& s, std::map<std::string, std::string>& out) {
  const Z3_model model = s.z.solver_get_model(s.context, s.solver);
  if (model == nullptr) return false;
  s.z.model_inc_ref(s.context, model);
  const Z3_ast_vector asserted = s.z.solver_get_assertions(s.context, s.solver);
  s.z.vector_inc_ref(s.context, asserted);
  bool good = true;
  for (unsigned i = 0; i < s.z.vector_size(s.context, asserted); ++i) {
    Z3_ast value = nullptr;
    good = good && s.z.model_eval(s.context, model, s.z.vector_get(s.context, asserted, i), true, &value) && s.z.get_bool_value(s.context, value) == Z3_L_TRUE;
  }
  for (unsigned i = 0; good && i < s.z.model_get_num_consts(s.context, model); ++i) {
    const Z3_func_decl declared = s.z.model_get_const_decl(s.context, model, i);
    const Z3_ast value = s.z.model_get_const_interp(s.context, model, declared);
    std::string name = s.z.get_symbol_string(s.context, s.z.get_decl_name(s.context, declared));  // the next call reuses Z3's buffer
    if (value != nullptr) out[std::move(name)] = s.z.ast_to_string(s.context, value);
  }
  s.z.vector_dec_ref(s.context, asserted);
  s.z.model_dec_ref(s.context, model);
  return good;
}

}  // namespace

std::string_view name_of(SmtStatus status) {
  switch (status) {
    case SmtStatus::sat: return "sat";
    case SmtStatus::unsat: return "unsat";
    case SmtStatus::unknown: break;
  }
  return "unknown";
}

Result<SmtAnswer> solve_smt(Context& context, const std::string& question, const SmtOptions& options) {
  PLIMSOLL_CHECK(context.stop.check());
  if (!(options.max_seconds > 0)) return Error(ErrorCode::bad_parameter, "the time allowed is not above 0", "Give seconds above 0.").in_parameter("max_seconds");
  PLIMSOLL_CHECK(check_commands(question));
  PLIMSOLL_TRY(const Z3Library* const library, z3());
  const double began = context.clock();
  const Session session(*library);
  library->solver_from_string(session.context, session.solver, question.c_str());
  if (session.failed()) return no_question(session.words());
  set_limits(session, options);
  SmtAnswer answer;
  const std::string_view version = library->full_version();  // "4.8.12.0", in some builds with the name before it
  answer.solver = version.starts_with("Z3") ? std::string(version) : "Z3 " + std::string(version);
  const Z3_lbool found = check_with_stop(session, context.stop);
  PLIMSOLL_CHECK(context.stop.check());
  answer.seconds = context.clock() - began;
  if (found == Z3_L_FALSE) {
    answer.status = SmtStatus::unsat;
  } else if (found == Z3_L_TRUE) {
    if (take_model(session, answer.model)) answer.status = SmtStatus::sat;
    else answer.why = "the model found could not be checked";
  } else {
    answer.why = library->reason_unknown(session.context, session.solver);
  }
  return answer;
}

}  // namespace plimsoll::solve
