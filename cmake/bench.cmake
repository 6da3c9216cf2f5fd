# SPDX-License-Identifier: Apache-2.0
# The yardstick: a load generator that speaks three protocols, and a server that does nothing.
add_executable(bench_load bench/load.c bench/dialect.c test/lib/request.c)
target_include_directories(bench_load PRIVATE bench test)
target_link_libraries(bench_load PRIVATE wire base PkgConfig::ZLIB)
add_executable(bench_null bench/null.c)
target_link_libraries(bench_null PRIVATE wire base Threads::Threads)
