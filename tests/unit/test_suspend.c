/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_suspend.c - SIGTSTP stops the process once per signal: at once, or after the drawing during which it arrives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <curses.h>

#include "top/terminal/suspend.h"

static int steps; /* of the child, which has a copy of its own */

static void step(int fd)
{
	char c = (char)('0' + ++steps);

	if (write(fd, &c, 1) != 1)
		_exit(9);
}

/* In a process group of its own: members of an orphaned one are not stopped. */
static pid_t child_start(int *ret_fd, void (*run)(int fd))
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		setpgid(0, 0);
		run(fds[1]);
		_exit(0);
	}
	close(fds[1]);
	*ret_fd = fds[0];
	return pid;
}

static void expect_step(int fd, char want)
{
	char c;

	assert_int_equal(read(fd, &c, 1), 1);
	assert_int_equal(c, want);
}

static void expect_stop(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(WSTOPSIG(status), SIGTSTP);
	kill(pid, SIGCONT);
}

static void expect_end(pid_t pid, int fd)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(fd);
}

static void at_once_and_held(int fd)
{
	suspend_catch();
	raise(SIGTSTP);
	step(fd);
	suspend_hold();
	raise(SIGTSTP);
	step(fd);
	suspend_allow();
	step(fd);
	raise(SIGTSTP);
	step(fd);
}

static void test_stops(void **state)
{
	int fd;
	pid_t pid = child_start(&fd, at_once_and_held);

	(void)state;
	expect_stop(pid);
	expect_step(fd, '1');
	expect_step(fd, '2'); /* went on although the signal had arrived */
	expect_stop(pid);
	expect_step(fd, '3');
	expect_stop(pid);
	expect_step(fd, '4');
	expect_end(pid, fd);
}

/* Curses sees a signal that is caught, and does not ignore it while it draws. */
static void drawing(int fd)
{
	FILE *out = fopen("/dev/null", "w"), *in = fopen("/dev/null", "r");
	struct sigaction before, during;

	suspend_catch();
	sigaction(SIGTSTP, NULL, &before);
	if (!newterm("vt100", out, in))
		_exit(77);
	refresh();
	sigaction(SIGTSTP, NULL, &during);
	if (before.sa_handler != during.sa_handler || before.sa_handler == SIG_DFL)
		_exit(1);
	endwin();
	suspend_forget();
	sigaction(SIGTSTP, NULL, &during);
	if (during.sa_handler != SIG_DFL)
		_exit(2);
	step(fd);
}

static void test_curses(void **state)
{
	int fd;
	pid_t pid = child_start(&fd, drawing);

	(void)state;
	expect_step(fd, '1');
	expect_end(pid, fd);
}

/* nohup and the like: what is ignored stays ignored. */
static void ignored(int fd)
{
	signal(SIGTSTP, SIG_IGN);
	suspend_catch();
	raise(SIGTSTP);
	step(fd);
	suspend_forget();
	raise(SIGTSTP);
	step(fd);
}

static void test_ignored(void **state)
{
	int fd;
	pid_t pid = child_start(&fd, ignored);

	(void)state;
	expect_step(fd, '1');
	expect_step(fd, '2');
	expect_end(pid, fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_curses),
		cmocka_unit_test(test_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
