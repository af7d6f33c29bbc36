/* SPDX-License-Identifier: GPL-2.0-or-later */
/* findings_json.c - findings as one JSON object on a line: see findings.h. Texts pass through text_utf8. */
#include <errno.h>

#include "exporters/findings/findings.h"
#include "exporters/json/json_writer.h"

static json_t *process_json(struct writer *w, uint32_t pid, const char *comm)
{
	json_t *o;

	if (!pid && !*comm)
		return json_null();
	o = json_object();
	writer_set(w, o, "pid", pid ? json_integer(pid) : json_null());
	writer_set_text(w, o, "comm", comm);
	return o;
}

static json_t *culprit_json(struct writer *w, const struct finding *f)
{
	json_t *o;

	if (!*f->culprit_container && !*f->culprit_process && !f->culprit_pid)
		return json_null();
	o = json_object();
	writer_set_text(w, o, "container", f->culprit_container);
	writer_set_text(w, o, "container_cgroup", f->culprit_cgroup);
	writer_set(w, o, "process", process_json(w, f->culprit_pid, f->culprit_process));
	return o;
}

static json_t *evidence_json(struct writer *w, const struct finding *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n_evidence; i++) {
		const struct finding_evidence *e = &f->evidence[i];
		json_t *o = json_object();

		writer_set_text(w, o, "text", e->text);
		writer_set_text(w, o, "metric", e->metric);
		writer_set(w, o, "value", writer_real(e->value));
		writer_set_text(w, o, "unit", e->unit);
		writer_append(w, list, o);
	}
	return list;
}

static json_t *lines_json(struct writer *w, const char *const *lines, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		writer_append(w, list, writer_text(w, lines[i]));
	return list;
}

static json_t *explains_json(struct writer *w, const struct finding *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n_explains; i++) {
		json_t *o = json_object();

		writer_set_text(w, o, "rule", f->explains[i].rule);
		writer_set_text(w, o, "container", f->explains[i].container);
		writer_set_text(w, o, "headline", f->explains[i].headline);
		writer_append(w, list, o);
	}
	return list;
}

static json_t *finding_json(struct writer *w, const struct finding *f)
{
	json_t *o = json_object();

	writer_set_text(w, o, "rule", f->rule);
	writer_set_text(w, o, "severity", finding_severity_names[f->severity]);
	writer_set_text(w, o, "container", f->container);
	writer_set_text(w, o, "container_cgroup", f->container_cgroup);
	writer_set(w, o, "process", process_json(w, f->pid, f->comm));
	writer_set(w, o, "culprit", culprit_json(w, f));
	writer_set_text(w, o, "headline", f->headline);
	writer_set(w, o, "evidence", evidence_json(w, f));
	writer_set(w, o, "ruled_out", lines_json(w, f->ruled_out, f->n_ruled_out));
	writer_set(w, o, "advice", lines_json(w, f->advice, f->n_advice));
	writer_set(w, o, "explains", explains_json(w, f));
	writer_set(w, o, "explains_more", json_integer((json_int_t)f->explains_more));
	writer_set_text(w, o, "confidence", finding_confidence_names[f->confidence]);
	writer_set(w, o, "since", writer_real(f->since));
	writer_set(w, o, "until", f->until > 0 ? writer_real(f->until) : json_null());
	return o;
}

static json_t *host_json(struct writer *w, const struct snapshot *s)
{
	json_t *o = json_object();

	writer_set_text(w, o, "hostname", s->hostname ?: "");
	writer_set_text(w, o, "kernel", s->kernel ?: "");
	writer_set(w, o, "cpus", writer_real(s->v[HOST_CPUS]));
	writer_set(w, o, "cpu_cores", writer_real(s->v[HOST_CPU_CORES]));
	writer_set(w, o, "memory_bytes", writer_real(s->v[HOST_MEMORY_TOTAL]));
	writer_set(w, o, "memory_used_bytes", writer_real(s->v[HOST_MEMORY_USED]));
	return o;
}

static json_t *looked_at_json(struct writer *w, const struct findings *f)
{
	json_t *o = json_object();

	writer_set(w, o, "containers", json_integer((json_int_t)f->containers));
	writer_set(w, o, "processes", json_integer((json_int_t)f->processes));
	writer_set(w, o, "loops", json_integer((json_int_t)f->loops));
	writer_set(w, o, "rules", json_integer((json_int_t)f->rules));
	return o;
}

static json_t *unjudged_json(struct writer *w, const struct findings *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n_unjudged; i++) {
		json_t *o = json_object();

		writer_set_text(w, o, "rule", f->unjudged[i].rule);
		writer_set_text(w, o, "reason", f->unjudged[i].reason);
		writer_append(w, list, o);
	}
	return list;
}

static json_t *gaps_json(struct writer *w, const struct findings *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n_gaps; i++) {
		json_t *o = json_object();

		writer_set(w, o, "from", writer_real(f->gaps[i].from));
		writer_set(w, o, "to", writer_real(f->gaps[i].to));
		writer_append(w, list, o);
	}
	return list;
}

static json_t *near_json(struct writer *w, const struct findings *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n_near; i++) {
		json_t *o = json_object();

		writer_set_text(w, o, "rule", f->near[i].rule);
		writer_set_text(w, o, "container", f->near[i].container);
		writer_set_text(w, o, "text", f->near[i].text);
		writer_set(w, o, "threshold_ratio", writer_real(f->near[i].share));
		writer_append(w, list, o);
	}
	return list;
}

int findings_json(struct buf *out, const struct findings *f, const struct snapshot *s)
{
	struct writer w = {.out = out};
	size_t before = out->len;
	json_t *o = json_object(), *list = json_array();

	for (size_t i = 0; i < f->n; i++)
		writer_append(&w, list, finding_json(&w, &f->all[i]));
	writer_set(&w, o, "time", writer_real(f->time));
	writer_set(&w, o, "watched_seconds", writer_real(f->watched_seconds));
	writer_set(&w, o, "recorded_from", f->from > 0 ? writer_real(f->from) : json_null());
	writer_set(&w, o, "restarts", json_integer((json_int_t)f->cuts));
	writer_set(&w, o, "gaps", gaps_json(&w, f));
	writer_set(&w, o, "host", host_json(&w, s));
	writer_set(&w, o, "looked_at", looked_at_json(&w, f));
	writer_set(&w, o, "findings", list);
	writer_set(&w, o, "could_not_judge", unjudged_json(&w, f));
	writer_set(&w, o, "closest", near_json(&w, f));
	writer_dump(&w, o);
	buf_char(out, '\n');
	return writer_end(&w, before);
}
