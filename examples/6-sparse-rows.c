/* SPDX-License-Identifier: MIT */
/* Sparse rows: a weight for each of a million words, learned from sentences that name a few of them. A step costs what
   the named rows cost; all other rows stay as they are. */
#include <adadelta.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS = 1000000, LENGTH = 4, SENTENCES = 4, STEPS = 200 };

/* Words by number; one may stand twice in a sentence. */
enum { GREAT = 17, DULL = 300000, FILM = 500000, PLOT = 720001, VERY = 999999 };
static const size_t sentences[SENTENCES][LENGTH] = {
    {VERY, VERY, GREAT, FILM}, {VERY, DULL, PLOT, FILM}, {GREAT, PLOT, FILM, GREAT}, {DULL, VERY, FILM, DULL}};
static const float liked[SENTENCES] = {1, 0, 1, 0};

/* How likely it is that a sentence is one of praise. */
static float praise(const float *weights, const size_t *words)
{
    float score = 0;
    for (int k = 0; k < LENGTH; k++)
        score += weights[words[k]];
    return 1 / (1 + expf(-score));
}

static enum adadelta_status train(struct adadelta *optimizer, float *weights)
{
    const struct adadelta_tensor table = {
        .name = "words", .ndim = 2, .shape = {WORDS, 1}, .values = weights, .max_rows = LENGTH};
    struct adadelta_hyper hyper = adadelta_hyper_default();
    hyper.eps = 1e-3; /* a word is seen seldom: larger first steps */
    enum adadelta_status status = adadelta_add_group(optimizer, &hyper, NULL);
    if (!status)
        status = adadelta_add_tensor(optimizer, 0, &table, NULL);
    for (int step = 0; !status && step < STEPS; step++) {
        const size_t *words = sentences[step % SENTENCES];
        const float fault = praise(weights, words) - liked[step % SENTENCES];
        const float gradient[LENGTH] = {fault, fault, fault, fault}; /* of each word named; a word's are added up */
        status = adadelta_step_rows(optimizer, 0, LENGTH, words, gradient);
        if (!status)
            status = adadelta_step(optimizer); /* ends the pass: counts it */
    }
    return status;
}

int main(void)
{
    float *weights = calloc(WORDS, sizeof *weights);
    struct adadelta *optimizer = NULL;
    enum adadelta_status status = weights ? adadelta_create(NULL, &optimizer) : ADADELTA_ERROR_MEMORY;
    if (!status)
        status = train(optimizer, weights);
    if (!status) {
        size_t changed = 0;
        for (size_t i = 0; i < WORDS; i++)
            changed += weights[i] != 0;
        for (int i = 0; i < SENTENCES; i++)
            printf("%s ", praise(weights, sentences[i]) > 0.5f ? "praise" : "complaint");
        printf("\n%zu weights of %d have moved\n", changed, WORDS);
    }
    adadelta_destroy(optimizer);
    free(weights);
    return status != ADADELTA_OK;
}
