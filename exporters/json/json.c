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

/* The lists of rows, in the order in which they are written. */
#define SECTION(ARRAY, ROW)                                              \
	{                                                                \
#ARRAY, offsetof(struct snapshot, n_##ARRAY), json_##ROW \
	}
static const struct json_section {
	const char *key;
	size_t count; /* offset of the number of rows in the snapshot */
	json_t *(*value)(struct writer *w, const struct snapshot *s, uint32_t i);
} sections[] = {
	SECTION(containers, container), SECTION(processes, process),
	SECTION(groups, group),		SECTION(neighbours, neighbour),
	SECTION(loops, loop),		SECTION(births, birth),
	SECTION(oom_kills, oom_kill),	SECTION(disk_neighbours, disk_neighbour),
	SECTION(devices, device),	SECTION(ports, port),
};

/* ---- the other parts ---- */
static json_t *host_value(struct writer *w, const struct snapshot *s)
{
	json_t *host = json_object(), *virtualization = json_object();

	writer_set_text(w, host, "hostname", s->hostname);
	writer_set_text(w, host, "kernel", s->kernel);
	writer_set_text(w, virtualization, "machine", s->machine ?: "");
	writer_set_text(w, virtualization, "container", s->in_container ?: "");
	writer_set(w, host, "virtualization", virtualization);
	json_set_metrics(w, host, SCOPE_HOST, s->v);
	writer_set_text(w, host, "attributed_source", s->attributed_reason ? "" : "/proc/schedstat");
	writer_set_text(w, host, "attributed_reason", s->attributed_reason ?: "");
	writer_set_text(w, host, "container_pressure_reason", s->pressure_reason ?: "");
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

static const struct json_list *list_chosen(const struct json_options *o, const char *key)
{
	for (size_t i = 0; i < o->n_lists; i++)
		if (strcmp(o->lists[i].key, key) == 0)
			return &o->lists[i];
	return NULL;
}

/* A list that is only there while somebody looks, beside why it is not. */
static const struct json_look {
	const char *key, *other;
	size_t rows, count, reason; /* offsets in the snapshot */
	json_t *(*value)(struct writer *w, const struct snapshot *s, uint32_t i);
} json_looks[] = {
	{"threads", "threads_reason", offsetof(struct snapshot, looked.threads),
	 offsetof(struct snapshot, looked.n_threads), offsetof(struct snapshot, looked.threads_reason), json_thread},
	{"events", "events_reason", offsetof(struct snapshot, looked.events),
	 offsetof(struct snapshot, looked.n_events), offsetof(struct snapshot, looked.events_reason), json_event},
};

static bool key_chosen(const struct json_options *o, const char *key)
{
	for (size_t i = 0; i < o->n_keys; i++)
		if (strcmp(o->keys[i], key) == 0)
			return true;
	return !o->n_keys;
}

static json_t *row_narrow(json_t *row, const struct json_options *o)
{
	const char *key;
	json_t *value;
	void *next;

	if (o->n_keys)
		json_object_foreach_safe(row, next, key, value) if (!key_chosen(o, key)) json_object_del(row, key);
	return row;
}

static void section_write(struct writer *w, const struct snapshot *s, const struct json_section *section,
			  const struct json_options *o)
{
	const struct json_list *chosen = list_chosen(o, section->key);
	size_t n = chosen ? chosen->n : *(const size_t *)((const char *)s + section->count);

	key_begin(w, section->key);
	buf_char(w->out, '[');
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			buf_char(w->out, ',');
		writer_dump(w, row_narrow(section->value(w, s, chosen ? chosen->rows[i] : i), o));
	}
	buf_char(w->out, ']');
}

/* Only if a view of it was asked for: others pay nothing for it. */
static void look_write(struct writer *w, const struct snapshot *s, const struct json_look *look,
		       const struct json_options *o)
{
	struct json_section section = {look->key, look->count, look->value};
	const char *reason = *(const char *const *)((const char *)s + look->reason);

	if (!o->view || strcmp(o->view, look->key) != 0)
		return;
	if (!*(const void *const *)((const char *)s + look->rows)) {
		key_begin(w, look->other);
		writer_dump(w, writer_text(w, reason ?: "not in this recording"));
	}
	section_write(w, s, &section, o);
	if (strcmp(look->key, "events") != 0)
		return;
	key_begin(w, "events_lost");
	writer_dump(w, json_integer((json_int_t)s->looked.events_lost));
	key_begin(w, "events_dropped");
	writer_dump(w, json_integer((json_int_t)s->looked.events_dropped));
}

bool json_view_known(const char *view)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (strcmp(view, sections[i].key) == 0)
			return true;
	return strcmp(view, JSON_NO_ROWS) == 0;
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
			section_write(&w, s, &sections[i], o);
	for (size_t i = 0; i < ARRAY_SIZE(json_looks); i++)
		look_write(&w, s, &json_looks[i], o);
	key_begin(&w, "losses");
	writer_dump(&w, losses_value(&w, s));
	key_begin(&w, "collectors");
	writer_dump(&w, collectors_value(&w, s));
	buf_str(out, "}\n");
	return writer_end(&w, before);
}
