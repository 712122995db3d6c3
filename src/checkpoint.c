/* SPDX-License-Identifier: MIT */
/* A checkpoint in memory: named texts and arrays, which the format writes and reads as they are. */
#include "checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "optimizer.h"
#include "safetensors.h"

enum adadelta_status adadelta_checkpoint_create(struct adadelta_checkpoint **checkpoint)
{
    struct adadelta_checkpoint *new;

    if (!checkpoint)
        return ADADELTA_ERROR_ARGUMENT;
    *checkpoint = NULL;
    new = calloc(1, sizeof(*new));
    if (!new)
        return ADADELTA_ERROR_MEMORY;
    new->texts = json_object();
    new->numbers = json_object();
    if (!new->texts || !new->numbers) {
        adadelta_checkpoint_destroy(new);
        return ADADELTA_ERROR_MEMORY;
    }
    *checkpoint = new;
    return ADADELTA_OK;
}

void adadelta_checkpoint_destroy(struct adadelta_checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    for (size_t k = 0; k < checkpoint->count; k++)
        free((char *)checkpoint->arrays[k].name);
    free(checkpoint->arrays);
    json_decref(checkpoint->numbers);
    json_decref(checkpoint->texts);
    free(checkpoint->file);
    free(checkpoint);
}

/* ---- Contents ---- */

json_t *checkpoint_parse(const char *text, size_t length, char wrong[JSON_ERROR_TEXT_LENGTH])
{
    json_error_t trouble = {.text = ""};
    json_t *json;
    /* jansson's lexer (2.14, lex_save) drops bytes without a word when its buffer cannot grow. So see first that there
       is memory: a header of many tensors takes about 20 bytes for each of its own. */
    void *probe = malloc(32 * length + 4096);

    wrong[0] = '\0';
    if (!probe)
        return NULL;
    free(probe);
    json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &trouble);
    memcpy(wrong, trouble.text, JSON_ERROR_TEXT_LENGTH);
    return json;
}

enum adadelta_status checkpoint_put_text(struct adadelta_checkpoint *checkpoint, const char *name, const char *text)
{
    if (json_object_set_new_nocheck(checkpoint->texts, name, json_string_nocheck(text)))
        return ADADELTA_ERROR_MEMORY;
    return ADADELTA_OK;
}

enum adadelta_status adadelta_checkpoint_set_text(struct adadelta_checkpoint *checkpoint, const char *name,
                                                  const char *text)
{
    if (!checkpoint || !name || !text || !is_utf8(name) || !is_utf8(text))
        return ADADELTA_ERROR_ARGUMENT;
    if (!*name || strncmp(name, TEXT_PREFIX, strlen(TEXT_PREFIX)) == 0)
        return ADADELTA_ERROR_NAME;
    return checkpoint_put_text(checkpoint, name, text);
}

const char *adadelta_checkpoint_text(const struct adadelta_checkpoint *checkpoint, const char *name)
{
    return checkpoint && name ? json_string_value(json_object_get(checkpoint->texts, name)) : NULL;
}

static enum adadelta_status check_array(const struct adadelta_checkpoint *checkpoint,
                                        const struct adadelta_tensor *array)
{
    size_t n;

    if (!array->name || !is_utf8(array->name) || !adadelta_dtype_size(array->dtype))
        return ADADELTA_ERROR_ARGUMENT;
    n = shape_elements(array->dtype, array->ndim, array->shape);
    if (n == SIZE_MAX || (n > 0 && !array->values))
        return ADADELTA_ERROR_ARGUMENT;
    if (!*array->name || strcmp(array->name, "__metadata__") == 0 || json_object_get(checkpoint->numbers, array->name))
        return ADADELTA_ERROR_NAME;
    return ADADELTA_OK;
}

/* Room for one array more. */
static int grow(struct adadelta_checkpoint *checkpoint)
{
    size_t capacity = checkpoint->capacity ? 2 * checkpoint->capacity : 16;
    struct adadelta_tensor *arrays;

    if (checkpoint->count < checkpoint->capacity)
        return 1;
    arrays = realloc(checkpoint->arrays, capacity * sizeof(*arrays));
    if (!arrays)
        return 0;
    checkpoint->arrays = arrays;
    checkpoint->capacity = capacity;
    return 1;
}

enum adadelta_status adadelta_checkpoint_set_tensor(struct adadelta_checkpoint *checkpoint,
                                                    const struct adadelta_tensor *tensor)
{
    enum adadelta_status status;
    struct adadelta_tensor *array;
    size_t length;
    char *name;

    if (!checkpoint || !tensor)
        return ADADELTA_ERROR_ARGUMENT;
    struct adadelta_tensor full = *tensor;
    if (full.dtype == ADADELTA_DTYPE_DEFAULT)
        full.dtype = ADADELTA_F32;
    tensor = &full;
    status = check_array(checkpoint, tensor);
    if (status)
        return status;
    length = strlen(tensor->name) + 1;
    name = malloc(length);
    if (!name || !grow(checkpoint) ||
        json_object_set_new_nocheck(checkpoint->numbers, tensor->name, json_integer((json_int_t)checkpoint->count))) {
        free(name);
        return ADADELTA_ERROR_MEMORY;
    }
    memcpy(name, tensor->name, length);
    array = &checkpoint->arrays[checkpoint->count++];
    *array =
        (struct adadelta_tensor){.name = name, .dtype = tensor->dtype, .ndim = tensor->ndim, .values = tensor->values};
    memcpy(array->shape, tensor->shape, tensor->ndim * sizeof(array->shape[0]));
    return ADADELTA_OK;
}

enum adadelta_status adadelta_checkpoint_tensor(const struct adadelta_checkpoint *checkpoint, const char *name,
                                                struct adadelta_tensor *tensor)
{
    const json_t *number;

    if (!checkpoint || !name || !tensor)
        return ADADELTA_ERROR_ARGUMENT;
    number = json_object_get(checkpoint->numbers, name);
    if (!number)
        return ADADELTA_ERROR_NAME;
    *tensor = checkpoint->arrays[json_integer_value(number)];
    return ADADELTA_OK;
}

/* ---- Files ---- */

enum adadelta_status adadelta_checkpoint_write(const struct adadelta_checkpoint *checkpoint, const char *path,
                                               struct adadelta_error *error)
{
    struct encoded encoded;
    enum adadelta_status status;

    if (!checkpoint || !path)
        return fail(error, ADADELTA_ERROR_ARGUMENT, "no checkpoint or no path");
    status = safetensors_encode(checkpoint, &encoded, error);
    if (!status)
        status = file_replace(path, encoded.pieces, encoded.count, error);
    encoded_free(&encoded);
    return status;
}

enum adadelta_status adadelta_checkpoint_read(const char *path, struct adadelta_checkpoint **checkpoint,
                                              struct adadelta_error *error)
{
    struct adadelta_error trouble = {.text = ""};
    struct adadelta_checkpoint *new;
    enum adadelta_status status;
    size_t size;

    if (checkpoint)
        *checkpoint = NULL;
    if (!path || !checkpoint)
        return fail(error, ADADELTA_ERROR_ARGUMENT, "no path or nowhere to put the checkpoint");
    status = adadelta_checkpoint_create(&new);
    if (status)
        return fail(error, status, "%.300s: no memory for a checkpoint", path);
    status = file_read(path, &new->file, &size, error);
    if (!status) {
        status = safetensors_decode(new, size, &trouble);
        if (status)
            fail(error, status, "%.300s: %.200s", path, trouble.text);
    }
    if (status)
        adadelta_checkpoint_destroy(new);
    else
        *checkpoint = new;
    return status;
}
