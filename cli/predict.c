/* SPDX-License-Identifier: MIT */
/* adadelta predict: what a model says of each row, as CSV. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "output.h"
#include "report.h"

/* What is written: [rows, outputs] values, each row a number or its classes' probabilities. */
struct predictions {
    size_t rows, outputs;
    const double *values;
    const char *const *class_names; /* [outputs]; NULL for numbers */
};

/* A CSV cell; one that holds a comma, a quote or a line's end stands in quotes. */
static void print_cell(FILE *out, const char *prefix, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        fprintf(out, "%s%s", prefix, text);
        return;
    }
    fprintf(out, "\"%s", prefix);
    for (; *text; text++)
        fputs(*text == '"' ? "\"\"" : (char[]){*text, '\0'}, out);
    fputc('"', out);
}

static size_t most_likely(const double *probability, size_t count)
{
    size_t best = 0;
    for (size_t k = 1; k < count; k++)
        if (probability[k] > probability[best])
            best = k;
    return best;
}

static enum verdict print_csv(FILE *out, const struct predictions *predictions, struct trouble *trouble)
{
    size_t outputs = predictions->outputs;
    (void)trouble;
    fprintf(out, "prediction");
    for (size_t k = 0; predictions->class_names && k < outputs; k++) {
        fputc(',', out);
        print_cell(out, "probability_", predictions->class_names[k]);
    }
    fputc('\n', out);
    for (size_t i = 0; i < predictions->rows; i++) {
        const double *row = predictions->values + i * outputs;
        if (predictions->class_names)
            print_cell(out, "", predictions->class_names[most_likely(row, outputs)]);
        /* Nine digits are what a float has. */
        for (size_t k = 0; k < outputs; k++)
            fprintf(out, predictions->class_names ? ",%.9g" : "%.9g", row[k]);
        fputc('\n', out);
    }
    return DONE;
}

static enum verdict print_json(FILE *out, const struct predictions *predictions, struct trouble *trouble)
{
    enum verdict verdict = DONE;
    for (size_t i = 0; i < predictions->rows && verdict == DONE; i++) {
        const double *row = predictions->values + i * predictions->outputs;
        json_t *line = json_pack("{s:I}", "row", (json_int_t)(i + 1));
        if (predictions->class_names) {
            json_t *all = json_object();
            for (size_t k = 0; k < predictions->outputs; k++)
                json_object_set_new(all, predictions->class_names[k], report_number(row[k]));
            const char *name = predictions->class_names[most_likely(row, predictions->outputs)];
            json_object_set_new(line, "prediction", report_text(name));
            json_object_set_new(line, "probabilities", all);
        } else {
            json_object_set_new(line, "prediction", report_number(row[0]));
        }
        verdict = report_json(out, line, trouble);
    }
    return verdict;
}

static enum verdict print_predictions(const struct args *args, const struct predictions *predictions,
                                      struct trouble *trouble)
{
    struct output output = {0};
    const char *path = args->values[OPTION_OUTPUT].text;
    enum verdict verdict = path ? output_open(&output, path, trouble) : DONE;
    if (verdict != DONE)
        return verdict;
    verdict =
        (args->values[OPTION_JSON].given ? print_json : print_csv)(path ? output.file : stdout, predictions, trouble);
    if (path && verdict == DONE)
        verdict = output_commit(&output, trouble);
    else if (path)
        output_discard(&output);
    return verdict;
}

static enum verdict predict_data(struct fit *fit, const struct args *args, const struct dataset *data,
                                 struct trouble *trouble)
{
    size_t classes;
    struct predictions predictions = {.rows = data->rows, .outputs = fit_outputs(fit)};
    double *values = calloc(data->rows, predictions.outputs * sizeof *values);
    enum verdict verdict = values ? fit_predict(fit, data, 0, values, trouble) : blame_memory(trouble);
    predictions.values = values;
    predictions.class_names = fit_class_names(fit, &classes);
    if (verdict == DONE)
        verdict = print_predictions(args, &predictions, trouble);
    free(values);
    return verdict;
}

static enum verdict predict(const struct args *args, struct trouble *trouble)
{
    struct fit *fit = NULL;
    struct dataset data = {0};
    struct dataset_request request = {0};
    const char *path = args->values[OPTION_OUTPUT].text;
    enum verdict verdict = path ? output_check(path, args->operands, args->operand_count, trouble) : DONE;
    if (verdict == DONE)
        verdict = fit_load(&fit, args->operands[0], (int)args->values[OPTION_THREADS].whole, trouble);
    if (verdict == DONE) {
        /* The target is not looked at: it may be empty, or of a class that the model does not know. */
        fit_describe(fit, &request);
        request.path = args->operands[1];
        request.target = NULL;
        request.want_target = 0;
        verdict = dataset_read(&data, &request, trouble);
    }
    if (verdict == DONE)
        verdict = predict_data(fit, args, &data, trouble);
    dataset_free(&data);
    fit_destroy(fit);
    return verdict;
}

static const struct option file_rows[] = {
    {OPTION_OUTPUT, OPTION_TEXT, "output", 'o', "FILE", 0, 0, 0, "file to write (default: standard output)"},
};
static const struct option_group file_options = {"Files", file_rows, sizeof file_rows / sizeof *file_rows};

const struct command predict_command = {
    .name = "predict",
    .summary = "Writes a model's predictions as CSV",
    .operands = "MODEL DATA",
    .operand_count = 2,
    .details = "\n"
               "One line a row of DATA, in its order: the predicted class and each class's probability, or the\n"
               "predicted number. DATA needs the columns that the model was trained on; others are passed over. With\n"
               "--json each line is an object.\n",
    .groups = {&file_options, &common_options},
    .examples = {"adadelta predict iris.safetensors flowers.csv",
                 "adadelta predict iris.safetensors flowers.csv -o out.csv"},
    .run = predict,
};
