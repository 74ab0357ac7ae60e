// SPDX-License-Identifier: Apache-2.0
#pragma once

// The contract of a method: which verbs it has, with which described structs. Verbs are named, not sniffed: a function of
// the wrong signature does not compile. An entry is constant-initialised, so the catalogue costs nothing at start.
//
//   extern constinit const Method entry = method("conformal.split")
//       .fit<&fit>(Law::B).apply<&apply>(Rows::independent).certify<&certify>().example<&example>().prove<&prove>();

#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "engine/box.h"
#include "engine/certificate.h"
#include "engine/evidence.h"
#include "engine/fields.h"
#include "engine/report.h"

namespace plimsoll {

class Subject;

enum class Verb : std::uint8_t { fit, apply, assess, step, verify, prove, report };
std::string_view name_of(Verb verb);
std::optional<Verb> verb_named(std::string_view name);

// Row shape of apply: what may be cut.
enum class Rows : std::uint8_t {
  independent,  // anywhere
  grouped,      // rows with one value of the `group` role stay together
  whole,        // nowhere: selection, batches, transductive
};

// Reproducibility class (Law 1).
enum class Law : std::uint8_t { A, B, C };

// Findings of verify: what an independent check saw.
struct Findings {
  std::vector<Finding> findings;
  bool passed() const;  // no alarm among them
};

// Valid inputs with known truth, for the rig, documentation, benchmarks and fuzzing. `params` may differ from the defaults.
struct Example {
  Box inputs;
  Box params;  // of fit or assess; or the options of apply
  template <class I>
  static Example of(I inputs) { return {Box::of(std::move(inputs)), Box()}; }
  template <class I, class P>
  static Example of(I inputs, P params) { return {Box::of(std::move(inputs)), Box::of(std::move(params))}; }
};

// A finished merge is a model, or the state to pass over the rows once more.
template <class Model, class State>
using Finish = std::variant<Model, State>;

namespace detail {
template <class F> struct Signature;
template <class R, class... A> struct Signature<Result<R> (*)(A...)> { using result = R; };
template <auto F, class Expected> inline constexpr bool is = std::is_same_v<decltype(F), Expected>;

template <class F> struct Binary;  // Result<R>(Context&, const A&, const B&)
template <class R, class A, class B> struct Binary<Result<R> (*)(Context&, const A&, const B&)> { using r = R; using a = A; using b = B; };
template <class F> struct Ternary;
template <class R, class A, class B, class C> struct Ternary<Result<R> (*)(Context&, const A&, const B&, const C&)> { using r = R; using a = A; using b = B; using c = C; };
template <class F> struct StepOf;
template <class R, class M, class S, class E> struct StepOf<Result<R> (*)(Context&, const M&, S&, const E&)> { using r = R; using m = M; using s = S; using e = E; };
template <class F> struct StartOf;
template <class S, class P> struct StartOf<Result<S> (*)(Context&, const P&)> { using s = S; using p = P; };
template <class F> struct UpdateOf;
template <class S, class I> struct UpdateOf<Result<void> (*)(Context&, S&, const I&)> { using s = S; using i = I; };
template <class F> struct FinishOf;
template <class M, class S, class P> struct FinishOf<Result<std::variant<M, S>> (*)(Context&, S&&, const P&)> { using m = M; using s = S; using p = P; };
}  // namespace detail

struct Method {
  std::string_view id;

  struct Fit {
    const Type* inputs = nullptr;
    const Type* params = nullptr;
    const Type* model = nullptr;
    Law law = Law::A;
    Result<Box> (*call)(Context&, const void* inputs, const void* params) = nullptr;  // null when mergeable
  } fit_;

  // A mergeable fit: `start(params)`, `update(state, batch)`, `merge(state, state)`, `finish(state) -> Model or next pass`.
  // Batches begin at multiples of 4,096 rows. The state's size must not grow with rows.
  struct Merge {
    const Type* state = nullptr;
    Result<Box> (*start)(Context&, const void* params) = nullptr;
    Result<void> (*update)(Context&, void* state, const void* inputs) = nullptr;
    Result<void> (*merge)(Context&, void* state, void* other) = nullptr;
    struct Finished { Box model; Box next; };
    Result<Finished> (*finish)(Context&, void* state, const void* params) = nullptr;
  } merge_;

  struct Apply {
    const Type* model = nullptr;    // of fit; without a fit these are the parameters
    const Type* inputs = nullptr;
    const Type* options = nullptr;
    const Type* outputs = nullptr;
    Rows rows = Rows::independent;
    Result<Box> (*call)(Context&, const void* model, const void* inputs, const void* options) = nullptr;
  } apply_;

  struct Assess {
    const Type* inputs = nullptr;
    const Type* params = nullptr;
    Result<Report> (*call)(Context&, const void* inputs, const void* params) = nullptr;
  } assess_;

  struct Step {
    const Type* model = nullptr;
    const Type* state = nullptr;
    const Type* event = nullptr;
    const Type* row = nullptr;
    Result<Box> (*call)(Context&, const void* model, void* state, const void* event) = nullptr;
  } step_;

  struct Verify {
    const Type* inputs = nullptr;
    Result<Findings> (*call)(Context&, const void* inputs) = nullptr;
  } verify_;

  struct Certify {
    Result<Certificate> (*of_model)(const void* model) = nullptr;
    Result<Certificate> (*of_outputs)(const void* model, const void* outputs) = nullptr;
  } certify_;

  struct Draw {  // `plimsoll report`: a model, and what it scored
    const Type* inputs = nullptr;
    Result<Report> (*call)(Context&, const void* model, const void* inputs) = nullptr;
  } report_;

  Result<Evidence> (*prove_)(Context&, const Subject&, const ProveOptions&) = nullptr;
  Result<Example> (*example_)(Context&, Verb, std::uint64_t seed, std::int64_t rows) = nullptr;
  // Whether rows draw at random, each by its `id` role or else by its row number, which a cluster does not know. Null: never.
  struct Draws {
    bool (*of_fit)(const void* params) = nullptr;
    bool (*of_apply)(const void* model, const void* options) = nullptr;
  } draws_;
  // Rules across fields, called after each field is valid.
  const Type* checked_ = nullptr;
  Result<void> (*check_)(const void* params) = nullptr;
  int state_version_ = 1;

  bool has(Verb verb) const;
  bool mergeable() const { return merge_.start != nullptr; }

  // Result<Model> F(Context&, const Inputs&, const Params&)
  template <auto F>
  constexpr Method fit(Law law) const {
    using S = detail::Binary<decltype(F)>;
    Method m = *this;
    m.fit_ = {&type_of<typename S::a>, &type_of<typename S::b>, &type_of<typename S::r>, law,
              [](Context& c, const void* i, const void* p) -> Result<Box> {
                auto r = F(c, *static_cast<const typename S::a*>(i), *static_cast<const typename S::b*>(p));
                if (!r) return std::move(r).error();
                return Box::of(std::move(r).value());
              }};
    return m;
  }

  // Result<State> Start(Context&, const Params&); Result<void> Update(Context&, State&, const Inputs&);
  // Result<void> MergeStates(Context&, State&, const State&);  Result<Finish<Model, State>> End(Context&, State&&, const Params&)
  template <auto Start, auto Update, auto MergeStates, auto End>
  constexpr Method mergeable_fit(Law law) const {
    using P = typename detail::StartOf<decltype(Start)>::p;
    using S = typename detail::StartOf<decltype(Start)>::s;
    using I = typename detail::UpdateOf<decltype(Update)>::i;
    using M = typename detail::FinishOf<decltype(End)>::m;
    static_assert(detail::is<MergeStates, Result<void> (*)(Context&, S&, const S&)>);
    Method m = *this;
    m.fit_ = {&type_of<I>, &type_of<P>, &type_of<M>, law, nullptr};
    m.merge_ = {&type_of<S>,
                [](Context& c, const void* p) -> Result<Box> {
                  auto r = Start(c, *static_cast<const P*>(p));
                  if (!r) return std::move(r).error();
                  return Box::of(std::move(r).value());
                },
                [](Context& c, void* s, const void* i) -> Result<void> { return Update(c, *static_cast<S*>(s), *static_cast<const I*>(i)); },
                [](Context& c, void* s, void* o) -> Result<void> { return MergeStates(c, *static_cast<S*>(s), *static_cast<const S*>(o)); },
                [](Context& c, void* s, const void* p) -> Result<Merge::Finished> {
                  auto r = End(c, std::move(*static_cast<S*>(s)), *static_cast<const P*>(p));
                  if (!r) return std::move(r).error();
                  if (r.value().index() == 0) return Merge::Finished{Box::of(std::get<0>(std::move(r).value())), Box()};
                  return Merge::Finished{Box(), Box::of(std::get<1>(std::move(r).value()))};
                }};
    return m;
  }

  // Result<Outputs> F(Context&, const Model&, const Inputs&, const Options&)
  template <auto F>
  constexpr Method apply(Rows rows) const {
    using S = detail::Ternary<decltype(F)>;
    Method m = *this;
    m.apply_ = {&type_of<typename S::a>, &type_of<typename S::b>, &type_of<typename S::c>, &type_of<typename S::r>, rows,
                [](Context& c, const void* model, const void* i, const void* o) -> Result<Box> {
                  auto r = F(c, *static_cast<const typename S::a*>(model), *static_cast<const typename S::b*>(i), *static_cast<const typename S::c*>(o));
                  if (!r) return std::move(r).error();
                  return Box::of(std::move(r).value());
                }};
    return m;
  }

  // Result<Report> F(Context&, const Inputs&, const Params&)
  template <auto F>
  constexpr Method assess() const {
    using S = detail::Binary<decltype(F)>;
    static_assert(std::is_same_v<typename S::r, Report>);
    Method m = *this;
    m.assess_ = {&type_of<typename S::a>, &type_of<typename S::b>,
                 [](Context& c, const void* i, const void* p) { return F(c, *static_cast<const typename S::a*>(i), *static_cast<const typename S::b*>(p)); }};
    return m;
  }

  // Result<Row> F(Context&, const Model&, State&, const Event&)
  template <auto F>
  constexpr Method step() const {
    using S = detail::StepOf<decltype(F)>;
    Method m = *this;
    m.step_ = {&type_of<typename S::m>, &type_of<typename S::s>, &type_of<typename S::e>, &type_of<typename S::r>,
               [](Context& c, const void* model, void* state, const void* event) -> Result<Box> {
                 auto r = F(c, *static_cast<const typename S::m*>(model), *static_cast<typename S::s*>(state), *static_cast<const typename S::e*>(event));
                 if (!r) return std::move(r).error();
                 return Box::of(std::move(r).value());
               }};
    return m;
  }

  // Result<Findings> F(Context&, const Inputs&)
  template <auto F>
  constexpr Method verify() const {
    Method m = *this;
    m.verify_ = verify_of<F>(F);
    return m;
  }

  // Result<Certificate> F(const Model&)
  template <auto F>
  constexpr Method certify() const {
    Method m = *this;
    m.certify_.of_model = certify_of<F>(F);
    return m;
  }
  // Result<Certificate> F(const Model&, const Outputs&), where apply itself makes the promise
  template <auto F>
  constexpr Method certify_outputs() const {
    Method m = *this;
    m.certify_.of_outputs = certify_outputs_of<F>(F);
    return m;
  }

  // Result<Report> F(Context&, const Model&, const Inputs&)
  template <auto F>
  constexpr Method report() const {
    using S = detail::Binary<decltype(F)>;
    static_assert(std::is_same_v<typename S::r, Report>);
    Method m = *this;
    m.report_ = {&type_of<typename S::b>,
                 [](Context& c, const void* model, const void* i) { return F(c, *static_cast<const typename S::a*>(model), *static_cast<const typename S::b*>(i)); }};
    return m;
  }

  // Result<Evidence> F(Context&, const Subject&, const ProveOptions&)
  template <auto F>
  constexpr Method prove() const {
    Method m = *this;
    m.prove_ = F;
    return m;
  }
  // Result<Example> F(Context&, Verb, std::uint64_t seed, std::int64_t rows): required
  template <auto F>
  constexpr Method example() const {
    Method m = *this;
    m.example_ = F;
    return m;
  }
  // Result<void> F(const Params&)
  template <auto F>
  constexpr Method check() const {
    Method m = *this;
    set_check<F>(m, F);
    return m;
  }
  // bool F(const Params&): does a mergeable fit draw for each row?
  template <auto F>
  constexpr Method draws_in_fit() const {
    Method m = *this;
    m.draws_.of_fit = draws_of_fit<F>(F);
    return m;
  }
  // bool F(const Model&, const Options&): does apply draw for each row?
  template <auto F>
  constexpr Method draws_in_apply() const {
    Method m = *this;
    m.draws_.of_apply = draws_of_apply<F>(F);
    return m;
  }
  constexpr Method state_version(int version) const {
    Method m = *this;
    m.state_version_ = version;
    return m;
  }

 private:
  template <auto F, class I>
  static constexpr Verify verify_of(Result<Findings> (*)(Context&, const I&)) {
    return {&type_of<I>, [](Context& c, const void* i) { return F(c, *static_cast<const I*>(i)); }};
  }
  template <auto F, class M>
  static constexpr auto certify_of(Result<Certificate> (*)(const M&)) {
    return +[](const void* model) { return F(*static_cast<const M*>(model)); };
  }
  template <auto F, class M, class O>
  static constexpr auto certify_outputs_of(Result<Certificate> (*)(const M&, const O&)) {
    return +[](const void* model, const void* outputs) { return F(*static_cast<const M*>(model), *static_cast<const O*>(outputs)); };
  }
  template <auto F, class P>
  static constexpr auto draws_of_fit(bool (*)(const P&)) {
    return +[](const void* params) { return F(*static_cast<const P*>(params)); };
  }
  template <auto F, class M, class O>
  static constexpr auto draws_of_apply(bool (*)(const M&, const O&)) {
    return +[](const void* model, const void* options) { return F(*static_cast<const M*>(model), *static_cast<const O*>(options)); };
  }
  template <auto F, class P>
  static constexpr void set_check(Method& m, Result<void> (*)(const P&)) {
    m.checked_ = &type_of<P>;
    m.check_ = [](const void* params) { return F(*static_cast<const P*>(params)); };
  }
};

constexpr Method method(std::string_view id) {
  Method m;
  m.id = id;
  return m;
}

}  // namespace plimsoll
