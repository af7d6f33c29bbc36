/* SPDX-License-Identifier: GPL-2.0-or-later */
/* disks.c - the series of block devices: of containers, of disk neighbours, of the machine. Called by prometheus.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "exporters/prometheus/prometheus_internal.h"

/* cAdvisor's families have the path of the device; container_blkio_device_usage_total its number, too. */
static void labels_disk(struct prometheus *p, enum label_form form, const struct container_row *c,
			const struct disk_row *d)
{
	char number[16], path[80];

	labels_container(p, form == FORM_DISK ? FORM_OWN : FORM_CADVISOR, c);
	snprintf(path, sizeof(path), "%s%s", form == FORM_DISK || *d->device == '~' ? "" : "/dev/", d->device);
	label_add(&p->labels, "device", path);
	if (form != FORM_DISK_BLKIO)
		return;
	snprintf(number, sizeof(number), "%u", d->major);
	label_add(&p->labels, "major", number);
	snprintf(number, sizeof(number), "%u", d->minor);
	label_add(&p->labels, "minor", number);
}

int sets_add_disks(struct prometheus *p, const struct snapshot *s, enum label_form form, unsigned int max_series)
{
	int r = series_set_begin(p->sets[form], max_series);

	for (size_t i = 0; i < s->n_disks && !r; i++) {
		const struct disk_row *d = &s->disks[i];
		const struct container_row *c = &s->containers[d->container];
		double rank = d->v[DISK_READ_BYTES] + d->v[DISK_WRITE_BYTES];
		uint64_t row = row_text(p, p->homes[d->container], d->device);

		row = row_number(p, row_number(p, row, d->major), d->minor);
		if (form != FORM_DISK && (strcmp(c->kind, "host") == 0 || strcmp(c->kind, "kernel") == 0))
			continue;
		rank = home_rank(s, d->container, rank);
		if (series_set_again(p->sets[form], row, rank, d->v))
			continue;
		labels_disk(p, form, c, d);
		buf_reset(&p->key);
		buf_printf(&p->key, "%s\n%u:%u", c->cgroup, d->major, d->minor);
		if (p->labels.failed || p->key.failed)
			return -ENOMEM;
		r = series_set_add(p->sets[form], row, p->labels.data, p->labels.len, p->key.data, rank, d->v);
	}
	return r ? r : series_set_end(p->sets[form]);
}

int sets_add_disk_pairs(struct prometheus *p, const struct snapshot *s, unsigned int max_series)
{
	int r = series_set_begin(p->sets[FORM_DISK_PAIR], max_series);

	for (size_t i = 0; i < s->n_disk_neighbours && !r; i++) {
		const struct disk_neighbour_row *n = &s->disk_neighbours[i];
		const char *filler = disk_neighbour_filler(s, n);
		const char *id = n->filler == NEIGHBOUR_OTHERS ? filler : s->containers[n->filler].cgroup;
		double rank = home_rank(s, n->waiter, n->v[DISK_NEIGHBOUR_WAIT]);
		uint64_t row = row_text(p, row_text(p, p->homes[n->waiter], filler), id);

		row = row_text(p, row, n->device);
		if (series_set_again(p->sets[FORM_DISK_PAIR], row, rank, n->v))
			continue;
		buf_reset(&p->labels);
		label_add(&p->labels, "waiter", s->containers[n->waiter].name);
		label_add(&p->labels, "waiter_id", s->containers[n->waiter].cgroup);
		label_add(&p->labels, "filler", filler);
		label_add(&p->labels, "filler_id", id);
		label_add(&p->labels, "device", n->device);
		buf_reset(&p->key);
		buf_printf(&p->key, "%s\n%s\n%s", s->containers[n->waiter].cgroup, id, n->device);
		if (p->labels.failed || p->key.failed)
			return -ENOMEM;
		r = series_set_add(p->sets[FORM_DISK_PAIR], row, p->labels.data, p->labels.len, p->key.data, rank,
				   n->v);
	}
	return r ? r : series_set_end(p->sets[FORM_DISK_PAIR]);
}

int sets_add_devices(struct prometheus *p, const struct snapshot *s, unsigned int max_series)
{
	int r = series_set_begin(p->sets[FORM_DEVICE], max_series);

	for (size_t i = 0; i < s->n_devices && !r; i++) {
		const struct device_row *d = &s->devices[i];

		buf_reset(&p->labels);
		label_add(&p->labels, "device", d->name);
		if (p->labels.failed)
			return -ENOMEM;
		r = series_set_add(p->sets[FORM_DEVICE], 0, p->labels.data, p->labels.len, d->name,
				   d->v[DEVICE_READ_BYTES] + d->v[DEVICE_WRITE_BYTES], d->v);
	}
	return r ? r : series_set_end(p->sets[FORM_DEVICE]);
}
