/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * asks.h - what has to be read from a recording takes long, so a thread of its own reads it, one ask after the other, and few may
 * wait. All functions are called on the loop's thread. Never logs.
 */
#ifndef SYSSCOPE_SERVE_ASKS_H
#define SYSSCOPE_SERVE_ASKS_H

#include "serve/api/range.h"

#define ASKS_MAX 8

struct asks;

struct ask_job {
	struct range_ask range;
	struct range_answer answer;
	void *who;
	bool done;
};

/* For the recording in this folder; the thread begins with the first ask. 0 or -errno. */
int asks_open(struct asks **ret, const char *path);
/* NULL: does nothing. After asks_stop and asks_drop. */
void asks_close(struct asks *k);
int asks_fd(const struct asks *k); /* readable when one is done */

/* Takes over what `range` owns, also after a failure. NULL: too many wait, or no memory. Once done the job is the caller's. */
struct ask_job *asks_add(struct asks *k, struct range_ask *range, void *who);
/* One that is done; NULL: none. */
struct ask_job *asks_done(struct asks *k);
void ask_job_free(struct ask_job *job); /* NULL: does nothing; only one that was given back */

/* Ends the thread; afterwards asks_drop gives back each that is left, done or not. */
void asks_stop(struct asks *k);
struct ask_job *asks_drop(struct asks *k);

#endif
