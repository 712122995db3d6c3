# SPDX-License-Identifier: MIT
# What `cmake --install` gives: the header, both libraries, the program, and two ways to find them (pkg-config, find_package).
# The shared library asks nothing of those who link it; the static one needs what it was built with, so it is a file apart.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# What the static library needs of OpenMP, by name: -fopenmp would mean the library of whichever compiler gets the flag.
# GCC finds its own; others may lie apart.
set(openmp_link)
foreach(name IN LISTS OpenMP_C_LIB_NAMES)
  if(NOT name MATCHES "^(gomp|pthread)$")
    get_filename_component(folder ${OpenMP_${name}_LIBRARY} DIRECTORY)
    list(APPEND openmp_link -L${folder})
  endif()
  list(APPEND openmp_link -l${name})
endforeach()
target_link_libraries(adadelta_static INTERFACE "$<INSTALL_INTERFACE:${openmp_link}>")

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/adadelta)

install(FILES ${PROJECT_SOURCE_DIR}/include/adadelta.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
foreach(kind static shared)
  install(TARGETS adadelta_${kind} EXPORT adadelta_${kind}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT adadelta_${kind} NAMESPACE adadelta:: DESTINATION ${package_dir} FILE adadelta-${kind}.cmake)
endforeach()
if(ADADELTA_TRAINER)
  install(TARGETS adadelta_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  # Seen from the program's folder, where cli/peer.c looks for it.
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/bench DESTINATION ${CMAKE_INSTALL_BINDIR}/../share/adadelta
    PATTERN __pycache__ EXCLUDE PATTERN lowbit EXCLUDE PATTERN memory EXCLUDE PATTERN rounded EXCLUDE
    PATTERN CMakeLists.txt EXCLUDE)
endif()

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/adadelta-config.cmake.in
  ${PROJECT_BINARY_DIR}/package/adadelta-config.cmake INSTALL_DESTINATION ${package_dir})
# Below 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/adadelta-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/adadelta-config.cmake
              ${PROJECT_BINARY_DIR}/package/adadelta-config-version.cmake DESTINATION ${package_dir})

# The .pc file finds its prefix from where it lies, so that an installed tree may be moved, and `--prefix` given late.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(pc_prefix ${CMAKE_INSTALL_PREFIX})
  set(pc_libdir ${CMAKE_INSTALL_FULL_LIBDIR})
  set(pc_includedir ${CMAKE_INSTALL_FULL_INCLUDEDIR})
else()
  file(RELATIVE_PATH pc_up /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
  string(REGEX REPLACE "/$" "" pc_up "${pc_up}")
  set(pc_prefix "\${pcfiledir}/${pc_up}")
  set(pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
list(JOIN openmp_link " " pc_openmp)
if(ADADELTA_CHECKPOINT)
  set(pc_requires jansson)
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/adadelta.pc.in ${PROJECT_BINARY_DIR}/package/adadelta.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/adadelta.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
