/* SPDX-License-Identifier: MIT */
/* See gnuplot.h. The script comes from a temporary file and the picture leaves by standard output, so that no file's
   name ever stands in a script or in a shell's command. */
#include "gnuplot.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "output.h"

/* Of Okabe and Ito's colours, which the colour-blind can tell apart; each method with a mark of its own, too. */
static const struct line_style styles[] = {
    [ADADELTA_METHOD_ADADELTA] = {"#D55E00", 7},  [ADADELTA_METHOD_SGD] = {"#000000", 5},
    [ADADELTA_METHOD_MOMENTUM] = {"#0072B2", 13}, [ADADELTA_METHOD_ADAGRAD] = {"#009E73", 9},
    [ADADELTA_METHOD_RMSPROP] = {"#CC79A7", 11},  [ADADELTA_METHOD_ADAMW] = {"#E69F00", 15},
};
_Static_assert(sizeof styles / sizeof *styles == ADADELTA_METHOD_COUNT, "a method has no line style");

/* The same palette, but for yellow, which is hard to see on white; and grey. */
static const struct line_style plain_styles[] = {{"#0072B2", 7},  {"#D55E00", 5},  {"#009E73", 9}, {"#CC79A7", 11},
                                                 {"#E69F00", 13}, {"#56B4E9", 15}, {"#000000", 4}, {"#888888", 6}};
_Static_assert(sizeof plain_styles / sizeof *plain_styles == PLAIN_STYLES, "a plain style is missing");

/* Lengths of strokes and gaps; as many as a picture has curves. */
static const char *const dashes[] = {
    "solid", "(9,4)", "(2,3)", "(9,3,2,3)", "(18,4)", "(9,3,2,3,2,3)", "(5,2)", "(18,3,2,3)", "(2,7)",
};

enum { WIDTH = 800, HEIGHT = 600 };

const double gnuplot_most = 1e300;

/* The picture formats: adding one is a row. A PNG has twice the pixels, to be sharp where it is shown as wide as an
   SVG. gnuplot does not tell when it could not write all; the end of a picture does. */
static const struct format {
    const char *suffix, *terminal;
    int pixels; /* for each unit of size */
    const char *look, *end;
} formats[] = {
    {".svg", "svg", 1, "font 'sans,14' linewidth 1 background rgb 'white'", "</svg>"},
    {".png", "pngcairo", 2, "font 'sans,14' fontscale 1.9 linewidth 2 pointscale 2", "IEND"},
};
enum { FORMAT_COUNT = sizeof formats / sizeof *formats };

const struct line_style *method_style(enum adadelta_method method)
{
    return &styles[method];
}

const struct line_style *plain_style(size_t k)
{
    return &plain_styles[k % PLAIN_STYLES];
}

int method_of_name(const char *name, enum adadelta_method *method)
{
    for (int i = 0; i < ADADELTA_METHOD_COUNT; i++) {
        if (strcasecmp(adadelta_method_name((enum adadelta_method)i), name) == 0) {
            *method = (enum adadelta_method)i;
            return 1;
        }
    }
    return 0;
}

const char *dash_style(size_t turn)
{
    return dashes[turn % (sizeof dashes / sizeof *dashes)];
}

static const struct format *format_for(const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        size_t size = strlen(formats[i].suffix);
        if (length > size && strcmp(path + length - size, formats[i].suffix) == 0)
            return &formats[i];
    }
    return NULL;
}

/* 1 where a program of that name stands in PATH. */
static int is_installed(const char *program)
{
    const char *path = getenv("PATH");
    char file[4096];
    while (path && *path) {
        size_t size = strcspn(path, ":");
        int length = snprintf(file, sizeof file, "%.*s/%s", (int)size, path, program);
        if (length > 0 && (size_t)length < sizeof file && access(file, X_OK) == 0)
            return 1;
        path += size + (path[size] == ':');
    }
    return 0;
}

enum verdict gnuplot_check(const char *path, struct trouble *trouble)
{
    if (!format_for(path))
        return blame(trouble, MISUSE, "%s: a picture's name must end in .svg or .png", path);
    if (!is_installed("gnuplot"))
        return blame(trouble, FAILED,
                     "gnuplot is needed for pictures and was not found: install the package gnuplot-nox "
                     "(Debian, Ubuntu) or gnuplot");
    return DONE;
}

/* Runs gnuplot over three open files; 0 where it succeeded. */
static int run_gnuplot(FILE *script, FILE *picture, FILE *remarks)
{
    int status;
    pid_t child = fork();
    if (child < 0)
        return -1;
    if (child == 0) {
        if (dup2(fileno(script), STDIN_FILENO) >= 0 && dup2(fileno(picture), STDOUT_FILENO) >= 0 &&
            dup2(fileno(remarks), STDERR_FILENO) >= 0)
            execlp("gnuplot", "gnuplot", "--default-settings", (char *)NULL);
        _exit(127);
    }
    if (waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* Whether a mark stands within a file's last bytes. */
static int ends_with(FILE *file, const char *mark)
{
    char last[17] = "";
    const long size = (long)sizeof last - 1;
    if (fseek(file, -size, SEEK_END) != 0 || fread(last, 1, (size_t)size, file) != (size_t)size)
        return 0;
    for (long i = 0; i < size; i++)
        if (strncmp(last + i, mark, strlen(mark)) == 0)
            return 1;
    return 0;
}

/* gnuplot shows the line and a mark before it says what is wrong, so its last line with letters is the telling one. */
static enum verdict blame_gnuplot(const char *path, FILE *remarks, struct trouble *trouble)
{
    char line[256], last[256] = "";
    rewind(remarks);
    while (fgets(line, sizeof line, remarks)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[strspn(line, " ^\t")])
            memcpy(last, line, sizeof last);
    }
    return blame(trouble, FAILED, "%s: gnuplot failed%s%s", path, last[0] ? ": " : "", last + strspn(last, " \t"));
}

enum verdict gnuplot_draw_sized(const char *path, int width, int height,
                                void (*write)(FILE *script, const void *context), const void *context,
                                struct trouble *trouble)
{
    struct output picture;
    const struct format *format = format_for(path);
    enum verdict verdict = output_open(&picture, path, trouble);
    if (verdict != DONE)
        return verdict;
    FILE *script = tmpfile(), *remarks = tmpfile();
    if (!script || !remarks) {
        verdict = blame(trouble, FAILED, "a temporary file cannot be made");
    } else {
        fprintf(script, "set encoding utf8\nset terminal %s size %d,%d %s\n", format->terminal, format->pixels * width,
                format->pixels * height, format->look);
        write(script, context);
        /* The child reads from the shared position, and from the file, not from this buffer. */
        if (fflush(script) || ferror(script) || lseek(fileno(script), 0, SEEK_SET) != 0)
            verdict = blame(trouble, FAILED, "a temporary file cannot be written");
        else if (run_gnuplot(script, picture.file, remarks) != 0)
            verdict = blame_gnuplot(path, remarks, trouble);
        else if (!ends_with(picture.file, format->end))
            verdict = blame(trouble, FAILED, "%s: the picture came out cut: is there room on the disk?", path);
    }
    if (script)
        fclose(script);
    if (remarks)
        fclose(remarks);
    if (verdict == DONE)
        return output_commit(&picture, trouble);
    output_discard(&picture);
    return verdict;
}

enum verdict gnuplot_draw(const char *path, void (*write)(FILE *script, const void *context), const void *context,
                          struct trouble *trouble)
{
    return gnuplot_draw_sized(path, WIDTH, HEIGHT, write, context, trouble);
}

void gnuplot_frame(FILE *script)
{
    fputs("set border 3 linecolor rgb '#555555'\nset tics nomirror textcolor rgb '#222222'\n"
          "set grid ytics linecolor rgb '#dddddd' linewidth 1\n",
          script);
}

void gnuplot_text(FILE *script, const char *text)
{
    json_t *valid = json_string(text); /* NULL where the bytes are not UTF-8, which would spoil an SVG */
    fputc('\'', script);
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < ' ' || byte == 127 || (byte >= 128 && !valid))
            byte = '?';
        if (byte == '\'')
            fputc('\'', script);
        fputc(byte, script);
    }
    fputc('\'', script);
    json_decref(valid);
}

double gnuplot_step(double bound)
{
    const double decade = pow(10, floor(log10(bound))), part = bound / decade;
    return (part >= 5 ? 5 : part >= 2 ? 2 : 1) * decade;
}

/* At 1, 2, 5 in each decade, or at powers alone. */
static void write_decades(FILE *script, double low, double high)
{
    static const double steps[] = {1, 2, 5};
    const double decades = log10(high) - log10(low);
    const size_t step_count = decades <= 2.5 ? 3 : 1;
    const int stride = decades <= 8 ? 1 : (int)ceil(decades / 8);
    const char *comma = "";
    for (int power = (int)floor(log10(low)); power <= (int)ceil(log10(high)); power += stride) {
        for (size_t i = 0; i < step_count; i++) {
            fprintf(script, "%s'%g' %g", comma, steps[i] * pow(10, power), steps[i] * pow(10, power));
            comma = ", ";
        }
    }
}

/* Of ends so close together that a whole number of steps is no double any more, none at all. */
static void write_equal_marks(FILE *script, double low, double high)
{
    enum { MOST_STEPS = 12 }; /* 6 at most where steps can be counted */
    const double step = gnuplot_step((high - low) / 2.5);
    const double first = ceil(low / step), steps = floor(high / step) - first;
    for (int k = 0; k <= steps && k <= MOST_STEPS; k++)
        fprintf(script, "%s'%g' %g", k > 0 ? ", " : "", (first + k) * step, (first + k) * step);
}

void gnuplot_log(FILE *script, const char *axis, double low, double high)
{
    static const double narrow = 10; /* below this so few of 1, 2, 5, 10 lie between that values are hard to read */
    fprintf(script, "set logscale %s\nset %stics (", axis, axis);
    if (high < narrow * low)
        write_equal_marks(script, low, high);
    else
        write_decades(script, low, high);
    fprintf(script, ")\n");
}

void gnuplot_log_y(FILE *script, double low, double high)
{
    gnuplot_log(script, "y", low, high);
}
