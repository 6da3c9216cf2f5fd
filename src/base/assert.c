// SPDX-License-Identifier: Apache-2.0
// The panic hook is the one way out of a broken invariant. It is the only state in this room and is
// set once, before threads start.
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

static void panic_to_stderr(const char *file, int line, const char *fact)
{
    fprintf(stderr, "PANIC %s:%d: broken invariant: %s\n", file, line, fact);
}

static base_panic_fn panic_hook = panic_to_stderr;

void base_panic_hook_set(base_panic_fn hook)
{
    panic_hook = hook;
}

_Noreturn void base_panic(const char *file, int line, const char *fact)
{
    panic_hook(file, line, fact);
    abort();
}
