/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_terminal.c - a process that crashes on a terminal of its own restores it, and dies from the signal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "top/terminal/terminal.h"
#include "base/util.h"

static volatile char sink;

static int overflow(int n)
{
	volatile char room[4096];

	room[n % 4096] = (char)n;
	sink = room[(n + 1) % 4096];
	if (n > 1 << 20) /* 4 GiB: never */
		return 0;
	return overflow(n + 1) + room[n % 4096];
}

static void die(int how)
{
	const struct rlimit small = {1 << 20, 1 << 20}, none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_STACK, &small);
	if (how == -1) /* not by a null pointer, which the undefined-behaviour sanitizer would catch first */
		*(volatile int *)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) = 1;
	else if (how == -2)
		sink = (char)overflow(1);
	else if (how == SIGABRT)
		abort();
	else
		raise(how);
}

/* The child: remembers, makes the terminal raw as curses does, and dies. */
static pid_t crash(int terminal, int how, bool forget)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	dup2(terminal, STDOUT_FILENO);
	terminal_remember();
	struct termios raw;

	tcgetattr(STDOUT_FILENO, &raw);
	cfmakeraw(&raw);
	tcsetattr(STDOUT_FILENO, TCSANOW, &raw);
	if (forget)
		terminal_forget();
	die(how);
	_exit(0);
}

static void assert_restored(int how, int sig, bool forget)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), slave, status = 0;
	struct termios before = {}, after = {};
	char said[256];
	ssize_t n;
	pid_t pid;

	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	assert_int_equal(tcgetattr(slave, &before), 0);
	pid = crash(slave, how, forget);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != sig)
		fail_msg("way %d: saw status %#x, true is signal %d", how, (unsigned int)status, sig);
	assert_int_equal(tcgetattr(slave, &after), 0);
	n = read(master, said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = '\0';
	if (forget) {
		assert_string_equal(said, "");
		assert_int_not_equal(after.c_lflag, before.c_lflag);
	} else {
		assert_non_null(strstr(said, "\033[?1049l"));
		assert_non_null(strstr(said, "\033[?25h"));
		assert_int_equal(after.c_lflag, before.c_lflag);
		assert_int_equal(after.c_iflag, before.c_iflag);
		assert_int_equal(after.c_oflag, before.c_oflag);
	}
	close(slave);
	close(master);
}

static void test_signals(void **state)
{
	static const int all[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGUSR1, SIGALRM};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_restored(all[i], all[i], false);
}

static void test_crashes(void **state)
{
	(void)state;
	assert_restored(-1, SIGSEGV, false);
	assert_restored(-2, SIGSEGV, false); /* no stack left */
}

static void test_forgotten(void **state)
{
	(void)state;
	assert_restored(SIGSEGV, SIGSEGV, true);
}

/* Without a terminal no signal is caught and nothing is written. */
static void test_no_terminal(void **state)
{
	int pipes[2], status = 0;
	char said[16];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	pid = crash(pipes[1], SIGABRT, false);
	close(pipes[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_int_equal(read(pipes[0], said, sizeof(said)), 0);
	close(pipes[0]);
}

/* What stands in for a type that this machine does not know. */
static void test_close_type(void **state)
{
	static const struct {
		const char *term, *colorterm, *close;
	} table[] = {
		{"xterm-kitty", NULL, "xterm-256color"},    {"xterm-ghostty", NULL, "xterm-256color"},
		{"foot", NULL, "xterm-256color"},	    {"foot-extra", NULL, "xterm-256color"},
		{"alacritty", NULL, "xterm-256color"},	    {"alacritty-direct", NULL, "xterm-256color"},
		{"wezterm", "truecolor", "xterm-256color"}, {"xterm-direct", NULL, "xterm-256color"},
		{"tmux-direct", NULL, "screen-256color"},   {"screen.xterm-kitty", NULL, "screen-256color"},
		{"no-such-terminal", NULL, NULL},	    {"no-such-terminal", "truecolor", "xterm-256color"},
		{"no-such-terminal", "yes", NULL},	    {"xterm-256color", "truecolor", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const char *close = terminal_close_type(table[i].term, table[i].colorterm);

		if (close != table[i].close && strcmp(close ?: "", table[i].close ?: "") != 0)
			fail_msg("%s: %s", table[i].term, close ?: "none");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_close_type), cmocka_unit_test(test_signals),     cmocka_unit_test(test_crashes),
		cmocka_unit_test(test_forgotten),  cmocka_unit_test(test_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
