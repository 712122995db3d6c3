/* SPDX-License-Identifier: MIT */
/*
 * jansson.h - what checkpoints and model files use of jansson (github.com/akheron/jansson), on Python's own json
 * module.
 *
 * So that the package needs no library but the C library itself: a wheel that asks for libjansson would not run where
 * it is missing. A json_t is a Python object: dict, list, str, int, float or bool. Names and meanings are jansson's,
 * but:
 *   - the thread must hold the GIL;
 *   - json_is_integer and json_is_number say no to a number that long long or double cannot hold, json_is_string to a
 *     text with a NUL or half a surrogate pair in it, and json_loadb refuses such a key, where jansson's parser refuses
 *     the whole text;
 *   - json_pack and json_unpack know flat objects, "{s:s, s:I}", alone.
 * Python's errors are dropped: a function that fails returns what jansson's does. Only a KeyboardInterrupt stays set.
 */
#ifndef ADADELTA_PYTHON_JANSSON_H
#define ADADELTA_PYTHON_JANSSON_H

#include <stddef.h>

typedef struct json_t json_t;
typedef long long json_int_t;

enum { JSON_ERROR_TEXT_LENGTH = 160 };

typedef struct {
    char text[JSON_ERROR_TEXT_LENGTH];
} json_error_t;

/* Flags. Python's json always writes digits that bring back every double. */
#define JSON_COMPACT           1
#define JSON_REJECT_DUPLICATES 1
#define JSON_REAL_PRECISION(n) 0

json_t *json_object(void);
json_t *json_array(void);
json_t *json_string(const char *value);
json_t *json_integer(json_int_t value);
json_t *json_real(double value);
json_t *json_boolean(int value);
void json_decref(json_t *json);

int json_is_object(const json_t *json);
int json_is_array(const json_t *json);
int json_is_string(const json_t *json);
int json_is_integer(const json_t *json);
int json_is_number(const json_t *json);
int json_is_boolean(const json_t *json);
int json_is_true(const json_t *json);

const char *json_string_value(const json_t *json);
json_int_t json_integer_value(const json_t *json);
double json_number_value(const json_t *json);

size_t json_object_size(const json_t *object);
json_t *json_object_get(const json_t *object, const char *key);
int json_object_set(json_t *object, const char *key, json_t *value);
int json_object_set_new(json_t *object, const char *key, json_t *value);
int json_object_next(const json_t *object, ptrdiff_t *at, const char **key, json_t **value);

size_t json_array_size(const json_t *array);
json_t *json_array_get(const json_t *array, size_t k);
int json_array_append_new(json_t *array, json_t *value);

json_t *json_pack(const char *format, ...);
int json_unpack(json_t *object, const char *format, ...);

json_t *json_loadb(const char *text, size_t length, size_t flags, json_error_t *error);
json_t *json_loads(const char *text, size_t flags, json_error_t *error);
size_t json_dumpb(const json_t *json, char *text, size_t size, size_t flags);
char *json_dumps(const json_t *json, size_t flags);

/* Python looks at every text's UTF-8. */
#define json_string_nocheck         json_string
#define json_object_set_new_nocheck json_object_set_new

#define json_object_foreach(object, key, value)                                                                        \
    for (ptrdiff_t json_at = 0; json_object_next(object, &json_at, &(key), &(value));)

#endif
