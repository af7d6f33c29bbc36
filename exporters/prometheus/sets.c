/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sets.c - labels, and the rows of containers, groups, neighbours, transitions and ports as series; disks.c and interfaces.c do the
 * same for theirs. Called by prometheus.c; every value from outside goes through text_label.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "exporters/prometheus/prometheus_internal.h"

/* ---- labels ---- */
void label_add(struct buf *out, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	if (out->len)
		buf_char(out, ',');
	buf_str(out, name);
	buf_str(out, "=\"");
	text_label(out, value, strlen(value));
	buf_char(out, '"');
}

void labels_pod(struct buf *out, const struct container_row *c)
{
	if (!*c->pod)
		return;
	label_add(out, "pod", c->pod);
	label_add(out, "namespace", c->namespace_);
}

/*
 * Names are what people gave and are not unique: a replaced container and its successor, or a service of the system and of a
 * user, share one. `id`, the path of the cgroup as in cAdvisor's families, is unique and stands beside every name, so that each
 * series belongs to one home, and a join on it with sysscope_container_info has one match.
 */
static void labels_home(struct buf *out, const struct container_row *c)
{
	label_add(out, "container", c->name);
	label_add(out, "id", c->cgroup);
}

void labels_container(struct buf *out, enum label_form form, const struct container_row *c)
{
	bool container = strcmp(c->kind, "container") == 0;

	buf_reset(out);
	if (form == FORM_CADVISOR) {
		label_add(out, "id", c->cgroup);
		label_add(out, "name", container ? c->name : "");
		label_add(out, "image", c->image);
		label_add(out, "container", container && *c->pod ? c->name : "");
		labels_pod(out, c);
		return;
	}
	labels_home(out, c);
	if (form == FORM_INFO) {
		label_add(out, "container_id", c->id);
		label_add(out, "image", c->image);
		label_add(out, "runtime", c->runtime);
		label_add(out, "kind", c->kind);
	}
	labels_pod(out, c);
}

/* ---- rows into sets ---- */
int sets_add_containers(struct prometheus *p, const struct snapshot *s, unsigned int max_series)
{
	static const double info_value = 1;

	for (int form = FORM_CADVISOR; form <= FORM_INFO; form++) {
		int r = series_set_begin(p->sets[form], max_series);

		for (size_t i = 0; i < s->n_containers && !r; i++) {
			const struct container_row *c = &s->containers[i];

			/* In cAdvisor's families "/" is the whole machine: no row for what is in no container. */
			if (form == FORM_CADVISOR && (strcmp(c->kind, "host") == 0 || strcmp(c->kind, "kernel") == 0))
				continue;
			labels_container(&p->labels, form, c);
			if (p->labels.failed)
				return -ENOMEM;
			r = series_set_add(p->sets[form], p->labels.data ? p->labels.data : "", p->labels.len,
					   c->cgroup, c->v[CONTAINER_CPU_USAGE],
					   form == FORM_INFO ? &info_value : c->v);
		}
		if (!r)
			r = series_set_end(p->sets[form]);
		if (r)
			return r;
	}
	return 0;
}

int sets_add_groups(struct prometheus *p, const struct snapshot *s, unsigned int max_series)
{
	int r = series_set_begin(p->sets[FORM_GROUP], max_series);

	for (size_t i = 0; i < s->n_groups && !r; i++) {
		const struct group_row *g = &s->groups[i];
		const struct container_row *c = &s->containers[g->container];

		buf_reset(&p->labels);
		labels_home(&p->labels, c);
		label_add(&p->labels, "comm", g->comm);
		labels_pod(&p->labels, c);
		/* Raw: two names that are equal after sanitising are still two rows. */
		buf_reset(&p->key);
		buf_str(&p->key, c->cgroup);
		buf_char(&p->key, '\n');
		buf_str(&p->key, g->comm);
		if (p->labels.failed || p->key.failed)
			return -ENOMEM;
		r = series_set_add(p->sets[FORM_GROUP], p->labels.data, p->labels.len, p->key.data,
				   g->v[GROUP_CPU_USAGE], g->v);
	}
	return r ? r : series_set_end(p->sets[FORM_GROUP]);
}

int sets_add_neighbours(struct prometheus *p, const struct snapshot *s, unsigned int max_series)
{
	int r = series_set_begin(p->sets[FORM_NEIGHBOUR], max_series);

	for (size_t i = 0; i < s->n_neighbours && !r; i++) {
		const struct neighbour_row *n = &s->neighbours[i];
		const char *runner = neighbour_runner(s, n);

		buf_reset(&p->labels);
		label_add(&p->labels, "waiter", s->containers[n->waiter].name);
		label_add(&p->labels, "waiter_id", s->containers[n->waiter].cgroup);
		label_add(&p->labels, "runner", runner);
		label_add(&p->labels, "runner_id",
			  n->runner == NEIGHBOUR_OTHERS ? runner : s->containers[n->runner].cgroup);
		buf_reset(&p->key);
		buf_str(&p->key, s->containers[n->waiter].cgroup);
		buf_char(&p->key, '\n');
		buf_str(&p->key, n->runner == NEIGHBOUR_OTHERS ? runner : s->containers[n->runner].cgroup);
		if (p->labels.failed || p->key.failed)
			return -ENOMEM;
		r = series_set_add(p->sets[FORM_NEIGHBOUR], p->labels.data, p->labels.len, p->key.data,
				   n->v[NEIGHBOUR_WAIT], n->v);
	}
	return r ? r : series_set_end(p->sets[FORM_NEIGHBOUR]);
}

int sets_add_transitions(struct prometheus *p, const struct snapshot *s, unsigned int max_series)
{
	int r = series_set_begin(p->sets[FORM_TRANSITION], max_series);

	for (size_t i = 0; i < s->n_transitions && !r; i++) {
		const struct transition_row *t = &s->transitions[i];
		const struct container_row *c = &s->containers[t->container];

		buf_reset(&p->labels);
		labels_home(&p->labels, c);
		label_add(&p->labels, "kind", namespace_names[t->kind]);
		label_add(&p->labels, "how", t->how);
		label_add(&p->labels, "expected", t->expected ? "true" : "false");
		labels_pod(&p->labels, c);
		if (p->labels.failed)
			return -ENOMEM;
		r = series_set_add(p->sets[FORM_TRANSITION], p->labels.data, p->labels.len, c->cgroup,
				   t->v[TRANSITION_COUNT], t->v);
	}
	return r ? r : series_set_end(p->sets[FORM_TRANSITION]);
}

int sets_add_ports(struct prometheus *p, const struct snapshot *s, unsigned int max_series)
{
	int r = series_set_begin(p->sets[FORM_PORT], max_series);

	for (size_t i = 0; i < s->n_ports && !r; i++) {
		const struct port_row *row = &s->ports[i];
		const struct container_row *c = &s->containers[row->container];
		double rank = value_absent(row->v[PORT_ACCEPTS]) ? row->v[PORT_CONNECTS] : row->v[PORT_ACCEPTS];
		char port[8] = "~other";

		if (row->port)
			snprintf(port, sizeof(port), "%u", row->port);
		buf_reset(&p->labels);
		labels_home(&p->labels, c);
		label_add(&p->labels, "direction", row->direction);
		label_add(&p->labels, "port", port);
		labels_pod(&p->labels, c);
		if (p->labels.failed)
			return -ENOMEM;
		r = series_set_add(p->sets[FORM_PORT], p->labels.data, p->labels.len, c->cgroup, rank, row->v);
	}
	return r ? r : series_set_end(p->sets[FORM_PORT]);
}
