/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sets.c - the rows of containers, groups, neighbours, transitions, ports and interfaces as series; disks.c does the
 * same for its rows. Called by prometheus.c; labels are made in labels.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "exporters/prometheus/prometheus_internal.h"

/* ---- rows into sets ---- */
/*
 * A row whose labels would be made from the same texts as in an earlier scrape is added by the hash of these, which is cheaper
 * than to sanitise them again. So a hash has all of them in it, those of the key, too.
 */
int sets_begin(struct prometheus *p, const struct snapshot *s)
{
	if (s->n_containers > p->homes_room) {
		uint64_t *homes = realloc(p->homes, s->n_containers * sizeof(*homes));

		if (!homes)
			return -ENOMEM;
		p->homes = homes;
		p->homes_room = s->n_containers;
	}
	for (size_t i = 0; i < s->n_containers; i++) {
		const struct container_row *c = &s->containers[i];
		const char *const texts[] = {c->cgroup,	 c->name, c->id,  c->image,
					     c->runtime, c->kind, c->pod, c->namespace_};

		p->homes[i] = p->seed.begin;
		for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
			p->homes[i] = row_text(p, p->homes[i], texts[k]);
		if (p->n_chosen)
			p->homes[i] = row_text(p, p->homes[i], c->labels);
	}
	return 0;
}

int sets_add_containers(struct prometheus *p, const struct snapshot *s, unsigned int max_series)
{
	static const double info_value = 1;

	for (int form = FORM_CADVISOR; form <= FORM_INFO; form++) {
		int r = series_set_begin(p->sets[form], max_series);

		for (size_t i = 0; i < s->n_containers && !r; i++) {
			const struct container_row *c = &s->containers[i];
			double rank = home_rank(s, (uint32_t)i, c->v[CONTAINER_CPU_USAGE]);
			const double *v;

			/* In cAdvisor's families "/" is the whole machine: no row for what is in no container. */
			if (form == FORM_CADVISOR && (strcmp(c->kind, "host") == 0 || strcmp(c->kind, "kernel") == 0))
				continue;
			v = form == FORM_INFO ? &info_value : c->v;
			if (series_set_again(p->sets[form], p->homes[i], rank, v))
				continue;
			labels_container(p, form, c);
			if (p->labels.failed)
				return -ENOMEM;
			r = series_set_add(p->sets[form], p->homes[i], p->labels.data ? p->labels.data : "",
					   p->labels.len, c->cgroup, rank, v);
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
		double rank = home_rank(s, g->container, g->v[GROUP_CPU_USAGE]);
		uint64_t row = row_text(p, p->homes[g->container], g->comm);

		if (series_set_again(p->sets[FORM_GROUP], row, rank, g->v))
			continue;
		buf_reset(&p->labels);
		labels_home(p, c);
		label_add(&p->labels, "comm", g->comm);
		labels_pod(p, c);
		/* Raw: two names that are equal after sanitising are still two rows. */
		buf_reset(&p->key);
		buf_str(&p->key, c->cgroup);
		buf_char(&p->key, '\n');
		buf_str(&p->key, g->comm);
		if (p->labels.failed || p->key.failed)
			return -ENOMEM;
		r = series_set_add(p->sets[FORM_GROUP], row, p->labels.data, p->labels.len, p->key.data, rank, g->v);
	}
	return r ? r : series_set_end(p->sets[FORM_GROUP]);
}

int sets_add_neighbours(struct prometheus *p, const struct snapshot *s, unsigned int max_series)
{
	int r = series_set_begin(p->sets[FORM_NEIGHBOUR], max_series);

	for (size_t i = 0; i < s->n_neighbours && !r; i++) {
		const struct neighbour_row *n = &s->neighbours[i];
		const char *runner = neighbour_runner(s, n);
		const char *runner_id = n->runner == NEIGHBOUR_OTHERS ? runner : s->containers[n->runner].cgroup;
		double rank = home_rank(s, n->waiter, n->v[NEIGHBOUR_WAIT]);
		uint64_t row = row_text(p, row_text(p, p->homes[n->waiter], runner), runner_id);

		if (series_set_again(p->sets[FORM_NEIGHBOUR], row, rank, n->v))
			continue;
		buf_reset(&p->labels);
		label_add(&p->labels, "waiter", s->containers[n->waiter].name);
		label_add(&p->labels, "waiter_id", s->containers[n->waiter].cgroup);
		label_add(&p->labels, "runner", runner);
		label_add(&p->labels, "runner_id", runner_id);
		buf_reset(&p->key);
		buf_str(&p->key, s->containers[n->waiter].cgroup);
		buf_char(&p->key, '\n');
		buf_str(&p->key, runner_id);
		if (p->labels.failed || p->key.failed)
			return -ENOMEM;
		r = series_set_add(p->sets[FORM_NEIGHBOUR], row, p->labels.data, p->labels.len, p->key.data, rank,
				   n->v);
	}
	return r ? r : series_set_end(p->sets[FORM_NEIGHBOUR]);
}

int sets_add_transitions(struct prometheus *p, const struct snapshot *s, unsigned int max_series)
{
	int r = series_set_begin(p->sets[FORM_TRANSITION], max_series);

	for (size_t i = 0; i < s->n_transitions && !r; i++) {
		const struct transition_row *t = &s->transitions[i];
		const struct container_row *c = &s->containers[t->container];
		double rank = home_rank(s, t->container, t->v[TRANSITION_COUNT]);
		uint64_t row = row_text(p, row_number(p, p->homes[t->container], t->kind * 2U + t->expected), t->how);

		if (series_set_again(p->sets[FORM_TRANSITION], row, rank, t->v))
			continue;
		buf_reset(&p->labels);
		labels_home(p, c);
		label_add(&p->labels, "kind", namespace_names[t->kind]);
		label_add(&p->labels, "how", t->how);
		label_add(&p->labels, "expected", t->expected ? "true" : "false");
		labels_pod(p, c);
		if (p->labels.failed)
			return -ENOMEM;
		r = series_set_add(p->sets[FORM_TRANSITION], row, p->labels.data, p->labels.len, c->cgroup, rank, t->v);
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
		uint64_t hash = row_text(p, row_number(p, p->homes[row->container], row->port), row->direction);
		char port[8] = "~other";

		rank = home_rank(s, row->container, rank);
		if (series_set_again(p->sets[FORM_PORT], hash, rank, row->v))
			continue;
		if (row->port)
			snprintf(port, sizeof(port), "%u", row->port);
		buf_reset(&p->labels);
		labels_home(p, c);
		label_add(&p->labels, "direction", row->direction);
		label_add(&p->labels, "port", port);
		labels_pod(p, c);
		if (p->labels.failed)
			return -ENOMEM;
		r = series_set_add(p->sets[FORM_PORT], hash, p->labels.data, p->labels.len, c->cgroup, rank, row->v);
	}
	return r ? r : series_set_end(p->sets[FORM_PORT]);
}

int sets_add_interfaces(struct prometheus *p, const struct snapshot *s, unsigned int max_series)
{
	int r = series_set_begin(p->sets[FORM_INTERFACE], max_series);

	for (size_t i = 0; i < s->n_interfaces && !r; i++) {
		const struct interface_row *one = &s->interfaces[i];
		const struct container_row *c = &s->containers[one->container];
		double rank = one->v[INTERFACE_RECEIVE_BYTES] + one->v[INTERFACE_TRANSMIT_BYTES];
		uint64_t row = row_text(p, p->homes[one->container], one->name);

		if (strcmp(c->kind, "host") == 0 || strcmp(c->kind, "kernel") == 0)
			continue;
		rank = home_rank(s, one->container, rank);
		if (series_set_again(p->sets[FORM_INTERFACE], row, rank, one->v))
			continue;
		labels_container(p, FORM_CADVISOR, c);
		label_add(&p->labels, "interface", one->name);
		buf_reset(&p->key);
		buf_printf(&p->key, "%s\n%s", c->cgroup, one->name);
		if (p->labels.failed || p->key.failed)
			return -ENOMEM;
		r = series_set_add(p->sets[FORM_INTERFACE], row, p->labels.data, p->labels.len, p->key.data, rank,
				   one->v);
	}
	return r ? r : series_set_end(p->sets[FORM_INTERFACE]);
}
