/* SPDX-License-Identifier: MIT */
/* See sweep_store.h. A run in the file is known again by its settings and its seed alone, so that a grid can grow, and
   gain or lose an axis. */
#include "sweep_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

/* The version of the file; another one is refused. */
enum { STORE_VERSION = 1 };

static const char head_begin[] = "{\"event\":\"sweep\"";

/* ---- The first line ---- */

static json_t *describe_rows(const char *path, const struct dataset *data)
{
    return json_pack("{s:o,s:o,s:s,s:I,s:I,s:I}", "path", report_text(path), "target",
                     data->target_name ? report_text(data->target_name) : json_null(), "kind",
                     data->target == TARGET_CLASS ? "class" : "number", "rows", (json_int_t)data->rows, "columns",
                     (json_int_t)data->columns, "fingerprint", (json_int_t)dataset_fingerprint(data));
}

static json_t *describe_axes(const struct grid *grid)
{
    json_t *axes = json_object();
    for (size_t a = 0; a < grid->axis_count; a++) {
        json_t *values = json_array();
        for (size_t i = 0; i < grid->axes[a].count; i++)
            json_array_append_new(values, grid_value_json(&grid->axes[a], i));
        json_object_set_new(axes, grid->axes[a].option->name, values);
    }
    return axes;
}

/* The settings of the first cell stand for all in what is no axis. */
static json_t *describe_sweep(const struct sweep *sweep)
{
    const struct option_value *test = &sweep->args->values[OPTION_TEST];
    return json_pack("{s:s,s:i,s:s,s:o,s:o,s:f,s:I,s:o,s:o}", "event", "sweep", "version", STORE_VERSION, "program",
                     adadelta_version_string(), "data", describe_rows(sweep->args->operands[0], &sweep->sets.train),
                     "test", describe_rows(test->given ? test->text : sweep->args->operands[0], &sweep->sets.test),
                     "test-fraction", sweep->test_fraction, "first-seed", (json_int_t)sweep->first_seed, "grid",
                     describe_axes(&sweep->grid), "settings", run_settings_json(&sweep->grid.settings[0]));
}

/* ---- What differs ---- */

/* Says of a setting what it is in the file and what it is now. */
static enum verdict blame_other(const struct store *store, const char *name, const json_t *there, const json_t *here,
                                struct trouble *trouble)
{
    const size_t flags = JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6);
    char *old = there ? json_dumps(there, flags) : NULL, *new = json_dumps(here, flags);
    enum verdict verdict = blame(trouble, MISUSE, "%s: holds other runs: %s is %s in it and %s now; use another file",
                                 store->path, name, old ? old : "nothing", new ? new : "nothing");
    free(old);
    free(new);
    return verdict;
}

/* Whether one of the objects differs in one of names [count]. */
static enum verdict compare_names(const struct store *store, const json_t *there, const json_t *here, const char *what,
                                  const char *const *names, size_t count, struct trouble *trouble)
{
    char name[64];
    for (size_t i = 0; i < count; i++) {
        const json_t *old = json_object_get(there, names[i]), *new = json_object_get(here, names[i]);
        snprintf(name, sizeof name, "%s%s", what, names[i]);
        if (!json_equal(old, new))
            return blame_other(store, name, old, new, trouble);
    }
    return DONE;
}

static enum verdict compare_data(const struct store *store, const json_t *there, const json_t *here,
                                 struct trouble *trouble)
{
    static const char *const whole[] = {"version", "program", "test-fraction"}, *const first_seed[] = {"first-seed"};
    static const char *const data[] = {"target", "kind", "rows", "columns", "fingerprint"};
    enum verdict verdict = compare_names(store, there, here, "", whole, sizeof whole / sizeof *whole, trouble);
    if (verdict == DONE && json_number_value(json_object_get(here, "test-fraction")) > 0)
        verdict = compare_names(store, there, here, "", first_seed, 1, trouble);
    if (verdict == DONE)
        verdict = compare_names(store, json_object_get(there, "data"), json_object_get(here, "data"), "DATA's ", data,
                                sizeof data / sizeof *data, trouble);
    if (verdict == DONE)
        verdict = compare_names(store, json_object_get(there, "test"), json_object_get(here, "test"),
                                "the test data's ", data, sizeof data / sizeof *data, trouble);
    return verdict;
}

static int is_of_method(const char *name)
{
    for (size_t i = 0; i < hyper_options.count; i++)
        if (strcmp(hyper_options.options[i].name, name) == 0)
            return 1;
    return 0;
}

/* Settings must be the same that are an axis neither there nor here. Where the method is one, its own follow. */
static enum verdict compare_settings(const struct store *store, const json_t *there, const json_t *here,
                                     struct trouble *trouble)
{
    const json_t *old_axes = json_object_get(there, "grid"), *new_axes = json_object_get(here, "grid"), *value;
    const json_t *old = json_object_get(there, "settings");
    const char *name;
    const int methods = json_object_get(old_axes, "method") || json_object_get(new_axes, "method");
    json_object_foreach(json_object_get(here, "settings"), name, value)
    {
        const int is_axis = json_object_get(old_axes, name) || json_object_get(new_axes, name);
        if (is_axis || (methods && is_of_method(name)))
            continue;
        if (!json_equal(json_object_get(old, name), value))
            return blame_other(store, name, json_object_get(old, name), value, trouble);
    }
    return DONE;
}

static enum verdict check_head(const struct store *store, const char *line, const json_t *here, struct trouble *trouble)
{
    json_t *there = json_loads(line, 0, NULL);
    const char *event = json_string_value(json_object_get(there, "event"));
    enum verdict verdict = DONE;
    if (!event || strcmp(event, "sweep") != 0)
        verdict = blame(trouble, MISUSE, "%s: is there already and holds no runs; use another file", store->path);
    if (verdict == DONE)
        verdict = compare_data(store, there, here, trouble);
    if (verdict == DONE)
        verdict = compare_settings(store, there, here, trouble);
    json_decref(there);
    return verdict;
}

/* ---- The runs ---- */

/* The same text for the same settings. */
static char *settings_key(const json_t *settings)
{
    return json_dumps(settings, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
}

/* The number of each cell by its settings. */
static json_t *index_cells(const struct grid *grid)
{
    json_t *index = json_object();
    for (size_t cell = 0; cell < grid->cell_count; cell++) {
        json_t *settings = run_settings_json(&grid->settings[cell]);
        char *key = settings_key(settings);
        if (key)
            json_object_set_new(index, key, json_integer((json_int_t)cell));
        free(key);
        json_decref(settings);
    }
    return index;
}

/* Where a result belongs, or NULL. */
static struct sweep_run *find_run(struct sweep *sweep, const json_t *index, const json_t *result)
{
    char *key = settings_key(json_object_get(result, "settings"));
    const json_t *cell = key ? json_object_get(index, key) : NULL;
    const json_int_t seed = json_integer_value(json_object_get(result, "seed"));
    free(key);
    if (!cell || seed < (json_int_t)sweep->first_seed || (uint64_t)seed - sweep->first_seed >= sweep->seeds)
        return NULL;
    return sweep_run_at(sweep, (size_t)json_integer_value(cell), (size_t)((uint64_t)seed - sweep->first_seed));
}

/* Takes the result of a line; it tells its axes as the grid has them now. 0 where it is none. */
static int take_result(struct sweep *sweep, const json_t *index, json_t *result, store_take *take,
                       enum verdict *verdict, struct trouble *trouble)
{
    struct sweep_run ignored = {0}, *run = find_run(sweep, index, result);
    if (!run_read(run ? run : &ignored, result))
        return 0;
    run_free(&ignored);
    if (run && take) {
        const size_t cell = (size_t)(run - sweep->runs) / sweep->seeds;
        json_object_set_new(result, "axes", grid_cell_json(&sweep->grid, cell));
        *verdict = take(result, trouble);
    }
    return 1;
}

/* Takes the runs of all lines [size], each of which ends. */
static enum verdict take_lines(const struct store *store, struct sweep *sweep, char *lines, size_t size,
                               store_take *take, struct trouble *trouble)
{
    enum verdict verdict = DONE;
    json_t *index = index_cells(&sweep->grid);
    size_t number = 2;
    for (char *line = lines, *end; line < lines + size && verdict == DONE; line = end + 1, number++) {
        end = memchr(line, '\n', (size_t)(lines + size - line));
        *end = '\0';
        json_t *result = json_loads(line, 0, NULL);
        if (!take_result(sweep, index, result, take, &verdict, trouble))
            verdict = blame(trouble, FAILED, "%s:%zu: is no run of a sweep; take the line out", store->path, number);
        json_decref(result);
    }
    json_decref(index);
    return verdict;
}

/* ---- The file ---- */

static enum verdict blame_file(const struct store *store, const char *what, struct trouble *trouble)
{
    return blame(trouble, FAILED, "%s: cannot be %s: %s", store->path, what, strerror(errno));
}

/* Only one program may append. The lock goes with the program, however that ends. */
static enum verdict lock(const struct store *store, struct trouble *trouble)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(store->descriptor, F_SETLK, &whole) == 0 || (errno != EACCES && errno != EAGAIN))
        return DONE; /* a file system without locks is left to itself */
    return blame(trouble, FAILED, "%s: another sweep is writing it", store->path);
}

/* All of the file, text [*size + 1]. */
static enum verdict read_all(const struct store *store, char **text, size_t *size, struct trouble *trouble)
{
    struct stat status;
    if (fstat(store->descriptor, &status) != 0)
        return blame_file(store, "read", trouble);
    if (!S_ISREG(status.st_mode))
        return blame(trouble, FAILED, "%s: is not a regular file", store->path);
    *size = 0;
    *text = malloc((size_t)status.st_size + 1);
    if (!*text)
        return blame_memory(trouble);
    while (*size < (size_t)status.st_size) {
        const ssize_t part = read(store->descriptor, *text + *size, (size_t)status.st_size - *size);
        if (part < 0 && errno != EINTR)
            return blame_file(store, "read", trouble);
        if (part == 0)
            break;
        *size += part > 0 ? (size_t)part : 0;
    }
    (*text)[*size] = '\0';
    return DONE;
}

/* A line, whole and synced. */
static enum verdict append(const struct store *store, const json_t *object, struct trouble *trouble)
{
    char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (!line)
        return blame_memory(trouble);
    const size_t size = strlen(line) + 1;
    line[size - 1] = '\n';
    const ssize_t written = write(store->descriptor, line, size);
    free(line);
    if (written >= 0 && (size_t)written < size)
        errno = ENOSPC; /* what is torn now is dropped when the file is next opened */
    if (written != (ssize_t)size || fsync(store->descriptor) != 0)
        return blame_file(store, "written", trouble);
    return DONE;
}

/* Takes what the file has, and leaves it ready to be appended to. */
static enum verdict take_file(struct store *store, struct sweep *sweep, const json_t *head, store_take *take,
                              struct trouble *trouble)
{
    char *text = NULL;
    size_t size = 0;
    enum verdict verdict = read_all(store, &text, &size, trouble);
    if (verdict != DONE) {
        free(text);
        return verdict;
    }
    size_t whole = size;
    while (whole > 0 && text[whole - 1] != '\n')
        whole--;
    char *first_end = memchr(text, '\n', whole);
    const size_t known = size < sizeof head_begin - 1 ? size : sizeof head_begin - 1;
    if (memcmp(text, head_begin, known) != 0)
        verdict = blame(trouble, MISUSE, "%s: is there already and holds no runs; use another file", store->path);
    if (verdict == DONE && first_end) {
        *first_end = '\0';
        verdict = check_head(store, text, head, trouble);
        if (verdict == DONE)
            verdict = take_lines(store, sweep, first_end + 1, whole - (size_t)(first_end + 1 - text), take, trouble);
    }
    if (verdict == DONE && whole < size && ftruncate(store->descriptor, (off_t)whole) != 0)
        verdict = blame_file(store, "written", trouble);
    if (verdict == DONE && !first_end)
        verdict = append(store, head, trouble);
    store->is_new = !first_end && verdict == DONE;
    free(text);
    return verdict;
}

enum verdict store_open(struct store *store, struct sweep *sweep, const char *path, store_take *take,
                        struct trouble *trouble)
{
    *store = (struct store){.path = path, .descriptor = -1};
    if (!path)
        return DONE;
    store->descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (store->descriptor < 0)
        return blame_file(store, "written", trouble);
    json_t *head = describe_sweep(sweep);
    enum verdict verdict = head ? lock(store, trouble) : blame_memory(trouble);
    if (verdict == DONE)
        verdict = take_file(store, sweep, head, take, trouble);
    json_decref(head);
    return verdict;
}

enum verdict store_append(struct store *store, const json_t *result, struct trouble *trouble)
{
    store->is_new = 0;
    return store->descriptor < 0 ? DONE : append(store, result, trouble);
}

void store_close(struct store *store)
{
    if (store->descriptor >= 0 && store->is_new)
        unlink(store->path);
    if (store->descriptor >= 0)
        close(store->descriptor);
    store->descriptor = -1;
}
