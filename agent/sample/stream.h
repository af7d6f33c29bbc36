/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream.h - decodes the bytes that the task iterator writes, and keeps what it said of each thread until it says
 * something else: of a thread that only slept since, the bytes say just that (struct ss_thread_same). Pure; used by
 * sampler.c. The bytes come from the kernel half, yet no value is trusted to be in range.
 */
#ifndef SYSSCOPE_STREAM_H
#define SYSSCOPE_STREAM_H

#include <sys/types.h>

#include "sysscope/sample.h"

/* Zero at first. */
struct stream {
	size_t cap_threads, cap_loops; /* capacity of the sample's arrays, in elements */
	/* The threads of the sample before. Those from `at` on have not come by yet. */
	struct sample_thread *before;
	size_t n_before, cap_before, at;
	uint64_t clock; /* when the pass began, on the run queues' clock */
};

/* A pass begins: the sample's threads become those before. */
void stream_pass_begin(struct stream *t, struct sample *p);

/*
 * Appends the whole records at the beginning of `data` to the sample. Returns the bytes taken; -ENOMEM; -ESTALE: a thread is
 * said to be as before, and was not there before.
 */
ssize_t stream_take(struct stream *t, struct sample *p, const char *data, size_t bytes);

/* The pass is over: the threads that did not come by are forgotten. */
void stream_pass_end(struct stream *t);

/* Forgets everything. The next pass must tell each thread in full. */
void stream_drop(struct stream *t, struct sample *p);

#endif
