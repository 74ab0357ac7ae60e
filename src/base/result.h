// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>
#include <utility>
#include <variant>

#include "base/error.h"

namespace plimsoll {

// A value or an Error. `if (!r) return r.error();` or PLIMSOLL_TRY.
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    assert(ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    assert(ok());
    return std::get<0>(state_);
  }
  T&& value() && {
    assert(ok());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    assert(!ok());
    return std::get<1>(state_);
  }
  Error&& error() && {
    assert(!ok());
    return std::get<1>(std::move(state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& {
    assert(!ok());
    return *error_;
  }
  Error&& error() && {
    assert(!ok());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace plimsoll

#define PLIMSOLL_JOIN_(a, b) a##b
#define PLIMSOLL_JOIN(a, b) PLIMSOLL_JOIN_(a, b)

// PLIMSOLL_TRY(auto x, f()): returns the error of f() from the enclosing function, else declares x.
#define PLIMSOLL_TRY_(name, declaration, expression) \
  auto name = (expression);                          \
  if (!name.ok()) return std::move(name).error();    \
  declaration = std::move(name).value()
#define PLIMSOLL_TRY(declaration, ...) PLIMSOLL_TRY_(PLIMSOLL_JOIN(plimsoll_result_, __LINE__), declaration, (__VA_ARGS__))

// PLIMSOLL_CHECK(f()): returns the error of f() from the enclosing function; discards a value.
#define PLIMSOLL_CHECK(...)                                                                                     \
  do {                                                                                                          \
    if (auto plimsoll_check_ = (__VA_ARGS__); !plimsoll_check_.ok()) return std::move(plimsoll_check_).error(); \
  } while (false)
