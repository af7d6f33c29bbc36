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

static void work(void *ctx)
{
	struct report *r = ctx;
	struct timespec nap = {0, 1000000};
	size_t size = 32 << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t dead;

	memset(memory, 1, size);
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
	check_within("swapped bytes", p->v[PROCESS_SWAP], atof(swap + 6) * 1024, 0, 2 * page);
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
	double usage;
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
	usage = seconds(r->usage.ru_utime) + seconds(r->usage.ru_stime);
	/* getrusage came before the last switch. */
	check_within("CPU, a dead thread's included", p->v[PROCESS_CPU_USAGE] / 1e9, usage, 0.005, 0.001);
	check_within("user time", p->v[PROCESS_CPU_USER] / 1e9, seconds(r->usage.ru_utime), 0.01, TICK_SECONDS);
	check_within("system time", p->v[PROCESS_CPU_SYSTEM] / 1e9, seconds(r->usage.ru_stime), 0.01, TICK_SECONDS);
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
	test_namespaces(p, pid);
	test_rest(pid, p->v[PROCESS_CPU_USAGE], p->v[PROCESS_VOLUNTARY_SWITCHES]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return test_finish();
}
