# SPDX-License-Identifier: Apache-2.0
# The yardstick: a load generator that speaks three protocols, a server that does nothing, and the
# store without sockets.
add_executable(bench_load bench/main.c bench/load.c bench/start.c bench/scan.c bench/common.c
               bench/dialect.c test/lib/request.c)
target_include_directories(bench_load PRIVATE bench test)
target_link_libraries(bench_load PRIVATE wire base PkgConfig::ZLIB)
add_executable(bench_null bench/null.c)
target_link_libraries(bench_null PRIVATE wire base Threads::Threads)
add_executable(bench_store bench/store.c)
target_link_libraries(bench_store PRIVATE store ${HEAP})
