/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts.h - what happens, one event after the other, as bytes and back, for recordings; docs/recording.md has the format. Each
 * field of an event has a number in fields.def, so that another version reads what it knows and passes over the rest. Opens no
 * file; what is read may be hostile. Arguments of programs are not among the fields.
 */
#ifndef SYSSCOPE_RECORD_FACTS_H
#define SYSSCOPE_RECORD_FACTS_H

#include "exporters/events/events.h"
#include "record/shape/wire.h"
#include "record/state/codec.h"

#define FACT_FIELDS 192 /* their numbers are below */

/* ---- into bytes ---- */

struct fact_pack {
	struct buf bytes;
	uint64_t n; /* events in it */
	struct wire_texts texts;
	bool no_memory;		      /* for one of these */
	uint64_t before[FACT_FIELDS]; /* in the event before: real numbers, numbers of texts; 0: its type */
	bool broken;		      /* without memory for a text: nothing more fits */
	codec_rename *rename;	      /* each text passes through it: of "event", "oom" or "stall"; NULL: they stay */
	void *rename_ctx;
};

/* 0; -ENOBUFS: there are `limit` bytes already; -ENOMEM. Then the event is not in it. */
int fact_pack_add(struct fact_pack *p, const struct event *e, size_t limit);
/* Empties it; its bytes are now in `to`, and those that `to` had are its room. */
void fact_pack_take(struct fact_pack *p, struct buf *to);
void fact_pack_free(struct fact_pack *p);

/* ---- and back ---- */

/* An event with room for what it refers to; texts are of the bytes that are read. */
struct fact_room {
	struct event event;
	struct oom_row oom;
	struct stall stall;
	uint32_t from[NAMESPACE_KINDS], to[NAMESPACE_KINDS];
	uint64_t lost_ring[EVENT_TYPES], lost_unread[EVENT_TYPES];
};

struct fact_reader {
	struct wire_input in;
	struct wire_texts texts;
	bool no_memory; /* for one of these */
	uint64_t before[FACT_FIELDS];
	struct fact_room room;
};

void fact_reader_begin(struct fact_reader *r, const void *bytes, size_t n);
/*
 * 1: *ret is the next event, valid until the next call of fact_reader_begin or fact_reader_free. 0: there is none. -EBADMSG: the
 * bytes are not sound; -ENOMEM. Types that this version does not know are passed over.
 */
int fact_reader_next(struct fact_reader *r, struct fact_room *ret);
void fact_reader_free(struct fact_reader *r);

#endif
