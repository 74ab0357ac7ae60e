// SPDX-License-Identifier: Apache-2.0
// The C interface as a C program meets it: errors as values, streams in and out, stop and progress.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "plimsoll/plimsoll.h"
#include "table/interchange.h"

struct ArrowArrayStream {  // as the Arrow C stream interface has it
  int (*get_schema)(ArrowArrayStream*, void*);
  int (*get_next)(ArrowArrayStream*, void*);
  const char* (*get_last_error)(ArrowArrayStream*);
  void (*release)(ArrowArrayStream*);
  void* private_data;
};

namespace {

using plimsoll::Json;

plimsoll::Table numbers(int rows) {
  std::vector<double> mu;
  std::vector<double> y;
  for (int i = 0; i < rows; ++i) {
    mu.push_back(i);
    y.push_back(i + (i % 2 == 0 ? 1.0 : -0.5) * (i % 7));
  }
  return plimsoll::TableBuilder().real("mu", mu).real("y", y).build().value();
}

ArrowArrayStream exported(const plimsoll::Table& table) {
  ArrowArrayStream stream{};
  EXPECT_TRUE(plimsoll::export_stream(plimsoll::stream_of(table, 64), &stream).ok());
  return stream;
}

// The code of an error that is then freed; "" for none.
std::string code_of(plimsoll_error* error) {
  std::string code = plimsoll_error_code(error);
  plimsoll_error_free(error);
  return code;
}

Json facts_of(plimsoll_error* error) {
  Json facts = plimsoll::parse_json(plimsoll_error_json(error)).value();
  plimsoll_error_free(error);
  return facts;
}

plimsoll_call* new_fit() {
  plimsoll_call* call = nullptr;
  EXPECT_EQ(plimsoll_call_new("fit", "conformal.split", &call), nullptr);
  return call;
}

void bind(plimsoll_call* call, const char* role, const char* column) { ASSERT_EQ(code_of(plimsoll_call_columns(call, nullptr, role, &column, 1)), ""); }

plimsoll_model* fitted(int rows) {
  plimsoll_call* call = new_fit();
  ArrowArrayStream stream = exported(numbers(rows));
  EXPECT_EQ(code_of(plimsoll_call_input_stream(call, "data", &stream, 1)), "");
  EXPECT_EQ(stream.release, nullptr);  // taken over
  bind(call, "target", "y");
  bind(call, "prediction", "mu");
  plimsoll_reply* reply = nullptr;
  plimsoll_model* model = nullptr;
  EXPECT_EQ(code_of(plimsoll_run(call, &reply)), "");
  EXPECT_EQ(code_of(plimsoll_reply_model(reply, &model)), "");
  plimsoll_reply_free(reply);
  plimsoll_call_free(call);
  return model;
}

std::string text_of(plimsoll_text* text) {
  std::string value(plimsoll_text_data(text), plimsoll_text_size(text));
  plimsoll_text_free(text);
  return value;
}

TEST(Capi, FitsAppliesAndKeepsTheModel) {
  plimsoll_model* model = fitted(500);
  plimsoll_call* call = nullptr;
  ASSERT_EQ(code_of(plimsoll_call_new("apply", nullptr, &call)), "");
  ASSERT_EQ(code_of(plimsoll_call_model(call, model)), "");
  ArrowArrayStream stream = exported(numbers(130));
  ASSERT_EQ(code_of(plimsoll_call_input_stream(call, nullptr, &stream, 0)), "");
  plimsoll_reply* reply = nullptr;
  ASSERT_EQ(code_of(plimsoll_run(call, &reply)), "");
  EXPECT_EQ(code_of(plimsoll_run(call, &reply)), "bad_parameter");  // a call runs once
  const Json facts = plimsoll::parse_json(plimsoll_reply_json(reply)).value();
  EXPECT_EQ(facts["outputs"][0]["name"], "rows");
  EXPECT_EQ(facts["outputs"][0]["rows"], 130);
  for (int again = 0; again < 2; ++again) {
    ArrowArrayStream out{};
    ASSERT_EQ(code_of(plimsoll_reply_table(reply, "rows", &out)), "");
    auto table = plimsoll::read_all(*plimsoll::import_stream(&out).value());
    ASSERT_TRUE(table.ok());
    EXPECT_EQ(table->rows(), 130);
    EXPECT_TRUE(table->has("upper"));
  }
  ArrowArrayStream none{};
  EXPECT_EQ(code_of(plimsoll_reply_table(reply, "rwos", &none)), "unknown_name");
  plimsoll_model* absent = nullptr;
  EXPECT_EQ(code_of(plimsoll_reply_model(reply, &absent)), "wrong_kind");
  EXPECT_EQ(absent, nullptr);

  plimsoll_text* bytes = nullptr;
  ASSERT_EQ(code_of(plimsoll_model_bytes(model, &bytes)), "");
  plimsoll_model* copy = nullptr;
  ASSERT_EQ(code_of(plimsoll_model_from_bytes(plimsoll_text_data(bytes), plimsoll_text_size(bytes), &copy)), "");
  plimsoll_text* again = nullptr;
  ASSERT_EQ(code_of(plimsoll_model_bytes(copy, &again)), "");
  EXPECT_EQ(text_of(bytes), text_of(again));
  plimsoll_text* promise = nullptr;
  ASSERT_EQ(code_of(plimsoll_model_promise(copy, &promise)), "");
  EXPECT_NE(text_of(promise).find("probability"), std::string::npos);
  plimsoll_model_free(copy);
  plimsoll_reply_free(reply);
  plimsoll_call_free(call);
  plimsoll_model_free(model);
}

TEST(Capi, RefusesNamesThatAreNotThere) {
  plimsoll_call* call = nullptr;
  EXPECT_EQ(code_of(plimsoll_call_new("fti", "conformal.split", &call)), "unknown_name");
  EXPECT_EQ(call, nullptr);
  const Json method = facts_of(plimsoll_call_new("fit", "conformal.spilt", &call));
  EXPECT_EQ(method["code"], "unknown_name");
  EXPECT_EQ(method["candidates"][0], "conformal.split");
  EXPECT_EQ(method["exit_status"], 2);
  EXPECT_EQ(method["http_status"], 400);

  call = new_fit();
  const char* column = "y";
  const Json role = facts_of(plimsoll_call_columns(call, nullptr, "tarjet", &column, 1));
  EXPECT_EQ(role["code"], "bad_parameter");
  EXPECT_EQ(role["candidates"][0], "target");
  EXPECT_EQ(code_of(plimsoll_call_input_path(call, "dtaa", "x.csv", nullptr)), "unknown_name");
  EXPECT_EQ(code_of(plimsoll_call_input_path(call, "data", "x.csv", "{\"heder\": true}")), "bad_parameter");
  EXPECT_EQ(code_of(plimsoll_call_input_path(call, "data", "x.csv", "[]")), "bad_parameter");
  EXPECT_EQ(code_of(plimsoll_call_options(call, "{\"sed\": 1}")), "bad_parameter");
  EXPECT_EQ(code_of(plimsoll_call_options(call, "{\"seed\": -1}")), "bad_parameter");
  EXPECT_EQ(code_of(plimsoll_call_options(call, "{\"allow_overlap\": \"\"}")), "bad_parameter");
  EXPECT_EQ(code_of(plimsoll_call_parameters(call, "{")), "bad_document");
  EXPECT_EQ(code_of(plimsoll_call_parameters(call, "[1]")), "bad_parameter");
  EXPECT_EQ(code_of(plimsoll_call_input_json(call, "data", "{}")), "wrong_kind");
  plimsoll_reply* reply = nullptr;
  EXPECT_EQ(code_of(plimsoll_run(call, &reply)), "missing_input");
  EXPECT_EQ(reply, nullptr);
  plimsoll_call_free(call);
}

TEST(Capi, TakesNothingForNothing) {
  plimsoll_call_free(nullptr);
  plimsoll_reply_free(nullptr);
  plimsoll_model_free(nullptr);
  plimsoll_report_free(nullptr);
  plimsoll_session_free(nullptr);
  plimsoll_text_free(nullptr);
  plimsoll_error_free(nullptr);
  plimsoll_call_stop(nullptr);
  EXPECT_STREQ(plimsoll_error_code(nullptr), "");
  EXPECT_STREQ(plimsoll_reply_json(nullptr), "{}");
  plimsoll_model* model = nullptr;
  plimsoll_text* text = nullptr;
  EXPECT_EQ(code_of(plimsoll_methods(nullptr)), "missing_input");
  EXPECT_EQ(code_of(plimsoll_method(nullptr, &text)), "missing_input");
  EXPECT_EQ(code_of(plimsoll_model_load(nullptr, &model)), "missing_input");
  EXPECT_EQ(code_of(plimsoll_model_load("/no/such/file.plim", &model)), "not_found");
  EXPECT_EQ(code_of(plimsoll_model_from_bytes("abc", 3, &model)), "corrupt_file");
  EXPECT_EQ(code_of(plimsoll_call_input_stream(nullptr, nullptr, nullptr, 0)), "missing_input");
  EXPECT_EQ(code_of(plimsoll_run(nullptr, nullptr)), "missing_input");
}

TEST(Capi, ReleasesAStreamItRefuses) {
  plimsoll_call* call = new_fit();
  ArrowArrayStream stream = exported(numbers(3));
  EXPECT_EQ(code_of(plimsoll_call_input_stream(call, "no_such_port", &stream, 0)), "unknown_name");
  EXPECT_EQ(stream.release, nullptr);
  ArrowArrayStream again = exported(numbers(3));
  EXPECT_EQ(code_of(plimsoll_call_input_stream(call, "data", &again, 0)), "");
  ArrowArrayStream twice = exported(numbers(3));
  EXPECT_EQ(code_of(plimsoll_call_input_stream(call, "data", &twice, 0)), "bad_parameter");
  EXPECT_EQ(twice.release, nullptr);
  EXPECT_EQ(code_of(plimsoll_call_input_stream(call, "data", &twice, 0)), "wrong_kind");  // released before
  plimsoll_call_free(call);
}

struct Watch {
  int asked = 0;
  int told = 0;
  std::thread::id thread;
  bool other_thread = false;
};

int stop_at_third(void* user) {
  auto& watch = *static_cast<Watch*>(user);
  watch.other_thread = watch.other_thread || std::this_thread::get_id() != watch.thread;
  return ++watch.asked >= 3 ? 1 : 0;
}

void tell(void* user, const char*, std::int64_t, std::int64_t, const char*) {
  auto& watch = *static_cast<Watch*>(user);
  watch.other_thread = watch.other_thread || std::this_thread::get_id() != watch.thread;
  ++watch.told;
}

plimsoll_call* long_work() {
  plimsoll_call* call = nullptr;
  EXPECT_EQ(code_of(plimsoll_call_new("prove", "conformal.split", &call)), "");
  EXPECT_EQ(code_of(plimsoll_call_parameters(call, "{\"size\": \"full\"}")), "");
  return call;
}

TEST(Capi, AsksTheCallersThreadWhetherToStop) {
  plimsoll_call* call = long_work();
  Watch watch;
  watch.thread = std::this_thread::get_id();
  plimsoll_call_on_stop(call, stop_at_third, &watch);
  plimsoll_call_on_progress(call, tell, &watch);
  plimsoll_reply* reply = nullptr;
  EXPECT_EQ(code_of(plimsoll_run(call, &reply)), "cancelled");
  EXPECT_EQ(reply, nullptr);
  EXPECT_GE(watch.asked, 3);
  EXPECT_FALSE(watch.other_thread);
  plimsoll_call_free(call);
}

TEST(Capi, StopsFromAnotherThread) {
  plimsoll_call* call = long_work();
  std::thread other([call] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    plimsoll_call_stop(call);
  });
  plimsoll_reply* reply = nullptr;
  EXPECT_EQ(code_of(plimsoll_run(call, &reply)), "cancelled");
  other.join();
  plimsoll_call_free(call);
}

TEST(Capi, TellsTheCatalogueAndTheErrorTable) {
  plimsoll_text* text = nullptr;
  ASSERT_EQ(code_of(plimsoll_methods(&text)), "");
  const Json lines = plimsoll::parse_json(text_of(text)).value();
  for (const Json& line : lines) {
    ASSERT_EQ(code_of(plimsoll_method(line["id"].get<std::string>().c_str(), &text)), "");
    const Json method = plimsoll::parse_json(text_of(text)).value();
    for (const Json& verb : line["verbs"]) EXPECT_TRUE(method["about"].contains(verb.get<std::string>())) << line["id"] << verb;
  }
  ASSERT_EQ(code_of(plimsoll_error_table(&text)), "");
  EXPECT_EQ(plimsoll::parse_json(text_of(text)).value().back()["code"], "internal");
}

}  // namespace
