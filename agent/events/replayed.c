/* SPDX-License-Identifier: GPL-2.0-or-later */
/* replayed.c - see replayed.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "events/kept.h"
#include "events/replayed.h"
#include "record/archive.h"
#include "record/facts/facts.h"
#include "record/replay.h"
#include "record/when.h"
#include "view/match.h"

/* Events are in the block that was written after them: at the end of their interval, and of another one where a disk was full. */
#define LATE_NS (60 * 1000000000ULL)

/* A line of the block that is read. */
struct replayed_line {
	double time;
	size_t at, n;
};

struct event_replay {
	const struct event_choice *choice;
	struct archive *archive;
	struct fact_reader reader;
	uint64_t from_ns, to_ns; /* 0: no limit */
	uint64_t told, bad_blocks;
	uint64_t passed[EVENT_TYPES]; /* over, because they are of another type */
	uint64_t read_ns;	      /* the time of the block that was read last */
	LIST(struct replayed_line) lines;
	struct buf text;
};

int event_replay_open(struct event_replay **ret, const char *path, const struct event_choice *c, struct buf *error)
{
	struct event_replay *r = calloc(1, sizeof(*r));
	int error_code = r ? archive_open(&r->archive, path, error) : -ENOMEM;

	if (error_code < 0) {
		if (!error->len)
			buf_str(error, strerror(-error_code));
		event_replay_close(r);
		return error_code;
	}
	r->choice = c;
	archive_only_facts(r->archive);
	archive_rewind(r->archive, 0);
	*ret = r;
	return 0;
}

void event_replay_close(struct event_replay *r)
{
	if (!r)
		return;
	archive_close(r->archive);
	fact_reader_free(&r->reader);
	list_free(&r->lines);
	buf_free(&r->text);
	free(r);
}

void event_replay_times(const struct event_replay *r, uint64_t *ret_first_ns, uint64_t *ret_last_ns)
{
	*ret_first_ns = archive_frame(r->archive, 0)->first_ns;
	*ret_last_ns = archive_frame(r->archive, archive_frames(r->archive) - 1)->last_ns;
}

void event_replay_range(struct event_replay *r, uint64_t from_ns, uint64_t to_ns)
{
	r->from_ns = from_ns;
	r->to_ns = to_ns;
	archive_rewind(r->archive, from_ns ? archive_frame_at(r->archive, from_ns) : 0);
}

/* ---- which are shown ---- */

/* As the feed chooses among facts, but for the type. */
static bool event_is_near(const struct event_replay *r, const struct event *e)
{
	const struct event_choice *c = r->choice;
	bool start = e->type == EVENT_PROCESS_START || e->type == EVENT_THREAD_START;
	struct container_row row;

	if ((r->from_ns && e->time < (double)r->from_ns / 1e9) || (r->to_ns && e->time > (double)r->to_ns / 1e9))
		return false;
	if (e->type == EVENT_LOST)
		return true;
	if (c->pid && e->pid != c->pid && !(start && e->parent_pid == c->pid))
		return false;
	if (!c->containers || !c->containers->n)
		return true;
	if (!e->container)
		return false;
	row = (struct container_row){.name = e->container, .id = e->container_id ?: "", .pod = e->container_pod ?: ""};
	return match_choice_row(c->containers, &row);
}

static bool event_is_chosen(struct event_replay *r, const struct event *e)
{
	bool wanted = e->type == EVENT_LOST || r->choice->types >> e->type & 1;

	if (!event_is_near(r, e))
		return false;
	r->passed[e->type] += !wanted;
	return wanted;
}

/* Of what was lost, only the types that are shown. False: none of them were. */
static bool lost_narrow(const struct event_replay *r, struct fact_room *room)
{
	uint64_t any = 0;

	for (int t = 0; t < EVENT_TYPES; t++) {
		if (!(r->choice->types >> t & 1))
			room->lost_ring[t] = room->lost_unread[t] = 0;
		any |= room->lost_ring[t] | room->lost_unread[t];
	}
	return any;
}

static int line_make(struct event_replay *r, const struct event *e)
{
	size_t before = r->text.len;
	int error;

	if (r->choice->sink)
		return r->choice->sink(r->choice->sink_ctx, e) ? 0 : -ENOMEM;
	error = list_reserve(&r->lines, r->lines.n + 1);

	error = error ?: r->choice->json ? event_json(&r->text, e) : event_text(&r->text, e);
	if (error == 0)
		r->lines.at[r->lines.n++] = (struct replayed_line){e->time, before, r->text.len - before};
	return error;
}

static int line_order(const void *a, const void *b)
{
	const struct replayed_line *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

static int block_tell(struct event_replay *r, const struct archive_block *b, struct buf *out)
{
	struct fact_room room;
	int more;

	r->lines.n = 0;
	buf_reset(&r->text);
	fact_reader_begin(&r->reader, b->bytes, b->n);
	while ((more = fact_reader_next(&r->reader, &room)) == 1) {
		if (!event_is_chosen(r, &room.event) || (room.event.type == EVENT_LOST && !lost_narrow(r, &room)))
			continue;
		more = line_make(r, &room.event);
		if (more < 0)
			return more;
	}
	/* The events before the damage are sound. */
	r->bad_blocks += more == -EBADMSG;
	if (r->lines.n)
		qsort(r->lines.at, r->lines.n, sizeof(*r->lines.at), line_order);
	for (size_t i = 0; i < r->lines.n; i++) {
		if (r->choice->count && r->told >= r->choice->count)
			break;
		buf_add(out, r->text.data + r->lines.at[i].at, r->lines.at[i].n);
		r->told++;
	}
	return out->failed || more == -ENOMEM ? -ENOMEM : 0;
}

/* All that is written from here on is of later. */
static bool block_is_late(const struct event_replay *r, const struct archive_block *b)
{
	uint64_t interval_ns = archive_header(r->archive, archive_frames(r->archive) - 1)->interval_ns;

	return r->to_ns && b->time_ns > r->to_ns && b->time_ns - r->to_ns > LATE_NS &&
	       b->time_ns - r->to_ns - LATE_NS > 2 * interval_ns;
}

int event_replay_next(struct event_replay *r, struct buf *out)
{
	struct archive_block b;
	int more, error;

	if (r->choice->count && r->told >= r->choice->count)
		return 0;
	more = archive_next(r->archive, false, &b);
	if (more != 1 || block_is_late(r, &b))
		return more < 0 ? more : 0;
	r->read_ns = b.time_ns;
	error = block_tell(r, &b, out);
	return error < 0 ? error : 1;
}

/* ---- what is missing ---- */

static void missing_begin(struct buf *out)
{
	if (out->len)
		buf_char(out, '\n');
}

static void types_missing(const struct event_replay *r, uint32_t recorded, struct buf *out)
{
	bool any = false;

	for (int t = 0; t < EVENT_LOST; t++) {
		uint32_t type = r->choice->types & 1u << t;

		if (!type || kept_events_kinds(type) & recorded)
			continue;
		if (!any)
			missing_begin(out);
		buf_printf(out, "%s%s", any ? ", " : "", event_type_names[t]);
		any = true;
	}
	if (any)
		buf_str(out, " cannot be shown: a recording does not have it");
}

/* In the time that was asked for: whether events were recorded, and which. */
static void kinds_missing(const struct event_replay *r, struct buf *out)
{
	size_t frames = archive_frames(r->archive), in_range = 0, without = 0;
	uint32_t kinds = 0;

	for (size_t i = r->from_ns ? archive_frame_at(r->archive, r->from_ns) : 0; i < frames; i++) {
		uint32_t of_frame = archive_header(r->archive, i)->fact_kinds;

		if (r->to_ns && archive_frame(r->archive, i)->first_ns > r->to_ns)
			continue;
		in_range++;
		without += !of_frame;
		kinds |= of_frame;
	}
	if (without) {
		missing_begin(out);
		buf_printf(out, "%s of this time is recorded without events", without == in_range ? "all" : "a part");
	}
	if (kinds)
		types_missing(r, kinds, out);
}

static void holes_missing(const struct event_replay *r, struct buf *out)
{
	struct record_hole holes[WHEN_HOLES];
	bool enough = r->choice->count && r->told >= r->choice->count;
	uint64_t to_ns = enough ? r->read_ns : r->to_ns ?: UINT64_MAX;
	size_t n = archive_holes(r->archive, r->from_ns, to_ns, holes, WHEN_HOLES);

	if (!n)
		return;
	missing_begin(out);
	when_holes_text(out, holes, n);
	buf_str(out, ": events of that time may be missing");
}

static void gone_missing(const struct event_replay *r, struct buf *out)
{
	_cleanup_buf_ struct buf gone = {};

	if (!replay_gone_text(archive_damage(r->archive), &gone))
		return;
	missing_begin(out);
	buf_printf(out, "%s: events are missing", gone.data ?: "");
}

bool event_replay_missing(const struct event_replay *r, struct buf *out)
{
	const struct archive_damage *d = archive_damage(r->archive);

	kinds_missing(r, out);
	holes_missing(r, out);
	gone_missing(r, out);
	if (d->facts || d->samples || d->scarred || r->bad_blocks) {
		missing_begin(out);
		buf_str(out, "events are missing, because the recording is damaged");
		if (d->from_ns) {
			buf_str(out, ", from ");
			when_text(out, d->from_ns);
			buf_str(out, " to ");
			when_text(out, d->to_ns);
		}
	}
	if (d->segments) {
		missing_begin(out);
		buf_printf(out, "%llu of its files cannot be read at all", (unsigned long long)d->segments);
	}
	if (d->unended) {
		missing_begin(out);
		buf_printf(out,
			   "%llu of its files were not ended, as after a crash: what came last in them may be missing",
			   (unsigned long long)d->unended);
	}
	return out->len > 0;
}

bool event_replay_passed(const struct event_replay *r, struct buf *out)
{
	bool any = false;

	for (int t = 0; t < EVENT_LOST && !r->told; t++) {
		if (!r->passed[t])
			continue;
		buf_printf(out, "%s%s %llu", any ? ", " : "nothing to show but ", event_type_names[t],
			   (unsigned long long)r->passed[t]);
		any = true;
	}
	if (any)
		buf_str(out, ": --type all shows them");
	return any;
}
