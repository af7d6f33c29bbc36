/* SPDX-License-Identifier: GPL-2.0-or-later */
/* terminal.h - leaves the terminal as it was, however the program ends. */
#ifndef SYSSCOPE_TOP_TERMINAL_H
#define SYSSCOPE_TOP_TERMINAL_H

/* Remembers the modes of the terminal and takes SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT: restore, then die of it. */
void terminal_remember(void);

#endif
