/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_concurrency.c - which concurrency model the evidence shows: tables of what real programs look like, idle and under
 * load, with and without knowing who listens; and through the whole model, from a sample to the sentences.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "concurrency/concurrency.h"
#include "lib/model_scene.h"

#define EPOLL	SS_WAIT_EPOLL
#define POLL	SS_WAIT_POLL
#define FUTEX	SS_WAIT_FUTEX
#define NETWORK SS_WAIT_NETWORK
#define OTHER	SS_WAIT_OTHER

/* ---- one process by itself ---- */

struct one {
	const char *what;
	const char *verdict;
	struct concurrency_evidence f;
};

static const struct one ones[] = {
	{"a shell", "single", {.threads = 1, .leader = SS_WAIT_CHILD}},
	{"a spinner, at the second look", "single", {.threads = 1, .awake = 1, .leader = CONCURRENCY_AWAKE}},
	{"Redis with its helpers, each of its own name",
	 "loop",
	 {.threads = 5, .loops = 1, .pool = 1, .classes[FUTEX] = 4}},
	{"a loop of one thread", "loop", {.threads = 1, .loops = 1, .leader_loops = true}},
	{"Node.js before its first file", "loop+pool", {.threads = 7, .loops = 2, .pool = 5, .classes[FUTEX] = 5}},
	{"Node.js, all of libuv's threads", "loop+pool", {.threads = 11, .loops = 2, .pool = 9, .classes[FUTEX] = 9}},
	{"Node.js, its pool at work in files",
	 "loop+pool",
	 {.threads = 11, .loops = 2, .pool = 5, .classes[FUTEX] = 5, .classes[SS_WAIT_FILE] = 4}},
	{"libuv alone", "loop+pool", {.threads = 5, .loops = 1, .pool = 4, .classes[FUTEX] = 4}},
	{"memcached",
	 "loops",
	 {.threads = 10, .loops = 5, .pool = 1, .classes[FUTEX] = 4, .instances = 5, .sharing = 1}},
	{"memcached with one worker", "loops", {.threads = 6, .loops = 2, .pool = 1, .classes[FUTEX] = 3}},
	{"Envoy with one pool or another", "loops", {.threads = 12, .loops = 5, .pool = 4, .classes[FUTEX] = 7}},
	{"threads that all live in one instance", "loops", {.threads = 8, .loops = 8, .instances = 1, .sharing = 8}},
	{"Go, idle", "m:n", {.threads = 5, .loops = 1, .pool = 4, .catches_all = true}},
	{"Go, all of its threads in locks", "m:n", {.threads = 5, .pool = 4, .catches_all = true}},
	{"Go, seen taking turns", "m:n", {.threads = 5, .loops = 2, .instances = 1, .sharing = 4, .turns = true}},
	{"Tokio, idle", "m:n", {.threads = 5, .loops = 1, .pool = 3, .pool_loops = true}},
	{"one thread that catches all signals", "single", {.threads = 1, .catches_all = true}},
	{"a thread per connection", "threads", {.threads = 4, .classes[NETWORK] = 4}},
	{"a thread per connection, taken in by a loop", "threads", {.threads = 6, .loops = 1, .classes[NETWORK] = 5}},
	{"a thread per connection, and none now", "threads", {.threads = 1, .had_threads = true, .listeners = 1}},
	{"one thread, helped by others before", "single", {.threads = 1, .had_threads = true}},
	{"a pool without a loop", "threads", {.threads = 9, .pool = 8, .classes[FUTEX] = 8, .classes[POLL] = 1}},
};

static void test_process(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ones) / sizeof(ones[0]); i++) {
		struct concurrency c = {.known = true, .evidence = ones[i].f};
		const char *saw = concurrency_name(concurrency_of_process(&c));

		if (strcmp(saw, ones[i].verdict) != 0)
			fail_msg("%s: saw %s, true is %s", ones[i].what, saw, ones[i].verdict);
		c.known = false;
		assert_int_equal(concurrency_of_process(&c), CONCURRENCY_UNKNOWN);
	}
}

/* ---- trees ---- */

#define LOOP_LISTENS                                                      \
	{                                                                 \
		.threads = 1, .loops = 1, .leader = EPOLL, .listeners = 1 \
	}
#define LOOP_SLEEPY                                                                      \
	{                                                                                \
		.threads = 1, .loops = 1, .leader = EPOLL, .listeners = 1, .blocking = 1 \
	}
#define LOOP_WITHOUT                                      \
	{                                                 \
		.threads = 1, .loops = 1, .leader = EPOLL \
	}
#define LOOPS_LISTEN                                                      \
	{                                                                 \
		.threads = 2, .loops = 2, .leader = EPOLL, .listeners = 1 \
	}
#define ACCEPTS                                                                                              \
	{                                                                                                    \
		.threads = 1, .leader = NETWORK, .listeners = 1, .blocking = 1, .accepting = 1, .idle = true \
	}
#define SERVES                                                                 \
	{                                                                      \
		.threads = 1, .leader = NETWORK, .listeners = 1, .blocking = 1 \
	}
#define LOCKED                                                              \
	{                                                                   \
		.threads = 1, .leader = FUTEX, .listeners = 2, .idle = true \
	}
#define SPINS                                                                                        \
	{                                                                                            \
		.threads = 1, .awake = 1, .leader = CONCURRENCY_AWAKE, .listeners = 1, .blocking = 1 \
	}
#define SUPERVISES                                            \
	{                                                     \
		.threads = 1, .leader = OTHER, .listeners = 1 \
	}
#define POLLS                                                \
	{                                                    \
		.threads = 1, .leader = POLL, .listeners = 2 \
	}
#define NODE                                                         \
	{                                                            \
		.threads = 7, .loops = 2, .leader = EPOLL, .pool = 5 \
	}

struct tree {
	const char *what;
	const char *known, *unknown;	  /* the verdict with and without knowing who listens; "": none of its own */
	struct concurrency_evidence head; /* without threads: brothers, whose parent is no part of it */
	struct concurrency_evidence workers[4];
	uint32_t n;
};

static const struct tree trees[] = {
	{"nginx", "loop+workers", "loop+workers", SUPERVISES, {LOOP_LISTENS, LOOP_LISTENS, LOOP_WITHOUT}, 3},
	{"nginx with one worker", "loop+workers", "loop+workers", SUPERVISES, {LOOP_LISTENS}, 1},
	{"Apache prefork, idle", "prefork", "prefork", POLLS, {ACCEPTS, ACCEPTS, ACCEPTS}, 3},
	{"Apache prefork, busy", "prefork", "prefork", POLLS, {ACCEPTS, SERVES, SERVES}, 3},
	{"Apache prefork, some never asleep", "prefork", "prefork", POLLS, {SERVES, SERVES, SPINS}, 3},
	{"Apache prefork with two ports: one in epoll, the others wait for their turn",
	 "prefork",
	 "",
	 POLLS,
	 {LOOP_LISTENS, LOCKED, LOCKED},
	 3},
	{"prefork in epoll, with a socket in which one can sleep",
	 "prefork",
	 "prefork",
	 POLLS,
	 {LOOP_SLEEPY, LOOP_SLEEPY},
	 2},
	{"Apache event",
	 "loop+workers",
	 "loop+workers",
	 POLLS,
	 {{.threads = 27, .loops = 1, .leader = FUTEX, .pool = 25, .listeners = 1},
	  {.threads = 27, .loops = 1, .leader = FUTEX, .pool = 25, .listeners = 1}},
	 2},
	{"PHP-FPM, idle", "prefork", "prefork", LOOP_LISTENS, {ACCEPTS, ACCEPTS, ACCEPTS, ACCEPTS}, 4},
	{"PHP-FPM, no worker idle", "prefork", "prefork", LOOP_LISTENS, {SERVES, SERVES, SERVES, SERVES}, 4},
	{"PostgreSQL 15", "prefork", "prefork", POLLS, {LOOP_WITHOUT, LOOP_WITHOUT, LOOP_WITHOUT}, 3},
	{"PostgreSQL 16, whose parent waits in epoll, too",
	 "prefork",
	 "prefork",
	 LOOP_LISTENS,
	 {LOOP_WITHOUT, LOOP_WITHOUT, LOOP_WITHOUT},
	 3},
	{"cluster of Node.js, idle and busy",
	 "loop+workers",
	 "loop+workers",
	 {.threads = 11, .loops = 2, .leader = EPOLL, .pool = 5, .listeners = 1},
	 {NODE, NODE},
	 2},
	{"haproxy -W", "loops", "loops", LOOP_WITHOUT, {LOOPS_LISTEN}, 1},
	{"haproxy -W with one thread", "loop", "loop", LOOP_WITHOUT, {LOOP_LISTENS}, 1},
	{"a shell and its subshells",
	 "",
	 "",
	 {.threads = 1, .leader = SS_WAIT_CHILD},
	 {{.threads = 1, .leader = SS_WAIT_PIPE}, {.threads = 1, .leader = SS_WAIT_CHILD}},
	 2},
	{"brothers of another's", "loop+workers", "loop+workers", {}, {LOOP_LISTENS, LOOP_LISTENS}, 2},
};

static enum concurrency_verdict tree_verdict(const struct tree *row, bool known)
{
	struct concurrency_tree t = {.headless = !row->head.threads};

	for (uint32_t i = 0; i < row->n; i++) {
		struct concurrency c = {.known = true, .evidence = row->workers[i]};

		if (!known)
			c.evidence.listeners = c.evidence.blocking = 0;
		concurrency_add_worker(&t, &c, 0);
	}
	return concurrency_of_tree(&t, !row->head.threads ? NULL : &row->head, known);
}

static void test_tree(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
		const char *saw = concurrency_name(tree_verdict(&trees[i], true));

		if (strcmp(saw, trees[i].known) != 0)
			fail_msg("%s: saw %s, true is %s", trees[i].what, saw, trees[i].known);
		saw = concurrency_name(tree_verdict(&trees[i], false));
		if (strcmp(saw, trees[i].unknown) != 0)
			fail_msg("%s, not known who listens: saw %s, should be %s", trees[i].what, saw,
				 trees[i].unknown);
	}
}

/* A tree without workers, and one of which nothing was seen yet. */
static void test_tree_unseen(void **state)
{
	struct concurrency_evidence head = SUPERVISES;
	struct concurrency c = {.evidence = SPINS};
	struct concurrency_tree t = {};

	(void)state;
	assert_int_equal(concurrency_of_tree(&t, &head, true), CONCURRENCY_UNKNOWN);
	concurrency_add_worker(&t, &c, 0);
	assert_int_equal(concurrency_of_tree(&t, &head, true), CONCURRENCY_UNKNOWN);
}

/* ---- from a sample ---- */

static struct ss_socket_owner listeners[64];

static void listen_on(struct scene *s, uint32_t pid, uint64_t inode, uint32_t port, bool nonblocking)
{
	s->sample.socket_owners = listeners;
	s->sample.socket_owners_ns = s->sample.boot_ns;
	listeners[s->sample.n_socket_owners++] = (struct ss_socket_owner){.process_start_ns = 5000000000ULL + pid,
									  .inode = inode,
									  .tgid = pid,
									  .port = port,
									  .family = 2,
									  .nonblocking = nonblocking};
}

/* A connection that came by that port, or by the UNIX socket of that address. */
static void connect_to(struct scene *s, uint32_t pid, uint64_t inode, uint32_t port, uint64_t address)
{
	listen_on(s, pid, inode, port, false);
	listeners[s->sample.n_socket_owners - 1].connected = 1;
	listeners[s->sample.n_socket_owners - 1].address = address;
}

/* Asleep for a second, in `class`. */
static struct ss_thread_record *sleeps(struct scene *s, struct ss_thread_record *r, unsigned int class)
{
	struct ss_waits *w = scene_waits(s, SS_BLOCK_WAITS);

	r->mark = ss_mark_make(1000, ss_mark_with_class(SS_MARK_BLOCKED, class));
	r->blocks = SS_BLOCK_WAITS;
	r->open_blocked_ns = 970000000;
	w->blocked_ns[SS_WAIT_FILE] = 30000000;
	return r;
}

static struct ss_thread_record *process(struct scene *s, uint32_t pid, uint32_t ppid, const char *comm,
					unsigned int class)
{
	struct ss_thread_record *r = scene_process(s, pid, 10, comm, 1000);

	r->ppid = ppid;
	return sleeps(s, r, class);
}

static struct ss_thread_record *thread(struct scene *s, uint32_t tid, const char *comm, unsigned int class)
{
	struct ss_thread_record *r = scene_process(s, tid, 10, comm, 1000), *leader = r - 1;

	while (!(leader->flags & SS_THREAD_LEADER))
		leader--;
	r->flags &= ~(__u32)SS_THREAD_LEADER;
	r->tgid = leader->tgid;
	r->process_start_ns = leader->process_start_ns;
	return sleeps(s, r, class);
}

static struct model *begin(struct scene *s)
{
	scene_init(s);
	scene_cgroup(s, 1, 0, "/", HOME_HOST, "host");
	scene_cgroup(s, 10, 1, "/docker/x", HOME_CONTAINER, "web");
	scene_cgroup(s, 11, 1, "/docker/y", HOME_CONTAINER, "db");
	return model_new();
}

static const struct snapshot *update(struct model *m, struct scene *s)
{
	assert_int_equal(model_update(m, &s->sample), 0);
	return model_snapshot(m);
}

static const struct process_row *row(const struct snapshot *s, uint32_t pid)
{
	for (size_t i = 0; i < s->n_processes; i++)
		if (s->processes[i].pid == pid)
			return &s->processes[i];
	fail_msg("no process %u", pid);
	return NULL;
}

static void expect_model(const struct snapshot *s, uint32_t pid, const char *model)
{
	const char *saw = row(s, pid)->model ?: "not known";

	if (strcmp(saw, model) != 0)
		fail_msg("pid %u: saw %s, true is %s", pid, saw, model);
}

static bool says(const struct concurrency_lines *l, const char *text)
{
	for (size_t i = 0; i < l->n; i++)
		if (strstr(l->line[i], text))
			return true;
	return false;
}

static void expect_reason(const struct snapshot *s, uint32_t pid, const char *text)
{
	struct concurrency_lines l;

	concurrency_reasons(row(s, pid), &l);
	assert_in_range(l.n, 1, MODEL_LINES);
	if (!says(&l, text))
		fail_msg("pid %u: saw \"%s\", \"%s\" ..., true is \"%s\"", pid, l.line[0], l.n > 1 ? l.line[1] : "",
			 text);
}

/* An event loop with four workers that share its socket, and a stranger of the same name in another container. */
static void test_sample_workers(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;
	struct concurrency_lines l;

	(void)state;
	process(&s, 100, 1, "nginx", OTHER);
	listen_on(&s, 100, 77, 8080, true);
	for (uint32_t pid = 101; pid <= 104; pid++) {
		process(&s, pid, 100, "nginx", EPOLL);
		listen_on(&s, pid, 77, 8080, true);
	}
	process(&s, 200, 100, "nginx", EPOLL)->cgroup_id = 11;
	/* One script that starts two servers of its own name: no tree. */
	process(&s, 300, 1, "python3", SS_WAIT_CHILD);
	process(&s, 301, 300, "python3", EPOLL);
	process(&s, 302, 300, "python3", EPOLL);
	listen_on(&s, 301, 78, 9001, true);
	listen_on(&s, 302, 79, 9002, true);
	process(&s, 400, 1, "sleep", SS_WAIT_SLEEP);
	process(&s, 401, 1, "frozen", SS_WAIT_SLEEP)->flags |= SS_THREAD_STOPPED;
	p = update(m, &s);
	expect_reason(p, 400, "1 thread, 97 % of its sleep in nanosleep");
	expect_reason(p, 401, "1 thread, stopped or frozen");
	expect_model(p, 100, "loop+workers");
	expect_model(p, 104, "loop+workers");
	expect_model(p, 200, "loop");
	expect_model(p, 300, "single");
	expect_model(p, 301, "loop");
	expect_reason(p, 100, "4 of them share the listening socket :8080");
	expect_reason(p, 104, "each: 1 thread, 97 % of its sleep in epoll");
	assert_true(row(p, 101)->v[PROCESS_MODEL_WORKERS] == 4);
	assert_true(value_absent(row(p, 101)->v[PROCESS_MODEL_IDLE]));

	/* One of them does three times the work of the others: 3 / 1.5. */
	scene_tick(&s, 1);
	s.threads[1].used.exec_ns += 300000000;
	for (int i = 2; i < 5; i++)
		s.threads[i].used.exec_ns += 100000000;
	p = update(m, &s);
	assert_true(fabs(row(p, 101)->v[PROCESS_MODEL_IMBALANCE] - 2) < 1e-9);
	concurrency_health(row(p, 101), &l);
	assert_true(says(&l, "the busiest of 4 worker processes does 2.00 times the work of the mean"));
	model_free(m);
}

/* Children that accept: how many are idle, and that none is. The same without knowing who listens. */
static void test_sample_prefork(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;
	struct concurrency_lines l;

	(void)state;
	process(&s, 100, 1, "php-fpm8.2", EPOLL);
	listen_on(&s, 100, 77, 0, false);
	for (uint32_t pid = 101; pid <= 103; pid++) {
		process(&s, pid, 100, "php-fpm8.2", NETWORK)->flags |= SS_THREAD_FORKED | SS_THREAD_ACCEPTS;
		listen_on(&s, pid, 77, 0, false);
	}
	p = update(m, &s);
	expect_model(p, 100, "prefork");
	expect_model(p, 102, "prefork");
	expect_reason(p, 102, "3 of 3 wait for a connection in accept");
	assert_true(row(p, 100)->v[PROCESS_MODEL_IDLE] == 3);
	for (int i = 1; i <= 3; i++)
		s.threads[i].flags &= ~(__u32)SS_THREAD_ACCEPTS;
	scene_tick(&s, 1);
	p = update(m, &s);
	expect_model(p, 102, "prefork");
	assert_true(row(p, 100)->v[PROCESS_MODEL_IDLE] == 0);
	concurrency_health(row(p, 100), &l);
	assert_true(says(&l, "exhausted: none of 3 worker processes"));
	model_free(m);

	m = begin(&s);
	process(&s, 100, 1, "php-fpm8.2", EPOLL);
	process(&s, 101, 100, "php-fpm8.2", NETWORK);
	process(&s, 102, 100, "php-fpm8.2", NETWORK);
	p = update(m, &s);
	expect_model(p, 101, "prefork");
	expect_reason(p, 101, "who listens is not known");
	assert_true(value_absent(row(p, 100)->v[PROCESS_MODEL_IDLE]));
	concurrency_health(row(p, 100), &l);
	assert_int_equal(l.n, 0);
	model_free(m);

	/* Made for their connections, as PostgreSQL's. */
	m = begin(&s);
	process(&s, 100, 1, "postgres", POLL);
	listen_on(&s, 100, 77, 5432, false);
	listen_on(&s, 100, 78, 0, false);
	listeners[1].address = 0xabc;
	for (uint32_t pid = 101; pid <= 106; pid++)
		process(&s, pid, 100, "postgres", EPOLL);
	p = update(m, &s);
	expect_model(p, 101, "prefork");
	assert_true(value_absent(row(p, 100)->v[PROCESS_MODEL_IDLE]));
	assert_true(row(p, 100)->v[PROCESS_MODEL_WORKERS] == 0);
	concurrency_health(row(p, 100), &l);
	assert_true(says(&l, "no worker process now: one is made for each connection"));
	expect_reason(p, 100, "6 of them have no connection from there: no workers");

	/* By its port and by its path; the others' are connections to elsewhere, from another port or another path. */
	connect_to(&s, 102, 81, 5432, 0);
	connect_to(&s, 103, 82, 0, 0xabc);
	connect_to(&s, 104, 83, 40000, 0);
	connect_to(&s, 105, 84, 0, 0xdef);
	scene_tick(&s, 1);
	s.sample.socket_owners_ns++;
	p = update(m, &s);
	expect_model(p, 105, "prefork");
	assert_true(row(p, 100)->v[PROCESS_MODEL_WORKERS] == 2);
	concurrency_health(row(p, 100), &l);
	assert_true(says(&l, "2 worker processes, made as connections come: none has to wait for a free one"));
	model_free(m);
}

/* Waiting in poll or epoll is waiting for work if it is at a listening socket, and serving a client otherwise. */
static void test_sample_idle(void **state)
{
	static const unsigned int classes[] = {POLL, POLL, EPOLL, EPOLL, NETWORK};
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;

	(void)state;
	process(&s, 100, 1, "gunicorn", POLL);
	listen_on(&s, 100, 77, 80, false);
	for (uint32_t i = 0; i < 5; i++) {
		struct ss_thread_record *r = process(&s, 101 + i, 100, "gunicorn", classes[i]);

		r->flags |= SS_THREAD_FORKED | (i == 0 || i == 2 ? SS_THREAD_LISTENS : 0);
		listen_on(&s, 101 + i, 77, 80, false);
	}
	p = update(m, &s);
	expect_model(p, 101, "prefork");
	assert_true(row(p, 100)->v[PROCESS_MODEL_WORKERS] == 5);
	assert_true(row(p, 100)->v[PROCESS_MODEL_IDLE] == 2);
	expect_reason(p, 101, "2 of 5 wait for a connection at a listening socket");
	model_free(m);
}

/* A backend asleep in epoll that has computed for long before; a stall of it comes with the sample. */
static void backend(struct scene *s, uint32_t pid, uint32_t ppid)
{
	struct sample_loop *l;

	process(s, pid, ppid, "postgres", EPOLL);
	l = scene_loop(s, SS_LOOP_WAITING, 900000000);
	l->loop.waits = 10;
	l->loop.iterations = 9;
	l->loop.stalls[SS_STALL_ONCPU] = 1;
	scene_stall(s, pid, 1000);
}

/* Nobody waits behind one that serves one connection: its parent alone is a loop. */
static void test_sample_one_each(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;
	double stalls = -1;

	(void)state;
	backend(&s, 100, 1);
	backend(&s, 101, 100);
	backend(&s, 102, 100);
	listen_on(&s, 100, 77, 5432, false);
	p = update(m, &s);
	expect_model(p, 101, "prefork");
	model_free(m);
	/* Seen once, and then new counters: the second update knows the verdict. */
	m = model_new();
	s.sample.n_stalls = 0;
	for (size_t i = 0; i < s.sample.n_loops; i++)
		s.loops[i].loop.stalls[SS_STALL_ONCPU] = 0;
	update(m, &s);
	scene_tick(&s, 1);
	for (size_t i = 0; i < s.sample.n_loops; i++)
		s.loops[i].loop.stalls[SS_STALL_ONCPU] = 1;
	s.sample.n_stalls = 3;
	p = update(m, &s);
	assert_int_equal(p->n_loops, 1);
	assert_int_equal(p->processes[p->loops[0].process].pid, 100);
	assert_int_equal(p->n_stalls, 1);
	assert_int_equal(p->stalls[0].pid, 100);
	for (size_t i = 0; i < p->n_groups; i++)
		if (strcmp(p->groups[i].comm, "postgres") == 0)
			stalls = p->groups[i].v[GROUP_LOOP_STALLS_ONCPU];
	assert_true(stalls == 1);
	model_free(m);
}

static void threads_add(struct scene *s, uint32_t tid, uint32_t n, const char *comm, unsigned int class)
{
	for (uint32_t i = 0; i < n; i++)
		thread(s, tid + i, comm, class);
}

static void expect_pool(const struct snapshot *p, double workers, double idle, const char *reason, const char *health)
{
	struct concurrency_lines l;

	expect_model(p, 100, "loop+pool");
	expect_reason(p, 100, reason);
	assert_true(row(p, 100)->v[PROCESS_MODEL_WORKERS] == workers);
	assert_true(idle < 0 ? value_absent(row(p, 100)->v[PROCESS_MODEL_IDLE])
			     : row(p, 100)->v[PROCESS_MODEL_IDLE] == idle);
	concurrency_health(row(p, 100), &l);
	if (health && !says(&l, health))
		fail_msg("saw \"%s\", true is \"%s\"", l.n ? l.line[0] : "", health);
}

/* As Node.js names its threads in 26 and in 20: its own wait for work, while all of the program's pool open a FIFO. */
static void test_sample_node(void **state)
{
	static const char *const names[][5] = {
		{"node-MainThread", "DelayedTaskSche", "node-V8Worker", "SignalInspector", "libuv-worker"},
		{"node", "DelayedTaskSche", "node", "node", "libuv-worker"},
		{"node", "node", "node", "node", "node"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct scene s;
		struct model *m = begin(&s);
		char reason[64];

		process(&s, 100, 1, names[i][0], EPOLL);
		threads_add(&s, 101, 1, names[i][1], EPOLL);
		threads_add(&s, 102, 4, names[i][2], FUTEX);
		threads_add(&s, 106, 1, names[i][3], FUTEX);
		expect_pool(update(m, &s), 0, -1, "makes a pool of threads at the first use", NULL);
		threads_add(&s, 200, 4, names[i][4], SS_WAIT_FILE);
		scene_tick(&s, 1);
		snprintf(reason, sizeof(reason), "4 threads named %s are all at work", names[i][4]);
		expect_pool(update(m, &s), 4, 0, reason, "exhausted: none of 4 threads");
		expect_reason(model_snapshot(m), 100, "6 more threads are of its runtime's own");
		model_free(m);
	}
}

/* With worker threads it is several loops, which share the pool: that it is used up is said as well. */
static void test_sample_node_workers(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	struct concurrency_lines l;

	(void)state;
	process(&s, 100, 1, "node-MainThread", EPOLL);
	thread(&s, 101, "DelayedTaskSche", EPOLL);
	threads_add(&s, 102, 4, "node-V8Worker", FUTEX);
	thread(&s, 107, "job-0", EPOLL);
	thread(&s, 108, "job-1", EPOLL);
	threads_add(&s, 110, 4, "libuv-worker", SS_WAIT_FILE);
	update(m, &s);
	expect_model(model_snapshot(m), 100, "loops");
	assert_true(row(model_snapshot(m), 100)->v[PROCESS_MODEL_WORKERS] == 3);
	concurrency_health(row(model_snapshot(m), 100), &l);
	assert_true(says(&l, "its pool is exhausted: none of 4 threads named libuv-worker waits for work"));
	model_free(m);
}

/* A pool that no name tells: once seen waiting it stays one. C1 and C2 are two names. */
static void test_sample_pool_used_up(void **state)
{
	struct scene s;
	struct model *m = begin(&s);

	(void)state;
	process(&s, 100, 1, "server", EPOLL);
	for (uint32_t i = 0; i < 3; i++) {
		char name[SS_COMM_LEN];

		snprintf(name, sizeof(name), "job-%u", i + 9);
		thread(&s, 101 + i, name, FUTEX);
	}
	thread(&s, 110, "C1 worker", FUTEX);
	thread(&s, 111, "C2 worker", FUTEX);
	threads_add(&s, 120, 6, "GC Thread#0", FUTEX);
	threads_add(&s, 130, 2, "C2 CompilerThre", FUTEX);
	expect_pool(update(m, &s), 3, 3, "3 threads named job- mostly wait for work", "3 of 3 threads wait for work");
	for (int round = 0; round < 3; round++) {
		scene_tick(&s, 100);
		for (size_t i = 1; i <= 3; i++) {
			s.threads[i].mark = ss_mark_make(1000, ss_mark_with_class(SS_MARK_BLOCKED, SS_WAIT_PIPE));
			s.threads[i].open_blocked_ns = 100000000000;
		}
		expect_pool(update(m, &s), 3, 0, "3 threads named job- are all at work",
			    "exhausted: none of 3 threads");
	}
	model_free(m);
}

/* Python's resource tracker has its parent's name, and reads from a pipe. */
static void test_sample_helper(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;

	(void)state;
	process(&s, 100, 1, "python3", FUTEX);
	listen_on(&s, 100, 77, 80, false);
	process(&s, 101, 100, "python3", SS_WAIT_PIPE);
	for (uint32_t pid = 102; pid <= 104; pid++) {
		process(&s, pid, 100, "python3", EPOLL);
		listen_on(&s, pid, 77, 80, true);
	}
	/* One that listens on a socket of its own is none either: Apache's mod_cgid. */
	process(&s, 105, 100, "python3", NETWORK)->flags |= SS_THREAD_FORKED;
	listen_on(&s, 105, 99, 0, false);
	update(m, &s);
	scene_tick(&s, 1);
	for (size_t i = 2; i < 5; i++)
		s.threads[i].used.exec_ns += 100000000;
	p = update(m, &s);
	expect_model(p, 101, "loop+workers");
	expect_model(p, 103, "loop+workers");
	assert_true(row(p, 100)->v[PROCESS_MODEL_WORKERS] == 3);
	assert_true(fabs(row(p, 100)->v[PROCESS_MODEL_IMBALANCE] - 1) < 1e-9);
	expect_reason(p, 102, "3 sibling processes of one parent; 3 of them share the listening socket :80");
	expect_reason(p, 102, "2 more processes of the tree without that socket: no workers");
	model_free(m);
}

/* Born since the last look at who listens: told by its sleep alone, and not taken for a program that serves nobody. */
static void test_sample_young(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;

	(void)state;
	process(&s, 90, 1, "old", EPOLL);
	listen_on(&s, 90, 70, 80, true);
	s.sample.socket_owners_ns = 5000000095ULL;
	process(&s, 100, 1, "nginx", OTHER);
	process(&s, 101, 100, "nginx", EPOLL);
	process(&s, 102, 100, "nginx", EPOLL);
	p = update(m, &s);
	expect_model(p, 90, "loop");
	expect_model(p, 101, "loop+workers");
	expect_reason(p, 101, "who listens is not known");
	/* Looked at now: nobody of them does. */
	s.sample.socket_owners_ns = s.sample.boot_ns;
	p = update(m, &s);
	expect_model(p, 101, "loop");
	model_free(m);
}

/* Threads of one name, digits aside; helpers of several names; who catches all signals. */
static void test_sample_threads(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;

	(void)state;
	process(&s, 100, 1, "node", EPOLL);
	for (uint32_t tid = 101; tid <= 104; tid++)
		thread(&s, tid, tid < 103 ? "worker-1" : "worker-22", FUTEX);
	process(&s, 200, 1, "redis-server", EPOLL);
	thread(&s, 201, "bio_aof", FUTEX);
	thread(&s, 202, "bio_lazy_free", FUTEX);
	process(&s, 300, 1, "server", EPOLL)->flags |= SS_THREAD_CATCHES;
	thread(&s, 301, "server", FUTEX);
	thread(&s, 302, "server", FUTEX);
	process(&s, 400, 1, "memcached", EPOLL);
	thread(&s, 401, "mc-worker", EPOLL);
	process(&s, 500, 1, "rust", FUTEX);
	for (uint32_t tid = 501; tid <= 504; tid++)
		thread(&s, tid, "tokio-runtime-w", tid == 502 ? EPOLL : FUTEX);
	p = update(m, &s);
	expect_model(p, 100, "loop+pool");
	expect_reason(p, 100, "4 threads named worker- mostly wait for work in futex");
	assert_true(row(p, 100)->v[PROCESS_MODEL_IDLE] == 4);
	expect_model(p, 200, "loop");
	expect_model(p, 300, "m:n");
	expect_model(p, 400, "loops");
	expect_model(p, 500, "m:n");
	model_free(m);
}

/* Nothing is said of what nobody saw: no hooks, the first look at a thread that runs, kernel threads. */
static void test_sample_absent(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;
	struct concurrency_lines l;

	(void)state;
	scene_process(&s, 100, 10, "app", 1000);
	p = update(m, &s);
	assert_null(row(p, 100)->model);
	concurrency_reasons(row(p, 100), &l);
	assert_int_equal(l.n, 0);
	concurrency_health(row(p, 100), &l);
	assert_int_equal(l.n, 0);
	assert_true(value_absent(row(p, 100)->v[PROCESS_MODEL_WORKERS]));
	model_free(m);

	m = begin(&s);
	scene_process(&s, 100, 10, "app", 1000)->state = 'R';
	scene_waits(&s, SS_BLOCK_WAITS);
	process(&s, 200, 1, "kworker", SS_WAIT_KERNEL)->flags |= SS_THREAD_KERNEL;
	p = update(m, &s);
	assert_null(row(p, 100)->model);
	scene_tick(&s, 1);
	p = update(m, &s);
	expect_model(p, 100, "single");
	assert_null(row(p, 200)->model);
	model_free(m);
}

/* Parents that are their own children's children, and a chain that is long: no hang, no verdict that is not there. */
static void test_sample_circle(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;

	(void)state;
	process(&s, 100, 102, "a", OTHER);
	process(&s, 101, 100, "a", OTHER);
	process(&s, 102, 101, "a", OTHER);
	process(&s, 110, 110, "self", OTHER);
	for (uint32_t pid = 200; pid < 400; pid++)
		process(&s, pid, pid - 1, "chain", OTHER);
	p = update(m, &s);
	expect_model(p, 101, "single");
	expect_model(p, 110, "single");
	expect_model(p, 399, "single");
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_tree_unseen),
		cmocka_unit_test(test_sample_workers),
		cmocka_unit_test(test_sample_prefork),
		cmocka_unit_test(test_sample_idle),
		cmocka_unit_test(test_sample_helper),
		cmocka_unit_test(test_sample_one_each),
		cmocka_unit_test(test_sample_node),
		cmocka_unit_test(test_sample_node_workers),
		cmocka_unit_test(test_sample_pool_used_up),
		cmocka_unit_test(test_sample_threads),
		cmocka_unit_test(test_sample_young),
		cmocka_unit_test(test_sample_absent),
		cmocka_unit_test(test_sample_circle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
