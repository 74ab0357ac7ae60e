// SPDX-License-Identifier: Apache-2.0
#pragma once

// The one place of the version: CMake reads it here.
#define PLIMSOLL_VERSION_MAJOR 0
#define PLIMSOLL_VERSION_MINOR 1
#define PLIMSOLL_VERSION_PATCH 0
#define PLIMSOLL_VERSION "0.1.0"
