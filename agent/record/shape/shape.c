/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shape.c - see shape.h: the fields of each row, in the order of view.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "record/shape/shape.h"

#define SIZE_OF(S, F) sizeof(((struct S *)0)->F)
#define IS_BOOL(S, F) __builtin_types_compatible_p(typeof(((struct S *)0)->F), bool)
#define FIELD(S, F, KIND, ...)                                                                                    \
	{                                                                                                         \
		.name = #F, .kind = FIELD_##KIND, .offset = offsetof(struct S, F), .size = SIZE_OF(S, F), .n = 1, \
		.boolean = IS_BOOL(S, F), __VA_ARGS__                                                             \
	}
#define TEXT(S, F, ...)	  FIELD(S, F, TEXT, __VA_ARGS__)
#define OR_NULL(S, F)	  FIELD(S, F, TEXT_OR_NULL, )
#define NUMBER(S, F, ...) FIELD(S, F, NUMBER, __VA_ARGS__)
#define REAL(S, F, ...)	  FIELD(S, F, REAL, __VA_ARGS__)
#define CHARS(S, F, ...)  FIELD(S, F, CHARS, __VA_ARGS__)
#define METRICS(S, F, SCOPE)                                                                                \
	{                                                                                                   \
		.name = #F, .kind = FIELD_METRICS, .offset = offsetof(struct S, F), .size = sizeof(double), \
		.n = SCOPE##_METRICS, .other = SCOPE_##SCOPE                                                \
	}
#define NUMBERS(S, F, N)                                                                                              \
	{                                                                                                             \
		.name = #F, .kind = FIELD_NUMBER, .offset = offsetof(struct S, F), .size = SIZE_OF(S, F[0]), .n = (N) \
	}
#define REALS(S, F, N)                                                                                            \
	{                                                                                                         \
		.name = #F, .kind = FIELD_REAL, .offset = offsetof(struct S, F), .size = sizeof(double), .n = (N) \
	}
#define RANGE(S, F, TABLE) FIELD(S, F, RANGE, .other = SHAPE_##TABLE, .count = offsetof(struct S, n_##F))
#define CONTAINER(S, ...)  FIELD(S, container, INDEX, .other = SHAPE_CONTAINERS, __VA_ARGS__)
#define KEY		   .key = true

/* clang-format off */
static const struct shape_field host_fields[] = {
	NUMBER(snapshot, sequence, ), REAL(snapshot, time, ), REAL(snapshot, began, ),
	REAL(snapshot, interval, ), NUMBER(snapshot, clock_ns, ), NUMBER(snapshot, sleeps_ns, ), TEXT(snapshot, kernel, ),
	TEXT(snapshot, hostname, ), OR_NULL(snapshot, machine), OR_NULL(snapshot, in_container),
	OR_NULL(snapshot, pressure_reason), OR_NULL(snapshot, attributed_reason), METRICS(snapshot, v, HOST),
	NUMBER(snapshot, names_folded, ), NUMBER(snapshot, rollup.pid, ), NUMBER(snapshot, rollup.start_ns, ),
	REAL(snapshot, rollup.age_seconds, ), REAL(snapshot, rollup.pss, ), REAL(snapshot, rollup.anonymous, ),
	REAL(snapshot, rollup.file, ), REAL(snapshot, rollup.shmem, ), REAL(snapshot, rollup.swap, ),
	OR_NULL(snapshot, rollup.reason), NUMBER(snapshot, ports_folded, ), NUMBER(snapshot, capabilities_all, ),
};

#define C(F) TEXT(container_row, F, )
static const struct shape_field container_fields[] = {
	C(name), TEXT(container_row, id, KEY), C(runtime), C(image), C(pod), C(namespace_), C(labels), C(kind),
	TEXT(container_row, cgroup, KEY), C(parent), C(parent_cgroup), C(state), NUMBER(container_row, uid, ),
	NUMBER(container_row, init_ended, ), NUMBER(container_row, dead, ), REAL(container_row, dead_seconds, ),
	OR_NULL(container_row, cpu_limit_of), OR_NULL(container_row, memory_limit_of), OR_NULL(container_row, throttled_by),
	NUMBER(container_row, cpu_limit_is_cpuset, ), OR_NULL(container_row, threads_limit_above_of),
	OR_NULL(container_row, quota_above_of), REAL(container_row, threads_limit_above, ),
	REAL(container_row, threads_above, ), REAL(container_row, quota_above, ),
	REAL(container_row, memory_limit_working_set, ), RANGE(container_row, instances, INSTANCES),
	NUMBER(container_row, instances_ended, ), RANGE(container_row, transitions, TRANSITIONS),
	RANGE(container_row, disks, DISKS), RANGE(container_row, interfaces, INTERFACES),
	RANGE(container_row, outside, OUTSIDE), METRICS(container_row, tcp, TCP_SUM), RANGE(container_row, ports, PORTS),
	NUMBER(container_row, host_namespaces, ), NUMBER(container_row, host_namespaces_known, ),
	NUMBER(container_row, capabilities_effective, ), NUMBER(container_row, capabilities_permitted, ),
	NUMBER(container_row, capabilities_bounding, ),
	FIELD(container_row, oldest_process, INDEX_NEXT, .other = SHAPE_PROCESSES),
	NUMBER(container_row, user_namespace, ), FIELD(container_row, last_oom, POINTER, .other = SHAPE_OOM_KILLS),
	METRICS(container_row, v, CONTAINER),
};
#undef C

/* The evidence is not in the row: `offset` is in struct concurrency. */
#define E(F, ...) NUMBER(concurrency, F, .evidence = true, __VA_ARGS__)
#define ER(F) REAL(concurrency, F, .evidence = true)
#define EV(F) E(evidence.F, )
static const struct shape_field process_fields[] = {
	NUMBER(process_row, pid, KEY), NUMBER(process_row, ppid, ), NUMBER(process_row, uid, ),
	NUMBER(process_row, namespace_pid, ), NUMBER(process_row, start_ns, KEY), REAL(process_row, start_time, ),
	TEXT(process_row, comm, ), TEXT(process_row, thread, ), CONTAINER(process_row, ), NUMBER(process_row, state, ),
	NUMBER(process_row, kernel, ), NUMBER(process_row, runs_machine, ), OR_NULL(process_row, guest),
	NUMBER(process_row, capabilities_effective, ), NUMBER(process_row, capabilities_permitted, ),
	NUMBER(process_row, capabilities_bounding, ), NUMBERS(process_row, namespaces, NAMESPACE_OWN),
	OR_NULL(process_row, model),
	/* Only whether there is any. */
	{.name = "concurrency", .kind = FIELD_NUMBER, .offset = offsetof(struct process_row, concurrency), .size = 0, .n = 1},
	METRICS(process_row, v, PROCESS),
	E(verdict, .below = CONCURRENCY_VERDICTS), E(alone, .below = CONCURRENCY_VERDICTS), E(known, ),
	E(listeners_known, ), E(in_tree, ), E(unconnected, ), EV(threads), EV(loops), EV(instances), EV(sharing), EV(turns),
	{.name = "evidence.classes", .kind = FIELD_NUMBER, .offset = offsetof(struct concurrency, evidence.classes),
	 .size = sizeof(uint32_t), .n = SS_WAIT_CLASSES, .evidence = true},
	EV(awake), EV(helpers), EV(working), EV(platform), EV(pool), EV(pool_idle), EV(accepting), EV(polling), EV(listeners),
	EV(blocking), EV(port), EV(leader), EV(leader_loops), EV(idle), EV(stopped), EV(epolls), EV(catches_all),
	EV(had_threads), EV(pool_loops), CHARS(concurrency, evidence.pool_name, .evidence = true), EV(asleep_ns), EV(main_ns),
	ER(evidence.loop_busiest), ER(evidence.loop_sum), EV(loops_measured), ER(evidence.wakeups), ER(evidence.empty),
	FIELD(concurrency, tree, POINTER, .other = SHAPE_TREES, .evidence = true),
	FIELD(concurrency, head, HEAD, .other = SHAPE_PROCESSES, .evidence = true),
};

#define T(F, ...) NUMBER(concurrency_tree, F, __VA_ARGS__)
#define TR(F) REAL(concurrency_tree, F, )
static const struct shape_field tree_fields[] = {
	T(head, KEY), T(headless, ), T(workers, ), T(helpers, ), T(unconnected, ), T(looping, ), T(several, ),
	T(each, .below = CONCURRENCY_VERDICTS), T(pooled, ), T(threaded, ), T(threads_max, ), T(listening, ), T(blocking, ),
	T(port, ), T(accepting, ), T(polling, ), T(idle, ), NUMBERS(concurrency_tree, classes, SS_WAIT_CLASSES), T(awake, ),
	T(asleep_ns, ), T(main_ns, ), TR(cpu), TR(cpu_busiest), TR(loop_busiest), T(loops_measured, ), TR(wakeups), TR(empty),
};

static const struct shape_field group_fields[] = {
	CONTAINER(group_row, KEY), TEXT(group_row, comm, KEY), NUMBER(group_row, dead, ), METRICS(group_row, v, GROUP),
};

#define WAITER(S)     FIELD(S, waiter, INDEX, .other = SHAPE_CONTAINERS, KEY)
#define ANOTHER(S, F) FIELD(S, F, INDEX_OR_NONE, .other = SHAPE_CONTAINERS, KEY)
static const struct shape_field neighbour_fields[] = {
	WAITER(neighbour_row), ANOTHER(neighbour_row, runner), METRICS(neighbour_row, v, NEIGHBOUR),
};

static const struct shape_field disk_fields[] = {
	CONTAINER(disk_row, KEY), TEXT(disk_row, device, KEY), NUMBER(disk_row, major, ), NUMBER(disk_row, minor, ),
	NUMBER(disk_row, upon_others, ), NUMBER(disk_row, flash, ), OR_NULL(disk_row, limit_of), METRICS(disk_row, v, DISK),
};

static const struct shape_field disk_neighbour_fields[] = {
	WAITER(disk_neighbour_row), ANOTHER(disk_neighbour_row, filler), TEXT(disk_neighbour_row, device, KEY),
	METRICS(disk_neighbour_row, v, DISK_NEIGHBOUR),
};

static const struct shape_field device_fields[] = {
	TEXT(device_row, name, KEY), NUMBER(device_row, major, ), NUMBER(device_row, minor, ),
	NUMBER(device_row, upon_others, ), NUMBER(device_row, flash, ), METRICS(device_row, v, DEVICE),
};

#define STALL(S, F) \
	REAL(S, F.time, ), REAL(S, F.seconds, ), REAL(S, F.oncpu, ), REAL(S, F.runqueue, ), REAL(S, F.throttled, ), \
	REALS(S, F.blocked, WAIT_CLASSES), TEXT(S, F.cause, ), TEXT(S, F.runner, ), TEXT(S, F.runner_cgroup, ), \
	NUMBER(S, F.suppressed, )
static const struct shape_field loop_fields[] = {
	FIELD(loop_row, process, INDEX, .other = SHAPE_PROCESSES, KEY), NUMBER(loop_row, tid, KEY), TEXT(loop_row, thread, ),
	NUMBER(loop_row, threads, ), NUMBER(loop_row, scheduler, ), STALL(loop_row, last_stall), METRICS(loop_row, v, LOOP),
};

static const struct shape_field stall_fields[] = {
	FIELD(stall_row, container, INDEX_OR_NONE, .other = SHAPE_CONTAINERS), NUMBER(stall_row, pid, ),
	NUMBER(stall_row, tid, KEY), REAL(stall_row, start_time, ), TEXT(stall_row, comm, ), TEXT(stall_row, thread, ),
	STALL(stall_row, stall),
};

static const struct shape_field transition_fields[] = {
	CONTAINER(transition_row, KEY), NUMBER(transition_row, kind, KEY, .below = NAMESPACE_KINDS),
	TEXT(transition_row, how, KEY), NUMBER(transition_row, expected, KEY), METRICS(transition_row, v, TRANSITION),
};

static const struct shape_field outsider_fields[] = {
	CONTAINER(outsider_row, KEY), FIELD(outsider_row, process, INDEX, .other = SHAPE_PROCESSES, KEY),
	NUMBER(outsider_row, kinds, ),
};

static const struct shape_field port_fields[] = {
	CONTAINER(port_row, KEY), NUMBER(port_row, port, KEY), TEXT(port_row, direction, KEY), NUMBER(port_row, listener, ),
	METRICS(port_row, v, PORT),
};

static const struct shape_field interface_fields[] = {
	CONTAINER(interface_row, KEY), TEXT(interface_row, name, KEY), TEXT(interface_row, host_interface, ),
	TEXT(interface_row, bridge, ), METRICS(interface_row, v, INTERFACE),
};

static const struct shape_field instance_fields[] = {
	CONTAINER(instance_row, KEY), TEXT(instance_row, name, KEY), NUMBER(instance_row, dead, ),
	REAL(instance_row, cpu_ns, ), REAL(instance_row, memory, ),
};

static const struct shape_field check_fields[] = {
	CONTAINER(check_row, KEY), NUMBER(check_row, user_namespace, KEY), NUMBER(check_row, capability, KEY),
	NUMBER(check_row, denied, KEY), NUMBER(check_row, early, KEY), NUMBER(check_row, foreign, KEY),
	CHARS(check_row, comm, KEY), NUMBER(check_row, count, ),
};

static const struct shape_field birth_fields[] = {
	TEXT(start_row, container, ), TEXT(start_row, cgroup, KEY), TEXT(start_row, id, ), TEXT(start_row, state, ),
	TEXT(start_row, ready_by, ), REAL(start_row, time, KEY), REALS(start_row, seconds, BIRTH_PHASES),
	REALS(start_row, cpu_seconds, BIRTH_PHASES), REAL(start_row, total_seconds, ), REAL(start_row, total_cpu_seconds, ),
	REAL(start_row, exit_status, ), REAL(start_row, exit_signal, ), CHARS(start_row, exit_comm, ),
};

#define LARGEST(I) \
	NUMBER(oom_row, largest[I].pid, ), REAL(oom_row, largest[I].rss, ), CHARS(oom_row, largest[I].comm, ), \
	CHARS(oom_row, largest[I].container, )
_Static_assert(OOM_LARGEST == 5, "each of the largest is described");
static const struct shape_field oom_fields[] = {
	REAL(oom_row, time, KEY), REAL(oom_row, start_time, ),
	FIELD(oom_row, container, INDEX_OR_NONE, .other = SHAPE_CONTAINERS), TEXT(oom_row, container_name, ),
	TEXT(oom_row, container_cgroup, ), NUMBER(oom_row, pid, KEY), NUMBER(oom_row, tid, ), TEXT(oom_row, comm, ),
	TEXT(oom_row, thread, ), REAL(oom_row, rss, ), NUMBER(oom_row, score_adjust, ), TEXT(oom_row, exhausted, ),
	TEXT(oom_row, limit_of, ), TEXT(oom_row, limit_scope, ), REAL(oom_row, limit, ), REAL(oom_row, usage, ),
	NUMBER(oom_row, asker_pid, ), TEXT(oom_row, asker, ), LARGEST(0), LARGEST(1), LARGEST(2), LARGEST(3), LARGEST(4),
	NUMBER(oom_row, n_largest, .below = OOM_LARGEST + 1), TEXT(oom_row, largest_of, ), REAL(oom_row, largest_age, ),
};

static const struct shape_field loss_fields[] = {TEXT(loss_row, kind, KEY), NUMBER(loss_row, count, )};

static const struct shape_field collector_fields[] = {
	TEXT(collector_row, name, KEY), NUMBER(collector_row, ok, ), REAL(collector_row, duration_seconds, ),
};

static const struct shape_field cpu_fields[] = {NUMBER(cpu_row, number, KEY), REAL(cpu_row, busy, )};

#define LIST_IN(ARRAY) .list = offsetof(struct snapshot, ARRAY), .n_list = offsetof(struct snapshot, n_##ARRAY)
#define SHAPE(NAME, ROW, FIELDS, ...) \
	{.name = NAME, .size = sizeof(struct ROW), .fields = FIELDS, .n_fields = ARRAY_SIZE(FIELDS), __VA_ARGS__}
const struct shape_desc shapes[SHAPE_TABLES] = {
	[SHAPE_HOST] = SHAPE("host", snapshot, host_fields, ),
	[SHAPE_CONTAINERS] = SHAPE("containers", container_row, container_fields, LIST_IN(containers)),
	[SHAPE_PROCESSES] = SHAPE("processes", process_row, process_fields, LIST_IN(processes)),
	[SHAPE_TREES] = SHAPE("trees", concurrency_tree, tree_fields, ),
	[SHAPE_GROUPS] = SHAPE("groups", group_row, group_fields, LIST_IN(groups)),
	[SHAPE_NEIGHBOURS] = SHAPE("neighbours", neighbour_row, neighbour_fields, LIST_IN(neighbours)),
	[SHAPE_DISKS] = SHAPE("disks", disk_row, disk_fields, LIST_IN(disks)),
	[SHAPE_DISK_NEIGHBOURS] = SHAPE("disk_neighbours", disk_neighbour_row, disk_neighbour_fields, LIST_IN(disk_neighbours)),
	[SHAPE_DEVICES] = SHAPE("devices", device_row, device_fields, LIST_IN(devices)),
	[SHAPE_LOOPS] = SHAPE("loops", loop_row, loop_fields, LIST_IN(loops)),
	[SHAPE_STALLS] = SHAPE("stalls", stall_row, stall_fields, LIST_IN(stalls)),
	[SHAPE_TRANSITIONS] = SHAPE("transitions", transition_row, transition_fields, LIST_IN(transitions)),
	[SHAPE_OUTSIDE] = SHAPE("outside", outsider_row, outsider_fields, LIST_IN(outside)),
	[SHAPE_PORTS] = SHAPE("ports", port_row, port_fields, LIST_IN(ports)),
	[SHAPE_INTERFACES] = SHAPE("interfaces", interface_row, interface_fields, LIST_IN(interfaces)),
	[SHAPE_INSTANCES] = SHAPE("instances", instance_row, instance_fields, ),
	[SHAPE_CHECKS] = SHAPE("checks", check_row, check_fields, LIST_IN(checks)),
	[SHAPE_BIRTHS] = SHAPE("births", start_row, birth_fields, LIST_IN(births)),
	[SHAPE_OOM_KILLS] = SHAPE("oom_kills", oom_row, oom_fields, LIST_IN(oom_kills)),
	[SHAPE_LOSSES] = SHAPE("losses", loss_row, loss_fields, LIST_IN(losses)),
	[SHAPE_CPUS] = SHAPE("cpus", cpu_row, cpu_fields, LIST_IN(cpus)),
	[SHAPE_COLLECTORS] = SHAPE("collectors", collector_row, collector_fields, LIST_IN(collectors)),
};
/* clang-format on */

size_t field_cells(const struct shape_field *f)
{
	/* How many rows to leave out, and how many to take. */
	return f->kind == FIELD_RANGE ? 2 : f->n;
}

size_t shape_cells(enum shape_table table)
{
	size_t n = 0;

	for (size_t i = 0; i < shapes[table].n_fields; i++)
		n += field_cells(&shapes[table].fields[i]);
	return n;
}

enum shape_cell shape_cell_type(const struct shape_field *f)
{
	switch (f->kind) {
	case FIELD_TEXT:
	case FIELD_TEXT_OR_NULL:
	case FIELD_CHARS:
		return CELL_TEXT;
	case FIELD_REAL:
	case FIELD_METRICS:
		return CELL_REAL;
	case FIELD_INDEX:
	case FIELD_INDEX_OR_NONE:
		return CELL_INDEX;
	case FIELD_INDEX_NEXT:
	case FIELD_POINTER:
	case FIELD_HEAD:
		return CELL_NEXT;
	default:
		return CELL_NUMBER;
	}
}

void shape_cell_name(struct buf *out, const struct shape_field *f, size_t i)
{
	const struct metric_desc *metrics;
	size_t n;

	buf_str(out, f->name);
	if (f->kind == FIELD_METRICS) {
		metrics = metric_table(f->other, &n);
		buf_printf(out, ".%s", metrics[i].json ?: metrics[i].id);
	} else if (f->kind == FIELD_RANGE) {
		buf_str(out, i ? ".n" : ".skipped");
	} else if (f->n == SS_WAIT_CLASSES) {
		buf_printf(out, ".%s", wait_class_names[i]);
	} else if (f->n == BIRTH_PHASES) {
		buf_printf(out, ".%s", start_phase_names[i]);
	} else if (f->n == NAMESPACE_OWN) {
		buf_printf(out, ".%s", namespace_names[i]);
	}
}
