/* SPDX-License-Identifier: MIT */
/* adadelta eval: loss and error of a model on labelled data. */
#include <math.h>
#include <stdio.h>

#include "commands.h"
#include "report.h"

static enum verdict print_score(const struct args *args, const struct fit_score *score, struct trouble *trouble)
{
    char rows[NUMBER_SIZE], error[NUMBER_SIZE];
    int classes = !isnan(score->error);
    if (args->values[OPTION_JSON].given) {
        json_t *line = json_pack("{s:I,s:o}", "rows", (json_int_t)score->rows, "loss", report_number(score->loss));
        if (classes)
            json_object_set_new(line, "error", report_number(score->error));
        return report_json(stdout, line, trouble);
    }
    printf("%s: %s rows, ", args->operands[1], format_count(rows, score->rows));
    if (classes)
        printf("loss %.5g (cross-entropy), error %s (%.0f wrong)\n", score->loss, format_percent(error, score->error),
               score->error * (double)score->rows);
    else
        printf("mean squared error %.6g (root %.5g)\n", score->loss, sqrt(score->loss));
    return DONE;
}

static enum verdict eval(const struct args *args, struct trouble *trouble)
{
    struct fit *fit = NULL;
    struct dataset data = {0};
    struct dataset_request request = {0};
    struct fit_score score;
    enum verdict verdict = fit_load(&fit, args->operands[0], (int)args->values[OPTION_THREADS].whole, trouble);
    if (verdict == DONE) {
        fit_describe(fit, &request);
        request.path = args->operands[1];
        request.labels_path = args->values[OPTION_LABELS].text;
        request.want_target = 1;
        verdict = dataset_read(&data, &request, trouble);
    }
    if (verdict == DONE)
        verdict = fit_evaluate(fit, &data, &score, trouble);
    if (verdict == DONE)
        verdict = print_score(args, &score, trouble);
    dataset_free(&data);
    fit_destroy(fit);
    return verdict;
}

const struct command eval_command = {
    .name = "eval",
    .summary = "Tells a model's loss and error on labelled data",
    .operands = "MODEL DATA",
    .operand_count = 2,
    .details = "\n"
               "The loss is the mean cross-entropy in nats, and the error the part of rows that are put into a wrong\n"
               "class; for numbers the loss is the mean squared error.\n",
    .groups = {&label_options, &common_options},
    .examples = {"adadelta eval iris.safetensors iris.csv", "adadelta eval iris.safetensors iris.csv --json"},
    .run = eval,
};
