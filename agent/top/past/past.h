/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * past.h - a recording for the live screen: moves to a moment of it, says where that is, and judges what is found there. Its
 * source gives the snapshot that it was moved to, and then what follows. Needs no root. Used by agent/cli/top.c and by screen.c;
 * never logs.
 */
#ifndef SYSSCOPE_TOP_PAST_H
#define SYSSCOPE_TOP_PAST_H

#include "sysscope/source.h"
#include "base/util.h"

struct past;

/* Of the snapshot that is shown, and of the recording. Nanoseconds since 1970. */
struct past_place {
	uint64_t time_ns, first_ns, last_ns;
	uint64_t before_ns;   /* of the sample before it; 0: it is the first one */
	uint64_t interval_ns; /* at which samples were taken */
	uint64_t asked_ns;    /* the moment that was asked for; 0: none was, or it is this one */
	bool growing;	      /* somebody records into it */
};

/* Opens nothing yet. 0 or -ENOMEM. */
int past_new(struct past **ret, const char *path);
void past_free(struct past *p);

/* There is a recording that this user may read. */
bool past_there(const struct past *p);
/* Opens it, or looks whether more was recorded since. 0, or negative errno with a line in `error`. */
int past_open(struct past *p, struct buf *error);

/*
 * next() gives the snapshot that was moved to, then those behind it; at the end NULL without an error, and the latest stays valid.
 * judge() counts from the next move on.
 */
const struct snapshot_source *past_source(struct past *p);

/*
 * Where a move is judged, the snapshots of the two minutes before it pass by `note` first, in their order; each is valid during the
 * call.
 */
void past_note(struct past *p, void (*note)(void *ctx, const struct snapshot *s), void *ctx);

/* Each moves, so that next() gives that snapshot: 0 or negative errno. The recording is open. */
int past_go(struct past *p, uint64_t time_ns); /* the first one at this time or later; else the last one */
int past_go_last(struct past *p);
int past_go_back(struct past *p);  /* -ENOENT: it is the first, and comes again */
int past_go_again(struct past *p); /* the same once more, judged if that is wanted */

/* There is a latest snapshot, and it is valid. */
bool past_shown(const struct past *p);
/* Of the latest snapshot. */
void past_place(const struct past *p, struct past_place *ret);
const char *past_host(const struct past *p);
/* See replay_damage_text. */
bool past_damage_text(const struct past *p, struct buf *out);

/* ---- past_text.c ---- */

/* No sample was kept for this long before that one: longer than between samples. */
bool past_gap(const struct past_place *place);
/* One line: that this is a recording, when this was, and where in it that is, if there is room for that in `width`. */
void past_line(struct buf *out, const struct past_place *place, int width);

#endif
