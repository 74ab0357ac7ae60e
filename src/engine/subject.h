// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "engine/method.h"

namespace plimsoll {

// The method under experiment: its own verbs, each replaceable, so that the same experiment runs on a spoiled form.
// `prove` must reach the method only through this.
class Subject {
 public:
  explicit Subject(const Method& method) : method_(&method) {}
  const Method& method() const { return *method_; }

  template <class Model, class Inputs, class Params>
  Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) const {
    auto box = fit_box(context, type_of<Inputs>, &inputs, type_of<Params>, &params, type_of<Model>);
    if (!box) return std::move(box).error();
    return std::move(box.value().template as<Model>());
  }
  template <class Outputs, class Model, class Inputs, class Options = Empty>
  Result<Outputs> apply(Context& context, const Model& model, const Inputs& inputs, const Options& options = {}) const {
    auto box = apply_box(context, type_of<Model>, &model, type_of<Inputs>, &inputs, type_of<Options>, &options, type_of<Outputs>);
    if (!box) return std::move(box).error();
    return std::move(box.value().template as<Outputs>());
  }
  template <class Inputs, class Params>
  Result<Report> assess(Context& context, const Inputs& inputs, const Params& params) const {
    return assess_box(context, type_of<Inputs>, &inputs, type_of<Params>, &params);
  }

  // For tests: change every fitted model, every apply output, or every report before the experiment sees it.
  Subject& spoil_model(std::function<void(void*)> change) { spoil_model_ = std::move(change); return *this; }
  Subject& spoil_outputs(std::function<void(void*)> change) { spoil_outputs_ = std::move(change); return *this; }
  using ApplyCall = std::function<Result<Box>(Context&, const void* model, const void* inputs, const void* options)>;
  Subject& replace_apply(ApplyCall call) { apply_ = std::move(call); return *this; }
  Subject& spoil_report(std::function<void(Report&)> change) { spoil_report_ = std::move(change); return *this; }

 private:
  Result<Box> fit_box(Context&, const Type& in, const void* inputs, const Type& par, const void* params, const Type& out) const;
  Result<Box> apply_box(Context&, const Type& mod, const void* model, const Type& in, const void* inputs, const Type& opt, const void* options, const Type& out) const;
  Result<Report> assess_box(Context&, const Type& in, const void* inputs, const Type& par, const void* params) const;

  const Method* method_;
  std::function<void(void*)> spoil_model_;
  std::function<void(void*)> spoil_outputs_;
  ApplyCall apply_;
  std::function<void(Report&)> spoil_report_;
};

// Drives a fit on tables in memory, mergeable or not. `pieces` > 0 cuts a mergeable fit into that many partial states that
// are merged in an order drawn from `context.rng` (tests of Law 1); 0 is the ordinary path.
Result<Box> run_fit(Context& context, const Method& method, const void* inputs, const void* params, std::int64_t batch_rows = 0, int pieces = 0);

}  // namespace plimsoll
