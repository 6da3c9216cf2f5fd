// SPDX-License-Identifier: Apache-2.0
// Asserts that stay on in production. A failed assert is a bug in Ballast, never bad input: it
// prints one line and ends the process through the panic hook, so that a node stops before it can
// spread wrong data. Any thread may call.
#pragma once

#include <stdbool.h>

// Called once with the place and the broken fact. Must not return; when it does, the process
// aborts.
typedef void (*base_panic_fn)(const char *file, int line, const char *fact);

// Replaces the default hook, which writes to stderr. Call before threads start.
void base_panic_hook_set(base_panic_fn hook);

_Noreturn void base_panic(const char *file, int line, const char *fact);

#define base_assert(fact)                                                                          \
    ((void)(__builtin_expect(!!(fact), 1) || (base_panic(__FILE__, __LINE__, #fact), 0)))

// Whole-structure checks: on in tests and simulation, off in production builds.
#ifdef BALLAST_ASSERT_SLOW
#define base_assert_slow(fact) base_assert(fact)
#else
#define base_assert_slow(fact) ((void)sizeof(fact))
#endif

// Magic number first in every long-lived struct; checked wherever a void pointer becomes one.
#define base_magic_check(object, value) base_assert((object) != NULL && (object)->magic == (value))

#define BASE_MUST_USE __attribute__((warn_unused_result))
#define BASE_PRINTF(format_index, first_index)                                                     \
    __attribute__((format(printf, format_index, first_index)))
