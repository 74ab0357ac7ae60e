// SPDX-License-Identifier: Apache-2.0
#pragma once

// Libraries that are opened at run time, on first use, and never closed: threads and memory of their own outlive any scope of ours.

#include <functional>
#include <span>
#include <string>

namespace plimsoll {

void* function_of(void* handle, const char* name);  // null if the library has none of that name

template <class F>
bool find_function(void* handle, const char* name, F& function) {
  function = reinterpret_cast<F>(function_of(handle, name));
  return function != nullptr;
}

// Says in words what is wrong with an opened library, nothing if it serves.
using LibraryCheck = std::function<std::string(void* handle)>;

// Opens the first of `names` that serves. Returns an empty text then, else why none did. The copy that the Python package brings
// (a name that begins with "libplimsoll-": under its usual name a process might hold a user's own) may be absent without a word.
std::string open_first_library(std::span<const char* const> names, const LibraryCheck& check);

// The functions of a library, once opened.
template <class Functions>
struct OpenedLibrary {
  Functions functions;
  std::string why;  // it did not open; empty if it did
  bool ok() const { return why.empty(); }
};

// `find_all` fills the functions and says whether all were there; `release` names the release whose functions are wanted.
template <class Functions>
OpenedLibrary<Functions> open_library(std::span<const char* const> names, bool (*find_all)(void*, Functions&), const char* release) {
  OpenedLibrary<Functions> opened;
  opened.why = open_first_library(names, [&](void* handle) {
    return find_all(handle, opened.functions) ? std::string() : "it lacks functions of " + std::string(release);
  });
  return opened;
}

}  // namespace plimsoll
