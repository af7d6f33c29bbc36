/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * terminal.c - see terminal.h. The ordinary ways out (q, signals that ask to stop) go through endwin() in screen.c; this
 * is for the ends at which no function of curses may be called any more.
 */
#include <signal.h>
#include <stddef.h>
#include <termios.h>
#include <unistd.h>

#include "top/terminal.h"

/* A crash for want of stack has none for its handler either. */
#define HANDLER_STACK_BYTES ((size_t)64 << 10)

/* Crashes, and what ends a process that does not take it. Not SIGTERM and its like: after them curses is still in order. */
static const int ends[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTRAP,   SIGSYS, SIGXCPU,
			   SIGXFSZ, SIGALRM, SIGUSR1, SIGUSR2, SIGPROF, SIGVTALRM, SIGIO};

static struct termios modes;
static char handler_stack[HANDLER_STACK_BYTES];

static void on_end(int sig)
{
	/* Out of a sequence that was cut short, attributes off, cursor on, keypad off, back from the alternate screen. */
	static const char restore[] = "\030\033[0m\033[?25h\033[?1l\033>\033[?1049l\r\n";
	ssize_t written = write(STDOUT_FILENO, restore, sizeof(restore) - 1);

	/* Whether or not it could be written: SA_RESETHAND has made the signal what it was, and it waits until we return. */
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
	/* Else a second signal in between would find the handler at work. */
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
