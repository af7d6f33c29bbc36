/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suspend.c - see suspend.h. */
#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>

#include "top/terminal/suspend.h"

static volatile sig_atomic_t held, waiting;

static void on_suspend(int sig);

static void stop_catch(void)
{
	struct sigaction action = {.sa_handler = on_suspend, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGWINCH);
	sigaction(SIGTSTP, &action, NULL);
}

/* Returns when SIGCONT has arrived. In the background, restoring the terminal's settings must not stop it for good. */
static void stop_now(void)
{
	bool was_left = isendwin();
	void (*before)(int);
	sigset_t stop;

	waiting = 0;
	before = signal(SIGTTOU, SIG_IGN);
	if (!was_left)
		endwin();
	signal(SIGTTOU, before);
	signal(SIGTSTP, SIG_DFL);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &stop, NULL);
	raise(SIGTSTP);
	stop_catch();
	if (!was_left)
		wrefresh(curscr);
}

static void on_suspend(int sig)
{
	int error = errno;

	(void)sig;
	if (held)
		waiting = 1;
	else
		stop_now();
	errno = error;
}

void suspend_catch(void)
{
	struct sigaction now;

	if (sigaction(SIGTSTP, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		stop_catch();
}

void suspend_forget(void)
{
	struct sigaction now;

	if (sigaction(SIGTSTP, NULL, &now) == 0 && now.sa_handler == on_suspend)
		signal(SIGTSTP, SIG_DFL);
}

void suspend_hold(void)
{
	held = 1;
}

void suspend_allow(void)
{
	/* One that arrives in between is acted on by the handler, and then there is none that waits. */
	held = 0;
	if (waiting)
		stop_now();
}
