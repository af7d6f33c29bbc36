/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pack.c - events into bytes: see facts.h. Nothing is written of a field that is 0, or of a text that is not there. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "record/facts/fields.h"

/* An event as the fields see it. */
static void room_fill(struct fact_room *room, const struct event *e)
{
	memset(room, 0, sizeof(*room));
	room->event = *e;
	if (e->oom)
		room->oom = *e->oom;
	if (e->stall)
		room->stall = *e->stall;
	if (e->from && e->to) {
		memcpy(room->from, e->from, sizeof(room->from));
		memcpy(room->to, e->to, sizeof(room->to));
	}
}

static void put_tag(struct fact_pack *p, unsigned int number, enum fact_form form)
{
	wire_put(&p->bytes, (uint64_t)number << FACT_FORM_BITS | form);
}

/* The text itself follows where its number is new. Most events have the texts of the event before in the same fields: `number`. */
static void put_words(struct fact_pack *p, unsigned int number, const char *text)
{
	size_t known = p->texts.all.n;
	const char *then = wire_text(&p->texts, p->before[number]);
	uint64_t n = p->before[number];

	if (!then || strcmp(then, text) != 0) {
		n = 0;
		if (wire_text_number(&p->texts, text, &n) < 0)
			p->broken = true;
		p->before[number] = n;
	}
	wire_put(&p->bytes, n);
	if (n <= known)
		return;
	wire_put(&p->bytes, strlen(text));
	buf_add(&p->bytes, text, strlen(text));
}

/* Of "oom.largest[0].comm" it is "oom" and "comm". */
static const char *text_renamed(const struct fact_pack *p, const char *name, const char *text)
{
	const char *field = strrchr(name, '.') + 1;
	char table[16];

	if (!p->rename)
		return text;
	snprintf(table, sizeof(table), "%.*s", (int)strcspn(name, "."), name);
	return p->rename(p->rename_ctx, table, field, text);
}

static uint64_t unsigned_at(const char *at, size_t size)
{
	uint64_t wide;
	uint32_t narrow;

	switch (size) {
	case sizeof(wide):
		memcpy(&wide, at, sizeof(wide));
		return wide;
	case sizeof(narrow):
		memcpy(&narrow, at, sizeof(narrow));
		return narrow;
	default:
		return (uint8_t)*at;
	}
}

static void put_field(struct fact_pack *p, unsigned int number, const char *at)
{
	const struct fact_field *f = &fact_fields[number];
	uint64_t v = 0;
	int narrow;

	if (f->form == FORM_WORDS) {
		const char *text = at;

		if (!f->array)
			memcpy(&text, at, sizeof(text));
		if (!text || (f->array && !*text))
			return;
		put_tag(p, number, FORM_WORDS);
		put_words(p, number, text_renamed(p, f->name, text));
		return;
	}
	if (f->form == FORM_SIGNED) {
		memcpy(&narrow, at, sizeof(narrow));
		v = wire_zigzag((uint64_t)(int64_t)narrow);
	} else {
		v = unsigned_at(at, f->size);
	}
	if (!v)
		return;
	put_tag(p, number, f->form);
	if (f->form == FORM_REAL) {
		wire_put_real(&p->bytes, v, p->before[number], 0);
		p->before[number] = v;
	} else {
		wire_put(&p->bytes, v);
	}
}

static void put_lost(struct fact_pack *p, const struct event *e)
{
	for (int t = 0; t < EVENT_TYPES; t++) {
		uint64_t ring = e->lost_ring ? e->lost_ring[t] : 0, unread = e->lost_unread ? e->lost_unread[t] : 0;

		if (!ring && !unread)
			continue;
		put_tag(p, FACT_LOST_TYPE, FORM_WORDS);
		put_words(p, FACT_LOST_TYPE, event_type_names[t]);
		put_tag(p, FACT_LOST_RING, FORM_UNSIGNED);
		wire_put(&p->bytes, ring);
		put_tag(p, FACT_LOST_UNREAD, FORM_UNSIGNED);
		wire_put(&p->bytes, unread);
	}
}

static void put_blocked(struct fact_pack *p, const struct stall *s)
{
	for (int i = 0; i < WAIT_CLASSES; i++) {
		uint64_t v = wire_real_bits(s->blocked[i]);

		if (!v)
			continue;
		put_tag(p, FACT_BLOCKED_CLASS, FORM_WORDS);
		put_words(p, FACT_BLOCKED_CLASS, wait_class_names[i]);
		put_tag(p, FACT_BLOCKED, FORM_REAL);
		wire_put_real(&p->bytes, v, p->before[FACT_BLOCKED], 0);
		p->before[FACT_BLOCKED] = v;
	}
}

int fact_pack_add(struct fact_pack *p, const struct event *e, size_t limit)
{
	size_t before = p->bytes.len;
	struct fact_room room;

	if (p->broken)
		return -ENOMEM;
	if (before >= limit)
		return -ENOBUFS;
	room_fill(&room, e);
	put_words(p, 0, event_type_names[e->type]);
	for (unsigned int i = 1; i < FACT_FIELDS; i++)
		if (fact_fields[i].size)
			put_field(p, i, (const char *)&room + fact_fields[i].offset);
	if (e->type == EVENT_LOST)
		put_lost(p, e);
	if (e->stall)
		put_blocked(p, e->stall);
	wire_put(&p->bytes, 0);
	p->broken |= p->bytes.failed;
	if (!p->broken) {
		p->n++;
		return 0;
	}
	/* Texts that are numbered now may not be in the bytes: whatever follows would refer to them. */
	p->bytes.len = before;
	return -ENOMEM;
}

void fact_pack_take(struct fact_pack *p, struct buf *to)
{
	struct buf room = *to;

	*to = p->bytes;
	to->failed = false;
	p->bytes = room;
	p->bytes.failed = false;
	buf_reset(&p->bytes);
	wire_texts_free(&p->texts);
	memset(p->before, 0, sizeof(p->before));
	p->n = 0;
	p->broken = false;
}

void fact_pack_free(struct fact_pack *p)
{
	buf_free(&p->bytes);
	wire_texts_free(&p->texts);
}
