/* SPDX-License-Identifier: GPL-2.0-or-later */
/* terminal.h - leaves the terminal as it was, however the program ends. */
#ifndef SYSSCOPE_TOP_TERMINAL_H
#define SYSSCOPE_TOP_TERMINAL_H

/*
 * Remembers the modes of the terminal and takes the signals that end a process at once, SIGSEGV and SIGABRT among them:
 * restore, then die of it. Nothing restores after SIGKILL. Does nothing when stdout is no terminal.
 */
void terminal_remember(void);

/* When the terminal has been restored: signals are as they were. */
void terminal_forget(void);

#endif
