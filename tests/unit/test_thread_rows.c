/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_thread_rows.c - rows of threads: made only while they are wanted, what each waits for, rates over the interval, and a number
 * that another thread has now.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/model_scene.h"
#include "sysscope/source.h"

static struct scene scene;

static const struct snapshot *update(struct model *m)
{
	assert_int_equal(model_update(m, &scene.sample), 0);
	return model_snapshot(m);
}

static const struct thread_row *thread(const struct snapshot *s, uint32_t tid)
{
	for (size_t i = 0; i < s->looked.n_threads; i++)
		if (s->looked.threads[i].tid == tid)
			return &s->looked.threads[i];
	fail_msg("thread %u has no row", tid);
	return NULL;
}

static struct model *begin(void)
{
	scene_init(&scene);
	scene_cgroup(&scene, 1, 0, "/", HOME_HOST, "host");
	scene_cgroup(&scene, 10, 1, "/docker/x", HOME_CONTAINER, "web");
	for (uint32_t tid = 7; tid < 10; tid++) {
		struct ss_thread_record *r = scene_process(&scene, tid, 10, tid == 7 ? "app" : "pool", 1000000000);

		r->cpu = (__u16)(tid * 100);
		scene_waits(&scene, SS_BLOCK_WAITS)->wakeup_wait_ns = 5000000;
		if (tid == 7)
			continue;
		r->tgid = 7;
		r->flags &= ~(uint32_t)SS_THREAD_LEADER;
		r->process_start_ns = scene.threads[0].start_ns;
	}
	return model_new();
}

static void only_wanted(void **state)
{
	struct model *m = begin();
	const struct snapshot *s = update(m);

	(void)state;
	assert_null(s->looked.threads);
	assert_int_equal(s->looked.n_threads, 0);
	assert_non_null(s->looked.threads_reason);
	model_look(m, LOOK_THREADS);
	scene_tick(&scene, 1);
	s = update(m);
	assert_int_equal(s->looked.n_threads, 3);
	assert_null(s->looked.threads_reason);
	assert_true(value_absent(thread(s, 8)->v[THREAD_CPU_CORES]));
	assert_string_equal(s->processes[thread(s, 9)->process].comm, "app");
	assert_string_equal(s->containers[thread(s, 9)->container].name, "web");
	assert_string_equal(thread(s, 9)->comm, "pool");
	assert_int_equal(thread(s, 9)->cpu, 900);
	/* Two updates later there is nothing to subtract from. */
	model_look(m, 0);
	scene_tick(&scene, 1);
	assert_int_equal(update(m)->looked.n_threads, 0);
	model_look(m, LOOK_THREADS);
	scene_tick(&scene, 1);
	assert_true(value_absent(thread(update(m), 8)->v[THREAD_CPU_CORES]));
	model_free(m);
}

static void waits(void **state)
{
	struct model *m = begin();
	const struct snapshot *s;

	(void)state;
	model_look(m, LOOK_THREADS);
	scene.threads[0].mark = ss_mark_make(1, SS_MARK_RUNNING);
	scene.threads[1].mark = ss_mark_make(1, ss_mark_with_class(SS_MARK_BLOCKED, SS_WAIT_PIPE));
	scene.threads[1].open_blocked_ns = 3000000000;
	scene.threads[2].mark = ss_mark_make(1, SS_MARK_RUNNABLE);
	scene.threads[2].open_wait_ns = 70000000;
	s = update(m);
	assert_string_equal(thread(s, 7)->waits_for, "");
	assert_true(value_absent(thread(s, 7)->v[THREAD_WAITS_FOR_TIME]));
	assert_string_equal(thread(s, 8)->waits_for, "pipe");
	assert_true(thread(s, 8)->v[THREAD_WAITS_FOR_TIME] == 3e9);
	assert_true(thread(s, 8)->v[THREAD_BLOCKED_PIPE] == 3e9);
	assert_string_equal(thread(s, 9)->waits_for, "cpu");
	assert_true(thread(s, 9)->v[THREAD_RUNQ_WAIT] == 75e6);
	/* It was woken, and its quota is used up. */
	scene.threads[1].open_wait_ns = 1000000;
	scene.threads[1].open_throttled_ns = 1000000;
	/* What it ran is rates; a total that the kernel takes back is kept. */
	scene.threads[0].used.exec_ns += 1500000000;
	scene.threads[2].used.exec_ns -= 1;
	scene_tick(&scene, 2);
	s = update(m);
	assert_string_equal(thread(s, 8)->waits_for, "quota");
	assert_true(thread(s, 8)->v[THREAD_WAITS_FOR_TIME] == 1e6);
	assert_true(thread(s, 7)->v[THREAD_CPU_CORES] == 0.75);
	assert_true(thread(s, 9)->v[THREAD_CPU_CORES] == 0);
	assert_true(thread(s, 9)->v[THREAD_CPU_USAGE] == 1e9);
	assert_true(thread(s, 8)->v[THREAD_WAIT_RATE] == 0.5e6);
	model_free(m);
}

static void another(void **state)
{
	struct model *m = begin();
	const struct snapshot *s;

	(void)state;
	model_look(m, LOOK_THREADS);
	update(m);
	scene_tick(&scene, 2);
	/* Born since: what it used is of this interval. Of one that is older nothing is known of the sample before. */
	scene.threads[1].start_ns = scene.sample.boot_ns - 1000000000;
	scene.threads[1].used.exec_ns = 500000000;
	scene.threads[2].start_ns += 1;
	s = update(m);
	assert_true(thread(s, 8)->v[THREAD_CPU_CORES] == 0.25);
	assert_true(thread(s, 8)->v[THREAD_CPU_USAGE] == 5e8);
	assert_true(value_absent(thread(s, 9)->v[THREAD_CPU_CORES]));
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_wanted),
		cmocka_unit_test(waits),
		cmocka_unit_test(another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
