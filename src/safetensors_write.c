/* SPDX-License-Identifier: MIT */
/* Writes the safetensors header. Arrays of wider elements come first, so that without any gap each is aligned. */
#include "safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc32.h"
#include "optimizer.h"

/* Of the first array in the file: a cache line, so that a mapped file can be used in place. */
enum { DATA_ALIGNMENT = 64 };

enum { WIDEST = 8 };

/* What the checksum is taken with in its place. */
#define CRC_ZEROS "00000000"

static size_t array_bytes(const struct adadelta_tensor *array)
{
    return shape_elements(array->dtype, array->ndim, array->shape) * adadelta_dtype_size(array->dtype);
}

/* The map __metadata__: the library's keys, then the texts. NULL: no memory. */
static json_t *metadata(const struct adadelta_checkpoint *checkpoint)
{
    json_t *map = json_object(), *text;
    const char *name;
    char format[16];
    int failed = 0;

    snprintf(format, sizeof(format), "%d", CHECKPOINT_FORMAT);
    failed |= json_object_set_new(map, TEXT_FORMAT, json_string(format));
    failed |= json_object_set_new(map, TEXT_VERSION, json_string(adadelta_version_string()));
    failed |= json_object_set_new(map, TEXT_CRC32, json_string(CRC_ZEROS));
    json_object_foreach(checkpoint->texts, name, text)
    {
        if (!json_object_get(map, name))
            failed |= json_object_set(map, name, text);
    }
    if (failed) {
        json_decref(map);
        return NULL;
    }
    return map;
}

/* {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}. NULL: no memory. */
static json_t *array_entry(const struct adadelta_tensor *array, size_t begin, size_t end)
{
    json_t *entry = json_object(), *shape = json_array(), *offsets = json_array();
    int failed = 0;

    for (size_t k = 0; k < array->ndim; k++)
        failed |= json_array_append_new(shape, json_integer((json_int_t)array->shape[k]));
    failed |= json_array_append_new(offsets, json_integer((json_int_t)begin));
    failed |= json_array_append_new(offsets, json_integer((json_int_t)end));
    failed |= json_object_set_new(entry, "dtype", json_string(adadelta_dtype_name(array->dtype)));
    failed |= json_object_set_new(entry, "shape", shape);
    failed |= json_object_set_new(entry, "data_offsets", offsets);
    if (failed) {
        json_decref(entry);
        return NULL;
    }
    return entry;
}

/* The header as JSON; the arrays become pieces 1 to count, in the order of their offsets. NULL: no memory. */
static json_t *header_json(const struct adadelta_checkpoint *checkpoint, struct piece *pieces)
{
    json_t *header = json_object();
    size_t begin = 0, next = 1;
    int failed = json_object_set_new(header, "__metadata__", metadata(checkpoint));

    for (size_t width = WIDEST; width > 0; width /= 2)
        for (size_t k = 0; k < checkpoint->count && !failed; k++) {
            const struct adadelta_tensor *array = &checkpoint->arrays[k];
            size_t bytes = array_bytes(array);
            if (adadelta_dtype_size(array->dtype) != width)
                continue;
            pieces[next].data = array->values;
            pieces[next++].size = bytes;
            failed |= json_object_set_new(header, array->name, array_entry(array, begin, begin + bytes));
            begin += bytes;
        }
    if (failed) {
        json_decref(header);
        return NULL;
    }
    return header;
}

/* Lays the header out as it stands in the file: its length, its text, spaces up to the alignment. */
static enum adadelta_status lay_out(const json_t *json, struct encoded *encoded, struct adadelta_error *error)
{
    size_t length = json_dumpb(json, NULL, 0, JSON_COMPACT);
    size_t size = (LENGTH_SIZE + length + DATA_ALIGNMENT - 1) / DATA_ALIGNMENT * DATA_ALIGNMENT;

    if (length == 0)
        return fail(error, ADADELTA_ERROR_MEMORY, "no memory for the checkpoint's header");
    if (size - LENGTH_SIZE > MAX_HEADER)
        return fail(error, ADADELTA_ERROR_ARGUMENT,
                    "the names and texts of a checkpoint are limited to %d bytes, not %zu", MAX_HEADER, length);
    encoded->header = malloc(size);
    if (!encoded->header)
        return fail(error, ADADELTA_ERROR_MEMORY, "no memory for the checkpoint's header");
    memset(encoded->header, ' ', size);
    for (int k = 0; k < LENGTH_SIZE; k++)
        encoded->header[k] = (char)((uint64_t)(size - LENGTH_SIZE) >> 8 * k & 255);
    if (json_dumpb(json, encoded->header + LENGTH_SIZE, length, JSON_COMPACT) != length)
        return fail(error, ADADELTA_ERROR_MEMORY, "no memory for the checkpoint's header");
    encoded->pieces[0].data = encoded->header;
    encoded->pieces[0].size = size;
    return ADADELTA_OK;
}

/* Puts the checksum of all pieces in the place of its zeros. */
static void seal(struct encoded *encoded)
{
    struct crc32 crc;
    char digits[CRC_DIGITS + 1];
    size_t place = safetensors_crc_place(encoded->header, encoded->pieces[0].size);

    crc32_start(&crc);
    for (size_t k = 0; k < encoded->count; k++)
        crc32_add(&crc, encoded->pieces[k].data, encoded->pieces[k].size);
    snprintf(digits, sizeof(digits), "%08" PRIx32, crc32_value(&crc));
    memcpy(encoded->header + place, digits, CRC_DIGITS);
}

enum adadelta_status safetensors_encode(const struct adadelta_checkpoint *checkpoint, struct encoded *encoded,
                                        struct adadelta_error *error)
{
    enum adadelta_status status;
    json_t *json = NULL;

    *encoded = (struct encoded){.count = checkpoint->count + 1};
    encoded->pieces = calloc(encoded->count, sizeof(*encoded->pieces));
    if (encoded->pieces)
        json = header_json(checkpoint, encoded->pieces);
    if (!json)
        return fail(error, ADADELTA_ERROR_MEMORY, "no memory for the checkpoint's header");
    status = lay_out(json, encoded, error);
    json_decref(json);
    if (status)
        return status;
    seal(encoded);
    return ADADELTA_OK;
}

void encoded_free(struct encoded *encoded)
{
    free(encoded->header);
    free(encoded->pieces);
}
