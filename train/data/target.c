/* SPDX-License-Identifier: MIT */
/* Each distinct text of the target column is kept once, in a hash table, and rows hold its number: so that the question
   whether it is classes or numbers can wait for the last row without the column being read twice. */
#include "data/target.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/cell.h"
#include "data/grow.h"

/* Where nobody says what the target is, whole numbers with few values are classes. */
enum { MOST_GUESSED_CLASSES = 20, LEAST_ROWS_A_CLASS = 2 };

struct entry {
    size_t text; /* where it begins in texts */
    size_t line; /* where it was first seen */
    uint32_t hash;
    int32_t label;
    enum cell_kind kind;
    double value; /* where kind is CELL_NUMBER */
};

struct target {
    const char *path, *name;
    const struct dataset_request *request;
    struct entry *entries;
    size_t entry_count, entry_capacity;
    char *texts; /* one after the other, each with its NUL */
    size_t text_size, text_capacity;
    uint32_t *slots; /* [slot_count, a power of two] number of an entry + 1, or 0 */
    size_t slot_count;
    int32_t *ids; /* [rows] number of an entry; unused where the target is known to be numbers */
    double *numbers;
    size_t rows, row_capacity;
};

struct target *target_create(const char *path, const char *name, const struct dataset_request *request)
{
    struct target *target = calloc(1, sizeof *target);
    if (target) {
        target->path = path;
        target->name = name;
        target->request = request;
    }
    return target;
}

void target_destroy(struct target *target)
{
    if (!target)
        return;
    free(target->entries);
    free(target->texts);
    free(target->slots);
    free(target->ids);
    free(target->numbers);
    free(target);
}

static enum target_kind wanted_kind(const struct target *target)
{
    return target->request->class_names != NULL ? TARGET_CLASS : target->request->kind;
}

/* FNV-1a. */
static uint32_t hash_of(const char *text)
{
    uint32_t hash = 2166136261u;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

/* The slot that holds this text, or the free one where it belongs. */
static uint32_t *find_slot(const struct target *target, const char *text, uint32_t hash)
{
    size_t at = hash & (target->slot_count - 1);
    for (; target->slots[at] != 0; at = (at + 1) & (target->slot_count - 1)) {
        const struct entry *entry = &target->entries[target->slots[at] - 1];
        if (entry->hash == hash && strcmp(target->texts + entry->text, text) == 0)
            break;
    }
    return &target->slots[at];
}

static int widen_slots(struct target *target)
{
    if (target->entry_count < target->slot_count / 2)
        return 0;
    size_t count = target->slot_count > 0 ? 2 * target->slot_count : 64;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (!slots)
        return -1;
    for (size_t k = 0; k < target->entry_count; k++) {
        size_t at = target->entries[k].hash & (count - 1);
        while (slots[at] != 0)
            at = (at + 1) & (count - 1);
        slots[at] = (uint32_t)k + 1;
    }
    free(target->slots);
    target->slots = slots;
    target->slot_count = count;
    return 0;
}

static enum verdict add_entry(struct target *target, const struct entry *entry, const char *text,
                              struct trouble *trouble)
{
    size_t size = strlen(text) + 1;
    if (target->entry_count == INT32_MAX)
        return blame_memory(trouble);
    struct entry *entries = grow(target->entries, &target->entry_capacity, target->entry_count + 1, sizeof *entries);
    if (!entries)
        return blame_memory(trouble);
    target->entries = entries;
    char *texts = grow(target->texts, &target->text_capacity, target->text_size + size, 1);
    if (!texts)
        return blame_memory(trouble);
    target->texts = texts;
    memcpy(texts + target->text_size, text, size);
    entries[target->entry_count] = *entry;
    entries[target->entry_count++].text = target->text_size;
    target->text_size += size;
    return DONE;
}

/* What is wrong with a text that was not seen before, as far as it can be said now; its label where classes are
   given. */
static enum verdict judge(const struct target *target, struct entry *entry, const char *text, struct trouble *trouble)
{
    const struct dataset_request *request = target->request;
    const struct cell_place place = {target->path, entry->line, target->name};
    enum target_kind kind = wanted_kind(target);
    int is_bad = entry->kind == CELL_EMPTY || (kind == TARGET_NUMBER && entry->kind != CELL_NUMBER) ||
                 (kind == TARGET_NONE && entry->kind == CELL_NOT_FINITE);
    if (is_bad)
        return blame_cell(trouble, &place, entry->kind, text, "");
    if (!request->class_names)
        return check_utf8(place.path, place.line, "class", text, trouble);
    for (size_t k = 0; k < request->classes; k++) {
        if (strcmp(request->class_names[k], text) == 0) {
            entry->label = (int32_t)k;
            return DONE;
        }
    }
    char column[SHOWN], cell[SHOWN], classes[LISTED];
    return blame(trouble, FAILED, "%s:%zu: column '%s': '%s' is none of the known classes: %s", place.path, place.line,
                 cell_shown(column, place.column), cell_shown(cell, text),
                 cell_list(classes, request->class_names, request->classes));
}

static enum verdict add_text(struct target *target, const char *text, size_t line, struct trouble *trouble)
{
    if (widen_slots(target) != 0)
        return blame_memory(trouble);
    uint32_t hash = hash_of(text);
    uint32_t *slot = find_slot(target, text, hash);
    if (*slot == 0) {
        struct entry entry = {.line = line, .hash = hash};
        entry.kind = cell_number(text, &entry.value);
        enum verdict verdict = judge(target, &entry, text, trouble);
        if (verdict == DONE)
            verdict = add_entry(target, &entry, text, trouble);
        if (verdict != DONE)
            return verdict;
        *slot = (uint32_t)target->entry_count;
    }
    int32_t *ids = grow(target->ids, &target->row_capacity, target->rows + 1, sizeof *ids);
    if (!ids)
        return blame_memory(trouble);
    target->ids = ids;
    ids[target->rows++] = (int32_t)(*slot - 1);
    return DONE;
}

static enum verdict add_number(struct target *target, const char *text, size_t line, struct trouble *trouble)
{
    struct entry entry = {.line = line};
    entry.kind = cell_number(text, &entry.value);
    enum verdict verdict = judge(target, &entry, text, trouble);
    if (verdict != DONE)
        return verdict;
    double *numbers = grow(target->numbers, &target->row_capacity, target->rows + 1, sizeof *numbers);
    if (!numbers)
        return blame_memory(trouble);
    target->numbers = numbers;
    numbers[target->rows++] = entry.value;
    return DONE;
}

enum verdict target_add(struct target *target, const char *text, size_t line, struct trouble *trouble)
{
    if (wanted_kind(target) == TARGET_NUMBER)
        return add_number(target, text, line, trouble);
    return add_text(target, text, line, trouble);
}

/* The first text that is no number, or NULL. */
static const struct entry *first_text(const struct target *target)
{
    for (size_t k = 0; k < target->entry_count; k++)
        if (target->entries[k].kind != CELL_NUMBER)
            return &target->entries[k];
    return NULL;
}

static enum target_kind guess_kind(const struct target *target)
{
    if (first_text(target) != NULL)
        return TARGET_CLASS;
    if (target->entry_count > MOST_GUESSED_CLASSES || target->rows / LEAST_ROWS_A_CLASS < target->entry_count)
        return TARGET_NUMBER;
    for (size_t k = 0; k < target->entry_count; k++)
        if (target->entries[k].value != floor(target->entries[k].value))
            return TARGET_NUMBER;
    return TARGET_CLASS;
}

/* A class while its place in the order is found. */
struct class
{
    const char *text;
    double value; /* 0 for all where they are sorted as texts */
    size_t entry;
};

static int compare_classes(const void *left, const void *right)
{
    const struct class *a = left, *b = right;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return strcmp(a->text, b->text);
}

/* Sorts the classes, names them in data and gives each entry its label. */
static int order_classes(struct target *target, struct dataset *data)
{
    size_t count = target->entry_count;
    int as_numbers = first_text(target) == NULL;
    struct class *classes = malloc(count * sizeof *classes);
    data->class_names = calloc(count, sizeof *data->class_names);
    int failed = !classes || !data->class_names;
    for (size_t k = 0; k < count && !failed; k++) {
        const struct entry *entry = &target->entries[k];
        classes[k] = (struct class){target->texts + entry->text, as_numbers ? entry->value : 0, k};
    }
    if (!failed) {
        qsort(classes, count, sizeof *classes, compare_classes);
        data->classes = count;
    }
    for (size_t k = 0; k < count && !failed; k++) {
        target->entries[classes[k].entry].label = (int32_t)k;
        data->class_names[k] = strdup(classes[k].text);
        failed = !data->class_names[k];
    }
    free(classes);
    return failed ? -1 : 0;
}

static int copy_classes(const struct dataset_request *request, struct dataset *data)
{
    data->class_names = calloc(request->classes > 0 ? request->classes : 1, sizeof *data->class_names);
    if (!data->class_names)
        return -1;
    data->classes = request->classes;
    for (size_t k = 0; k < request->classes; k++)
        if ((data->class_names[k] = strdup(request->class_names[k])) == NULL)
            return -1;
    return 0;
}

/* Whether a column can be classes to learn: more than one, and not one for every row. */
static enum verdict check_classes(const struct target *target, struct trouble *trouble)
{
    char column[SHOWN], cell[SHOWN];
    cell_shown(column, target->name);
    if (target->entry_count == 1)
        return blame(trouble, FAILED, "%s: column '%s' holds one class only, '%s': there is nothing to tell apart",
                     target->path, column, cell_shown(cell, target->texts));
    if (target->entry_count <= MOST_CLASSES)
        return DONE;
    const struct entry *text = first_text(target);
    if (!text)
        return blame(trouble, FAILED, "%s: column '%s' has %zu different numbers, classes may be %d", target->path,
                     column, target->entry_count, MOST_CLASSES);
    return blame(
        trouble, FAILED,
        "%s: column '%s' has %zu different values, classes may be %d; were it numbers, '%s' in line %zu is none",
        target->path, column, target->entry_count, MOST_CLASSES, cell_shown(cell, target->texts + text->text),
        text->line);
}

static enum verdict finish_classes(struct target *target, struct dataset *data, struct trouble *trouble)
{
    int is_known = target->request->class_names != NULL;
    enum verdict verdict = is_known ? DONE : check_classes(target, trouble);
    if (verdict != DONE)
        return verdict;
    if ((is_known ? copy_classes(target->request, data) : order_classes(target, data)) != 0)
        return blame_memory(trouble);
    for (size_t row = 0; row < target->rows; row++)
        target->ids[row] = target->entries[target->ids[row]].label;
    data->labels = target->ids;
    target->ids = NULL;
    data->target = TARGET_CLASS;
    return DONE;
}

static enum verdict finish_numbers(struct target *target, struct dataset *data, struct trouble *trouble)
{
    if (!target->numbers) {
        target->numbers = malloc(target->rows * sizeof *target->numbers);
        if (!target->numbers)
            return blame_memory(trouble);
        for (size_t row = 0; row < target->rows; row++)
            target->numbers[row] = target->entries[target->ids[row]].value;
    }
    data->numbers = target->numbers;
    target->numbers = NULL;
    data->target = TARGET_NUMBER;
    return DONE;
}

enum verdict target_finish(struct target *target, struct dataset *data, struct trouble *trouble)
{
    enum target_kind kind = wanted_kind(target);
    if (kind == TARGET_NONE)
        kind = guess_kind(target);
    return kind == TARGET_CLASS ? finish_classes(target, data, trouble) : finish_numbers(target, data, trouble);
}
