/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verbs.h - the verbs of main.c's table. Each gets argv from its own name on and returns the exit code (options.h). */
#ifndef SYSSCOPE_COMMANDS_H
#define SYSSCOPE_COMMANDS_H

int cmd_top(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_capabilities(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

#endif
