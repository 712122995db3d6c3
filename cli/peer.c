/* SPDX-License-Identifier: MIT */
/* See peer.h. The wire is a pair of sockets: one descriptor for both directions, and writing to a process that is gone
   is an error here, not the end of this program. */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "waiting.h"

enum { PATIENCE = 600 * 1000 }; /* milliseconds */

/* Where bench/ lies, seen from the program's folder: as built, as installed. */
static const char *const folders[] = {"bench", "../share/adadelta/bench"};
enum { FOLDER_COUNT = sizeof folders / sizeof *folders };

/* In the child: becomes the program. The program runs as its users would run it, so that what waiting.c sets is taken
   back. */
static void become(const char *const *words, int in, int out, int err)
{
    wait_as_usual();
    if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0)
        execvp(words[0], (char *const *)words);
    _exit(127);
}

static int keep_from_children(int descriptor)
{
    return fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

enum verdict peer_start(struct peer *peer, const char *const *words, struct trouble *trouble)
{
    int wire[2];
    FILE *remarks = tmpfile();
    const int err = remarks ? dup(fileno(remarks)) : -1;
    if (remarks)
        fclose(remarks);
    if (err < 0)
        return blame(trouble, FAILED, "a temporary file cannot be made");
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, wire) != 0) {
        close(err);
        return blame(trouble, FAILED, "%s cannot be started: %s", words[0], strerror(errno));
    }
    for (int i = 0; i < 2; i++)
        keep_from_children(wire[i]);
    keep_from_children(err);
    const pid_t child = fork();
    if (child == 0)
        become(words, wire[1], wire[1], err);
    close(wire[1]);
    *peer = (struct peer){.process = child, .wire = wire[0], .remarks = err};
    if (child > 0)
        return DONE;
    close(wire[0]);
    close(err);
    return blame(trouble, FAILED, "%s cannot be started: %s", words[0], strerror(errno));
}

/* What a process said last on standard error is what ended it. */
static enum verdict blame_peer(const struct peer *peer, const char *what, struct trouble *trouble)
{
    char text[1024];
    const off_t size = lseek(peer->remarks, 0, SEEK_END), most = (off_t)sizeof text - 1;
    ssize_t length = pread(peer->remarks, text, (size_t)most, size > most ? size - most : 0);
    while (length > 0 && text[length - 1] == '\n')
        length--;
    text[length > 0 ? length : 0] = '\0';
    const char *newline = strrchr(text, '\n'), *last = newline ? newline + 1 : text;
    return blame(trouble, FAILED, "%s%s%.300s", what, *last ? ": " : "", last);
}

/* Waits for bytes and puts them behind those that are pending. */
static enum verdict receive(struct peer *peer, struct trouble *trouble)
{
    struct pollfd poll_for = {.fd = peer->wire, .events = POLLIN};
    if (poll(&poll_for, 1, PATIENCE) <= 0)
        return blame_peer(peer, "it did not answer", trouble);
    const ssize_t length = recv(peer->wire, peer->pending + peer->used, sizeof peer->pending - peer->used, 0);
    if (length <= 0)
        return blame_peer(peer, "it ended early", trouble);
    peer->used += (size_t)length;
    return DONE;
}

enum verdict peer_read(struct peer *peer, char line[PEER_LINE], struct trouble *trouble)
{
    char *newline;
    while (!(newline = memchr(peer->pending, '\n', peer->used))) {
        if (peer->used == sizeof peer->pending)
            return blame(trouble, FAILED, "it answered with a line without an end");
        const enum verdict verdict = receive(peer, trouble);
        if (verdict != DONE)
            return verdict;
    }
    const size_t length = (size_t)(newline - peer->pending), taken = length + 1;
    snprintf(line, PEER_LINE, "%.*s", (int)length, peer->pending);
    peer->used -= taken;
    memmove(peer->pending, peer->pending + taken, peer->used);
    return DONE;
}

enum verdict peer_round(struct peer *peer, size_t count, double *seconds, struct trouble *trouble)
{
    char line[PEER_LINE], *end;
    const int length = snprintf(line, sizeof line, "%zu\n", count);
    if (send(peer->wire, line, (size_t)length, MSG_NOSIGNAL) != length)
        return blame_peer(peer, "it ended early", trouble);
    const enum verdict verdict = peer_read(peer, line, trouble);
    if (verdict != DONE)
        return verdict;
    *seconds = strtod(line, &end);
    if (end == line || *end || !isfinite(*seconds) || *seconds < 0)
        return blame(trouble, FAILED, "it answered \"%.100s\" instead of seconds", line);
    return DONE;
}

void peer_end(struct peer *peer)
{
    int status;
    kill(peer->process, SIGKILL); /* it may be computing still, and has nothing to lose */
    close(peer->wire);
    close(peer->remarks);
    waitpid(peer->process, &status, 0);
}

int peer_run(const char *const *words)
{
    int status;
    const int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0)
        return 0;
    const pid_t child = fork();
    if (child == 0)
        become(words, nothing, nothing, nothing);
    close(nothing);
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

const char *peer_file(char path[PEER_PATH], const char *name)
{
    char own[PEER_PATH];
    const ssize_t size = readlink("/proc/self/exe", own, sizeof own - 1);
    if (size <= 0)
        return NULL;
    own[size] = '\0';
    *strrchr(own, '/') = '\0';
    for (size_t i = 0; i < FOLDER_COUNT; i++) {
        const int length = snprintf(path, PEER_PATH, "%s/%s/%s", own, folders[i], name);
        if (length > 0 && length < PEER_PATH && access(path, R_OK) == 0)
            return path;
    }
    return NULL;
}

void peer_refused(struct trouble *wrong, const char *name, const struct trouble *reason)
{
    struct trouble before = *wrong;
    blame(wrong, FAILED, "%.400s%s%s: %.400s", before.text, before.text[0] ? "; " : "", name, reason->text);
}
