/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capabilities_json.c - the report of capabilities as JSON. Names pass through text_utf8.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "exporters/capabilities/capabilities.h"
#include "sysscope/view.h"

static json_t *capability_text_json(const char *text)
{
	_cleanup_buf_ struct buf clean = {};

	if (!*text)
		return json_null();
	text_utf8(&clean, text, strlen(text));
	return clean.failed ? NULL : json_stringn_nocheck(clean.data, clean.len);
}

static json_t *capability_name_json(unsigned int number)
{
	_cleanup_buf_ struct buf name = {};

	buf_str(&name, "CAP_");
	capability_name(&name, number);
	return name.failed ? NULL : json_string_nocheck(name.data);
}

static json_t *set_json(uint64_t set)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < CAPABILITY_BITS; i++)
		if (set >> i & 1)
			json_array_append_new(list, capability_name_json(i));
	return list;
}

static json_t *counts_json(const uint64_t *counts)
{
	json_t *object = json_object();

	for (unsigned int i = 0; i < CAPABILITY_BITS; i++) {
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
		json_array_append_new(list, json_pack("{s:o,s:o,s:I}", "capability",
						      capability_name_json(r->denials[i].capability), "comm",
						      capability_text_json(r->denials[i].comm), "count",
						      (json_int_t)r->denials[i].count));
	return list;
}

static json_t *capability_report_json(const struct capability_report *r)
{
	uint64_t used = capability_report_used(r);
	_cleanup_buf_ struct buf docker = {}, kubernetes = {}, systemd = {};

	capability_docker(&docker, used);
	capability_kubernetes(&kubernetes, used, "");
	capability_systemd(&systemd, used);
	if (docker.failed || kubernetes.failed || systemd.failed)
		return NULL;
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:f,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:s,s:s}", "name",
			 capability_text_json(r->name), "id", capability_text_json(r->id), "kind",
			 capability_text_json(r->kind), "runtime", capability_text_json(r->runtime), "cgroup",
			 capability_text_json(r->cgroup), "watched_seconds", r->seconds, "before_seconds",
			 r->before_seconds < 0 ? json_null() : json_real(r->before_seconds), "ended", r->ended,
			 "effective", set_json(r->effective), "permitted", set_json(r->permitted), "bounding",
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
		failed |= json_array_append_new(list, capability_report_json(&w->reports[i])) != 0;
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
