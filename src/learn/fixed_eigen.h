// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Core>
#include <mutex>

namespace plimsoll::learn {

// Eigen cuts products by the cache sizes it finds; fixed numbers keep the order of additions the same everywhere.
inline void fix_eigen() {
  static std::once_flag once;
  std::call_once(once, [] { Eigen::setCpuCacheSizes(32 * 1024, 512 * 1024, 4 * 1024 * 1024); });
}

}  // namespace plimsoll::learn
