/* SPDX-License-Identifier: MIT */
/* IDX, the format of MNIST and its kin: a big-endian header with the sizes, then bytes. Images are one file, their
   labels another beside it. The sizes are the header's word; they are believed only where the file is exactly as
   long. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/cell.h"
#include "format.h"

enum { MAGIC_SIZE = 4, SIZE_SIZE = 4, MOST_DIMS = 3, LABEL_VALUES = 256 };

/* Element types by their code in the third byte. Only the first is read: every image set in use has it. */
static const struct element {
    unsigned char code;
    const char *name;
} elements[] = {
    {0x08, "unsigned bytes"},  {0x09, "signed bytes"}, {0x0b, "16-bit integers"},
    {0x0c, "32-bit integers"}, {0x0d, "floats"},       {0x0e, "doubles"},
};

/* A file's contents. */
struct idx {
    size_t dims;
    size_t shape[MOST_DIMS];
    uint8_t *bytes; /* [size] */
    size_t size;
};

static size_t big_endian(const unsigned char *bytes)
{
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

int idx_detect(const unsigned char *head, size_t size)
{
    return size >= 2 && head[0] == 0 && head[1] == 0; /* no text begins so */
}

static enum verdict check_element(const struct source *source, unsigned char code, struct trouble *trouble)
{
    if (code == elements[0].code)
        return DONE;
    for (size_t k = 1; k < sizeof elements / sizeof *elements; k++) {
        if (code == elements[k].code)
            return blame(trouble, FAILED, "%s: an IDX file of %s; only %s are read", source->path, elements[k].name,
                         elements[0].name);
    }
    return blame(trouble, FAILED, "%s: not an IDX file that can be read: unknown element type 0x%02x", source->path,
                 code);
}

/* Reads the header and consumes it. least, most: the dimensions that are expected; what: what the file should hold. */
static enum verdict read_header(struct idx *idx, struct source *source, size_t least, size_t most, const char *what,
                                struct trouble *trouble)
{
    enum verdict verdict = source_need(source, MAGIC_SIZE, trouble);
    if (verdict)
        return verdict;
    const unsigned char *head = source->bytes + source->start;
    size_t found = source->end - source->start;
    if (!idx_detect(head, found))
        return blame(trouble, FAILED, "%s: not an IDX file, which %s must be", source->path, what);
    if (found < MAGIC_SIZE)
        return blame(trouble, FAILED, "%s: the IDX header is cut off: expected %d bytes, found %zu", source->path,
                     MAGIC_SIZE, found);
    verdict = check_element(source, head[2], trouble);
    if (verdict)
        return verdict;
    idx->dims = head[3];
    if (idx->dims < least || idx->dims > most)
        return blame(trouble, FAILED, "%s: an IDX file of %zu dimensions; %s have %s", source->path, idx->dims, what,
                     most == 1 ? "1" : "3 (or 2)");
    size_t expected = MAGIC_SIZE + idx->dims * SIZE_SIZE;
    verdict = source_need(source, expected, trouble);
    if (verdict)
        return verdict;
    found = source->end - source->start;
    if (found < expected)
        return blame(trouble, FAILED, "%s: the IDX header is cut off: expected %zu bytes, found %zu", source->path,
                     expected, found);
    for (size_t k = 0; k < idx->dims; k++)
        idx->shape[k] = big_endian(source->bytes + source->start + MAGIC_SIZE + k * SIZE_SIZE);
    source->start += expected;
    return DONE;
}

/* The bytes that the header promises. */
static enum verdict promised_size(struct idx *idx, const struct source *source, struct trouble *trouble)
{
    idx->size = 1;
    for (size_t k = 0; k < idx->dims; k++) {
        if (idx->shape[k] == 0)
            return blame(trouble, FAILED, "%s: the IDX header says that there %s: size %zu is 0", source->path,
                         k == 0 ? "are no rows" : "are no pixels", k + 1);
    }
    for (size_t k = 0; k < idx->dims; k++) {
        if (idx->size > (SIZE_MAX / 4) / idx->shape[k])
            return blame(trouble, FAILED, "%s: the IDX header says more bytes than memory can hold (%zu rows)",
                         source->path, idx->shape[0]);
        idx->size *= idx->shape[k];
    }
    return DONE;
}

/* Reads all of a file. Memory grows with what is there, not with what the header says. */
static enum verdict read_idx(struct idx *idx, struct source *source, size_t least, size_t most, const char *what,
                             struct trouble *trouble)
{
    size_t found;
    *idx = (struct idx){0};
    enum verdict verdict = read_header(idx, source, least, most, what, trouble);
    if (!verdict)
        verdict = promised_size(idx, source, trouble);
    if (!verdict)
        verdict = source_need(source, idx->size + 1, trouble);
    if (verdict)
        return verdict;
    if (source->at_end && source->end - source->start == idx->size) {
        idx->bytes = source_take(source, idx->size);
        return DONE;
    }
    verdict = source_drain(source, &found, trouble);
    if (verdict)
        return verdict;
    return blame(trouble, FAILED, "%s: the IDX header says %zu bytes of %s, found %zu", source->path, idx->size, what,
                 found);
}

/* ---- The labels ---- */

/* The last occurrence of word in text, or NULL. */
static char *find_last(char *text, const char *word)
{
    char *found = NULL;
    while ((text = strstr(text, word)))
        found = text++;
    return found;
}

/* The usual name of the labels file: "images" becomes "labels", and "idx3" (or idx2) "idx1". 1 where it can be told;
   then *path is to be freed, and NULL where memory is short. There is room for ".gz" in it. */
static int usual_name(const char *images, char **path)
{
    char *copy = malloc(strlen(images) + sizeof ".gz");
    *path = copy;
    if (!copy)
        return 1;
    strcpy(copy, images);
    char *slash = strrchr(copy, '/'), *base = slash ? slash + 1 : copy;
    char *word = find_last(base, "images"), *dims = find_last(base, "idx");
    if (!word) {
        free(copy);
        *path = NULL;
        return 0;
    }
    memcpy(word, "labels", 6);
    if (dims && (dims[3] == '3' || dims[3] == '2'))
        dims[3] = '1';
    return 1;
}

/* Takes ".gz" off a name, or puts it on. */
static void toggle_gz(char *path)
{
    size_t size = strlen(path);
    if (size >= 3 && strcmp(path + size - 3, ".gz") == 0)
        path[size - 3] = '\0';
    else
        strcpy(path + size, ".gz");
}

/* *path: where the labels are; NULL where there are none and none are wanted. */
static enum verdict find_labels(const struct dataset_request *request, char **path, struct trouble *trouble)
{
    *path = NULL;
    if (request->labels_path) {
        *path = strdup(request->labels_path);
        return *path ? DONE : blame_memory(trouble);
    }
    if (!usual_name(request->path, path))
        return !request->want_target
                   ? DONE
                   : blame(trouble, FAILED,
                           "%s: the labels file cannot be told from this name (...images...): say which it is",
                           request->path);
    if (!*path)
        return blame_memory(trouble);
    if (access(*path, F_OK) == 0)
        return DONE;
    toggle_gz(*path);
    if (access(*path, F_OK) == 0)
        return DONE;
    toggle_gz(*path);
    enum verdict verdict = DONE;
    if (request->want_target)
        verdict = blame(trouble, FAILED, "%s: its labels file %s is not there", request->path, *path);
    free(*path);
    *path = NULL;
    return verdict;
}

/* The labels as numbers. */
static int take_numbers(struct dataset *data, const struct idx *labels)
{
    data->numbers = malloc(data->rows * sizeof *data->numbers);
    if (!data->numbers)
        return -1;
    for (size_t row = 0; row < data->rows; row++)
        data->numbers[row] = labels->bytes[row];
    data->target = TARGET_NUMBER;
    return 0;
}

/* Names the classes as asked for, or "0", "1", ... up to the largest label. */
static int name_classes(struct dataset *data, const struct dataset_request *request, size_t count)
{
    data->class_names = calloc(count > 0 ? count : 1, sizeof *data->class_names);
    if (!data->class_names)
        return -1;
    data->classes = count;
    for (size_t k = 0; k < count; k++) {
        char digits[24];
        snprintf(digits, sizeof digits, "%zu", k);
        data->class_names[k] = strdup(request->class_names ? request->class_names[k] : digits);
        if (!data->class_names[k])
            return -1;
    }
    return 0;
}

/* map: the class of each label, or -1. */
static void map_labels(int32_t map[LABEL_VALUES], const char *const *names, size_t count)
{
    for (int label = 0; label < LABEL_VALUES; label++) {
        char digits[24];
        snprintf(digits, sizeof digits, "%d", label);
        map[label] = -1;
        for (size_t k = 0; k < count; k++) {
            if (strcmp(names[k], digits) == 0)
                map[label] = (int32_t)k;
        }
    }
}

static enum verdict take_classes(struct dataset *data, const struct dataset_request *request, const struct idx *labels,
                                 const char *path, struct trouble *trouble)
{
    size_t count = request->classes;
    if (!request->class_names) {
        uint8_t least = UINT8_MAX, most = 0;
        for (size_t row = 0; row < data->rows; row++) {
            least = labels->bytes[row] < least ? labels->bytes[row] : least;
            most = labels->bytes[row] > most ? labels->bytes[row] : most;
        }
        if (least == most)
            return blame(trouble, FAILED, "%s: holds one class only, '%d': there is nothing to tell apart", path, most);
        count = (size_t)most + 1;
    }
    int32_t map[LABEL_VALUES];
    data->labels = malloc(data->rows * sizeof *data->labels);
    if (!data->labels || name_classes(data, request, count) != 0)
        return blame_memory(trouble);
    map_labels(map, (const char *const *)data->class_names, count);
    for (size_t row = 0; row < data->rows; row++) {
        char classes[LISTED];
        data->labels[row] = map[labels->bytes[row]];
        if (data->labels[row] < 0)
            return blame(trouble, FAILED, "%s: row %zu: label %d is none of the known classes: %s", path, row + 1,
                         labels->bytes[row], cell_list(classes, (const char *const *)data->class_names, count));
    }
    data->target = TARGET_CLASS;
    return DONE;
}

static enum verdict read_labels(struct dataset *data, const struct dataset_request *request, const char *path,
                                struct trouble *trouble)
{
    struct source source;
    struct idx labels;
    enum verdict verdict = source_open(&source, path, trouble);
    if (verdict)
        return verdict;
    verdict = read_idx(&labels, &source, 1, 1, "labels", trouble);
    source_close(&source);
    if (!verdict && labels.size != data->rows)
        verdict = blame(trouble, FAILED, "%s: %zu labels for the %zu images of %s", path, labels.size, data->rows,
                        request->path);
    if (!verdict && request->kind == TARGET_NUMBER && !request->class_names)
        verdict = take_numbers(data, &labels) != 0 ? blame_memory(trouble) : DONE;
    else if (!verdict)
        verdict = take_classes(data, request, &labels, path, trouble);
    free(labels.bytes);
    return verdict;
}

/* ---- The images ---- */

static enum verdict read_images(struct dataset *data, struct source *source, const struct dataset_request *request,
                                struct trouble *trouble)
{
    struct idx images;
    enum verdict verdict = read_idx(&images, source, 2, 3, "images", trouble);
    if (verdict)
        return verdict;
    data->pixels = images.bytes;
    data->rows = images.shape[0];
    data->columns = images.size / images.shape[0];
    if (request->columns != 0 && request->columns != data->columns)
        return blame(trouble, FAILED, "%s: expected images of %zu pixels, found %zu", source->path, request->columns,
                     data->columns);
    return DONE;
}

enum verdict idx_read(struct dataset *data, struct source *source, const struct dataset_request *request,
                      struct trouble *trouble)
{
    char name[SHOWN];
    if (request->column_names)
        return blame(trouble, FAILED, "%s: holds images, but a table with columns like '%s' is needed", source->path,
                     cell_shown(name, request->columns > 0 ? request->column_names[0] : ""));
    if (request->target)
        return blame(trouble, MISUSE, "%s: holds images, whose target is their labels file; no column can be named",
                     source->path);
    enum verdict verdict = read_images(data, source, request, trouble);
    if (!verdict)
        verdict = find_labels(request, &data->labels_path, trouble);
    if (!verdict && data->labels_path)
        verdict = read_labels(data, request, data->labels_path, trouble);
    return verdict;
}
