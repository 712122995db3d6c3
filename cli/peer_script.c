/* SPDX-License-Identifier: MIT */
/* See peer_script.h. */
#include "peer_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first in PATH may be a person's own and lack what the system's has. */
static const char *const pythons[] = {"python3", "/usr/bin/python3"};
enum { PYTHON_COUNT = sizeof pythons / sizeof *pythons };

static enum verdict find_file(char path[PEER_PATH], const char *name, struct trouble *trouble)
{
    return peer_file(path, name) ? DONE
                                 : blame(trouble, FAILED, "%s was not found in bench/ or share/adadelta/bench/", name);
}

/* Puts words behind those that are there; returns how many there are then. */
static size_t append(const char **all, size_t count, const char *const *words)
{
    for (size_t i = 0; i < PEER_WORDS && words[i]; i++)
        all[count++] = words[i];
    all[count] = NULL;
    return count;
}

/* Starts a peer and reads its first line. */
static enum verdict start(struct peer *peer, const char *const *words, char first[PEER_LINE], struct trouble *trouble)
{
    enum verdict verdict = peer_start(peer, words, trouble);
    if (verdict == DONE && (verdict = peer_read(peer, first, trouble)) != DONE)
        peer_end(peer);
    return verdict;
}

enum verdict peer_start_python(struct peer *peer, const char *name, const char *const *words, const char *package,
                               char first[PEER_LINE], struct trouble *trouble)
{
    static const char missing[] = "missing ";
    const char *all[3 + PEER_WORDS + 1] = {"", "-B", ""}; /* -B: leaves no compiled files beside the script */
    char path[PEER_PATH], module[PEER_LINE] = "";
    enum verdict verdict = find_file(path, name, trouble);
    if (verdict != DONE)
        return verdict;
    all[2] = path;
    append(all, 3, words);
    for (size_t i = 0; i < PYTHON_COUNT; i++) {
        all[0] = pythons[i];
        verdict = start(peer, all, first, trouble);
        if (verdict != DONE)
            continue;
        if (strncmp(first, missing, strlen(missing)) != 0)
            return DONE;
        snprintf(module, sizeof module, "%s", first + strlen(missing));
        peer_end(peer);
    }
    if (module[0])
        return blame(trouble, FAILED, "no python3 with the module %.100s was found: install the package %s", module,
                     package);
    return verdict;
}

/* $CC as words, which may be several. */
static size_t compiler_words(char *text, size_t size, const char **all)
{
    const char *given = getenv("CC");
    size_t count = 0;
    snprintf(text, size, "%s", given && *given ? given : "cc");
    for (char *rest, *word = strtok_r(text, " ", &rest); word && count < PEER_WORDS; word = strtok_r(NULL, " ", &rest))
        all[count++] = word;
    return count;
}

static enum verdict compile(const char *source, const char *program, const char *const *flags, struct trouble *trouble)
{
    const char *all[2 * PEER_WORDS + 5];
    char text[1024];
    size_t count = compiler_words(text, sizeof text, all);
    count = append(all, count, flags);
    count = append(all, count, (const char *const[]){source, "-o", program, "-lm", NULL});
    return count && peer_run(all) ? DONE
                                  : blame(trouble, FAILED, "no C compiler (%s) that compiles %s was found: install gcc",
                                          count ? all[0] : "cc", source);
}

enum verdict peer_start_c(struct peer *peer, const char *name, const char *const *flags, const char *const *words,
                          char first[PEER_LINE], struct trouble *trouble)
{
    const char *temporary = getenv("TMPDIR"), *all[1 + PEER_WORDS + 1];
    char source[PEER_PATH], folder[PEER_PATH], program[PEER_PATH + 8];
    enum verdict verdict = find_file(source, name, trouble);
    if (verdict != DONE)
        return verdict;
    const int length = snprintf(folder, sizeof folder, "%s/adadelta-peer.XXXXXX", temporary ? temporary : "/tmp");
    if (length >= (int)sizeof folder || !mkdtemp(folder))
        return blame(trouble, FAILED, "a temporary folder cannot be made");
    snprintf(program, sizeof program, "%s/peer", folder);
    all[0] = program;
    append(all, 1, words);
    verdict = compile(source, program, flags, trouble);
    if (verdict == DONE)
        verdict = start(peer, all, first, trouble);
    /* What runs needs its file no longer. */
    unlink(program);
    rmdir(folder);
    return verdict;
}
