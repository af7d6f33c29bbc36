/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json_rows.c - see json_rows.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "base/util.h"
#include "exporters/json/json_rows.h"

static json_t *metric_value(const struct metric_desc *d, double v)
{
	/* Whole counts are written as integers. */
	if ((d->unit == UNIT_COUNT || d->unit == UNIT_BYTES) && v == floor(v) && fabs(v) < 9.2e18)
		return json_integer((json_int_t)v);
	return writer_real(metric_base_value(d, v));
}

void json_set_metrics(struct writer *w, json_t *object, enum metric_scope scope, const double *v)
{
	const struct metric_desc *lines;
	size_t n;

	lines = metric_table(scope, &n);
	for (size_t i = 0; i < n; i++) {
		const char *key = lines[i].json, *dot;
		json_t *into = object;
		char outer[64];

		if (!key)
			continue;
		dot = strchr(key, '.');
		if (dot) {
			snprintf(outer, sizeof(outer), "%.*s", (int)(dot - key), key);
			into = json_object_get(object, outer);
			if (!into) {
				into = json_object();
				writer_set(w, object, outer, into);
			}
			key = dot + 1;
		}
		writer_set(w, into, key, metric_value(&lines[i], v[i]));
	}
}

/* ---- rows ---- */

void json_set_container(struct writer *w, json_t *row, const struct container_row *c)
{
	writer_set_text(w, row, "container", c->name);
	writer_set_text(w, row, "container_cgroup", c->cgroup);
}

void json_set_device(struct writer *w, json_t *row, uint32_t major, uint32_t minor, bool upon_others, bool flash)
{
	writer_set(w, row, "major", json_integer(major));
	writer_set(w, row, "minor", json_integer(minor));
	writer_set(w, row, "upon_others", json_boolean(upon_others));
	writer_set(w, row, "flash", json_boolean(flash));
}

/* "CAP_CHOWN", ...; "ALL" if the set has all that the kernel knows. */
static json_t *capabilities_value(struct writer *w, const struct snapshot *s, uint64_t set)
{
	json_t *list = json_array();

	if (s->capabilities_all && set == s->capabilities_all) {
		if (json_array_append_new(list, json_string_nocheck("ALL")))
			w->failed = true;
		return list;
	}
	for (unsigned int i = 0; i < 64; i++) {
		if (!(set >> i & 1))
			continue;
		buf_reset(&w->text);
		buf_str(&w->text, "CAP_");
		capability_name(&w->text, i);
		if (w->text.failed || json_array_append_new(list, json_string_nocheck(w->text.data)))
			w->failed = true;
	}
	return list;
}

void json_set_capabilities(struct writer *w, json_t *row, const struct snapshot *s, bool known, uint64_t effective,
			   uint64_t permitted, uint64_t bounding)
{
	writer_set(w, row, "capabilities_effective", known ? capabilities_value(w, s, effective) : json_null());
	writer_set(w, row, "capabilities_permitted", known ? capabilities_value(w, s, permitted) : json_null());
	writer_set(w, row, "capabilities_bounding", known ? capabilities_value(w, s, bounding) : json_null());
}

static json_t *lines_value(struct writer *w, const struct concurrency_lines *lines)
{
	json_t *list = json_array();

	for (size_t i = 0; i < lines->n; i++)
		writer_append(w, list, writer_text(w, lines->line[i]));
	return list;
}

json_t *json_process(struct writer *w, const struct snapshot *s, uint32_t i)
{
	const struct process_row *p = &s->processes[i];
	json_t *row = json_object(), *namespaces = json_object();
	struct concurrency_lines lines;
	char text[24];

	writer_set(w, row, "pid", json_integer(p->pid));
	writer_set(w, row, "ppid", json_integer(p->ppid));
	writer_set(w, row, "uid", json_integer(p->uid));
	/* An empty name of a process is a known name. */
	writer_set(w, row, "comm", writer_text(w, p->comm));
	writer_set(w, row, "main_thread", writer_text(w, p->thread));
	json_set_container(w, row, process_container(s, p));
	writer_set(w, row, "start_time", writer_real(p->start_time));
	snprintf(text, sizeof(text), "%c", p->state);
	writer_set_text(w, row, "state", text);
	writer_set(w, row, "kernel", json_boolean(p->kernel));
	if (p->runs_machine)
		writer_set_text(w, row, "guest", p->guest ?: "");
	writer_set(w, row, "namespace_pid", p->namespace_pid ? json_integer(p->namespace_pid) : json_null());
	for (size_t kind = 0; kind < ARRAY_SIZE(p->namespaces); kind++)
		if (p->namespaces[kind])
			writer_set(w, namespaces, namespace_names[kind], json_integer(p->namespaces[kind]));
	writer_set(w, row, "namespaces", namespaces);
	snprintf(text, sizeof(text), "0x%016" PRIx64, p->capabilities_effective);
	writer_set(w, row, "capabilities", json_string_nocheck(text));
	json_set_capabilities(w, row, s, true, p->capabilities_effective, p->capabilities_permitted,
			      p->capabilities_bounding);
	writer_set_text(w, row, "model", p->model ?: "");
	concurrency_reasons(p, &lines);
	writer_set(w, row, "model_reasons", lines_value(w, &lines));
	concurrency_health(p, &lines);
	writer_set(w, row, "model_health", lines_value(w, &lines));
	json_set_metrics(w, row, SCOPE_PROCESS, p->v);
	return row;
}

json_t *json_group(struct writer *w, const struct snapshot *s, uint32_t i)
{
	const struct group_row *g = &s->groups[i];
	json_t *row = json_object();

	json_set_container(w, row, &s->containers[g->container]);
	writer_set(w, row, "comm", writer_text(w, g->comm));
	writer_set_text(w, row, "state", g->dead ? "dead" : "running");
	json_set_metrics(w, row, SCOPE_GROUP, g->v);
	return row;
}

json_t *json_port(struct writer *w, const struct snapshot *s, uint32_t i)
{
	const struct port_row *p = &s->ports[i];
	json_t *row = json_object();

	json_set_container(w, row, &s->containers[p->container]);
	writer_set_text(w, row, "direction", p->direction);
	writer_set(w, row, "port", p->port ? json_integer(p->port) : writer_text(w, "~other"));
	writer_set(w, row, "listener_pid", p->listener ? json_integer(p->listener) : json_null());
	json_set_metrics(w, row, SCOPE_PORT, p->v);
	return row;
}

json_t *json_neighbour(struct writer *w, const struct snapshot *s, uint32_t i)
{
	const struct neighbour_row *n = &s->neighbours[i];
	json_t *row = json_object();

	writer_set_text(w, row, "waiter", s->containers[n->waiter].name);
	writer_set_text(w, row, "waiter_cgroup", s->containers[n->waiter].cgroup);
	writer_set_text(w, row, "runner", neighbour_runner(s, n));
	writer_set_text(w, row, "runner_cgroup", n->runner == NEIGHBOUR_OTHERS ? "" : s->containers[n->runner].cgroup);
	json_set_metrics(w, row, SCOPE_NEIGHBOUR, n->v);
	return row;
}

json_t *json_disk_neighbour(struct writer *w, const struct snapshot *s, uint32_t i)
{
	const struct disk_neighbour_row *n = &s->disk_neighbours[i];
	json_t *row = json_object();

	writer_set_text(w, row, "waiter", s->containers[n->waiter].name);
	writer_set_text(w, row, "waiter_cgroup", s->containers[n->waiter].cgroup);
	writer_set_text(w, row, "filler", disk_neighbour_filler(s, n));
	writer_set_text(w, row, "filler_cgroup", n->filler == NEIGHBOUR_OTHERS ? "" : s->containers[n->filler].cgroup);
	writer_set_text(w, row, "device", n->device);
	json_set_metrics(w, row, SCOPE_DISK_NEIGHBOUR, n->v);
	return row;
}

json_t *json_device(struct writer *w, const struct snapshot *s, uint32_t i)
{
	const struct device_row *d = &s->devices[i];
	json_t *row = json_object();

	writer_set_text(w, row, "device", d->name);
	json_set_device(w, row, d->major, d->minor, d->upon_others, d->flash);
	json_set_metrics(w, row, SCOPE_DEVICE, d->v);
	return row;
}

static json_t *stall_value(struct writer *w, const struct stall *s)
{
	json_t *row;

	if (!(s->time > 0))
		return json_null();
	row = json_object();
	writer_set(w, row, "time", writer_real(s->time));
	writer_set_stall(w, row, s);
	return row;
}

json_t *json_loop(struct writer *w, const struct snapshot *s, uint32_t i)
{
	const struct loop_row *l = &s->loops[i];
	const struct process_row *p = &s->processes[l->process];
	json_t *row = json_object();

	writer_set(w, row, "pid", json_integer(p->pid));
	writer_set(w, row, "tid", json_integer(l->tid));
	writer_set(w, row, "comm", writer_text(w, p->comm));
	writer_set_text(w, row, "thread", l->thread);
	json_set_container(w, row, process_container(s, p));
	writer_set_text(w, row, "kind", l->scheduler ? "scheduler" : "loop");
	writer_set(w, row, "threads", json_integer(l->threads));
	json_set_metrics(w, row, SCOPE_LOOP, l->v);
	writer_set(w, row, "last_stall", stall_value(w, &l->last_stall));
	return row;
}

json_t *json_oom_kill(struct writer *w, const struct snapshot *s, uint32_t i)
{
	const struct oom_row *kill = &s->oom_kills[i];
	json_t *row = json_object();

	writer_set(w, row, "time", writer_real(kill->time));
	writer_set_text(w, row, "container", kill->container_name);
	writer_set_text(w, row, "container_cgroup", kill->container_cgroup);
	writer_set(w, row, "pid", json_integer(kill->pid));
	writer_set(w, row, "tid", json_integer(kill->tid));
	writer_set(w, row, "start_time", writer_real(kill->start_time));
	writer_set_text(w, row, "comm", kill->comm);
	writer_set_text(w, row, "thread", kill->thread);
	writer_set_oom(w, row, kill);
	return row;
}

static json_t *exit_or_null(double v)
{
	return value_absent(v) ? json_null() : json_integer((json_int_t)v);
}

json_t *json_birth(struct writer *w, const struct snapshot *s, uint32_t i)
{
	const struct start_row *b = &s->births[i];
	json_t *row = json_object(), *phases = json_array(), *phase;

	writer_set_text(w, row, "container", b->container);
	writer_set_text(w, row, "container_cgroup", b->cgroup);
	writer_set_text(w, row, "id", b->id);
	writer_set_text(w, row, "state", b->state);
	writer_set(w, row, "time", writer_real(b->time));
	for (int k = 0; k < BIRTH_PHASES; k++) {
		phase = json_object();
		writer_set_text(w, phase, "phase", start_phase_names[k]);
		writer_set(w, phase, "seconds", writer_real(b->seconds[k]));
		writer_set(w, phase, "cpu_seconds", writer_real(b->cpu_seconds[k]));
		writer_append(w, phases, phase);
	}
	writer_set(w, row, "phases", phases);
	writer_set(w, row, "total_seconds", writer_real(b->total_seconds));
	writer_set(w, row, "total_cpu_seconds", writer_real(b->total_cpu_seconds));
	writer_set_text(w, row, "ready_by", b->ready_by);
	writer_set(w, row, "exit_status", exit_or_null(b->exit_status));
	writer_set(w, row, "exit_signal", exit_or_null(b->exit_signal));
	writer_set_text(w, row, "exit_comm", b->exit_comm);
	return row;
}
