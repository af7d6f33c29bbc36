/* SPDX-License-Identifier: GPL-2.0-or-later */
/* disks.c - what the detail of a container says about its block devices, and for which other containers it waits there. */
#include <string.h>

#include "exporters/table/format.h"
#include "exporters/detail/detail.h"

/* Beyond these: in the JSON. */
#define DISKS_SHOWN   8
#define FILLERS_SHOWN 3

static void value(struct buf *out, enum metric_scope scope, const double *v, int metric, const char *before,
		  const char *behind)
{
	if (value_absent(v[metric]))
		return;
	buf_str(out, before);
	format_metric(out, scope, v, metric);
	buf_str(out, behind);
}

static void filler_lines(struct buf *out, const struct snapshot *s, const struct disk_row *d)
{
	size_t shown = 0;

	for (size_t i = 0; i < s->n_disk_neighbours && shown < FILLERS_SHOWN; i++) {
		const struct disk_neighbour_row *n = &s->disk_neighbours[i];

		if (n->waiter != d->container || strcmp(n->device, d->device) != 0 ||
		    !(n->v[DISK_NEIGHBOUR_WAIT_RATE] > 0))
			continue;
		buf_str(out, "                 waits for ");
		format_name(out, disk_neighbour_filler(s, n));
		value(out, SCOPE_DISK_NEIGHBOUR, n->v, DISK_NEIGHBOUR_WAIT_RATE, ": ", " per second");
		if (!value_absent(n->v[DISK_NEIGHBOUR_SHARE]))
			buf_printf(out, ", %.0f %% of its latency", n->v[DISK_NEIGHBOUR_SHARE] * 100);
		buf_char(out, '\n');
		shown++;
	}
}

static void disk_line(struct buf *out, const struct disk_row *d)
{
	buf_str(out, "  ");
	format_name(out, d->device);
	value(out, SCOPE_DISK, d->v, DISK_READ_RATE, "  read ", "/s");
	value(out, SCOPE_DISK, d->v, DISK_WRITE_RATE, ", write ", "/s");
	value(out, SCOPE_DISK, d->v, DISK_OPERATION_RATE, ", ", " IO/s");
	value(out, SCOPE_DISK, d->v, DISK_LATENCY_P50, "; 50 % in ", "");
	value(out, SCOPE_DISK, d->v, DISK_LATENCY_P99, ", 99 % in ", "");
	value(out, SCOPE_DISK, d->v, DISK_QUEUE, ", queue ", "");
	buf_char(out, '\n');
}

/* "                 may read 10M/s and 100 times a second; the limit is that of /batch.slice" */
static void allowed_line(struct buf *out, const struct disk_row *d)
{
	static const struct {
		const char *what;
		int bytes, times;
	} limits[] = {{"read ", DISK_READ_LIMIT, DISK_READS_LIMIT}, {"write ", DISK_WRITE_LIMIT, DISK_WRITES_LIMIT}};
	const char *before = "                 may ";

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		bool bytes = !value_absent(d->v[limits[i].bytes]), times = !value_absent(d->v[limits[i].times]);

		if (!bytes && !times)
			continue;
		buf_str(out, before);
		buf_str(out, limits[i].what);
		value(out, SCOPE_DISK, d->v, limits[i].bytes, "", "/s");
		value(out, SCOPE_DISK, d->v, limits[i].times, bytes ? " and " : "", " times a second");
		before = ", ";
	}
	if (*before != ',')
		return;
	if (d->limit_of) {
		buf_str(out, "; a limit is that of ");
		format_name(out, d->limit_of);
	}
	buf_char(out, '\n');
}

void detail_container_disks(struct buf *out, const struct snapshot *s, const struct container_row *c)
{
	buf_str(out, "disk           ");
	if (value_absent(c->v[CONTAINER_DISK_READ_BYTES])) {
		buf_str(out, "unknown: the kernel charges no requests to its cgroup\n");
	} else {
		value(out, SCOPE_CONTAINER, c->v, CONTAINER_DISK_READ_BYTES, "read ", "");
		value(out, SCOPE_CONTAINER, c->v, CONTAINER_DISK_WRITE_BYTES, ", written ", "");
		value(out, SCOPE_CONTAINER, c->v, CONTAINER_DISK_READ_RATE, "; now read ", "/s");
		value(out, SCOPE_CONTAINER, c->v, CONTAINER_DISK_WRITE_RATE, ", write ", "/s");
		buf_char(out, '\n');
	}
	for (size_t i = 0; i < c->n_disks && i < DISKS_SHOWN; i++) {
		disk_line(out, &c->disks[i]);
		allowed_line(out, &c->disks[i]);
		filler_lines(out, s, &c->disks[i]);
	}
	if (c->n_disks > DISKS_SHOWN)
		buf_printf(out, "  and %zu more in `top --json`\n", c->n_disks - DISKS_SHOWN);
}
