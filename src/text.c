/* SPDX-License-Identifier: MIT */
/* The little that the library does with texts. */
#include "optimizer.h"

/* The number of bytes behind a lead byte, or -1 where a sequence cannot begin so. */
static int tail_length(unsigned char lead)
{
    if (lead < 0x80)
        return 0;
    if (lead < 0xc0 || lead > 0xf7)
        return -1;
    return lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
}

/* RFC 3629: the shortest form only, no surrogates, nothing above U+10FFFF. */
int is_utf8(const char *text)
{
    static const unsigned long lowest[] = {0, 0x80, 0x800, 0x10000};
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        const int tail = tail_length(*p);
        if (tail < 0)
            return 0;
        unsigned long code = tail ? *p & (0x3f >> tail) : *p;
        p++;
        for (int k = 0; k < tail; k++, p++) {
            if ((*p & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (*p & 0x3f);
        }
        if (code < lowest[tail] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return 0;
    }
    return 1;
}
