/* SPDX-License-Identifier: GPL-2.0-or-later */
/* situation.c - see situation.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "exporters/findings/findings.h"
#include "situation.h"

#define GIB (1024.0 * 1024 * 1024)
#define NOW 1700000000.0

static const char *const all_collectors[] = {"host",  "tasks",	 "lifecycle",  "cgroups", "cgroupfs",
					     "sched", "epoll",	 "namespaces", "sockets", "births",
					     "oom",   "network", "disk",       "tcp",	  "reclaim"};

/* Counters are 0 and gauges are absent, as of a container without limits that does nothing. */
static void values_clear(enum metric_scope scope, double *v)
{
	const struct metric_desc *table;
	size_t n;

	table = metric_table(scope, &n);
	for (size_t i = 0; i < n; i++)
		v[i] = metric_grows(&table[i]) ? 0 : VALUE_ABSENT;
}

struct situation situation;

int situation_setup(void **state)
{
	struct situation *s = &situation;

	(void)state;
	*s = (struct situation){};
	diagnosis_options_init(&s->options);
	for (size_t i = 0; i < ARRAY_SIZE(all_collectors); i++)
		s->collectors[i] = (struct collector_row){all_collectors[i], true, 0};
	values_clear(SCOPE_HOST, s->now.v);
	s->now.v[HOST_CPUS] = 4;
	s->now.v[HOST_CPU_CORES] = 0;
	s->now.v[HOST_ATTRIBUTED] = 1;
	s->now.v[HOST_MEMORY_TOTAL] = 16 * GIB;
	s->now.v[HOST_MEMORY_USED] = 4 * GIB;
	s->now.v[HOST_SWAP_TOTAL] = 0;
	s->now.hostname = "host";
	s->now.kernel = "6.1.0";
	s->now.collectors = s->collectors;
	s->now.n_collectors = ARRAY_SIZE(all_collectors);
	s->now.sequence = 1;
	s->now.time = NOW;
	s->before = s->now;
	s->now.sequence = 1 + SITUATION_SECONDS;
	s->now.time = NOW + SITUATION_SECONDS;
	s->now.interval = SITUATION_SECONDS;
	for (int i = 0; i < 2; i++) {
		struct snapshot *n = i ? &s->now : &s->before;

		n->containers = s->containers[i];
		n->processes = s->processes[i];
		n->loops = s->loops[i];
		n->neighbours = s->neighbours[i];
		n->disks = s->disks[i];
		n->disk_neighbours = s->disk_neighbours[i];
		n->devices = s->devices[i];
		n->ports = s->ports[i];
		n->groups = s->groups[i];
		n->outside = s->outside;
	}
	return 0;
}

int situation_teardown(void **state)
{
	(void)state;
	diagnosis_free(&situation.diagnosis);
	situation.diagnosis = (struct diagnosis){};
	window_free(&situation.window);
	return 0;
}

uint32_t situation_container(struct situation *s, const char *name, const char *runtime)
{
	uint32_t i = (uint32_t)s->now.n_containers;
	struct container_row *c = &s->containers[1][i];

	assert_true(i < SITUATION_ROWS);
	snprintf(s->paths[i], sizeof(s->paths[i]), "/test/%s-%u", name, i);
	*c = (struct container_row){.name = name,
				    .id = "",
				    .runtime = runtime,
				    .image = "",
				    .pod = "",
				    .namespace_ = "",
				    .labels = "",
				    .kind = *runtime ? "container" : "service",
				    .cgroup = s->paths[i],
				    .parent = "",
				    .parent_cgroup = "",
				    .state = "running"};
	values_clear(SCOPE_CONTAINER, c->v);
	c->v[CONTAINER_PROCESSES] = c->v[CONTAINER_THREADS] = 1;
	s->containers[0][i] = *c;
	s->now.n_containers = s->before.n_containers = i + 1;
	return i;
}

uint32_t situation_worker(struct situation *s, const char *name, double cores, double wait, double throttled,
			  double limit)
{
	uint32_t c = situation_container(s, name, "docker");

	situation_gain(s, c, CONTAINER_CPU_USAGE, cores);
	situation_gain(s, c, CONTAINER_CPU_TASKS, cores);
	situation_gain(s, c, CONTAINER_WAKEUP_WAIT, wait);
	situation_gain(s, c, CONTAINER_THROTTLED_WAIT, throttled);
	s->containers[1][c].v[CONTAINER_CPU_CORES] = cores;
	s->containers[1][c].v[CONTAINER_CPU_LIMIT] = limit > 0 ? limit : VALUE_ABSENT;
	return c;
}

uint32_t situation_process(struct situation *s, uint32_t container, const char *comm, uint32_t pid)
{
	uint32_t i = (uint32_t)s->now.n_processes;
	struct process_row *p = &s->processes[1][i];

	assert_true(i < SITUATION_ROWS);
	*p = (struct process_row){.pid = pid,
				  .ppid = 1,
				  .start_ns = pid,
				  .comm = comm,
				  .thread = comm,
				  .container = container,
				  .state = 'S'};
	values_clear(SCOPE_PROCESS, p->v);
	p->v[PROCESS_THREADS] = 1;
	p->v[PROCESS_AGE] = 3600e9;
	s->processes[0][i] = *p;
	s->now.n_processes = s->before.n_processes = i + 1;
	return i;
}

uint32_t situation_loop(struct situation *s, uint32_t process, uint32_t tid)
{
	uint32_t i = (uint32_t)s->now.n_loops;
	struct loop_row *l = &s->loops[1][i];

	assert_true(i < SITUATION_ROWS);
	*l = (struct loop_row){.process = process, .tid = tid, .thread = s->processes[1][process].comm, .threads = 1};
	values_clear(SCOPE_LOOP, l->v);
	s->loops[0][i] = *l;
	s->now.n_loops = s->before.n_loops = i + 1;
	return i;
}

void situation_neighbour(struct situation *s, uint32_t waiter, uint32_t runner, double wait_per_second)
{
	uint32_t i = (uint32_t)s->now.n_neighbours;

	assert_true(i < SITUATION_ROWS);
	s->neighbours[0][i] = s->neighbours[1][i] = (struct neighbour_row){.waiter = waiter, .runner = runner};
	s->neighbours[1][i].v[NEIGHBOUR_WAIT] = wait_per_second * 1e9 * SITUATION_SECONDS;
	s->now.n_neighbours = s->before.n_neighbours = i + 1;
}

void situation_outside(struct situation *s, uint32_t container, uint32_t process, uint32_t kinds)
{
	uint32_t i = (uint32_t)s->now.n_outside;

	assert_true(i < SITUATION_ROWS);
	s->outside[i] = (struct outsider_row){.container = container, .process = process, .kinds = kinds};
	s->now.n_outside = s->before.n_outside = i + 1;
}

void situation_group(struct situation *s, uint32_t container, const char *comm, int metric, double value)
{
	struct group_row *g = &s->groups[1][s->now.n_groups];

	assert_true(s->now.n_groups < SITUATION_ROWS);
	*g = (struct group_row){.container = container, .comm = comm};
	values_clear(SCOPE_GROUP, g->v);
	g->v[metric] = value;
	s->groups[0][s->now.n_groups] = *g;
	s->now.n_groups = s->before.n_groups = s->now.n_groups + 1;
}

static void device_need(struct situation *s, const char *name)
{
	uint32_t i = (uint32_t)s->now.n_devices;
	struct device_row *d = &s->devices[1][i];

	for (uint32_t k = 0; k < i; k++)
		if (strcmp(s->devices[1][k].name, name) == 0)
			return;
	assert_true(i < SITUATION_ROWS);
	*d = (struct device_row){.name = name, .major = 8, .minor = i};
	values_clear(SCOPE_DEVICE, d->v);
	d->v[DEVICE_BUSY] = 1;
	s->devices[0][i] = *d;
	s->now.n_devices = s->before.n_devices = i + 1;
}

uint32_t situation_disk(struct situation *s, uint32_t container, const char *device)
{
	uint32_t i = (uint32_t)s->now.n_disks;
	struct disk_row *d = &s->disks[1][i];

	assert_true(i < SITUATION_ROWS);
	*d = (struct disk_row){.container = container, .device = device, .major = 8};
	values_clear(SCOPE_DISK, d->v);
	s->disks[0][i] = *d;
	s->now.n_disks = s->before.n_disks = i + 1;
	for (int k = 0; k < 2; k++) {
		struct container_row *c = &s->containers[k][container];

		if (!c->n_disks++)
			c->disks = &s->disks[k][i];
	}
	device_need(s, device);
	return i;
}

void situation_requests(struct situation *s, uint32_t disk, int count, double per_second, double bytes, double latency)
{
	double *v = s->disks[1][disk].v, n = per_second * SITUATION_SECONDS;
	bool reads = count == DISK_READ_COUNT, writes = count == DISK_WRITE_COUNT;
	double bound = 64e-6;

	v[count] += n;
	v[count - 1] += n * latency * 1e9;
	/* Bounds double, but for the last two: of latencies below 0.26 s. */
	for (int bucket = count - 17; bucket <= count - 2; bucket++, bound *= 2)
		v[bucket] += latency <= bound || bucket > count - 5 ? n : 0;
	if (reads || writes) {
		v[reads ? DISK_READS : DISK_WRITES] += n;
		v[reads ? DISK_READ_BYTES : DISK_WRITE_BYTES] += n * bytes;
		v[reads ? DISK_READ_TIME : DISK_WRITE_TIME] += n * latency * 1e9;
	}
}

void situation_disk_neighbour(struct situation *s, uint32_t waiter, uint32_t filler, const char *device,
			      double wait_per_second)
{
	uint32_t i = (uint32_t)s->now.n_disk_neighbours;

	assert_true(i < SITUATION_ROWS);
	s->disk_neighbours[0][i] = s->disk_neighbours[1][i] =
		(struct disk_neighbour_row){.waiter = waiter, .filler = filler, .device = device};
	s->disk_neighbours[1][i].v[DISK_NEIGHBOUR_WAIT] = wait_per_second * 1e9 * SITUATION_SECONDS;
	s->now.n_disk_neighbours = s->before.n_disk_neighbours = i + 1;
}

uint32_t situation_port(struct situation *s, uint32_t container, const char *direction, uint16_t port)
{
	uint32_t i = (uint32_t)s->now.n_ports;
	struct port_row *p = &s->ports[1][i];

	assert_true(i < SITUATION_ROWS);
	*p = (struct port_row){.container = container, .port = port, .direction = direction};
	values_clear(SCOPE_PORT, p->v);
	s->ports[0][i] = *p;
	s->now.n_ports = s->before.n_ports = i + 1;
	for (int k = 0; k < 2; k++) {
		struct container_row *c = &s->containers[k][container];

		if (!c->n_ports++)
			c->ports = &s->ports[k][i];
	}
	return i;
}

/* Nanoseconds are given as seconds. */
static double gained_by(enum metric_scope scope, int metric, double per_second)
{
	enum metric_unit unit;
	size_t n;

	unit = metric_table(scope, &n)[metric].unit;
	return per_second * SITUATION_SECONDS * (unit == UNIT_NS || unit == UNIT_DELAY ? 1e9 : 1);
}

void situation_gain(struct situation *s, uint32_t container, int metric, double per_second)
{
	double *v = s->containers[1][container].v;

	v[metric] = s->containers[0][container].v[metric] + gained_by(SCOPE_CONTAINER, metric, per_second);
}

void situation_process_gain(struct situation *s, uint32_t process, int metric, double per_second)
{
	double *v = s->processes[1][process].v;

	v[metric] = s->processes[0][process].v[metric] + gained_by(SCOPE_PROCESS, metric, per_second);
}

void situation_loop_gain(struct situation *s, uint32_t loop, int metric, double per_second)
{
	double *v = s->loops[1][loop].v;

	v[metric] = s->loops[0][loop].v[metric] + gained_by(SCOPE_LOOP, metric, per_second);
}

void situation_port_gain(struct situation *s, uint32_t row, int metric, double per_second)
{
	double *v = s->ports[1][row].v;

	v[metric] = s->ports[0][row].v[metric] + gained_by(SCOPE_PORT, metric, per_second);
}

void situation_group_gain(struct situation *s, uint32_t container, const char *comm, int metric, double per_second)
{
	size_t i = 0;

	while (i < s->now.n_groups &&
	       (s->groups[1][i].container != container || strcmp(s->groups[1][i].comm, comm) != 0))
		i++;
	if (i == s->now.n_groups)
		situation_group(s, container, comm, metric, 0);
	s->groups[1][i].v[metric] = s->groups[0][i].v[metric] + gained_by(SCOPE_GROUP, metric, per_second);
}

void situation_host_gain(struct situation *s, int metric, double per_second)
{
	s->now.v[metric] = s->before.v[metric] + gained_by(SCOPE_HOST, metric, per_second);
}

void situation_collector_off(struct situation *s, const char *name)
{
	for (size_t i = 0; i < s->now.n_collectors; i++)
		if (strcmp(s->collectors[i].name, name) == 0)
			s->collectors[i].ok = false;
}
