/* SPDX-License-Identifier: MIT */
/* See report.h. */
#include "report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum verdict report_json(FILE *out, json_t *object, struct trouble *trouble)
{
    char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(object);
    if (!line)
        return blame_memory(trouble);
    /* Each line goes out at once: a reader at the other end of a pipe sees an epoch when it ends. */
    int failed = fprintf(out, "%s\n", line) < 0 || fflush(out);
    free(line);
    return failed ? blame(trouble, FAILED, "cannot write to standard output") : DONE;
}

json_t *report_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *report_seed(uint64_t seed)
{
    char text[NUMBER_SIZE];
    snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    return seed <= INT64_MAX ? json_integer((json_int_t)seed) : json_string(text);
}

json_t *report_text(const char *text)
{
    json_t *value = json_string(text);
    return value ? value : json_null();
}

void report_losses(json_t *object, const struct fit_progress *progress)
{
    json_object_set_new(object, "train_loss", report_number(progress->train_loss));
    if (!progress->has_test)
        return;
    json_object_set_new(object, "test_loss", report_number(progress->test_loss));
    if (!isnan(progress->test_error))
        json_object_set_new(object, "test_error", report_number(progress->test_error));
}

const char *format_count(char *text, size_t count)
{
    char digits[NUMBER_SIZE];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%zu", count), out = 0;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[out++] = ',';
        text[out++] = digits[i];
    }
    text[out] = '\0';
    return text;
}

const char *format_percent(char *text, double fraction)
{
    snprintf(text, NUMBER_SIZE, "%.2f %%", 100 * fraction);
    return text;
}

void remark(int quiet, const char *format, ...)
{
    va_list list;
    if (quiet)
        return;
    char text[1024];
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    calm(text);
    fprintf(stderr, "%s\n", text);
}
