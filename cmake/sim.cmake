# SPDX-License-Identifier: Apache-2.0
# The simulator: whole clusters in virtual time, of the same objects that the daemon is made of.
file(GLOB sim_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sim/*.c)
add_executable(ballast_sim ${sim_sources})
target_include_directories(ballast_sim PRIVATE ${CMAKE_SOURCE_DIR}/sim)
target_link_libraries(ballast_sim PRIVATE cluster core store base ${HEAP})
