// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace plimsoll {

// Memory for plain values that are written before they are read: resize() writes no zeros, and large blocks ask for large pages,
// which makes their first touch cheaper and scattered writes faster.
template <class T>
class ScratchAllocator {
 public:
  using value_type = T;
  ScratchAllocator() = default;
  template <class U>
  ScratchAllocator(const ScratchAllocator<U>&) {}

  T* allocate(std::size_t n) {
    if (n > std::numeric_limits<std::size_t>::max() / 2 / sizeof(T)) throw std::bad_alloc();
    const std::size_t bytes = n * sizeof(T);
    const bool large = bytes >= 2 * page;
    const std::size_t unit = large ? page : 64;
    void* const room = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
    if (room == nullptr) throw std::bad_alloc();
#if defined(__linux__)
    if (large) madvise(room, bytes, MADV_HUGEPAGE);  // a wish: without large pages it is the same memory
#endif
    return static_cast<T*>(room);
  }
  void deallocate(T* room, std::size_t) { std::free(room); }

  template <class U>
  void construct(U* at) {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Values>
  void construct(U* at, Values&&... values) {
    ::new (static_cast<void*>(at)) U(std::forward<Values>(values)...);
  }
  bool operator==(const ScratchAllocator&) const { return true; }

 private:
  static constexpr std::size_t page = std::size_t{1} << 21;
};

template <class T>
using Scratch = std::vector<T, ScratchAllocator<T>>;

}  // namespace plimsoll
