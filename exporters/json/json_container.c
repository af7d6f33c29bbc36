/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json_container.c - a container as a JSON object: see json_rows.h. */
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "base/util.h"
#include "exporters/json/json_rows.h"

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

static json_t *outside_value(struct writer *w, const struct snapshot *s, const struct container_row *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_outside; i++) {
		const struct process_row *p = &s->processes[c->outside[i].process];
		json_t *row = json_object();

		writer_set(w, row, "pid", json_integer(p->pid));
		writer_set(w, row, "comm", writer_text(w, p->comm));
		json_set_container(w, row, process_container(s, p));
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

static json_t *disks_value(struct writer *w, const struct container_row *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_disks; i++) {
		const struct disk_row *d = &c->disks[i];
		json_t *row = json_object();

		writer_set_text(w, row, "device", d->device);
		json_set_device(w, row, d->major, d->minor, d->upon_others, d->flash);
		writer_set(w, row, "limit_of", d->limit_of ? writer_text(w, d->limit_of) : json_null());
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

static json_t *threads_or_null(const struct container_row *c, double n)
{
	return c->threads_limit_above_of ? json_integer((json_int_t)n) : json_null();
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
	json_set_capabilities(w, row, s, container_capabilities_known(c), c->capabilities_effective,
			      c->capabilities_permitted, c->capabilities_bounding);
	json_set_metrics(w, row, SCOPE_CONTAINER, c->v);
	writer_set(w, row, "tcp", tcp_value(w, c));
	writer_set_text(w, row, "cpu_limit_of", c->cpu_limit_of ?: "");
	writer_set_text(w, row, "cpu_limit_kind", !c->cpu_limit_of ? "" : c->cpu_limit_is_cpuset ? "cpuset" : "quota");
	writer_set_text(w, row, "throttled_by", c->throttled_by ?: "");
	writer_set_text(w, row, "cpu_quota_above_of", c->quota_above_of ?: "");
	writer_set(w, row, "cpu_quota_above_cores", c->quota_above_of ? writer_real(c->quota_above) : json_null());
	writer_set_text(w, row, "threads_limit_above_of", c->threads_limit_above_of ?: "");
	writer_set(w, row, "threads_limit_above", threads_or_null(c, c->threads_limit_above));
	writer_set(w, row, "threads_above", threads_or_null(c, c->threads_above));
	writer_set_text(w, row, "memory_limit_of", c->memory_limit_of ?: "");
	writer_set(w, row, "memory_limit_working_set_bytes",
		   c->memory_limit_of ? writer_bytes(c->memory_limit_working_set) : json_null());
	return row;
}
