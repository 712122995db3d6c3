/* SPDX-License-Identifier: MIT */
/* Numbers as texts: the grammar is checked here; short ones are converted here as well, exactly, the others by
   strtod. */
#include "data/cell.h"

#include <float.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Powers of ten that a double holds exactly. */
static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { EXACT_POWER = 22 };

/* A number as written: digits * 10^exponent. */
struct decimal {
    uint64_t digits;
    long exponent;
    int negative;
    int exact; /* 0: digits or exponent did not fit */
};

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes up a row of digits; behind the point each lowers the exponent. Returns where the row ends. */
static const char *scan_digits(const char *text, struct decimal *decimal, int behind_point)
{
    for (; is_digit(*text); text++) {
        if (decimal->digits > (UINT64_MAX - 9) / 10)
            decimal->exact = 0;
        else
            decimal->digits = decimal->digits * 10 + (uint64_t)(*text - '0');
        decimal->exponent -= behind_point;
    }
    return text;
}

/* Takes up "e-12". Returns where it ends, or NULL where no digit follows the e. */
static const char *scan_exponent(const char *text, struct decimal *decimal)
{
    int negative = *++text == '-';
    long exponent = 0;
    text += *text == '-' || *text == '+';
    if (!is_digit(*text))
        return NULL;
    for (; is_digit(*text); text++) {
        if (exponent > 9999)
            decimal->exact = 0;
        else
            exponent = exponent * 10 + (*text - '0');
    }
    decimal->exponent += negative ? -exponent : exponent;
    return text;
}

/* 1 where all of text is a number by the grammar. */
static int scan(const char *text, struct decimal *decimal)
{
    *decimal = (struct decimal){.exact = 1, .negative = *text == '-'};
    text += *text == '-' || *text == '+';
    const char *first = text;
    text = scan_digits(text, decimal, 0);
    size_t digits = (size_t)(text - first);
    if (*text == '.') {
        first = text + 1;
        text = scan_digits(first, decimal, 1);
        digits += (size_t)(text - first);
    }
    if (digits > 0 && (*text == 'e' || *text == 'E'))
        text = scan_exponent(text, decimal);
    return digits > 0 && text && *text == '\0';
}

/* strtod reads the decimal point of the thread's locale: give it C's for the call. */
static double convert(const char *text)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0)
        return NAN; /* refused rather than misread */
    locale_t before = uselocale(plain);
    double value = strtod(text, NULL);
    uselocale(before);
    freelocale(plain);
    return value;
}

static int spells_not_finite(const char *text)
{
    static const char *const words[] = {"nan", "inf", "infinity"};
    text += *text == '-' || *text == '+';
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        if (strcasecmp(text, words[k]) == 0)
            return 1;
    }
    return 0;
}

enum cell_kind cell_number(const char *text, double *value)
{
    struct decimal decimal;
    if (*text == '\0')
        return CELL_EMPTY;
    if (!scan(text, &decimal))
        return spells_not_finite(text) ? CELL_NOT_FINITE : CELL_TEXT;
    /* Both operands are exact, so one rounding gives the nearest double (W. D. Clinger, PLDI 1990). */
    if (FLT_EVAL_METHOD == 0 && decimal.exact && decimal.digits <= UINT64_C(1) << DBL_MANT_DIG &&
        labs(decimal.exponent) <= EXACT_POWER) {
        double digits = decimal.negative ? -(double)decimal.digits : (double)decimal.digits;
        *value = decimal.exponent < 0 ? digits / powers[-decimal.exponent] : digits * powers[decimal.exponent];
        return CELL_NUMBER;
    }
    *value = convert(text);
    return isfinite(*value) ? CELL_NUMBER : CELL_NOT_FINITE;
}

const char *cell_shown(char out[SHOWN], const char *text)
{
    size_t size = strlen(text);
    if (size < SHOWN) {
        memcpy(out, text, size + 1);
        return out;
    }
    size = SHOWN - sizeof "...";
    while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80) /* inside a UTF-8 character */
        size--;
    memcpy(out, text, size);
    memcpy(out + size, "...", sizeof "...");
    return out;
}

const char *cell_list(char out[LISTED], const char *const *names, size_t count)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t k = 0; k < count; k++) {
        char name[SHOWN];
        if (k == LIST_NAMES) {
            snprintf(out + used, LISTED - used, ", ... (%zu in all)", count);
            break;
        }
        used += (size_t)snprintf(out + used, LISTED - used, "%s%s", k > 0 ? ", " : "", cell_shown(name, names[k]));
    }
    return out;
}

enum verdict blame_cell(struct trouble *trouble, const struct cell_place *place, enum cell_kind kind, const char *text,
                        const char *hint)
{
    char column[SHOWN], cell[SHOWN];
    cell_shown(column, place->column);
    if (kind == CELL_EMPTY)
        return blame(trouble, FAILED, "%s:%zu: column '%s': empty cell", place->path, place->line, column);
    return blame(trouble, FAILED, "%s:%zu: column '%s': '%s' is not %s%s", place->path, place->line, column,
                 cell_shown(cell, text), kind == CELL_NOT_FINITE ? "finite" : "a number", hint);
}

enum verdict check_utf8(const char *path, size_t line, const char *what, const char *text, struct trouble *trouble)
{
    char shown[SHOWN];
    json_t *valid = json_string(text); /* NULL where it is not UTF-8 */
    const int is_valid = valid != NULL;
    json_decref(valid);
    if (is_valid)
        return DONE;
    return blame(trouble, FAILED,
                 "%s:%zu: %s '%s' is not UTF-8: convert the file, for example by iconv -f latin1 -t utf-8", path, line,
                 what, cell_shown(shown, text));
}
