// SPDX-License-Identifier: Apache-2.0
#include "engine/subject.h"

namespace plimsoll {
namespace {
Error other_type(const Method& method, std::string_view verb) {
  return Error(ErrorCode::internal, "an experiment called " + std::string(verb) + " of " + std::string(method.id) + " with structs of another method", "Use the method's own Inputs, Params and Model.");
}
}  // namespace

Result<Box> Subject::fit_box(Context& context, const Type& in, const void* inputs, const Type& par, const void* params, const Type& out) const {
  const auto& fit = method_->fit_;
  if (fit.inputs != &in || fit.params != &par || fit.model != &out) return other_type(*method_, "fit");
  PLIMSOLL_TRY(Box model, run_fit(context, *method_, inputs, params));
  if (spoil_model_) spoil_model_(model.get());
  return model;
}

Result<Box> Subject::apply_box(Context& context, const Type& mod, const void* model, const Type& in, const void* inputs, const Type& opt, const void* options,
                               const Type& out) const {
  const auto& apply = method_->apply_;
  if (apply.model != &mod || apply.inputs != &in || apply.options != &opt || apply.outputs != &out) return other_type(*method_, "apply");
  PLIMSOLL_TRY(Box outputs, apply_ ? apply_(context, model, inputs, options) : apply.call(context, model, inputs, options));
  if (spoil_outputs_) spoil_outputs_(outputs.get());
  return outputs;
}

Result<Report> Subject::assess_box(Context& context, const Type& in, const void* inputs, const Type& par, const void* params) const {
  const auto& assess = method_->assess_;
  if (assess.inputs != &in || assess.params != &par) return other_type(*method_, "assess");
  PLIMSOLL_TRY(Report report, assess.call(context, inputs, params));
  if (spoil_report_) spoil_report_(report);
  return report;
}

}  // namespace plimsoll
