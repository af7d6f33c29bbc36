/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_read_containers.c - containers, with the lists inside them, of snapshot_read.h. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "snapshot_read.h"

/* Names as the bits of their numbers. */
uint64_t json_bits(const json_t *names, const char *const *known, size_t n_known)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < json_array_size(names); i++)
		for (size_t k = 0; k < n_known; k++)
			if (strcmp(json_string_value(json_array_get(names, i)) ?: "", known[k]) == 0)
				bits |= 1ULL << k;
	return bits;
}

uint64_t json_capabilities(const struct snapshot *s, const json_t *row, const char *key)
{
	const json_t *names = json_object_get(row, key);
	uint64_t bits = 0;

	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i)) ?: "";

		if (strcmp(name, "ALL") == 0)
			return s->capabilities_all;
		for (unsigned int k = 0; strncmp(name, "CAP_", 4) == 0 && k < 64; k++) {
			_cleanup_buf_ struct buf known = {};

			capability_name(&known, k);
			if (known.data && strcmp(name + 4, known.data) == 0)
				bits |= 1ULL << k;
		}
	}
	return bits;
}

static bool has_all(const json_t *row, const char *key)
{
	const json_t *first = json_array_get(json_object_get(row, key), 0);

	return strcmp(json_string_value(first) ?: "", "ALL") == 0;
}

/*
 * All that the kernel has: those of a process that has them all. Where only lists say so: those that are known by name; where
 * nothing does: unknown.
 */
static void read_capabilities_all(struct snapshot_copy *copy)
{
	static const char *const keys[] = {"capabilities_effective", "capabilities_permitted", "capabilities_bounding"};
	static const char *const lists[] = {"containers", "processes"};
	uint64_t exact = 0;
	bool some = false;

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		json_t *list = json_object_get(copy->root, lists[l]), *row;
		size_t i;

		json_array_foreach (list, i, row)
			for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
				some |= has_all(row, keys[k]);
		json_array_foreach (list, i, row)
			if (has_all(row, keys[0]) && *json_text(row, "capabilities"))
				exact = strtoull(json_text(row, "capabilities"), NULL, 16);
	}
	copy->s.capabilities_all = !some ? 0 : exact ?: (1ULL << CAPABILITIES) - 1;
}

/* ---- parts of a container ---- */

static void read_transitions(struct snapshot_copy *copy, uint32_t container, struct container_row *c, const json_t *row)
{
	const json_t *list = json_object_get(row, "namespace_transitions");
	struct transition_row *rows = snapshot_block(copy, json_array_size(list), sizeof(*rows));

	c->transitions = rows;
	for (; c->n_transitions < json_array_size(list); c->n_transitions++) {
		const json_t *one = json_array_get(list, c->n_transitions);
		struct transition_row *t = &rows[c->n_transitions];

		t->container = container;
		while (t->kind + 1 < NAMESPACE_KINDS && strcmp(json_text(one, "kind"), namespace_names[t->kind]) != 0)
			t->kind++;
		t->how = json_text(one, "how");
		t->expected = json_is_true(json_object_get(one, "expected"));
		json_metrics(one, SCOPE_TRANSITION, t->v);
	}
}

static void read_disks(struct snapshot_copy *copy, uint32_t container, struct container_row *c, const json_t *row,
		       struct disk_row *rows)
{
	const json_t *list = json_object_get(row, "disks");

	c->disks = &rows[copy->s.n_disks];
	for (; c->n_disks < json_array_size(list); c->n_disks++) {
		const json_t *one = json_array_get(list, c->n_disks);
		struct disk_row *d = &rows[copy->s.n_disks++];

		*d = (struct disk_row){.container = container,
				       .device = json_text(one, "device"),
				       .major = (uint32_t)json_count(one, "major"),
				       .minor = (uint32_t)json_count(one, "minor"),
				       .upon_others = json_is_true(json_object_get(one, "upon_others")),
				       .flash = json_is_true(json_object_get(one, "flash")),
				       .limit_of = json_string_value(json_object_get(one, "limit_of"))};
		json_metrics(one, SCOPE_DISK, d->v);
	}
}

static void read_interfaces(struct snapshot_copy *copy, uint32_t container, struct container_row *c, const json_t *row,
			    struct interface_row *rows)
{
	const json_t *list = json_object_get(row, "interfaces");

	c->interfaces = &rows[copy->s.n_interfaces];
	for (; c->n_interfaces < json_array_size(list); c->n_interfaces++) {
		const json_t *one = json_array_get(list, c->n_interfaces);
		struct interface_row *i = &rows[copy->s.n_interfaces++];

		*i = (struct interface_row){.container = container,
					    .name = json_text(one, "name"),
					    .host_interface = json_text(one, "host_interface"),
					    .bridge = json_text(one, "bridge")};
		json_metrics(one, SCOPE_INTERFACE, i->v);
	}
}

static void read_instances(struct snapshot_copy *copy, struct container_row *c, const json_t *row)
{
	const json_t *list = json_object_get(row, "instances");
	struct instance_row *rows = snapshot_block(copy, json_array_size(list), sizeof(*rows));

	c->instances = rows;
	c->instances_ended = json_count(row, "instances_ended");
	for (; c->n_instances < json_array_size(list); c->n_instances++) {
		const json_t *one = json_array_get(list, c->n_instances);

		rows[c->n_instances] =
			(struct instance_row){.name = json_text(one, "name"),
					      .dead = strcmp(json_text(one, "state"), "dead") == 0,
					      .cpu_ns = json_real_or_absent(one, "cpu_seconds_total") * 1e9,
					      .memory = json_real_or_absent(one, "memory_bytes")};
	}
}

static void read_container(struct snapshot_copy *copy, struct container_row *c, const json_t *row)
{
	const json_t *uid = json_object_get(row, "uid"), *labels = json_object_get(row, "labels");
	char *text = labels ? json_dumps(labels, JSON_COMPACT) : NULL;

	*c = (struct container_row){.name = json_text(row, "name"),
				    .id = json_text(row, "id"),
				    .runtime = json_text(row, "runtime"),
				    .image = json_text(row, "image"),
				    .kind = json_text(row, "kind"),
				    .cgroup = json_text(row, "cgroup"),
				    .pod = json_text(row, "pod"),
				    .namespace_ = json_text(row, "namespace"),
				    .labels = "",
				    .parent = json_text(row, "parent"),
				    .parent_cgroup = json_text(row, "parent_cgroup"),
				    .state = json_text(row, "state"),
				    .uid = json_is_integer(uid) ? json_integer_value(uid) : -1,
				    .init_ended = json_is_true(json_object_get(row, "init_ended")),
				    .dead = json_object_get(row, "dead_seconds"),
				    .cpu_limit_of = json_text_or_null(row, "cpu_limit_of"),
				    .quota_above_of = json_text_or_null(row, "cpu_quota_above_of"),
				    .quota_above = json_real_or_absent(row, "cpu_quota_above_cores"),
				    .threads_limit_above_of = json_text_or_null(row, "threads_limit_above_of"),
				    .threads_limit_above = json_real_or_absent(row, "threads_limit_above"),
				    .threads_above = json_real_or_absent(row, "threads_above"),
				    .memory_limit_of = json_text_or_null(row, "memory_limit_of"),
				    .throttled_by = json_text_or_null(row, "throttled_by"),
				    .cpu_limit_is_cpuset = strcmp(json_text(row, "cpu_limit_kind"), "cpuset") == 0,
				    .memory_limit_working_set =
					    json_real_or_absent(row, "memory_limit_working_set_bytes"),
				    .host_namespaces_known = json_is_array(json_object_get(row, "host_namespaces"))};
	c->dead_seconds = c->dead ? json_real_or_absent(row, "dead_seconds") : 0;
	if (text)
		c->labels = strcpy(snapshot_block(copy, strlen(text), 1), text);
	free(text);
	c->host_namespaces =
		(uint32_t)json_bits(json_object_get(row, "host_namespaces"), namespace_names, NAMESPACE_KINDS);
	c->capabilities_effective = json_capabilities(&copy->s, row, "capabilities_effective");
	c->capabilities_permitted = json_capabilities(&copy->s, row, "capabilities_permitted");
	c->capabilities_bounding = json_capabilities(&copy->s, row, "capabilities_bounding");
	json_metrics(row, SCOPE_CONTAINER, c->v);
	json_metrics(json_object_get(row, "tcp"), SCOPE_TCP_SUM, c->tcp);
}

/* How many rows all containers have in the list of this name. */
static size_t inner_rows(const json_t *containers, const char *key)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(containers); i++)
		n += json_array_size(json_object_get(json_array_get(containers, i), key));
	return n;
}

void snapshot_read_containers(struct snapshot_copy *copy)
{
	json_t *list = json_object_get(copy->root, "containers");
	struct disk_row *disks = snapshot_block(copy, inner_rows(list, "disks"), sizeof(*disks));
	struct interface_row *interfaces = snapshot_block(copy, inner_rows(list, "interfaces"), sizeof(*interfaces));

	read_capabilities_all(copy);
	copy->s.disks = disks;
	copy->s.interfaces = interfaces;
	READ_LIST (copy, list, container_row, containers) {
		read_container(copy, into, row);
		read_transitions(copy, (uint32_t)at, into, row);
		read_disks(copy, (uint32_t)at, into, row, disks);
		read_interfaces(copy, (uint32_t)at, into, row, interfaces);
		read_instances(copy, into, row);
		into++;
	}
	copy->containers = rows;
}
