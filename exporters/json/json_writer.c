/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json_writer.c - see json_writer.h. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "exporters/json/json_writer.h"

/* 15 digits keep a decimal as it was typed, and a time since 1970 to 10 microseconds. */
#define DUMP_FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))

void writer_set(struct writer *w, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new_nocheck(object, key, value))
		w->failed = true;
}

void writer_append(struct writer *w, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		w->failed = true;
}

json_t *writer_text(struct writer *w, const char *s)
{
	buf_reset(&w->text);
	text_utf8(&w->text, s, strlen(s));
	if (w->text.failed)
		return NULL;
	return json_stringn_nocheck(w->text.data ? w->text.data : "", w->text.len);
}

void writer_set_text(struct writer *w, json_t *object, const char *key, const char *s)
{
	writer_set(w, object, key, *s ? writer_text(w, s) : json_null());
}

json_t *writer_real(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

void writer_set_stall(struct writer *w, json_t *row, const struct stall *s)
{
	json_t *blocked = json_object();

	writer_set(w, row, "seconds", writer_real(s->seconds));
	writer_set_text(w, row, "cause", s->cause);
	writer_set(w, row, "oncpu_seconds", writer_real(s->oncpu));
	writer_set(w, row, "runqueue_seconds", writer_real(s->runqueue));
	writer_set(w, row, "throttled_seconds", writer_real(s->throttled));
	for (int i = 0; i < WAIT_CLASSES; i++)
		if (s->blocked[i] > 0)
			writer_set(w, blocked, wait_class_names[i], writer_real(s->blocked[i]));
	writer_set(w, row, "blocked_seconds", blocked);
	writer_set_text(w, row, "runner", s->runner);
	writer_set_text(w, row, "runner_cgroup", s->runner_cgroup);
	writer_set(w, row, "suppressed", json_integer((json_int_t)s->suppressed));
}

json_t *writer_bytes(double bytes)
{
	return isfinite(bytes) ? json_integer((json_int_t)bytes) : json_null();
}

static json_t *largest_value(struct writer *w, const struct oom_row *kill)
{
	json_t *list = json_array();

	for (size_t i = 0; i < kill->n_largest; i++) {
		const struct oom_process *p = &kill->largest[i];
		json_t *row = json_object();

		writer_set(w, row, "pid", json_integer(p->pid));
		writer_set_text(w, row, "comm", p->comm);
		writer_set_text(w, row, "container", p->container);
		writer_set(w, row, "rss_bytes", writer_bytes(p->rss));
		writer_append(w, list, row);
	}
	return list;
}

void writer_set_oom(struct writer *w, json_t *row, const struct oom_row *kill)
{
	writer_set(w, row, "rss_bytes", writer_bytes(kill->rss));
	writer_set(w, row, "oom_score_adj", json_integer(kill->score_adjust));
	writer_set_text(w, row, "exhausted", kill->exhausted);
	writer_set_text(w, row, "limit_of", kill->limit_of);
	writer_set_text(w, row, "limit_scope", kill->limit_scope);
	writer_set(w, row, "limit_bytes", writer_bytes(kill->limit));
	writer_set(w, row, "usage_bytes", writer_bytes(kill->usage));
	writer_set(w, row, "asker_pid", kill->asker_pid ? json_integer(kill->asker_pid) : json_null());
	writer_set_text(w, row, "asker_comm", kill->asker);
	writer_set(w, row, "largest", largest_value(w, kill));
	writer_set_text(w, row, "largest_of", kill->largest_of);
	writer_set(w, row, "largest_age_seconds", writer_real(kill->largest_age));
}

static int dump_write(const char *data, size_t len, void *ctx)
{
	buf_add(ctx, data, len);
	return 0;
}

void writer_dump(struct writer *w, json_t *value)
{
	if (!value || json_dump_callback(value, dump_write, w->out, DUMP_FLAGS))
		w->failed = true;
	json_decref(value);
}

int writer_end(struct writer *w, size_t before)
{
	buf_free(&w->text);
	if (!w->out->failed && !w->failed)
		return 0;
	w->out->len = before;
	if (w->out->data)
		w->out->data[before] = '\0';
	return -ENOMEM;
}
