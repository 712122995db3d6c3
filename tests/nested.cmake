# SPDX-License-Identifier: MIT
# Tests that build the project once more, in another way.

# The same bits on 64-bit ARM, where a cross compiler and an emulator are at hand.
find_program(AARCH64_CC aarch64-linux-gnu-gcc)
find_program(QEMU_AARCH64 NAMES qemu-aarch64 qemu-aarch64-static)
if(AARCH64_CC AND QEMU_AARCH64 AND NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  add_test(NAME bits_aarch64 COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/scripts/same-bits-aarch64 ${CMAKE_COMMAND}
    ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/aarch64 $<TARGET_FILE:bits> ${QEMU_AARCH64} -L /usr/aarch64-linux-gnu)
  set_tests_properties(bits_aarch64 PROPERTIES LABELS "bits;nested" TIMEOUT 600)
endif()

# The unit tests under AddressSanitizer and UndefinedBehaviorSanitizer, where the compiler has their libraries.
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_FLAGS -fsanitize=address,undefined)
check_c_source_compiles("int main(void) { return 0; }" HAVE_SANITIZERS)
unset(CMAKE_REQUIRED_FLAGS)
if(HAVE_SANITIZERS)
  add_test(NAME sanitizers COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/scripts/sanitizers ${CMAKE_COMMAND} ${CMAKE_CTEST_COMMAND}
    ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/sanitizers ${CMAKE_C_COMPILER} ${ADADELTA_TRAINER} ${ADADELTA_CHECKPOINT})
  set_tests_properties(sanitizers PROPERTIES LABELS nested TIMEOUT 900 COST 1000) # the longest: first
endif()
