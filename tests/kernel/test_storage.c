/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_storage.c - the kernel memory of what is stored with each thread: what sysscope says of it is what the kernel charges to the
 * cgroup of whoever loaded the programs, and a thread takes at most 800 bytes.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "lib/kernel_test.h"
#include "pipeline.h"

#define THREADS 10007
#define MOST	800
#define STACK	16384

static unsigned int *started; /* shared with the process that has the threads */

static void *rest(void *ctx)
{
	__atomic_add_fetch(started, 1, __ATOMIC_SEQ_CST);
	pause();
	return ctx;
}

static void threads_run(void *ctx)
{
	pthread_attr_t small;
	pthread_t thread;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK);
	for (int i = 1; i < THREADS; i++)
		if (pthread_create(&thread, &small, rest, NULL) != 0)
			_exit(1);
	rest(ctx);
}

/* Kernel memory that is charged to the cgroup; -1: the kernel does not say. */
static double kernel_memory(const char *name)
{
	_cleanup_free_ char *text = NULL;
	const char *line;
	char path[256];

	if (test_on_v2())
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.stat", name);
	else
		snprintf(path, sizeof(path), "/sys/fs/cgroup/memory%s/memory.kmem.usage_in_bytes", name);
	if (read_file(path, 65536, &text, NULL) < 0)
		return -1;
	line = test_on_v2() ? strstr(text, "\nkernel ") : text;
	return line ? atof(line + (test_on_v2() ? strlen("\nkernel ") : 0)) : -1;
}

static double storage(void)
{
	uint64_t bytes = 0;

	snapshot_take();
	return pipeline_storage_memory(test_pipeline, &bytes) < 0 ? -1 : (double)bytes;
}

static int compare(const char *own, const char *others)
{
	double stored, charged;

	pipeline_start();
	stored = storage();
	charged = kernel_memory(own);
	if (stored < 0 || charged <= 0) {
		printf("ok %d - # SKIP no task storage, or the kernel does not say what it charges\n", ++test_number);
		return test_finish();
	}
	run_in(others, threads_run, NULL);
	poll_until(__atomic_load_n(started, __ATOMIC_SEQ_CST) == THREADS);
	stored = storage() - stored;
	charged = kernel_memory(own) - charged;
	/* Others on this machine begin and end threads, too, and the kernel charges whole pages. */
	check_within("kernel memory of the threads, as published and as charged", stored, charged, 0.1, 0);
	check(stored / THREADS <= MOST, "at most %d bytes a thread: saw %.0f", MOST, stored / THREADS);
	return test_finish();
}

int main(void)
{
	const char *own = cgroup_make("storage"), *others = cgroup_make("threads");
	int status = 1;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	started = mmap(NULL, sizeof(*started), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (started == MAP_FAILED)
		return 1;
	pid = fork();
	if (pid == 0) {
		cgroup_enter(own, getpid());
		exit(compare(own, others));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
