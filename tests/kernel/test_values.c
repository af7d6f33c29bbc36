/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_values.c - every counter and limit of a cgroup beside its files at the same moment, on v1 and v2: the sampler, which takes
 * what the kernel lists, against a reader of its own that knows the files only. In a cgroup that is otherwise idle each thing is
 * changed by itself, by the test or by a child, and the next sample must have it. A value counts only if its file says the same
 * before and after the sample.
 */
#include <sys/mman.h>

#include "cgroup/cgroupfs.h"
#include "identity/identity.h"
#include "kernel/loader.h"
#include "lib/kernel_test.h"
#include "sample/sampler.h"

#define MIB   (1UL << 20)
#define TRIES 60

static struct cgroupfs *sampled, *plain;
static struct sampler *sampler;
static const char *box, *inner;
static uint64_t box_id;
static char file_path[64];
static int told[2];

static void box_write(const char *v1_controller, const char *v1_name, const char *v2_name, const char *text)
{
	char path[300];

	if (test_on_v2())
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/%s", box, v2_name);
	else
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s%s/%s", v1_controller, box, v1_name);
	if (!file_write(path, text))
		printf("# %s: %s\n", path, strerror(errno));
}

/* ---- both sides ---- */

static bool plain_read(struct cgroup_counters *ret)
{
	cgroupfs_moment(plain, clock_boot_ns());
	return cgroupfs_read(plain, box_id, box, ret) == 0;
}

static bool sample_read(struct cgroup_counters *ret)
{
	const struct sample *s;

	if (sampler_read(sampler, &s) < 0)
		return false;
	for (size_t i = 0; i < s->n_cgroups; i++)
		if (s->cgroups[i].id == box_id) {
			*ret = s->cgroups[i].files;
			return true;
		}
	return false;
}

static uint64_t field(const struct cgroup_counters *c, size_t i)
{
	return ((const uint64_t *)c)[i];
}

/* Of an idle cgroup it is read once a minute. */
static bool is_pressure(size_t i)
{
	return i >= offsetof(struct cgroup_counters, pressure_cpu_some_ns) / sizeof(uint64_t) &&
	       i <= offsetof(struct cgroup_counters, pressure_io_full_ns) / sizeof(uint64_t);
}

/* What moves meanwhile is compared again. */
static void agree(const char *after)
{
	bool done[CGROUP_COUNTERS_FIELDS] = {}, all = false;
	struct cgroup_counters before, seen, then;
	size_t wrong = 0;

	for (int try = 0; try < TRIES && !all; try++) {
		if (!plain_read(&before) || !sample_read(&seen) || !plain_read(&then)) {
			check(false, "%s: the cgroup is there", after);
			return;
		}
		all = true;
		for (size_t i = 0; i < CGROUP_COUNTERS_FIELDS; i++) {
			if (done[i] || is_pressure(i))
				continue;
			done[i] = field(&before, i) == field(&then, i);
			all &= done[i];
			if (!done[i] || field(&seen, i) == field(&before, i))
				continue;
			printf("# field %zu: saw %lu, its file says %lu\n", i, field(&seen, i), field(&before, i));
			wrong++;
		}
	}
	check(all && !wrong, "%s: every value is that of its file", after);
}

/* The change is one: the files say so, and then the sample does, too. */
#define changed(what, member)                                                                  \
	do {                                                                                   \
		struct cgroup_counters now_;                                                   \
		check(poll_until(plain_read(&now_) && now_.member != was.member), "%s", what); \
		agree(what);                                                                   \
		plain_read(&was);                                                              \
	} while (0)

/* ---- what is changed ---- */

static void file_keep(void *ctx)
{
	static char block[MIB];
	int fd = open(file_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *anon = mmap(NULL, 3 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)ctx;
	memset(anon, 1, 3 * MIB);
	for (int i = 0; i < 4; i++)
		if (write(fd, block, MIB) != MIB)
			_exit(1);
	fsync(fd);
	if (write(told[1], "y", 1) == 1)
		pause();
}

static void use_cpu(void *ctx)
{
	(void)ctx;
	burn(0.3);
	_exit(0);
}

static void use_memory(void *ctx)
{
	char *anon = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)ctx;
	memset(anon, 1, 16 * MIB);
	_exit(0);
}

static void sleep_on(void *ctx)
{
	(void)ctx;
	for (;;)
		pause();
}

static void limits_check(struct cgroup_counters was)
{
	box_write("memory", "memory.limit_in_bytes", "memory.max", "67108864");
	changed("a memory limit is set", memory_limit);
	box_write("memory", "memory.soft_limit_in_bytes", "memory.low", "4194304");
	changed("a reservation is set", memory_reservation);
	box_write("pids", "pids.max", "pids.max", "37");
	changed("a limit of processes is set", pids_limit);
	if (!test_on_v2()) {
		box_write("cpu", "cpu.cfs_period_us", "", "50000");
		changed("a period is set", cpu_period_us);
		box_write("cpu", "cpu.shares", "", "2");
		changed("the least shares are set", cpu_shares);
		box_write("cpu", "cpu.shares", "", "777");
		changed("shares are set", cpu_shares);
		box_write("memory", "memory.oom_control", "", "1");
		changed("the OOM killer is turned off", oom_kill_disabled);
		box_write("memory", "memory.oom_control", "", "0");
		changed("and on", oom_kill_disabled);
	}
	box_write("cpu", "cpu.cfs_quota_us", "cpu.max", test_on_v2() ? "10000 50000" : "10000");
	changed("a CPU quota is set", cpu_quota_us);
	box_write("memory", "memory.limit_in_bytes", "memory.max", test_on_v2() ? "max" : "-1");
	changed("the memory limit is taken away", memory_limit);
	box_write("pids", "pids.max", "pids.max", "max");
	changed("the limit of processes is taken away", pids_limit);
}

/* The kernel saves up what is left of the quota in periods in which something ran. */
static void use_bursts(void *ctx)
{
	(void)ctx;
	for (int i = 0; i < 40; i++) {
		burn(0.001);
		usleep(5000);
	}
	burn(0.1);
	_exit(0);
}

/* More than its quota, out of what it saved up while nobody ran. Before 5.16 there is no such count. */
static void bursts_check(struct cgroup_counters was)
{
	struct cgroup_counters now = was;

	if (was.bursts == SS_UNKNOWN)
		return;
	box_write("cpu", "cpu.cfs_quota_us", "cpu.max", test_on_v2() ? "20000 50000" : "20000");
	box_write("cpu", "cpu.cfs_burst_us", "cpu.max.burst", "20000");
	/* On a machine that is busy with others it may not get as much in one period. */
	for (int i = 0; i < 20 && now.bursts == was.bursts; i++) {
		waitpid(run_in(test_on_v2() ? inner : box, use_bursts, NULL), NULL, 0);
		plain_read(&now);
	}
	changed("a process used more than the quota, out of what was saved up", burst_ns);
	check(was.bursts > 0 && was.bursts <= was.periods, "the periods in which it did");
	box_write("cpu", "cpu.cfs_burst_us", "cpu.max.burst", "0");
	box_write("cpu", "cpu.cfs_quota_us", "cpu.max", test_on_v2() ? "10000 50000" : "10000");
	agree("the burst is taken away");
}

static void tasks_check(struct cgroup_counters was)
{
	pid_t pid;

	/* On v2 no process may be in a cgroup that has controllers for those below. */
	waitpid(run_in(test_on_v2() ? inner : box, use_cpu, NULL), NULL, 0);
	changed("a process used CPU time, throttled", cpu_usage_ns);
	box_write("cpu", "cpu.cfs_quota_us", "cpu.max", test_on_v2() ? "max" : "-1");
	changed("the quota is taken away", cpu_quota_us);
	waitpid(run_in(inner, use_cpu, NULL), NULL, 0);
	changed("a process of a cgroup below used CPU time", cpu_usage_ns);
	pid = run_in(inner, sleep_on, NULL);
	changed("a process came into a cgroup below", pids);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	changed("and ended", pids);
	waitpid(run_in(inner, use_memory, NULL), NULL, 0);
	/* memory.peak came with 5.19. */
	if (was.memory_peak != SS_UNKNOWN)
		changed("a process of a cgroup below used memory", memory_peak);
	else
		changed("a process of a cgroup below used memory", page_faults);
	if (test_on_v2())
		return;
	box_write("memory", "memory.max_usage_in_bytes", "", "0");
	changed("the peak is set back", memory_peak);
	box_write("memory", "memory.limit_in_bytes", "", "8388608");
	waitpid(run_in(box, use_memory, NULL), NULL, 0);
	changed("a process hit the limit", memory_failcnt);
	box_write("memory", "memory.limit_in_bytes", "", "-1");
	box_write("memory", "memory.failcnt", "", "0");
	changed("the count of failures is set back", memory_failcnt);
}

/* Pages that are the cgroup's stay its own, whoever writes to them. */
static void others_check(struct cgroup_counters was)
{
	static char block[2 * MIB];
	_cleanup_close_ int fd = open(file_path, O_WRONLY | O_CLOEXEC);

	if (was.memory_cache == SS_UNKNOWN || was.memory_cache < 2 * MIB) {
		printf("ok %d - what others do # SKIP its file is not in the page cache\n", ++test_number);
		return;
	}
	if (pwrite(fd, block, sizeof(block), 0) != sizeof(block))
		printf("# %s: %s\n", file_path, strerror(errno));
	agree("another process wrote to its pages");
	if (fsync(fd) < 0)
		printf("# %s: %s\n", file_path, strerror(errno));
	agree("and had them written back");
	plain_read(&was);
	if (ftruncate(fd, 0) < 0)
		printf("# %s: %s\n", file_path, strerror(errno));
	changed("another process took its pages away", memory_usage);
}

/* Before the one that it is in. A cgroup stays busy for a while after its last process was reaped. */
static void inner_remove(void)
{
	char path[300];

	for (size_t i = 0; cgroup_folder(inner, i, path, sizeof(path)); i++)
		for (int tries = 0; rmdir(path) < 0 && errno == EBUSY && tries < 500; tries++)
			usleep(10000);
}

/* ---- both readers ---- */

static bool readers_open(struct kernel *kernel, struct loader **loader, struct identities **ids)
{
	_cleanup_buf_ struct buf error = {};
	struct loader_options o = {};

	if (kernel_probe(kernel) < 0 || cgroupfs_open(&sampled, "") < 0 || cgroupfs_open(&plain, "") < 0)
		return false;
	*ids = identities_new("");
	loader_options_hierarchy(&o, kernel, cgroupfs_layout(sampled));
	o.disabled = ~(1u << COLLECTOR_TASKS | 1u << COLLECTOR_CGROUPS | 1u << COLLECTOR_COUNTERS);
	if (loader_open(loader, kernel, &o, &error) < 0) {
		printf("# %s\n", error.data);
		return false;
	}
	printf("# counters: %s %s\n", loader_status(*loader, COLLECTOR_COUNTERS).loaded ? "listed" : "by files",
	       loader_status(*loader, COLLECTOR_COUNTERS).reason);
	return *ids && sampler_open(&sampler, *loader, sampled, *ids) == 0 && cgroupfs_id(plain, box, &box_id) == 0;
}

int main(void)
{
	struct cgroup_counters was = {};
	struct identities *ids = NULL;
	struct loader *loader = NULL;
	struct kernel kernel = {};
	char answer;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(file_path, sizeof(file_path), "%s/sysscope-test-values.%d",
		 access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp", getpid());
	if (pipe(told) < 0)
		return 1;
	box = cgroup_make("values");
	if (test_on_v2())
		box_write("", "", "cgroup.subtree_control", "+memory +pids +cpu");
	inner = cgroup_make("values/inner");
	check(readers_open(&kernel, &loader, &ids), "both readers are there");
	if (!sampler) {
		inner_remove();
		return test_finish();
	}
	pid = run_in(inner, file_keep, NULL);
	close(told[1]);
	check(read(told[0], &answer, 1) == 1 && poll_until(asleep(pid)), "a process is asleep");
	for (int i = 0; i <= CGROUPFS_YOUNG_READS; i++)
		sample_read(&was);
	plain_read(&was);
	agree("idle");
	others_check(was);
	plain_read(&was);
	limits_check(was);
	plain_read(&was);
	bursts_check(was);
	plain_read(&was);
	tasks_check(was);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(file_path);
	inner_remove();
	sampler_close(sampler);
	loader_close(loader);
	identities_free(ids);
	cgroupfs_close(sampled);
	cgroupfs_close(plain);
	kernel_free(&kernel);
	return test_finish();
}
