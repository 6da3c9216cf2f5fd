// SPDX-License-Identifier: Apache-2.0
// Command lines: every way to write an option, and what a mistake says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/args.h"

struct settings {
    const char *host;
    uint16_t port;
    uint64_t count;
    bool all, long_form;
};

static const struct tools_option options[] = {
    {.kind = TOOLS_OPTION_HEADING, .help = "Heading:"},
    {.kind = TOOLS_OPTION_TEXT,
     .letter = 'h',
     .name = "host",
     .value = "HOST",
     .offset = offsetof(struct settings, host),
     .help = "where"},
    {.kind = TOOLS_OPTION_U16,
     .letter = 'p',
     .name = "port",
     .value = "PORT",
     .offset = offsetof(struct settings, port),
     .min = 1,
     .help = "two\nlines"},
    {.kind = TOOLS_OPTION_U64,
     .name = "count",
     .value = "COUNT",
     .offset = offsetof(struct settings, count),
     .max = 100,
     .help = "how many"},
    {.kind = TOOLS_OPTION_FLAG,
     .letter = 'a',
     .name = "all",
     .offset = offsetof(struct settings, all),
     .help = "all"},
    {.kind = TOOLS_OPTION_FLAG, .letter = 'l', .offset = offsetof(struct settings, long_form)},
    {.kind = TOOLS_OPTION_REFUSED, .letter = 'U', .name = "user", .help = "no users here"},
    {.kind = TOOLS_OPTION_HELP, .name = "help", .help = "print this"},
};

static const struct tools_args args = {
    .program = "ballast try",
    .usage = "[-h HOST] WORD",
    .about = "Tries.",
    .closing = "The end.",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .words_max = 1,
};

// Reads a command line whose words are separated by blanks; what is printed comes back in `said`.
static enum tools_args_outcome read_line(const char *line, struct settings *settings,
                                         const char **word, char said[4096])
{
    static char copy[256];
    static char name[] = "try";
    char *argv[16] = {name};
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *at = strtok(copy, " "); at != NULL; at = strtok(NULL, " ")) {
        argv[argc++] = at;
    }
    *settings = (struct settings){.host = "here", .port = 3000};
    uint32_t words = 0;
    *word = NULL;
    fflush(NULL);
    int out = dup(1), err = dup(2);
    FILE *file = tmpfile();
    dup2(fileno(file), 1);
    dup2(fileno(file), 2);
    enum tools_args_outcome outcome = tools_args_read(&args, argc, argv, settings, word, &words);
    fflush(NULL);
    dup2(out, 1);
    dup2(err, 2);
    close(out);
    close(err);
    rewind(file);
    said[fread(said, 1, 4095, file)] = '\0';
    fclose(file);
    return outcome;
}

static void options_may_be_written_in_many_ways(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "-h there -p 4000 -a -l word",       "--host there --port 4000 --all -l word",
        "--host=there --port=4000 -al word", "-hthere -p4000 -la word",
        "word -la -p 4000 -h there",         "-alp 4000 --host=there -- word",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct settings settings;
        const char *word;
        char said[4096];
        assert_int_equal(read_line(lines[i], &settings, &word, said), TOOLS_ARGS_OK);
        assert_string_equal(settings.host, "there");
        assert_int_equal(settings.port, 4000);
        assert_true(settings.all && settings.long_form);
        assert_string_equal(word, "word");
        assert_string_equal(said, "");
    }
}

static void mistakes_name_the_option_and_the_mend(void **state)
{
    (void)state;
    static const struct {
        const char *line, *said;
    } cases[] = {
        {"--hots x", "ballast try: there is no option --hots; did you mean --host?\n"},
        {"--prot=1", "ballast try: there is no option --prot; did you mean --port?\n"},
        {"--zzz", "ballast try: there is no option --zzz\n"},
        {"-x", "ballast try: there is no option -x\n"},
        {"-p", "ballast try: -p, --port PORT: a value is missing behind it\n"},
        {"-p abc", "ballast try: -p, --port PORT: 'abc' is not a whole number from 1 to 65535\n"},
        {"-p 0", "ballast try: -p, --port PORT: '0' is not a whole number from 1 to 65535\n"},
        {"-p 65536",
         "ballast try: -p, --port PORT: '65536' is not a whole number from 1 to "
         "65535\n"},
        {"--count -1", "ballast try: --count COUNT: '-1' is not a whole number from 0 to 100\n"},
        {"--count 101", "ballast try: --count COUNT: '101' is not a whole number from 0 to 100\n"},
        {"--all=yes", "ballast try: --all takes no value; leave out '=yes'\n"},
        {"-U admin", "ballast try: -U, --user: no users here\n"},
        {"--user=admin", "ballast try: -U, --user: no users here\n"},
        {"one two", "ballast try: 'two' is not expected here\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings;
        const char *word;
        char said[4096], expected[512];
        assert_int_equal(read_line(cases[i].line, &settings, &word, said), TOOLS_ARGS_MISTAKE);
        snprintf(expected, sizeof expected, "%sTry 'ballast try --help'.\n", cases[i].said);
        assert_string_equal(said, expected);
    }
}

static void help_shows_every_option_that_has_a_sentence(void **state)
{
    (void)state;
    struct settings settings;
    const char *word;
    char said[4096];
    assert_int_equal(read_line("--help", &settings, &word, said), TOOLS_ARGS_DONE);
    assert_string_equal(said,
                        "Usage: ballast try [-h HOST] WORD\n"
                        "\n"
                        "Tries.\n"
                        "\n"
                        "Heading:\n"
                        "  -h, --host HOST             where\n"
                        "  -p, --port PORT             two\n"
                        "                              lines\n"
                        "      --count COUNT           how many\n"
                        "  -a, --all                   all\n"
                        "      --help                  print this\n"
                        "\n"
                        "The end.\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_may_be_written_in_many_ways),
        cmocka_unit_test(mistakes_name_the_option_and_the_mend),
        cmocka_unit_test(help_shows_every_option_that_has_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
