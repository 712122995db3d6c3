/* SPDX-License-Identifier: MIT */
/* Files that are not as they should be: every byte changed, every length, headers that lie under a true checksum. All
   must be refused, and the optimizer must stay as it was to the last bit. */
#include "checkpoint_seal.h"

static struct run run;
static struct snapshot before;
static struct bytes good;

static int set_up(void **state)
{
    if (make_folder(state))
        return -1;
    run_start(&run, ADADELTA_METHOD_ADADELTA, 1);
    run_steps(&run, 0, 6);
    if (adadelta_save(run.optimizer, path, NULL))
        return -1;
    good = slurp(path);
    run_steps(&run, 6, 9); /* so that a load that works is seen */
    before = snapshot_of(&run);
    return 0;
}

static int tear_down(void **state)
{
    run_end(&run);
    free(good.data);
    return remove_folder(state);
}

/* Loads bytes as a file. An error must have left nothing changed, and say which file it is about. */
static enum adadelta_status load(const void *data, size_t size, struct adadelta_error *error)
{
    enum adadelta_status status;

    spill(path, data, size);
    status = adadelta_load(run.optimizer, path, error);
    if (status) {
        struct snapshot after = snapshot_of(&run);
        assert_true(same(&before, &after));
        assert_int_equal(error->status, status);
        assert_ptr_equal(strstr(error->text, path), error->text);
        assert_null(strchr(error->text, '\n'));
    }
    return status;
}

static int is_refusal(enum adadelta_status status)
{
    return status == ADADELTA_ERROR_FORMAT || status == ADADELTA_ERROR_DAMAGED;
}

static void every_byte_counts(void **state)
{
    static const unsigned char masks[] = {1, 2, 4, 8, 16, 32, 64, 128, 255};
    struct adadelta_error error;
    (void)state;
    for (size_t at = 0; at < good.size; at++) {
        const unsigned char was = good.data[at];
        for (size_t k = 0; k < sizeof masks; k++) {
            good.data[at] = was ^ masks[k];
            assert_true(is_refusal(load(good.data, good.size, &error)));
        }
        good.data[at] = was;
    }
}

static void every_length_counts(void **state)
{
    struct adadelta_error error;
    unsigned char *longer = calloc(1, good.size + 1);
    (void)state;
    for (size_t size = 0; size < good.size; size++)
        assert_true(is_refusal(load(good.data, size, &error)));
    assert_non_null(longer);
    memcpy(longer, good.data, good.size);
    assert_int_equal(load(longer, good.size + 1, &error), ADADELTA_ERROR_DAMAGED);
    longer[good.size] = '\n';
    assert_int_equal(load(longer, good.size + 1, &error), ADADELTA_ERROR_DAMAGED);
    free(longer);
}

/* ---- Lies under a true checksum ---- */

static const struct lie {
    const char *from, *to;
    enum adadelta_status status;
    const char *says;
} lies[] = {
    {"{", "{", ADADELTA_OK, NULL}, /* the tool of this test itself works */
    {"\"adadelta.format\":\"2\"", "\"adadelta.format\":\"3\"", ADADELTA_ERROR_FORMAT, "reads up to format 2"},
    {"\"adadelta.format\":\"2\"", "\"adadelta.format\":\"0\"", ADADELTA_ERROR_FORMAT, "not a checkpoint format"},
    {"\"adadelta.format\":\"2\"", "\"adadelta.format\":\"1x\"", ADADELTA_ERROR_FORMAT, "not a checkpoint format"},
    {"\"adadelta.format\":\"2\"", "\"adadelta.format\":\"99999999999999999999\"", ADADELTA_ERROR_FORMAT, "reads up to"},
    {"\"adadelta.format\":\"2\"", "\"adadelta.format\":1", ADADELTA_ERROR_FORMAT, "not a string"},
    {"\"adadelta.format\"", "\"adadelta.f\"", ADADELTA_ERROR_FORMAT, "lacks adadelta.format"},
    {"\"adadelta.version\"", "\"adadelta.v\"", ADADELTA_ERROR_FORMAT, "adadelta.version"},
    {"\"adadelta.version\"", "\"adadelta.format\"", ADADELTA_ERROR_FORMAT, "duplicate"},
    {"\"adadelta.crc32\"", "\"adadelta.crc\"", ADADELTA_ERROR_FORMAT, "a safetensors file, but not an adadelta"},
    {"\"adadelta.optimizer\"", "\"optimizer\"", ADADELTA_ERROR_MISMATCH, "holds no optimizer"},
    {"__metadata__", "__metadatum__", ADADELTA_ERROR_FORMAT, "no __metadata__"},
    {"\"w\":{", "\"s\":{", ADADELTA_ERROR_FORMAT, "duplicate"},
    {"\"w\":{", "\"\":{", ADADELTA_ERROR_FORMAT, "array ''"},
    {"\"w\":{", "\"a\\n\\u001bb\":{}, \"v\":{", ADADELTA_ERROR_FORMAT,
     "array 'a??b': its entry"}, /* one line it stays */
    {"\"w\":{", "\"v\":{", ADADELTA_ERROR_MISMATCH, "'w' is not in the checkpoint"},
    {"\"w.acc_delta\":{", "\"v\":{", ADADELTA_ERROR_MISMATCH, "'w.acc_delta' is not in the checkpoint"},
    {"\"w\":{\"dtype\":\"F32\"", "\"w\":{\"dtype\":\"F8\"", ADADELTA_ERROR_FORMAT, "'w': its dtype"},
    {"\"w\":{\"dtype\":\"F32\"", "\"w\":{\"dtype\":32", ADADELTA_ERROR_FORMAT, "'w': its dtype"},
    {"\"w\":{\"dtype\":\"F32\"", "\"w\":{\"dtype\":\"U8\"", ADADELTA_ERROR_FORMAT, "do not fit its shape"},
    {"\"w\":{\"dtype\":\"F32\",\"shape\":[3,5]", "\"w\":{\"dtype\":\"U8\",\"shape\":[3,20]", ADADELTA_ERROR_MISMATCH,
     "'w' is U8 in the checkpoint, F32 in the optimizer"},
    {"\"w\":{\"dtype\":\"F32\",", "\"w\":{", ADADELTA_ERROR_FORMAT, "'w': its entry"},
    {"\"w\":{\"dtype\":\"F32\",", "\"w\":{\"x\":0,\"dtype\":\"F32\",", ADADELTA_ERROR_FORMAT, "'w': its entry"},
    {"\"w\":{", "\"u\":[],\"w\":{", ADADELTA_ERROR_FORMAT, "'u': its entry"},
    {"[3,5]", "[5,3]", ADADELTA_ERROR_MISMATCH, "'w' has shape [5, 3] in the checkpoint, [3, 5] in the optimizer"},
    {"[3,5]", "[15]", ADADELTA_ERROR_MISMATCH, "'w' has shape [15] in the checkpoint, [3, 5] in the optimizer"},
    {"[3,5]", "[3,5,1]", ADADELTA_ERROR_MISMATCH, "'w' has shape [3, 5, 1] in the checkpoint, [3, 5] in the optimizer"},
    {"[3,5]", "[3,6]", ADADELTA_ERROR_FORMAT, "do not fit its shape"},
    {"[3,5]", "[-3,-5]", ADADELTA_ERROR_FORMAT, "whole numbers"},
    {"[3,5]", "[3.0,5]", ADADELTA_ERROR_FORMAT, "whole numbers"},
    {"[3,5]", "[3,\"5\"]", ADADELTA_ERROR_FORMAT, "whole numbers"},
    {"[3,5]", "15", ADADELTA_ERROR_FORMAT, "'w': its entry"},
    {"[3,5]", "[1,1,1,1,1,1,1,3,5]", ADADELTA_ERROR_FORMAT, "more than 8 dimensions"},
    {"[3,5]", "[4611686018427387904,4,5]", ADADELTA_ERROR_FORMAT, "do not fit its shape"},
    {"[3,5]", "[4294967296,4294967296]", ADADELTA_ERROR_FORMAT, "do not fit its shape"},
    {"[3,5]", "[9223372036854775808]", ADADELTA_ERROR_FORMAT, "integer"},
    {"\"data_offsets\":[0,", "\"data_offsets\":[8,", ADADELTA_ERROR_FORMAT, "leave a gap"},
    {"\"data_offsets\":[0,", "\"data_offsets\":[-8,", ADADELTA_ERROR_FORMAT, "two whole numbers"},
    {"\"data_offsets\":[0,", "\"data_offsets\":[", ADADELTA_ERROR_FORMAT, "two whole numbers"},
    {"\"data_offsets\":[0,", "\"data_offsets\":[0,0,", ADADELTA_ERROR_FORMAT, "two whole numbers"},
    {"\"data_offsets\":[0,56]", "\"data_offsets\":[0,9223372036854775807]", ADADELTA_ERROR_FORMAT, "outside the file"},
    {"\"data_offsets\":[0,56]", "\"data_offsets\":[0,48]", ADADELTA_ERROR_FORMAT, "do not fit its shape"},
    {"\"method\\\":\\\"adadelta", "\"method\\\":\\\"sgd", ADADELTA_ERROR_MISMATCH,
     "method is 'sgd', the optimizer's is 'adadelta'"},
    {"\"method\\\"", "\"m\\\"", ADADELTA_ERROR_FORMAT, "lacks method, step or skipped"},
    {"\"step\\\":6", "\"step\\\":-6", ADADELTA_ERROR_FORMAT, "lacks method, step or skipped"},
    {"\"step\\\":6", "\"step\\\":6.5", ADADELTA_ERROR_FORMAT, "lacks method, step or skipped"},
    {"\"groups\\\":[", "\"groups\\\":[{},", ADADELTA_ERROR_MISMATCH, "3 groups, the optimizer has 2"},
    {"\"groups\\\":[", "\"groups\\\":{},\\\"x\\\":[", ADADELTA_ERROR_FORMAT, "groups must be a list"},
    {"\"rho\\\":0.94999999999999996", "\"rho\\\":1", ADADELTA_ERROR_FORMAT, "rho must be"},
    {"\"rho\\\":0.94999999999999996", "\"rho\\\":\\\"1\\\"", ADADELTA_ERROR_FORMAT,
     "a group or tensor lacks a setting"},
    {"\"lr\\\":1.0", "\"lr\\\":1e999", ADADELTA_ERROR_FORMAT, "adadelta.optimizer is malformed"},
    {"\"lr\\\":1.0", "\"lr\\\":1e39", ADADELTA_ERROR_FORMAT, "lr must be"}, /* infinite as a float */
    {"\"nesterov\\\":false", "\"nesterov\\\":0", ADADELTA_ERROR_FORMAT, "a group or tensor lacks a setting"},
    {"\"tensors\\\":{", "\"tensors\\\":{\\\"v\\\":{},", ADADELTA_ERROR_MISMATCH, "5 tensors, the optimizer has 4"},
    {"\"tensors\\\":{", "\"tensors\\\":0,\\\"x\\\":{", ADADELTA_ERROR_FORMAT, "tensors must be a map"},
    {"\\\"w\\\":{\\\"group\\\":0", "\\\"v\\\":{\\\"group\\\":0", ADADELTA_ERROR_MISMATCH,
     "'w' is not in the checkpoint"},
    {"\\\"w\\\":{\\\"group\\\":0", "\\\"w\\\":{\\\"group\\\":1", ADADELTA_ERROR_MISMATCH,
     "'w' is in group 1 in the checkpoint, in group 0"},
    {"\\\"w\\\":{\\\"group\\\":0", "\\\"w\\\":{\\\"g\\\":0", ADADELTA_ERROR_FORMAT,
     "lacks group, step, skipped or averaged"},
    {"\\\"tensors\\\":{", "\\\"method\\\":\\\"sgd\\\",\\\"tensors\\\":{", ADADELTA_ERROR_FORMAT, "duplicate"},
};

static void a_true_checksum_is_not_enough(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof lies / sizeof *lies; k++) {
        struct adadelta_error error = {.text = ""};
        struct bytes file = with_header(&good, lies[k].from, lies[k].to);
        enum adadelta_status status = load(file.data, file.size, &error);
        if (status != lies[k].status || (status && !strstr(error.text, lies[k].says)))
            fail_msg("%s -> %s: %d, %s", lies[k].from, lies[k].to, (int)status, error.text);
        before = snapshot_of(&run);
        free(file.data);
    }
}

static void bytes_after_the_arrays_are_refused(void **state)
{
    unsigned char *longer = malloc(good.size + 8);
    struct adadelta_error error;
    (void)state;
    assert_non_null(longer);
    memcpy(longer, good.data, good.size);
    memset(longer + good.size, 0, 8);
    assert_true(seal(longer, good.size + 8));
    assert_int_equal(load(longer, good.size + 8, &error), ADADELTA_ERROR_FORMAT);
    assert_non_null(strstr(error.text, "8 bytes follow the last array"));
    free(longer);
}

static void deep_and_long_headers_are_survived(void **state)
{
    enum { DEEP = 100000 };
    char *deep = malloc(DEEP + 20);
    struct adadelta_error error;
    struct bytes file;
    uint64_t length = UINT64_MAX;
    (void)state;
    assert_non_null(deep);
    memset(deep, '[', DEEP);
    strcpy(deep + DEEP, "[3,5]");
    file = with_header(&good, "[3,5]", deep);
    assert_int_equal(load(file.data, file.size, &error), ADADELTA_ERROR_FORMAT);
    for (int k = 0; k < 64; k++, length >>= 1) {
        memcpy(file.data, &length, 8);
        assert_true(is_refusal(load(file.data, file.size, &error)));
    }
    free(file.data);
    free(deep);
}

/* Bytes changed, moved and dropped at random, and the checksum put right: whatever the parser thinks of it, it must not
   go wrong (this is what the sanitizers look at), and an error must change nothing. */
static void random_changes_under_a_true_checksum(void **state)
{
    static const char tokens[] = "{}[]\",:\\0123456789-+.eE nulltrfas\x80\xff";
    uint32_t random = 1, loaded = 0;
    unsigned char *data = malloc(good.size);
    (void)state;
    assert_non_null(data);
    for (int round = 0; round < 20000; round++) {
        struct adadelta_error error;
        size_t size = good.size;
        uint64_t length;
        memcpy(data, good.data, size);
        memcpy(&length, data, 8);
        for (int changes = 1 + round % 3; changes > 0; changes--) {
            random = random * 1664525u + 1013904223u;
            size_t at = 8 + (random >> 8) % length;
            random = random * 1664525u + 1013904223u;
            if (random >> 30 == 0) { /* drop a byte of the header, and keep its length */
                memmove(data + at, data + at + 1, 8 + length - at - 1);
                data[8 + length - 1] = ' ';
            } else {
                data[at] = (unsigned char)tokens[(random >> 8) % (sizeof tokens - 1)];
            }
        }
        if (!seal(data, size))
            continue;
        enum adadelta_status status = load(data, size, &error);
        if (status == ADADELTA_OK) {
            loaded++;
            before = snapshot_of(&run);
        } else {
            assert_true(is_refusal(status) || status == ADADELTA_ERROR_MISMATCH);
        }
    }
    assert_true(loaded > 0); /* changes of numbers and of padding do load */
    free(data);
}

static void other_files_are_named_for_what_they_are(void **state)
{
    static const char foreign[] = "{\"w\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}} ";
    unsigned char file[8 + sizeof foreign - 1 + 4] = {sizeof foreign - 1};
    struct adadelta_error error;
    (void)state;
    memcpy(file + 8, foreign, sizeof foreign - 1);
    assert_int_equal(load(file, sizeof file, &error), ADADELTA_ERROR_FORMAT);
    assert_non_null(strstr(error.text, "a safetensors file, but not an adadelta checkpoint"));
    assert_int_equal(load("sepal,petal\n1,2\n3,4\n", 20, &error), ADADELTA_ERROR_FORMAT);
    assert_non_null(strstr(error.text, "not an adadelta checkpoint"));
    assert_int_equal(load("", 0, &error), ADADELTA_ERROR_FORMAT);
    assert_int_equal(load(good.data, good.size / 2, &error), ADADELTA_ERROR_DAMAGED);
    assert_non_null(strstr(error.text, ": cut"));
}

static void the_good_file_still_loads(void **state)
{
    struct run other;
    struct snapshot want, got;
    struct adadelta_error error;
    (void)state;
    assert_int_equal(load(good.data, good.size, &error), ADADELTA_OK);
    run_start(&other, ADADELTA_METHOD_ADADELTA, 1);
    run_steps(&other, 0, 6);
    want = snapshot_of(&other);
    got = snapshot_of(&run);
    assert_true(same(&want, &got));
    run_end(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(every_length_counts),
        cmocka_unit_test(other_files_are_named_for_what_they_are),
        cmocka_unit_test(a_true_checksum_is_not_enough),
        cmocka_unit_test(bytes_after_the_arrays_are_refused),
        cmocka_unit_test(deep_and_long_headers_are_survived),
        cmocka_unit_test(random_changes_under_a_true_checksum),
        cmocka_unit_test(the_good_file_still_loads),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
