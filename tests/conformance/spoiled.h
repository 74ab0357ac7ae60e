// SPDX-License-Identifier: Apache-2.0
#pragma once

// Every method's test registers the spoiled form that its prove must catch:
//
//   static const plimsoll::SpoiledForm spoiled_rank{
//       "conformal.split", "rank one too low",
//       [](plimsoll::Subject& subject) { subject.spoil_model([](void* m) { static_cast<Model*>(m)->...; }); }};

#include <string_view>
#include <vector>

#include "engine/subject.h"

namespace plimsoll {

class SpoiledForm {
 public:
  SpoiledForm(std::string_view method, std::string_view what, void (*change)(Subject&)) : method_(method), what_(what), spoil_(change) {
    all().push_back(this);
  }
  std::string_view method() const { return method_; }
  std::string_view what() const { return what_; }
  void spoil(Subject& subject) const { spoil_(subject); }
  static std::vector<const SpoiledForm*>& all() {
    static std::vector<const SpoiledForm*> forms;
    return forms;
  }

 private:
  std::string_view method_;
  std::string_view what_;
  void (*spoil_)(Subject&);
};

}  // namespace plimsoll
