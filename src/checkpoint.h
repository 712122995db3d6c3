/* SPDX-License-Identifier: MIT */
/* What struct adadelta_checkpoint holds: for the safetensors format below it and the optimizer's part above it. */
#ifndef ADADELTA_SRC_CHECKPOINT_H
#define ADADELTA_SRC_CHECKPOINT_H

#include <adadelta.h>
#include <jansson.h>

/* The version of the file format that this library writes, and the newest it reads: docs/checkpoint.md. */
enum { CHECKPOINT_FORMAT = 2 };

/* The library's own texts. */
#define TEXT_PREFIX    "adadelta."
#define TEXT_FORMAT    TEXT_PREFIX "format"
#define TEXT_VERSION   TEXT_PREFIX "version"
#define TEXT_CRC32     TEXT_PREFIX "crc32"
#define TEXT_OPTIMIZER TEXT_PREFIX "optimizer"

struct adadelta_checkpoint {
    json_t *texts;                  /* object: name -> string */
    json_t *numbers;                /* object: name of an array -> its number in arrays */
    struct adadelta_tensor *arrays; /* names are ours, values the caller's or in file; gradient is NULL */
    size_t count, capacity;
    void *file; /* the bytes of the file that was read, 64-byte aligned; or NULL */
};

/* adadelta_checkpoint_set_text for any name, the library's own too. */
enum adadelta_status checkpoint_put_text(struct adadelta_checkpoint *checkpoint, const char *name, const char *text);

/* Parses length bytes of JSON; a key that stands twice is an error. NULL: *wrong says what is wrong with the text, or
   is empty where there is no memory. */
json_t *checkpoint_parse(const char *text, size_t length, char wrong[JSON_ERROR_TEXT_LENGTH]);

#endif
