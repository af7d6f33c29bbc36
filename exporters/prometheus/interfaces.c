/* SPDX-License-Identifier: GPL-2.0-or-later */
/* interfaces.c - the series of interfaces of containers' network namespaces. Called by prometheus.c. */
#include <errno.h>
#include <string.h>

#include "exporters/prometheus/prometheus_internal.h"

int sets_add_interfaces(struct prometheus *p, const struct snapshot *s, unsigned int max_series)
{
	int r = series_set_begin(p->sets[FORM_INTERFACE], max_series);

	for (size_t i = 0; i < s->n_interfaces && !r; i++) {
		const struct interface_row *one = &s->interfaces[i];
		const struct container_row *c = &s->containers[one->container];

		if (strcmp(c->kind, "host") == 0 || strcmp(c->kind, "kernel") == 0)
			continue;
		labels_container(&p->labels, FORM_CADVISOR, c);
		label_add(&p->labels, "interface", one->name);
		buf_reset(&p->key);
		buf_printf(&p->key, "%s\n%s", c->cgroup, one->name);
		if (p->labels.failed || p->key.failed)
			return -ENOMEM;
		r = series_set_add(p->sets[FORM_INTERFACE], p->labels.data, p->labels.len, p->key.data,
				   one->v[INTERFACE_RECEIVE_BYTES] + one->v[INTERFACE_TRANSMIT_BYTES], one->v);
	}
	return r ? r : series_set_end(p->sets[FORM_INTERFACE]);
}
