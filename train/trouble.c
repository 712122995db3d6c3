/* SPDX-License-Identifier: MIT */
/* One line of what went wrong, safe to print on a terminal whatever the file or its name held. */
#include "trouble.h"

#include <stdarg.h>
#include <stdio.h>

/* Names and cells come from files: a newline would break the promise of one line, an escape would act on the
   terminal. */
void calm(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
    }
}

enum verdict blame(struct trouble *trouble, enum verdict verdict, const char *format, ...)
{
    if (trouble) {
        va_list arguments;
        va_start(arguments, format);
        if (vsnprintf(trouble->text, sizeof trouble->text, format, arguments) < 0)
            trouble->text[0] = '\0';
        va_end(arguments);
        calm(trouble->text);
    }
    return verdict;
}

enum verdict blame_memory(struct trouble *trouble)
{
    return blame(trouble, FAILED, "out of memory");
}
