// SPDX-License-Identifier: Apache-2.0
// plimsoll._core: the C interface (include/plimsoll/plimsoll.h) as Python sees it, and nothing else. The classes that people
// meet are Python over this. The interpreter's lock is let go wherever the engine works; while it does, the thread that
// called asks Python twenty times a second for signals, so Ctrl-C ends our loops within 0.2 s.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plimsoll/plimsoll.h"

// The Arrow C stream interface, as its specification gives it.
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowSchema;
struct ArrowArray;
struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema* out);
  int (*get_next)(struct ArrowArrayStream*, struct ArrowArray* out);
  const char* (*get_last_error)(struct ArrowArrayStream*);
  void (*release)(struct ArrowArrayStream*);
  void* private_data;
};
#endif

namespace nb = nanobind;

namespace {

// Raises the Python exception of an error's code, made by plimsoll._errors from its JSON.
void check(plimsoll_error* error) {
  if (error == nullptr) return;
  const std::string json = plimsoll_error_json(error);
  plimsoll_error_free(error);
  nb::object exception = nb::module_::import_("plimsoll._errors").attr("of_json")(json);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())), exception.ptr());
  throw nb::python_error();
}

// The same for a function that works: without the interpreter's lock.
template <class F>
void check_unlocked(F&& work) {
  plimsoll_error* error = nullptr;
  {
    const nb::gil_scoped_release unlocked;
    error = work();
  }
  check(error);
}

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* handle) const { Free(handle); }
};
template <class T, void (*Free)(T*)>
using Handle = std::unique_ptr<T, Freed<T, Free>>;

using TextHandle = Handle<plimsoll_text, plimsoll_text_free>;

// f(out) gives text.
template <class F>
nb::str text_of(F&& work) {
  plimsoll_text* text = nullptr;
  check_unlocked([&] { return work(&text); });
  const TextHandle owned(text);
  return nb::str(plimsoll_text_data(text), plimsoll_text_size(text));
}
template <class F>
nb::bytes bytes_of(F&& work) {
  plimsoll_text* text = nullptr;
  check_unlocked([&] { return work(&text); });
  const TextHandle owned(text);
  return nb::bytes(plimsoll_text_data(text), plimsoll_text_size(text));
}

const char* or_null(const std::optional<std::string>& text) { return text ? text->c_str() : nullptr; }

struct Model {
  Handle<plimsoll_model, plimsoll_model_free> handle;
};
struct Report {
  Handle<plimsoll_report, plimsoll_report_free> handle;
};
struct Session {
  Handle<plimsoll_session, plimsoll_session_free> handle;
};
struct Reply {
  Handle<plimsoll_reply, plimsoll_reply_free> handle;
};
struct Call {
  Handle<plimsoll_call, plimsoll_call_free> handle;
};
struct Partial {
  Handle<plimsoll_partial, plimsoll_partial_free> handle;
};

template <class Wrapper, class T>
Wrapper wrapped(T* handle) {
  Wrapper wrapper;
  wrapper.handle.reset(handle);
  return wrapper;
}

// What the polling functions know; they run in the calling thread, which has let the lock go.
struct Watch {
  nb::object progress;
  std::exception_ptr raised;

  void keep_error() {
    try {
      throw nb::python_error();
    } catch (...) {
      raised = std::current_exception();
    }
  }
};

int ask_for_stop(void* user) {
  auto& watch = *static_cast<Watch*>(user);
  const nb::gil_scoped_acquire locked;
  if (!watch.raised && PyErr_CheckSignals() != 0) watch.keep_error();
  return watch.raised ? 1 : 0;
}

void tell_progress(void* user, const char* task, int64_t done, int64_t total, const char* unit) {
  auto& watch = *static_cast<Watch*>(user);
  const nb::gil_scoped_acquire locked;
  if (watch.raised) return;
  try {
    watch.progress(task, done, total, unit);
  } catch (...) {
    watch.raised = std::current_exception();
  }
}

Reply run(Call& call, nb::object progress) {
  Watch watch{std::move(progress), nullptr};
  plimsoll_call_on_stop(call.handle.get(), ask_for_stop, &watch);
  if (!watch.progress.is_none()) plimsoll_call_on_progress(call.handle.get(), tell_progress, &watch);
  plimsoll_reply* reply = nullptr;
  plimsoll_error* error = nullptr;
  {
    const nb::gil_scoped_release unlocked;
    error = plimsoll_run(call.handle.get(), &reply);
  }
  if (watch.raised) {
    plimsoll_error_free(error);
    plimsoll_reply_free(reply);
    std::rethrow_exception(watch.raised);
  }
  check(error);
  return wrapped<Reply>(reply);
}

void add_stream(Call& call, const std::optional<std::string>& port, nb::object capsule, bool hold) {
  auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule.ptr(), "arrow_array_stream"));
  if (stream == nullptr) throw nb::python_error();
  check_unlocked([&] { return plimsoll_call_input_stream(call.handle.get(), or_null(port), stream, hold ? 1 : 0); });
}

void add_columns(Call& call, const std::optional<std::string>& port, const std::string& role, const std::vector<std::string>& columns) {
  std::vector<const char*> names;
  for (const std::string& column : columns) names.push_back(column.c_str());
  check(plimsoll_call_columns(call.handle.get(), or_null(port), role.c_str(), names.data(), names.size()));
}

void release_stream(PyObject* capsule) {
  auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule, "arrow_array_stream"));
  if (stream == nullptr) {
    PyErr_Clear();
    return;
  }
  if (stream->release != nullptr) stream->release(stream);
  std::free(stream);
}

nb::object table_of(const Reply& reply, const std::optional<std::string>& name) {
  auto* stream = static_cast<ArrowArrayStream*>(std::calloc(1, sizeof(ArrowArrayStream)));
  if (stream == nullptr) throw std::bad_alloc();
  plimsoll_error* error = nullptr;
  {
    const nb::gil_scoped_release unlocked;
    error = plimsoll_reply_table(reply.handle.get(), or_null(name), stream);
  }
  if (error != nullptr) std::free(stream);
  check(error);
  PyObject* capsule = PyCapsule_New(stream, "arrow_array_stream", release_stream);
  if (capsule == nullptr) throw nb::python_error();
  return nb::steal<nb::object>(capsule);
}

Model load_model(const std::string& path) {
  plimsoll_model* model = nullptr;
  check_unlocked([&] { return plimsoll_model_load(path.c_str(), &model); });
  return wrapped<Model>(model);
}

Model model_of_bytes(nb::bytes bytes) {
  plimsoll_model* model = nullptr;
  check_unlocked([&] { return plimsoll_model_from_bytes(bytes.c_str(), bytes.size(), &model); });
  return wrapped<Model>(model);
}

void bind_model(nb::module_& m) {
  nb::class_<Model>(m, "Model")
      .def_static("load", load_model, nb::arg("path"))
      .def_static("from_bytes", model_of_bytes, nb::arg("data"))
      .def("save", [](const Model& self, const std::string& path) {
        check_unlocked([&] { return plimsoll_model_save(self.handle.get(), path.c_str()); });
      }, nb::arg("path"))
      .def("bytes", [](const Model& self) { return bytes_of([&](plimsoll_text** out) { return plimsoll_model_bytes(self.handle.get(), out); }); })
      .def("json", [](const Model& self) { return text_of([&](plimsoll_text** out) { return plimsoll_model_json(self.handle.get(), out); }); })
      .def("promise", [](const Model& self) { return text_of([&](plimsoll_text** out) { return plimsoll_model_promise(self.handle.get(), out); }); });
}

void bind_report(nb::module_& m) {
  nb::class_<Report>(m, "Report")
      .def_static("from_json", [](const std::string& json) {
        plimsoll_report* report = nullptr;
        check_unlocked([&] { return plimsoll_report_from_json(json.c_str(), &report); });
        return wrapped<Report>(report);
      }, nb::arg("json"))
      .def("text", [](const Report& self, const std::string& format) {
        return text_of([&](plimsoll_text** out) { return plimsoll_report_text(self.handle.get(), format.c_str(), out); });
      }, nb::arg("format"))
      .def("save", [](const Report& self, const std::string& path) {
        check_unlocked([&] { return plimsoll_report_save(self.handle.get(), path.c_str()); });
      }, nb::arg("path"));
}

void bind_session(nb::module_& m) {
  nb::class_<Session>(m, "Session")
      .def_static("open", [](const Model& model) {
        plimsoll_session* session = nullptr;
        check_unlocked([&] { return plimsoll_session_open(model.handle.get(), &session); });
        return wrapped<Session>(session);
      }, nb::arg("model"))
      .def("step", [](Session& self, const std::string& event) {
        return text_of([&](plimsoll_text** out) { return plimsoll_session_step(self.handle.get(), event.c_str(), out); });
      }, nb::arg("event"))
      .def("state", [](const Session& self) { return bytes_of([&](plimsoll_text** out) { return plimsoll_session_state(self.handle.get(), out); }); })
      .def("restore", [](Session& self, nb::bytes state) {
        check_unlocked([&] { return plimsoll_session_restore(self.handle.get(), state.c_str(), state.size()); });
      }, nb::arg("state"));
}

void bind_reply(nb::module_& m) {
  nb::class_<Reply>(m, "Reply")
      .def("json", [](const Reply& self) { return std::string(plimsoll_reply_json(self.handle.get())); })
      .def("table", table_of, nb::arg("name") = nb::none())
      .def("model", [](const Reply& self) {
        plimsoll_model* model = nullptr;
        check(plimsoll_reply_model(self.handle.get(), &model));
        return wrapped<Model>(model);
      })
      .def("report", [](const Reply& self, const std::optional<std::string>& name) {
        plimsoll_report* report = nullptr;
        check(plimsoll_reply_report(self.handle.get(), or_null(name), &report));
        return wrapped<Report>(report);
      }, nb::arg("name") = nb::none())
      .def("document", [](const Reply& self, const std::string& name) {
        return text_of([&](plimsoll_text** out) { return plimsoll_reply_document(self.handle.get(), name.c_str(), out); });
      }, nb::arg("name"))
      .def("artifact", [](const Reply& self, const std::string& name) {
        plimsoll_model* model = nullptr;
        check(plimsoll_reply_artifact(self.handle.get(), name.c_str(), &model));
        return wrapped<Model>(model);
      }, nb::arg("name"));
}

void bind_call(nb::module_& m) {
  nb::class_<Call>(m, "Call")
      .def_static("open", [](const std::string& verb, const std::optional<std::string>& method) {
        plimsoll_call* call = nullptr;
        check(plimsoll_call_new(verb.c_str(), or_null(method), &call));
        return wrapped<Call>(call);
      }, nb::arg("verb"), nb::arg("method") = nb::none())
      .def("parameters", [](Call& self, const std::string& json) { check(plimsoll_call_parameters(self.handle.get(), json.c_str())); }, nb::arg("json"))
      .def("options", [](Call& self, const std::string& json) { check(plimsoll_call_options(self.handle.get(), json.c_str())); }, nb::arg("json"))
      .def("model", [](Call& self, const Model& model) { check(plimsoll_call_model(self.handle.get(), model.handle.get())); }, nb::arg("model"))
      .def("stream", add_stream, nb::arg("port").none(), nb::arg("capsule"), nb::arg("hold"))
      .def("path", [](Call& self, const std::optional<std::string>& port, const std::string& path, const std::optional<std::string>& read) {
        check(plimsoll_call_input_path(self.handle.get(), or_null(port), path.c_str(), or_null(read)));
      }, nb::arg("port").none(), nb::arg("path"), nb::arg("read") = nb::none())
      .def("document", [](Call& self, const std::string& port, const std::string& json) {
        check(plimsoll_call_input_json(self.handle.get(), port.c_str(), json.c_str()));
      }, nb::arg("port"), nb::arg("json"))
      .def("input_model", [](Call& self, const std::optional<std::string>& port, const Model& model) {
        check(plimsoll_call_input_model(self.handle.get(), or_null(port), model.handle.get()));
      }, nb::arg("port").none(), nb::arg("model"))
      .def("input_report", [](Call& self, const std::string& port, const Report& report) {
        check(plimsoll_call_input_report(self.handle.get(), port.c_str(), report.handle.get()));
      }, nb::arg("port"), nb::arg("report"))
      .def("columns", add_columns, nb::arg("port").none(), nb::arg("role"), nb::arg("columns"))
      .def("output", [](Call& self, const std::string& port, const std::string& path) {
        check(plimsoll_call_output_path(self.handle.get(), port.c_str(), path.c_str()));
      }, nb::arg("port"), nb::arg("path"))
      .def("run", run, nb::arg("progress") = nb::none())
      .def("stop", [](Call& self) { plimsoll_call_stop(self.handle.get()); });
}

Partial partial_of_bytes(nb::bytes bytes) {
  plimsoll_partial* partial = nullptr;
  check_unlocked([&] { return plimsoll_partial_from_bytes(bytes.c_str(), bytes.size(), &partial); });
  return wrapped<Partial>(partial);
}

// None: the rows are wanted once more.
std::optional<Model> finish_partial(Partial& self) {
  plimsoll_model* model = nullptr;
  check_unlocked([&] { return plimsoll_partial_finish(self.handle.get(), &model); });
  if (model == nullptr) return std::nullopt;
  return wrapped<Model>(model);
}

void bind_partial(nb::module_& m) {
  nb::class_<Partial>(m, "Partial")
      .def_static("start", [](Call& call) {
        plimsoll_partial* partial = nullptr;
        check_unlocked([&] { return plimsoll_partial_start(call.handle.get(), &partial); });
        return wrapped<Partial>(partial);
      }, nb::arg("call"))
      .def_static("from_bytes", partial_of_bytes, nb::arg("data"))
      .def("bytes", [](const Partial& self) { return bytes_of([&](plimsoll_text** out) { return plimsoll_partial_bytes(self.handle.get(), out); }); })
      .def("update", [](Partial& self, Call& call, int64_t first_row) {
        check_unlocked([&] { return plimsoll_partial_update(self.handle.get(), call.handle.get(), first_row); });
      }, nb::arg("call"), nb::arg("first_row") = -1)
      .def("merge", [](Partial& self, const Partial& other) {
        check_unlocked([&] { return plimsoll_partial_merge(self.handle.get(), other.handle.get()); });
      }, nb::arg("other"))
      .def("finish", finish_partial)
      .def_prop_ro("rows", [](const Partial& self) { return plimsoll_partial_rows(self.handle.get()); })
      .def_prop_ro("pass_number", [](const Partial& self) { return plimsoll_partial_pass(self.handle.get()); });
  m.def("cluster_check", [](Call& call, bool numbered) {
    return text_of([&](plimsoll_text** out) { return plimsoll_cluster_check(call.handle.get(), numbered ? 1 : 0, out); });
  }, nb::arg("call"), nb::arg("numbered"));
}

}  // namespace

NB_MODULE(_core, m) {
  m.doc() = "The C interface of plimsoll; the package plimsoll is what to use.";
  m.def("version", [] { return std::string(plimsoll_version()); });
  m.def("methods", [] { return text_of(plimsoll_methods); });
  m.def("method", [](const std::string& id) { return text_of([&](plimsoll_text** out) { return plimsoll_method(id.c_str(), out); }); }, nb::arg("id"));
  m.def("error_table", [] { return text_of(plimsoll_error_table); });
  bind_model(m);
  bind_report(m);
  bind_session(m);
  bind_reply(m);
  bind_call(m);
  bind_partial(m);
}
