/* SPDX-License-Identifier: MIT */
/* Images made up for `bench train`, shaped as MNIST, so that nothing need be downloaded. */
#ifndef CLI_TRAIN_IMAGES_H
#define CLI_TRAIN_IMAGES_H

#include "dataset.h"

/* 60,000 images of 28 x 28 bytes in ten classes: of each class's picture a fifth of the pixels is lit, and a tenth of
   an image's pixels is noise. To be given to dataset_free, whatever comes of it. */
enum verdict train_images(struct dataset *data, uint64_t seed, struct trouble *trouble);

#endif
