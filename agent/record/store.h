/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store.h - writes a recording: a folder of segment files that grow only, bounded in bytes and in age. Takes opaque bytes; what
 * a state is, codec.h knows. Each state is on disk when store_state returns (in the kernel's hands: fsync is left to the end of
 * a segment). Used by recorder.c and by tests; one thread; never logs.
 */
#ifndef SYSSCOPE_RECORD_STORE_H
#define SYSSCOPE_RECORD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

struct store_options {
	const char *path;
	uint64_t keep_bytes;	   /* 0: no limit */
	double keep_seconds;	   /* 0: no limit */
	double interval;	   /* seconds between two states */
	const char *host, *kernel; /* of this machine, for the headers */
	uint32_t fact_kinds;	   /* as in segment_header */
	uint64_t segment_bytes;	   /* a segment ends when it is larger; 0: the usual size */
	double segment_seconds;	   /* or older; 0: the usual age */
};

struct store_counts {
	uint64_t samples, bytes; /* that were written */
	uint64_t lost;		 /* samples that could not be */
	uint64_t facts;		 /* that were written; of a recorder */
	uint64_t kept_bytes;	 /* in the folder now */
	uint64_t oldest_ns;	 /* time of the oldest sample there; 0: none */
};

struct store;

/*
 * Makes the folder if there is none, and takes it for itself. 0, or negative errno with one line in `error`: -EBUSY: somebody
 * else records into it; -ENOTEMPTY: it has files and is no recording.
 */
int store_open(struct store **ret, const struct store_options *o, struct buf *error);

/* The next state has to be a whole one, which needs nothing before it. */
bool store_wants_whole(const struct store *s, uint64_t time_ns);
/*
 * Appends a state, `whole` or a difference to the one before. 0 or negative errno: it is lost and counted, and the next one has
 * to be whole.
 */
int store_state(struct store *s, uint64_t time_ns, bool whole, const void *bytes, size_t n);
/* Appends facts, which no state refers to. Between two states of a segment; -EAGAIN: there is none yet. */
int store_facts(struct store *s, uint64_t time_ns, const void *bytes, size_t n);

const struct store_counts *store_counts(struct store *s);
/* Ends the segment with its index. */
void store_close(struct store *s);

#endif
