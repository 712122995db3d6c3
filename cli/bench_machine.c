/* SPDX-License-Identifier: MIT */
/* See bench_machine.h. */
#include "bench_machine.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

const char *bench_machine(char *text, size_t size)
{
    char line[256], *model = NULL;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (!model && file && fgets(line, sizeof line, file))
        if (strncmp(line, "model name", 10) == 0 && (model = strchr(line, ':')))
            model[strcspn(model, "\n")] = '\0';
    if (file)
        fclose(file);
    snprintf(text, size, "%s, %d processors", model ? model + strspn(model, ": ") : "unknown processor",
             omp_get_num_procs());
    return text;
}

void bench_remark_machine(int quiet, int threads)
{
    char text[256];
    remark(quiet, "%s, threads %d, %s, adadelta %s", bench_machine(text, sizeof text), threads, adadelta_isa_name(),
           adadelta_version_string());
}
