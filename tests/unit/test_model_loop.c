/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_model_loop.c - what the model makes of event loops: who is one, how busy it was, where its time went, what of it stays
 * with its home when it ends, moves or becomes another program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/model_scene.h"
#include "base/util.h"

#define MS 1000000ULL
#define S  1000000000ULL

static const struct snapshot *update(struct model *m, struct scene *s)
{
	assert_int_equal(model_update(m, &s->sample), 0);
	return model_snapshot(m);
}

#define expect(seen, truth) expect_(#seen, seen, truth, __LINE__)
static void expect_(const char *what, double seen, double truth, int line)
{
	if (!(fabs(seen - truth) <= 1e-9 * fabs(truth) + 1e-12))
		fail_msg("line %d: %s: saw %.12g, true is %.12g", line, what, seen, truth);
}

static struct model *begin(struct scene *s)
{
	scene_init(s);
	scene_cgroup(s, 1, 0, "/", HOME_HOST, "host");
	scene_cgroup(s, 10, 1, "/docker/x", HOME_CONTAINER, "web");
	scene_cgroup(s, 11, 1, "/docker/y", HOME_CONTAINER, "db");
	return model_new();
}

static const struct group_row *group(const struct snapshot *s, const char *container, const char *comm)
{
	for (size_t i = 0; i < s->n_groups; i++)
		if (strcmp(s->containers[s->groups[i].container].name, container) == 0 &&
		    strcmp(s->groups[i].comm, comm) == 0)
			return &s->groups[i];
	return NULL;
}

/* The states of a group, but for stopped. */
static double group_time(const struct group_row *g)
{
	return g->v[GROUP_LOOP_ASLEEP] + g->v[GROUP_LOOP_ONCPU] + g->v[GROUP_LOOP_RUNQUEUE] + g->v[GROUP_LOOP_WAKING] +
	       g->v[GROUP_LOOP_BLOCKED];
}

/* Between two samples a second apart: what is under way at both, and what was finished between them. */
static void test_utilization(void **state)
{
	static const struct {
		const char *what;
		enum ss_loop_phase before, now;
		uint64_t before_ago, now_ago, wait_ns, iteration_ns, poll_ns;
		double want;
	} rows[] = {
		{"asleep all the time", SS_LOOP_WAITING, SS_LOOP_WAITING, 5 * S, 6 * S, 0, 0, 0, 0},
		{"busy all the time, one iteration", SS_LOOP_ITERATING, SS_LOOP_ITERATING, 5 * S, 6 * S, 0, 0, 0, 1},
		{"only polls", SS_LOOP_POLLING, SS_LOOP_POLLING, 0, 0, 0, 200 * MS, 800 * MS, 1},
		{"woke after 0.3 s, busy since", SS_LOOP_WAITING, SS_LOOP_ITERATING, S, 700 * MS, 1300 * MS, 0, 0, 0.7},
		{"went to sleep 0.4 s ago", SS_LOOP_ITERATING, SS_LOOP_WAITING, S, 400 * MS, 0, 1600 * MS, 0, 0.6},
		{"slept 0.9 s, finished", SS_LOOP_ITERATING, SS_LOOP_ITERATING, 0, 50 * MS, 900 * MS, 50 * MS, 0, 0.1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scene s;
		struct model *m = begin(&s);
		const struct snapshot *p;
		struct sample_loop *l;
		double seen;

		scene_process(&s, 7, 10, "node", 100);
		l = scene_loop(&s, rows[i].before, rows[i].before_ago);
		l->loop.waits = 10;
		p = update(m, &s);
		assert_int_equal(p->n_loops, 1);
		if (!value_absent(p->loops[0].v[LOOP_UTILIZATION]))
			fail_msg("%s: a rate in the first sample", rows[i].what);
		scene_tick(&s, 1);
		scene_loop_read(&s, l, rows[i].now, rows[i].now_ago);
		l->loop.waits = 20;
		l->loop.wait_ns = rows[i].wait_ns;
		l->loop.iteration_ns = rows[i].iteration_ns;
		l->loop.poll_ns = rows[i].poll_ns;
		seen = update(m, &s)->loops[0].v[LOOP_UTILIZATION];
		if (!(fabs(seen - rows[i].want) < 1e-9))
			fail_msg("%s: saw %g, true is %g", rows[i].what, seen, rows[i].want);
		model_free(m);
	}
}

/* By what it sleeps for; without the scheduler's hooks, by its waits alone. */
static void test_who_is_one(void **state)
{
	static const struct {
		const char *what;
		bool sched;
		uint64_t epoll_ns, futex_ns, wait_ns, iteration_ns, waits;
		size_t want;
	} rows[] = {
		{"sleeps in epoll", true, 9 * S, S, 9 * S, S, 5, 1},
		{"sleeps elsewhere", true, S, 9 * S, S, 9 * S, 5, 0},
		{"half and half", true, 5 * S, 5 * S, 5 * S, 5 * S, 5, 0},
		{"its first wait since before the agent", true, 0, 0, 0, 0, 0, 1},
		{"never sleeps", true, 0, 0, 0, 10 * S, 1000, 1},
		{"one poll and no sleep", true, 0, 0, 0, 10 * S, 1, 0},
		{"nothing known of its sleep", false, 0, 0, S, S, 5, 1},
		{"one wait ever", false, 0, 0, S, S, 1, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scene s;
		struct model *m = begin(&s);
		struct sample_loop *l;
		size_t seen;

		scene_process(&s, 7, 10, "app", 100);
		if (rows[i].sched) {
			struct ss_waits *w = scene_waits(&s, SS_BLOCK_WAITS);

			w->blocked_ns[SS_WAIT_EPOLL] = rows[i].epoll_ns;
			w->blocked_ns[SS_WAIT_FUTEX] = rows[i].futex_ns;
		}
		l = scene_loop(&s, rows[i].waits ? SS_LOOP_ITERATING : SS_LOOP_WAITING, rows[i].waits ? 0 : S);
		l->loop.waits = rows[i].waits;
		l->loop.wait_ns = rows[i].wait_ns;
		l->loop.iteration_ns = rows[i].iteration_ns;
		seen = update(m, &s)->n_loops;
		if (seen != rows[i].want)
			fail_msg("%s: saw %zu loops, true is %zu", rows[i].what, seen, rows[i].want);
		model_free(m);
	}
}

/* A process of `threads` threads, each with a loop in the same instance; the second is none by itself if `some_not`. */
static void shared_instance(struct scene *s, uint32_t pid, int threads, bool some_not, bool edge, bool in_turn)
{
	uint64_t then = s->sample.boot_ns - MS;

	for (int i = 0; i < threads; i++) {
		struct ss_thread_record *r = scene_process(s, pid + (uint32_t)i, 10, "go", 100);
		struct ss_waits *w = scene_waits(s, SS_BLOCK_WAITS);
		struct sample_loop *l = scene_loop(s, SS_LOOP_ITERATING, 0);

		r->tgid = pid;
		r->process_start_ns = 5000000000ULL + pid;
		if (i)
			r->flags &= ~(uint32_t)SS_THREAD_LEADER;
		w->blocked_ns[i == 1 && some_not ? SS_WAIT_FUTEX : SS_WAIT_EPOLL] = 10 * S;
		l->loop.instance = 0x77;
		/* In turn: whoever comes later came after the one before had gone. */
		l->loop.mark = ss_loop_mark_make(then + (uint64_t)i * 2, SS_LOOP_ITERATING);
		l->loop.instance_ns = in_turn ? then + (uint64_t)i * 2 - 1 : then - (uint64_t)i;
		l->loop.edge = edge;
		l->loop.waits = 100;
		l->loop.wait_ns = i == 1 && some_not ? 0 : 10 * S;
		l->loop.events = 50;
		l->loop.iterations = 99;
		l->loop.iteration_ns = 20 * S;
		l->loop.stalls[0] = 3;
	}
}

static void test_turns(void **state)
{
	static const struct {
		const char *what;
		int threads;
		bool some_not, edge, in_turn, go;
		size_t want;
		bool scheduler;
	} rows[] = {
		{"a pool of threads that live in one instance", 3, false, false, false, false, 3, false},
		{"for one of them it is not the main business", 3, true, false, false, false, 1, true},
		{"edge-triggered", 2, false, true, false, false, 1, true},
		{"edge-triggered, but alone in it", 1, false, true, false, false, 1, false},
		{"edge-triggered, but not at the same time", 2, false, true, true, false, 2, false},
		{"not the main business of one, but not at the same time", 2, true, false, true, false, 1, false},
		{"Go, which is idle: one of two is in epoll", 2, true, false, true, true, 1, true},
		{"Go with one thread", 1, false, false, false, true, 1, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scene s;
		struct model *m = begin(&s);
		const struct snapshot *p;
		const struct group_row *g;

		shared_instance(&s, 20, rows[i].threads, rows[i].some_not, rows[i].edge, rows[i].in_turn);
		if (rows[i].go)
			s.threads[0].flags |= SS_THREAD_CATCHES;
		p = update(m, &s);
		if (p->n_loops != rows[i].want || p->loops[0].scheduler != rows[i].scheduler)
			fail_msg("%s: saw %zu rows, true is %zu", rows[i].what, p->n_loops, rows[i].want);
		g = group(p, "web", "go");
		expect(g->v[GROUP_LOOP_EVENTS], 50 * rows[i].threads);
		/* Times between two waits of one of them are nobody's iterations. */
		assert_int_equal(value_absent(g->v[GROUP_LOOP_ITERATIONS]), rows[i].scheduler);
		assert_int_equal(value_absent(g->v[GROUP_LOOP_ONCPU]), rows[i].scheduler);
		assert_int_equal(value_absent(p->loops[0].v[LOOP_STALLS]), rows[i].scheduler);
		if (rows[i].scheduler) {
			assert_int_equal(p->loops[0].threads, rows[i].threads);
			assert_int_equal(p->loops[0].tid, 20);
			expect(p->loops[0].v[LOOP_WAITS], 100 * rows[i].threads);
			assert_true(value_absent(p->loops[0].v[LOOP_UTILIZATION]));
		}
		/* Seen once, it stays, also when only one of them is in epoll for a while. */
		s.sample.n_loops = 1;
		scene_tick(&s, 1);
		p = update(m, &s);
		assert_int_equal(p->n_loops, 1);
		assert_int_equal(p->loops[0].scheduler, rows[i].scheduler);
		model_free(m);
	}
}

static void loop_fill(struct ss_loop *l, uint64_t n)
{
	l->waits = 10 * n;
	l->polls = 4 * n;
	l->timeouts = 2 * n;
	l->interrupted = n;
	l->productive = 5 * n;
	l->taken = n;
	l->events = 17 * n;
	l->empty_wakeups = 3 * n;
	l->wait_ns = 500 * MS * n;
	l->wait_runqueue_ns = 20 * MS * n;
	l->poll_ns = 30 * MS * n;
	l->poll_runqueue_ns = 10 * MS * n;
	l->iterations = 9 * n;
	l->iteration_ns = 470 * MS * n;
	l->runqueue_ns = 40 * MS * n;
	l->blocked_ns[SS_WAIT_FILE] = 100 * MS * n;
	l->blocked_ns[SS_WAIT_FUTEX] = 30 * MS * n;
	l->stalls[SS_STALL_BLOCKED] = n;
	l->stall_ns[SS_STALL_BLOCKED] = 140 * MS * n;
	l->slots[5] = 4 * n; /* 32 to 64 us */
	l->slots[6] = 3 * n;
	l->slots[22] = n; /* 4.2 to 8.4 s */
	l->slots[23] = n;
}

static void test_group_values(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;
	const double *v;

	(void)state;
	scene_process(&s, 7, 10, "node", 100);
	scene_waits(&s, SS_BLOCK_WAITS)->blocked_ns[SS_WAIT_EPOLL] = 500 * MS;
	loop_fill(&scene_loop(&s, SS_LOOP_ITERATING, 0)->loop, 1);
	scene_process(&s, 8, 11, "none", 100);
	p = update(m, &s);
	assert_true(value_absent(group(p, "db", "none")->v[GROUP_LOOP_EVENTS]));
	v = group(p, "web", "node")->v;
	expect(v[GROUP_LOOP_ASLEEP], 480 * MS);
	expect(v[GROUP_LOOP_RUNQUEUE], 50 * MS);
	expect(v[GROUP_LOOP_WAKING], 20 * MS);
	expect(v[GROUP_LOOP_BLOCKED], 130 * MS);
	expect(v[GROUP_LOOP_ONCPU], 320 * MS);
	/* They add up to the time that passed. */
	expect(group_time(group(p, "web", "node")), 1000 * MS);
	expect(v[GROUP_LOOP_64US], 4);
	expect(v[GROUP_LOOP_128US], 7);
	expect(v[GROUP_LOOP_1048576US], 7);
	expect(v[GROUP_LOOP_8388608US], 8);
	expect(v[GROUP_LOOP_INF], 9);
	expect(v[GROUP_LOOP_COUNT], 9);
	expect(v[GROUP_LOOP_SUM], 470 * MS);
	expect(v[GROUP_LOOP_ITERATIONS], 9);
	/* What waits came to adds up to them; those that found nothing and slept on did not return. */
	expect(v[GROUP_LOOP_WAKEUPS_EVENTS], 4);
	expect(v[GROUP_LOOP_WAKEUPS_TIMEOUT], 2);
	expect(v[GROUP_LOOP_WAKEUPS_INTERRUPTED], 1);
	expect(v[GROUP_LOOP_WAKEUPS_POLL], 2);
	expect(v[GROUP_LOOP_WAKEUPS_EMPTY], 4);
	expect(v[GROUP_LOOP_STALLS_BLOCKED], 1);
	expect(v[GROUP_LOOP_STALLS_ONCPU], 0);
	for (int i = GROUP_LOOP_64US; i < GROUP_LOOP_INF; i++)
		assert_true(v[i] <= v[i + 1]);
	model_free(m);
}

/* Of an iteration under way: asleep in a file, waiting for a CPU, the rest on one; the histogram has only what is finished. */
static void test_under_way(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;
	struct sample_loop *l;
	struct ss_waits *w;
	const double *v;

	(void)state;
	scene_process(&s, 7, 10, "node", 100);
	w = scene_waits(&s, SS_BLOCK_WAITS);
	w->blocked_ns[SS_WAIT_EPOLL] = 100 * S;
	w->blocked_ns[SS_WAIT_FILE] = 5 * S + 300 * MS;
	w->wakeup_wait_ns = 2 * S;
	w->preempted_wait_ns = 50 * MS;
	w->throttled_ns = 10 * MS;
	l = scene_loop(&s, SS_LOOP_ITERATING, 400 * MS);
	l->loop.waits = 2;
	l->loop.wait_ns = 100 * S;
	/* As if the copy were of the moment in which it began: epoll's sleep is not the iteration's. */
	l->begin = (struct ss_loop_begin){.runqueue_ns = 2 * S, .blocked_ns = {[SS_WAIT_FILE] = 5 * S}};
	p = update(m, &s);
	v = p->loops[0].v;
	expect(v[LOOP_BLOCKED_FILE], 300 * MS);
	expect(v[LOOP_BLOCKED_EPOLL], 0);
	expect(v[LOOP_RUNQUEUE], 50 * MS);
	expect(v[LOOP_THROTTLED], 10 * MS);
	expect(v[LOOP_ONCPU], 50 * MS);
	expect(v[LOOP_LONGEST], 400 * MS);
	expect(v[LOOP_OPEN], 400 * MS);
	expect(v[LOOP_ITERATIONS], 0);
	expect(group(p, "web", "node")->v[GROUP_LOOP_SUM], 0);
	expect(group_time(group(p, "web", "node")), 100 * S + 400 * MS);

	/* It ends a second later: nothing falls, and the time still adds up. */
	scene_tick(&s, 1);
	scene_loop_read(&s, l, SS_LOOP_WAITING, 200 * MS);
	w->blocked_ns[SS_WAIT_FILE] += 700 * MS;
	l->loop.iterations = 1;
	l->loop.iteration_ns = 1200 * MS;
	l->loop.blocked_ns[SS_WAIT_FILE] = S;
	l->loop.runqueue_ns = 50 * MS;
	l->begin.runqueue_ns = 2 * S + 50 * MS;
	l->begin.blocked_ns[SS_WAIT_FILE] += S;
	p = update(m, &s);
	expect(p->loops[0].v[LOOP_ONCPU], 150 * MS);
	expect(p->loops[0].v[LOOP_UTILIZATION], 0.8);
	expect(group(p, "web", "node")->v[GROUP_LOOP_SUM], 1200 * MS);
	expect(group_time(group(p, "web", "node")), 101 * S + 400 * MS);
	model_free(m);
}

/* Without the scheduler's hooks it is known how long it was in epoll, and no more. */
static void test_without_sched(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;

	(void)state;
	scene_process(&s, 7, 10, "node", 100);
	loop_fill(&scene_loop(&s, SS_LOOP_ITERATING, 0)->loop, 1);
	p = update(m, &s);
	expect(p->loops[0].v[LOOP_ITERATIONS], 9);
	assert_true(value_absent(p->loops[0].v[LOOP_ONCPU]));
	assert_true(value_absent(p->loops[0].v[LOOP_BLOCKED_FILE]));
	assert_true(value_absent(group(p, "web", "node")->v[GROUP_LOOP_ONCPU]));
	model_free(m);
}

/* Rates of an interval come from what was finished in it. */
static void test_rates(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	struct sample_loop *l;
	const double *v;

	(void)state;
	scene_process(&s, 7, 10, "node", 100);
	l = scene_loop(&s, SS_LOOP_WAITING, 0);
	loop_fill(&l->loop, 1);
	update(m, &s);
	scene_tick(&s, 2);
	scene_loop_read(&s, l, SS_LOOP_WAITING, 0);
	loop_fill(&l->loop, 3);
	v = update(m, &s)->loops[0].v;
	expect(v[LOOP_ITERATION_RATE], 9);
	expect(v[LOOP_EVENTS_PER_WAIT], 34.0 / 10);
	/* 8 empty of 10 productive less 2 taken, 4 timeouts, 8 empty. */
	expect(v[LOOP_EMPTY], 8.0 / 20);
	expect(v[LOOP_STALLS], 3);
	expect(v[LOOP_STALLS_BLOCKED], 3);
	expect(v[LOOP_STALLED_BLOCKED], 420 * MS);
	expect(v[LOOP_STALLED_ONCPU], 0);
	expect(v[LOOP_OPEN], 0);
	/* Nothing in the next: nothing to divide by. */
	scene_tick(&s, 2);
	scene_loop_read(&s, l, SS_LOOP_WAITING, 2 * S);
	v = update(m, &s)->loops[0].v;
	expect(v[LOOP_ITERATION_RATE], 0);
	assert_true(value_absent(v[LOOP_EVENTS_PER_WAIT]));
	assert_true(value_absent(v[LOOP_EMPTY]));
	assert_true(value_absent(v[LOOP_ITERATION_P99]));
	model_free(m);
}

/* 99 % of the iterations were below the upper edge of their slot. */
static void test_p99(void **state)
{
	static const struct {
		int fast, slow; /* slots */
		uint64_t n_fast, n_slow;
		double want;
	} rows[] = {
		{0, 10, 100, 0, 2000},		 /* below 2 us */
		{0, 10, 99, 1, 2000},		 /* exactly 99 % */
		{0, 10, 98, 1, 2048 * 1000},	 /* just below */
		{5, 22, 1, 1, 8388608 * 1000.0}, /* the last one with an edge */
		{5, 23, 1, 1, 20 * (double)S},	 /* none: the longest */
		{22, 23, 1000, 1, 8388608 * 1000.0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scene s;
		struct model *m = begin(&s);
		struct sample_loop *l;
		double seen;

		scene_process(&s, 7, 10, "node", 100);
		l = scene_loop(&s, SS_LOOP_WAITING, 0);
		l->loop.waits = 2;
		l->loop.slots[23] = 50; /* of long ago */
		l->loop.longest_ns = 20 * S;
		update(m, &s);
		scene_tick(&s, 1);
		scene_loop_read(&s, l, SS_LOOP_WAITING, 0);
		l->loop.slots[rows[i].fast] += rows[i].n_fast;
		l->loop.slots[rows[i].slow] += rows[i].n_slow;
		seen = update(m, &s)->loops[0].v[LOOP_ITERATION_P99];
		if (!(fabs(seen - rows[i].want) < 1e-6))
			fail_msg("row %zu: saw %g, true is %g", i, seen, rows[i].want);
		model_free(m);
	}
}

/* Dies between two samples: first in neither, then in the open table, then in the final one. */
static void test_dies(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	struct sample *p = &s.sample;

	(void)state;
	scene_process(&s, 6, 10, "node", 100);
	scene_process(&s, 7, 10, "node", 100);
	scene_waits(&s, SS_BLOCK_WAITS);
	loop_fill(&scene_loop(&s, SS_LOOP_ITERATING, 0)->loop, 2);
	expect(group(update(m, &s), "web", "node")->v[GROUP_LOOP_EVENTS], 34);
	scene_tick(&s, 1);
	p->n_loops = 0;
	p->n_threads = 1;
	expect(group(update(m, &s), "web", "node")->v[GROUP_LOOP_EVENTS], 34);
	assert_int_equal(model_snapshot(m)->n_loops, 0);
	scene_tick(&s, 1);
	loop_fill(scene_gone_loop(s.gone_loops_open, &p->n_gone_loops_open, 10, "node"), 3);
	expect(group(update(m, &s), "web", "node")->v[GROUP_LOOP_EVENTS], 51);
	scene_tick(&s, 1);
	expect(group(update(m, &s), "web", "node")->v[GROUP_LOOP_EVENTS], 51);
	/* The tables change places. */
	scene_tick(&s, 1);
	p->n_gone_loops_open = 0;
	loop_fill(scene_gone_loop(s.gone_loops_final, &p->n_gone_loops_final, 10, "node"), 3);
	expect(group(update(m, &s), "web", "node")->v[GROUP_LOOP_EVENTS], 51);
	scene_tick(&s, 1);
	p->n_gone_loops_final = 0;
	expect(group(update(m, &s), "web", "node")->v[GROUP_LOOP_EVENTS], 51);
	expect(group_time(group(model_snapshot(m), "web", "node")), 3 * S);
	model_free(m);
}

/* What it did before it moved stays there, and is not shown a second time when it ends where it is. */
static void test_moves(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	struct ss_thread_record *r;
	const struct snapshot *p;
	struct sample_loop *l;

	(void)state;
	r = scene_process(&s, 7, 10, "node", 100);
	l = scene_loop(&s, SS_LOOP_WAITING, 0);
	loop_fill(&l->loop, 2);
	update(m, &s);
	scene_tick(&s, 1);
	r->cgroup_id = 11;
	scene_loop_read(&s, l, SS_LOOP_WAITING, 0);
	loop_fill(&l->loop, 5);
	p = update(m, &s);
	expect(group(p, "web", "node")->v[GROUP_LOOP_EVENTS], 34);
	expect(group(p, "db", "node")->v[GROUP_LOOP_EVENTS], 51);
	expect(p->loops[0].v[LOOP_EVENTS], 85);
	scene_tick(&s, 1);
	s.sample.n_threads = s.sample.n_loops = 0;
	loop_fill(scene_gone_loop(s.gone_loops_final, &s.sample.n_gone_loops_final, 11, "node"), 6);
	p = update(m, &s);
	expect(group(p, "web", "node")->v[GROUP_LOOP_EVENTS], 34);
	expect(group(p, "db", "node")->v[GROUP_LOOP_EVENTS], 68);
	model_free(m);
}

/* The kernel half gives what the old program did to the gone table, and begins anew; its row does, too. */
static void test_executes(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	struct ss_thread_record *r;
	const struct snapshot *p;
	struct sample_loop *l;

	(void)state;
	r = scene_process(&s, 7, 10, "runc", 100);
	l = scene_loop(&s, SS_LOOP_WAITING, 0);
	loop_fill(&l->loop, 7);
	update(m, &s);
	scene_tick(&s, 1);
	snprintf(r->comm, sizeof(r->comm), "node");
	scene_loop_read(&s, l, SS_LOOP_WAITING, 0);
	loop_fill(&l->loop, 9);
	l->loop.since_ns = 2;
	l->loop.longest_ns = 5;
	loop_fill(scene_gone_loop(s.gone_loops_final, &s.sample.n_gone_loops_final, 10, "runc"), 7);
	p = update(m, &s);
	expect(p->loops[0].v[LOOP_EVENTS], 9 * 17);
	expect(p->loops[0].v[LOOP_LONGEST], 5);
	assert_true(value_absent(p->loops[0].v[LOOP_UTILIZATION]));
	expect(group(p, "web", "runc")->v[GROUP_LOOP_EVENTS], 7 * 17);
	expect(group(p, "web", "node")->v[GROUP_LOOP_EVENTS], 9 * 17);
	model_free(m);
}

static void test_stalls(void **state)
{
	static const struct {
		uint64_t runner;
		const char *want;
	} rows[] = {
		{SS_CGROUP_NONE, ""}, {SS_CGROUP_OTHERS, ""}, {11, "db"}, {1, "host"}, {SS_CGROUP_KERNEL, "kernel"},
	};
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;
	const struct stall *seen;
	struct ss_fact *f;

	(void)state;
	scene_process(&s, 7, 10, "node", 100);
	scene_loop(&s, SS_LOOP_WAITING, S)->loop.waits = 2;
	expect(update(m, &s)->loops[0].last_stall.time, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		scene_tick(&s, 1);
		s.sample.n_stalls = 0;
		f = scene_stall(&s, 7, 250 * MS);
		f->stall.wall_ns = 180 * MS;
		f->stall.runqueue_ns = 90 * MS;
		f->stall.throttled_ns = 10 * MS;
		f->stall.blocked_ns[SS_WAIT_FILE] = 60 * MS;
		f->stall.cause = SS_STALL_RUNQUEUE;
		f->stall.runner = rows[i].runner;
		scene_stall(&s, 8, 0); /* of nobody */
		seen = &update(m, &s)->loops[0].last_stall;
		expect(seen->time, (double)s.sample.wall_ns / 1e9 - 0.25);
		expect(seen->seconds, 0.18);
		expect(seen->runqueue, 0.09);
		expect(seen->throttled, 0.01);
		expect(seen->oncpu, 0.03);
		expect(seen->blocked[SS_WAIT_FILE], 0.06);
		assert_string_equal(seen->cause, "runqueue");
		assert_string_equal(seen->runner, rows[i].want);
	}
	/* It stays until the next one, which is news only once. */
	s.sample.n_stalls = 0;
	scene_tick(&s, 1);
	seen = &(p = update(m, &s))->loops[0].last_stall;
	assert_int_equal(p->n_stalls, 0);
	expect(seen->seconds, 0.18);
	model_free(m);
}

/* Each that was told is a row, also where two came in one interval, and where the loop has ended since. */
static void test_stall_rows(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;

	(void)state;
	scene_process(&s, 7, 10, "node", 100);
	scene_loop(&s, SS_LOOP_WAITING, S)->loop.waits = 2;
	assert_int_equal(update(m, &s)->n_stalls, 0);
	scene_tick(&s, 1);
	for (uint64_t i = 1; i <= 2; i++) {
		struct ss_fact *f = scene_stall(&s, 7, 100 * MS);

		f->cgroup_id = 10;
		strcpy(f->comm, "node");
		f->stall.wall_ns = i * 200 * MS;
		f->stall.suppressed = i;
	}
	scene_stall(&s, 8, 0); /* of nobody that is a loop */
	s.sample.n_threads = s.sample.n_loops = 0;
	p = update(m, &s);
	assert_int_equal(p->n_loops, 0);
	assert_int_equal(p->n_stalls, 2);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(p->stalls[i].tid, 7);
		assert_string_equal(p->stalls[i].comm, "node");
		assert_string_equal(p->containers[p->stalls[i].container].name, "web");
		expect(p->stalls[i].stall.seconds, 0.2 * (i + 1));
		assert_int_equal(p->stalls[i].stall.suppressed, i + 1);
	}
	/* A sample later nobody knows the loop any more. */
	scene_tick(&s, 1);
	update(m, &s);
	scene_tick(&s, 1);
	assert_int_equal(update(m, &s)->n_stalls, 0);
	model_free(m);
}

/* Two threads of one process: rows and stalls have the names of both, and the id of the thread. */
static void test_names(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	struct ss_thread_record *r;
	const struct snapshot *p;
	struct ss_fact *f;

	(void)state;
	scene_process(&s, 7, 10, "node", 100);
	scene_loop(&s, SS_LOOP_WAITING, S)->loop.waits = 2;
	r = scene_process(&s, 8, 10, "job-0", 100);
	r->tgid = 7;
	r->process_start_ns = 5000000007ULL;
	r->flags &= ~(uint32_t)SS_THREAD_LEADER;
	scene_loop(&s, SS_LOOP_WAITING, S)->loop.waits = 2;
	assert_int_equal(update(m, &s)->n_loops, 2);
	scene_tick(&s, 1);
	f = scene_stall(&s, 8, 100 * MS);
	f->tgid = 7;
	strcpy(f->comm, "job-0");
	strcpy(f->process, "node");
	p = update(m, &s);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(p->loops[i].tid, 7 + i);
		assert_string_equal(p->loops[i].thread, i ? "job-0" : "node");
		assert_string_equal(p->processes[p->loops[i].process].comm, "node");
	}
	assert_int_equal(p->n_stalls, 1);
	assert_int_equal(p->stalls[0].tid, 8);
	assert_string_equal(p->stalls[0].comm, "node");
	assert_string_equal(p->stalls[0].thread, "job-0");
	model_free(m);
}

/* A helper of a runtime lives in epoll and serves nobody: no row, no part of the sums, no stall, until it has a client. */
static void test_serves_nobody(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	struct ss_thread_record *r;
	const struct snapshot *p;
	struct sample_loop *l;

	(void)state;
	scene_process(&s, 7, 10, "node", 100);
	l = scene_loop(&s, SS_LOOP_ITERATING, 0);
	l->loop.waits = 2;
	l->loop.wait_ns = S;
	l->loop.iteration_ns = S;
	r = scene_process(&s, 8, 10, "DelayedTaskSche", 100);
	r->tgid = 7;
	r->process_start_ns = 5000000007ULL;
	r->flags &= ~(uint32_t)SS_THREAD_LEADER;
	l = scene_loop(&s, SS_LOOP_ITERATING, 0);
	l->loop.serves = 0;
	l->loop.waits = 100;
	l->loop.events = 50;
	l->loop.wait_ns = 1000 * S;
	p = update(m, &s);
	assert_int_equal(p->n_loops, 1);
	assert_int_equal(p->loops[0].tid, 7);
	expect(group(p, "web", "node")->v[GROUP_LOOP_ASLEEP], S);
	scene_tick(&s, 1);
	scene_stall(&s, 8, 100 * MS)->tgid = 7;
	p = update(m, &s);
	assert_int_equal(p->n_stalls, 0);
	expect(group(p, "web", "node")->v[GROUP_LOOP_EVENTS], 0);

	/* What it does from the sample before its first client on counts; its past does not come in one step. */
	scene_tick(&s, 1);
	s.sample.n_stalls = 0;
	l->loop.serves = SS_SERVES_OUTSIDE;
	l->loop.wait_ns += S;
	l->loop.events += 3;
	p = update(m, &s);
	assert_int_equal(p->n_loops, 2);
	expect(group(p, "web", "node")->v[GROUP_LOOP_EVENTS], 3);
	expect(group(p, "web", "node")->v[GROUP_LOOP_ASLEEP], 2 * S);

	/* It ends, and the kernel half says what it did in all. */
	scene_tick(&s, 1);
	s.sample.n_threads = s.sample.n_loops = 1;
	*scene_gone_loop(s.gone_loops_final, &s.sample.n_gone_loops_final, 10, "node") = l->loop;
	p = update(m, &s);
	expect(group(p, "web", "node")->v[GROUP_LOOP_EVENTS], 3);
	expect(group(p, "web", "node")->v[GROUP_LOOP_ASLEEP], 2 * S);
	model_free(m);
}

/* Threads that take turns are shown if others reach the process by one of their descriptors. */
static void test_turns_serve_nobody(void **state)
{
	struct scene s;
	struct model *m = begin(&s);

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct ss_thread_record *r = scene_process(&s, 7 + i, 10, "client", 100);
		struct sample_loop *l = scene_loop(&s, SS_LOOP_WAITING, S);

		r->tgid = 7;
		r->process_start_ns = 5000000007ULL;
		r->flags &= i ? ~(uint32_t)SS_THREAD_LEADER : ~0U;
		l->loop.serves = i ? 0 : SS_SERVES_MAIN;
		l->loop.waits = l->loop.events = 5;
		l->loop.instance = 0x700;
		l->loop.edge = 1;
	}
	assert_int_equal(update(m, &s)->n_loops, 0);
	scene_tick(&s, 1);
	s.loops[1].loop.serves = SS_SERVES_OUTSIDE;
	assert_int_equal(update(m, &s)->n_loops, 1);
	model_free(m);
}

/* Where not every change of an instance is seen, their numbers are absent, and nothing else is. */
static void test_controls_unseen(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const double *v;

	(void)state;
	scene_process(&s, 7, 10, "node", 100);
	scene_loop(&s, SS_LOOP_WAITING, S)->loop.waits = 2;
	s.loops[0].loop.adds = 5;
	expect(update(m, &s)->loops[0].v[LOOP_ADDS], 5);
	s.sample.loop_controls_unseen = true;
	scene_tick(&s, 1);
	v = update(m, &s)->loops[0].v;
	assert_true(value_absent(v[LOOP_ADDS]) && value_absent(v[LOOP_MODIFIES]) && value_absent(v[LOOP_DELETES]));
	expect(v[LOOP_WAITS], 2);
	model_free(m);
}

/* By the scheduler's wait classes alone: what they cannot tell is absent. */
static void test_by_sleep(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	struct ss_thread_record *r;
	const struct snapshot *p;
	struct ss_waits *w;

	(void)state;
	scene_collector(&s, "epoll");
	s.sample.loops_by_sleep = true;
	scene_process(&s, 6, 10, "other", 100);
	scene_waits(&s, SS_BLOCK_WAITS)->blocked_ns[SS_WAIT_FUTEX] = 9 * S;
	r = scene_process(&s, 7, 10, "node", 100);
	w = scene_waits(&s, SS_BLOCK_WAITS);
	w->blocked_ns[SS_WAIT_EPOLL] = 8 * S;
	w->blocked_ns[SS_WAIT_FUTEX] = S;
	p = update(m, &s);
	assert_int_equal(p->n_loops, 1);
	scene_tick(&s, 1);
	/* 0.1 s finished, 0.5 s under way. */
	w->blocked_ns[SS_WAIT_EPOLL] += 100 * MS;
	r->mark = ss_mark_with_class(SS_MARK_BLOCKED, SS_WAIT_EPOLL);
	r->open_blocked_ns = 500 * MS;
	p = update(m, &s);
	expect(p->loops[0].v[LOOP_UTILIZATION], 0.4);
	expect(p->loops[0].v[LOOP_ASLEEP], 8600 * MS);
	for (int i = 0; i < LOOP_METRICS; i++)
		if (i != LOOP_UTILIZATION && i != LOOP_ASLEEP)
			assert_true(value_absent(p->loops[0].v[i]));
	assert_true(value_absent(group(p, "web", "node")->v[GROUP_LOOP_ASLEEP]));
	model_free(m);
}

/* Watched, let go, watched again: no sum goes back, and the iteration under way when it was let go counts for its time alone. */
static void test_let_go(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;
	const struct group_row *g;
	struct sample_loop *l;

	(void)state;
	scene_collector(&s, "epoll");
	scene_process(&s, 7, 10, "node", 100);
	scene_waits(&s, SS_BLOCK_WAITS)->blocked_ns[SS_WAIT_EPOLL] = 8 * S;
	l = scene_loop(&s, SS_LOOP_ITERATING, 300 * MS);
	l->loop.since_ns = 1 * S;
	l->loop.waits = 5;
	l->loop.iterations = 4;
	l->loop.slots[3] = 4;
	l->loop.iteration_ns = 40 * MS;
	l->loop.wait_ns = 6 * S;
	s.sample.loops_last = true;
	g = group(update(m, &s), "web", "node");
	expect(g->v[GROUP_LOOP_ITERATIONS], 4);
	expect(g->v[GROUP_LOOP_SUM], 40 * MS);
	expect(g->v[GROUP_LOOP_ONCPU], 340 * MS);
	scene_tick(&s, 1);
	s.sample.loops_last = false;
	s.sample.loops_by_sleep = true;
	s.sample.n_loops = 0;
	p = update(m, &s);
	assert_int_equal(p->n_loops, 1);
	assert_true(value_absent(p->loops[0].v[LOOP_ITERATIONS]));
	assert_true(value_absent(p->loops[0].v[LOOP_STALLS]));
	assert_true(value_absent(group(p, "web", "node")->v[GROUP_LOOP_ITERATIONS]));
	scene_tick(&s, 1);
	s.sample.loops_by_sleep = false;
	l = scene_loop(&s, SS_LOOP_WAITING, 100 * MS);
	l->loop.since_ns = 3 * S;
	l->loop.waits = 2;
	l->loop.iterations = 1;
	l->loop.slots[3] = 1;
	l->loop.iteration_ns = 10 * MS;
	p = update(m, &s);
	g = group(p, "web", "node");
	expect(g->v[GROUP_LOOP_ITERATIONS], 5);
	expect(g->v[GROUP_LOOP_COUNT], 5);
	expect(g->v[GROUP_LOOP_SUM], 50 * MS);
	expect(g->v[GROUP_LOOP_ONCPU], 350 * MS);
	expect(g->v[GROUP_LOOP_ASLEEP], 6 * S + 100 * MS);
	expect(g->v[GROUP_LOOP_STALLS_ONCPU], 0);
	assert_int_equal(p->n_loops, 1);
	expect(p->loops[0].v[LOOP_WAITS], 2);
	assert_true(value_absent(p->loops[0].v[LOOP_UTILIZATION]));
	model_free(m);
}

/* The collector gave nothing this time, or is off: no rows, and what a group shows of loops is unknown, not 0. */
static void test_absent(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;

	(void)state;
	scene_process(&s, 7, 10, "node", 100);
	loop_fill(&scene_loop(&s, SS_LOOP_WAITING, 0)->loop, 1);
	update(m, &s);
	scene_tick(&s, 1);
	s.sample.collectors[s.sample.n_collectors - 1].ok = false;
	p = update(m, &s);
	assert_int_equal(p->n_loops, 0);
	assert_true(value_absent(group(p, "web", "node")->v[GROUP_LOOP_EVENTS]));
	scene_tick(&s, 1);
	s.sample.collectors[s.sample.n_collectors - 1].ok = true;
	expect(group(update(m, &s), "web", "node")->v[GROUP_LOOP_EVENTS], 17);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utilization),   cmocka_unit_test(test_who_is_one),
		cmocka_unit_test(test_turns),	      cmocka_unit_test(test_group_values),
		cmocka_unit_test(test_under_way),     cmocka_unit_test(test_without_sched),
		cmocka_unit_test(test_rates),	      cmocka_unit_test(test_p99),
		cmocka_unit_test(test_dies),	      cmocka_unit_test(test_moves),
		cmocka_unit_test(test_executes),      cmocka_unit_test(test_stalls),
		cmocka_unit_test(test_stall_rows),    cmocka_unit_test(test_by_sleep),
		cmocka_unit_test(test_let_go),	      cmocka_unit_test(test_absent),
		cmocka_unit_test(test_names),	      cmocka_unit_test(test_controls_unseen),
		cmocka_unit_test(test_serves_nobody), cmocka_unit_test(test_turns_serve_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
