/* SPDX-License-Identifier: MIT */
/* Reads the safetensors header. Nothing is believed before the checksum holds, and nothing after it without a check. */
#include "safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc32.h"
#include "optimizer.h"

static const enum adadelta_status damaged = ADADELTA_ERROR_DAMAGED, format = ADADELTA_ERROR_FORMAT;

/* The file as it lies in memory. */
struct layout {
    const char *file;
    size_t size;
    size_t data; /* where the arrays begin */
};

/* ---- The checksum ---- */

size_t safetensors_crc_place(const char *header, size_t size)
{
    /* In JSON a quote inside a string has a backslash before it, so these bytes stand nowhere but at the key itself. */
    static const char key[] = "\"" TEXT_CRC32 "\":\"";
    const size_t length = sizeof(key) - 1;

    for (size_t at = LENGTH_SIZE; at + length + CRC_DIGITS < size; at++) {
        const char *next = memchr(header + at, '"', size - at);
        if (!next)
            return 0;
        at = (size_t)(next - header);
        if (at + length + CRC_DIGITS >= size)
            return 0;
        if (memcmp(next, key, length) == 0 && next[length + CRC_DIGITS] == '"')
            return at + length;
    }
    return 0;
}

/* The checksum of the file with its digits taken as zeros. */
static uint32_t checksum(const struct layout *layout, size_t place)
{
    struct crc32 crc;

    crc32_start(&crc);
    crc32_add(&crc, layout->file, place);
    crc32_add(&crc, "00000000", CRC_DIGITS);
    crc32_add(&crc, layout->file + place + CRC_DIGITS, layout->size - place - CRC_DIGITS);
    return crc32_value(&crc);
}

static json_t *parse_header(const struct layout *layout, char wrong[JSON_ERROR_TEXT_LENGTH])
{
    return checkpoint_parse(layout->file + LENGTH_SIZE, layout->data - LENGTH_SIZE, wrong);
}

/* A file without our checksum: of another program, or no safetensors file at all. */
static enum adadelta_status foreign(const struct layout *layout, struct adadelta_error *error)
{
    char wrong[JSON_ERROR_TEXT_LENGTH];
    json_t *header = parse_header(layout, wrong);
    int object = json_is_object(header);

    json_decref(header);
    if (!header && !*wrong)
        return fail(error, ADADELTA_ERROR_MEMORY, "no memory for the header");
    if (object)
        return fail(error, format, "a safetensors file, but not an adadelta checkpoint: no " TEXT_CRC32 " in it");
    return fail(error, format, "not an adadelta checkpoint");
}

static enum adadelta_status check_bytes(struct layout *layout, struct adadelta_error *error)
{
    uint64_t length = 0;
    size_t place;
    char digits[CRC_DIGITS + 1];

    if (layout->size <= LENGTH_SIZE)
        return fail(error, format, "not an adadelta checkpoint: only %zu bytes long", layout->size);
    for (int k = 0; k < LENGTH_SIZE; k++)
        length |= (uint64_t)(unsigned char)layout->file[k] << 8 * k;
    if (length > MAX_HEADER || layout->file[LENGTH_SIZE] != '{')
        return fail(error, format, "not an adadelta checkpoint");
    if (length > layout->size - LENGTH_SIZE)
        return fail(error, damaged, "cut: the header should have %" PRIu64 " bytes, but only %zu are there", length,
                    layout->size - LENGTH_SIZE);
    layout->data = LENGTH_SIZE + (size_t)length;
    place = safetensors_crc_place(layout->file, layout->data);
    if (place == 0)
        return foreign(layout, error);
    snprintf(digits, sizeof(digits), "%08" PRIx32, checksum(layout, place));
    if (memcmp(digits, layout->file + place, CRC_DIGITS) != 0)
        return fail(error, damaged, "cut, or its bytes have changed: their checksum is %s, but should be %.8s", digits,
                    layout->file + place);
    return ADADELTA_OK;
}

/* ---- The texts ---- */

/* Whether the format is one that this library reads. */
static enum adadelta_status check_format(const json_t *map, struct adadelta_error *error)
{
    const char *text = json_string_value(json_object_get(map, TEXT_FORMAT));
    const char *version = json_string_value(json_object_get(map, TEXT_VERSION));
    char *end;
    long number;

    if (!text || !version)
        return fail(error, format, "the header lacks " TEXT_FORMAT " or " TEXT_VERSION);
    number = strtol(text, &end, 10);
    if (end == text || *end || number < 1)
        return fail(error, format, "'%.40s' is not a checkpoint format", text);
    if (number > CHECKPOINT_FORMAT)
        return fail(error, format,
                    "checkpoint format %ld, written by adadelta %.40s; adadelta %s reads up to format %d", number,
                    version, adadelta_version_string(), CHECKPOINT_FORMAT);
    return ADADELTA_OK;
}

static enum adadelta_status read_texts(struct adadelta_checkpoint *checkpoint, json_t *map,
                                       struct adadelta_error *error)
{
    const char *name;
    json_t *text;

    if (!json_is_object(map))
        return fail(error, format, "the header has no __metadata__");
    json_object_foreach(map, name, text)
    {
        if (!json_is_string(text))
            return fail(error, format, "the header's text '%.80s' is not a string", name);
        if (checkpoint_put_text(checkpoint, name, json_string_value(text)))
            return fail(error, ADADELTA_ERROR_MEMORY, "no memory for the checkpoint's texts");
    }
    return check_format(map, error);
}

/* ---- The arrays ---- */

/* A whole number that fits in memory, of an array at k. */
static int size_at(const json_t *list, size_t k, size_t *size)
{
    const json_t *item = json_array_get(list, k);
    json_int_t value = json_integer_value(item);

    if (!json_is_integer(item) || value < 0 || (uint64_t)value > SIZE_MAX)
        return 0;
    *size = (size_t)value;
    return 1;
}

static int dtype_by_name(const char *name, enum adadelta_dtype *dtype)
{
    for (int k = ADADELTA_F32; name && k < ADADELTA_DTYPE_COUNT; k++) {
        if (strcmp(name, adadelta_dtype_name((enum adadelta_dtype)k)) == 0) {
            *dtype = (enum adadelta_dtype)k;
            return 1;
        }
    }
    return 0;
}

/* What an entry of the header says of its array; begin and end count from the first array. NULL, or what is wrong. */
static const char *parse_entry(const json_t *entry, struct adadelta_tensor *array, size_t *begin, size_t *end)
{
    const json_t *shape = json_object_get(entry, "shape"), *offsets = json_object_get(entry, "data_offsets");

    if (json_object_size(entry) != 3 || !json_is_array(shape) || !json_is_array(offsets))
        return "its entry must be dtype, shape and data_offsets";
    if (!dtype_by_name(json_string_value(json_object_get(entry, "dtype")), &array->dtype))
        return "its dtype is not one of F64, F32, BF16, F16, U16, U8";
    array->ndim = json_array_size(shape);
    if (array->ndim > ADADELTA_MAX_DIMS)
        return "it has more than 8 dimensions";
    for (size_t k = 0; k < array->ndim; k++)
        if (!size_at(shape, k, &array->shape[k]))
            return "its shape is not of whole numbers";
    if (json_array_size(offsets) != 2 || !size_at(offsets, 0, begin) || !size_at(offsets, 1, end))
        return "its data_offsets are not two whole numbers";
    return NULL;
}

/* Finds an array's bytes; *next is where they must begin, and becomes where they end. NULL, or what is wrong. */
static const char *place_array(const struct layout *layout, const json_t *entry, struct adadelta_tensor *array,
                               size_t *next)
{
    size_t begin, end, n;
    const char *wrong = parse_entry(entry, array, &begin, &end);

    if (wrong)
        return wrong;
    n = shape_elements(array->dtype, array->ndim, array->shape);
    if (begin != *next || end < begin || end > layout->size - layout->data)
        return "its data_offsets leave a gap, overlap, or lie outside the file";
    if (n == SIZE_MAX || end - begin != n * adadelta_dtype_size(array->dtype))
        return "its data_offsets do not fit its shape";
    if ((layout->data + begin) % adadelta_dtype_size(array->dtype) != 0)
        return "its bytes are not aligned";
    array->values = (void *)(layout->file + layout->data + begin);
    *next = end;
    return NULL;
}

static enum adadelta_status read_arrays(struct adadelta_checkpoint *checkpoint, const struct layout *layout,
                                        json_t *header, struct adadelta_error *error)
{
    const char *name;
    json_t *entry;
    size_t next = 0;

    json_object_foreach(header, name, entry)
    {
        struct adadelta_tensor array = {.name = name};
        const char *wrong;
        enum adadelta_status status;

        if (strcmp(name, "__metadata__") == 0)
            continue;
        wrong = place_array(layout, entry, &array, &next);
        if (wrong)
            return fail(error, format, "array '%.80s': %s", name, wrong);
        status = adadelta_checkpoint_set_tensor(checkpoint, &array);
        if (status == ADADELTA_ERROR_MEMORY)
            return fail(error, status, "no memory for the checkpoint's arrays");
        if (status)
            return fail(error, format, "array '%.80s': %s", name, adadelta_status_string(status));
    }
    if (next != layout->size - layout->data)
        return fail(error, format, "%zu bytes follow the last array", layout->size - layout->data - next);
    return ADADELTA_OK;
}

enum adadelta_status safetensors_decode(struct adadelta_checkpoint *checkpoint, size_t size,
                                        struct adadelta_error *error)
{
    struct layout layout = {.file = checkpoint->file, .size = size};
    char wrong[JSON_ERROR_TEXT_LENGTH];
    json_t *header;
    enum adadelta_status status = check_bytes(&layout, error);

    if (status)
        return status;
    header = parse_header(&layout, wrong);
    if (!header && !*wrong)
        return fail(error, ADADELTA_ERROR_MEMORY, "no memory for the checkpoint's header");
    if (!header)
        return fail(error, format, "the header is not JSON: %s", wrong);
    status = read_texts(checkpoint, json_object_get(header, "__metadata__"), error);
    if (!status)
        status = read_arrays(checkpoint, &layout, header, error);
    json_decref(header);
    return status;
}
