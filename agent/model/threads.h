/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threads.h - which threads of a sample are where they were, and as they were, in the sample before. Used by processes.c only.
 */
#ifndef SYSSCOPE_MODEL_THREADS_H
#define SYSSCOPE_MODEL_THREADS_H

#include "model/processes.h"

/*
 * Makes processes->threads parallel to the sample's threads. Those whose record is the same, in a home that has not changed,
 * stay settled, and the others are `unsettled`; of these the process is marked as changed, and that of threads that are gone, and
 * what they were part of. 0 or -ENOMEM.
 */
int threads_meet(struct processes *processes, struct homes *homes, const struct moment *now, const struct sample *s);

/* What a settled thread was part of is added up anew in this update. */
void thread_leave(const struct settled_thread *t, uint64_t update);

/* What it used that the gone tables do not hold yet. */
struct ss_totals thread_uncharged(const struct ss_thread_record *r);

/* Adds a thread to the numbers of a group. */
void group_count_thread(struct group_tasks *g, const struct ss_thread_record *r);

/* A thread has slept for longer, and nothing else of it has changed: adds the difference where its waits are counted. */
void thread_sleep_on(struct settled_thread *t, const struct told_thread *told, bool for_process, bool for_group);

void thread_sleep_take(struct settled_thread *t, struct thread_sleep sleep);

/* What the thread mostly sleeps for. */
struct thread_sleep sleep_of(const struct ss_waits *w, const struct ss_thread_record *r);

#endif
