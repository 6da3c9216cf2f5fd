// SPDX-License-Identifier: Apache-2.0
// `ballast ql`, also called aql: a line of text in, a table out.
#pragma once

// Runs the tool and returns its exit status: 0 once it was connected, whatever the statements came
// to; 255 when the options were wrong or no node could be reached.
int tool_ql_main(int argc, char **argv);
