# SPDX-License-Identifier: MIT
# Fails where the page does not have what the program prints.
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE printed RESULT_VARIABLE result)
file(READ ${PAGE} page)
string(FIND "${page}" "${printed}" place)
if(place EQUAL -1 OR result OR printed STREQUAL "")
  message(FATAL_ERROR "${PAGE} lacks this table:\n${printed}")
endif()
