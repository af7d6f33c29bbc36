/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_read_rows.c - the lists of rows of snapshot_read.h, as json_rows.c writes them; not the containers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "snapshot_read.h"

#define NAMESPACE_USER 5 /* in namespace_names */

/* ---- processes and what refers to them ---- */

/* Since boot, to the millisecond, which is all that two snapshots agree on when the clock is set. */
static uint64_t start_of(const struct snapshot *s, double start_time)
{
	double since = start_time - (value_absent(s->v[HOST_BOOT_TIME]) ? 0 : s->v[HOST_BOOT_TIME] / 1e9);

	return since > 0 ? (uint64_t)llround(since * 1e3) * 1000000 : 0;
}

static void read_processes(struct snapshot_copy *copy)
{
	READ_LIST (copy, json_object_get(copy->root, "processes"), process_row, processes) {
		const json_t *namespaces = json_object_get(row, "namespaces");

		*into = (struct process_row){
			.pid = (uint32_t)json_count(row, "pid"),
			.ppid = (uint32_t)json_count(row, "ppid"),
			.uid = (uint32_t)json_count(row, "uid"),
			.namespace_pid = (uint32_t)json_count(row, "namespace_pid"),
			.start_time = json_real_or_absent(row, "start_time"),
			.comm = json_text(row, "comm"),
			.thread = json_text(row, "main_thread"),
			.container = json_container_index(&copy->s, row, "container_cgroup", 0),
			.state = json_text(row, "state")[0],
			.kernel = json_is_true(json_object_get(row, "kernel")),
			.runs_machine = json_object_get(row, "guest"),
			.guest = json_text_or_null(row, "guest"),
			.capabilities_effective = strtoull(json_text(row, "capabilities"), NULL, 16),
			.capabilities_permitted = json_capabilities(&copy->s, row, "capabilities_permitted"),
			.capabilities_bounding = json_capabilities(&copy->s, row, "capabilities_bounding"),
			.model = json_text_or_null(row, "model")};
		into->start_ns = start_of(&copy->s, into->start_time);
		for (size_t k = 0; k < NAMESPACE_OWN; k++)
			into->namespaces[k] = (uint32_t)json_count(namespaces, namespace_names[k]);
		json_metrics(row, SCOPE_PROCESS, into->v);
		into++;
	}
}

/* Processes of other rows that are in a container's namespaces. */
static void read_outsiders(struct snapshot_copy *copy)
{
	json_t *containers = json_object_get(copy->root, "containers"), *row;
	struct outsider_row *rows;
	size_t i, all = 0;

	json_array_foreach (containers, i, row)
		all += json_array_size(json_object_get(row, "outside"));
	copy->s.outside = rows = snapshot_block(copy, all, sizeof(*rows));
	json_array_foreach (containers, i, row) {
		const json_t *list = json_object_get(row, "outside");
		struct container_row *c = &copy->containers[i];

		c->outside = rows + copy->s.n_outside;
		for (size_t n = 0; n < json_array_size(list); n++) {
			const json_t *one = json_array_get(list, n);

			for (uint32_t p = 0; p < copy->s.n_processes; p++)
				if (copy->s.processes[p].pid == json_count(one, "pid"))
					rows[copy->s.n_outside + c->n_outside++] = (struct outsider_row){
						(uint32_t)i, p,
						(uint32_t)json_bits(json_object_get(one, "namespaces"), namespace_names,
								    NAMESPACE_KINDS)};
		}
		copy->s.n_outside += c->n_outside;
	}
}

/* Of a container whose capabilities are known there is one. */
static void find_oldest(struct snapshot_copy *copy)
{
	for (uint32_t i = 0; i < copy->s.n_processes; i++) {
		const struct process_row *p = &copy->s.processes[i];
		struct container_row *c = &copy->containers[p->container];

		if (c->oldest_process && copy->s.processes[c->oldest_process - 1].start_ns <= p->start_ns)
			continue;
		c->oldest_process = i + 1;
		c->user_namespace = p->namespaces[NAMESPACE_USER];
	}
}

static void read_groups(struct snapshot_copy *copy)
{
	READ_LIST (copy, json_object_get(copy->root, "groups"), group_row, groups) {
		*into = (struct group_row){.container = json_container_index(&copy->s, row, "container_cgroup", 0),
					   .comm = json_text(row, "comm"),
					   .dead = strcmp(json_text(row, "state"), "dead") == 0};
		json_metrics(row, SCOPE_GROUP, into->v);
		into++;
	}
}

static struct stall stall_read(const json_t *row)
{
	const json_t *blocked = json_object_get(row, "blocked_seconds");
	struct stall stall = {.time = 0};

	if (!json_is_object(row))
		return stall;
	stall = (struct stall){.time = json_real_or_absent(row, "time"),
			       .seconds = json_real_or_absent(row, "seconds"),
			       .oncpu = json_real_or_absent(row, "oncpu_seconds"),
			       .runqueue = json_real_or_absent(row, "runqueue_seconds"),
			       .throttled = json_real_or_absent(row, "throttled_seconds"),
			       .cause = json_text(row, "cause"),
			       .runner = json_text(row, "runner"),
			       .runner_cgroup = json_text(row, "runner_cgroup"),
			       .suppressed = json_count(row, "suppressed")};
	for (int i = 0; i < WAIT_CLASSES; i++)
		stall.blocked[i] = json_number_value(json_object_get(blocked, wait_class_names[i]));
	return stall;
}

static void read_loops(struct snapshot_copy *copy)
{
	READ_LIST (copy, json_object_get(copy->root, "loops"), loop_row, loops) {
		*into = (struct loop_row){.tid = (uint32_t)json_count(row, "tid"),
					  .thread = json_text(row, "thread"),
					  .threads = (uint32_t)json_count(row, "threads"),
					  .scheduler = strcmp(json_text(row, "kind"), "scheduler") == 0,
					  .last_stall = stall_read(json_object_get(row, "last_stall"))};
		while (into->process + 1 < copy->s.n_processes &&
		       copy->s.processes[into->process].pid != json_count(row, "pid"))
			into->process++;
		json_metrics(row, SCOPE_LOOP, into->v);
		into++;
	}
}

/* ---- pairs, devices, ports ---- */

static uint32_t other_one(const struct snapshot *s, const json_t *row, const char *name, const char *cgroup)
{
	return strcmp(json_text(row, name), "~other") == 0 ? NEIGHBOUR_OTHERS
							   : json_container_index(s, row, cgroup, NEIGHBOUR_OTHERS);
}

static void read_neighbours(struct snapshot_copy *copy)
{
	READ_LIST (copy, json_object_get(copy->root, "neighbours"), neighbour_row, neighbours) {
		into->waiter = json_container_index(&copy->s, row, "waiter_cgroup", 0);
		into->runner = other_one(&copy->s, row, "runner", "runner_cgroup");
		json_metrics(row, SCOPE_NEIGHBOUR, into->v);
		into++;
	}
}

static void read_disk_neighbours(struct snapshot_copy *copy)
{
	READ_LIST (copy, json_object_get(copy->root, "disk_neighbours"), disk_neighbour_row, disk_neighbours) {
		into->waiter = json_container_index(&copy->s, row, "waiter_cgroup", 0);
		into->filler = other_one(&copy->s, row, "filler", "filler_cgroup");
		into->device = json_text(row, "device");
		json_metrics(row, SCOPE_DISK_NEIGHBOUR, into->v);
		into++;
	}
}

static void read_devices(struct snapshot_copy *copy)
{
	READ_LIST (copy, json_object_get(copy->root, "devices"), device_row, devices) {
		into->name = json_text(row, "device");
		into->major = (uint32_t)json_count(row, "major");
		into->minor = (uint32_t)json_count(row, "minor");
		into->upon_others = json_is_true(json_object_get(row, "upon_others"));
		into->flash = json_is_true(json_object_get(row, "flash"));
		json_metrics(row, SCOPE_DEVICE, into->v);
		into++;
	}
}

static void read_ports(struct snapshot_copy *copy)
{
	struct container_row *c = copy->containers;

	READ_LIST (copy, json_object_get(copy->root, "ports"), port_row, ports) {
		into->container = json_container_index(&copy->s, row, "container_cgroup", 0);
		into->port = (uint16_t)json_count(row, "port");
		into->listener = (uint32_t)json_count(row, "listener_pid");
		into->direction = json_text(row, "direction");
		json_metrics(row, SCOPE_PORT, into->v);
		if (!c[into->container].n_ports++)
			c[into->container].ports = into;
		into++;
	}
}

/* ---- what happened ---- */

static void read_births(struct snapshot_copy *copy)
{
	READ_LIST (copy, json_object_get(copy->root, "births"), start_row, births) {
		const json_t *phases = json_object_get(row, "phases");

		*into = (struct start_row){.container = json_text(row, "container"),
					   .cgroup = json_text(row, "container_cgroup"),
					   .id = json_text(row, "id"),
					   .state = json_text(row, "state"),
					   .ready_by = json_text(row, "ready_by"),
					   .time = json_real_or_absent(row, "time"),
					   .total_seconds = json_real_or_absent(row, "total_seconds"),
					   .total_cpu_seconds = json_real_or_absent(row, "total_cpu_seconds"),
					   .exit_status = json_real_or_absent(row, "exit_status"),
					   .exit_signal = json_real_or_absent(row, "exit_signal")};
		snprintf(into->exit_comm, sizeof(into->exit_comm), "%s", json_text(row, "exit_comm"));
		for (size_t k = 0; k < BIRTH_PHASES; k++) {
			const json_t *phase = json_array_get(phases, k);

			into->seconds[k] = json_real_or_absent(phase, "seconds");
			into->cpu_seconds[k] = json_real_or_absent(phase, "cpu_seconds");
		}
		into++;
	}
}

static void read_largest(struct oom_row *kill, const json_t *list)
{
	for (; kill->n_largest < json_array_size(list) && kill->n_largest < OOM_LARGEST; kill->n_largest++) {
		const json_t *row = json_array_get(list, kill->n_largest);
		struct oom_process *p = &kill->largest[kill->n_largest];

		p->pid = (uint32_t)json_count(row, "pid");
		p->rss = json_real_or_absent(row, "rss_bytes");
		strncpy(p->comm, json_text(row, "comm"), sizeof(p->comm) - 1);
		strncpy(p->container, json_text(row, "container"), sizeof(p->container) - 1);
	}
}

static void read_oom_kills(struct snapshot_copy *copy)
{
	READ_LIST (copy, json_object_get(copy->root, "oom_kills"), oom_row, oom_kills) {
		*into = (struct oom_row){.time = json_real_or_absent(row, "time"),
					 .start_time = json_real_or_absent(row, "start_time"),
					 .container =
						 json_container_index(&copy->s, row, "container_cgroup", OOM_NOWHERE),
					 .container_name = json_text(row, "container"),
					 .container_cgroup = json_text(row, "container_cgroup"),
					 .pid = (uint32_t)json_count(row, "pid"),
					 .tid = (uint32_t)json_count(row, "tid"),
					 .comm = json_text(row, "comm"),
					 .thread = json_text(row, "thread"),
					 .rss = json_real_or_absent(row, "rss_bytes"),
					 .score_adjust = (int)json_integer_value(json_object_get(row, "oom_score_adj")),
					 .exhausted = json_text(row, "exhausted"),
					 .limit_of = json_text(row, "limit_of"),
					 .limit_scope = json_text(row, "limit_scope"),
					 .limit = json_real_or_absent(row, "limit_bytes"),
					 .usage = json_real_or_absent(row, "usage_bytes"),
					 .asker_pid = (uint32_t)json_count(row, "asker_pid"),
					 .asker = json_text(row, "asker_comm"),
					 .largest_of = json_text(row, "largest_of"),
					 .largest_age = json_real_or_absent(row, "largest_age_seconds")};
		read_largest(into, json_object_get(row, "largest"));
		into++;
	}
}

/* Those of a container's own programs that were granted: others do not count for it. */
static void read_checks(struct snapshot_copy *copy)
{
	READ_LIST (copy, json_object_get(copy->root, "checks"), check_row, checks) {
		const char *name = json_text(row, "capability");

		into->container = json_container_index(&copy->s, row, "container_cgroup", 0);
		into->user_namespace = copy->containers[into->container].user_namespace;
		into->count = json_count(row, "count");
		while (into->capability + 1U < CAPABILITIES) {
			_cleanup_buf_ struct buf known = {};

			capability_name(&known, into->capability);
			if (strncmp(name, "CAP_", 4) == 0 && known.data && strcmp(name + 4, known.data) == 0)
				break;
			into->capability++;
		}
		into++;
	}
}

void snapshot_read_rows(struct snapshot_copy *copy)
{
	read_processes(copy);
	find_oldest(copy);
	read_outsiders(copy);
	read_groups(copy);
	read_loops(copy);
	read_neighbours(copy);
	read_disk_neighbours(copy);
	read_devices(copy);
	read_ports(copy);
	read_births(copy);
	read_oom_kills(copy);
	read_checks(copy);
}
