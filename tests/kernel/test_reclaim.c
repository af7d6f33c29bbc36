/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_reclaim.c - stalls of a process that reads more than its cgroup's memory limit holds. The second sources are the kernel's
 * own delay accounting of that task (taskstats: how often it freed pages, and for how long), where the kernel has it, and the
 * task's own clock. A process beside it in another cgroup has no stall at a limit.
 */
#include <linux/genetlink.h>
#include <linux/taskstats.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <linux/magic.h>

#include "lib/kernel_test.h"

#define LIMIT	  "16777216"
#define FILE_SIZE (61UL << 20)
#define PASSES	  3
#define NAMES	  200000 /* more than the limit holds */
#define DELAYS	  "/proc/sys/kernel/task_delayacct"

static int file_fd = -1; /* -1: files are in memory only */

static bool memory_limit(const char *cgroup)
{
	const char *name = test_on_v2() ? "memory.max" : "memory.limit_in_bytes";
	char path[512], file[600];
	bool limited = false;

	for (size_t i = 0; cgroup_folder(cgroup, i, path, sizeof(path)); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, name);
		limited |= access(file, F_OK) == 0 && file_write(file, LIMIT);
	}
	return limited;
}

/* ---- work ---- */

struct work {
	int ready[2]; /* a pipe: its time in seconds, when it is done */
};

/* Pages of files are what a limit makes the kernel take back. */
static void read_file_through(void)
{
	static char piece[65536];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(file_fd, piece, sizeof(piece), at)) > 0)
		at += n;
}

/* Where files are in memory only, as in a guest: names that are not there, which kernfs remembers (5.14). */
static void look_for_names(void)
{
	char path[128];

	for (int i = 0; i < NAMES; i++) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup/sysscope-test-no-such-cgroup-%d-%d", getpid(), i);
		if (access(path, F_OK) == 0)
			_exit(1);
	}
}

static void work_run(void *ctx)
{
	struct work *w = ctx;
	double began = now_seconds();

	for (int i = 0; i < PASSES && file_fd >= 0; i++)
		read_file_through();
	if (file_fd < 0)
		look_for_names();
	began = now_seconds() - began;
	if (write(w->ready[1], &began, sizeof(began)) == sizeof(began))
		pause();
	_exit(1);
}

/* A file without a name: it goes with the test, however that ends. */
static void file_make(void)
{
	static char piece[1 << 20];
	struct statfs fs;

	if (statfs("/var/tmp", &fs) < 0 || fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC)
		return;
	file_fd = open("/var/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	for (size_t i = 0; file_fd >= 0 && i < FILE_SIZE / sizeof(piece); i++)
		if (write(file_fd, piece, sizeof(piece)) != sizeof(piece)) {
			close(file_fd);
			file_fd = -1;
		}
	if (file_fd < 0)
		return;
	fsync(file_fd);
	posix_fadvise(file_fd, 0, 0, POSIX_FADV_DONTNEED);
}

/* ---- taskstats ---- */

struct message {
	struct nlmsghdr head;
	struct genlmsghdr command;
	char rest[4096];
};

/* Sends one request with one attribute and receives its answer. */
static ssize_t ask(int fd, struct message *m, uint16_t family, uint8_t command, uint16_t type, const void *value,
		   size_t size)
{
	struct nlattr *attribute = (struct nlattr *)m->rest;

	memset(m, 0, sizeof(*m));
	attribute->nla_type = type;
	attribute->nla_len = (uint16_t)(NLA_HDRLEN + size);
	memcpy(m->rest + NLA_HDRLEN, value, size);
	m->command = (struct genlmsghdr){.cmd = command, .version = 1};
	m->head.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + GENL_HDRLEN + NLA_ALIGN(attribute->nla_len));
	m->head.nlmsg_type = family;
	m->head.nlmsg_flags = NLM_F_REQUEST;
	if (send(fd, m, m->head.nlmsg_len, 0) < 0)
		return -1;
	return recv(fd, m, sizeof(*m), 0);
}

/* The attribute of this type in a row of attributes, else NULL. */
static const char *attribute_find(const char *at, ssize_t size, uint16_t type)
{
	while (size >= NLA_HDRLEN) {
		const struct nlattr *a = (const void *)at;
		ssize_t step = NLA_ALIGN(a->nla_len);

		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return at + NLA_HDRLEN;
		if (step < NLA_HDRLEN)
			return NULL;
		at += step;
		size -= step;
	}
	return NULL;
}

/* What the kernel accounts to a living task; false: this kernel does not. */
static bool delays_of(pid_t pid, struct taskstats *ret)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	const char *found, *end;
	struct message m;
	uint32_t id = (uint32_t)pid;
	ssize_t n;

	if (fd < 0)
		return false;
	n = ask(fd, &m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, TASKSTATS_GENL_NAME,
		sizeof(TASKSTATS_GENL_NAME));
	if (n < (ssize_t)sizeof(m.head) || m.head.nlmsg_type == NLMSG_ERROR)
		return false;
	found = attribute_find(m.rest, n - NLMSG_HDRLEN - GENL_HDRLEN, CTRL_ATTR_FAMILY_ID);
	if (!found)
		return false;
	n = ask(fd, &m, *(const uint16_t *)(const void *)found, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_PID, &id,
		sizeof(id));
	if (n < (ssize_t)sizeof(m.head) || m.head.nlmsg_type == NLMSG_ERROR)
		return false;
	end = (const char *)&m + n;
	found = attribute_find(m.rest, n - NLMSG_HDRLEN - GENL_HDRLEN, TASKSTATS_TYPE_AGGR_PID);
	if (found)
		found = attribute_find(found, end - found, TASKSTATS_TYPE_STATS);
	if (!found || end - found < (ssize_t)offsetof(struct taskstats, thrashing_count))
		return false;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, found, (size_t)(end - found) < sizeof(*ret) ? (size_t)(end - found) : sizeof(*ret));
	return true;
}

static bool delays_are_on(void)
{
	_cleanup_free_ char *text = NULL;

	return read_file(DELAYS, 16, &text, NULL) >= 0 && text[0] == '1';
}

/* ---- the test ---- */

static pid_t worker_start(const char *cgroup, struct work *w, double *ret_seconds)
{
	pid_t pid;

	if (pipe2(w->ready, O_CLOEXEC) < 0)
		exit(1);
	pid = run_in(cgroup, work_run, w);
	if (read(w->ready[0], ret_seconds, sizeof(*ret_seconds)) != sizeof(*ret_seconds))
		*ret_seconds = -1;
	return pid;
}

static void worker_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void compared(const char *limited, const struct taskstats *delays, double seconds)
{
	double stalls = container_value(limited, CONTAINER_RECLAIM_STALLS_LIMIT);
	double ns = container_value(limited, CONTAINER_RECLAIM_LIMIT),
	       accounted = (double)delays->freepages_delay_total;

	if (file_fd < 0 && kernel_release() < 514) {
		check(true,
		      "at its limit it stalls # SKIP neither a disk, nor are names kept that are not there (5.14)");
		return;
	}
	check(stalls > 0 && ns > 0, "at its limit it stalled %.0f times, for %.6f s", stalls, ns / 1e9);
	check(ns / 1e9 < seconds, "not longer than it worked: %.3f s of %.3f s", ns / 1e9, seconds);
	if (!delays->freepages_count) {
		check(true, "beside the kernel's delay accounting # SKIP this kernel has none");
		return;
	}
	/* The machine may have had no memory, too: that is accounted together. */
	stalls += container_value(limited, CONTAINER_RECLAIM_STALLS_MACHINE);
	ns += container_value(limited, CONTAINER_RECLAIM_MACHINE);
	/* The kernel accounts each attempt within one stall apart; there are up to four. */
	check(stalls <= (double)delays->freepages_count && stalls * 4 >= (double)delays->freepages_count,
	      "as often as the kernel accounts to the task: %.0f, accounted %.0f", stalls,
	      (double)delays->freepages_count);
	/* The kernel's interval lies inside of ours; between them are 20 us at most, unless the task is preempted there. */
	check(ns >= accounted && ns < accounted * 1.25 + 20e3 * stalls, "for as long: %.6f s, accounted %.6f s",
	      ns / 1e9, accounted / 1e9);
}

int main(void)
{
	const char *limited = cgroup_make("limited"), *beside = cgroup_make("beside");
	struct work w, other;
	struct taskstats delays = {};
	double seconds, other_seconds;
	bool accounted, delays_before;
	pid_t pid, bystander;

	if (!memory_limit(limited)) {
		printf("1..0 # SKIP no memory controller\n");
		return 0;
	}
	pipeline_start();
	file_make();
	/* For tasks that begin from now on. */
	delays_before = delays_are_on();
	accounted = file_write(DELAYS, "1");
	pid = worker_start(limited, &w, &seconds);
	bystander = worker_start(beside, &other, &other_seconds);
	accounted &= delays_of(pid, &delays);
	printf("# %s, %s delay accounting\n", file_fd >= 0 ? "a file" : "names", accounted ? "with" : "without");
	snapshot_take();
	compared(limited, &delays, seconds);
	check_equal("a bystander stalls at no limit", container_value(beside, CONTAINER_RECLAIM_STALLS_LIMIT), 0);
	check_equal("for no time", container_value(beside, CONTAINER_RECLAIM_LIMIT), 0);
	check_equal("no stall was lost", loss_count("reclaim_lost"), 0);
	if (!delays_before)
		file_write(DELAYS, "0");
	worker_end(pid);
	worker_end(bystander);
	return test_finish();
}
