/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suspend.h - Ctrl-Z gives the terminal back to the shell, `fg` draws the screen again. */
#ifndef SYSSCOPE_TOP_SUSPEND_H
#define SYSSCOPE_TOP_SUSPEND_H

/*
 * Catches SIGTSTP, unless it is ignored. Call before curses is initialised: curses leaves the signal alone then. Its own
 * handler loses each one that arrives while it draws (ncurses 6.4, _nc_signal_handler called by doupdate).
 */
void suspend_catch(void);
void suspend_forget(void); /* the signal stops the process at once again */

/* From now on a SIGTSTP waits: between these two, curses functions may be called. */
void suspend_hold(void);
void suspend_allow(void);

#endif
