/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_homes.c - what is one home and one row: units by connection, cgroups without a process, names of programs beyond
 * those that a home keeps apart, kinds of kernel threads.
 */
#include <dirent.h>

#include "lib/kernel_test.h"
#include "homes/groups.h"

static const struct container_row *row_of(const struct snapshot *s, const char *cgroup)
{
	for (size_t i = 0; i < s->n_containers; i++)
		if (strcmp(s->containers[i].cgroup, cgroup) == 0)
			return &s->containers[i];
	return NULL;
}

static const struct group_row *group_find(const struct snapshot *s, const char *cgroup, const char *comm)
{
	for (size_t i = 0; i < s->n_groups; i++)
		if (strcmp(s->containers[s->groups[i].container].cgroup, cgroup) == 0 &&
		    strcmp(s->groups[i].comm, comm) == 0)
			return &s->groups[i];
	return NULL;
}

/* ---- units by connection ---- */

static void work_burn(void *ctx)
{
	burn(*(double *)ctx);
	pause();
}

static void test_connections(void)
{
	const char *a = cgroup_make("chk@17-10.0.0.1:6556-10.0.0.2:5555.service");
	const char *b = cgroup_make("chk@18-10.0.0.1:6556-10.0.0.2:5556.service");
	double seconds_a = 0.13, seconds_b = 0.07, truth;
	const struct container_row *row;
	char template[256];
	pid_t pid_a, pid_b;

	snprintf(template, sizeof(template), "%.*s.service", (int)(strchr(a, '@') - a + 1), a);
	snapshot_take();
	pid_a = run_in(a, work_burn, &seconds_a);
	pid_b = run_in(b, work_burn, &seconds_b);
	poll_until(asleep(pid_a) && asleep(pid_b));
	row = row_of(snapshot_take(), template);
	check(row && row->v[CONTAINER_PROCESSES] == 2 && row->n_instances == 2,
	      "units by connection are one row: %.0f processes, %zu units", row ? row->v[CONTAINER_PROCESSES] : 0,
	      row ? row->n_instances : 0);
	check(!row_find(snapshot_take(), a + 1) && !row_of(snapshot_take(), a), "no unit has a row of its own");
	row = row_of(snapshot_take(), template);
	truth = cgroup_cpu_seconds(a) + cgroup_cpu_seconds(b);
	check_within("CPU of both", row->v[CONTAINER_CPU_USAGE] / 1e9, truth, 0, 2 * TICK_SECONDS);
	check(row->n_instances == 2 && strcmp(row->instances[0].name, a + 1) == 0, "the busiest of them first: %s",
	      row->n_instances ? row->instances[0].name : "none");
	kill(pid_a, SIGKILL);
	kill(pid_b, SIGKILL);
	waitpid(pid_a, NULL, 0);
	waitpid(pid_b, NULL, 0);
	row = row_of(snapshot_take(), template);
	check(row && strcmp(row->state, "empty") == 0, "without a process it is %s", row ? row->state : "not shown");
}

/* ---- names ---- */

#define MANY_NAMES (GROUPS_PER_HOME + 20)

/* All of them at the same time, until the other end of the pipe is closed: one that has ended makes room. */
static void work_many_names(void *ctx)
{
	const int *gate = ctx;

	close(gate[1]);
	for (int i = 0; i < MANY_NAMES; i++) {
		char name[16], end;

		if (fork() != 0)
			continue;
		snprintf(name, sizeof(name), "name-%d", i);
		prctl(PR_SET_NAME, name);
		_exit(read(gate[0], &end, 1) == 0 ? 0 : 1);
	}
	while (wait(NULL) > 0)
		;
	prctl(PR_SET_NAME, "late");
	pause();
}

static void test_names(void)
{
	const char *box = cgroup_make("build");
	const struct group_row *late = NULL;
	uint64_t folded = snapshot_take()->names_folded, more = 0;
	int gate[2];
	pid_t pid;

	if (pipe(gate) < 0)
		return;
	pid = run_in(box, work_many_names, gate);
	close(gate[0]);
	poll_until((more = snapshot_take()->names_folded - folded) > 0);
	check(more > 0, "names beyond %d are counted: %llu", GROUPS_PER_HOME, (unsigned long long)more);
	close(gate[1]);
	poll_until((late = group_find(snapshot_take(), box, "late")));
	check(late && late->v[GROUP_PROCESSES] == 1, "the program that runs now has a row");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Kernel threads whose name begins like this, in /proc. */
static int kernel_threads(const char *kind)
{
	char path[300], text[64];
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	int n = 0;

	while (proc && (entry = readdir(proc))) {
		FILE *f;

		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		f = fopen(path, "re");
		if (f && fgets(text, sizeof(text), f) && strncmp(text, kind, strlen(kind)) == 0)
			n++;
		if (f)
			fclose(f);
	}
	if (proc)
		closedir(proc);
	return n;
}

static void test_kernel_kinds(void)
{
	static const char *const kinds[] = {"ksoftirqd", "kswapd", "migration"};
	const struct snapshot *s = snapshot_take();
	size_t n = 0;

	for (size_t i = 0; i < s->n_groups; i++)
		n += strcmp(s->containers[s->groups[i].container].cgroup, "") == 0;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct group_row *g = group_find(s, "", kinds[i]);

		check_equal(kinds[i], g ? g->v[GROUP_PROCESSES] : 0, kernel_threads(kinds[i]));
	}
	check(group_find(s, "", "kworker") && !group_find(s, "", SS_COMM_OTHER), "kworker is one name; %zu kinds", n);
}

int main(void)
{
	pipeline_start();
	test_connections();
	test_names();
	test_kernel_kinds();
	return test_finish();
}
