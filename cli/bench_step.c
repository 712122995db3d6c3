/* SPDX-License-Identifier: MIT */
/* See bench_step.h. Reads what is asked for, refuses what cannot be before anything is timed, prints a row a size. */
#include "bench_step.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_case.h"
#include "report.h"

/* Sizes in one run, and the largest of them: far more than memory holds, far less than overflows a product. */
enum { MAX_SIZES = 64 };
#define MAX_SIZE 1000000000000LL

/* From the nearest cache to main memory. */
static const size_t default_sizes[] = {1024, 16384, 262144, 4194304, 16777216};

static const struct {
    const char *name;
    enum adadelta_dtype dtype;
} dtypes[] = {{"f32", ADADELTA_F32}, {"f64", ADADELTA_F64}};
enum { DTYPE_COUNT = sizeof dtypes / sizeof *dtypes };

static const struct option step_rows[] = {
    {OPTION_SIZES, OPTION_TEXT, "n", 0, "N,N,...", 0, 0, 0,
     "numbers of parameters (default 1024,16384,262144,4194304,16777216)"},
    {OPTION_DTYPE, OPTION_TEXT, "dtype", 0, "TYPE", 0, 0, 0,
     "of parameters, gradients and state: f32 or f64 (default f32)"},
    {OPTION_TENSORS, OPTION_WHOLE, "tensors", 0, "K", 1, 10000, 0, "split the parameters over K tensors (default 1)"},
    {OPTION_LOOK, OPTION_FLAG, "look", 0, NULL, 0, 0, 0,
     "with the look for gradients that are not finite, which an optimizer takes unless told otherwise"},
    {OPTION_NORM, OPTION_FLAG, "norm", 0, NULL, 0, 0, 0, "with the norm of all gradients, as clipping by it needs"},
    {OPTION_REPEAT, OPTION_WHOLE, "repeat", 0, "R", 1, 1000000, 0,
     "rounds to take the median of (default: a third of a second a size, and no fewer than 7)"},
};
const struct option_group bench_step_options = {"Measurement", step_rows, sizeof step_rows / sizeof *step_rows};

struct sizes {
    size_t n[MAX_SIZES];
    size_t count;
};

static enum verdict parse_sizes(struct sizes *sizes, const char *text, struct trouble *trouble)
{
    sizes->count = 0;
    for (const char *at = text;; at++) {
        char *end = NULL;
        errno = 0;
        const unsigned long long n = isdigit((unsigned char)*at) ? strtoull(at, &end, 10) : 0;
        if (!end || errno || n < 1 || n > MAX_SIZE || n > SIZE_MAX / 64 || (*end && *end != ','))
            return blame(trouble, MISUSE, "--n %s: must be whole numbers from 1 to %lld with commas between them", text,
                         MAX_SIZE);
        if (sizes->count == MAX_SIZES)
            return blame(trouble, MISUSE, "--n %s: must be at most %d numbers", text, MAX_SIZES);
        sizes->n[sizes->count++] = (size_t)n;
        at = end;
        if (!*at)
            return DONE;
    }
}

static enum verdict parse_dtype(enum adadelta_dtype *dtype, const struct option_value *value, struct trouble *trouble)
{
    *dtype = ADADELTA_F32;
    for (size_t i = 0; value->given && i < DTYPE_COUNT; i++) {
        if (strcmp(dtypes[i].name, value->text) == 0) {
            *dtype = dtypes[i].dtype;
            return DONE;
        }
    }
    return value->given ? blame(trouble, MISUSE, "--dtype %s: must be one of f32, f64", value->text) : DONE;
}

/* Bytes that the system can give without pushing others out; INFINITY where it does not tell. Asking for more would not
   fail but get some process killed. */
static double memory_available(void)
{
    char line[128];
    double kilobytes = INFINITY;
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %lf", &kilobytes) == 1)
            break;
    if (file)
        fclose(file);
    return 1024 * kilobytes;
}

/* Everything that can be known before anything is timed. */
static enum verdict check_sizes(const struct sizes *sizes, struct bench_plan *plan, struct trouble *trouble)
{
    const double available = memory_available();
    for (size_t i = 0; i < sizes->count; i++) {
        plan->n = sizes->n[i];
        if (plan->n < plan->tensors)
            return blame(trouble, MISUSE, "--tensors %zu: more than the %zu parameters", plan->tensors, plan->n);
        if ((double)bench_bytes(plan) > available)
            return blame(trouble, FAILED, "%zu parameters need %.3g GB of memory, and there are %.3g GB", plan->n,
                         1e-9 * (double)bench_bytes(plan), 1e-9 * available);
    }
    return DONE;
}

/* What ran this: a number means nothing without it. */
static void print_machine(int quiet, int threads)
{
    char line[256], *model = NULL;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (!model && file && fgets(line, sizeof line, file))
        if (strncmp(line, "model name", 10) == 0 && (model = strchr(line, ':')))
            model[strcspn(model, "\n")] = '\0';
    if (file)
        fclose(file);
    remark(quiet, "%s, %d processors, threads %d, %s, adadelta %s", model ? model + 2 : "unknown processor",
           omp_get_num_procs(), threads, adadelta_isa_name(), adadelta_version_string());
}

static enum verdict print_row(const struct bench_plan *plan, const struct bench_times *times, int as_json, int is_first,
                              struct trouble *trouble)
{
    const char *dtype = dtypes[plan->dtype == ADADELTA_F64].name, *isa = adadelta_isa_name();
    const double fraction = times->limit_ns / times->step_ns;
    char n[NUMBER_SIZE];
    if (as_json)
        return report_json(stdout,
                           json_pack("{s:I,s:s,s:s,s:i,s:s,s:o,s:o,s:o}", "n", (json_int_t)plan->n, "dtype", dtype,
                                     "state", dtype, "threads", plan->threads, "isa", isa, "ns_per_param",
                                     report_number(times->step_ns), "limit_ns_per_param",
                                     report_number(times->limit_ns), "fraction_of_limit", report_number(fraction)),
                           trouble);
    if (is_first)
        printf("%15s  dtype  state  threads  %-6s  ns/param    limit  fraction    GB/s\n", "n", "isa");
    printf("%15s  %-5s  %-5s  %7d  %-6s  %8.4f %8.4f  %8.3f  %6.1f\n", format_count(n, plan->n), dtype, dtype,
           plan->threads, isa, times->step_ns, times->limit_ns, fraction,
           7 * (double)bench_element_size(plan->dtype) / times->step_ns);
    return fflush(stdout) ? blame(trouble, FAILED, "cannot write to standard output") : DONE;
}

enum verdict bench_step(const struct args *args, struct trouble *trouble)
{
    const struct option_value *values = args->values;
    const int threads = (int)values[OPTION_THREADS].whole;
    struct sizes sizes = {.count = sizeof default_sizes / sizeof *default_sizes};
    struct bench_plan plan = {
        .tensors = values[OPTION_TENSORS].given ? (size_t)values[OPTION_TENSORS].whole : 1,
        .threads = threads ? threads : omp_get_num_procs(),
        .rounds = (size_t)values[OPTION_REPEAT].whole,
        .look = values[OPTION_LOOK].given,
        .norm = values[OPTION_NORM].given,
        .seed = values[OPTION_SEED].given ? values[OPTION_SEED].whole : 1,
    };
    memcpy(sizes.n, default_sizes, sizeof default_sizes);
    enum verdict verdict = parse_dtype(&plan.dtype, &values[OPTION_DTYPE], trouble);
    if (verdict == DONE && values[OPTION_SIZES].given)
        verdict = parse_sizes(&sizes, values[OPTION_SIZES].text, trouble);
    if (verdict == DONE)
        verdict = check_sizes(&sizes, &plan, trouble);
    if (verdict == DONE)
        print_machine(values[OPTION_QUIET].given, plan.threads);
    for (size_t i = 0; i < sizes.count && verdict == DONE; i++) {
        struct bench_times times;
        plan.n = sizes.n[i];
        verdict = bench_case(&plan, &times, trouble);
        if (verdict == DONE)
            verdict = print_row(&plan, &times, values[OPTION_JSON].given, i == 0, trouble);
    }
    return verdict;
}
