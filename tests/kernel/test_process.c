/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_process.c - one process as the kernel itself accounts it: CPU, user and system time, context switches, faults
 * and threads against getrusage; memory against its page tables; identity against /proc/PID.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "lib/kernel_test.h"

#define SLEEPS 53

struct report {
	struct rusage usage;
	unsigned long net_ns;
	volatile bool ready;
};

static void *thread_burn(void *ctx)
{
	(void)ctx;
	burn(0.15);
	return NULL;
}

/* A few pages on each CPU: fewer than a CPU adds to the process's counters at once. */
static void memory_on_each_cpu(void)
{
	cpu_set_t all, one;

	sched_getaffinity(0, sizeof(all), &all);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		size_t size = (size_t)(5 + cpu % 7) * (size_t)sysconf(_SC_PAGESIZE);
		char *memory;

		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		memset(memory, 1, size);
	}
	sched_setaffinity(0, sizeof(all), &all);
}

/* So much is shared; so much more than in the end was resident once. */
#define SHARED	   (3UL << 20)
#define GIVEN_BACK (13UL << 20)

static void memory_shared_and_given_back(void)
{
	char *shared = mmap(NULL, SHARED, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *lent = mmap(NULL, GIVEN_BACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(shared, 1, SHARED);
	memset(lent, 1, GIVEN_BACK);
	munmap(lent, GIVEN_BACK);
}

static void work(void *ctx)
{
	struct report *r = ctx;
	struct timespec nap = {0, 1000000};
	size_t size = 32 << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t dead;

	memset(memory, 1, size);
	memory_shared_and_given_back();
	memory_on_each_cpu();
	if (pthread_create(&dead, NULL, thread_burn, NULL) == 0)
		pthread_join(dead, NULL);
	burn(0.2);
	for (int i = 0; i < 20000; i++)
		getppid();
	for (int i = 0; i < SLEEPS; i++)
		nanosleep(&nap, NULL);
	getrusage(RUSAGE_SELF, &r->usage);
	r->ready = true;
	pause();
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* By its clock, which has the time of threads that have ended, too. */
static double whole_cpu_seconds(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
		return NAN;
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/*
 * Against smaps_rollup, which walks its page tables: exact on every kernel, unlike status before 6.16. The process has used
 * memory on every CPU, each of which holds some pages back. Before 6.2 each thread holds back up to 64 of each of three kinds.
 */
static void test_memory(const struct process_row *p, pid_t pid)
{
	double page = (double)sysconf(_SC_PAGESIZE);
	_cleanup_free_ char *text = NULL;
	const char *rss, *swap;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	if (read_file(path, 8192, &text, NULL) < 0 || !(rss = strstr(text, "Rss:")) ||
	    !(swap = strstr(text, "\nSwap:"))) {
		printf("ok %d - resident bytes # SKIP no smaps_rollup\n", ++test_number);
		return;
	}
	check_within("resident bytes against its page tables", p->v[PROCESS_RSS], atof(rss + 4) * 1024, 0,
		     (kernel_release() < 602 ? 3 * 64 : 2) * page);
	check_within("anonymous bytes", p->v[PROCESS_RSS_ANONYMOUS],
		     atof((strstr(text, "Anonymous:") ?: "Anonymous: -1") + strlen("Anonymous:")) * 1024, 0,
		     (kernel_release() < 602 ? 64 : 2) * page);
	check_within("swapped bytes", p->v[PROCESS_SWAP], atof(swap + 6) * 1024, 0, 2 * page);
}

/* On request only, and of this process only. */
static void test_rollup(pid_t pid)
{
	const struct snapshot_source *source = pipeline_source(test_pipeline);
	const struct snapshot *s = snapshot_take();
	const struct process_row *p = process_row_find(s, pid);
	_cleanup_free_ char *text = NULL;
	uint64_t start_ns = p ? p->start_ns : 0; /* the next snapshot takes the place of this one */
	char path[64];
	const char *pss;

	check(p && s->rollup.pid == 0, "nobody has asked for its PSS");
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	if (!p || read_file(path, 8192, &text, NULL) < 0 || !(pss = strstr(text, "\nPss:"))) {
		printf("ok %d - PSS # SKIP no smaps_rollup\n", ++test_number);
		return;
	}
	source->watch(source->ctx, (uint32_t)pid, start_ns + 1);
	check(snapshot_take()->rollup.pid == 0, "another process had this number");
	source->watch(source->ctx, (uint32_t)pid, start_ns);
	s = snapshot_take();
	check(s->rollup.pid == (uint32_t)pid && !s->rollup.reason, "PSS of %u: %s", s->rollup.pid,
	      s->rollup.reason ?: "");
	/* Who else maps the C library comes and goes. */
	check_within("PSS", s->rollup.pss, strtod(pss + 5, NULL) * 1024, 0, 1 << 20);
	check(s->rollup.anonymous >= 32 << 20 && s->rollup.anonymous <= s->rollup.pss, "anonymous: %.0f",
	      s->rollup.anonymous);
	source->watch(source->ctx, 0, 0);
	check(snapshot_take()->rollup.pid == 0, "nobody asks any more");
}

/* The kinds against status, which before 6.16 leaves out what the CPUs hold back. */
static void test_memory_kinds(const struct process_row *p, pid_t pid)
{
	static const struct {
		const char *key;
		int metric;
	} kinds[] = {{"RssAnon:", PROCESS_RSS_ANONYMOUS},
		     {"RssFile:", PROCESS_RSS_FILE},
		     {"RssShmem:", PROCESS_RSS_SHMEM},
		     {"VmSwap:", PROCESS_SWAP},
		     {"VmHWM:", PROCESS_RSS_PEAK}};
	double page = (double)sysconf(_SC_PAGESIZE), cpus = (double)sysconf(_SC_NPROCESSORS_CONF);
	double held_back = (kernel_release() < 602 ? 64 : (cpus < 16 ? 32 : 2 * cpus) * cpus) * page;
	_cleanup_free_ char *text = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (read_file(path, 65536, &text, NULL) < 0) {
		check(false, "%s", path);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *at = strstr(text, kinds[i].key);

		/* VmHWM has the sum of three. */
		check_within(kinds[i].key, p->v[kinds[i].metric],
			     at ? strtod(at + strlen(kinds[i].key), NULL) * 1024 : -1, 0,
			     kernel_release() < 616 ? 3 * held_back : 0);
	}
	check_equal("the kinds add up", p->v[PROCESS_RSS_ANONYMOUS] + p->v[PROCESS_RSS_FILE] + p->v[PROCESS_RSS_SHMEM],
		    p->v[PROCESS_RSS]);
	/* Besides, the page of its report, and the program itself where that lies in memory (guests). */
	check(p->v[PROCESS_RSS_SHMEM] >= (double)SHARED - (kernel_release() < 602 ? 64 * page : 0),
	      "shared memory: %.0f", p->v[PROCESS_RSS_SHMEM]);
	check(p->v[PROCESS_RSS_PEAK] >= p->v[PROCESS_RSS] && p->v[PROCESS_RSS_PEAK] > 32 << 20, "peak: %.0f",
	      p->v[PROCESS_RSS_PEAK]);
}

static void test_namespaces(const struct process_row *p, pid_t pid)
{
	static const char *const files[8] = {"pid", "mnt", "net", "uts", "ipc", "user", "cgroup", "time"};
	char path[64];
	struct stat st;

	for (int i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, files[i]);
		if (stat(path, &st) == 0)
			check_equal(path, p->namespaces[i], (double)st.st_ino);
	}
}

/* The process sleeps: nothing of it may have changed when the source gave its memory back in between. */
static void test_rest(pid_t pid, double cpu_ns, double switches)
{
	const struct snapshot_source *source = pipeline_source(test_pipeline);
	const struct process_row *p;

	source->rest(source->ctx);
	source->rest(source->ctx);
	p = process_row_find(snapshot_take(), pid);
	if (!p) {
		check(false, "the process is in the snapshot after a rest");
		return;
	}
	check_equal("CPU after a rest", p->v[PROCESS_CPU_USAGE], cpu_ns);
	check_equal("voluntary switches after a rest", p->v[PROCESS_VOLUNTARY_SWITCHES], switches);
	check_equal("CPU cores after a rest", p->v[PROCESS_CPU_CORES], 0);
}

int main(void)
{
	struct report *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *box = cgroup_make("process");
	const struct process_row *p;
	const struct snapshot *s;
	double usage, late;
	pid_t pid;

	pipeline_start();
	snapshot_take();
	pid = run_in(box, work, r);
	poll_until(r->ready);
	asleep_wait(pid);
	s = snapshot_take();
	p = process_row_find(s, pid);
	if (!p) {
		check(false, "the process is in the snapshot");
		kill(pid, SIGKILL);
		return 1;
	}
	usage = whole_cpu_seconds(pid);
	check_within("CPU, a dead thread's included", p->v[PROCESS_CPU_USAGE] / 1e9, usage, 0, 1e-6);
	/* It told its times before it fell asleep, which is not at once on a busy machine. */
	late = usage - seconds(r->usage.ru_utime) - seconds(r->usage.ru_stime);
	check_within("user time", p->v[PROCESS_CPU_USER] / 1e9, seconds(r->usage.ru_utime), 0.01, TICK_SECONDS + late);
	check_within("system time", p->v[PROCESS_CPU_SYSTEM] / 1e9, seconds(r->usage.ru_stime), 0.01,
		     TICK_SECONDS + late);
	check(p->v[PROCESS_CPU_USER] + p->v[PROCESS_CPU_SYSTEM] == p->v[PROCESS_CPU_USAGE],
	      "user and system add up to CPU");
	/* One more since: into pause(). */
	check_equal("voluntary switches", p->v[PROCESS_VOLUNTARY_SWITCHES], (double)r->usage.ru_nvcsw + 1);
	/* Each of two such moments may cost it the CPU: after its getrusage, and after it has said that it is ready. */
	check(p->v[PROCESS_INVOLUNTARY_SWITCHES] >= (double)r->usage.ru_nivcsw &&
		      p->v[PROCESS_INVOLUNTARY_SWITCHES] <= (double)r->usage.ru_nivcsw + 2,
	      "involuntary switches: saw %.0f, %ld a moment before", p->v[PROCESS_INVOLUNTARY_SWITCHES],
	      r->usage.ru_nivcsw);
	check_within("minor faults", p->v[PROCESS_MINOR_FAULTS], (double)r->usage.ru_minflt, 0, 2);
	check_equal("threads", p->v[PROCESS_THREADS], 1);
	check_equal("parent", p->ppid, getpid());
	check(strcmp(process_container(s, p)->cgroup, box) == 0, "its container is %s",
	      process_container(s, p)->cgroup);
	test_memory(p, pid);
	test_memory_kinds(p, pid);
	test_namespaces(p, pid);
	test_rest(pid, p->v[PROCESS_CPU_USAGE], p->v[PROCESS_VOLUNTARY_SWITCHES]);
	test_rollup(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return test_finish();
}
