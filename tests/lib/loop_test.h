/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop_test.h - for tests of event loops: a child that waits in epoll and gets its orders over a pipe, its row in a
 * snapshot, and a pipeline that sees waits by one given hook or, without an argument, by the best one.
 */
#ifndef LOOP_TEST_H
#define LOOP_TEST_H

#include <sys/epoll.h>

#include "sched_test.h"

extern int to_child[2], from_child[2];

const struct loop_row *loop_find(const struct snapshot *s, pid_t pid);
/* A counter of the processes of one name in one cgroup; absent if there are none. */
double group_value(const struct snapshot *s, const char *home, const char *name, int metric);
void tell(int fd);
void hear(int fd);
pid_t loop_start(const char *home, void (*work)(void *ctx), void *ctx);
void loop_end(pid_t pid);
/*
 * False: waits cannot be seen here, which was reported as a skip; or as a failure if that hook was asked for, which is
 * done only where it is known to exist.
 */
bool loops_start(const char *hook);

#endif
