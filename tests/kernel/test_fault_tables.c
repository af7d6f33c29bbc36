/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_fault_tables.c - more cgroups than the ring has room for while nobody reads it, and more than the table of
 * cgroups has room for: what did not fit is counted, and what can be known all the same is right.
 */
#include "cgroup/cgroupfs.h"
#include "lib/kernel_test.h"
#include "sysscope/sample.h"

#define RING_CGROUPS 2003 /* the ring holds some 1,420 facts */
#define FULL_CGROUPS 8501 /* the table holds 8,192 cgroups */
#define EVERY	     97	  /* every so manyth has a process */
#define FORKS	     3

static const char *base;

static char carrying[64]; /* folder of the hierarchy that is followed; on v1 the others need not have these cgroups */

/* As the agent has just chosen it. */
static void carrying_find(void)
{
	struct cgroupfs *fs;

	if (test_on_v2()) {
		snprintf(carrying, sizeof(carrying), "/sys/fs/cgroup");
		return;
	}
	if (cgroupfs_open(&fs, "") < 0)
		exit(1);
	snprintf(carrying, sizeof(carrying), "/sys/fs/cgroup/%s", cgroupfs_layout(fs)->carrying_controller);
	cgroupfs_close(fs);
}

static void child_path(char *path, size_t size, int i)
{
	snprintf(path, size, "%s%s/c%d", carrying, base, i);
}

static int children_made;
static double moved; /* seconds that processes had used before they were moved into a child */

static void children_remove(void)
{
	char path[256];

	if (getpid() != test_owner)
		return;
	for (int i = 0; i < children_made; i++) {
		child_path(path, sizeof(path), i);
		for (int tries = 0; rmdir(path) < 0 && errno == EBUSY && tries < 100; tries++)
			usleep(20000);
	}
	children_made = 0;
}

static void children_make(int n)
{
	char path[256];

	for (children_made = 0; children_made < n; children_made++) {
		child_path(path, sizeof(path), children_made);
		if (mkdir(path, 0755) < 0) {
			printf("Bail out! cannot make %s: %s\n", path, strerror(errno));
			exit(1);
		}
	}
}

/* A process in the i-th that forks and burns, and has ended. */
static void child_work(int i)
{
	char path[288];
	int gate[2];
	pid_t pid;
	char c = 0;

	if (pipe(gate) < 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		if (read(gate[0], &c, 1) != 1)
			_exit(1);
		for (int f = 0; f < FORKS; f++) {
			pid_t below = fork();

			if (below == 0) {
				burn(0.001);
				_exit(0);
			}
			waitpid(below, NULL, 0);
		}
		_exit(0);
	}
	child_path(path, sizeof(path) - 16, i);
	strcat(path, "/cgroup.procs");
	asleep_wait(pid);
	{
		char text[16];

		snprintf(text, sizeof(text), "%d", pid);
		moved += process_cpu_seconds(pid);
		if (!file_write(path, text) || write(gate[1], &c, 1) != 1)
			exit(1);
	}
	close(gate[0]);
	close(gate[1]);
	waitpid(pid, NULL, 0);
}

struct sums {
	int rows, alive;
	double forks, exits, cpu;
};

static struct sums sums_take(void)
{
	const struct snapshot *s = snapshot_take();
	size_t length = strlen(base);
	struct sums sums = {};

	for (size_t i = 0; i < s->n_containers; i++) {
		const struct container_row *row = &s->containers[i];

		if (strncmp(row->cgroup, base, length) != 0 || row->cgroup[length] != '/')
			continue;
		sums.rows++;
		sums.alive += !row->dead;
		sums.forks += row->v[CONTAINER_FORKS];
		sums.exits += row->v[CONTAINER_EXITS];
		sums.cpu += row->v[CONTAINER_CPU_TASKS] / 1e9;
	}
	return sums;
}

static struct sums sums_until(double exits)
{
	struct sums sums;

	poll_until((sums = sums_take()).exits >= exits);
	return sums;
}

/* Sum of the cgroups' own counters; where moves are not seen, with what was used before them. */
static double counters(int n)
{
	double sum = task_state_is_on() ? 0 : moved;
	char name[128];

	/* On v1 the counter is in another hierarchy, which the children are not in. */
	if (!test_on_v2())
		return -1;
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s/c%d", base, i);
		sum += cgroup_cpu_seconds(name);
	}
	return sum;
}

static void ring_full(void)
{
	double lost = loss_count("ring_full"), truth;
	int workers = 0;
	struct sums sums;

	base = cgroup_make("ring");
	/* From here to the next sample nobody reads the ring. */
	children_make(RING_CGROUPS);
	for (int i = 0; i < RING_CGROUPS; i += EVERY, workers++)
		child_work(i);
	sums = sums_until(workers * (FORKS + 1));
	lost = loss_count("ring_full") - lost;
	check(lost > 0 && lost < RING_CGROUPS, "%d cgroups made while nobody reads: %.0f facts were lost, and counted",
	      RING_CGROUPS, lost);
	check_equal("each of them that had a process is known all the same", sums.rows, workers);
	check_equal("processes born in them", sums.forks, workers * FORKS);
	check_equal("processes ended in them", sums.exits, workers * (FORKS + 1));
	truth = counters(RING_CGROUPS);
	if (truth >= 0)
		check_within("their CPU is their counters'", sums.cpu, truth, 0.02, TICK_SECONDS);
	children_remove();
	snapshot_take();
	sums = sums_take();
	check_equal("removed while nobody reads: alive now", sums.alive, 0);
}

#define SCOPE "docker-5df8a2ce0b4f1c7d9e3a6b8c0d2e4f6a8b0c2d4e6f8a0b2c4d6e8f0a2b4c6d8e.scope"

/* Cgroups that the sample takes for alive and that are not there, below the base; how many are is in *ret_alive. */
static int stale(int *ret_alive)
{
	const struct sample *p;
	size_t length = strlen(base);
	char path[320];
	int n = 0;

	snapshot_take();
	p = pipeline_sample(test_pipeline);
	*ret_alive = 0;
	for (size_t i = 0; i < p->n_cgroups; i++) {
		const struct sample_cgroup *c = &p->cgroups[i];

		if (!c->alive || strncmp(c->path, base, length) != 0 || c->path[length] != '/')
			continue;
		snprintf(path, sizeof(path), "%s%s", carrying, c->path);
		++*ret_alive;
		n += access(path, F_OK) < 0;
	}
	return n;
}

/* What a container makes inside of its own cgroup is no home, and no reading of its files tells that it has gone. */
static void ring_full_inside(void)
{
	static char scope[160];
	char path[256];
	int alive, gone;

	base = cgroup_make("inside");
	snprintf(scope, sizeof(scope), "%s/" SCOPE, base);
	snprintf(path, sizeof(path), "%s%s", carrying, scope);
	if (mkdir(path, 0755) < 0) {
		printf("Bail out! cannot make %s: %s\n", path, strerror(errno));
		exit(1);
	}
	base = scope;
	for (int i = 0; i < 3; i++) {
		children_make(1000);
		stale(&alive);
		check_equal("cgroups inside of a container that are known", alive, 1000);
		children_remove();
	}
	children_make(RING_CGROUPS);
	stale(&alive);
	children_remove();
	gone = stale(&alive);
	check(gone == 0, "removed while nobody reads: %d of %d are taken for alive", gone, RING_CGROUPS);
	rmdir(path);
}

static void table_full(void)
{
	struct sums sums;
	double lost;
	int n = 0;

	base = cgroup_make("table");
	lost = loss_count("cgroup_full");
	children_make(FULL_CGROUPS);
	for (int i = FULL_CGROUPS - 1; i > FULL_CGROUPS - 6; i--, n++)
		child_work(i);
	poll_until((sums = sums_take()).rows >= n);
	lost = loss_count("cgroup_full") - lost;
	check(lost >= FULL_CGROUPS - 8192, "%d cgroups, more than there is room for: %.0f times no room, counted",
	      FULL_CGROUPS, lost);
	check_equal("each of them that had a process has a row all the same", sums.rows, n);
	check(sums.forks <= n * FORKS && sums.exits <= n * (FORKS + 1),
	      "nothing is counted that was not: %.0f births of %d", sums.forks, n * FORKS);
	poll_until((sums = sums_take()).cpu >= n * FORKS * 0.001);
	check(sums.cpu >= n * FORKS * 0.001, "and the CPU of those without room is there: saw %.4f s, at least %.4f s",
	      sums.cpu, n * FORKS * 0.001);
	children_remove();
	snapshot_take();
	check_equal("removed: alive now", sums_take().alive, 0);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	cgroup_make("first");
	/* After the first cgroup_make, so that it comes before the removal of what is above them. */
	atexit(children_remove);
	pipeline_start();
	carrying_find();
	ring_full();
	ring_full_inside();
	if (sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) >= (4L << 30))
		table_full();
	else
		printf("ok %d - more cgroups than the table holds # SKIP %d cgroups need more memory than is here\n",
		       ++test_number, FULL_CGROUPS);
	return test_finish();
}
