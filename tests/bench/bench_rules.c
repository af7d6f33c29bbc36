/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_rules.c - what the rules of `diagnose` cost over a snapshot of 2,000 containers and 10,000 processes that is made up here,
 * on a machine where nothing is wrong and on one where every tenth container has everything: CPU time of this process, medians.
 * Called by tests/bench/run. Usage: bench_rules [ROUNDS [CONTAINERS PROCESSES]]; prints one JSON object. Asserts nothing about
 * time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "diagnose/judge.h"

#define SECONDS	   10
#define NAME_BYTES 96
#define DEVICES	   8
#define TROUBLED   10 /* every tenth container, where anything is wrong */

/* Both snapshots of a machine. Texts of a container stand in `names`, NAME_BYTES each: its name, its path. */
struct machine {
	struct snapshot s[2];
	struct container_row *containers[2];
	struct process_row *processes[2];
	struct group_row *groups[2];
	struct loop_row *loops[2];
	struct neighbour_row *neighbours[2];
	struct disk_row *disks[2];
	struct disk_neighbour_row *disk_neighbours[2];
	struct device_row *devices[2];
	struct port_row *ports[2];
	struct collector_row collectors[16];
	char *names;
	bool trouble;
};

static const char *const collectors_on[] = {"host",	  "tasks",   "lifecycle", "cgroups", "cgroupfs",
					    "sched",	  "epoll",   "sockets",	  "births",  "oom",
					    "namespaces", "network", "disk",	  "tcp",     "reclaim"};
static const char *const device_names[DEVICES] = {"nvme0n1", "nvme1n1", "sda", "sdb", "sdc", "dm-0", "dm-1", "loop0"};

static void *rows_new(size_t n, size_t size)
{
	void *rows = calloc(n + 1, size);

	if (!rows)
		exit(1);
	return rows;
}

/* Counters run evenly between the two snapshots, `per_second` of each in its own unit; gauges are absent. */
static void values_fill(enum metric_scope scope, double *v, int which, double seconds_per_second, double per_second)
{
	const struct metric_desc *table;
	size_t n;

	table = metric_table(scope, &n);
	for (size_t i = 0; i < n; i++) {
		bool time = table[i].unit == UNIT_NS || table[i].unit == UNIT_DELAY;
		double rate = time ? seconds_per_second * 1e9 : per_second;

		v[i] = metric_grows(&table[i]) ? rate * (100 + SECONDS * which) : VALUE_ABSENT;
	}
}

static bool troubled(const struct machine *m, size_t container)
{
	return m->trouble && container % TROUBLED == 0;
}

static void containers_fill(struct machine *m, int which)
{
	for (size_t i = 0; i < m->s[0].n_containers; i++) {
		struct container_row *c = &m->containers[which][i];
		bool bad = troubled(m, i);

		*c = (struct container_row){.name = m->names + 2 * i * NAME_BYTES,
					    .cgroup = m->names + (2 * i + 1) * NAME_BYTES,
					    .id = "",
					    .runtime = "docker",
					    .image = "image:1",
					    .pod = "",
					    .namespace_ = "",
					    .labels = "",
					    .kind = "container",
					    .parent = "",
					    .parent_cgroup = "",
					    .state = bad && i % 3 == 0 ? "paused" : "running"};
		values_fill(SCOPE_CONTAINER, c->v, which, bad ? 0.3 : 0.0001, bad ? 1000 : 0.1);
		values_fill(SCOPE_TCP_SUM, c->tcp, which, 0.0001, bad ? 100 : 0.1);
		c->v[CONTAINER_PROCESSES] = c->v[CONTAINER_THREADS] = 5;
		c->v[CONTAINER_TASKS_STOPPED] = bad;
		c->v[CONTAINER_THREADS_LIMIT] = bad ? 5 : 100;
		c->v[CONTAINER_CPU_LIMIT] = 1;
		c->v[CONTAINER_CPU_CORES] = bad ? 0.3 : 0.0001;
		c->v[CONTAINER_THROTTLED_RATIO] = bad ? 0.9 : 0.01;
		c->v[CONTAINER_MEMORY_LIMIT] = 1e9;
		c->v[CONTAINER_MEMORY_USAGE] = bad ? 0.99e9 : 0.5e9;
		c->v[CONTAINER_MEMORY_RSS] = bad ? 0.98e9 : 0.4e9;
	}
}

static void processes_fill(struct machine *m, int which)
{
	size_t n = m->s[0].n_containers;

	for (size_t i = 0; i < m->s[0].n_processes; i++) {
		struct process_row *p = &m->processes[which][i];
		uint32_t container = (uint32_t)(i % n);
		bool bad = troubled(m, container);

		*p = (struct process_row){.pid = (uint32_t)i + 1,
					  .ppid = i < n ? 0 : container + 1,
					  .start_ns = 1 + i,
					  .comm = m->names + 2 * container * NAME_BYTES,
					  .thread = "main",
					  .container = container,
					  .state = !bad		? 'S'
						   : i / n == 1 ? 'Z'
						   : i / n == 2 ? 'T'
								: 'R'};
		values_fill(SCOPE_PROCESS, p->v, which, bad ? 0.99 : 0.0001, 1);
		p->v[PROCESS_THREADS] = 1;
		p->v[PROCESS_AGE] = 1e8;
	}
}

/* Rows of containers: groups, disks and ports in turn over all of them, pairs with the next one. */
static void others_fill(struct machine *m, int which)
{
	struct snapshot *s = &m->s[which];
	uint32_t n = (uint32_t)s->n_containers;

	for (uint32_t i = 0; i < s->n_groups; i++) {
		m->groups[which][i] = (struct group_row){.container = i % n,
							 .comm = m->names + (2 * (i % n) + (i / n) % 2) * NAME_BYTES};
		values_fill(SCOPE_GROUP, m->groups[which][i].v, which, 0.0001, 1);
	}
	for (uint32_t i = 0; i < s->n_loops; i++) {
		m->loops[which][i] = (struct loop_row){.process = i, .tid = i + 1, .thread = "main", .threads = 1};
		values_fill(SCOPE_LOOP, m->loops[which][i].v, which, troubled(m, i % n) ? 0.3 : 0.0001, 1);
	}
	for (uint32_t i = 0; i < s->n_neighbours; i++) {
		m->neighbours[which][i] = (struct neighbour_row){.waiter = i % n, .runner = i < n ? i : (i + 1) % n};
		values_fill(SCOPE_NEIGHBOUR, m->neighbours[which][i].v, which, troubled(m, i % n) ? 0.3 : 0.0001, 1);
	}
	for (uint32_t i = 0; i < s->n_disks; i++) {
		m->disks[which][i] = (struct disk_row){.container = i % n, .device = device_names[(i / n) % DEVICES]};
		values_fill(SCOPE_DISK, m->disks[which][i].v, which, troubled(m, i % n) ? 0.3 : 0.0001, 1);
	}
	for (uint32_t i = 0; i < s->n_disk_neighbours; i++) {
		m->disk_neighbours[which][i] = (struct disk_neighbour_row){
			.waiter = i % n, .filler = (i + 1) % n, .device = device_names[(i / n) % DEVICES]};
		values_fill(SCOPE_DISK_NEIGHBOUR, m->disk_neighbours[which][i].v, which,
			    troubled(m, i % n) ? 0.3 : 0.0001, 1);
	}
	for (uint32_t i = 0; i < s->n_devices; i++) {
		m->devices[which][i] = (struct device_row){.name = device_names[i]};
		values_fill(SCOPE_DEVICE, m->devices[which][i].v, which, 0.1, 10);
	}
	for (uint32_t i = 0; i < s->n_ports; i++) {
		m->ports[which][i] = (struct port_row){
			.container = i % n, .port = (uint16_t)(80 + i / n), .direction = i / n % 2 ? "from" : "to"};
		values_fill(SCOPE_PORT, m->ports[which][i].v, which, 0.0001, troubled(m, i % n) ? 100 : 0.1);
	}
}

static void snapshot_fill(struct machine *m, int which)
{
	struct snapshot *s = &m->s[which];

	containers_fill(m, which);
	processes_fill(m, which);
	others_fill(m, which);
	s->sequence = 1 + (uint64_t)which;
	s->time = 1700000000.0 + SECONDS * which;
	s->interval = SECONDS * which;
	values_fill(SCOPE_HOST, s->v, which, 0.1, 10);
	s->v[HOST_CPUS] = 64;
	s->v[HOST_CPU_CORES] = 2;
	s->v[HOST_ATTRIBUTED] = 1;
	s->hostname = "bench";
	s->kernel = "6.1.0";
	s->collectors = m->collectors;
	s->n_collectors = ARRAY_SIZE(collectors_on);
}

static void machine_new(struct machine *m, size_t containers, size_t processes, bool trouble)
{
	*m = (struct machine){.trouble = trouble, .names = rows_new(2 * containers, NAME_BYTES)};
	for (size_t i = 0; i < ARRAY_SIZE(collectors_on); i++)
		m->collectors[i] = (struct collector_row){collectors_on[i], true, 0};
	for (size_t i = 0; i < containers; i++) {
		snprintf(m->names + 2 * i * NAME_BYTES, NAME_BYTES, "shop-service-%zu", i);
		snprintf(m->names + (2 * i + 1) * NAME_BYTES, NAME_BYTES, "/docker/%064zx", i * 2654435761);
	}
#define ROWS(which, rows, count)        \
	m->s[which].n_##rows = (count); \
	m->s[which].rows = m->rows[which] = rows_new(count, sizeof(*m->rows[0]));
	for (int which = 0; which < 2; which++) {
		ROWS(which, containers, containers)
		ROWS(which, processes, processes)
		ROWS(which, groups, processes)
		ROWS(which, loops, processes / 10)
		ROWS(which, neighbours, 2 * containers)
		ROWS(which, disks, 2 * containers)
		ROWS(which, disk_neighbours, containers)
		ROWS(which, devices, DEVICES)
		ROWS(which, ports, 2 * containers)
	}
#undef ROWS
	snapshot_fill(m, 0);
	snapshot_fill(m, 1);
}

static void machine_free(struct machine *m)
{
	for (int which = 0; which < 2; which++) {
		free(m->containers[which]);
		free(m->processes[which]);
		free(m->groups[which]);
		free(m->loops[which]);
		free(m->neighbours[which]);
		free(m->disks[which]);
		free(m->disk_neighbours[which]);
		free(m->devices[which]);
		free(m->ports[which]);
	}
	free(m->names);
}

/* ---- measuring ---- */

enum { TURN_BEGIN, TURN_END, TURN_RUN, TURN_ALL, TURNS };
static const char *const turn_names[TURNS] = {"watch_begin_ms", "watch_end_ms", "diagnosis_run_ms", "all_ms"};

static double thread_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int duration_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int turn(struct window *w, const struct machine *m, const struct diagnosis_options *o, double *ret_ms,
		size_t *ret_found)
{
	struct diagnosis d = {};
	double at[TURN_ALL + 1];
	int r;

	at[0] = thread_ms();
	r = watch_begin(w, &m->s[0]);
	at[1] = thread_ms();
	r = r ?: watch_end(w, &m->s[1]);
	at[2] = thread_ms();
	r = r ?: diagnosis_run(&d, w, o, NULL);
	at[3] = thread_ms();
	for (int i = 0; i < TURN_ALL; i++)
		ret_ms[i] = at[i + 1] - at[i];
	ret_ms[TURN_ALL] = at[TURN_ALL] - at[0];
	*ret_found = d.findings.n;
	diagnosis_free(&d);
	return r;
}

/* Medians and quartiles of one machine. */
static void machine_print(const char *name, const struct machine *m, uint64_t rounds)
{
	double *ms[TURNS], all[TURNS];
	struct diagnosis_options o;
	struct window w = {};
	size_t found = 0;

	diagnosis_options_init(&o);
	for (int i = 0; i < TURNS; i++)
		ms[i] = rows_new(rounds, sizeof(*ms[i]));
	for (uint64_t n = 0; n < rounds + 1; n++) { /* the first one makes the tables */
		if (turn(&w, m, &o, all, &found) < 0)
			exit(1);
		for (int i = 0; n && i < TURNS; i++)
			ms[i][n - 1] = all[i];
	}
	printf("\"%s\":{\"findings\":%zu", name, found);
	for (int i = 0; i < TURNS; i++) {
		qsort(ms[i], rounds, sizeof(*ms[i]), duration_order);
		printf(",\"%s\":{\"median\":%.4f,\"q1\":%.4f,\"q3\":%.4f}", turn_names[i], ms[i][rounds / 2],
		       ms[i][rounds / 4], ms[i][rounds - 1 - rounds / 4]);
		free(ms[i]);
	}
	printf("}");
	window_free(&w);
}

int main(int argc, char **argv)
{
	uint64_t rounds = 51, containers = 2000, processes = 10000;
	struct machine m;

	if (argc == 3 || argc > 4 || (argc > 1 && parse_u64(argv[1], 1, 100000, &rounds) < 0) ||
	    (argc > 3 && (parse_u64(argv[2], 1, 100000, &containers) < 0 ||
			  parse_u64(argv[3], containers, 1000000, &processes) < 0))) {
		fprintf(stderr, "usage: bench_rules [ROUNDS [CONTAINERS PROCESSES]]\n");
		return 2;
	}
	printf("{\"containers\":%lu,\"processes\":%lu,\"rounds\":%lu,\"rules\":%d,", containers, processes, rounds,
	       RULES);
	machine_new(&m, containers, processes, false);
	machine_print("quiet", &m, rounds);
	machine_free(&m);
	printf(",");
	machine_new(&m, containers, processes, true);
	machine_print("trouble", &m, rounds);
	machine_free(&m);
	printf("}\n");
	return 0;
}
