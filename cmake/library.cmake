# SPDX-License-Identifier: Apache-2.0
# libballast as users link it: the client room and all it needs in one archive and one shared
# object, with the public header and a pkg-config file.
include(GNUInstallDirs)

set(library_rooms client io value wire base)
set(library_sources "")
foreach(room ${library_rooms})
  get_target_property(room_sources ${room} SOURCES)
  list(APPEND library_sources ${room_sources})
endforeach()

foreach(kind STATIC SHARED)
  string(TOLOWER ballast_${kind} target)
  add_library(${target} ${kind} ${library_sources})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(${target} PRIVATE Threads::Threads PkgConfig::CRYPTO PkgConfig::ZLIB)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ballast VERSION ${PROJECT_VERSION}
                                             SOVERSION ${PROJECT_VERSION_MAJOR}
                                             C_VISIBILITY_PRESET hidden)
endforeach()

configure_file(${CMAKE_SOURCE_DIR}/cmake/ballast.pc.in ${CMAKE_BINARY_DIR}/ballast.pc @ONLY)
install(TARGETS ballastd ballast ballast_static ballast_shared)
install(FILES include/ballast/ballast.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ballast)
install(FILES ${CMAKE_BINARY_DIR}/ballast.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
