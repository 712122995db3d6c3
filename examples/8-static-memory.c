/* SPDX-License-Identifier: MIT */
/* Without malloc: an optimizer in a static array. adadelta_state_size tells how large it must be. */
#include <adadelta.h>
#include <stdio.h>

static unsigned char memory[8192];

int main(void)
{
    float x[2] = {0, 0}, g[2];
    const struct adadelta_tensor tensor = {.name = "x", .ndim = 1, .shape = {2}, .values = x, .gradient = g};
    const size_t needed = adadelta_state_size(NULL, 1, &tensor, 1);
    struct adadelta *optimizer;
    if (needed > sizeof memory || adadelta_init_in_place(memory, sizeof memory, NULL, &optimizer) ||
        adadelta_add_group(optimizer, NULL, NULL) || adadelta_add_tensor(optimizer, 0, &tensor, NULL))
        return 1;
    for (int step = 0; step < 5000; step++) {
        g[0] = 2 * (x[0] - 3); /* the gradient of (x0 - 3)^2 + (x1 + 1)^2 */
        g[1] = 2 * (x[1] + 1);
        if (adadelta_step(optimizer))
            return 1;
    }
    printf("%.2f %.2f in %s\n", (double)x[0], (double)x[1], needed < sizeof memory ? "less than 8 KiB" : "8 KiB");
    return 0;
}
