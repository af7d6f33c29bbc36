/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json.c - the JSON of one snapshot. Rows are built, written and freed one by one, so that 10,000 processes are never
 * in memory as a tree. A list of rows is one line of `sections`; json_rows.c builds the rows.
 */
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "base/util.h"
#include "exporters/json/json.h"
#include "exporters/json/json_rows.h"

/* ---- rows of one container ---- */
static bool is_of(const struct snapshot *s, uint32_t container, const char *name)
{
	return strcmp(s->containers[container].name, name) == 0;
}

static bool container_is_of(const struct snapshot *s, uint32_t i, const char *name)
{
	return is_of(s, i, name);
}

static bool process_is_of(const struct snapshot *s, uint32_t i, const char *name)
{
	return is_of(s, s->processes[i].container, name);
}

static bool group_is_of(const struct snapshot *s, uint32_t i, const char *name)
{
	return is_of(s, s->groups[i].container, name);
}

/* As waiter or as runner. */
static bool neighbour_is_of(const struct snapshot *s, uint32_t i, const char *name)
{
	const struct neighbour_row *n = &s->neighbours[i];

	return is_of(s, n->waiter, name) || (n->runner != NEIGHBOUR_OTHERS && is_of(s, n->runner, name));
}

static bool loop_is_of(const struct snapshot *s, uint32_t i, const char *name)
{
	return process_is_of(s, s->loops[i].process, name);
}

static bool birth_is_of(const struct snapshot *s, uint32_t i, const char *name)
{
	return strcmp(s->births[i].container, name) == 0;
}

/* The lists of rows, in the order in which they are written. */
#define SECTION(ARRAY, ROW)                                                           \
	{                                                                             \
#ARRAY, offsetof(struct snapshot, n_##ARRAY), ROW##_is_of, json_##ROW \
	}
static const struct json_section {
	const char *key;
	size_t count; /* offset of the number of rows in the snapshot */
	bool (*is_of)(const struct snapshot *s, uint32_t i, const char *container);
	json_t *(*value)(struct writer *w, const struct snapshot *s, uint32_t i);
} sections[] = {
	SECTION(containers, container), SECTION(processes, process), SECTION(groups, group),
	SECTION(neighbours, neighbour), SECTION(loops, loop),	     SECTION(births, birth),
};

/* ---- the other parts ---- */
static json_t *host_value(struct writer *w, const struct snapshot *s)
{
	json_t *host = json_object();

	writer_set_text(w, host, "hostname", s->hostname);
	writer_set_text(w, host, "kernel", s->kernel);
	json_set_metrics(w, host, SCOPE_HOST, s->v);
	return host;
}

static json_t *losses_value(struct writer *w, const struct snapshot *s)
{
	json_t *losses = json_object();

	for (size_t i = 0; i < s->n_losses; i++) {
		uint64_t count = s->losses[i].count;

		writer_set(w, losses, s->losses[i].kind,
			   json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count));
	}
	return losses;
}

static json_t *collectors_value(struct writer *w, const struct snapshot *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_collectors; i++) {
		const struct collector_row *c = &s->collectors[i];
		json_t *row = json_object();

		writer_set_text(w, row, "name", c->name);
		writer_set(w, row, "ok", json_boolean(c->ok));
		writer_set(w, row, "duration_seconds", writer_real(c->duration_seconds));
		writer_append(w, list, row);
	}
	return list;
}

static void key_begin(struct writer *w, const char *key)
{
	buf_char(w->out, ',');
	buf_char(w->out, '"');
	buf_str(w->out, key);
	buf_str(w->out, "\":");
}

static void section_write(struct writer *w, const struct snapshot *s, const struct json_section *section,
			  const char *container)
{
	size_t n = *(const size_t *)((const char *)s + section->count);
	bool first = true;

	key_begin(w, section->key);
	buf_char(w->out, '[');
	for (uint32_t i = 0; i < n; i++) {
		if (container && !section->is_of(s, i, container))
			continue;
		if (!first)
			buf_char(w->out, ',');
		first = false;
		writer_dump(w, section->value(w, s, i));
	}
	buf_char(w->out, ']');
}

int json_write_snapshot(struct buf *out, const struct snapshot *s, const struct json_options *o)
{
	static const struct json_options all = {};
	struct writer w = {.out = out};
	size_t before = out->len;

	if (!o)
		o = &all;
	buf_str(out, "{\"time\":");
	writer_dump(&w, writer_real(s->time));
	key_begin(&w, "interval");
	writer_dump(&w, writer_real(s->interval));
	key_begin(&w, "host");
	writer_dump(&w, host_value(&w, s));
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (!o->view || strcmp(o->view, sections[i].key) == 0)
			section_write(&w, s, &sections[i], o->container);
	key_begin(&w, "losses");
	writer_dump(&w, losses_value(&w, s));
	key_begin(&w, "collectors");
	writer_dump(&w, collectors_value(&w, s));
	buf_str(out, "}\n");
	return writer_end(&w, before);
}
