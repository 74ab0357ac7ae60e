/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLIMSOLL_H
#define PLIMSOLL_H

/* The engine for C, and for every language that can call C: any verb of any method by its id. Handles are opaque,
 * parameters and replies are JSON, tables cross by the Arrow C stream interface without a copy, errors are values.
 * Nothing here prints, exits or throws, and no other symbol of the library is seen from outside.
 *
 *   plimsoll_call* fit = NULL;
 *   plimsoll_reply* reply = NULL;
 *   plimsoll_model* model = NULL;
 *   plimsoll_error* error = plimsoll_call_new("fit", "conformal.split", &fit);
 *   const char* target = "y";
 *   if (!error) error = plimsoll_call_parameters(fit, "{\"alpha\": [0.1]}");
 *   if (!error) error = plimsoll_call_input_path(fit, "data", "train.parquet", NULL);
 *   if (!error) error = plimsoll_call_columns(fit, NULL, "target", &target, 1);
 *   if (!error) error = plimsoll_run(fit, &reply);
 *   if (!error) error = plimsoll_reply_model(reply, &model);
 *   if (!error) error = plimsoll_model_save(model, "model.plim");
 *   if (error) fputs(plimsoll_error_message(error), stderr);
 *
 * Rules. A function that can fail returns NULL, or an error that the caller frees; its out-parameters are then untouched.
 * Every _free takes NULL. What a handle gives as `const char*` lives as long as the handle. Text is UTF-8. Handles of
 * different calls may be used from different threads at once; one call is run by one thread, and only
 * plimsoll_call_stop() may come from another. Fields may be added to JSON, never taken away, within a major version. */

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define PLIMSOLL_C_API __attribute__((visibility("default")))
#else
#define PLIMSOLL_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct ArrowArrayStream; /* of the Arrow C stream interface */

typedef struct plimsoll_error plimsoll_error;
typedef struct plimsoll_text plimsoll_text;
typedef struct plimsoll_model plimsoll_model;
typedef struct plimsoll_report plimsoll_report;
typedef struct plimsoll_call plimsoll_call;
typedef struct plimsoll_reply plimsoll_reply;
typedef struct plimsoll_session plimsoll_session;

PLIMSOLL_C_API const char* plimsoll_version(void);

/* ---- errors ------------------------------------------------------------------------------------------------------ */

/* The name in the error table: "missing_column". */
PLIMSOLL_C_API const char* plimsoll_error_code(const plimsoll_error* error);
/* What, where and what to do, in one line. */
PLIMSOLL_C_API const char* plimsoll_error_message(const plimsoll_error* error);
/* {"code", "what", "mend", "message", "exit_status", "http_status"} and, where known, "file", "column", "parameter",
 * "row" (from 0), "line" (from 1), "candidates". */
PLIMSOLL_C_API const char* plimsoll_error_json(const plimsoll_error* error);
PLIMSOLL_C_API void plimsoll_error_free(plimsoll_error* error);

/* ---- text and bytes ---------------------------------------------------------------------------------------------- */

PLIMSOLL_C_API const char* plimsoll_text_data(const plimsoll_text* text); /* ends with a zero byte that size leaves out */
PLIMSOLL_C_API size_t plimsoll_text_size(const plimsoll_text* text);
PLIMSOLL_C_API void plimsoll_text_free(plimsoll_text* text);

/* ---- what there is ----------------------------------------------------------------------------------------------- */

/* The catalogue: [{"id", "tier", "plugin", "verbs"}]. */
PLIMSOLL_C_API plimsoll_error* plimsoll_methods(plimsoll_text** out);
/* One method: its card, and per verb the parameters (a JSON Schema, and in order of declaration), the inputs with their
 * roles, the outputs, the row shape, and whether the fit merges. */
PLIMSOLL_C_API plimsoll_error* plimsoll_method(const char* id, plimsoll_text** out);
/* The error table: [{"code", "exit_status", "http_status"}]. */
PLIMSOLL_C_API plimsoll_error* plimsoll_error_table(plimsoll_text** out);

/* ---- a call ------------------------------------------------------------------------------------------------------ */

/* verb: fit, apply, assess, verify, prove or report. method may be NULL when a model is given. */
PLIMSOLL_C_API plimsoll_error* plimsoll_call_new(const char* verb, const char* method, plimsoll_call** out);
PLIMSOLL_C_API void plimsoll_call_free(plimsoll_call* call);
/* Parameters of the method as a JSON object; of prove: {"seed", "size": "quick" | "normal" | "full"}. */
PLIMSOLL_C_API plimsoll_error* plimsoll_call_parameters(plimsoll_call* call, const char* json);
/* How to run, as a JSON object: "seed", "threads", "memory_bytes", "batch_rows", "allow_overlap" (the reason), "scratch". */
PLIMSOLL_C_API plimsoll_error* plimsoll_call_options(plimsoll_call* call, const char* json);
/* The fitted model of apply and report. The call keeps what it needs of it. */
PLIMSOLL_C_API plimsoll_error* plimsoll_call_model(plimsoll_call* call, const plimsoll_model* model);

/* Inputs by port name; port NULL is the first one, which the command line takes as a word. A stream is taken over: it is
 * released by the call, also when this function fails. hold != 0 keeps its batches, so that a fit may pass over them more
 * than once; else they are let go as the verb proceeds. */
PLIMSOLL_C_API plimsoll_error* plimsoll_call_input_stream(plimsoll_call* call, const char* port,
                                                          struct ArrowArrayStream* stream, int hold);
/* A table, document, folder, artifact or report by its path. read: NULL, or how to read a table, as a JSON object: "format",
 * "header", "names", "delimiter", "trim", "null", "text_columns", "strip_suffix", "columns". */
PLIMSOLL_C_API plimsoll_error* plimsoll_call_input_path(plimsoll_call* call, const char* port, const char* path,
                                                        const char* read);
/* A document. */
PLIMSOLL_C_API plimsoll_error* plimsoll_call_input_json(plimsoll_call* call, const char* port, const char* json);
PLIMSOLL_C_API plimsoll_error* plimsoll_call_input_model(plimsoll_call* call, const char* port, const plimsoll_model* model);
PLIMSOLL_C_API plimsoll_error* plimsoll_call_input_report(plimsoll_call* call, const char* port, const plimsoll_report* report);
/* Which columns play a role: of one port, or with port NULL of every table that has the role. Names may hold * and ?. A
 * model remembers the roles it was fitted with. */
PLIMSOLL_C_API plimsoll_error* plimsoll_call_columns(plimsoll_call* call, const char* port, const char* role,
                                                     const char* const* columns, size_t count);
/* Writes an output table to a file as it is made, by suffix .csv, .parquet, .jsonl or .arrow, instead of gathering it. */
PLIMSOLL_C_API plimsoll_error* plimsoll_call_output_path(plimsoll_call* call, const char* port, const char* path);

/* Both are called by the thread that runs the call, about twenty times a second, and never after plimsoll_run returned.
 * total is negative when unknown. A stop function that returns other than 0 ends the work: the error is `cancelled`. */
typedef void (*plimsoll_progress_function)(void* user, const char* task, int64_t done, int64_t total, const char* unit);
typedef int (*plimsoll_stop_function)(void* user);
PLIMSOLL_C_API void plimsoll_call_on_progress(plimsoll_call* call, plimsoll_progress_function function, void* user);
PLIMSOLL_C_API void plimsoll_call_on_stop(plimsoll_call* call, plimsoll_stop_function function, void* user);
/* From any thread: asks the running verb to end. */
PLIMSOLL_C_API void plimsoll_call_stop(plimsoll_call* call);

/* Runs the call, once. */
PLIMSOLL_C_API plimsoll_error* plimsoll_run(plimsoll_call* call, plimsoll_reply** out);

/* ---- a reply ----------------------------------------------------------------------------------------------------- */

/* {"method", "verb", "warnings", "values", "outputs": [{"name", "kind", "rows", "columns"}]} and, where there is one,
 * "certificate", "evidence", "findings" and "passed". */
PLIMSOLL_C_API const char* plimsoll_reply_json(const plimsoll_reply* reply);
/* The model of a fit. */
PLIMSOLL_C_API plimsoll_error* plimsoll_reply_model(const plimsoll_reply* reply, plimsoll_model** out);
/* The report of an assess or a report, or an output that is one (name NULL: whichever there is). */
PLIMSOLL_C_API plimsoll_error* plimsoll_reply_report(const plimsoll_reply* reply, const char* name, plimsoll_report** out);
/* An output table by name; NULL: the first. May be asked for again; the caller releases the stream. No copy is made. */
PLIMSOLL_C_API plimsoll_error* plimsoll_reply_table(const plimsoll_reply* reply, const char* name, struct ArrowArrayStream* out);
/* Outputs that are documents (as JSON) and artifacts. */
PLIMSOLL_C_API plimsoll_error* plimsoll_reply_document(const plimsoll_reply* reply, const char* name, plimsoll_text** out);
PLIMSOLL_C_API plimsoll_error* plimsoll_reply_artifact(const plimsoll_reply* reply, const char* name, plimsoll_model** out);
PLIMSOLL_C_API void plimsoll_reply_free(plimsoll_reply* reply);

/* ---- a model ----------------------------------------------------------------------------------------------------- */

PLIMSOLL_C_API plimsoll_error* plimsoll_model_load(const char* path, plimsoll_model** out);
PLIMSOLL_C_API plimsoll_error* plimsoll_model_save(const plimsoll_model* model, const char* path);
PLIMSOLL_C_API plimsoll_error* plimsoll_model_from_bytes(const void* data, size_t size, plimsoll_model** out);
PLIMSOLL_C_API plimsoll_error* plimsoll_model_bytes(const plimsoll_model* model, plimsoll_text** out);
/* What `plimsoll inspect` shows: method, parameters, schema, provenance, certificate, sizes of buffers. */
PLIMSOLL_C_API plimsoll_error* plimsoll_model_json(const plimsoll_model* model, plimsoll_text** out);
/* The certificate in plain words; empty when the model promises nothing. */
PLIMSOLL_C_API plimsoll_error* plimsoll_model_promise(const plimsoll_model* model, plimsoll_text** out);
PLIMSOLL_C_API void plimsoll_model_free(plimsoll_model* model);

/* ---- a report ---------------------------------------------------------------------------------------------------- */

/* format: "html", "json" or "markdown". */
PLIMSOLL_C_API plimsoll_error* plimsoll_report_text(const plimsoll_report* report, const char* format, plimsoll_text** out);
/* By suffix: .html, .json or .md. */
PLIMSOLL_C_API plimsoll_error* plimsoll_report_save(const plimsoll_report* report, const char* path);
PLIMSOLL_C_API plimsoll_error* plimsoll_report_from_json(const char* json, plimsoll_report** out);
PLIMSOLL_C_API void plimsoll_report_free(plimsoll_report* report);

/* ---- an online session: the step verb of a model ----------------------------------------------------------------- */

PLIMSOLL_C_API plimsoll_error* plimsoll_session_open(const plimsoll_model* model, plimsoll_session** out);
/* One event as a JSON object, and the row that answers it. */
PLIMSOLL_C_API plimsoll_error* plimsoll_session_step(plimsoll_session* session, const char* event, plimsoll_text** row);
/* The state, to go on from after a restart. */
PLIMSOLL_C_API plimsoll_error* plimsoll_session_state(const plimsoll_session* session, plimsoll_text** out);
PLIMSOLL_C_API plimsoll_error* plimsoll_session_restore(plimsoll_session* session, const void* data, size_t size);
PLIMSOLL_C_API void plimsoll_session_free(plimsoll_session* session);

/* ---- a fit in parts, on several machines ------------------------------------------------------------------------- */

/* A mergeable fit whose rows lie in many places; states travel as bytes. One pass:
 *   driver    plimsoll_partial_start(), plimsoll_partial_bytes()
 *   workers   plimsoll_partial_from_bytes(those), plimsoll_partial_update(their rows), plimsoll_partial_bytes()
 *   anyone    plimsoll_partial_merge(), in any order and any tree
 *   driver    plimsoll_partial_finish(): the model; or NULL, and then its bytes begin the next pass over the rows.
 * Of class A the model equals that of a fit on one machine byte for byte, however rows are cut and ordered; of class B if
 * every part is told the number of its first row, a multiple of 4,096. */
typedef struct plimsoll_partial plimsoll_partial;

/* call: a fit with its parameters and options; its inputs are not looked at, and it may be used again. */
PLIMSOLL_C_API plimsoll_error* plimsoll_partial_start(plimsoll_call* call, plimsoll_partial** out);
PLIMSOLL_C_API plimsoll_error* plimsoll_partial_from_bytes(const void* data, size_t size, plimsoll_partial** out);
PLIMSOLL_C_API plimsoll_error* plimsoll_partial_bytes(const plimsoll_partial* partial, plimsoll_text** out);
/* Adds the inputs of a call of fit, which is used up. first_row: number of the first row in the whole, -1 when not known.
 * Tables beside the first must be given to one part a pass only. */
PLIMSOLL_C_API plimsoll_error* plimsoll_partial_update(plimsoll_partial* partial, plimsoll_call* call, int64_t first_row);
/* Takes over what another part of the same pass saw; the other is not changed. */
PLIMSOLL_C_API plimsoll_error* plimsoll_partial_merge(plimsoll_partial* partial, const plimsoll_partial* other);
/* *out stays as it was when the method wants the rows once more. */
PLIMSOLL_C_API plimsoll_error* plimsoll_partial_finish(plimsoll_partial* partial, plimsoll_model** out);
PLIMSOLL_C_API int64_t plimsoll_partial_rows(const plimsoll_partial* partial); /* seen in this pass */
PLIMSOLL_C_API int64_t plimsoll_partial_pass(const plimsoll_partial* partial); /* from 1 */
PLIMSOLL_C_API void plimsoll_partial_free(plimsoll_partial* partial);

/* Whether a fit or an apply keeps its meaning when rows lie in pieces of unknown order; the error says what mends it. The
 * call's inputs are opened for their columns (a table of no rows will do), and it is used up. numbered != 0: the pieces know
 * the number of their first row. JSON: {"law"} of fit, {"rows"} of apply, and "roles" as they are bound. */
PLIMSOLL_C_API plimsoll_error* plimsoll_cluster_check(plimsoll_call* call, int numbered, plimsoll_text** out);

#ifdef __cplusplus
}
#endif

#endif
