// SPDX-License-Identifier: Apache-2.0
// Any bytes as a configuration file: loaded, finished, printed, and the print loaded again.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config_diag diag;
    memset(&diag, 0, sizeof diag);
    struct config *config;
    struct base_slice text = {data, size};
    if (size > CONFIG_FILE_SIZE || config_new(&config) != RESULT_OK) {
        return 0;
    }
    enum base_result result = config_text_load(config, "fuzz.conf", text, &diag);
    base_assert((result == RESULT_OK) == (diag.error_count == 0));
    if (result == RESULT_OK && config_finish(config, 0, &diag) == RESULT_OK) {
        char *print = NULL;
        size_t print_size = 0;
        FILE *to = open_memstream(&print, &print_size);
        config_print(config, to);
        fclose(to);
        struct config *again;
        if (config_new(&again) == RESULT_OK) {
            text = (struct base_slice){(const uint8_t *)print, print_size};
            result = config_text_load(again, "printed.conf", text, &diag);
            base_assert(result == RESULT_OK);
            config_free(&again);
        }
        free(print);
    }
    config_free(&config);
    return 0;
}
