/* SPDX-License-Identifier: GPL-2.0-or-later */
/* events_json.c - see events.h; events as JSON. Every name from outside goes through writer_text. */
#include <math.h>
#include <string.h>
#include <sys/wait.h>

#include "exporters/events/events.h"
#include "exporters/json/json_writer.h"

static void set_integer(struct writer *w, json_t *line, const char *key, uint64_t v)
{
	writer_set(w, line, key, json_integer((json_int_t)v));
}

static void set_bool(struct writer *w, json_t *line, const char *key, bool v)
{
	writer_set(w, line, key, json_boolean(v));
}

static void set_kinds(struct writer *w, json_t *line, const char *key, uint32_t kinds)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < NAMESPACE_KINDS; i++)
		if (kinds >> i & 1)
			writer_append(w, list, json_string_nocheck(namespace_names[i]));
	writer_set(w, line, key, list);
}

static void start_json(struct writer *w, json_t *line, const struct event *e)
{
	json_t *flags = json_array(), *shares = json_array();
	char number[24];

	set_integer(w, line, "parent_pid", e->parent_pid);
	set_integer(w, line, "parent_tid", e->parent_tid);
	snprintf(number, sizeof(number), "0x%llx", (unsigned long long)e->clone_flags);
	writer_set_text(w, line, "clone_flags", number);
	for (const struct clone_flag *f = clone_flags; f->flag; f++) {
		if (!(e->clone_flags & f->flag))
			continue;
		writer_append(w, flags, json_string_nocheck(f->name));
		if (f->shared)
			writer_append(w, shares, json_string_nocheck(f->shared));
	}
	writer_set(w, line, "flags", flags);
	writer_set(w, line, "shares", shares);
	set_kinds(w, line, "new_namespaces", clone_namespaces(e->clone_flags));
}

static void exec_json(struct writer *w, json_t *line, const struct event *e)
{
	const char *end = e->arguments + e->arguments_bytes;
	json_t *list = e->arguments ? json_array() : json_null();

	writer_set_text(w, line, "path", e->path ? e->path : "");
	set_bool(w, line, "path_truncated", e->path_cut);
	for (const char *a = e->arguments; a && a < end; a += strlen(a) + 1)
		writer_append(w, list, writer_text(w, a));
	writer_set(w, line, "arguments", list);
	set_bool(w, line, "arguments_truncated", e->arguments_cut);
}

static void exit_json(struct writer *w, json_t *line, const struct event *e)
{
	bool killed = WIFSIGNALED(e->status);

	writer_set(w, line, "exit_code", killed ? json_null() : json_integer(WEXITSTATUS(e->status)));
	writer_set(w, line, "signal", killed ? json_integer(WTERMSIG(e->status)) : json_null());
	set_bool(w, line, "core_dumped", killed && WCOREDUMP(e->status));
	writer_set(w, line, "lifetime_seconds", writer_real(e->lifetime));
	writer_set(w, line, "cpu_seconds", writer_real(e->cpu));
	set_bool(w, line, "cpu_complete", e->cpu_complete);
	set_integer(w, line, "peak_rss_bytes", (uint64_t)e->peak_rss);
	set_integer(w, line, "voluntary_switches", (uint64_t)e->voluntary_switches);
	set_integer(w, line, "involuntary_switches", (uint64_t)e->involuntary_switches);
	set_integer(w, line, "minor_page_faults", (uint64_t)e->minor_faults);
	set_integer(w, line, "major_page_faults", (uint64_t)e->major_faults);
}

static json_t *inodes(struct writer *w, uint32_t kinds, const uint32_t *numbers)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < NAMESPACE_KINDS; i++)
		if (kinds >> i & 1)
			set_integer(w, object, namespace_names[i], numbers[i]);
	return object;
}

static void namespace_json(struct writer *w, json_t *line, const struct event *e)
{
	writer_set_text(w, line, "how", e->how);
	set_kinds(w, line, "kinds", e->kinds);
	writer_set(w, line, "from", inodes(w, e->kinds, e->from));
	writer_set(w, line, "to", inodes(w, e->kinds, e->to));
	set_bool(w, line, "expected", e->expected);
}

static void cgroup_json(struct writer *w, json_t *line, const struct event *e)
{
	writer_set_text(w, line, "cgroup", e->cgroup ? e->cgroup : "");
}

static void container_json(struct writer *w, json_t *line, const struct event *e)
{
	cgroup_json(w, line, e);
	writer_set_text(w, line, "id", e->id ? e->id : "");
	writer_set_text(w, line, "runtime", e->runtime ? e->runtime : "");
	writer_set_text(w, line, "image", e->image ? e->image : "");
	if (e->type == EVENT_CONTAINER_EXIT)
		writer_set(w, line, "lifetime_seconds", writer_real(e->lifetime));
}

static void oom_json(struct writer *w, json_t *line, const struct event *e)
{
	writer_set_oom(w, line, e->oom);
	writer_set(w, line, "memory_limit_bytes",
		   isfinite(e->memory_limit) ? json_integer((json_int_t)e->memory_limit) : json_null());
	writer_set_text(w, line, "memory_limit_of", e->memory_limit_of ? e->memory_limit_of : "");
}

static void denial_json(struct writer *w, json_t *line, const struct event *e)
{
	_cleanup_buf_ struct buf name = {0};

	buf_str(&name, "CAP_");
	capability_name(&name, e->capability);
	writer_set_text(w, line, "capability", name.data ? name.data : "");
	set_integer(w, line, "user_namespace", e->user_namespace);
}

/* An object with the types that lost any. */
static json_t *counts(struct writer *w, const uint64_t *of)
{
	json_t *object = json_object();

	for (int i = 0; i < EVENT_TYPES; i++)
		if (of[i])
			set_integer(w, object, event_type_names[i], of[i]);
	return object;
}

static void lost_json(struct writer *w, json_t *line, const struct event *e)
{
	writer_set(w, line, "ring", counts(w, e->lost_ring));
	writer_set(w, line, "unread", counts(w, e->lost_unread));
}

static void stall_json(struct writer *w, json_t *line, const struct event *e)
{
	writer_set_stall(w, line, e->stall);
}

static void (*const details[EVENT_TYPES])(struct writer *w, json_t *line, const struct event *e) = {
#define FACT(kind, number, type, name, size, check, detail, ...) [EVENT_##type] = detail##_json,
#define EVENT(type, name, detail, ...)				 [EVENT_##type] = detail##_json,
#include "sysscope/abi/facts.def"
#undef FACT
#undef EVENT
};

static json_t *number_or_null(uint32_t v)
{
	return v ? json_integer(v) : json_null();
}

int event_json(struct buf *out, const struct event *e)
{
	struct writer w = {.out = out};
	json_t *line = json_object();
	size_t before = out->len;

	writer_set(&w, line, "time", writer_real(e->time));
	writer_set_text(&w, line, "type", event_type_names[e->type]);
	writer_set_text(&w, line, "container", e->container ? e->container : "");
	writer_set_text(&w, line, "container_cgroup", e->container_cgroup ? e->container_cgroup : "");
	writer_set(&w, line, "pid", number_or_null(e->pid));
	writer_set(&w, line, "tid", number_or_null(e->tid));
	writer_set(&w, line, "start_time", writer_real(e->start_time));
	writer_set_text(&w, line, "comm", e->comm ? e->comm : "");
	writer_set_text(&w, line, "thread", e->thread ? e->thread : "");
	details[e->type](&w, line, e);
	writer_dump(&w, line);
	buf_char(out, '\n');
	return writer_end(&w, before);
}
