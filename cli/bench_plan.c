/* SPDX-License-Identifier: MIT */
/* See bench_plan.h. */
#include "bench_plan.h"

#include <stdio.h>
#include <string.h>

static const char *const extra_names[] = {
#define EXTRA_NAME(name, text) [name] = text,
    BENCH_EXTRA_LIST(EXTRA_NAME)
#undef EXTRA_NAME
};

const char bench_extra_names[] = "look, norm, clip, scale, decay, average, polyak, measure, rows";

static const char *const weights_names[] = {
    [ADADELTA_WEIGHTS_MASTER] = "master",
    [ADADELTA_WEIGHTS_SPLIT] = "split",
    [ADADELTA_WEIGHTS_STOCHASTIC] = "stochastic",
    [ADADELTA_WEIGHTS_NEAREST] = "nearest",
};

static const size_t paper_ends[PAPER_TENSORS + 1] = {0, 392000, 392500, 542500, 542800, 545800, PAPER_ELEMENTS};

int bench_has(const struct bench_plan *plan, enum bench_extra extra)
{
    return plan->extras >> extra & 1;
}

const char *bench_extras_text(const struct bench_plan *plan, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s", plan->extras ? "" : "plain");
    for (int i = 0; i < EXTRA_COUNT && used < size; i++) {
        if (bench_has(plan, (enum bench_extra)i))
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? "+" : "", extra_names[i]);
    }
    return text;
}

int bench_add_extra(unsigned *extras, const char *name, size_t size)
{
    for (int i = 0; i < EXTRA_COUNT; i++) {
        if (strlen(extra_names[i]) == size && memcmp(extra_names[i], name, size) == 0) {
            *extras |= 1u << i;
            return 1;
        }
    }
    return size == 5 && memcmp(name, "plain", size) == 0;
}

enum adadelta_dtype bench_computed(const struct bench_plan *plan)
{
    return plan->dtype == ADADELTA_F64 || plan->state == ADADELTA_F64 ? ADADELTA_F64 : ADADELTA_F32;
}

const char *bench_weights_name(enum adadelta_weights weights)
{
    return weights_names[weights];
}

int bench_weights_by_name(const char *name, enum adadelta_weights *weights)
{
    for (size_t i = 0; i < sizeof weights_names / sizeof *weights_names; i++) {
        if (strcmp(weights_names[i], name) == 0) {
            *weights = (enum adadelta_weights)i;
            return 1;
        }
    }
    return 0;
}

int bench_is_16_bit(enum adadelta_dtype dtype)
{
    return dtype == ADADELTA_BF16 || dtype == ADADELTA_F16;
}

size_t bench_kept_size(const struct bench_plan *plan)
{
    static const size_t sizes[] = {[ADADELTA_WEIGHTS_MASTER] = 4,
                                   [ADADELTA_WEIGHTS_SPLIT] = 2,
                                   [ADADELTA_WEIGHTS_STOCHASTIC] = 0,
                                   [ADADELTA_WEIGHTS_NEAREST] = 0};
    return bench_is_16_bit(plan->dtype) ? sizes[plan->weights] : 0;
}

size_t bench_average_size(const struct bench_plan *plan)
{
    const int kept = bench_has(plan, EXTRA_AVERAGE) || bench_has(plan, EXTRA_POLYAK);
    return kept ? adadelta_dtype_size(bench_computed(plan)) : 0;
}

size_t bench_named_rows(const struct bench_plan *plan)
{
    if (!bench_has(plan, EXTRA_ROWS))
        return 0;
    const size_t rows = plan->n / plan->row_width, named = (size_t)(plan->row_part * (double)rows);
    return named < 1 ? 1 : named < rows ? named : rows;
}

size_t bench_moved(const struct bench_plan *plan)
{
    return bench_has(plan, EXTRA_ROWS) ? bench_named_rows(plan) * plan->row_width : plan->n;
}

size_t bench_tensor_start(const struct bench_plan *plan, size_t t)
{
    /* n stays far below where these products would overflow. */
    const size_t all = plan->paper ? PAPER_ELEMENTS : plan->tensors, part = plan->paper ? paper_ends[t] : t;
    return plan->n / all * part + plan->n % all * part / all;
}

double bench_bytes(const struct bench_plan *plan)
{
    const size_t value = adadelta_dtype_size(plan->dtype), average = bench_average_size(plan);
    const size_t state = 2 * adadelta_dtype_size(plan->state) + bench_kept_size(plan) + average;
    const size_t spare = average && bench_computed(plan) != plan->dtype ? value : 0;
    const size_t copies = plan->tensors > 1 ? 2 : 1; /* the limit's own */
    const double rows = bench_has(plan, EXTRA_ROWS) ? (double)(plan->n / plan->row_width) : 0;
    return (double)plan->n * (double)(value + state * copies + spare) +
           (double)bench_moved(plan) * (double)adadelta_dtype_size(plan->gradient) +
           (3 * rows + 2 * (double)bench_named_rows(plan)) * sizeof(size_t);
}
