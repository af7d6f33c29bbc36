/* SPDX-License-Identifier: GPL-2.0-or-later */
/* archive.c - see archive.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "record/archive.h"
#include "record/blocks.h"
#include "record/folder.h"
#include "record/when.h"

/* A frame of all segments. */
struct archive_entry {
	struct frame_entry frame;
	uint32_t segment; /* index */
	bool counted;	  /* its damage is */
};

struct archive {
	int folder;
	bool growing;
	LIST(struct segment) segments;
	LIST(struct archive_entry) frames;
	/* Where it is. */
	size_t at;
	uint64_t offset; /* of the next block; 0: at the begin */
	uint32_t samples;
	uint64_t last_ns;
	bool broken;	 /* the rest of the frame cannot be read */
	bool only_facts; /* states are passed over */
	struct blocks blocks;
	struct archive_damage damage;
	uint64_t lost_outside; /* of damage.samples: in no frame */
};

/* ---- open ---- */

int archive_open(struct archive **ret, const char *path, struct buf *error)
{
	struct archive *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->folder = -1;
	blocks_init(&a->blocks);
	r = folder_open(path, &a->folder, error);
	r = r ?: blocks_open(&a->blocks);
	r = r ?: archive_refresh(a);
	if (r == 0 && a->frames.n == 0) {
		bool later = false;

		for (size_t i = 0; i < a->segments.n; i++)
			later |= a->segments.at[i].header.version > RECORDING_VERSION;
		r = later ? -EPROTONOSUPPORT : -ENODATA;
		buf_char(error, '\'');
		text_terminal(error, path, strlen(path));
		buf_str(error,
			later ? "': was recorded by a later version of sysscope" : "': has no sample that can be read");
	}
	if (r < 0) {
		if (!error->len)
			buf_str(error, strerror(-r));
		archive_close(a);
		return r;
	}
	*ret = a;
	return 0;
}

void archive_close(struct archive *a)
{
	if (!a)
		return;
	blocks_close(&a->blocks);
	for (size_t i = 0; i < a->segments.n; i++)
		segment_free(&a->segments.at[i]);
	list_free(&a->segments);
	list_free(&a->frames);
	if (a->folder >= 0)
		closep(&a->folder);
	free(a);
}

/* ---- what there is ---- */

/* The frames of a segment that are not in the list yet; the last one that is may have grown. */
static int frames_take(struct archive *a, uint32_t index)
{
	const struct segment *s = &a->segments.at[index];
	size_t known = 0;
	int r;

	while (known < a->frames.n && a->frames.at[a->frames.n - 1 - known].segment == index)
		known++;
	if (known)
		a->frames.at[a->frames.n - 1].frame = s->frames.at[known - 1];
	r = list_reserve(&a->frames, a->frames.n + s->frames.n - known);
	for (size_t i = known; r == 0 && i < s->frames.n; i++)
		a->frames.at[a->frames.n++] = (struct archive_entry){.frame = s->frames.at[i], .segment = index};
	return r;
}

static int segment_add(struct archive *a, const struct folder_segment *f)
{
	int r = list_reserve(&a->segments, a->segments.n + 1);

	if (r < 0)
		return r;
	a->segments.at[a->segments.n] = (struct segment){.number = f->number};
	strcpy(a->segments.at[a->segments.n++].name, f->name); /* of the same length */
	return 0;
}

/* What the segments say of damage that is in no frame. One that still grows may end anywhere. */
static void damage_sum(struct archive *a)
{
	struct archive_damage *d = &a->damage;

	d->samples -= a->lost_outside;
	a->lost_outside = d->unended = d->torn = d->scarred = d->segments = 0;
	for (size_t i = 0; i < a->segments.n; i++) {
		const struct segment *s = &a->segments.at[i];

		bool open = a->growing && i + 1 == a->segments.n;

		a->lost_outside += s->lost;
		d->unended += !s->closed && !open;
		d->torn += s->torn && !open;
		d->scarred += s->damaged;
		d->segments += s->unread;
	}
	d->samples += a->lost_outside;
}

/* 0 also if the segment cannot be read: the others can. */
static int segment_renew(struct archive *a, uint32_t index)
{
	int r = segment_look(a->folder, &a->segments.at[index]);

	if (r == -ENOMEM)
		return r;
	/* -ENOENT: it was too old to be kept. */
	a->segments.at[index].unread = r < 0 && r != -ENOENT;
	return frames_take(a, index);
}

int archive_refresh(struct archive *a)
{
	cleanup(folder_segments_free) struct folder_segments found = {};
	uint32_t last = a->segments.n ? a->segments.at[a->segments.n - 1].number : 0;
	int r = folder_segments_list(a->folder, &found);

	if (r < 0)
		return r;
	a->damage.removed = folder_removed(a->folder);
	a->growing = folder_busy(a->folder);
	/* Only the last of those that are known can have grown, and before others were added. */
	if (a->segments.n)
		r = segment_renew(a, (uint32_t)a->segments.n - 1);
	for (size_t i = 0; r == 0 && i < found.list.n; i++) {
		if (found.list.at[i].number <= last)
			continue;
		last = found.list.at[i].number;
		r = segment_add(a, &found.list.at[i]);
		r = r ?: segment_renew(a, (uint32_t)a->segments.n - 1);
	}
	damage_sum(a);
	/* The file may have grown. */
	blocks_file_close(&a->blocks);
	return r;
}

bool archive_growing(const struct archive *a)
{
	return a->growing;
}

size_t archive_frames(const struct archive *a)
{
	return a->frames.n;
}

const struct frame_entry *archive_frame(const struct archive *a, size_t frame)
{
	return &a->frames.at[frame].frame;
}

const struct segment_header *archive_header(const struct archive *a, size_t frame)
{
	return &a->segments.at[a->frames.at[frame].segment].header;
}

size_t archive_frame_at(const struct archive *a, uint64_t time_ns)
{
	/* Not by halves: the clock may have been set back. */
	for (size_t i = a->frames.n; i-- > 0;)
		if (a->frames.at[i].frame.first_ns <= time_ns)
			return i;
	return 0;
}

size_t archive_holes(const struct archive *a, uint64_t from_ns, uint64_t to_ns, struct record_hole *ret, size_t most)
{
	size_t n = 0;

	for (size_t i = 1; i < a->frames.n; i++) {
		uint64_t before_ns = archive_frame(a, i - 1)->last_ns, time_ns = archive_frame(a, i)->first_ns;

		if (before_ns >= to_ns || time_ns <= from_ns ||
		    !when_hole(before_ns, time_ns, archive_header(a, i)->interval_ns))
			continue;
		if (n < most)
			ret[n] = (struct record_hole){before_ns, time_ns};
		n++;
	}
	return n;
}

const struct archive_damage *archive_damage(const struct archive *a)
{
	return &a->damage;
}

/* ---- reading ---- */

size_t archive_at(const struct archive *a, uint32_t *ret_states)
{
	*ret_states = a->samples;
	return a->at;
}

void archive_rewind(struct archive *a, size_t frame)
{
	a->at = frame;
	a->offset = 0;
	a->samples = 0;
	a->last_ns = 0;
	a->broken = false;
}

/* Once for each frame, however often it is read. */
static void damage_note(struct archive *a)
{
	struct archive_entry *e = &a->frames.at[a->at];
	struct archive_damage *d = &a->damage;
	uint64_t from = a->last_ns ?: e->frame.first_ns;

	a->broken = true;
	if (e->counted)
		return;
	e->counted = true;
	d->frames++;
	d->samples += e->frame.samples - a->samples;
	if (!d->from_ns || from < d->from_ns)
		d->from_ns = from;
	if (e->frame.last_ns > d->to_ns)
		d->to_ns = e->frame.last_ns;
}

/* Its segment is no longer there. Once for each frame. */
static void gone_note(struct archive *a)
{
	struct archive_entry *e = &a->frames.at[a->at];

	a->broken = true;
	a->damage.removed = folder_removed(a->folder);
	if (!e->counted)
		a->damage.gone += e->frame.samples - a->samples;
	e->counted = true;
}

static void facts_damage_note(struct archive *a, const struct block_header *h)
{
	struct archive_damage *d = &a->damage;

	d->facts++;
	if (!d->from_ns || h->time_ns < d->from_ns)
		d->from_ns = h->time_ns;
	if (h->time_ns > d->to_ns)
		d->to_ns = h->time_ns;
}

void archive_only_facts(struct archive *a)
{
	a->only_facts = true;
}

void archive_reject(struct archive *a)
{
	/* It was counted as read. */
	if (a->samples)
		a->samples--;
	damage_note(a);
}

/* Whether a block of this kind may stand here. */
static bool block_fits(const struct archive *a, const struct block_header *h)
{
	bool begins = h->flags & BLOCK_BEGINS_FRAME;

	if (h->kind == BLOCK_FACTS)
		return a->samples > 0;
	return h->kind == BLOCK_STATE && begins == (a->samples == 0);
}

/* The header at the cursor. */
static int header_next(struct archive *a, struct block_header *ret)
{
	const struct archive_entry *e = &a->frames.at[a->at];
	int r = blocks_file(&a->blocks, a->folder, e->segment, a->segments.at[e->segment].name);

	if (!a->offset)
		a->offset = e->frame.offset;
	return r ?: blocks_header(&a->blocks, a->offset, ret);
}

/* What of the block is to be unpacked. */
static int payload_next(struct archive *a, const struct block_header *h)
{
	uint64_t at = a->offset + BLOCK_HEADER_BYTES;

	if (h->kind == BLOCK_FACTS)
		return blocks_facts(&a->blocks, at, h);
	return a->only_facts ? 0 : blocks_state(&a->blocks, at, h);
}

/* 1: *ret is the block. 0: one that was passed over. */
static int block_read(struct archive *a, struct archive_block *ret)
{
	struct block_header h;
	int r = header_next(a, &h);

	if (r < 0)
		return r;
	if (!block_fits(a, &h))
		return -EBADMSG;
	r = payload_next(a, &h);
	/* Nothing refers to facts, so what follows them can be read. */
	if (r == -EBADMSG && h.kind == BLOCK_FACTS)
		facts_damage_note(a, &h);
	else if (r < 0)
		return r;
	a->offset += BLOCK_HEADER_BYTES + h.length;
	a->samples += h.kind == BLOCK_STATE;
	a->last_ns = h.time_ns;
	if (r < 0 || (a->only_facts && h.kind == BLOCK_STATE))
		return 0;
	*ret = (struct archive_block){.kind = h.kind,
				      .begins_frame = h.flags & BLOCK_BEGINS_FRAME,
				      .time_ns = h.time_ns,
				      .bytes = a->blocks.bytes.data,
				      .n = a->blocks.bytes.len};
	return 1;
}

/* Behind its last state a frame may have facts. */
static bool frame_goes_on(struct archive *a)
{
	const struct archive_entry *e = &a->frames.at[a->at], *next = a->at + 1 < a->frames.n ? e + 1 : NULL;
	struct block_header h;

	if (a->broken)
		return false;
	if (a->samples < e->frame.samples)
		return true;
	if (!a->offset || (next && next->segment == e->segment && a->offset >= next->frame.offset))
		return false;
	return header_next(a, &h) == 0 && h.kind == BLOCK_FACTS;
}

int archive_next(struct archive *a, bool within, struct archive_block *ret)
{
	while (a->at < a->frames.n) {
		int r;

		if (!frame_goes_on(a)) {
			/* It stays at the last frame, which may grow. */
			if (within || a->at + 1 == a->frames.n)
				return 0;
			archive_rewind(a, a->at + 1);
			continue;
		}
		r = block_read(a, ret);
		if (r == 1 || r == -ENOMEM)
			return r;
		if (r == 0)
			continue;
		if (r == -ENOENT)
			gone_note(a);
		else
			damage_note(a);
	}
	return 0;
}
