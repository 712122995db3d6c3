/* SPDX-License-Identifier: MIT */
/* See bench_request.h. A row for each size and each kind: types, and what the step does besides. */
#include "bench_request.h"

#include <ctype.h>
#include <errno.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "bench_case.h"
#include "bench_clock.h"
#include "bench_number.h"
#include "report.h"

/* Sizes in one run, and the largest of them: far more than memory holds, far less than overflows a product. */
enum { MAX_SIZES = 64, MAX_KINDS = 64, MAX_TENSORS = 10000 };
#define MAX_SIZE 1000000000000LL

static const struct option rows[] = {
    {OPTION_SIZES, OPTION_TEXT, "n", 0, "N,N,...", 0, 0, 0,
     "numbers of parameters (default 1024,16384,262144,4194304,16777216; with --all 16777216)"},
    {OPTION_DTYPE, OPTION_TEXT, "dtype", 0, "TYPE", 0, 0, 0,
     "of parameters and gradients: f32, f64, bf16 or f16 (default f32)"},
    {OPTION_GRADIENT, OPTION_TEXT, "gradient", 0, "TYPE", 0, 0, 0, "of gradients (default: that of --dtype)"},
    {OPTION_STATE, OPTION_TEXT, "state", 0, "TYPE", 0, 0, 0,
     "of the two averages that Adadelta keeps: as --dtype, or u16 or u8 (default f64 for f64 parameters, else f32)"},
    {OPTION_WEIGHTS, OPTION_TEXT, "weights", 0, "HOW", 0, 0, 0,
     "how parameters of 16 bits keep small steps: master, split, stochastic or nearest (default master)"},
    {OPTION_WITH, OPTION_TEXT, "with", 0, "WHAT,...", 0, 0, 0,
     "what the step does besides, a row each, several at once with + between: plain, look (for gradients that are not "
     "finite), norm (clips by that of all), clip (by value), scale (divides gradients), decay (of weights), average "
     "(exponential), polyak (means), measure (updates), rows (of a matrix; others stand still) (default plain)"},
    {OPTION_ROW_WIDTH, OPTION_WHOLE, "row-width", 0, "W", 1, 1e9, 0, "with rows: elements in a row (default 256)"},
    {OPTION_ROW_PART, OPTION_REAL, "row-part", 0, "F", 0, 1, OPEN_LOW,
     "with rows: this part of all rows moves, in random order (default 0.1)"},
    {OPTION_ALL, OPTION_FLAG, "all", 0, NULL, 0, 0, 0, "a choice of types, ways and extras, a row each"},
    {OPTION_TENSORS, OPTION_TEXT, "tensors", 0, "K", 0, 0, 0,
     "split the parameters over K tensors of one object, or, for K paper, over six in the proportions of the paper's "
     "784-500-300-10 network (default 1)"},
    {OPTION_ISA, OPTION_TEXT, "isa", 0, "NAME", 0, 0, 0,
     "instruction set: scalar, sse2, avx2, avx512 or neon (default: the best)"},
    {OPTION_REPEAT, OPTION_WHOLE, "repeat", 0, "R", 1, 1000000, 0,
     "rounds to take the median of (step: by default a third of a second a row, and no fewer than 7; train: "
     "epochs, by default 5)"},
    {OPTION_PLOT, OPTION_TEXT, "plot", 0, "PICTURE", 0, 0, 0,
     "draw the cost against the number of parameters, on one thread and on all, into a .svg or .png file (--n by "
     "default 10, 100 ... 1000000000, as far as memory goes)"},
    {OPTION_PEERS, OPTION_FLAG, "peers", 0, NULL, 0, 0, 0,
     "the same by others, in turn with this program, those that are there: a step by PyTorch, NumPy and a plain C "
     "loop, "
     "training by PyTorch"},
};
const struct option_group bench_step_options = {"Measurement of step (repeat, peers: of train, too)", rows,
                                                sizeof rows / sizeof *rows};

/* Types, and what the step does besides. */
struct kind {
    enum adadelta_dtype dtype, gradient, state;
    enum adadelta_weights weights;
    unsigned extras;
};

struct asked {
    size_t sizes[MAX_SIZES], size_count;
    struct kind kinds[MAX_KINDS];
    size_t kind_count;
    int threads[2]; /* numbers of threads */
    size_t thread_count;
    int plot, quiet;
    struct bench_plan common;
};

/* ---- Sizes ---- */

static enum verdict read_sizes(struct asked *asked, const char *text, struct trouble *trouble)
{
    asked->size_count = 0;
    for (const char *at = text;; at++) {
        char *end = NULL;
        errno = 0;
        const unsigned long long n = isdigit((unsigned char)*at) ? strtoull(at, &end, 10) : 0;
        if (!end || errno || n < 1 || n > MAX_SIZE || n > SIZE_MAX / 64 || (*end && *end != ','))
            return blame(trouble, MISUSE, "--n %s: must be whole numbers from 1 to %lld with commas between them", text,
                         MAX_SIZE);
        if (asked->size_count == MAX_SIZES)
            return blame(trouble, MISUSE, "--n %s: must be at most %d numbers", text, MAX_SIZES);
        asked->sizes[asked->size_count++] = (size_t)n;
        at = end;
        if (!*at)
            return DONE;
    }
}

/* From the nearest cache to main memory; main memory alone where there are many kinds; for a picture all that memory
   may hold. */
static void default_sizes(struct asked *asked, int all)
{
    static const size_t sizes[] = {1024, 16384, 262144, 4194304, 16777216};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    asked->size_count = all ? 1 : COUNT;
    memcpy(asked->sizes, sizes + COUNT - asked->size_count, asked->size_count * sizeof *sizes);
    if (!asked->plot)
        return;
    asked->size_count = 0;
    for (size_t n = 10; n <= 1000000000; n *= 10)
        asked->sizes[asked->size_count++] = n;
}

static enum verdict read_tensors(struct bench_plan *plan, const struct option_value *value, struct trouble *trouble)
{
    plan->paper = value->given && strcmp(value->text, "paper") == 0;
    plan->tensors = plan->paper ? PAPER_TENSORS : 1;
    if (!value->given || plan->paper)
        return DONE;
    char *end;
    errno = 0;
    const unsigned long long count = strtoull(value->text, &end, 10);
    if (!isdigit((unsigned char)*value->text) || *end || errno || count < 1 || count > MAX_TENSORS)
        return blame(trouble, MISUSE, "--tensors %s: must be a whole number from 1 to %d, or paper", value->text,
                     MAX_TENSORS);
    plan->tensors = (size_t)count;
    return DONE;
}

/* ---- Kinds ---- */

/* names: number_names, or state_names where codes will do. */
static enum verdict read_type(enum adadelta_dtype *dtype, const char *option, const char *names,
                              const struct option_value *value, struct trouble *trouble)
{
    if (!value->given)
        return DONE;
    *dtype = number_by_name(value->text);
    return *dtype == ADADELTA_DTYPE_DEFAULT || (number_is_coded(*dtype) && names == number_names)
               ? blame(trouble, MISUSE, "--%s %s: must be one of %s", option, value->text, names)
               : DONE;
}

static enum verdict read_weights(struct kind *kind, const struct option_value *value, struct trouble *trouble)
{
    if (!value->given)
        return DONE;
    if (!bench_weights_by_name(value->text, &kind->weights))
        return blame(trouble, MISUSE, "--weights %s: must be one of master, split, stochastic, nearest", value->text);
    return bench_is_16_bit(kind->dtype)
               ? DONE
               : blame(trouble, MISUSE, "--weights %s: needs --dtype bf16 or f16", value->text);
}

static enum adadelta_dtype default_state(enum adadelta_dtype dtype)
{
    return dtype == ADADELTA_F64 ? ADADELTA_F64 : ADADELTA_F32;
}

static enum verdict read_types(struct kind *kind, const struct option_value *values, struct trouble *trouble)
{
    kind->dtype = ADADELTA_F32;
    enum verdict verdict = read_type(&kind->dtype, "dtype", number_names, &values[OPTION_DTYPE], trouble);
    kind->gradient = kind->dtype;
    kind->state = default_state(kind->dtype);
    if (verdict == DONE)
        verdict = read_type(&kind->gradient, "gradient", number_names, &values[OPTION_GRADIENT], trouble);
    if (verdict == DONE)
        verdict = read_type(&kind->state, "state", state_names, &values[OPTION_STATE], trouble);
    return verdict == DONE ? read_weights(kind, &values[OPTION_WEIGHTS], trouble) : verdict;
}

static int has(unsigned extras, enum bench_extra extra)
{
    return extras >> extra & 1;
}

/* "look+norm,rows" */
static enum verdict read_extras(struct asked *asked, const struct kind *types, const char *text,
                                struct trouble *trouble)
{
    struct kind kind = *types;
    for (const char *at = text;; at++) {
        const size_t size = strcspn(at, "+,");
        if (!bench_add_extra(&kind.extras, at, size))
            return blame(trouble, MISUSE, "--with %s: must be names of plain, %s, with , or + between them", text,
                         bench_extra_names);
        at += size;
        if (*at == '+')
            continue;
        if (has(kind.extras, EXTRA_AVERAGE) && has(kind.extras, EXTRA_POLYAK))
            return blame(trouble, MISUSE, "--with %s: average and polyak do not go together", text);
        if (asked->kind_count == MAX_KINDS)
            return blame(trouble, MISUSE, "--with %s: must be at most %d rows", text, MAX_KINDS);
        asked->kinds[asked->kind_count++] = kind;
        kind.extras = 0;
        if (!*at)
            return DONE;
    }
}

/* Every extra by itself in both types that are computed in, and every way to store. */
static void list_all(struct asked *asked)
{
    static const struct kind stores[] = {
        {ADADELTA_F32, ADADELTA_F32, ADADELTA_F64, ADADELTA_WEIGHTS_MASTER, 0},
        {ADADELTA_F32, ADADELTA_F32, ADADELTA_BF16, ADADELTA_WEIGHTS_MASTER, 0},
        {ADADELTA_F32, ADADELTA_F32, ADADELTA_F16, ADADELTA_WEIGHTS_MASTER, 0},
        {ADADELTA_F32, ADADELTA_F32, ADADELTA_U16, ADADELTA_WEIGHTS_MASTER, 0},
        {ADADELTA_F32, ADADELTA_F32, ADADELTA_U8, ADADELTA_WEIGHTS_MASTER, 0},
        {ADADELTA_F64, ADADELTA_F64, ADADELTA_F32, ADADELTA_WEIGHTS_MASTER, 0},
        {ADADELTA_F64, ADADELTA_F64, ADADELTA_U16, ADADELTA_WEIGHTS_MASTER, 0},
        {ADADELTA_BF16, ADADELTA_BF16, ADADELTA_F32, ADADELTA_WEIGHTS_MASTER, 0},
        {ADADELTA_BF16, ADADELTA_BF16, ADADELTA_F32, ADADELTA_WEIGHTS_SPLIT, 0},
        {ADADELTA_BF16, ADADELTA_BF16, ADADELTA_F32, ADADELTA_WEIGHTS_STOCHASTIC, 0},
        {ADADELTA_BF16, ADADELTA_BF16, ADADELTA_F32, ADADELTA_WEIGHTS_NEAREST, 0},
        {ADADELTA_BF16, ADADELTA_BF16, ADADELTA_BF16, ADADELTA_WEIGHTS_SPLIT, 0},
        {ADADELTA_BF16, ADADELTA_BF16, ADADELTA_BF16, ADADELTA_WEIGHTS_STOCHASTIC, 0},
        {ADADELTA_BF16, ADADELTA_BF16, ADADELTA_U16, ADADELTA_WEIGHTS_MASTER, 0},
        {ADADELTA_BF16, ADADELTA_BF16, ADADELTA_U16, ADADELTA_WEIGHTS_SPLIT, 0},
        {ADADELTA_BF16, ADADELTA_BF16, ADADELTA_U16, ADADELTA_WEIGHTS_STOCHASTIC, 0},
        {ADADELTA_BF16, ADADELTA_BF16, ADADELTA_U8, ADADELTA_WEIGHTS_STOCHASTIC, 0},
        {ADADELTA_F16, ADADELTA_F16, ADADELTA_F32, ADADELTA_WEIGHTS_MASTER, 0},
        {ADADELTA_F16, ADADELTA_F16, ADADELTA_F32, ADADELTA_WEIGHTS_STOCHASTIC, 0},
        {ADADELTA_F16, ADADELTA_F16, ADADELTA_F32, ADADELTA_WEIGHTS_NEAREST, 0},
        {ADADELTA_F16, ADADELTA_F16, ADADELTA_F16, ADADELTA_WEIGHTS_MASTER, 0},
    };
    static const enum adadelta_dtype computed[] = {ADADELTA_F32, ADADELTA_F64};
    for (size_t k = 0; k < 2; k++) {
        const enum adadelta_dtype dtype = computed[k];
        for (int extra = -1; extra < EXTRA_COUNT; extra++) /* -1: plain */
            asked->kinds[asked->kind_count++] =
                (struct kind){dtype, dtype, dtype, ADADELTA_WEIGHTS_MASTER, extra < 0 ? 0 : 1u << extra};
    }
    memcpy(asked->kinds + asked->kind_count, stores, sizeof stores);
    asked->kind_count += sizeof stores / sizeof *stores;
}

static enum verdict read_kinds(struct asked *asked, const struct option_value *values, struct trouble *trouble)
{
    static const enum option_id listed[] = {OPTION_DTYPE, OPTION_GRADIENT, OPTION_STATE, OPTION_WEIGHTS, OPTION_WITH};
    static const char *const names[] = {"dtype", "gradient", "state", "weights", "with"};
    struct kind types = {.extras = 0};
    if (values[OPTION_ALL].given) {
        for (size_t i = 0; i < sizeof listed / sizeof *listed; i++) {
            if (values[listed[i]].given)
                return blame(trouble, MISUSE, "--%s: --all has rows of its own", names[i]);
        }
        list_all(asked);
        return DONE;
    }
    const enum verdict verdict = read_types(&types, values, trouble);
    if (verdict != DONE)
        return verdict;
    return read_extras(asked, &types, values[OPTION_WITH].given ? values[OPTION_WITH].text : "plain", trouble);
}

/* ---- What cannot be ---- */

static enum verdict check_shape(const struct bench_plan *plan, struct trouble *trouble)
{
    for (size_t t = 0; plan->paper && t < PAPER_TENSORS; t++) {
        if (bench_tensor_start(plan, t) == bench_tensor_start(plan, t + 1))
            return blame(trouble, MISUSE, "--n %zu: too few for each of the paper's six tensors to have one", plan->n);
    }
    if (plan->n < plan->tensors)
        return blame(trouble, MISUSE, "--tensors %zu: more than the %zu parameters", plan->tensors, plan->n);
    if (!bench_has(plan, EXTRA_ROWS))
        return DONE;
    if (plan->tensors > 1)
        return blame(trouble, MISUSE, "--tensors %zu: rows are measured with one tensor", plan->tensors);
    if (plan->n % plan->row_width)
        return blame(trouble, MISUSE, "--n %zu: with rows it must be a multiple of --row-width %zu", plan->n,
                     plan->row_width);
    return DONE;
}

static enum verdict check_plan(const struct bench_plan *plan, struct trouble *trouble)
{
    const double bytes = bench_bytes(plan), available = memory_available();
    if (bytes > available)
        return blame(trouble, FAILED, "%zu parameters need %.3g GB of memory, and there are %.3g GB", plan->n,
                     1e-9 * bytes, 1e-9 * available);
    return bench_case_possible(plan, trouble);
}

static enum verdict check_rows_options(const struct asked *asked, const struct option_value *values,
                                       struct trouble *trouble)
{
    for (size_t k = 0; k < asked->kind_count; k++) {
        if (has(asked->kinds[k].extras, EXTRA_ROWS))
            return DONE;
    }
    if (values[OPTION_ROW_WIDTH].given || values[OPTION_ROW_PART].given)
        return blame(trouble, MISUSE, "--row-%s: needs --with rows", values[OPTION_ROW_WIDTH].given ? "width" : "part");
    return DONE;
}

/* ---- All of it ---- */

/* A picture takes the sizes that memory holds and says which it leaves out. */
static int left_out(const struct asked *asked, const struct bench_plan *plan, int says)
{
    const double bytes = bench_bytes(plan), available = memory_available();
    if (!asked->plot || bytes <= available)
        return 0;
    remark(asked->quiet || !says, "%zu parameters left out: they need %.3g GB of memory, and there are %.3g GB",
           plan->n, 1e-9 * bytes, 1e-9 * available);
    return 1;
}

static struct bench_plan plan_of(const struct asked *asked, size_t size, const struct kind *kind)
{
    struct bench_plan plan = asked->common;
    plan.n = size;
    plan.dtype = kind->dtype;
    plan.gradient = kind->gradient;
    plan.state = kind->state;
    plan.weights = kind->weights;
    plan.extras = kind->extras;
    return plan;
}

static enum verdict list_plans(struct bench_request *request, const struct asked *asked, struct trouble *trouble)
{
    const size_t rows_each = asked->size_count * asked->kind_count;
    request->plans = malloc(asked->thread_count * rows_each * sizeof *request->plans);
    if (!request->plans)
        return blame_memory(trouble);
    enum verdict verdict = DONE;
    for (size_t t = 0; t < asked->thread_count; t++) {
        for (size_t i = 0; i < rows_each && verdict == DONE; i++) {
            struct bench_plan plan =
                plan_of(asked, asked->sizes[i / asked->kind_count], &asked->kinds[i % asked->kind_count]);
            plan.threads = asked->threads[t];
            if (left_out(asked, &plan, t == 0))
                continue;
            verdict = check_shape(&plan, trouble);
            if (verdict == DONE)
                verdict = check_plan(&plan, trouble);
            request->plans[request->count++] = plan;
        }
    }
    if (verdict == DONE && !request->count)
        verdict = blame(trouble, FAILED, "--plot: there is no memory for any of the sizes");
    return verdict;
}

/* A picture has the curves of one thread and of all. */
static void list_threads(struct asked *asked)
{
    if (asked->plot && asked->common.threads > 1)
        asked->threads[asked->thread_count++] = 1;
    asked->threads[asked->thread_count++] = asked->common.threads;
}

enum verdict bench_request_read(struct bench_request *request, const struct args *args, struct trouble *trouble)
{
    const struct option_value *values = args->values;
    const int threads = (int)values[OPTION_THREADS].whole;
    struct asked asked = {
        .plot = values[OPTION_PLOT].given,
        .quiet = values[OPTION_QUIET].given,
        .common = {
            .row_width = values[OPTION_ROW_WIDTH].given ? (size_t)values[OPTION_ROW_WIDTH].whole : 256,
            .row_part = values[OPTION_ROW_PART].given ? values[OPTION_ROW_PART].real : 0.1,
            .threads = threads ? threads : omp_get_num_procs(),
            .rounds = (size_t)values[OPTION_REPEAT].whole,
            .seed = values[OPTION_SEED].given ? values[OPTION_SEED].whole : 1,
        }};
    *request = (struct bench_request){NULL, 0};
    enum verdict verdict = read_kinds(&asked, values, trouble);
    default_sizes(&asked, values[OPTION_ALL].given);
    if (verdict == DONE && values[OPTION_SIZES].given)
        verdict = read_sizes(&asked, values[OPTION_SIZES].text, trouble);
    if (verdict == DONE)
        verdict = read_tensors(&asked.common, &values[OPTION_TENSORS], trouble);
    if (verdict == DONE)
        verdict = check_rows_options(&asked, values, trouble);
    if (verdict == DONE && asked.plot && asked.kind_count > 1)
        verdict = blame(trouble, MISUSE, "--plot: draws one kind of step, and %zu are asked for", asked.kind_count);
    list_threads(&asked);
    return verdict == DONE ? list_plans(request, &asked, trouble) : verdict;
}

void bench_request_free(struct bench_request *request)
{
    free(request->plans);
}
