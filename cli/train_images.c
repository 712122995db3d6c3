/* SPDX-License-Identifier: MIT */
/* See train_images.h. */
#include "train_images.h"

#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "texts.h"

enum { ROWS = 60000, COLUMNS = 784, CLASSES = 10, NOISY = 26 /* of 256 */ };

/* Streams of random numbers apart from those of the trainer. */
enum { STREAM_PICTURES = 71, STREAM_IMAGES = 72 };

static void draw_pictures(uint8_t pictures[CLASSES][COLUMNS], uint64_t seed)
{
    struct random random = random_stream(seed, STREAM_PICTURES);
    for (size_t k = 0; k < CLASSES; k++) {
        for (size_t c = 0; c < COLUMNS; c++)
            pictures[k][c] = (uint8_t)(random_below(&random, 5) ? 0 : 64 + random_below(&random, 192));
    }
}

/* Eight pixels from eight random bytes: where one is low, it is noise. */
static void draw_pixels(uint8_t *pixels, const uint8_t *picture, uint64_t bits)
{
    for (size_t i = 0; i < 8; i++, bits >>= 8) {
        const uint8_t byte = (uint8_t)bits;
        pixels[i] = byte < NOISY ? (uint8_t)(byte * 9) : picture[i];
    }
}

enum verdict train_images(struct dataset *data, uint64_t seed, struct trouble *trouble)
{
    static const char *const names[CLASSES] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    uint8_t pictures[CLASSES][COLUMNS];
    *data = (struct dataset){.rows = ROWS, .columns = COLUMNS, .target = TARGET_CLASS, .classes = CLASSES};
    data->path = strdup("the images made up");
    data->pixels = malloc((size_t)ROWS * COLUMNS);
    data->labels = malloc(ROWS * sizeof *data->labels);
    data->class_names = texts_copy(names, CLASSES);
    if (!data->path || !data->pixels || !data->labels || !data->class_names)
        return blame_memory(trouble);
    draw_pictures(pictures, seed);
    struct random random = random_stream(seed, STREAM_IMAGES);
    for (size_t r = 0; r < ROWS; r++) {
        data->labels[r] = (int32_t)random_below(&random, CLASSES);
        for (size_t c = 0; c < COLUMNS; c += 8)
            draw_pixels(data->pixels + r * COLUMNS + c, pictures[data->labels[r]] + c, random_bits(&random));
    }
    return DONE;
}
