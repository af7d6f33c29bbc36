/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_confine.c - what a process that gave up rights and system calls can still do; each try in a child of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "confine/confine.h"

/* Exit status of a child in which `what` runs behind the filter; -SIGNAL if one ended it. */
static int behind_filter(int (*what)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		_cleanup_buf_ struct buf why = {};

		_exit(confine_calls(&why) < 0 ? 100 : what());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int try_nothing(void)
{
	return 0;
}

static bool filters_work(void)
{
	return behind_filter(try_nothing) == 0;
}

static void *thread_reads(void *arg)
{
	_cleanup_free_ char *text = NULL;

	*(int *)arg = read_file("/proc/self/stat", 4096, &text, NULL);
	return NULL;
}

static int try_daily_work(void)
{
	pthread_t thread;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC), r = -1, status;
	pid_t pid;

	if (fd < 0 || write(fd, "x", 1) != 1 || socket(AF_INET, SOCK_STREAM, 0) < 0 ||
	    socket(AF_NETLINK, SOCK_RAW, 0) < 0)
		return 1;
	if (pthread_create(&thread, NULL, thread_reads, &r) || pthread_join(thread, NULL) || r < 0)
		return 2;
	pid = fork();
	if (pid == 0)
		_exit(7);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7 ? 0 : 3;
}

static int errno_of(long r)
{
	return r < 0 ? errno : 0;
}

static int try_raw_socket(void)
{
	return errno_of(socket(AF_PACKET, SOCK_RAW, 0));
}

static int try_unlisted(void)
{
	return errno_of(syscall(SYS_personality, 0xffffffff));
}

static int try_namespace(void)
{
	return errno_of(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
}

static int try_clone3(void)
{
	return errno_of(syscall(SYS_clone3, NULL, 0));
}

/* Of a kernel that is newer than the library: the last one that Debian 12 knows is 449. */
static int try_newer(void)
{
	return errno_of(syscall(470));
}

static int try_exec(void)
{
	return errno_of(execl("/bin/true", "true", NULL));
}

static int try_ptrace(void)
{
	return errno_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int try_setns(void)
{
	return errno_of(setns(-1, 0));
}

static int try_mount(void)
{
	return errno_of(syscall(SYS_mount, NULL, NULL, NULL, 0, NULL));
}

static int try_module(void)
{
	return errno_of(syscall(SYS_finit_module, -1, "", 0));
}

static void test_calls(void **state)
{
	static const struct {
		int (*what)(void);
		int want;
	} table[] = {
		{try_daily_work, 0},  {try_raw_socket, EPERM}, {try_unlisted, EPERM}, {try_namespace, EPERM},
		{try_clone3, ENOSYS}, {try_newer, ENOSYS},     {try_exec, -SIGSYS},   {try_ptrace, -SIGSYS},
		{try_setns, -SIGSYS}, {try_mount, -SIGSYS},    {try_module, -SIGSYS},
	};

	(void)state;
	if (!filters_work())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (behind_filter(table[i].what) != table[i].want)
			fail_msg("row %zu: %d, not %d", i, behind_filter(table[i].what), table[i].want);
}

static int status_number(const char *path, const char *key, int base, uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;
	char *at;

	if (read_file(path, 65536, &text, NULL) < 0 || !(at = strstr(text, key)))
		return -ENOENT;
	*ret = strtoull(at + strlen(key), NULL, base);
	return 0;
}

static void *thread_waits(void *arg)
{
	char c;

	if (read(*(int *)arg, &c, 1) < 0)
		return NULL;
	return NULL;
}

/* A thread that was there before has the filter, too. */
static int try_threads(void)
{
	int ends[2];
	char path[64];
	pthread_t thread;
	uint64_t mode = 0, nnp = 0;
	_cleanup_buf_ struct buf why = {};

	if (pipe(ends) < 0 || pthread_create(&thread, NULL, thread_waits, &ends[0]))
		return 1;
	if (confine_calls(&why) < 0)
		return 100;
	for (pid_t tid = getpid() + 1; tid < getpid() + 1000; tid++) {
		snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
		if (status_number(path, "Seccomp:", 10, &mode) == 0 &&
		    status_number(path, "NoNewPrivs:", 10, &nnp) == 0)
			return mode == 2 && nnp == 1 ? 0 : 2;
	}
	return 3;
}

static int in_child(int (*what)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(what());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_threads(void **state)
{
	(void)state;
	if (!filters_work())
		skip();
	assert_int_equal(in_child(try_threads), 0);
}

static int try_rights(void)
{
	uint64_t before[2] = {}, after[2] = {}, inherited = 1, nnp = 0, keep = RIGHT(NET_RAW) | RIGHT(KILL);

	if (status_number("/proc/self/status", "CapPrm:", 16, &before[0]) < 0 ||
	    status_number("/proc/self/status", "CapBnd:", 16, &before[1]) < 0)
		return 1;
	if (confine_rights(keep) < 0)
		return 2;
	if (status_number("/proc/self/status", "CapEff:", 16, &after[0]) < 0 || after[0] != (before[0] & keep))
		return 3;
	if (status_number("/proc/self/status", "CapPrm:", 16, &after[0]) < 0 || after[0] != (before[0] & keep))
		return 4;
	/* Who may not change the bounding set leaves it as it was. */
	if (status_number("/proc/self/status", "CapBnd:", 16, &after[1]) < 0 ||
	    after[1] != (before[0] & RIGHT(SETPCAP) ? before[0] & before[1] & keep : before[1]))
		return 5;
	if (status_number("/proc/self/status", "CapInh:", 16, &inherited) < 0 || inherited)
		return 6;
	if (status_number("/proc/self/status", "NoNewPrivs:", 10, &nnp) < 0 || nnp != 1)
		return 7;
	/* Twice, and nothing comes back. */
	if (confine_rights(~UINT64_C(0)) < 0 || status_number("/proc/self/status", "CapEff:", 16, &after[0]) < 0 ||
	    after[0] != (before[0] & keep))
		return 8;
	return confine_rights(0) < 0 || status_number("/proc/self/status", "CapEff:", 16, &after[0]) < 0 || after[0]
		       ? 9
		       : 0;
}

static void test_rights(void **state)
{
	(void)state;
	assert_int_equal(in_child(try_rights), 0);
}

/* Without the narrow right the wide one that includes it stays. */
static int try_older(void)
{
	uint64_t has = 0, left = 0;

	if (confine_rights(RIGHT(DAC_OVERRIDE) | RIGHT(SYS_ADMIN)) < 0 ||
	    status_number("/proc/self/status", "CapEff:", 16, &has) < 0)
		return 1;
	if (confine_rights(RIGHTS_SAMPLE) < 0 || status_number("/proc/self/status", "CapEff:", 16, &left) < 0)
		return 2;
	return left == has ? 0 : 3;
}

static void test_older(void **state)
{
	(void)state;
	assert_int_equal(in_child(try_older), 0);
}

static void test_folder(void **state)
{
	char folder[] = "/tmp/sysscope-confine-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_true(confine_folder_is_ours(folder));
	assert_int_equal(chmod(folder, 0500), 0);
	assert_false(confine_folder_is_ours(folder));
	assert_int_equal(rmdir(folder), 0);
	assert_false(confine_folder_is_ours(folder));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls), cmocka_unit_test(test_threads), cmocka_unit_test(test_rights),
		cmocka_unit_test(test_older), cmocka_unit_test(test_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
