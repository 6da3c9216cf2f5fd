// SPDX-License-Identifier: Apache-2.0
// The tools of the program `ballast`. Each gets its own command line, argv[0] being a name that
// nobody looks at, and returns the exit code.
#pragma once

int tool_info_main(int argc, char **argv);
int tool_health_main(int argc, char **argv);
int tool_bench_main(int argc, char **argv);
int tool_ql_main(int argc, char **argv);
int tool_admin_main(int argc, char **argv);
