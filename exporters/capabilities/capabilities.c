/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capabilities.c - see capabilities.h. Names pass through the sanitisers.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "exporters/capabilities/capabilities.h"
#include "sysscope/view.h"

#define SET_BITS 64

uint64_t capability_report_used(const struct capability_report *r)
{
	uint64_t used = 0;

	for (unsigned int i = 0; i < SET_BITS; i++)
		if (r->used[i])
			used |= 1ULL << i;
	return used;
}

static void add_names(struct buf *out, uint64_t set, const char *before, const char *between, const char *after)
{
	bool first = true;

	for (unsigned int i = 0; i < SET_BITS; i++) {
		if (!(set >> i & 1))
			continue;
		if (!first)
			buf_str(out, between);
		first = false;
		buf_str(out, before);
		capability_name(out, i);
		buf_str(out, after);
	}
}

void capability_docker(struct buf *out, uint64_t needed)
{
	buf_str(out, "--cap-drop ALL");
	add_names(out, needed, " --cap-add ", "", "");
}

void capability_kubernetes(struct buf *out, uint64_t needed, const char *indent)
{
	buf_printf(out, "securityContext:\n%s  capabilities:\n%s    drop: [\"ALL\"]", indent, indent);
	if (!needed)
		return;
	buf_printf(out, "\n%s    add: [", indent);
	add_names(out, needed, "\"", ", ", "\"");
	buf_char(out, ']');
}

void capability_systemd(struct buf *out, uint64_t needed)
{
	buf_str(out, "CapabilityBoundingSet=");
	add_names(out, needed, "CAP_", " ", "");
}

/* ---- text ---- */

static void add_duration(struct buf *out, double seconds)
{
	if (seconds < 120)
		buf_printf(out, "%.0f s", seconds);
	else if (seconds < 7200)
		buf_printf(out, "%.0f min", seconds / 60);
	else if (seconds < 172800)
		buf_printf(out, "%.0f h", seconds / 3600);
	else
		buf_printf(out, "%.0f days", seconds / 86400);
}

static void add_set(struct buf *out, const struct capability_watch *w, uint64_t set)
{
	if (!set)
		buf_str(out, "none");
	else if (w->all && set == w->all)
		buf_str(out, "all");
	else
		add_names(out, set, "", " ", "");
	buf_char(out, '\n');
}

static void add_counts(struct buf *out, const char *title, const uint64_t *counts)
{
	bool first = true;

	for (unsigned int i = 0; i < SET_BITS; i++) {
		if (!counts[i])
			continue;
		buf_str(out, first ? title : ", ");
		first = false;
		capability_name(out, i);
		buf_printf(out, " %lu", counts[i]);
	}
	if (!first)
		buf_char(out, '\n');
}

static void add_watched(struct buf *out, const struct capability_report *r)
{
	buf_str(out, "  watched      ");
	add_duration(out, r->seconds);
	if (r->before_seconds == 0) {
		buf_str(out, ", from its start");
	} else if (r->before_seconds > 0) {
		buf_str(out, "; it ran ");
		add_duration(out, r->before_seconds);
		buf_str(out, " before that: what it used then is not seen");
	} else {
		buf_str(out, "; what it used before that is not seen");
	}
	buf_str(out, r->ended ? "; it has ended\n" : "\n");
}

static void report_text(struct buf *out, const struct capability_watch *w, const struct capability_report *r)
{
	uint64_t used = capability_report_used(r);

	text_terminal(out, r->name, strlen(r->name));
	buf_printf(out, "  %s\n", *r->runtime ? r->runtime : r->kind);
	add_watched(out, r);
	buf_str(out, "  granted      ");
	add_set(out, w, r->effective | r->permitted);
	buf_str(out, "  bounding     ");
	add_set(out, w, r->bounding);
	if (used)
		add_counts(out, "  used         ", r->used);
	else
		buf_str(out, "  used         none\n");
	buf_str(out, "  not used     ");
	add_set(out, w, (r->effective | r->permitted) & ~used);
	add_counts(out, "  by runtime   ", r->runtime_used);
	add_counts(out, "  in user namespaces of its own: ", r->elsewhere_used);
	for (size_t i = 0; i < r->n_denials; i++) {
		const struct denial *d = &r->denials[i];

		buf_str(out, "  denied       ");
		capability_name(out, d->capability);
		buf_printf(out, " %lu, by ", d->count);
		text_terminal(out, d->comm, strlen(d->comm));
		buf_char(out, '\n');
	}
	if (r->denials_cut)
		buf_str(out, "  denied       and more\n");
	buf_str(out, "  docker       ");
	capability_docker(out, used);
	buf_str(out, "\n  kubernetes   ");
	capability_kubernetes(out, used, "               ");
	buf_str(out, "\n  systemd      ");
	capability_systemd(out, used);
	buf_str(out, "\n\n");
}

void capabilities_write_text(struct buf *out, const struct capability_watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		report_text(out, w, &w->reports[i]);
	buf_str(out, "Watched for ");
	add_duration(out, w->seconds);
	buf_printf(out,
		   " (%s). What is done rarely, at the start or at the end, may not have been done in that time.\n",
		   w->hook);
	if (*w->lacks)
		buf_printf(out, "This kernel's hook: %s.\n", w->lacks);
	if (w->lost)
		buf_printf(out, "LOST: %lu checks found no room in the table.\n", w->lost);
}

/* ---- JSON ---- */

static json_t *text_json(const char *text)
{
	_cleanup_buf_ struct buf clean = {};

	if (!*text)
		return json_null();
	text_utf8(&clean, text, strlen(text));
	return clean.failed ? NULL : json_stringn_nocheck(clean.data, clean.len);
}

static json_t *name_json(unsigned int number)
{
	_cleanup_buf_ struct buf name = {};

	buf_str(&name, "CAP_");
	capability_name(&name, number);
	return name.failed ? NULL : json_string_nocheck(name.data);
}

static json_t *set_json(uint64_t set)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < SET_BITS; i++)
		if (set >> i & 1)
			json_array_append_new(list, name_json(i));
	return list;
}

static json_t *counts_json(const uint64_t *counts)
{
	json_t *object = json_object();

	for (unsigned int i = 0; i < SET_BITS; i++) {
		_cleanup_buf_ struct buf name = {};

		if (!counts[i])
			continue;
		buf_str(&name, "CAP_");
		capability_name(&name, i);
		if (!name.failed)
			json_object_set_new_nocheck(object, name.data, json_integer((json_int_t)counts[i]));
	}
	return object;
}

static json_t *denials_json(const struct capability_report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_denials; i++)
		json_array_append_new(
			list, json_pack("{s:o,s:o,s:I}", "capability", name_json(r->denials[i].capability), "comm",
					text_json(r->denials[i].comm), "count", (json_int_t)r->denials[i].count));
	return list;
}

static json_t *report_json(const struct capability_report *r)
{
	uint64_t used = capability_report_used(r);
	_cleanup_buf_ struct buf docker = {}, kubernetes = {}, systemd = {};

	capability_docker(&docker, used);
	capability_kubernetes(&kubernetes, used, "");
	capability_systemd(&systemd, used);
	if (docker.failed || kubernetes.failed || systemd.failed)
		return NULL;
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:f,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:s,s:s}", "name",
			 text_json(r->name), "id", text_json(r->id), "kind", text_json(r->kind), "runtime",
			 text_json(r->runtime), "cgroup", text_json(r->cgroup), "watched_seconds", r->seconds,
			 "before_seconds", r->before_seconds < 0 ? json_null() : json_real(r->before_seconds), "ended",
			 r->ended, "effective", set_json(r->effective), "permitted", set_json(r->permitted), "bounding",
			 set_json(r->bounding), "used", counts_json(r->used), "used_by_runtime",
			 counts_json(r->runtime_used), "used_in_own_user_namespaces", counts_json(r->elsewhere_used),
			 "unused", set_json((r->effective | r->permitted) & ~used), "denied", denials_json(r), "docker",
			 docker.data, "kubernetes", kubernetes.data, "systemd", systemd.data);
}

int capabilities_write_json(struct buf *out, const struct capability_watch *w)
{
	json_t *list = json_array(), *root;
	char *text = NULL;
	bool failed = false;

	for (size_t i = 0; i < w->n; i++)
		failed |= json_array_append_new(list, report_json(&w->reports[i])) != 0;
	root = json_pack("{s:f,s:s,s:s,s:I,s:o}", "seconds", w->seconds, "hook", w->hook, "lacks", w->lacks, "lost",
			 (json_int_t)w->lost, "containers", list);
	if (root && !failed)
		text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(root);
	if (!text)
		return -ENOMEM;
	buf_str(out, text);
	buf_char(out, '\n');
	free(text);
	return out->failed ? -ENOMEM : 0;
}
