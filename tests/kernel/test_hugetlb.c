/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_hugetlb.c - huge pages of a process and of its cgroup beside /proc/PID/status and the cgroup's own file. Asks the kernel
 * for a few pages and gives them back.
 */
#include <sys/mman.h>

#include "lib/kernel_test.h"

#define PAGES 3
#define SIZE  (2UL << 20)
#define POOL  "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"

static uint64_t pool_before;
static int told[2];

static uint64_t number_read(const char *path)
{
	_cleanup_free_ char *text = NULL;

	return read_file(path, 4096, &text, NULL) < 0 ? UINT64_MAX : strtoull(text, NULL, 10);
}

static void pool_set(uint64_t pages)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)pages);
	file_write(POOL, text);
}

static void pool_restore(void)
{
	if (getpid() == test_owner)
		pool_set(pool_before);
}

static void work(void *ctx)
{
	char *m = mmap(NULL, PAGES * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0),
	     c = 'n';

	(void)ctx;
	if (m != MAP_FAILED) {
		memset(m, 1, PAGES * SIZE);
		c = 'y';
	}
	if (write(told[1], &c, 1) == 1)
		pause();
}

/* A line of /proc/PID/status that is in kB, in bytes. */
static double status_bytes(pid_t pid, const char *key)
{
	_cleanup_free_ char *text = NULL;
	const char *line;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (read_file(path, 65536, &text, NULL) < 0)
		return -1;
	line = strstr(text, key);
	return line ? strtod(line + strlen(key), NULL) * 1024 : -1;
}

static void cgroup_check(const char *home, const struct container_row *row)
{
	char path[300];

	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/hugetlb.2MB.current", home);
	if (!test_on_v2() || access(path, R_OK) < 0) {
		check(row && value_absent(row->v[CONTAINER_HUGETLB_2MB]),
		      "without the controller the cgroup's are absent");
		return;
	}
	check_equal("of the cgroup", row ? row->v[CONTAINER_HUGETLB_2MB] : -1, (double)number_read(path));
	check(row && value_absent(row->v[CONTAINER_HUGETLB_LIMIT_2MB]), "which has no limit");
}

int main(void)
{
	const struct container_row *row;
	const struct process_row *p;
	const struct snapshot *s;
	const char *home;
	double resident;
	char answer;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	pool_before = number_read(POOL);
	if (pool_before == UINT64_MAX || pipe(told) < 0) {
		printf("ok %d - # SKIP this kernel has no huge pages of 2 MB\n", ++test_number);
		return test_finish();
	}
	if (test_on_v2())
		file_write("/sys/fs/cgroup/cgroup.subtree_control", "+hugetlb");
	home = cgroup_make("hugetlb");
	atexit(pool_restore);
	pool_set(pool_before + PAGES);
	pipeline_start();
	pid = run_in(home, work, NULL);
	if (read(told[0], &answer, 1) != 1 || answer != 'y') {
		printf("ok %d - # SKIP there is no memory for huge pages\n", ++test_number);
	} else {
		asleep_wait(pid);
		s = snapshot_take();
		p = process_row_find(s, pid);
		row = row_find(s, home);
		check_equal("huge pages of the process, in bytes", p ? p->v[PROCESS_HUGETLB] : -1,
			    status_bytes(pid, "HugetlbPages:"));
		check_equal("as many as it has written to", p ? p->v[PROCESS_HUGETLB] : -1, PAGES * SIZE);
		resident = p ? p->v[PROCESS_RSS] : -1;
		/* The kernel's own is up to some pages a CPU too low before 6.16. */
		check(resident > 0 && resident < status_bytes(pid, "VmRSS:") + SIZE,
		      "its resident memory does not include them: %.0f", resident);
		check(s->v[HOST_HUGETLB] >= PAGES * SIZE, "the machine's pool: %.0f", s->v[HOST_HUGETLB]);
		cgroup_check(home, row);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return test_finish();
}
