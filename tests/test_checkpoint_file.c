/* SPDX-License-Identifier: MIT */
/* The file of a checkpoint appears whole or not at all, keeps its mode and its links, and every failure is one clear
   line that leaves no temporary file behind. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "checkpoint_fixture.h"

static struct run run;

static int set_up(void **state)
{
    if (make_folder(state))
        return -1;
    run_start(&run, ADADELTA_METHOD_ADADELTA, 1);
    return 0;
}

static int tear_down(void **state)
{
    run_end(&run);
    return remove_folder(state);
}

/* The number of files in a folder. */
static int files_in(const char *name)
{
    DIR *stream = opendir(name);
    int count = 0;

    assert_non_null(stream);
    while (readdir(stream))
        count++;
    closedir(stream);
    return count - 2;
}

static mode_t mode_of(const char *name)
{
    struct stat info;
    assert_int_equal(lstat(name, &info), 0);
    return info.st_mode & 07777;
}

static void cannot_save(const char *name, const char *reason)
{
    struct adadelta_error error = {.text = ""};
    assert_int_equal(adadelta_save(run.optimizer, name, &error), ADADELTA_ERROR_IO);
    assert_int_equal(error.status, ADADELTA_ERROR_IO);
    assert_ptr_equal(strstr(error.text, name), error.text);
    if (!strstr(error.text, reason))
        fail_msg("'%s' does not say '%s'", error.text, reason);
    assert_null(strchr(error.text, '\n'));
}

static void cannot_load(const char *name, const char *reason)
{
    struct adadelta_error error = {.text = ""};
    assert_int_equal(adadelta_load(run.optimizer, name, &error), ADADELTA_ERROR_IO);
    assert_ptr_equal(strstr(error.text, name), error.text);
    assert_non_null(strstr(error.text, reason));
}

static void modes_are_kept(void **state)
{
    mode_t old = umask(027);
    (void)state;
    assert_int_equal(adadelta_save(run.optimizer, path, NULL), ADADELTA_OK);
    assert_int_equal(mode_of(path), 0640);
    assert_int_equal(chmod(path, 0606), 0);
    assert_int_equal(adadelta_save(run.optimizer, path, NULL), ADADELTA_OK);
    assert_int_equal(mode_of(path), 0606);
    umask(old);
    assert_int_equal(files_in(folder), 1);
    unlink(path);
}

static void links_stay_links(void **state)
{
    char link[300], sub[300], real[300];
    struct stat info;
    (void)state;
    snprintf(sub, sizeof sub, "%s/sub", folder);
    snprintf(real, sizeof real, "%s/sub/real", folder);
    snprintf(link, sizeof link, "%s/link", folder);
    assert_int_equal(mkdir(sub, 0777), 0);
    assert_int_equal(symlink("sub/real", link), 0);
    cannot_save(link, "a symbolic link that leads nowhere");
    spill(real, "old", 3);
    assert_int_equal(adadelta_save(run.optimizer, link, NULL), ADADELTA_OK);
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(adadelta_load(run.optimizer, real, NULL), ADADELTA_OK);
    assert_int_equal(files_in(sub), 1);
    unlink(link);
    unlink(real);
    rmdir(sub);
}

static void relative_and_long_names_work(void **state)
{
    char name[256], back[1000];
    (void)state;
    memset(name, 'n', 255); /* the longest that most file systems take */
    name[255] = '\0';
    assert_non_null(getcwd(back, sizeof back));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(adadelta_save(run.optimizer, name, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_load(run.optimizer, name, NULL), ADADELTA_OK);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(chdir(back), 0);
    assert_int_equal(files_in(folder), 0);
}

static void what_cannot_be_a_file_is_refused(void **state)
{
    char name[600];
    struct stat info;
    (void)state;
    cannot_save("/dev/full", "not a regular file");
    assert_int_equal(stat("/dev/full", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    cannot_save(folder, "it is a folder");
    cannot_load(folder, "not a regular file");
    cannot_load("/dev/full", "not a regular file");
    cannot_save("", "No such file or directory");
    snprintf(name, sizeof name, "%s/missing/run", folder);
    cannot_save(name, "No such file or directory");
    cannot_load(name, "No such file or directory");
    spill(path, "x", 1);
    snprintf(name, sizeof name, "%s/run", path);
    cannot_save(name, "Not a directory");
    unlink(path);
    assert_int_equal(mkfifo(path, 0666), 0);
    cannot_save(path, "not a regular file");
    cannot_load(path, "not a regular file"); /* and does not wait for a writer */
    unlink(path);
    assert_int_equal(files_in(folder), 0);
}

/* A child process does something that would harm this one; its exit status is the number of the case that failed. */
static void in_a_child(int (*work)(void))
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(work());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int save_without_rights(void)
{
    struct adadelta_error error = {.text = ""};
    if (geteuid() == 0 && setuid(65534))
        return 1;
    if (adadelta_save(run.optimizer, path, &error) != ADADELTA_ERROR_IO || !strstr(error.text, "Permission denied"))
        return 2;
    return 0;
}

static void rights_are_respected(void **state)
{
    struct bytes file;
    (void)state;
    assert_int_equal(chmod(folder, 0555), 0); /* a folder that may not be written */
    in_a_child(save_without_rights);
    assert_int_equal(files_in(folder), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    spill(path, "mine", 4); /* a file that may not be written, in a folder that may */
    assert_int_equal(chmod(path, 0444), 0);
    in_a_child(save_without_rights);
    file = slurp(path);
    assert_string_equal((const char *)file.data, "mine");
    free(file.data);
    assert_int_equal(files_in(folder), 1);
    unlink(path);
    assert_int_equal(chmod(folder, 0700), 0);
}

static rlim_t limit; /* of bytes in a file, as on a full disk */

static int save_with_limit(void)
{
    struct adadelta_error error = {.text = ""};
    struct rlimit most = {limit, limit};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &most))
        return 1;
    if (adadelta_save(run.optimizer, path, &error) != ADADELTA_ERROR_IO || !strstr(error.text, "File too large"))
        return 2;
    return 0;
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    struct bytes old, now;
    (void)state;
    assert_int_equal(adadelta_save(run.optimizer, path, NULL), ADADELTA_OK);
    old = slurp(path);
    run_steps(&run, 0, 1);
    for (limit = 0; limit < old.size; limit += 97) {
        in_a_child(save_with_limit);
        now = slurp(path);
        assert_int_equal(now.size, old.size);
        assert_memory_equal(now.data, old.data, old.size);
        free(now.data);
        assert_int_equal(files_in(folder), 1);
    }
    free(old.data);
    unlink(path);
}

/* Killed at any moment, the writer leaves the old checkpoint or the new one. */
static void a_killed_writer_leaves_a_whole_file(void **state)
{
    struct run other;
    (void)state;
    run_start(&other, ADADELTA_METHOD_ADADELTA, 2);
    assert_int_equal(adadelta_save(run.optimizer, path, NULL), ADADELTA_OK);
    for (int k = 0; k < 40; k++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            for (;;) {
                run_steps(&run, 0, 1);
                if (adadelta_save(run.optimizer, path, NULL))
                    _exit(1);
            }
        usleep((useconds_t)(500 + 313 * k));
        for (int tries = 0; k == 39 && tries < 3000; tries++) { /* the last may take as long as a slow disk needs */
            assert_int_equal(adadelta_load(other.optimizer, path, NULL), ADADELTA_OK);
            if (adadelta_step_count(other.optimizer) > adadelta_step_count(run.optimizer))
                break;
            usleep(10000);
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_int_equal(adadelta_load(other.optimizer, path, NULL), ADADELTA_OK);
    }
    assert_true(adadelta_step_count(other.optimizer) > adadelta_step_count(run.optimizer)); /* children did save */
    run_end(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_are_kept),
        cmocka_unit_test(links_stay_links),
        cmocka_unit_test(relative_and_long_names_work),
        cmocka_unit_test(what_cannot_be_a_file_is_refused),
        cmocka_unit_test(rights_are_respected),
        cmocka_unit_test(a_full_disk_leaves_the_old_file),
        cmocka_unit_test(a_killed_writer_leaves_a_whole_file),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
