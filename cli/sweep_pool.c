/* SPDX-License-Identifier: MIT */
/* See sweep_pool.h. */
#include "sweep_pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interrupt.h"

enum { PULSE_MILLISECONDS = 200, PIECE = 65536 };

/* A worker, and the line that it is in the middle of. */
struct worker {
    pid_t process; /* 0: none here */
    int pipe;
    size_t job;
    char *line; /* [room] */
    size_t size, room;
};

struct crew {
    const struct pool *pool;
    struct worker *workers; /* [pool->workers] */
    struct pollfd *polls;   /* [pool->workers] */
    size_t busy;
    struct trouble *trouble;
};

/* The worker's side. A signal that stops the caller may be sent to both: the caller alone heeds it. */
static void do_work(struct crew *crew, size_t job, int pipe_out)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_DFL); /* nobody reads any more: the caller is gone */
    for (size_t i = 0; i < crew->pool->workers; i++)
        if (crew->workers[i].process)
            close(crew->workers[i].pipe);
    FILE *out = fdopen(pipe_out, "w");
    if (!out)
        _exit(EXIT_FAILURE);
    crew->pool->work(job, out, crew->pool->context);
    _exit(fflush(out) ? EXIT_FAILURE : EXIT_SUCCESS); /* without the caller's buffers and exit functions */
}

/* Where no further process can be had, those that run go on. */
static enum verdict start(struct crew *crew, struct worker *worker, size_t job, int *started)
{
    int ends[2] = {-1, -1};
    *started = 0;
    fflush(NULL); /* or a worker that dies badly might write it a second time */
    const pid_t process = pipe(ends) == 0 ? fork() : -1;
    if (process == 0) {
        close(ends[0]);
        do_work(crew, job, ends[1]);
    }
    const int reason = errno;
    if (ends[1] >= 0)
        close(ends[1]);
    if (process < 0) {
        if (ends[0] >= 0)
            close(ends[0]);
        return crew->busy ? DONE : blame(crew->trouble, FAILED, "a worker cannot be started: %s", strerror(reason));
    }
    worker->process = process;
    worker->pipe = ends[0];
    worker->job = job;
    worker->size = 0;
    crew->busy++;
    *started = 1;
    return DONE;
}

/* Hands on the lines that are whole, and keeps the rest. */
static enum verdict hand_on(struct crew *crew, struct worker *worker)
{
    enum verdict verdict = DONE;
    char *begin = worker->line, *end;
    size_t left = worker->size;
    while (verdict == DONE && (end = memchr(begin, '\n', left))) {
        *end = '\0';
        verdict = crew->pool->take_line(worker->job, begin, crew->pool->context, crew->trouble);
        left -= (size_t)(end + 1 - begin);
        begin = end + 1;
    }
    memmove(worker->line, begin, left);
    worker->size = left;
    return verdict;
}

/* The worker's end: NULL where it is as it should be. */
static const char *name_end(int status, char *text, size_t size)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
        return NULL;
    if (WIFSIGNALED(status))
        snprintf(text, size, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(text, size, "exit code %d", WEXITSTATUS(status));
    return text;
}

/* Takes the worker out of the crew; its status, or -1. */
static int dismiss(struct crew *crew, struct worker *worker)
{
    int status = -1;
    close(worker->pipe);
    while (waitpid(worker->process, &status, 0) < 0 && errno == EINTR)
        ;
    worker->process = 0;
    crew->busy--;
    return status;
}

/* What has come from a worker, or its end. */
static enum verdict listen_to(struct crew *crew, struct worker *worker)
{
    if (worker->room - worker->size < PIECE) {
        char *line = realloc(worker->line, worker->room + 2 * PIECE);
        if (!line)
            return blame_memory(crew->trouble);
        worker->line = line;
        worker->room += 2 * PIECE;
    }
    const ssize_t size = read(worker->pipe, worker->line + worker->size, PIECE);
    if (size < 0)
        return errno == EINTR ? DONE : blame(crew->trouble, FAILED, "a worker cannot be read: %s", strerror(errno));
    if (size > 0) {
        worker->size += (size_t)size;
        return hand_on(crew, worker);
    }
    char text[64];
    const int status = dismiss(crew, worker);
    return crew->pool->take_end(worker->job, name_end(status, text, sizeof text), crew->pool->context, crew->trouble);
}

/* Waits for news of the workers, and takes it. */
static enum verdict attend(struct crew *crew)
{
    const size_t workers = crew->pool->workers;
    enum verdict verdict = DONE;
    for (size_t i = 0; i < workers; i++)
        crew->polls[i] = (struct pollfd){.fd = crew->workers[i].process ? crew->workers[i].pipe : -1, .events = POLLIN};
    if (poll(crew->polls, (nfds_t)workers, PULSE_MILLISECONDS) < 0)
        return errno == EINTR ? DONE : blame(crew->trouble, FAILED, "workers cannot be watched: %s", strerror(errno));
    for (size_t i = 0; i < workers && verdict == DONE; i++)
        if (crew->polls[i].revents)
            verdict = listen_to(crew, &crew->workers[i]);
    crew->pool->pulse(crew->pool->context);
    return verdict;
}

/* The first place that is free, or NULL. */
static struct worker *find_free(struct crew *crew)
{
    for (size_t i = 0; i < crew->pool->workers; i++)
        if (!crew->workers[i].process)
            return &crew->workers[i];
    return NULL;
}

static enum verdict work_through(struct crew *crew, const size_t *jobs, size_t count)
{
    enum verdict verdict = DONE;
    size_t next = 0;
    while (verdict == DONE && (next < count || crew->busy) && !interrupt_requested()) {
        struct worker *worker = next < count ? find_free(crew) : NULL;
        int started = 0;
        if (worker)
            verdict = start(crew, worker, jobs[next], &started);
        next += (size_t)started;
        if (!started && verdict == DONE)
            verdict = attend(crew);
    }
    return verdict;
}

enum verdict pool_run(const struct pool *pool, const size_t *jobs, size_t count, struct trouble *trouble)
{
    struct crew crew = {.pool = pool,
                        .workers = calloc(pool->workers, sizeof *crew.workers),
                        .polls = calloc(pool->workers, sizeof *crew.polls),
                        .trouble = trouble};
    enum verdict verdict = crew.workers && crew.polls ? work_through(&crew, jobs, count) : blame_memory(trouble);
    for (size_t i = 0; i < pool->workers && crew.workers; i++) {
        if (crew.workers[i].process) {
            kill(crew.workers[i].process, SIGKILL); /* it holds nothing but memory */
            dismiss(&crew, &crew.workers[i]);
        }
        free(crew.workers[i].line);
    }
    free(crew.workers);
    free(crew.polls);
    return verdict;
}
