/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * terminal.c - see terminal.h. The ordinary ways out (q, signals that ask to stop) go through endwin() in screen.c; this
 * is for the ends at which no function of curses may be called any more.
 */
#include <signal.h>
#include <stddef.h>
#include <termios.h>
#include <unistd.h>

#include "terminal.h"

static struct termios modes;

static void on_crash(int sig)
{
	/* Attributes off, cursor on, keypad off, back from the alternate screen. */
	static const char restore[] = "\033[0m\033[?25h\033[?1l\033>\033[?1049l\r\n";

	if (write(STDOUT_FILENO, restore, sizeof(restore) - 1) < 0 || tcsetattr(STDOUT_FILENO, TCSANOW, &modes) < 0)
		_exit(128 + sig);
	signal(sig, SIG_DFL);
	raise(sig);
}

void terminal_remember(void)
{
	static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
	struct sigaction action = {.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND};

	if (tcgetattr(STDOUT_FILENO, &modes) < 0)
		return;
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		sigaction(crashes[i], &action, NULL);
}
