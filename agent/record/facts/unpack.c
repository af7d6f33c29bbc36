/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unpack.c - bytes into events: see facts.h. Whoever prints an event may rely on it: each text that it needs is there, and each
 * number is in its range.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "record/facts/fields.h"

/* Seconds since 1970; a calendar has no more. */
#define TIME_MOST 1e11
/* What still fits into an integer of 64 bits. */
#define REAL_MOST 9e18

void fact_reader_begin(struct fact_reader *r, const void *bytes, size_t n)
{
	wire_texts_free(&r->texts);
	memset(r->before, 0, sizeof(r->before));
	r->in = (struct wire_input){bytes, (const uint8_t *)bytes + n, false};
	r->no_memory = false;
}

void fact_reader_free(struct fact_reader *r)
{
	wire_texts_free(&r->texts);
}

/* ---- fields ---- */

/* NULL: they are not sound, or there is no memory. */
static const char *words_get(struct fact_reader *r)
{
	uint64_t number = wire_get(&r->in), length;
	const char *bytes;

	if (r->in.bad || number == 0 || number > r->texts.all.n + 1) {
		r->in.bad = true;
		return NULL;
	}
	if (number <= r->texts.all.n)
		return wire_text(&r->texts, number);
	length = wire_get(&r->in);
	bytes = wire_take(&r->in, length);
	r->no_memory = bytes && wire_text_add(&r->texts, bytes, length) < 0;
	if (!bytes || r->no_memory) {
		r->in.bad = true;
		return NULL;
	}
	return wire_text(&r->texts, number);
}

static void words_set(const struct fact_field *f, char *at, const char *text)
{
	if (!f->array) {
		memcpy(at, &text, sizeof(text));
		return;
	}
	strncpy(at, text, f->size - 1U);
	at[f->size - 1] = '\0';
}

static void fact_number_set(const struct fact_field *f, char *at, uint64_t v)
{
	uint32_t narrow = (uint32_t)v;
	int number = (int)(int64_t)wire_unzigzag(v);
	bool yes = v != 0;

	if (f->form == FORM_SIGNED)
		memcpy(at, &number, sizeof(number));
	else if (f->size == sizeof(v))
		memcpy(at, &v, sizeof(v));
	else if (f->size == sizeof(narrow))
		memcpy(at, &narrow, sizeof(narrow));
	else
		memcpy(at, &yes, sizeof(yes));
}

/* Of a field that this version does not know, only where it ends. */
static void field_pass(struct fact_reader *r, enum fact_form form)
{
	if (form == FORM_WORDS)
		words_get(r);
	else if (form == FORM_REAL)
		wire_get_real(&r->in, 0, 0);
	else
		wire_get(&r->in);
}

static void field_get(struct fact_reader *r, uint64_t number, enum fact_form form)
{
	const struct fact_field *f = &fact_fields[number];
	char *at = (char *)&r->room + f->offset;
	const char *text;
	uint64_t v;

	if (f->form != form) {
		r->in.bad = true;
		return;
	}
	if (form == FORM_WORDS) {
		text = words_get(r);
		if (text)
			words_set(f, at, text);
		return;
	}
	if (form == FORM_REAL) {
		v = r->before[number] = wire_get_real(&r->in, r->before[number], 0);
		memcpy(at, &v, sizeof(v));
		return;
	}
	v = wire_get(&r->in);
	if (!r->in.bad)
		fact_number_set(f, at, v);
}

/* -1: there is no such name. */
static int word_index(const char *name, const char *const *names, int n)
{
	for (int i = 0; name && i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return -1;
}

static int type_named(const char *name)
{
	return word_index(name, event_type_names, EVENT_TYPES);
}

/* What a repeated value is of; -1: of nothing that is known. */
struct fact_names {
	int lost, blocked;
};

/* False: it is no field that is repeated. */
static bool repeated_get(struct fact_reader *r, uint64_t number, enum fact_form form, struct fact_names *of)
{
	static const enum fact_form forms[] = {FORM_WORDS, FORM_UNSIGNED, FORM_UNSIGNED, FORM_WORDS, FORM_REAL};
	uint64_t v;

	if (number < FACT_LOST_TYPE || number > FACT_BLOCKED)
		return false;
	if (form != forms[number - FACT_LOST_TYPE]) {
		r->in.bad = true;
	} else if (number == FACT_LOST_TYPE) {
		of->lost = type_named(words_get(r));
	} else if (number == FACT_BLOCKED_CLASS) {
		of->blocked = word_index(words_get(r), wait_class_names, WAIT_CLASSES);
	} else if (number == FACT_BLOCKED) {
		v = r->before[number] = wire_get_real(&r->in, r->before[number], 0);
		if (of->blocked >= 0)
			r->room.stall.blocked[of->blocked] = wire_real(v);
	} else {
		v = wire_get(&r->in);
		if (of->lost >= 0)
			(number == FACT_LOST_RING ? r->room.lost_ring : r->room.lost_unread)[of->lost] = v;
	}
	return true;
}

static void fields_get(struct fact_reader *r)
{
	struct fact_names of = {-1, -1};
	uint64_t tag;

	while (!r->in.bad && (tag = wire_get(&r->in))) {
		uint64_t number = tag >> FACT_FORM_BITS;
		enum fact_form form = (enum fact_form)(tag & ((1u << FACT_FORM_BITS) - 1));

		if (repeated_get(r, number, form, &of))
			continue;
		if (number < FACT_FIELDS && fact_fields[number].size)
			field_get(r, number, form);
		else
			field_pass(r, form);
	}
}

/* ---- what printing relies on ---- */

static void text_there(const char **text, const char *else_this)
{
	if (!*text)
		*text = else_this;
}

/* A word of our own is printed as it is: what is none of that kind is not shown. */
static void word_there(const char **word, const char *else_this)
{
	if (!*word || (*word)[strspn(*word, "abcdefghijklmnopqrstuvwxyz_")])
		*word = else_this;
}

static void real_bound(double *v)
{
	if (!(fabs(*v) < REAL_MOST))
		*v = VALUE_ABSENT;
}

static void reals_bound(struct fact_room *room)
{
	for (int i = 0; i < WAIT_CLASSES; i++)
		real_bound(&room->stall.blocked[i]);
	for (unsigned int i = 1; i < FACT_FIELDS; i++) {
		char *at = (char *)room + fact_fields[i].offset;
		double v;

		if (fact_fields[i].form != FORM_REAL || !fact_fields[i].size)
			continue;
		memcpy(&v, at, sizeof(v));
		real_bound(&v);
		memcpy(at, &v, sizeof(v));
	}
}

/* Counts that are always known. */
static void count_there(double *v)
{
	if (!(*v >= 0))
		*v = 0;
}

static void exit_bound(struct event *e)
{
	count_there(&e->peak_rss);
	count_there(&e->voluntary_switches);
	count_there(&e->involuntary_switches);
	count_there(&e->minor_faults);
	count_there(&e->major_faults);
}

/* False: without a time it is no event. */
static bool room_bound(struct fact_room *room, int type)
{
	struct event *e = &room->event;

	e->type = (enum event_type)type;
	reals_bound(room);
	exit_bound(e);
	word_there(&e->how, "unknown");
	text_there(&room->oom.container_name, "");
	text_there(&room->oom.container_cgroup, "");
	word_there(&room->oom.exhausted, "");
	text_there(&room->oom.limit_of, "");
	word_there(&room->oom.limit_scope, "");
	text_there(&room->oom.asker, "");
	text_there(&room->oom.largest_of, "");
	room->oom.comm = room->oom.thread = "";
	word_there(&room->stall.cause, "");
	text_there(&room->stall.runner, "");
	text_there(&room->stall.runner_cgroup, "");
	if (room->oom.n_largest > OOM_LARGEST)
		room->oom.n_largest = OOM_LARGEST;
	e->kinds &= (1u << NAMESPACE_KINDS) - 1;
	if (!(fabs(e->start_time) < TIME_MOST))
		e->start_time = VALUE_ABSENT;
	return fabs(e->time) < TIME_MOST;
}

static void room_point(struct fact_room *room)
{
	struct event *e = &room->event;

	e->from = room->from;
	e->to = room->to;
	e->oom = &room->oom;
	e->stall = &room->stall;
	e->lost_ring = room->lost_ring;
	e->lost_unread = room->lost_unread;
	e->recorded = true;
}

int fact_reader_next(struct fact_reader *r, struct fact_room *ret)
{
	while (wire_left(&r->in)) {
		int type;

		memset(&r->room, 0, sizeof(r->room));
		type = type_named(words_get(r));
		fields_get(r);
		if (r->in.bad)
			return r->no_memory ? -ENOMEM : -EBADMSG;
		if (type < 0)
			continue;
		if (!room_bound(&r->room, type))
			return -EBADMSG;
		*ret = r->room;
		room_point(ret);
		return 1;
	}
	return 0;
}
