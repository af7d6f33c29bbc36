/* SPDX-License-Identifier: GPL-2.0-or-later */
/* terminal.h - restores the terminal however the program ends; and which type stands in for an unknown one. */
#ifndef SYSSCOPE_TOP_TERMINAL_H
#define SYSSCOPE_TOP_TERMINAL_H

/*
 * Remembers the modes of the terminal and catches the signals that end a process at once, such as SIGSEGV and SIGABRT:
 * the handler restores the terminal, then the signal kills. SIGKILL cannot be caught. Does nothing if stdout is not a
 * terminal.
 */
void terminal_remember(void);

/*
 * A type that the terminal database has nearly everywhere and that is close to `term`: for terminals whose own type comes
 * with their own package, which the machine that they are logged in to does not have. `colorterm` as in the environment, or
 * NULL. NULL: no such type is known, or it is `term` itself.
 */
const char *terminal_close_type(const char *term, const char *colorterm);

/* Call after the terminal was restored: signals get their default actions back. */
void terminal_forget(void);

#endif
