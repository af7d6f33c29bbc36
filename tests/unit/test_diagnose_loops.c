/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_diagnose_loops.c - the rules about event loops: each finds its situation with the right culprit, and a near miss is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/situation.h"

static uint32_t box(const char *name)
{
	return situation_container(&situation, name, "docker");
}

/* A process with one loop that ran, waited for a CPU and was blocked in this class for so many seconds of each, else asleep. */
static uint32_t loop_in(uint32_t container, const char *comm, uint32_t pid, double oncpu, double runqueue, int class,
			double blocked)
{
	uint32_t l = situation_loop(&situation, situation_process(&situation, container, comm, pid), pid);

	situation_loop_gain(&situation, l, LOOP_ONCPU, oncpu);
	situation_loop_gain(&situation, l, LOOP_RUNQUEUE, runqueue);
	situation_loop_gain(&situation, l, class, blocked);
	situation_loop_gain(&situation, l, LOOP_ASLEEP, 1 - oncpu - runqueue - blocked);
	situation_loop_gain(&situation, l, LOOP_ITERATIONS, 200);
	situation_loop_gain(&situation, l, LOOP_WAITS, 200);
	situation_loop_gain(&situation, l, LOOP_EVENTS, 250);
	situation.loops[0][l].v[LOOP_OPEN] = situation.loops[1][l].v[LOOP_OPEN] = 0;
	return l;
}

static uint32_t computing(uint32_t container, const char *comm, uint32_t pid, double oncpu)
{
	return loop_in(container, comm, pid, oncpu, 0, LOOP_BLOCKED_FILE, 0);
}

/* It had so many stalls of this cause in the window, of so many seconds each. */
static void stalls(uint32_t loop, int cause, double count, double seconds)
{
	situation_loop_gain(&situation, loop, LOOP_STALLS_ONCPU + cause, count / SITUATION_SECONDS);
	situation_loop_gain(&situation, loop, LOOP_STALLED_ONCPU + cause, count * seconds / SITUATION_SECONDS);
}

enum { ONCPU, RUNQUEUE, THROTTLED, BLOCKED };

/* ---- healthy ---- */

static void healthy(void **state)
{
	uint32_t web = box("web"), api = box("api"), cache = box("cache"), go = box("go"), l;

	(void)state;
	/* nginx at half load, all workers alike. */
	for (uint32_t i = 0; i < 4; i++) {
		l = loop_in(web, "nginx", 100 + i, 0.45, 0.03, LOOP_BLOCKED_FILE, 0.02);
		situation.processes[1][situation.loops[1][l].process].model = "loop+workers";
		situation.processes[1][situation.loops[1][l].process].ppid = 99;
	}
	/* Node.js with a tick of 20 ms now and then, and one collection of garbage. */
	l = computing(api, "node", 200, 0.3);
	stalls(l, ONCPU, 1, 0.3);
	/* Redis, busy and answering: it writes its log now and then. */
	l = loop_in(cache, "redis-server", 300, 0.9, 0.02, LOOP_BLOCKED_FILE, 0.01);
	situation_loop_gain(&situation, l, LOOP_ITERATIONS, 9000);
	/* Asleep. */
	computing(cache, "idle", 301, 0);
	/* A loop with a timeout of 10 ms, and one that polls once before each wait. */
	l = computing(api, "timer", 201, 0.01);
	situation_loop_gain(&situation, l, LOOP_EVENTS, 0);
	situation_loop_gain(&situation, l, LOOP_TIMEOUTS, 100);
	l = computing(api, "poller", 202, 0.2);
	situation_loop_gain(&situation, l, LOOP_POLLS, 2000);
	/* Go: one row for all threads, which has no iterations. */
	l = computing(go, "server", 400, 0);
	situation.loops[0][l].scheduler = situation.loops[1][l].scheduler = true;
	for (int i = 0; i < LOOP_METRICS; i++)
		situation.loops[1][l].v[i] = situation.loops[0][l].v[i] = VALUE_ABSENT;
	situation.loops[0][l].v[LOOP_POLLS] = situation.loops[0][l].v[LOOP_EVENTS] = 0;
	situation_loop_gain(&situation, l, LOOP_POLLS, 90000);
	expect_nothing(&situation);
	assert_int_equal(situation.diagnosis.findings.n_unjudged, 0);
}

/* ---- loop_stall_cpu ---- */

static void stall_cpu(void **state)
{
	uint32_t api = box("my api"), l = computing(api, "node", 7, 0.5);
	const struct finding *f;

	(void)state;
	stalls(l, ONCPU, 12, 0.3);
	f = expect_first(&situation, "loop_stall_cpu", "my api", "");
	assert_int_equal(f->severity, FINDING_WARNING);
	assert_int_equal(f->pid, 7);
	expect_words(f, "the event loop of node (pid 7) in my api stands still for 36 % of the time: it computes");
	expect_words(f, "it stood still 12 times, for 0.30 s on average: 3.6 s of the 10 s watched");
	expect_words(f, "asleep in epoll for 50 % of the time");
	expect_words(f, "sysscope events --type loop_stall --container 'my api'");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

/* Many short ones, and a single one: neither is a finding, but the single one is if it takes most of the time. */
static void stall_cpu_near(void **state)
{
	uint32_t api = box("api"), l = computing(api, "node", 7, 0.6);

	(void)state;
	stalls(l, ONCPU, 4, 0.11);
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[0].rule, "loop_stall_cpu");
	assert_float_equal(situation.diagnosis.findings.near[0].share, 0.88, 1e-6);
	stalls(l, ONCPU, 1, 2);
	expect_nothing(&situation);
	stalls(l, ONCPU, 1, 6);
	assert_int_equal(expect_first(&situation, "loop_stall_cpu", "api", "")->severity, FINDING_CRITICAL);
	expect_words(situation.diagnosis.findings.all, "it stood still once, for 6.0 s of the 10 s watched");
}

/* It has not come back since before the window began: no stall has ended, and it is one. */
static void stall_under_way(void **state)
{
	uint32_t api = box("api"), l = computing(api, "node", 7, 1);
	const struct finding *f;

	(void)state;
	situation.loops[1][l].v[LOOP_OPEN] = 42e9;
	situation_loop_gain(&situation, l, LOOP_ITERATIONS, 0);
	f = expect_first(&situation, "loop_stall_cpu", "api", "");
	assert_int_equal(f->severity, FINDING_CRITICAL);
	expect_words(f, "stands still for 100 % of the time");
	expect_words(f, "it has not been back in epoll for the last 42.0 s");
	/* It is full for that reason: no finding of its own, and one thread that fills a CPU is none either. */
	situation_process_gain(&situation, 0, PROCESS_CPU_USAGE, 1);
	situation.now.v[HOST_CPU_CORES] = 1;
	f = expect_first(&situation, "loop_stall_cpu", "api", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_int_equal(f->n_explains, 2);
}

/* Several loops with the same trouble are one finding of their container. */
static void stall_of_several(void **state)
{
	uint32_t api = box("api"), other = box("other");

	(void)state;
	stalls(computing(api, "node", 7, 0.3), ONCPU, 5, 0.2);
	stalls(computing(api, "node", 8, 0.4), ONCPU, 9, 0.2);
	stalls(computing(api, "node", 9, 0.3), ONCPU, 5, 0.2);
	stalls(computing(other, "node", 10, 0.2), ONCPU, 5, 0.15);
	assert_int_equal(expect_first(&situation, "loop_stall_cpu", "api", "")->pid, 8);
	expect_words(situation.diagnosis.findings.all, "2 more event loops of api are in the same state");
	assert_int_equal(situation.diagnosis.findings.n, 2);
}

/* ---- loop_stall_blocked ---- */

static void stall_blocked(void **state)
{
	static const struct {
		int class;
		const char *phrase, *advice;
	} rows[] = {
		{LOOP_BLOCKED_FILE, "in file I/O", "UV_THREADPOOL_SIZE"},
		{LOOP_BLOCKED_PIPE, "in pipe I/O", "mode=non-blocking"},
		{LOOP_BLOCKED_FUTEX, "waiting for a lock", "another thread has the lock"},
		{LOOP_BLOCKED_POLL, "in poll or select", "name server (getaddrinfo)"},
		{LOOP_BLOCKED_NETWORK, "in network I/O", "make it non-blocking"},
		{LOOP_BLOCKED_CHILD, "waiting for a child process", "in place of subprocess.run"},
		{LOOP_BLOCKED_SLEEP, "in sleep or nanosleep", "a timer of the event loop"},
		{LOOP_BLOCKED_OTHER, "blocked in something else", "cat /proc/7/task/7/stack"},
	};
	uint32_t api = box("api"), l = computing(api, "node", 7, 0.1);
	const struct finding *f;

	(void)state;
	stalls(l, BLOCKED, 8, 0.25);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		situation_loop_gain(&situation, l, rows[i].class, 0.21);
		f = expect_first(&situation, "loop_stall_blocked", "api", "");
		expect_words(f, rows[i].phrase);
		expect_words(f, rows[i].advice);
		assert_non_null(strstr(f->headline, rows[i].phrase));
		expect_words(f, "computing: it used 0.10 CPU");
		assert_int_equal(situation.diagnosis.findings.n, 1);
		situation_loop_gain(&situation, l, rows[i].class, 0.01);
	}
}

/* Files that are read quickly, and one child that is waited for at the start. */
static void stall_blocked_near(void **state)
{
	uint32_t web = box("web"), l = loop_in(web, "nginx", 7, 0.1, 0, LOOP_BLOCKED_FILE, 0.3);

	(void)state;
	expect_nothing(&situation);
	stalls(l, BLOCKED, 1, 0.9);
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[0].rule, "loop_stall_blocked");
}

/* What its memory lacks comes from the disk: that is the cause. */
static void thrash_explains_faults(void **state)
{
	uint32_t api = box("api"), l = loop_in(api, "node", 7, 0.1, 0, LOOP_BLOCKED_FAULT, 0.6);
	const struct finding *f;

	(void)state;
	stalls(l, BLOCKED, 9, 0.5);
	situation_gain(&situation, api, CONTAINER_RECLAIM_LIMIT, 0.3);
	situation_gain(&situation, api, CONTAINER_REFAULTS_FILE, 9000);
	f = expect_first(&situation, "memory_thrash", "api", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_string_equal(f->explains[0].rule, "loop_stall_blocked");
	/* A lock has nothing to do with it. */
	situation_loop_gain(&situation, l, LOOP_BLOCKED_FAULT, 0);
	situation_loop_gain(&situation, l, LOOP_BLOCKED_FUTEX, 0.6);
	situation_judge(&situation);
	assert_int_equal(situation.diagnosis.findings.n, 2);
}

/* ---- loop_starved ---- */

static void uses(uint32_t container, double cores, double wait)
{
	situation_gain(&situation, container, CONTAINER_CPU_USAGE, cores);
	situation_gain(&situation, container, CONTAINER_WAKEUP_WAIT, wait);
}

/* The loop of a container of many threads waits for a neighbour that the container as a whole hardly feels. */
static void starved(void **state)
{
	uint32_t web = box("web"), cache = box("cache"), batch = box("batch"), l;
	const struct finding *f;

	(void)state;
	uses(web, 1.2, 0.25);
	uses(cache, 1.2, 0.3);
	uses(batch, 3, 0);
	situation_neighbour(&situation, web, batch, 0.24);
	situation_neighbour(&situation, web, web, 0.01);
	situation_neighbour(&situation, cache, batch, 0.25);
	l = loop_in(web, "node", 7, 0.2, 0.24, LOOP_BLOCKED_FILE, 0);
	stalls(l, RUNQUEUE, 3, 0.15);
	loop_in(cache, "redis-server", 8, 0.3, 0.25, LOOP_BLOCKED_FILE, 0);
	f = expect_first(&situation, "loop_starved", "web", "batch");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	expect_words(
		f, "batch has the CPU that the event loop of node (pid 7) in web needs: it waits for 24 % of the time");
	expect_words(f, "ran for 0.20 s and waited 0.24 s for a CPU");
	expect_words(f, "event loops in 1 more container wait for it as well");
	expect_words(f, "docker update --cpu-shares 128 batch");
	/* Where the neighbour is the finding, for whomever, that is a consequence. */
	situation_gain(&situation, cache, CONTAINER_CPU_USAGE, 0.3);
	f = expect_first(&situation, "cpu_neighbour", "cache", "batch");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_string_equal(f->explains[0].rule, "loop_starved");
}

/* By its own threads: nobody else is named, and the container's own contention explains it. */
static void starved_by_itself(void **state)
{
	uint32_t web = box("web");
	const struct finding *f;

	(void)state;
	uses(web, 2, 0.45);
	situation_neighbour(&situation, web, web, 0.45);
	loop_in(web, "node", 7, 0.2, 0.2, LOOP_BLOCKED_FILE, 0);
	f = expect_first(&situation, "loop_starved", "web", "");
	expect_words(f, "threads of the same container have it");
	uses(web, 2, 3);
	situation.neighbours[1][0].v[NEIGHBOUR_WAIT] = 30e9;
	f = expect_first(&situation, "cpu_self_contention", "web", "");
	assert_string_equal(f->explains[0].rule, "loop_starved");
}

/* Among equals nobody is named; on a full machine the machine is the cause. */
static void starved_by_equals(void **state)
{
	uint32_t web = box("web"), other = box("other");
	const struct finding *f;

	(void)state;
	uses(web, 1, 2);
	uses(other, 1, 2);
	situation_neighbour(&situation, web, other, 0.5);
	loop_in(web, "node", 7, 0.2, 0.3, LOOP_BLOCKED_FILE, 0);
	f = expect_first(&situation, "loop_starved", "web", "");
	assert_int_equal(f->confidence, FINDING_MEDIUM);
	expect_words(f, "sysscope top --view neighbours --filter web");
	situation_host_gain(&situation, HOST_CPU_USAGE, 4);
	f = expect_first(&situation, "host_cpu_saturated", "", "");
	assert_string_equal(f->explains[0].rule, "loop_starved");
}

/* The quota is no neighbour: also not in the moments after a sleep, of which it is known only for the container. */
static void throttled_is_not_starved(void **state)
{
	uint32_t web = box("web"), batch = box("batch"), l = loop_in(web, "node", 7, 0.2, 0.5, LOOP_BLOCKED_FILE, 0);
	const struct finding *f;

	(void)state;
	uses(web, 0.2, 0.55);
	uses(batch, 3, 0);
	situation_neighbour(&situation, web, batch, 0.05);
	situation_gain(&situation, web, CONTAINER_THROTTLED_WAIT, 0.5);
	situation_loop_gain(&situation, l, LOOP_THROTTLED, 0.2);
	expect_nothing(&situation);
	/* Where the quota is the finding, stalls that come of it are said there, and computing in long pieces is explained. */
	situation.containers[1][web].v[CONTAINER_THROTTLED_RATIO] = 1;
	situation.containers[1][web].v[CONTAINER_CPU_LIMIT] = 0.2;
	stalls(l, THROTTLED, 8, 0.5);
	stalls(l, ONCPU, 5, 0.2);
	f = expect_first(&situation, "cpu_throttled", "web", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	expect_words(f, "the event loop of node (pid 7) stood still for 40 % of the time because of it");
	assert_string_equal(f->explains[0].rule, "loop_stall_cpu");
}

/* A loop that is nearly always at work waits a little on every machine, and an idle one a moment. */
static void starved_near(void **state)
{
	uint32_t cache = box("cache"), batch = box("batch");

	(void)state;
	uses(batch, 3, 0);
	loop_in(cache, "redis-server", 7, 0.75, 0.15, LOOP_BLOCKED_FILE, 0);
	loop_in(cache, "idle", 8, 0.01, 0.05, LOOP_BLOCKED_FILE, 0);
	situation_neighbour(&situation, cache, batch, 0.09);
	expect_nothing(&situation);
}

/* ---- loop_saturated ---- */

static void saturated(void **state)
{
	uint32_t cache = box("cache"), l = loop_in(cache, "redis-server", 7, 0.96, 0.03, LOOP_BLOCKED_FILE, 0.005);
	const struct finding *f;

	(void)state;
	situation_loop_gain(&situation, l, LOOP_ITERATIONS, 9000);
	f = expect_first(&situation, "loop_saturated", "cache", "");
	assert_int_equal(f->severity, FINDING_NOTICE);
	expect_words(f, "the event loop of redis-server (pid 7) in cache is full: iterations take 100 % of its time");
	expect_words(f, "9000 iterations a second of 0.11 ms each");
	/* With long iterations clients wait. */
	situation_loop_gain(&situation, l, LOOP_ITERATIONS, 20);
	assert_int_equal(expect_first(&situation, "loop_saturated", "cache", "")->severity, FINDING_WARNING);
}

/* A loop that is full does not accept: the queue is its consequence. */
static void saturated_does_not_accept(void **state)
{
	uint32_t cache = box("cache"), l = loop_in(cache, "redis-server", 7, 0.96, 0.03, LOOP_BLOCKED_FILE, 0.005);
	uint32_t port = situation_port(&situation, cache, "from", 6379);
	const struct finding *f;

	(void)state;
	situation_loop_gain(&situation, l, LOOP_ITERATIONS, 9000);
	for (int i = 0; i < 2; i++) {
		situation.ports[i][port].v[PORT_LISTENING] = 1;
		situation.ports[i][port].v[PORT_QUEUE] = 129;
		situation.ports[i][port].v[PORT_QUEUE_LIMIT] = 128;
		situation.ports[i][port].v[PORT_QUEUE_RATIO] = 129.0 / 128;
	}
	situation_port_gain(&situation, port, PORT_OVERFLOWS, 5);
	f = expect_first(&situation, "loop_saturated", "cache", "");
	assert_string_equal(f->explains[0].rule, "listen_overflow");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

static void saturated_near(void **state)
{
	uint32_t cache = box("cache");

	(void)state;
	loop_in(cache, "redis-server", 7, 0.9, 0.02, LOOP_BLOCKED_FILE, 0.02);
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[0].rule, "loop_saturated");
}

/* ---- loop_imbalance ---- */

static uint32_t worker(uint32_t container, uint32_t pid, double oncpu)
{
	uint32_t l = computing(container, "nginx", pid, oncpu);
	struct process_row *p = &situation.processes[1][situation.loops[1][l].process];

	p->model = "loop+workers";
	p->ppid = 99;
	return l;
}

static struct port_row port[2];

static void clients(uint32_t container, double established, double accepted)
{
	for (int i = 0; i < 2; i++) {
		port[i] = (struct port_row){.container = container, .port = 80, .direction = "from"};
		port[i].v[PORT_ESTABLISHED] = established;
		port[i].v[PORT_ACCEPTS] = i ? accepted : 0;
	}
	situation.before.ports = &port[0];
	situation.now.ports = &port[1];
	situation.before.n_ports = situation.now.n_ports = 1;
}

static void imbalance(void **state)
{
	uint32_t web = box("web");
	const struct finding *f;

	(void)state;
	worker(web, 100, 0.01);
	worker(web, 101, 0.97);
	worker(web, 102, 0.02);
	worker(web, 103, 0);
	clients(web, 40, 3);
	f = expect_first(&situation, "loop_imbalance", "web", "");
	assert_int_equal(f->severity, FINDING_WARNING);
	assert_int_equal(f->pid, 101);
	expect_words(f, "one of 4 event loops of nginx in web does the work: it is busy for 97 % of the time, the "
			"others for 1 %");
	expect_words(f, "its ports had 40 client connections");
	expect_words(f, "SO_REUSEPORT");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_string_equal(f->explains[0].rule, "loop_saturated");
	/* How many clients there are is not known: it may be one. */
	situation.before.n_ports = situation.now.n_ports = 0;
	f = expect_first(&situation, "loop_imbalance", "web", "");
	assert_int_equal(f->confidence, FINDING_MEDIUM);
}

static void imbalance_near(void **state)
{
	uint32_t web = box("web"), l;

	(void)state;
	l = worker(web, 101, 0.9);
	worker(web, 100, 0.01);
	worker(web, 102, 0.01);
	/* One client cannot be spread. */
	clients(web, 1, 0);
	expect_nothing(&situation);
	/* The others have a part. */
	clients(web, 40, 0);
	worker(web, 103, 0.4);
	expect_nothing(&situation);
	/* The busiest has time left. */
	situation_loop_gain(&situation, 3, LOOP_ONCPU, 0);
	situation_loop_gain(&situation, l, LOOP_ONCPU, 0.5);
	situation_loop_gain(&situation, l, LOOP_ASLEEP, 0.5);
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[0].rule, "loop_imbalance");
}

/* Servers of one name under one parent that share nothing, and the first thread of memcached beside its workers. */
static void imbalance_of_strangers(void **state)
{
	uint32_t web = box("web"), l;

	(void)state;
	for (uint32_t i = 0; i < 2; i++)
		situation.processes[1][situation.loops[1][worker(web, 100 + i, i ? 0.9 : 0)].process].model = "loop";
	clients(web, 40, 0);
	expect_nothing(&situation);
	situation_loop_gain(&situation, 1, LOOP_ONCPU, 0.1);
	l = computing(web, "memcached", 200, 0);
	situation.processes[1][situation.loops[1][l].process].model = "loops";
	l = situation_loop(&situation, situation.loops[1][l].process, 201);
	situation.loops[1][l].thread = "mc-worker";
	situation_loop_gain(&situation, l, LOOP_ONCPU, 0.9);
	situation_loop_gain(&situation, l, LOOP_ASLEEP, 0.1);
	expect_nothing(&situation);
	/* A second worker without work is another matter. */
	l = situation_loop(&situation, situation.loops[1][l].process, 202);
	situation.loops[1][l].thread = "mc-worker";
	situation_loop_gain(&situation, l, LOOP_ASLEEP, 1);
	expect_words(expect_first(&situation, "loop_imbalance", "web", ""),
		     "the busiest is memcached (pid 200, thread 201 mc-worker)");
}

/* ---- thundering_herd ---- */

static void herd_wakeups(uint32_t container, double events, double empty)
{
	situation_group_gain(&situation, container, "server", GROUP_LOOP_WAKEUPS_EVENTS, events);
	situation_group_gain(&situation, container, "server", GROUP_LOOP_WAKEUPS_EMPTY, empty);
}

static void herd(void **state)
{
	uint32_t web = box("web");
	const struct finding *f;

	(void)state;
	for (uint32_t i = 0; i < 8; i++)
		computing(web, "server", 100 + i, 0.05);
	herd_wakeups(web, 1000, 3000);
	f = expect_first(&situation, "thundering_herd", "web", "");
	assert_int_equal(f->severity, FINDING_NOTICE);
	expect_words(f, "the 8 event loops of server in web are woken for nothing in 75 % of their wakeups");
	expect_words(f, "3000 of 4000 wakeups a second found no event");
	expect_words(f, "EPOLLEXCLUSIVE");
	herd_wakeups(web, 4000, 12000);
	assert_int_equal(expect_first(&situation, "thundering_herd", "web", "")->severity, FINDING_WARNING);
}

static void herd_near(void **state)
{
	uint32_t web = box("web");

	(void)state;
	computing(web, "server", 100, 0.05);
	herd_wakeups(web, 1000, 3000);
	/* Nobody else could have been woken for the same. */
	expect_nothing(&situation);
	computing(web, "server", 101, 0.05);
	herd_wakeups(web, 8000, 2000);
	expect_nothing(&situation);
	herd_wakeups(web, 100, 400);
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[0].rule, "thundering_herd");
}

/* ---- busy_poll ---- */

static void busy_poll(void **state)
{
	uint32_t feed = box("feed"), l = computing(feed, "feed", 7, 1);
	const struct finding *f;

	(void)state;
	situation_loop_gain(&situation, l, LOOP_POLLS, 400000);
	situation_loop_gain(&situation, l, LOOP_ITERATIONS, 400000);
	situation_process_gain(&situation, 0, PROCESS_CPU_USAGE, 1);
	situation.now.v[HOST_CPU_CORES] = 1;
	f = expect_first(&situation, "busy_poll", "feed", "");
	assert_int_equal(f->severity, FINDING_NOTICE);
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_string_equal(f->explains[0].rule, "cpu_single_thread");
	expect_words(f, "spins: it uses 1.00 CPU to ask for events and finds none");
	expect_words(f, "400000 times a second with a timeout of 0; at least 99.9 % find nothing");
	expect_words(f, "2.5 us of CPU time from one poll to the next");
	/* Where others wait for the CPU it is a warning. */
	uses(box("web"), 3, 3);
	situation_host_gain(&situation, HOST_CPU_USAGE, 4);
	situation_judge(&situation);
	for (size_t i = 0; i < situation.diagnosis.findings.n; i++)
		if (strcmp(situation.diagnosis.findings.all[i].rule, "busy_poll") == 0)
			assert_int_equal(situation.diagnosis.findings.all[i].severity, FINDING_WARNING);
}

/* Node.js that works in pieces between polls is full, and one whose polls find something has work. */
static void busy_poll_near(void **state)
{
	uint32_t api = box("api"), l = computing(api, "node", 7, 1);

	(void)state;
	situation_loop_gain(&situation, l, LOOP_POLLS, 2000);
	situation_loop_gain(&situation, l, LOOP_ITERATIONS, 2000);
	expect_first(&situation, "loop_saturated", "api", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	situation_loop_gain(&situation, l, LOOP_POLLS, 100000);
	situation_loop_gain(&situation, l, LOOP_ITERATIONS, 100000);
	situation_loop_gain(&situation, l, LOOP_EVENTS, 50000);
	expect_first(&situation, "loop_saturated", "api", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

/* ---- what cannot be judged ---- */

static bool is_loop_rule(const char *name)
{
	return strncmp(name, "loop_", 5) == 0 || strcmp(name, "busy_poll") == 0 || strcmp(name, "thundering_herd") == 0;
}

static size_t loop_rules_unjudged(const char *reason)
{
	size_t n = 0;

	for (size_t i = 0; i < situation.diagnosis.findings.n_unjudged; i++)
		n += is_loop_rule(situation.diagnosis.findings.unjudged[i].rule) &&
		     strstr(situation.diagnosis.findings.unjudged[i].reason, reason);
	return n;
}

static void collectors_off(void **state)
{
	(void)state;
	situation_collector_off(&situation, "epoll");
	situation_judge(&situation);
	assert_int_equal(loop_rules_unjudged("collector epoll is off"), 7);
	situation_collector_off(&situation, "sched");
	situation_judge(&situation);
	assert_int_equal(loop_rules_unjudged(" is off"), 7);
}

/* The hook `sched` of epoll knows sleep only. */
static void iterations_unknown(void **state)
{
	uint32_t l = computing(box("web"), "node", 7, 0.5);

	(void)state;
	for (int i = 0; i < 2; i++)
		for (int m = 0; m < LOOP_METRICS; m++)
			if (m != LOOP_ASLEEP && m != LOOP_UTILIZATION)
				situation.loops[i][l].v[m] = VALUE_ABSENT;
	expect_nothing(&situation);
	assert_int_equal(loop_rules_unjudged("does not see iterations"), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		situation_test(healthy),
		situation_test(stall_cpu),
		situation_test(stall_cpu_near),
		situation_test(stall_under_way),
		situation_test(stall_of_several),
		situation_test(stall_blocked),
		situation_test(stall_blocked_near),
		situation_test(thrash_explains_faults),
		situation_test(starved),
		situation_test(starved_by_itself),
		situation_test(starved_by_equals),
		situation_test(throttled_is_not_starved),
		situation_test(starved_near),
		situation_test(saturated),
		situation_test(saturated_does_not_accept),
		situation_test(saturated_near),
		situation_test(imbalance),
		situation_test(imbalance_near),
		situation_test(imbalance_of_strangers),
		situation_test(herd),
		situation_test(herd_near),
		situation_test(busy_poll),
		situation_test(busy_poll_near),
		situation_test(collectors_off),
		situation_test(iterations_unknown),
	};

	return cmocka_run_group_tests_name("diagnose_loops", tests, NULL, NULL);
}
