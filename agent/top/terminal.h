/* SPDX-License-Identifier: GPL-2.0-or-later */
/* terminal.h - restores the terminal however the program ends. */
#ifndef SYSSCOPE_TOP_TERMINAL_H
#define SYSSCOPE_TOP_TERMINAL_H

/*
 * Remembers the modes of the terminal and catches the signals that end a process at once, such as SIGSEGV and SIGABRT:
 * the handler restores the terminal, then the signal kills. SIGKILL cannot be caught. Does nothing if stdout is not a
 * terminal.
 */
void terminal_remember(void);

/* Call after the terminal was restored: signals get their default actions back. */
void terminal_forget(void);

#endif
