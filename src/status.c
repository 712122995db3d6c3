/* SPDX-License-Identifier: MIT */
/* Statuses as texts, and one-line details for the caller. */
#include "optimizer.h"

#include <stdarg.h>
#include <stdio.h>

const char *adadelta_status_string(enum adadelta_status status)
{
    static const char *const texts[] = {
#define TEXT(name, text) [name] = text,
        ADADELTA_STATUS_LIST(TEXT)
#undef TEXT
    };
    const size_t count = sizeof texts / sizeof texts[0];
    return (size_t)status < count ? texts[status] : "not a status";
}

const char *adadelta_version_string(void)
{
    return ADADELTA_VERSION;
}

enum adadelta_status fail(struct adadelta_error *error, enum adadelta_status status, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        error->status = status;
        vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
        /* Names come from files: one with a line break or an escape sequence must not break the line or the terminal.
         */
        for (char *c = error->text; *c; c++)
            if ((unsigned char)*c < ' ' || *c == 0x7f)
                *c = '?';
    }
    return status;
}
