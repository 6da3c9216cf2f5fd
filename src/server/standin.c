// SPDX-License-Identifier: Apache-2.0
// Stands in for info while its files are being built.
#include "server/standin.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#pragma GCC diagnostic ignored "-Wunused-parameter"
void info_answer(struct worker *w, struct connection *c, struct base_slice body)
{
    char map[685];
    memset(map, '/', 682);
    memcpy(map + 682, "8=", 3);
    char buf[8192];
    const uint8_t *p = body.data, *e = p + body.size;
    size_t o = 0;
    while (p < e) {
        const uint8_t *n = memchr(p, '\n', e - p);
        if (!n)
            n = e;
        int l = n - p;
        const char *v = "ok";
        char t[2048];
        if (l == 4 && !memcmp(p, "node", 4))
            v = w->node->id;
        else if (l == 5 && !memcmp(p, "build", 5))
            v = "8.1.2.0";
        else if (memmem(p, l, "generation", 10))
            v = "1";
        else if (memmem(p, l, "peers", 5))
            v = "1,3000,[]";
        else if (l == 8 && !memcmp(p, "replicas", 8)) {
            snprintf(t, sizeof t, "test:0,1,%s", map);
            v = t;
        } else if (memmem(p, l, "service", 7))
            v = "";
        o += snprintf(buf + o, sizeof buf - o, "%.*s\t%s\n", l, (const char *)p, v);
        p = n + 1;
    }
    output_put(&w->output, buf, o);
}
void info_answer_line(struct worker *w, struct connection *c, struct base_slice line) {}
