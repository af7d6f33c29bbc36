/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_read.c - see snapshot_read.h. The machine, losses and collectors; the other files read the lists of rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "snapshot_read.h"

void *snapshot_block(struct snapshot_copy *copy, size_t n, size_t size)
{
	void *block = calloc(n + 1, size);

	if (!block || list_reserve(&copy->blocks, copy->blocks.n + 1) < 0)
		abort();
	copy->blocks.at[copy->blocks.n++] = block;
	return block;
}

const char *json_text(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key)) ?: "";
}

double json_real_or_absent(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);

	return json_is_number(value) ? json_number_value(value) : VALUE_ABSENT;
}

uint64_t json_count(const json_t *row, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(row, key));
}

static double value_of_base(const struct metric_desc *d, double base)
{
	return d->unit == UNIT_NS || d->unit == UNIT_UNIX_NS || d->unit == UNIT_DELAY ? base * 1e9 : base;
}

void json_metrics(const json_t *row, enum metric_scope scope, double *v)
{
	const struct metric_desc *table;
	size_t n;

	table = metric_table(scope, &n);
	for (size_t i = 0; i < n; i++) {
		const char *key = table[i].json, *dot = key ? strchr(key, '.') : NULL;
		char outer[64];

		if (dot) {
			snprintf(outer, sizeof(outer), "%.*s", (int)(dot - key), key);
			v[i] = json_real_or_absent(json_object_get(row, outer), dot + 1);
		} else {
			v[i] = key ? json_real_or_absent(row, key) : VALUE_ABSENT;
		}
		v[i] = value_of_base(&table[i], v[i]);
	}
}

uint32_t json_container_index(const struct snapshot *s, const json_t *row, const char *key, uint32_t nowhere)
{
	const char *cgroup = json_text(row, key);

	for (size_t i = 0; i < s->n_containers; i++)
		if (strcmp(s->containers[i].cgroup, cgroup) == 0)
			return (uint32_t)i;
	return nowhere;
}

const char *json_text_or_null(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

static void read_machine(struct snapshot *s, const json_t *root)
{
	const json_t *host = json_object_get(root, "host"), *machine = json_object_get(host, "virtualization");

	s->sequence = 2;
	s->time = json_real_or_absent(root, "time");
	s->interval = json_real_or_absent(root, "interval");
	s->hostname = json_text(host, "hostname");
	s->kernel = json_text(host, "kernel");
	s->machine = json_text_or_null(machine, "machine");
	s->in_container = json_text_or_null(machine, "container");
	s->attributed_reason = json_text_or_null(host, "attributed_reason");
	s->pressure_reason = json_text_or_null(host, "container_pressure_reason");
	json_metrics(host, SCOPE_HOST, s->v);
}

static void read_losses(struct snapshot_copy *copy)
{
	json_t *losses = json_object_get(copy->root, "losses"), *count;
	struct loss_row *rows = snapshot_block(copy, json_object_size(losses), sizeof(*rows));
	const char *kind;

	copy->s.losses = rows;
	json_object_foreach (losses, kind, count)
		rows[copy->s.n_losses++] = (struct loss_row){kind, (uint64_t)json_integer_value(count)};
}

static void read_collectors(struct snapshot_copy *copy)
{
	const json_t *list = json_object_get(copy->root, "collectors");
	struct collector_row *rows = snapshot_block(copy, json_array_size(list), sizeof(*rows));

	copy->s.collectors = rows;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);

		rows[copy->s.n_collectors++] =
			(struct collector_row){json_text(row, "name"), json_is_true(json_object_get(row, "ok")),
					       json_real_or_absent(row, "duration_seconds")};
	}
}

void snapshot_read(struct snapshot_copy *copy, json_t *root)
{
	*copy = (struct snapshot_copy){.root = root};
	read_machine(&copy->s, root);
	read_losses(copy);
	read_collectors(copy);
	snapshot_read_containers(copy);
	snapshot_read_rows(copy);
}

void snapshot_copy_free(struct snapshot_copy *copy)
{
	for (size_t i = 0; i < copy->blocks.n; i++)
		free(copy->blocks.at[i]);
	list_free(&copy->blocks);
	json_decref(copy->root);
	copy->root = NULL;
}
