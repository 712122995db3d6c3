/* SPDX-License-Identifier: MIT */
/* State in codes goes on with the same bits: in a copy, and out of a file into another optimizer. The file says what
   its codes mean, and one that does not, or means something else, is refused. */
#include <math.h>
#include "checkpoint_every.h"
#include "checkpoint_seal.h"
#include "coded_state.h"

/* ---- A run ---- */

/* Tensors of 100 elements, whose eps changes on the way, one's by itself. */
enum { LENGTH = 100, OF_RUN = 4, LAST = 24 };

static const struct adadelta_tensor of_run[OF_RUN] = {
    {.name = "float", .ndim = 2, .shape = {10, 10}, .gradient_dtype = ADADELTA_F64},
    {.name = "own", .ndim = 1, .shape = {LENGTH}, .gradient_dtype = ADADELTA_F64},
    {.name = "double", .dtype = ADADELTA_F64, .ndim = 1, .shape = {LENGTH}},
    {.name = "stochastic",
     .dtype = ADADELTA_BF16,
     .ndim = 1,
     .shape = {LENGTH},
     .gradient_dtype = ADADELTA_F64,
     .weights = ADADELTA_WEIGHTS_STOCHASTIC},
};

struct course_of_codes {
    struct adadelta *optimizer;
    double values[OF_RUN][LENGTH], gradients[OF_RUN][LENGTH];
};

static const struct adadelta_hyper first_settings = {.lr = 1, .rho = 0.9, .eps = 0x1p-10, .weight_decay = 0.01};

static void run_begin(struct course_of_codes *run_, enum adadelta_dtype type, uint64_t seed)
{
    const struct adadelta_options options = {.threads = 1,
                                             .seed = seed,
                                             .averaging = ADADELTA_AVERAGING_EXPONENTIAL,
                                             .average_decay = 0.9,
                                             .state_dtype = type};
    run_->optimizer = optimizer_of(&options, &first_settings);
    for (size_t k = 0; k < OF_RUN; k++) {
        struct adadelta_tensor tensor = of_run[k];
        tensor.values = run_->values[k], tensor.gradient = run_->gradients[k];
        for (int i = 0; i < LENGTH; i++)
            put_number(tensor.dtype ? tensor.dtype : ADADELTA_F32, run_->values[k], (size_t)i, noise(1, i));
        assert_int_equal(adadelta_add_tensor(run_->optimizer, 0, &tensor, NULL), ADADELTA_OK);
    }
}

/* The steps from .. to - 1. Before the first of two thirds of them eps is another one, twice in a row now and then. */
static void run_go(struct course_of_codes *run_, int from, int to)
{
    for (int t = from; t < to; t++) {
        struct adadelta_hyper hyper = first_settings;
        for (size_t k = 0; k < OF_RUN; k++)
            for (int i = 0; i < LENGTH; i++)
                run_->gradients[k][i] = noise(t, 100 * (int)k + i);
        for (int times = 0; times < t % 3; times++) {
            hyper.eps = 0x1p-10 / (1 + 0.01 * t + 0.1 * times);
            assert_int_equal(adadelta_set_hyper(run_->optimizer, 0, &hyper), ADADELTA_OK);
        }
        hyper.eps = 0x1p-8 * (1 + 0.1 * t);
        if (t % 4 == 1)
            assert_int_equal(adadelta_set_tensor_hyper(run_->optimizer, 1, t % 8 == 1 ? &hyper : NULL), ADADELTA_OK);
        assert_int_equal(adadelta_step(run_->optimizer), ADADELTA_OK);
    }
}

/* ---- The same bits ---- */

/* Saved after stop steps and read by an optimizer of another seed that has gone another way. */
static void a_resumed_run_is_the_unbroken_one(void **state)
{
    static struct course_of_codes unbroken, broken, resumed;
    (void)state;
    for (size_t k = 0; k < 2; k++)
        for (int stop = 0; stop <= LAST; stop += 3) {
            run_begin(&unbroken, coded_types[k], 1);
            run_begin(&broken, coded_types[k], 1);
            run_begin(&resumed, coded_types[k], 2);
            run_go(&unbroken, 0, LAST);
            run_go(&broken, 0, stop);
            run_go(&resumed, 3, 8);
            save(broken.optimizer);
            load(resumed.optimizer);
            assert_same(broken.optimizer, resumed.optimizer);
            run_go(&resumed, stop, LAST);
            assert_same(unbroken.optimizer, resumed.optimizer);
            adadelta_destroy(unbroken.optimizer);
            adadelta_destroy(broken.optimizer);
            adadelta_destroy(resumed.optimizer);
        }
}

/* Between two changes of eps, too, without a step between them. */
static void a_change_of_eps_is_resumed(void **state)
{
    static struct course_of_codes unbroken, resumed;
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct adadelta_hyper hyper = first_settings;
        run_begin(&unbroken, coded_types[k], 1);
        run_begin(&resumed, coded_types[k], 2);
        run_go(&unbroken, 0, 5);
        hyper.eps = 0x1.1p-10;
        assert_int_equal(adadelta_set_hyper(unbroken.optimizer, 0, &hyper), ADADELTA_OK);
        save(unbroken.optimizer);
        load(resumed.optimizer);
        hyper.eps = 0x1.3p-10;
        assert_int_equal(adadelta_set_hyper(unbroken.optimizer, 0, &hyper), ADADELTA_OK);
        assert_int_equal(adadelta_set_hyper(resumed.optimizer, 0, &hyper), ADADELTA_OK);
        run_go(&unbroken, 5, 7);
        run_go(&resumed, 5, 7);
        assert_same(unbroken.optimizer, resumed.optimizer);
        adadelta_destroy(unbroken.optimizer);
        adadelta_destroy(resumed.optimizer);
    }
}

/* From codes into floats and, in the resumed run, back into codes. */
static void a_change_of_type_is_resumed(void **state)
{
    static struct course_of_codes unbroken, resumed;
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        run_begin(&unbroken, coded_types[k % 2], 1);
        run_begin(&resumed, k / 2 ? ADADELTA_F16 : coded_types[k % 2], 2);
        run_go(&unbroken, 0, 6);
        run_go(&resumed, 0, 9);
        assert_int_equal(adadelta_set_state_dtype(unbroken.optimizer, 0, ADADELTA_F16), ADADELTA_OK);
        assert_int_equal(adadelta_set_state_dtype(resumed.optimizer, 0, ADADELTA_F16), ADADELTA_OK);
        run_go(&unbroken, 6, 8);
        save(unbroken.optimizer);
        load(resumed.optimizer);
        assert_int_equal(adadelta_set_state_dtype(unbroken.optimizer, 0, ADADELTA_U16), ADADELTA_OK);
        assert_int_equal(adadelta_set_state_dtype(resumed.optimizer, 0, ADADELTA_U16), ADADELTA_OK);
        assert_same(unbroken.optimizer, resumed.optimizer);
        run_go(&unbroken, 8, 10);
        run_go(&resumed, 8, 10);
        assert_same(unbroken.optimizer, resumed.optimizer);
        adadelta_destroy(unbroken.optimizer);
        adadelta_destroy(resumed.optimizer);
    }
}

static void a_copy_goes_on_alike(void **state)
{
    static struct course_of_codes model, copy;
    (void)state;
    for (size_t k = 0; k < 2; k++)
        for (int stop = 0; stop < LAST; stop += 5) {
            enum adadelta_dtype shared[2];
            run_begin(&model, coded_types[k], 1);
            run_go(&model, 0, stop);
            assert_int_equal(adadelta_set_state_dtype(model.optimizer, 0, coded_types[stop % 2]), ADADELTA_OK);
            copy = model;
            assert_int_equal(adadelta_clone(model.optimizer, &copy.optimizer), ADADELTA_OK);
            assert_int_equal(adadelta_get_state_dtype(model.optimizer, 0, &shared[0]), ADADELTA_OK);
            assert_int_equal(adadelta_get_state_dtype(copy.optimizer, 0, &shared[1]), ADADELTA_OK);
            assert_true(shared[0] == shared[1] && shared[0] == coded_types[stop % 2]);
            for (size_t t = 0; t < OF_RUN; t++)
                assert_int_equal(adadelta_set_buffers(copy.optimizer, t, copy.values[t], copy.gradients[t]),
                                 ADADELTA_OK);
            run_go(&model, stop, LAST);
            run_go(&copy, stop, LAST);
            assert_same(model.optimizer, copy.optimizer);
            adadelta_destroy(copy.optimizer);
            run_go(&model, LAST, LAST + 1); /* whose state is its own */
            adadelta_destroy(model.optimizer);
        }
}

/* The seed comes with the file: it is what chance is drawn from, and the codes of floats are all that it has a part in.
 */
static void the_seed_comes_along(void **state)
{
    static struct course_of_codes saved, other;
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        run_begin(&saved, coded_types[k], 1);
        run_begin(&other, coded_types[k], 1);
        run_go(&saved, 0, 6);
        save(saved.optimizer);
        struct bytes good = slurp(path),
                     changed = with_header(&good, "\\\"seed\\\":\\\"1\\\"", "\\\"seed\\\":\\\"2\\\"");
        spill(path, changed.data, changed.size);
        load(other.optimizer);
        assert_int_equal(adadelta_get_options(other.optimizer).seed, 2);
        run_go(&saved, 6, 7); /* in which eps stays */
        run_go(&other, 6, 7);
        assert_memory_equal(saved.values[0], other.values[0], LENGTH * sizeof(float));
        assert_memory_not_equal(array_named(saved.optimizer, 0, "square_avg"),
                                array_named(other.optimizer, 0, "square_avg"), LENGTH);
        free(good.data);
        free(changed.data);
        adadelta_destroy(saved.optimizer);
        adadelta_destroy(other.optimizer);
    }
}

/* ---- The file ---- */

/* The numbers that a reader makes of a tensor's state, by docs/lowbit.md alone. */
static void expect_printed(const char *printed, const struct adadelta *optimizer, size_t index, const char *name)
{
    double numbers[LENGTH];
    char key[100];
    snprintf(key, sizeof key, "means \"%s.%s\"", of_run[index].name, name);
    const char *at = strstr(printed, key);
    if (!at)
        fail_msg("no %s", key);
    at += strlen(key);
    get_numbers(optimizer, index, name, numbers);
    for (size_t i = 0; i < LENGTH; i++) {
        char *end;
        const double read = strtod(at, &end);
        if (end == at || read != numbers[i])
            fail_msg("%s: element %zu is %.17g, not %.17g", key, i, read, numbers[i]);
        at = end;
    }
    assert_int_equal(*at, '\n');
}

static void python_reads_the_numbers(void **state)
{
    static struct course_of_codes saved;
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        char line[100];
        run_begin(&saved, coded_types[k], 1);
        run_go(&saved, 0, 10);
        save(saved.optimizer);
        char *printed = read_by_python();
        snprintf(line, sizeof line, "array \"double.acc_delta\" %s [100] ", k ? "U8" : "U16");
        assert_non_null(strstr(printed, line));
        snprintf(line, sizeof line,
                 "\\\"state\\\":{\\\"format\\\":\\\"%s\\\",\\\"unit\\\":", k ? "w3e5 q2e6" : "w10e6");
        assert_non_null(strstr(printed, line));
        for (size_t t = 0; t < OF_RUN; t++) {
            expect_printed(printed, saved.optimizer, t, "square_avg");
            expect_printed(printed, saved.optimizer, t, "acc_delta");
        }
        free(printed);
        adadelta_destroy(saved.optimizer);
    }
}

/* ---- What does not fit ---- */

static void another_type_is_refused(void **state)
{
    static const enum adadelta_dtype types[] = {ADADELTA_F32, ADADELTA_BF16, ADADELTA_F16, ADADELTA_U16, ADADELTA_U8};
    static struct course_of_codes from, to;
    (void)state;
    for (size_t k = 0; k < 25; k++) {
        char says[100];
        if (k % 5 == k / 5)
            continue;
        run_begin(&from, types[k % 5], 1);
        run_begin(&to, types[k / 5], 1);
        run_go(&from, 0, 2);
        run_go(&to, 0, 3);
        save(from.optimizer);
        snprintf(says, sizeof says, "'float.square_avg' is %s in the checkpoint, %s in the optimizer",
                 adadelta_dtype_name(types[k % 5]), adadelta_dtype_name(types[k / 5]));
        refuse(to.optimizer, ADADELTA_ERROR_MISMATCH, says);
        /* Brought into the file's type, it takes the file. */
        assert_int_equal(adadelta_set_state_dtype(to.optimizer, 0, types[k % 5]), ADADELTA_OK);
        load(to.optimizer);
        assert_same(from.optimizer, to.optimizer);
        adadelta_destroy(from.optimizer);
        adadelta_destroy(to.optimizer);
    }
}

#define Q "\\\"" /* a quote in the optimizer's JSON, which is a text in the header's */

/* A file of one tensor with that in the place of a part of it. */
static void with_part(struct adadelta *optimizer, const struct bytes *good, const char *from, const char *to,
                      enum adadelta_status status, const char *says)
{
    struct bytes bad = with_header(good, from, to);
    spill(path, bad.data, bad.size);
    free(bad.data);
    if (status)
        refuse(optimizer, status, says);
    else
        load(optimizer);
}

/* The unit is that of the first settings, 2^-10; nothing is rounded but by steps. */
#define UNIT     Q "unit" Q ":0.0009765625"
#define REWRITES Q "rewrites" Q ":0"

static const char lacks[] = "a tensor with state in codes lacks their format";

/* What stands for a key, given without its last quote, must not be that. */
static void with_value(struct adadelta *optimizer, const struct bytes *good, const char *from, const char *key,
                       const char *value)
{
    char to[100];
    if (*value == ':')
        snprintf(to, sizeof to, "%s" Q "%s", key, value);
    else /* makes another key of it */
        snprintf(to, sizeof to, "%s%c" Q "%s", key, *value, value + 1);
    with_part(optimizer, good, from, to, ADADELTA_ERROR_FORMAT, lacks);
}

static void damaged_words_about_codes_are_refused(void **state)
{
    static const char *const units[] = {":0.0",        ":-0.0",  ":-1.0", ":null", ":true",
                                        ":" Q "0.5" Q, ":[0.5]", ":{}",   "s:0.5"};
    static const char *const counts[] = {":-1", ":1.5", ":null", ":true", ":" Q "0" Q, ":[0]", ":{}", "2:0"};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        const char *format = k ? Q "format" Q ":" Q "w3e5 q2e6" Q : Q "format" Q ":" Q "w10e6" Q;
        float x[LENGTH] = {1}, gradient[LENGTH] = {2, 3};
        struct adadelta *optimizer = floats_with(coded_types[k], 0x1p-10, LENGTH, x);
        assert_int_equal(adadelta_step_tensor(optimizer, 0, gradient), ADADELTA_OK);
        save(optimizer);
        const struct bytes good = slurp(path);
        for (size_t u = 0; u < sizeof units / sizeof *units; u++)
            with_value(optimizer, &good, UNIT, Q "unit", units[u]);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            with_value(optimizer, &good, REWRITES, Q "rewrites", counts[c]);
        with_part(optimizer, &good, UNIT, Q "unit" Q ":1e400", ADADELTA_ERROR_FORMAT, "real number overflow");
        with_part(optimizer, &good, UNIT, Q "unit" Q ":NaN", ADADELTA_ERROR_FORMAT, "malformed");
        with_part(optimizer, &good, Q "state" Q, Q "states" Q, ADADELTA_ERROR_FORMAT, lacks);
        with_part(optimizer, &good, Q "format" Q, Q "form" Q, ADADELTA_ERROR_FORMAT, lacks);
        with_part(optimizer, &good, format, Q "format" Q ":16", ADADELTA_ERROR_FORMAT, lacks);
        with_part(optimizer, &good, format, Q "format" Q ":" Q "w9e7" Q, ADADELTA_ERROR_MISMATCH,
                  k ? "'x' has state in codes 'w9e7' in the checkpoint, 'w3e5 q2e6' in the optimizer"
                    : "'x' has state in codes 'w9e7' in the checkpoint, 'w10e6' in the optimizer");
        with_part(optimizer, &good, format, Q "format" Q ":" Q Q, ADADELTA_ERROR_MISMATCH, "codes '' in the");
        with_part(optimizer, &good, UNIT, UNIT, ADADELTA_OK, NULL);
        free(good.data);
        adadelta_destroy(optimizer);
    }
}

/* A file in units of something else than eps, which another program may write, is brought into units of eps. */
static void codes_in_another_unit(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        float x[LENGTH] = {1};
        double numbers[LENGTH];
        struct numbers said[LENGTH];
        struct adadelta *optimizer = floats_with(coded_types[k], 0x1p-10, LENGTH, x);
        for (int i = 0; i < LENGTH; i++)
            numbers[i] = 0.001 * i;
        set_numbers(optimizer, 0, "square_avg", LENGTH, numbers);
        set_numbers(optimizer, 0, "acc_delta", LENGTH, numbers);
        for (size_t i = 0; i < LENGTH; i++)
            said[i] = numbers_at(optimizer, 0, i, 0x1p-7);
        save(optimizer);
        const struct bytes good = slurp(path);
        with_part(optimizer, &good, UNIT, Q "unit" Q ":0.0078125", ADADELTA_OK, NULL);
        for (size_t i = 0; i < LENGTH; i++) {
            const struct numbers now = numbers_at(optimizer, 0, i, 0x1p-10);
            assert_true(is_near(coded_types[k], 0, now.v, said[i].v, 0x1p-10));
            assert_true(is_near(coded_types[k], 1, now.u, fmax(said[i].u, 0), 0x1p-10));
        }
        free(good.data);
        adadelta_destroy(optimizer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resumed_run_is_the_unbroken_one),
        cmocka_unit_test(a_change_of_eps_is_resumed),
        cmocka_unit_test(a_change_of_type_is_resumed),
        cmocka_unit_test(a_copy_goes_on_alike),
        cmocka_unit_test(the_seed_comes_along),
        cmocka_unit_test(python_reads_the_numbers),
        cmocka_unit_test(another_type_is_refused),
        cmocka_unit_test(damaged_words_about_codes_are_refused),
        cmocka_unit_test(codes_in_another_unit),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
