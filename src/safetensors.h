/* SPDX-License-Identifier: MIT */
/* The safetensors format: 8 bytes of header length, a JSON header, the arrays. With a checksum over all of it. */
#ifndef ADADELTA_SRC_SAFETENSORS_H
#define ADADELTA_SRC_SAFETENSORS_H

#include "checkpoint.h"
#include "checkpoint_file.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error                                                                                                                 \
    "safetensors files are little-endian, and arrays are written as they lie in memory: configure without checkpoints"
#endif

enum {
    LENGTH_SIZE = 8,
    CRC_DIGITS = 8,
    MAX_HEADER = 100000000 /* the format's limit, in bytes */
};

/* Where the digits of the checksum stand in a header of size bytes, its length included; 0: there are none. */
size_t safetensors_crc_place(const char *header, size_t size);

/* The header of a checkpoint and its arrays in the order of the file. */
struct encoded {
    struct piece *pieces; /* [count]; the first is the header with its length, the others point to the arrays */
    size_t count;
    char *header;
};

/* Encodes a checkpoint; *encoded is to be given to encoded_free, after an error too.
   Errors: ADADELTA_ERROR_MEMORY, ADADELTA_ERROR_ARGUMENT (more names and texts than a header can hold). */
enum adadelta_status safetensors_encode(const struct adadelta_checkpoint *checkpoint, struct encoded *encoded,
                                        struct adadelta_error *error);
void encoded_free(struct encoded *encoded);

/* Checks the size bytes of checkpoint->file and fills the empty checkpoint with what they hold.
   Errors, with texts that do not name the file: ADADELTA_ERROR_MEMORY, _FORMAT, _DAMAGED. */
enum adadelta_status safetensors_decode(struct adadelta_checkpoint *checkpoint, size_t size,
                                        struct adadelta_error *error);

#endif
