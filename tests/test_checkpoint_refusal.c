/* SPDX-License-Identifier: MIT */
/* Checkpoints that do not fit the optimizer that loads them, and settings in them that are not as they should be, one
   by one: each is refused with a text that says which, and nothing has changed. test_checkpoint_damage.c has the rest
   of the file. */
#include "checkpoint_every.h"
#include "checkpoint_seal.h"

/* ---- What does not fit ---- */

/* An optimizer of one tensor, which has moved. */
struct one {
    struct adadelta *optimizer;
    double values[N], gradient[N];
};

static void one_start(struct one *one, struct adadelta_options options, struct adadelta_tensor tensor)
{
    const enum adadelta_dtype type = tensor.dtype ? tensor.dtype : ADADELTA_F32;
    options.threads = 1;
    tensor.name = "w", tensor.ndim = 1, tensor.shape[0] = N;
    tensor.values = one->values, tensor.gradient = one->gradient;
    fill(type, one->values, N, 1, 2);
    fill(type, one->gradient, N, 3, 4);
    assert_int_equal(adadelta_create(&options, &one->optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(one->optimizer, NULL, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(one->optimizer, 0, &tensor, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_step(one->optimizer), ADADELTA_OK);
}

/* One such optimizer saved, another to load it: a mismatch with that text; NULL: it must load. */
static void loads_into(struct adadelta_options saved, struct adadelta_tensor from, struct adadelta_options loading,
                       struct adadelta_tensor into, const char *says)
{
    struct one a, b;
    one_start(&a, saved, from);
    one_start(&b, loading, into);
    assert_int_equal(adadelta_step(a.optimizer), ADADELTA_OK); /* one more than the other */
    save(a.optimizer);
    if (says)
        refuse(b.optimizer, ADADELTA_ERROR_MISMATCH, says);
    else
        load(b.optimizer);
    adadelta_destroy(a.optimizer);
    adadelta_destroy(b.optimizer);
}

static const struct adadelta_options plain;

static void averages_of_another_kind(void **state)
{
    static const char *const kinds[] = {"none", "exponential", "polyak"};
    (void)state;
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) {
            const struct adadelta_options from = {.averaging = (enum adadelta_averaging)a},
                                          to = {.averaging = (enum adadelta_averaging)b};
            const struct adadelta_tensor tensor = {.dtype = ADADELTA_F64};
            char says[100];
            snprintf(says, sizeof says, "averages are kept '%s' in the checkpoint, '%s' in the optimizer", kinds[a],
                     kinds[b]);
            loads_into(from, tensor, to, tensor, a == b || a == 0 ? NULL : says);
        }
}

static void weights_kept_in_another_way(void **state)
{
    static const char *const ways[] = {"master", "split", "stochastic", "nearest"};
    (void)state;
    for (int half = 0; half < 2; half++)
        for (int a = 0; a < 4; a++)
            for (int b = 0; b < 4; b++) {
                const enum adadelta_dtype dtype = half ? ADADELTA_F16 : ADADELTA_BF16;
                const struct adadelta_tensor from = {.dtype = dtype, .weights = (enum adadelta_weights)a},
                                             into = {.dtype = dtype, .weights = (enum adadelta_weights)b};
                char says[100];
                if (half && (a == ADADELTA_WEIGHTS_SPLIT || b == ADADELTA_WEIGHTS_SPLIT))
                    continue;
                snprintf(says, sizeof says, "'w' has weights '%s' in the checkpoint, '%s' in the optimizer", ways[a],
                         ways[b]);
                loads_into(plain, from, plain, into, a == b ? NULL : says);
            }
}

/* Where weights mean nothing they are not compared. */
static void weights_of_wide_values_do_not_matter(void **state)
{
    const struct adadelta_tensor from = {.weights = ADADELTA_WEIGHTS_NEAREST};
    const struct adadelta_tensor into = {.weights = ADADELTA_WEIGHTS_STOCHASTIC};
    (void)state;
    loads_into(plain, from, plain, into, NULL);
}

static void another_type(void **state)
{
    static const enum adadelta_dtype types[] = {ADADELTA_F32, ADADELTA_F64, ADADELTA_BF16, ADADELTA_F16};
    char says[100];
    (void)state;
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++) {
            const char *theirs = adadelta_dtype_name(types[a]), *ours = adadelta_dtype_name(types[b]);
            const struct adadelta_tensor from = {.dtype = types[a]}, into = {.dtype = types[b]};
            const struct adadelta_tensor from_state = {.state_dtype = types[a]}, into_state = {.state_dtype = types[b]};
            snprintf(says, sizeof says, "'w' is %s in the checkpoint, %s in the optimizer", theirs, ours);
            loads_into(plain, from, plain, into, a == b ? NULL : says);
            snprintf(says, sizeof says, "'w.square_avg' is %s in the checkpoint, %s in the optimizer", theirs, ours);
            loads_into(plain, from_state, plain, into_state, a == b ? NULL : says);
        }
}

static double one_half(uint64_t step, void *context)
{
    (void)step, (void)context;
    return 0.5;
}

static void a_callback_that_is_not_there(void **state)
{
    const struct adadelta_schedule schedule = {.kind = ADADELTA_SCHEDULE_CALLBACK, .rate = one_half};
    struct adadelta_schedule after;
    struct one a, b;
    (void)state;
    one_start(&a, plain, (struct adadelta_tensor){.no_decay = 0});
    one_start(&b, plain, (struct adadelta_tensor){.no_decay = 0});
    assert_int_equal(adadelta_set_schedule(a.optimizer, &schedule), ADADELTA_OK);
    save(a.optimizer);
    refuse(b.optimizer, ADADELTA_ERROR_MISMATCH, "the checkpoint's schedule is a callback, the optimizer has none");
    assert_int_equal(adadelta_set_schedule(b.optimizer, &schedule), ADADELTA_OK);
    load(b.optimizer);
    assert_int_equal(adadelta_set_schedule(a.optimizer, NULL), ADADELTA_OK);
    save(a.optimizer); /* and the other way round it goes */
    load(b.optimizer);
    assert_int_equal(adadelta_get_schedule(b.optimizer, &after), ADADELTA_OK);
    assert_int_equal(after.kind, ADADELTA_SCHEDULE_CONSTANT);
    adadelta_destroy(a.optimizer);
    adadelta_destroy(b.optimizer);
}

/* ---- What is malformed ---- */

#define Q "\\\"" /* a quote in the optimizer's JSON, which is a text in the header's */

static struct every every;
static struct bytes good;

static int set_up(void **state)
{
    const struct course course = {
        ADADELTA_METHOD_ADADELTA,
        ADADELTA_AVERAGING_EXPONENTIAL,
        {.scale = 2, .nonfinite = ADADELTA_NONFINITE_SKIP, .clip_value = 3, .clip_norm = 5, .clip_global_norm = 7},
        {.kind = ADADELTA_SCHEDULE_STEP, .steps = 90, .warmup = 2, .every = 11, .gamma = 0.5, .end = 0.125},
    };
    if (make_folder(state))
        return -1;
    every_start(&every, &course, 1234567890123456789);
    every_step(&every, 0, 6);
    save(every.optimizer);
    good = slurp(path);
    every_step(&every, 6, 9); /* so that a load that works is seen */
    return 0;
}

static int tear_down(void **state)
{
    every_end(&every);
    free(good.data);
    return remove_folder(state);
}

/* The good file with the value of the first key of that name replaced; value NULL: without the key. */
static void write_changed(const char *key, const char *value)
{
    char from[200], to[300], start[100];
    snprintf(start, sizeof start, Q "%s" Q ":", key);
    const char *found = memmem(good.data, good.size, start, strlen(start));
    if (!found)
        fail_msg("no %s", key);
    const size_t length = strlen(start) + strcspn(found + strlen(start), ",}");
    snprintf(from, sizeof from, "%.*s", (int)length, found);
    if (value)
        snprintf(to, sizeof to, "%s%s", start, value);
    else
        snprintf(to, sizeof to, Q "another" Q ":%s", from + strlen(start));
    const struct bytes file = with_header(&good, from, to);
    spill(path, file.data, file.size);
    free(file.data);
}

static const char *const no_numbers[] = {NULL, "null", "true", Q "1" Q, "[]", "{}"};
static const char *const no_flags[] = {NULL, "null", "0", "1", Q "true" Q, "[true]"};
static const char *const no_choices[] = {NULL, "null", "0", "true", Q Q, Q "nonsense" Q, "[]"};
static const char *const no_digits[] = {NULL,
                                        "null",
                                        "5",
                                        "5.0",
                                        "true",
                                        Q Q,
                                        Q "-1" Q,
                                        Q "+1" Q,
                                        Q " 1" Q,
                                        Q "1 " Q,
                                        Q "1x" Q,
                                        Q "0x10" Q,
                                        Q "1e3" Q,
                                        Q "1.0" Q,
                                        Q "18446744073709551616" Q,
                                        Q "28446744073709551615" Q,
                                        Q "99999999999999999999999999" Q};
static const char *const no_counts[] = {NULL, "null", "-1", "1.0", "true", Q "1" Q};

static const struct {
    const char *key;
    const char *says;       /* of those of another type, and of names that are not known */
    const char *const *bad; /* [bad_count] values of another type; NULL: none at all */
    size_t bad_count;
    const char *unknown[2], *outside[3]; /* names that are not known, numbers out of the range */
} fields[] = {
#define BAD(list) list, sizeof list / sizeof *list
#define LACKS     "settings lack one, or one has another type"
    {"seed", LACKS, BAD(no_digits), {NULL}, {NULL}},
    {"averaging", LACKS, BAD(no_choices), {Q "Exponential" Q}, {NULL}},
    {"average_decay", LACKS, BAD(no_numbers), {NULL}, {"1", "-0.5", "1e300"}},
    {"swapped", LACKS, BAD(no_flags), {NULL}, {NULL}},
    {"scale", LACKS, BAD(no_numbers), {NULL}, {"0", "-2", "1e39"}},
    {"nonfinite", LACKS, BAD(no_choices), {Q "SKIP" Q, Q "skip " Q}, {NULL}},
    {"clip_value", LACKS, BAD(no_numbers), {NULL}, {"-1"}},
    {"clip_norm", LACKS, BAD(no_numbers), {NULL}, {"-1e-300"}},
    {"clip_global_norm", LACKS, BAD(no_numbers), {NULL}, {"-7"}},
    {"duplicates", LACKS, BAD(no_choices), {Q "in_order" Q}, {NULL}},
    {"kind", LACKS, BAD(no_choices), {Q "linear " Q}, {NULL}},
    {"steps", LACKS, BAD(no_digits), {NULL}, {NULL}},
    {"warmup", LACKS, BAD(no_digits), {NULL}, {NULL}},
    {"every", LACKS, BAD(no_digits), {NULL}, {Q "0" Q}},
    {"gamma", LACKS, BAD(no_numbers), {NULL}, {"-0.5"}},
    {"end", LACKS, BAD(no_numbers), {NULL}, {NULL}},
    {"maximize", "a group or tensor lacks a setting", BAD(no_flags), {NULL}, {NULL}},
    {"skipped", "it lacks method, step or skipped", BAD(no_counts), {NULL}, {NULL}},
    {"averaged", "a tensor lacks group, step, skipped or averaged", BAD(no_counts), {NULL}, {NULL}},
#undef BAD
};

static void malformed_settings(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
        for (size_t i = 0; i < fields[k].bad_count; i++) {
            write_changed(fields[k].key, fields[k].bad[i]);
            refuse(every.optimizer, ADADELTA_ERROR_FORMAT, fields[k].says);
        }
        for (size_t i = 0; i < 2 && fields[k].unknown[i]; i++) {
            write_changed(fields[k].key, fields[k].unknown[i]);
            refuse(every.optimizer, ADADELTA_ERROR_FORMAT, fields[k].says);
        }
        for (size_t i = 0; i < 3 && fields[k].outside[i]; i++) {
            write_changed(fields[k].key, fields[k].outside[i]);
            refuse(every.optimizer, ADADELTA_ERROR_FORMAT, "a setting is out of its range");
        }
    }
}

/* Each text in the file that stands elsewhere than the settings, changed by hand. */
static const struct {
    const char *from, *to;
    enum adadelta_status status;
    const char *says;
} lies[] = {
    {Q "settings" Q ":{", Q "settings" Q ":[]," Q "x" Q ":{", ADADELTA_ERROR_FORMAT, LACKS},
    {Q "settings" Q ":{", Q "settings" Q ":null," Q "x" Q ":{", ADADELTA_ERROR_FORMAT, LACKS},
    {Q "gradients" Q ":{", Q "gradients" Q ":null," Q "x" Q ":{", ADADELTA_ERROR_FORMAT, LACKS},
    {Q "gradients" Q ":{", Q "x" Q ":{", ADADELTA_ERROR_FORMAT, LACKS},
    {Q "schedule" Q ":{", Q "schedule" Q ":1," Q "x" Q ":{", ADADELTA_ERROR_FORMAT, LACKS},
    {Q "schedule" Q ":{", Q "x" Q ":{", ADADELTA_ERROR_FORMAT, LACKS},
    {Q "averaging" Q ":" Q "exponential" Q, Q "averaging" Q ":" Q "polyak" Q, ADADELTA_ERROR_MISMATCH,
     "averages are kept 'polyak' in the checkpoint, 'exponential' in the optimizer"},
    {Q "kind" Q ":" Q "step" Q, Q "kind" Q ":" Q "callback" Q, ADADELTA_ERROR_MISMATCH, "is a callback"},
    {Q "kind" Q ":" Q "step" Q "," Q "steps" Q ":" Q "90" Q, Q "kind" Q ":" Q "tail" Q "," Q "steps" Q ":" Q "2" Q,
     ADADELTA_ERROR_FORMAT, "a setting is out of its range"},
    {Q "weights" Q ":" Q "master" Q, Q "weights" Q ":" Q "mistress" Q, ADADELTA_ERROR_MISMATCH, "weights 'mistress'"},
    {Q "no_decay" Q ":false", Q "no_decay" Q ":0", ADADELTA_ERROR_FORMAT, "a tensor lacks no_decay"},
    {Q "no_decay" Q ":false", Q "no" Q ":false", ADADELTA_ERROR_FORMAT, "a tensor lacks no_decay"},
    {Q "weights" Q ":" Q "master" Q, Q "weights" Q ":0", ADADELTA_ERROR_FORMAT, "a tensor of 16 bits lacks weights"},
    {Q "weights" Q ":" Q "master" Q, Q "w" Q ":" Q "master" Q, ADADELTA_ERROR_FORMAT,
     "a tensor of 16 bits lacks weights"},
    {Q "hyper" Q ":{", Q "hyper" Q ":{" Q "rho" Q ":1," Q "x" Q ":{},", ADADELTA_ERROR_FORMAT, "duplicate"},
    {Q "hyper" Q ":{", Q "hyper" Q ":null," Q "x" Q ":{", ADADELTA_ERROR_FORMAT, "a group or tensor lacks a setting"},
    {Q "hyper" Q ":{" Q "lr" Q ":0.5", Q "hyper" Q ":{" Q "lr" Q ":-0.5", ADADELTA_ERROR_FORMAT, "lr must be"},
    {Q "hyper" Q ":{" Q "lr" Q ":0.5", Q "hyper" Q ":{" Q "lr" Q ":1e39", ADADELTA_ERROR_FORMAT, "lr must be"},
    {"\"split.low\":{\"dtype\":\"U16\"", "\"split.low\":{\"dtype\":\"BF16\"", ADADELTA_ERROR_MISMATCH,
     "'split.low' is BF16 in the checkpoint, U16 in the optimizer"},
    {"\"split.low\":{", "\"split.high\":{", ADADELTA_ERROR_MISMATCH, "'split.low' is not in the checkpoint"},
    {"\"master.master\":{", "\"master.m\":{", ADADELTA_ERROR_MISMATCH, "'master.master' is not in the checkpoint"},
    {"\"float.average\":{", "\"float.a\":{", ADADELTA_ERROR_MISMATCH, "'float.average' is not in the checkpoint"},
    {"\"half.spare\":{", "\"half.s\":{", ADADELTA_ERROR_MISMATCH, "'half.spare' is not in the checkpoint"},
    {"\"nearest\":{\"dtype\":\"BF16\"", "\"nearest\":{\"dtype\":\"F16\"", ADADELTA_ERROR_MISMATCH,
     "'nearest' is F16 in the checkpoint, BF16 in the optimizer"},
    {"\"adadelta.optimizer\":\"{", "\"adadelta.optimizer\":\"[{", ADADELTA_ERROR_FORMAT, "is malformed"},
};

static void other_lies(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof lies / sizeof *lies; k++) {
        const struct bytes file = with_header(&good, lies[k].from, lies[k].to);
        spill(path, file.data, file.size);
        free(file.data);
        refuse(every.optimizer, lies[k].status, lies[k].says);
    }
}

/* Settings of a group that its tensor could not follow, though it has its own. */
static void a_group_must_fit_its_tensors(void **state)
{
    const struct adadelta_hyper own = adadelta_hyper_default();
    struct one one;
    (void)state;
    one_start(&one, plain, (struct adadelta_tensor){.no_decay = 0});
    assert_int_equal(adadelta_set_tensor_hyper(one.optimizer, 0, &own), ADADELTA_OK);
    save(one.optimizer);
    const struct bytes whole = slurp(path);
    const struct bytes file =
        with_header(&whole, Q "groups" Q ":[{" Q "lr" Q ":1.0", Q "groups" Q ":[{" Q "lr" Q ":1e39");
    spill(path, file.data, file.size);
    refuse(one.optimizer, ADADELTA_ERROR_FORMAT, "lr must be");
    free(file.data);
    free(whole.data);
    adadelta_destroy(one.optimizer);
}

/* The tools of this test themselves work, and the edges of the ranges are inside. */
static void what_is_allowed_loads(void **state)
{
    static const char *const allowed[][2] = {
        {"seed", Q "18446744073709551615" Q},
        {"seed", Q "007" Q},
        {"average_decay", "0"},
        {"scale", "1"},
        {"clip_value", "0"},
        {"clip_norm", "1e308"},
        {"every", Q "1" Q},
        {"end", "-1"},
        {"gamma", "0"},
        {"swapped", "true"},
        {"swapped", "false"},
    };
    (void)state;
    for (size_t k = 0; k < sizeof allowed / sizeof *allowed; k++) {
        write_changed(allowed[k][0], allowed[k][1]);
        load(every.optimizer);
        assert_int_equal(adadelta_step_count(every.optimizer), 5); /* of 6, one was left out */
        if (k == 0)
            assert_true(every.optimizer->options.seed == UINT64_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(averages_of_another_kind),
        cmocka_unit_test(weights_kept_in_another_way),
        cmocka_unit_test(weights_of_wide_values_do_not_matter),
        cmocka_unit_test(another_type),
        cmocka_unit_test(a_callback_that_is_not_there),
        cmocka_unit_test(malformed_settings),
        cmocka_unit_test(other_lies),
        cmocka_unit_test(a_group_must_fit_its_tensors),
        cmocka_unit_test(what_is_allowed_loads),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
