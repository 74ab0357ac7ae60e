# SPDX-License-Identifier: Apache-2.0
# cpack -G DEB (or TGZ) in a release build folder: the program, the library, the
# headers, and the Arrow and XGBoost libraries they were built with.
set(CPACK_PACKAGE_NAME plimsoll)
set(CPACK_PACKAGE_VENDOR plimsoll)
set(CPACK_PACKAGE_CONTACT "the plimsoll project")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Estimates risk, guarantees how far it can be trusted, acts on it, accounts for it")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_GENERATOR DEB)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
# Debian's libraries that ours are linked to; what lies in lib/plimsoll comes along.
set(CPACK_DEBIAN_PACKAGE_DEPENDS
    "libc6 (>= 2.36), libstdc++6 (>= 12), libgcc-s1, libtbb12, libssl3, libyaml-cpp0.7, libtomlplusplus3, libsimdjson14, libutf8proc2, libre2-9, libsqlite3-0, libseccomp2, zlib1g")
include(CPack)
