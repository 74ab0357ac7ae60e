// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

namespace plimsoll {

class Fields;

// What the engine knows of a described struct: how to make, copy, destroy and describe one. Compared by address.
struct Type {
  void* (*make)();
  void* (*copy)(const void*);
  void (*destroy)(void*);
  void (*describe)(Fields&, void*);
};

struct Empty {};
inline void describe(Fields&, Empty&) {}

template <class T>
inline constexpr Type type_of = {
    []() -> void* { return new T(); },
    [](const void* other) -> void* { return new T(*static_cast<const T*>(other)); },
    [](void* object) { delete static_cast<T*>(object); },
    [](Fields& f, void* object) { describe(f, *static_cast<T*>(object)); },
};

// An owned described struct of a type known at run time.
class Box {
 public:
  Box() = default;
  explicit Box(const Type& type) : type_(&type), object_(type.make()) {}
  template <class T>
  static Box of(T value) {
    Box box;
    box.type_ = &type_of<T>;
    box.object_ = new T(std::move(value));
    return box;
  }
  static Box copy_of(const Type& type, const void* object) {
    Box box;
    box.type_ = &type;
    box.object_ = type.copy(object);
    return box;
  }
  Box(const Box& other) : type_(other.type_), object_(other.object_ ? other.type_->copy(other.object_) : nullptr) {}
  Box(Box&& other) noexcept : type_(std::exchange(other.type_, nullptr)), object_(std::exchange(other.object_, nullptr)) {}
  Box& operator=(Box other) noexcept {
    std::swap(type_, other.type_);
    std::swap(object_, other.object_);
    return *this;
  }
  ~Box() {
    if (object_) type_->destroy(object_);
  }

  explicit operator bool() const { return object_ != nullptr; }
  const Type* type() const { return type_; }
  void* get() { return object_; }
  const void* get() const { return object_; }
  void describe(Fields& f) { type_->describe(f, object_); }
  template <class T>
  const T& as() const { return *static_cast<const T*>(object_); }
  template <class T>
  T& as() { return *static_cast<T*>(object_); }

 private:
  const Type* type_ = nullptr;
  void* object_ = nullptr;
};

}  // namespace plimsoll
