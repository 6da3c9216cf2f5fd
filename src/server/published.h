// SPDX-License-Identifier: Apache-2.0
// The addresses a node tells its clients: what is configured as access address, else what the
// service port is bound to (info-and-tools section 2.3). Any thread may call.
#pragma once

#include "server/node.h"

enum { PUBLISHED_TEXT_SIZE = 8192 };

// Writes "10.0.0.2:3000,[fd00::2]:3000" with `separator` between; "" when there is nothing to
// publish. `alternate`: the second list, empty when none is configured.
void published_addresses(const struct node *node, bool alternate, char separator,
                         char out[PUBLISHED_TEXT_SIZE]);
