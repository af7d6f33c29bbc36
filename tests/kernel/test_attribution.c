/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_attribution.c - whose CPU it was: tasks that are moved between cgroups, that change their name, that live in
 * nested cgroups, and more names than the gone table has room for.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "lib/kernel_test.h"

struct mover {
	const char *to;
	int ready[2], go[2];
	bool threaded;
};

static void *thread_burn(void *ctx)
{
	burn(*(double *)ctx);
	return NULL;
}

static void work_move(void *ctx)
{
	struct mover *m = ctx;
	char c = 0;

	burn(0.3);
	if (write(m->ready[1], &c, 1) != 1 || read(m->go[0], &c, 1) != 1)
		_exit(1);
	burn(0.2);
	if (m->threaded) {
		double seconds = 0.1;
		pthread_t t;

		if (pthread_create(&t, NULL, thread_burn, &seconds) == 0)
			pthread_join(t, NULL);
	}
}

static void test_move(bool threaded)
{
	const char *a = cgroup_make(threaded ? "from-t" : "from"), *b = cgroup_make(threaded ? "to-t" : "to");
	struct mover m = {.to = b, .threaded = threaded};
	char c = 0;
	pid_t pid;

	if (pipe(m.ready) < 0 || pipe(m.go) < 0)
		exit(1);
	snapshot_take();
	pid = run_in(a, work_move, &m);
	if (read(m.ready[0], &c, 1) != 1)
		exit(1);
	asleep_wait(pid); /* moved while it runs, it would take some of its past along */
	cgroup_enter(b, pid);
	if (write(m.go[1], &c, 1) != 1)
		exit(1);
	waitpid(pid, NULL, 0);
	container_value_until(b, CONTAINER_CPU_TASKS, cgroup_cpu_seconds(b) * 0.99 * 1e9);
	check_within("moved task: CPU in the cgroup it left", container_value(a, CONTAINER_CPU_TASKS) / 1e9,
		     cgroup_cpu_seconds(a), 0.01, TICK_SECONDS);
	check_within("moved task: CPU in the cgroup it went to", container_value(b, CONTAINER_CPU_TASKS) / 1e9,
		     cgroup_cpu_seconds(b), 0.01, TICK_SECONDS);
}

/* Leaves in *ctx what it used under its first name. */
static void work_rename(void *ctx)
{
	double began = thread_cpu_seconds();

	prctl(PR_SET_NAME, "first");
	burn(0.2);
	*(double *)ctx = thread_cpu_seconds() - began;
	prctl(PR_SET_NAME, "second");
	burn(0.1);
}

static void test_rename(void)
{
	const char *box = cgroup_make("names");
	double sum = 0, first = 0, second = 0;
	double *true_first = mmap(NULL, sizeof(double), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct container_row *row;
	const struct snapshot *s;
	pid_t pid;

	if (true_first == MAP_FAILED)
		exit(1);
	snapshot_take();
	pid = run_in(box, work_rename, true_first);
	waitpid(pid, NULL, 0);
	container_value_until(box, CONTAINER_CPU_TASKS, cgroup_cpu_seconds(box) * 0.99 * 1e9);
	s = snapshot_take();
	row = row_find(s, box);
	for (size_t i = 0; row && i < s->n_groups; i++) {
		const struct group_row *g = &s->groups[i];

		if (&s->containers[g->container] != row)
			continue;
		sum += g->v[GROUP_CPU_USAGE];
		if (strcmp(g->comm, "first") == 0)
			first = g->v[GROUP_CPU_USAGE];
		if (strcmp(g->comm, "second") == 0)
			second = g->v[GROUP_CPU_USAGE];
	}
	/* What was used since the last tick goes to the new name, and so does its end. */
	check_within("CPU under the first name", first / 1e9, *true_first, 0, 2 * TICK_SECONDS);
	check_within("CPU under the second name", second / 1e9, cgroup_cpu_seconds(box) - *true_first, 0,
		     2 * TICK_SECONDS);
	munmap(true_first, sizeof(double));
	check(row && fabs(sum - row->v[CONTAINER_CPU_TASKS]) < 1, "the names of a container add up to it");
}

static void work_many_names(void *ctx)
{
	int n = *(int *)ctx;

	for (int i = 0; i < n; i++) {
		char name[16];
		pid_t pid = fork();

		if (pid == 0) {
			snprintf(name, sizeof(name), "name-%d", i);
			prctl(PR_SET_NAME, name);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

/* Without a sample in between, so that nothing is emptied: more names than the table holds. */
static void test_table_full(void)
{
	const char *box = cgroup_make("full");
	int n = 9001;
	double truth, others = births_on_machine();
	pid_t pid;

	snapshot_take();
	pid = run_in(box, work_many_names, &n);
	waitpid(pid, NULL, 0);
	check_equal("exits of more names than there is room for", container_value_until(box, CONTAINER_EXITS, n + 1),
		    n + 1);
	truth = cgroup_cpu_seconds(box);
	container_value_until(box, CONTAINER_CPU_TASKS, truth * 0.995 * 1e9);
	check_within("their CPU is folded, not lost", container_value(box, CONTAINER_CPU_TASKS) / 1e9, truth, 0.01,
		     TICK_SECONDS);
	check(loss_count("gone_folded") > 0, "the folding is counted: %.0f times", loss_count("gone_folded"));
	/* Of the whole machine: of others, whose cgroup the table does not know. All of this test's were counted. */
	others = births_on_machine() - others - n - 1;
	check(loss_count("gone_lost") <= n / 100 + others, "next to none is lost: saw %.0f; others began %.0f times",
	      loss_count("gone_lost"), others);
}

int main(void)
{
	pipeline_start();
	test_move(false);
	test_move(true);
	test_rename();
	test_table_full();
	return test_finish();
}
