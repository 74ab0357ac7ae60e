// SPDX-License-Identifier: Apache-2.0
#pragma once

// One description of a struct serves every reader: validation, flags, JSON Schema, stubs, web forms, docs and artifacts are
// each one class that walks Fields. A `describe(Fields&, T&)` is compiled once and never instantiates JSON or CLI code.
//
//   struct Params { double alpha = 0.1; Score score = Score::lac; };
//   void describe(Fields& f, Params& p) {
//     f({"alpha", "miscoverage", between(0, 1)}, p.alpha);
//     f({"score", "class score"}, p.score);              // an enum with choices_of(Score) found by ADL
//   }

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "engine/ports.h"

namespace plimsoll {

// What a number must satisfy. Bounds are open or closed; the default accepts every finite number.
struct Constraint {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;
  bool high_open = false;
  bool may_be_infinite = false;
};
constexpr Constraint between(double low, double high) { return {low, high, true, true, false}; }        // open: (low, high)
constexpr Constraint within(double low, double high) { return {low, high, false, false, false}; }       // closed: [low, high]
constexpr Constraint at_least(double low) { return {low, std::numeric_limits<double>::infinity(), false, false, false}; }
constexpr Constraint above(double low) { return {low, std::numeric_limits<double>::infinity(), true, false, false}; }
constexpr Constraint any_real() { return {-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(), false, false, true}; }

struct FieldInfo {
  std::string_view name;
  std::string_view help;
  Constraint constraint{};
  bool required = false;      // no default: must be given
  std::string_view was = {};  // earlier name, still read with a warning for one minor release
};

// A dense array of one element type, row-major. The type of buffers of an artifact.
enum class ElementType : std::uint8_t { f64, f32, i64, i32, u8 };
struct TensorView {
  ElementType type = ElementType::f64;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

class Fields {
 public:
  virtual ~Fields() = default;

  // The closed set of kinds.
  virtual void number(const FieldInfo& info, double& value) = 0;
  virtual void integer(const FieldInfo& info, std::int64_t& value) = 0;
  virtual void flag(const FieldInfo& info, bool& value) = 0;
  virtual void text(const FieldInfo& info, std::string& value) = 0;
  virtual void choice(const FieldInfo& info, int& value, std::span<const std::string_view> choices) = 0;
  virtual void numbers(const FieldInfo& info, std::vector<double>& value) = 0;
  virtual void integers(const FieldInfo& info, std::vector<std::int64_t>& value) = 0;
  virtual void texts(const FieldInfo& info, std::vector<std::string>& value) = 0;
  virtual void text_map(const FieldInfo& info, std::map<std::string, std::string>& value) = 0;
  // Tensors and blobs live in the artifact's buffers, not in its JSON. Element by type; shape is the vector's length.
  virtual void tensor(const FieldInfo& info, std::vector<double>& value) = 0;
  virtual void tensor(const FieldInfo& info, std::vector<float>& value) = 0;
  virtual void tensor(const FieldInfo& info, std::vector<std::int64_t>& value) = 0;
  virtual void tensor(const FieldInfo& info, std::vector<std::int32_t>& value) = 0;
  virtual void blob(const FieldInfo& info, std::string& value) = 0;
  // A nested struct: `body` describes it into the same walk.
  struct Body {
    void* object;
    void (*describe)(Fields&, void*);
  };
  virtual void nested(const FieldInfo& info, Body body) = 0;
  // A list of structs.
  struct ListBody {
    void* list;
    std::size_t (*size)(const void*);
    void (*resize)(void*, std::size_t);
    Body (*at)(void*, std::size_t);
  };
  virtual void list(const FieldInfo& info, ListBody body) = 0;
  // A struct that may be absent.
  struct OptionalBody {
    void* object;
    bool (*has)(const void*);
    void (*set)(void*, bool);
    Body (*get)(void*);
  };
  virtual void optional(const FieldInfo& info, OptionalBody body) = 0;
  virtual void port(const PortInfo& info, PortSlot slot) = 0;

  // Sugar: one call for every kind.
  void operator()(const FieldInfo& info, double& value) { number(info, value); }
  void operator()(const FieldInfo& info, std::int64_t& value) { integer(info, value); }
  void operator()(const FieldInfo& info, bool& value) { flag(info, value); }
  void operator()(const FieldInfo& info, std::string& value) { text(info, value); }
  void operator()(const FieldInfo& info, std::vector<double>& value) { numbers(info, value); }
  void operator()(const FieldInfo& info, std::vector<std::int64_t>& value) { integers(info, value); }
  void operator()(const FieldInfo& info, std::vector<std::string>& value) { texts(info, value); }
  void operator()(const FieldInfo& info, std::map<std::string, std::string>& value) { text_map(info, value); }

  template <class E>
    requires std::is_enum_v<E>
  void operator()(const FieldInfo& info, E& value) {
    int index = static_cast<int>(value);
    choice(info, index, choices_of(value));
    value = static_cast<E>(index);
  }

  template <class T>
    requires(std::is_class_v<T> && !is_port<T>)
  void operator()(const FieldInfo& info, T& value) {
    nested(info, body_of(value));
  }

  template <class T>
    requires std::is_class_v<T> && (!std::is_same_v<T, std::string>)
  void operator()(const FieldInfo& info, std::vector<T>& value) {
    list(info, {&value, [](const void* l) { return static_cast<const std::vector<T>*>(l)->size(); },
                [](void* l, std::size_t n) { static_cast<std::vector<T>*>(l)->resize(n); },
                [](void* l, std::size_t i) { return body_of((*static_cast<std::vector<T>*>(l))[i]); }});
  }

  template <class T>
    requires(std::is_class_v<T> && !is_port<T>)
  void operator()(const FieldInfo& info, std::optional<T>& value) {
    optional(info, {&value, [](const void* o) { return static_cast<const std::optional<T>*>(o)->has_value(); },
                    [](void* o, bool on) {
                      auto& target = *static_cast<std::optional<T>*>(o);
                      if (on) target.emplace(); else target.reset();
                    },
                    [](void* o) { return body_of(**static_cast<std::optional<T>*>(o)); }});
  }

  // Ports: `f({"data", "past cases"}, inputs.data)`.
  template <class P>
    requires is_port<P>
  void operator()(const PortInfo& info, P& value) { port(info, slot_of(value)); }

  template <class T>
  static Body body_of(T& value) {
    return {&value, [](Fields& f, void* object) { describe(f, *static_cast<T*>(object)); }};
  }
};

}  // namespace plimsoll
