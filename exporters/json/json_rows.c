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

/* Labels come from the runtime: an object of texts. Values of other types are left out. */
static json_t *labels_value(struct writer *w, const char *text)
{
	json_t *labels, *clean, *value;
	const char *key;

	labels = *text ? json_loads(text, 0, NULL) : NULL;
	if (!json_is_object(labels)) {
		json_decref(labels);
		return NULL;
	}
	clean = json_object();
	json_object_foreach (labels, key, value) {
		_cleanup_buf_ struct buf name = {0};

		if (!json_is_string(value))
			continue;
		text_utf8(&name, key, strlen(key));
		if (name.failed)
			w->failed = true;
		else
			writer_set(w, clean, name.data ? name.data : "", writer_text(w, json_string_value(value)));
	}
	json_decref(labels);
	return clean;
}

/* Names of a set of namespace kinds. */
static json_t *kinds_value(struct writer *w, uint32_t kinds)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < NAMESPACE_KINDS; i++)
		if (kinds >> i & 1 && json_array_append_new(list, json_string_nocheck(namespace_names[i])))
			w->failed = true;
	return list;
}

/* A name may be that of several; the path of the cgroup is unique. */
static void set_container(struct writer *w, json_t *row, const struct container_row *c)
{
	writer_set_text(w, row, "container", c->name);
	writer_set_text(w, row, "container_cgroup", c->cgroup);
}

static json_t *outside_value(struct writer *w, const struct snapshot *s, const struct container_row *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_outside; i++) {
		const struct process_row *p = &s->processes[c->outside[i].process];
		json_t *row = json_object();

		writer_set(w, row, "pid", json_integer(p->pid));
		writer_set(w, row, "comm", writer_text(w, p->comm));
		set_container(w, row, process_container(s, p));
		writer_set(w, row, "namespaces", kinds_value(w, c->outside[i].kinds));
		writer_append(w, list, row);
	}
	return list;
}

static json_t *transitions_value(struct writer *w, const struct container_row *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_transitions; i++) {
		const struct transition_row *t = &c->transitions[i];
		json_t *row = json_object();

		writer_set_text(w, row, "kind", namespace_names[t->kind]);
		writer_set_text(w, row, "how", t->how);
		writer_set(w, row, "expected", json_boolean(t->expected));
		json_set_metrics(w, row, SCOPE_TRANSITION, t->v);
		writer_append(w, list, row);
	}
	return list;
}

static void set_device(struct writer *w, json_t *row, uint32_t major, uint32_t minor, bool upon_others)
{
	writer_set(w, row, "major", json_integer(major));
	writer_set(w, row, "minor", json_integer(minor));
	writer_set(w, row, "upon_others", json_boolean(upon_others));
}

static json_t *disks_value(struct writer *w, const struct container_row *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_disks; i++) {
		const struct disk_row *d = &c->disks[i];
		json_t *row = json_object();

		writer_set_text(w, row, "device", d->device);
		set_device(w, row, d->major, d->minor, d->upon_others);
		json_set_metrics(w, row, SCOPE_DISK, d->v);
		writer_append(w, list, row);
	}
	return list;
}

static json_t *tcp_value(struct writer *w, const struct container_row *c)
{
	json_t *tcp = json_object();

	json_set_metrics(w, tcp, SCOPE_TCP_SUM, c->tcp);
	return tcp;
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

static void set_capabilities(struct writer *w, json_t *row, const struct snapshot *s, bool known, uint64_t effective,
			     uint64_t permitted, uint64_t bounding)
{
	writer_set(w, row, "capabilities_effective", known ? capabilities_value(w, s, effective) : json_null());
	writer_set(w, row, "capabilities_permitted", known ? capabilities_value(w, s, permitted) : json_null());
	writer_set(w, row, "capabilities_bounding", known ? capabilities_value(w, s, bounding) : json_null());
}

static json_t *instances_value(struct writer *w, const struct container_row *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_instances; i++) {
		const struct instance_row *one = &c->instances[i];
		json_t *row = json_object();

		writer_set_text(w, row, "name", one->name);
		writer_set_text(w, row, "state", one->dead ? "dead" : "running");
		writer_set(w, row, "cpu_seconds_total", writer_real(one->cpu_ns / 1e9));
		writer_set(w, row, "memory_bytes", writer_real(one->memory));
		writer_append(w, list, row);
	}
	return list;
}

static json_t *interfaces_value(struct writer *w, const struct container_row *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_interfaces; i++) {
		const struct interface_row *one = &c->interfaces[i];
		json_t *row = json_object();

		writer_set_text(w, row, "name", one->name);
		writer_set_text(w, row, "host_interface", one->host_interface);
		writer_set_text(w, row, "bridge", one->bridge);
		json_set_metrics(w, row, SCOPE_INTERFACE, one->v);
		writer_append(w, list, row);
	}
	return list;
}

json_t *json_container(struct writer *w, const struct snapshot *s, uint32_t i)
{
	const struct container_row *c = &s->containers[i];
	json_t *row = json_object(), *labels;

	writer_set_text(w, row, "name", c->name);
	writer_set_text(w, row, "id", c->id);
	writer_set_text(w, row, "runtime", c->runtime);
	writer_set_text(w, row, "image", c->image);
	writer_set_text(w, row, "kind", c->kind);
	writer_set_text(w, row, "cgroup", c->cgroup);
	writer_set_text(w, row, "pod", c->pod);
	writer_set_text(w, row, "namespace", c->namespace_);
	writer_set_text(w, row, "parent", c->parent);
	writer_set_text(w, row, "parent_cgroup", c->parent_cgroup);
	writer_set_text(w, row, "state", c->state);
	if (c->init_ended)
		writer_set(w, row, "init_ended", json_true());
	writer_set(w, row, "uid", c->uid >= 0 ? json_integer(c->uid) : json_null());
	if (c->dead)
		writer_set(w, row, "dead_seconds", writer_real(c->dead_seconds));
	if (c->n_instances || c->instances_ended) {
		writer_set(w, row, "instances", instances_value(w, c));
		writer_set(w, row, "instances_ended", json_integer((json_int_t)c->instances_ended));
	}
	labels = labels_value(w, c->labels);
	if (labels)
		writer_set(w, row, "labels", labels);
	writer_set(w, row, "host_namespaces",
		   c->host_namespaces_known ? kinds_value(w, c->host_namespaces) : json_null());
	writer_set(w, row, "outside", outside_value(w, s, c));
	writer_set(w, row, "namespace_transitions", transitions_value(w, c));
	writer_set(w, row, "disks", disks_value(w, c));
	writer_set(w, row, "interfaces", interfaces_value(w, c));
	set_capabilities(w, row, s, container_capabilities_known(c), c->capabilities_effective,
			 c->capabilities_permitted, c->capabilities_bounding);
	json_set_metrics(w, row, SCOPE_CONTAINER, c->v);
	writer_set(w, row, "tcp", tcp_value(w, c));
	writer_set_text(w, row, "cpu_limit_of", c->cpu_limit_of ?: "");
	writer_set_text(w, row, "cpu_limit_kind", !c->cpu_limit_of ? "" : c->cpu_limit_is_cpuset ? "cpuset" : "quota");
	writer_set_text(w, row, "throttled_by", c->throttled_by ?: "");
	writer_set_text(w, row, "memory_limit_of", c->memory_limit_of ?: "");
	writer_set(w, row, "memory_limit_working_set_bytes",
		   c->memory_limit_of ? writer_bytes(c->memory_limit_working_set) : json_null());
	return row;
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
	set_container(w, row, process_container(s, p));
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
	set_capabilities(w, row, s, true, p->capabilities_effective, p->capabilities_permitted,
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

	set_container(w, row, &s->containers[g->container]);
	writer_set(w, row, "comm", writer_text(w, g->comm));
	writer_set_text(w, row, "state", g->dead ? "dead" : "running");
	json_set_metrics(w, row, SCOPE_GROUP, g->v);
	return row;
}

json_t *json_port(struct writer *w, const struct snapshot *s, uint32_t i)
{
	const struct port_row *p = &s->ports[i];
	json_t *row = json_object();

	set_container(w, row, &s->containers[p->container]);
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
	set_device(w, row, d->major, d->minor, d->upon_others);
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
	set_container(w, row, process_container(s, p));
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
	return row;
}
