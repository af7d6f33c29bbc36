/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * terminal.c - see terminal.h. Ordinary exits (q, signals that ask to stop) go through endwin() in screen.c; this is
 * for exits at which curses functions may no longer be called.
 */
#include <signal.h>
#include <string.h>
#include <stddef.h>
#include <termios.h>
#include <unistd.h>

#include "top/terminal/terminal.h"

/* After a stack overflow the handler needs a stack of its own. */
#define HANDLER_STACK_BYTES ((size_t)64 << 10)

/* Crashes, and signals that end a process by default. Not SIGTERM and its like: curses still works after those. */
static const int ends[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTRAP,   SIGSYS, SIGXCPU,
			   SIGXFSZ, SIGALRM, SIGUSR1, SIGUSR2, SIGPROF, SIGVTALRM, SIGIO};

static struct termios modes;
static char handler_stack[HANDLER_STACK_BYTES];

static void on_end(int sig)
{
	/* Ends an unfinished sequence; attributes off, cursor on, keypad off, mouse off, main screen. */
	static const char restore[] = "\030\033[0m\033[?25h\033[?1l\033>\033[?1006;1000l\033[?1049l\r\n";
	ssize_t written = write(STDOUT_FILENO, restore, sizeof(restore) - 1);

	/* Even if the write failed: SA_RESETHAND has restored the default action, which takes effect when we return. */
	(void)written;
	tcsetattr(STDOUT_FILENO, TCSANOW, &modes);
	raise(sig);
}

void terminal_remember(void)
{
	const stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof(handler_stack)};
	struct sigaction action = {.sa_handler = on_end, .sa_flags = (int)(SA_RESETHAND | SA_ONSTACK)};

	if (tcgetattr(STDOUT_FILENO, &modes) < 0)
		return;
	/* A second signal must not interrupt the handler. */
	sigfillset(&action.sa_mask);
	sigaltstack(&stack, NULL);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &action, NULL);
}

void terminal_forget(void)
{
	const stack_t none = {.ss_flags = SS_DISABLE};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		signal(ends[i], SIG_DFL);
	sigaltstack(&none, NULL);
}

/* ---- types ---- */

/* By how the name begins: the first that fits. All of the first group say that they understand what xterm does. */
static const struct {
	const char *begin, *close;
} types[] = {
	{"xterm", "xterm-256color"},
	{"foot", "xterm-256color"},
	{"alacritty", "xterm-256color"},
	{"kitty", "xterm-256color"},
	{"ghostty", "xterm-256color"},
	{"wezterm", "xterm-256color"},
	{"contour", "xterm-256color"},
	{"rio", "xterm-256color"},
	{"konsole", "xterm-256color"},
	{"gnome", "xterm-256color"},
	{"vte", "xterm-256color"},
	{"iterm", "xterm-256color"},
	{"mintty", "xterm-256color"},
	{"putty", "xterm-256color"},
	{"st-", "xterm-256color"},
	{"warp", "xterm-256color"},
	{"mlterm", "xterm-256color"},
	{"ms-terminal", "xterm-256color"},
	{"tmux", "screen-256color"},
	{"screen", "screen-256color"},
	{"rxvt", "rxvt"},
	{"linux", "linux"},
	{"vt", "vt100"},
};

const char *terminal_close_type(const char *term, const char *colorterm)
{
	const char *close = NULL;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && !close; i++)
		if (strncmp(term, types[i].begin, strlen(types[i].begin)) == 0)
			close = types[i].close;
	/* Whoever says this of itself is a descendant of xterm. */
	if (!close && colorterm && (strcmp(colorterm, "truecolor") == 0 || strcmp(colorterm, "24bit") == 0))
		close = "xterm-256color";
	return close && strcmp(term, close) != 0 ? close : NULL;
}
