/* SPDX-License-Identifier: Apache-2.0
 * The main job from plain C: fit on a file, save the model, score another file, print what is promised.
 *
 *     cc -std=c11 main_job.c -lplimsoll -o main_job
 *     ./main_job past.csv new.csv OUTCOME PREDICTION model.plim scored.csv
 */
#include <stdio.h>

#include "plimsoll/plimsoll.h"

/* Told twenty times a second by the thread that called. */
static void tell(void* user, const char* task, int64_t done, int64_t total, const char* unit) {
  (void)user;
  if (total > 0) fprintf(stderr, "%s: %lld of %lld %s\n", task, (long long)done, (long long)total, unit);
}

static plimsoll_error* fit(const char* past, const char* outcome, const char* prediction, plimsoll_model** model) {
  plimsoll_call* call = NULL;
  plimsoll_reply* reply = NULL;
  plimsoll_error* error = plimsoll_call_new("fit", "conformal.split", &call);
  if (!error) error = plimsoll_call_parameters(call, "{\"alpha\": [0.1]}");
  if (!error) error = plimsoll_call_options(call, "{\"seed\": 7}");
  if (!error) error = plimsoll_call_input_path(call, NULL, past, NULL);
  if (!error) error = plimsoll_call_columns(call, NULL, "target", &outcome, 1);
  if (!error) error = plimsoll_call_columns(call, NULL, "prediction", &prediction, 1);
  plimsoll_call_on_progress(call, tell, NULL);
  if (!error) error = plimsoll_run(call, &reply);
  if (!error) error = plimsoll_reply_model(reply, model);
  plimsoll_reply_free(reply);
  plimsoll_call_free(call);
  return error;
}

static plimsoll_error* apply(const plimsoll_model* model, const char* rows, const char* scored) {
  plimsoll_call* call = NULL;
  plimsoll_reply* reply = NULL;
  plimsoll_error* error = plimsoll_call_new("apply", NULL, &call);
  if (!error) error = plimsoll_call_model(call, model);
  if (!error) error = plimsoll_call_input_path(call, NULL, rows, NULL);
  if (!error) error = plimsoll_call_output_path(call, "rows", scored);
  if (!error) error = plimsoll_run(call, &reply);
  if (!error) puts(plimsoll_reply_json(reply));
  plimsoll_reply_free(reply);
  plimsoll_call_free(call);
  return error;
}

int main(int count, char** words) {
  plimsoll_model* model = NULL;
  plimsoll_text* promise = NULL;
  plimsoll_error* error = NULL;
  if (count != 7) {
    fprintf(stderr, "usage: %s PAST NEW OUTCOME PREDICTION MODEL SCORED\n", words[0]);
    return 2;
  }
  error = fit(words[1], words[3], words[4], &model);
  if (!error) error = plimsoll_model_promise(model, &promise);
  if (!error) puts(plimsoll_text_data(promise));
  if (!error) error = plimsoll_model_save(model, words[5]);
  if (!error) error = apply(model, words[2], words[6]);
  if (error) fprintf(stderr, "%s\n", plimsoll_error_message(error));
  plimsoll_text_free(promise);
  plimsoll_model_free(model);
  const int status = error ? 1 : 0;
  plimsoll_error_free(error);
  return status;
}
