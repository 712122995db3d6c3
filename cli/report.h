/* SPDX-License-Identifier: MIT */
/* What the program says: JSON lines for programs, numbers and units for people. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <jansson.h>
#include <stddef.h>

#include "fit.h"

enum { NUMBER_SIZE = 32 };

/* Prints an object as one line on out and gives it up. NULL, from a json function that failed, is out of memory. */
enum verdict report_json(FILE *out, json_t *object, struct trouble *trouble);

/* A number that reads back with the same bits; null for NaN and infinity, which JSON does not have. */
json_t *report_number(double value);

/* A seed, as a text where it is larger than JSON's whole numbers are sure to be. */
json_t *report_seed(uint64_t seed);

/* A text; null where its bytes are not UTF-8. */
json_t *report_text(const char *text);

/* Adds train_loss, and test_loss and test_error where there are such. */
void report_losses(json_t *object, const struct fit_progress *progress);

/* "1,797": text [NUMBER_SIZE] is returned. */
const char *format_count(char *text, size_t count);

/* "2.34 %", from a fraction: text [NUMBER_SIZE] is returned. */
const char *format_percent(char *text, double fraction);

/* A remark for people on standard error, one line; nothing where quiet. */
void remark(int quiet, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
