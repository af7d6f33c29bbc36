/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_oom.c - OOM kills of a memory limit: each process counts once, whether its main thread is still there or not, also
 * when its cgroup is gone before the next sample; and what was exhausted: the cgroup's own limit, that of one inside, that of
 * one around it, the memory of the machine. The second source is wait(): only the OOM killer sends these SIGKILLs. The limits
 * are the test's own.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "lib/kernel_test.h"

#define LIMIT "16777216"
#define HOG   (64UL << 20)
#define KILLS 3

static void memory_limit(const char *cgroup)
{
	char path[512], file[600];

	if (test_on_v2()) {
		if (!cgroup_folder(cgroup, 0, path, sizeof(path)))
			exit(1);
		snprintf(file, sizeof(file), "%s/memory.max", path);
		file_write(file, LIMIT);
		snprintf(file, sizeof(file), "%s/memory.swap.max", path);
		file_write(file, "0");
		return;
	}
	for (size_t i = 0; cgroup_folder(cgroup, i, path, sizeof(path)); i++) {
		snprintf(file, sizeof(file), "%s/memory.limit_in_bytes", path);
		if (access(file, F_OK) == 0)
			file_write(file, LIMIT);
	}
}

/* Touches more than the limit; returns only if the kernel did not kill it. */
static void *hog(void *ctx)
{
	char *p = mmap(NULL, HOG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED)
		memset(p, 1, HOG);
	_exit(ctx ? 2 : 1);
}

static void hog_alone(void *ctx)
{
	hog(ctx);
}

/* pthread_exit() would need libgcc_s, which a guest has not. */
static void main_thread_end(void)
{
	syscall(SYS_exit, 0);
}

/* The main thread is gone when the memory runs out. */
static void hog_orphaned(void *ctx)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, hog, ctx) != 0)
		_exit(1);
	main_thread_end();
}

static void sleep_on(void *ctx)
{
	(void)ctx;
	pause();
}

static void *sleep_thread(void *ctx)
{
	sleep_on(ctx);
	return NULL;
}

static void sleep_orphaned(void *ctx)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, sleep_thread, ctx) != 0)
		_exit(1);
	main_thread_end();
}

/* Its main thread sleeps, or has ended. */
static bool settled(pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	const char *end;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(path, 4096, &text, NULL) < 0)
		return false;
	end = strrchr(text, ')');
	return end && (end[2] == 'S' || end[2] == 'Z');
}

/*
 * Ended, and not by its own exit. A process whose main thread had ended may report that thread's status, 0, instead of the
 * signal. One that is not killed in time is ended, and does not count.
 */
static bool killed(pid_t pid)
{
	int status = 0;

	if (!poll_until(waitpid(pid, &status, WNOHANG) == pid)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return false;
	}
	return WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0;
}

static void kill_and_wait(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int kill_some(const char *cgroup, void (*work)(void *ctx), int n)
{
	int dead = 0;

	for (int i = 0; i < n; i++)
		dead += killed(run_in(cgroup, work, NULL));
	return dead;
}

static void counted(const char *cgroup, const char *what, void (*work)(void *ctx))
{
	double before = container_value(cgroup, CONTAINER_OOM_KILLS);
	int dead = kill_some(cgroup, work, KILLS);

	check(dead == KILLS, "%s: the kernel killed %d of %d", what, dead, KILLS);
	check_equal(what, container_value_until(cgroup, CONTAINER_OOM_KILLS, before + dead) - before, dead);
}

/* The kernel says it once, of the first one. */
static double kills_at_limit(const struct snapshot *s, const char *cgroup)
{
	double n = 0;

	for (size_t i = 0; i < s->n_oom_kills; i++)
		n += strcmp(s->oom_kills[i].limit_of, cgroup) == 0 &&
		     strcmp(s->oom_kills[i].exhausted, "memory_limit") == 0;
	return n;
}

/* memory.oom.group ends all at once; the kernel's own counter says 5 to 7 for these four. */
static void killed_as_a_group(void)
{
	const char *cgroup = cgroup_make("group");
	char path[512], file[600];
	pid_t pids[KILLS + 1];
	int dead = 0;

	memory_limit(cgroup);
	cgroup_folder(cgroup, 0, path, sizeof(path));
	snprintf(file, sizeof(file), "%s/memory.oom.group", path);
	if (!test_on_v2() || !file_write(file, "1")) {
		check(true, "killed as a group # SKIP no memory.oom.group without cgroup v2");
		return;
	}
	for (int i = 0; i < KILLS; i++)
		pids[i] = run_in(cgroup, i % 2 ? sleep_on : sleep_orphaned, NULL);
	for (int i = 0; i < KILLS; i++)
		poll_until(settled(pids[i]));
	pids[KILLS] = run_in(cgroup, hog_orphaned, NULL);
	for (int i = 0; i <= KILLS; i++)
		dead += killed(pids[i]);
	check(dead == KILLS + 1, "a group of %d: the kernel killed %d", KILLS + 1, dead);
	check_equal("killed as a group", container_value_until(cgroup, CONTAINER_OOM_KILLS, dead), dead);
	check_equal("each because of the limit", kills_at_limit(snapshot_take(), cgroup), dead);
}

/* Nobody could read its files after the kill. */
static void gone_at_once(void)
{
	const char *cgroup = cgroup_make("gone");
	char path[512];
	int dead;

	memory_limit(cgroup);
	dead = kill_some(cgroup, hog_alone, 1);
	for (size_t i = 0; cgroup_folder(cgroup, i, path, sizeof(path)); i++)
		poll_until(rmdir(path) == 0 || errno == ENOENT);
	check(dead == 1, "the only process of a cgroup that goes with it: killed");
	check_equal("its kill is in the row of the dead", container_value_until(cgroup, CONTAINER_OOM_KILLS, dead),
		    dead);
}

/* ---- what was exhausted ---- */

static bool on_snapshot_until(bool (*seen)(const struct snapshot *s, void *ctx), void *ctx)
{
	return poll_until(seen(snapshot_take(), ctx));
}

struct search {
	pid_t pid;
	struct oom_row kill;
	char container[256], limit_of[256], scope[16], exhausted[32];
};

static bool kill_seen(const struct snapshot *s, void *ctx)
{
	struct search *search = ctx;

	for (size_t i = 0; i < s->n_oom_kills; i++) {
		const struct oom_row *kill = &s->oom_kills[i];

		if (kill->pid != (uint32_t)search->pid)
			continue;
		search->kill = *kill;
		snprintf(search->container, sizeof(search->container), "%s", kill->container_cgroup);
		snprintf(search->limit_of, sizeof(search->limit_of), "%s", kill->limit_of);
		snprintf(search->scope, sizeof(search->scope), "%s", kill->limit_scope);
		snprintf(search->exhausted, sizeof(search->exhausted), "%s", kill->exhausted);
		return true;
	}
	return false;
}

/* What the snapshots say of the kill; the usage at that moment is within the limit, and at most 64 pages for each CPU below. */
static void explained(const char *what, pid_t pid, const char *container, const char *scope, const char *limit_of)
{
	double limit = atof(LIMIT), below = 64.0 * 4096 * (double)sysconf(_SC_NPROCESSORS_ONLN);
	struct search search = {.pid = pid};
	bool dead = killed(pid);

	if (!on_snapshot_until(kill_seen, &search)) {
		check(false, "%s: no kill of %d, %s", what, pid, dead ? "which was killed" : "which was not killed");
		return;
	}
	check(dead && strcmp(search.container, container) == 0, "%s: the victim is in %s (%s)", what, search.container,
	      container);
	check(strcmp(search.exhausted, "memory_limit") == 0 && strcmp(search.scope, scope) == 0,
	      "%s: exhausted is %s, scope %s (%s)", what, search.exhausted, search.scope, scope);
	check(strcmp(search.limit_of, limit_of) == 0, "%s: it was the limit of %s (%s)", what, search.limit_of,
	      limit_of);
	check_equal("the limit", search.kill.limit, limit);
	check(search.kill.usage <= limit && search.kill.usage >= limit - below, "the usage then: %.0f",
	      search.kill.usage);
	check(search.kill.asker_pid == (uint32_t)pid, "the victim itself asked for memory: %u", search.kill.asker_pid);
	check(search.kill.rss > limit / 2 && search.kill.rss < limit + (16 << 20), "what it had: %.0f",
	      search.kill.rss);
}

static double container_by_cgroup(const char *cgroup, int metric)
{
	const struct snapshot *s = snapshot_take();

	for (size_t i = 0; i < s->n_containers; i++)
		if (strcmp(s->containers[i].cgroup, cgroup) == 0)
			return s->containers[i].v[metric];
	return -1;
}

static void five_megabytes(void *ctx)
{
	char *p = mmap(NULL, 5 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED)
		memset(p, 1, 5 << 20);
	sleep_on(ctx);
}

/* Processes of the exhausted cgroup are listed as the sample before had them, the largest first. */
static void own_limit(void)
{
	const char *cgroup = cgroup_make("own");
	pid_t large = run_in(cgroup, five_megabytes, NULL), small = run_in(cgroup, sleep_on, NULL), victim;
	struct search search = {};
	const struct oom_row *kill = &search.kill;

	memory_limit(cgroup);
	poll_until(settled(large) && settled(small));
	snapshot_take();
	victim = run_in(cgroup, hog_alone, NULL);
	explained("its own limit", victim, cgroup, "own", cgroup);
	search.pid = victim;
	kill_seen(snapshot_take(), &search);
	check(kill->n_largest >= 2 && kill->largest[0].pid == (uint32_t)large && kill->largest[0].rss >= 5 << 20,
	      "the largest process before was %u (%d) of %zu", kill->largest[0].pid, large, kill->n_largest);
	check(kill->largest_age > 0 && kill->largest_age < 60, "%.3f s before", kill->largest_age);
	kill_and_wait(large);
	kill_and_wait(small);
}

/* On v2 a cgroup has processes, or limits for the cgroups in it. */
static void limits_allow(const char *cgroup)
{
	char path[512], file[600];

	if (!test_on_v2() || !cgroup_folder(cgroup, 0, path, sizeof(path)))
		return;
	snprintf(file, sizeof(file), "%s/cgroup.subtree_control", path);
	file_write(file, "+memory");
}

/* The limit is that of a cgroup which has no process of its own. */
static void limit_around(void)
{
	const char *around = cgroup_make("around");
	char inside[64];

	snprintf(inside, sizeof(inside), "%s", cgroup_make("around/inside"));
	memory_limit(around);
	limits_allow(around);
	explained("a limit around it", run_in(inside, hog_alone, NULL), inside, "ancestor", around);
}

/* A cgroup in a container, as a supervisor makes one: the kill counts for the container. */
static void limit_inside(void)
{
#define BOX "box/docker-89476d64a2f1c3b0e5d7968f4a1b2c3d4e5f60718293a4b5c6d7e8f901234567.scope"
	const char *slice = cgroup_make("box"), *container = cgroup_make(BOX), *inside = cgroup_make(BOX "/job");

	limits_allow(slice);
	limits_allow(container);
	memory_limit(inside);
	explained("a limit inside a container", run_in(inside, hog_alone, NULL), container, "nested", inside);
	check_equal("it counts for the container", container_by_cgroup(container, CONTAINER_OOM_KILLS), 1);
}

static double memory_total(void)
{
	_cleanup_free_ char *text = NULL;
	const char *line;

	if (read_file("/proc/meminfo", 65536, &text, NULL) < 0 || !(line = strstr(text, "MemTotal:")))
		return -1;
	return atof(line + strlen("MemTotal:")) * 1024;
}

/* The kernel chooses nobody else, however much it takes. */
static void hog_of_machine(void *ctx)
{
	const size_t piece = 16 << 20;

	file_write("/proc/self/oom_score_adj", "1000");
	for (;;) {
		char *p = mmap(NULL, piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			_exit(ctx ? 2 : 1);
		memset(p, 1, piece);
	}
}

/* The guests of `make vm-test` have no swap, and nobody else's processes. */
static void machine_exhausted(void)
{
	const char *cgroup;
	struct search search = {};
	double total = memory_total();
	bool dead;

	if (!getenv("SYSSCOPE_TEST_GUEST")) {
		check(true, "the memory of the machine # SKIP it is used up in a guest only");
		return;
	}
	cgroup = cgroup_make("machine");
	search.pid = run_in(cgroup, hog_of_machine, NULL);
	dead = killed(search.pid);
	if (!on_snapshot_until(kill_seen, &search)) {
		check(false, "the machine: no kill of %d (%s)", search.pid, dead ? "killed" : "not killed");
		return;
	}
	check(dead && strcmp(search.container, cgroup) == 0, "the machine: the victim is in %s", search.container);
	check(container_value_until(cgroup, CONTAINER_RECLAIM_STALLS_MACHINE, 1) > 0 &&
		      container_value(cgroup, CONTAINER_RECLAIM_STALLS_LIMIT) == 0,
	      "the machine: it stalled for the machine's memory before, and at no limit");
	check(strcmp(search.exhausted, "machine") == 0 && !search.limit_of[0] && !search.scope[0],
	      "the machine: exhausted is %s, limit of %s", search.exhausted, search.limit_of);
	check_within("the machine: its memory is MemTotal", search.kill.limit, total, 0.01, 0);
	check(search.kill.usage > 0.8 * total && search.kill.usage <= search.kill.limit, "the machine: %.0f in use",
	      search.kill.usage);
	check(search.kill.score_adjust == 1000, "the machine: oom_score_adj %d", search.kill.score_adjust);
}

int main(void)
{
	const char *cgroup = cgroup_make("oom");
	pid_t sleeper;

	memory_limit(cgroup);
	/* Before sysscope watched: only the cgroup's own file knows. */
	kill_some(cgroup, hog_alone, 1);
	/* Without a process the cgroup has no row. */
	sleeper = run_in(cgroup, sleep_on, NULL);
	pipeline_start();
	snapshot_take();
	check_equal("kills before sysscope started, by the cgroup's file", container_value(cgroup, CONTAINER_OOM_KILLS),
		    1);
	counted(cgroup, "processes killed for their memory", hog_alone);
	counted(cgroup, "processes killed whose main thread had ended", hog_orphaned);
	killed_as_a_group();
	gone_at_once();
	own_limit();
	limit_around();
	limit_inside();
	machine_exhausted();
	kill_and_wait(sleeper);
	return test_finish();
}
