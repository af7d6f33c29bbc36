/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_disk.c - reads and writes of a known number and size, past the page cache, beside the device's own counters and, on v2,
 * the cgroup's io.stat; their latencies; and a container that fills a slow device, which is what another one waits for.
 */
#include <sys/mman.h>

#include "lib/kernel_test.h"
#include "lib/slow_disk.h"

#define BLOCK	4096
#define WRITES	101
#define READS	37
#define SIZE	(64UL << 20)
#define SLOW_US 2000
#define WAITED	29 /* reads of the slow device, beside the one that fills it */
#define LARGE	65536

static char extra[8][128];
static int n_extra;

/* ---- cgroups: on v1 the disk's controller has a hierarchy of its own ---- */

static void extra_remove(void)
{
	for (int i = 0; getpid() == test_owner && i < n_extra; i++)
		for (int tries = 0; rmdir(extra[i]) < 0 && errno == EBUSY && tries < 100; tries++)
			usleep(20000);
}

/* Without a process the container would not be shown at once. */
static void idle_work(void *ctx)
{
	(void)ctx;
	for (;;)
		pause();
}

static const char *disk_cgroup_make(const char *tag)
{
	const char *name;

	if (test_on_v2())
		file_write("/sys/fs/cgroup/cgroup.subtree_control", "+io");
	if (!n_extra)
		atexit(extra_remove);
	name = cgroup_make(tag);
	if (!test_on_v2()) {
		snprintf(extra[n_extra], sizeof(extra[0]), "/sys/fs/cgroup/blkio%s", name);
		if (mkdir(extra[n_extra], 0755) == 0)
			n_extra++;
	}
	run_in(name, idle_work, NULL);
	return name;
}

static void disk_cgroup_enter(const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "/sys/fs/cgroup/blkio%s/cgroup.procs", name);
	if (!test_on_v2() && !file_write(path, "0"))
		_exit(1);
}

/* ---- workloads ---- */

struct job {
	const char *cgroup, *path;
	int reads, writes;
	size_t size;
	off_t from;
	volatile int *stop; /* it goes on until this is set */
};

/* Each block once, past the page cache. */
static void work(void *ctx)
{
	const struct job *job = ctx;
	off_t at = job->from;
	void *block;
	int fd;

	disk_cgroup_enter(job->cgroup);
	fd = open(job->path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (fd < 0 || posix_memalign(&block, BLOCK, LARGE))
		_exit(1);
	memset(block, 1, LARGE);
	for (int i = 0; job->stop ? !*job->stop : i < job->writes; i++, at += (off_t)job->size)
		if (pwrite(fd, block, job->size, job->from + (at - job->from) % (off_t)(SIZE / 2)) !=
		    (ssize_t)job->size)
			_exit(1);
	for (int i = 0; i < job->reads; i++, at += (off_t)job->size)
		if (pread(fd, block, job->size, at) != (ssize_t)job->size)
			_exit(1);
	_exit(0);
}

static bool job_do(struct job *job)
{
	pid_t pid = run_in(job->cgroup, work, job);
	int status;

	return waitpid(pid, &status, 0) == pid && status == 0;
}

/* ---- what is published ---- */

static const struct disk_row *disk_find(const struct snapshot *s, const char *home, const char *device)
{
	const struct container_row *c = row_find(s, home);

	for (size_t i = 0; c && i < c->n_disks; i++)
		if (strcmp(c->disks[i].device, device) == 0)
			return &c->disks[i];
	return NULL;
}

static double disk_value(const struct snapshot *s, const char *home, const char *device, int metric)
{
	const struct disk_row *d = disk_find(s, home, device);

	return d ? d->v[metric] : -1;
}

static const struct disk_neighbour_row *wait_find(const struct snapshot *s, const char *waiter, const char *filler)
{
	for (size_t i = 0; i < s->n_disk_neighbours; i++) {
		const struct disk_neighbour_row *n = &s->disk_neighbours[i];

		if (strcmp(s->containers[n->waiter].cgroup, waiter) == 0 && n->filler != NEIGHBOUR_OTHERS &&
		    strcmp(s->containers[n->filler].cgroup, filler) == 0)
			return n;
	}
	return NULL;
}

static uint64_t io_stat_value(const char *home, const struct test_disk *d, const char *key)
{
	_cleanup_free_ char *text = NULL;
	char path[160], device[32];
	const char *p;

	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/io.stat", home);
	snprintf(device, sizeof(device), "%u:%u ", d->major, d->minor);
	if (read_file(path, 65536, &text, NULL) < 0)
		return UINT64_MAX;
	p = strstr(text, device);
	p = p ? strstr(p, key) : NULL;
	return p ? strtoull(p + strlen(key), NULL, 10) : UINT64_MAX;
}

/* ---- tests ---- */

/*
 * As many of something, `each` of a request. A request that completes in an interrupt while the hook counts another one on the
 * same CPU, of whatever device, is not counted: the kernel skips the program, and counts that (program_skipped).
 */
static void check_requests(const struct snapshot *s, const char *what, double seen, double truth, double each)
{
	double skipped = 0;

	for (size_t i = 0; i < s->n_losses; i++)
		if (strcmp(s->losses[i].kind, "program_skipped") == 0)
			skipped = (double)s->losses[i].count;
	check(seen <= truth && seen >= truth - skipped * each, "%s: saw %.0f, true is %.0f, skipped %.0f", what, seen,
	      truth, skipped);
}

static void counts_check(const struct snapshot *s, const char *home, const struct test_disk *d, int times)
{
	check_requests(s, "reads", disk_value(s, home, d->name, DISK_READS), times * READS, 1);
	check_requests(s, "bytes read", disk_value(s, home, d->name, DISK_READ_BYTES), times * READS * BLOCK, BLOCK);
	check_requests(s, "writes", disk_value(s, home, d->name, DISK_WRITES), times * WRITES, 1);
	check_requests(s, "bytes written", disk_value(s, home, d->name, DISK_WRITE_BYTES), times * WRITES * BLOCK,
		       BLOCK);
	check_requests(s, "latencies of reads", disk_value(s, home, d->name, DISK_READ_COUNT), times * READS, 1);
	check_requests(s, "latencies of writes", disk_value(s, home, d->name, DISK_WRITE_COUNT), times * WRITES, 1);
	check_equal("none was without latency", disk_value(s, home, d->name, DISK_UNMEASURED), 0);
}

static void file_check(const char *home, const struct test_disk *d)
{
	if (!test_on_v2() || io_stat_value(home, d, "rios=") == UINT64_MAX)
		return;
	check_equal("reads in io.stat", (double)io_stat_value(home, d, "rios="), 2 * READS);
	check_equal("bytes written in io.stat", (double)io_stat_value(home, d, "wbytes="), 2 * WRITES * BLOCK);
}

/* The device's own counters are in milliseconds, cut off; a request counts there once its sender was told, which takes time. */
static void seconds_check(const struct snapshot *s, const char *home, const struct test_disk *d,
			  const struct test_disk_stat *before)
{
	struct test_disk_stat now = test_disk_stat(d);
	double told = getenv("SYSSCOPE_TEST_GUEST") ? 0.001 : 0.00003;

	check_within("seconds that reads took", disk_value(s, home, d->name, DISK_READ_TIME) / 1e9,
		     (double)(now.read_ms - before->read_ms) / 1e3, 0.02,
		     0.002 + told * (double)(now.reads - before->reads));
	check_within("seconds that writes took", disk_value(s, home, d->name, DISK_WRITE_TIME) / 1e9,
		     (double)(now.write_ms - before->write_ms) / 1e3, 0.02,
		     0.002 + told * (double)(now.writes - before->writes));
}

static void device_check(const struct snapshot *s, const char *home, const struct test_disk *d,
			 const struct test_disk_stat *before)
{
	struct test_disk_stat now = test_disk_stat(d);

	check_requests(s, "as many reads as the device completed", disk_value(s, home, d->name, DISK_READ_COUNT),
		       (double)(now.reads - before->reads), 1);
	check_requests(s, "as many writes", disk_value(s, home, d->name, DISK_WRITE_COUNT),
		       (double)(now.writes - before->writes), 1);
	seconds_check(s, home, d, before);
}

/* What the cgroup may do there is shown although it does nothing. */
static void limit_check(const char *home, const struct test_disk *disk)
{
	static const char *const files[] = {"read_bps_device", "write_iops_device"};
	char path[192], text[64];
	bool set = true;

	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/io.max", home);
	snprintf(text, sizeof(text), "%u:%u rbps=1234567 wiops=89", disk->major, disk->minor);
	if (test_on_v2())
		set = file_write(path, text);
	for (int i = 0; !test_on_v2() && i < 2; i++) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup/blkio%s/blkio.throttle.%s", home, files[i]);
		snprintf(text, sizeof(text), "%u:%u %d", disk->major, disk->minor, i ? 89 : 1234567);
		set &= file_write(path, text);
	}
	if (!set) {
		printf("ok %d - # SKIP this kernel limits nobody at a disk\n", ++test_number);
		return;
	}
	check_equal("bytes that it may read in a second",
		    disk_value(snapshot_take(), home, disk->name, DISK_READ_LIMIT), 1234567);
	check_equal("writes that it may do", disk_value(snapshot_take(), home, disk->name, DISK_WRITES_LIMIT), 89);
	check(value_absent(disk_value(snapshot_take(), home, disk->name, DISK_WRITE_LIMIT)),
	      "nothing limits what it writes");
}

static void test_counts(void)
{
	const char *home = disk_cgroup_make("disk"), *idle = disk_cgroup_make("disk-idle");
	struct job job = {.cgroup = home, .reads = READS, .writes = WRITES, .size = BLOCK};
	struct test_disk_stat before;
	const struct snapshot *s;
	struct test_disk disk;

	if (!test_disk_make(&disk, SIZE)) {
		printf("ok %d - # SKIP there is no loop device\n", ++test_number);
		return;
	}
	job.path = disk.path;
	before = test_disk_stat(&disk);
	pipeline_start();
	snapshot_take();
	check(job_do(&job), "the first round is done");
	s = snapshot_take();
	counts_check(s, home, &disk, 1);
	check(job_do(&job), "the second round is done");
	s = snapshot_take();
	counts_check(s, home, &disk, 2);
	file_check(home, &disk);
	device_check(s, home, &disk, &before);
	check(disk_value(s, home, disk.name, DISK_LATENCY_P99) > 0, "the interval has a 99th percentile");
	check(disk_find(s, home, disk.name) && disk_find(s, home, disk.name)->upon_others,
	      "a loop device lies upon something else");
	check_equal("so it is not in the container's sum", container_value(home, CONTAINER_DISK_READ_BYTES), 0);
	check(!disk_find(s, idle, disk.name), "a container that did nothing has no row");
	check_equal("and a sum of 0", container_value(idle, CONTAINER_DISK_WRITE_BYTES), 0);
	limit_check(disk_cgroup_make("disk-limited"), &disk);
	/* Not disk_homeless: it counts requests of cgroups that anybody on the machine removes. */
	check_equal("nothing was lost", loss_count("disk_lost"), 0);
}

static void slow_check(const struct snapshot *s, const char *reader, const char *filler, const struct test_disk *disk,
		       double alone)
{
	const struct disk_neighbour_row *n = wait_find(s, reader, filler);
	double latency = disk_value(s, reader, disk->name, DISK_READ_TIME) / 1e9 - alone;

	check(n && strcmp(n->device, disk->name) == 0, "the reader waited for the filler at the device");
	if (!n)
		return;
	printf("# reads took %.1f ms each alone, %.1f ms beside the filler, of which %.1f ms for the filler\n",
	       alone * 1e3 / WAITED, latency * 1e3 / WAITED, n->v[DISK_NEIGHBOUR_WAIT] / 1e6 / WAITED);
	check(n->v[DISK_NEIGHBOUR_WAIT] / 1e9 > latency / 3, "for more than a third of the time: %.4f of %.4f s",
	      n->v[DISK_NEIGHBOUR_WAIT] / 1e9, latency);
	check(n->v[DISK_NEIGHBOUR_WAIT] / 1e9 < latency, "and not for more than all of it");
	check(n->v[DISK_NEIGHBOUR_WAITS] >= WAITED - 3, "in nearly every read: %.0f of %d", n->v[DISK_NEIGHBOUR_WAITS],
	      WAITED);
}

static void test_filler(void)
{
	const char *reader = disk_cgroup_make("disk-reader"), *filler = disk_cgroup_make("disk-filler");
	struct job read_job = {.cgroup = reader, .reads = WAITED, .size = BLOCK, .from = SIZE / 2};
	struct job fill_job = {.cgroup = filler, .size = LARGE};
	const struct snapshot *s;
	struct test_disk disk;
	struct test_disk_stat before;
	double alone;
	pid_t pid;

	if (!test_disk_make_slow(&disk, SIZE, SLOW_US)) {
		printf("ok %d - # SKIP there is no slow device\n", ++test_number);
		return;
	}
	fill_job.stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	read_job.path = fill_job.path = disk.path;
	before = test_disk_stat(&disk);
	check(job_do(&read_job), "the reader is done alone");
	s = snapshot_take();
	seconds_check(s, reader, &disk, &before);
	check_equal("reads of the slow device", disk_value(s, reader, disk.name, DISK_READ_COUNT), WAITED);
	alone = disk_value(s, reader, disk.name, DISK_READ_TIME) / 1e9;
	check(alone >= WAITED * SLOW_US / 1e6, "each took at least %d us: %.4f s", SLOW_US, alone);
	check_equal("none was shorter", disk_value(s, reader, disk.name, DISK_READ_1024US), 0);
	check(!wait_find(s, reader, filler), "it waited for nobody");
	pid = run_in(filler, work, &fill_job);
	usleep(100000);
	read_job.from += WAITED * BLOCK;
	check(job_do(&read_job), "the reader is done beside the filler");
	*fill_job.stop = 1;
	waitpid(pid, NULL, 0);
	slow_check(snapshot_take(), reader, filler, &disk, alone);
}

/* ---- what tasks made devices read and write, whenever that happened ---- */

struct told {
	uint64_t read_bytes, write_bytes; /* of /proc/self/io */
	volatile int ready;
	const char *cgroup, *path;
};

static uint64_t own_io(const char *key)
{
	_cleanup_free_ char *text = NULL;
	const char *p;

	if (read_file("/proc/self/io", 4096, &text, NULL) < 0)
		return UINT64_MAX;
	p = strstr(text, key);
	return p ? strtoull(p + strlen(key), NULL, 10) : UINT64_MAX;
}

/* Through the page cache: it makes pages dirty, and others have to be read. */
static void buffered_work(void *ctx)
{
	struct told *told = ctx;
	static char block[BLOCK];
	int fd;

	disk_cgroup_enter(told->cgroup);
	fd = open(told->path, O_RDWR | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i < WRITES; i++)
		if (pwrite(fd, block, BLOCK, (off_t)i * BLOCK) != BLOCK)
			_exit(1);
	for (int i = 0; fd >= 0 && i < READS; i++)
		if (pread(fd, block, BLOCK, (off_t)(SIZE / 2) + (off_t)i * 64 * BLOCK) != BLOCK)
			_exit(1);
	told->read_bytes = own_io("\nread_bytes: ");
	told->write_bytes = own_io("\nwrite_bytes: ");
	told->ready = 1;
	for (;;)
		pause();
}

/* The kernel says whom it charged; where it says nothing, that is the writer. */
static void writeback_check(const char *home, const struct test_disk *disk)
{
	uint64_t charged;

	if (!test_on_v2()) {
		printf("ok %d - # SKIP on v1 the kernel charges what it writes back to nobody\n", ++test_number);
		return;
	}
	sync();
	charged = io_stat_value(home, disk, "wbytes=");
	if (charged == UINT64_MAX)
		charged = WRITES * BLOCK;
	else if (charged != WRITES * BLOCK)
		printf("# the kernel charged the writer with %.0f of %d bytes\n", (double)charged, WRITES * BLOCK);
	check_equal("what was written back later counts for whom the kernel charges",
		    disk_value(snapshot_take(), home, disk->name, DISK_WRITE_BYTES), (double)charged);
}

static void test_buffered(void)
{
	const char *home = disk_cgroup_make("disk-buffered");
	struct told *told = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct process_row *p;
	const struct snapshot *s;
	struct test_disk disk;
	pid_t pid;

	if (!test_disk_make(&disk, SIZE)) {
		printf("ok %d - # SKIP there is no loop device\n", ++test_number);
		return;
	}
	told->cgroup = home;
	told->path = disk.path;
	snapshot_take();
	pid = run_in(home, buffered_work, told);
	check(poll_until(told->ready), "the writer is done");
	if (told->write_bytes == UINT64_MAX) {
		printf("ok %d - # SKIP this kernel does not count what tasks read and write\n", ++test_number);
		return;
	}
	check_equal("the kernel says that it wrote as much", (double)told->write_bytes, WRITES * BLOCK);
	s = snapshot_take();
	p = process_row_find(s, pid);
	check_equal("bytes written by the process", p ? p->v[PROCESS_WRITE_BYTES] : -1, (double)told->write_bytes);
	check_equal("bytes read for the process", p ? p->v[PROCESS_READ_BYTES] : -1, (double)told->read_bytes);
	check(told->read_bytes >= READS * BLOCK, "at least what it asked for: %.0f", (double)told->read_bytes);
	check_equal("bytes written by the container", container_value(home, CONTAINER_WRITE_BYTES),
		    (double)told->write_bytes);
	writeback_check(home, &disk);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	check_equal("and after its end", container_value_until(home, CONTAINER_WRITE_BYTES, (double)told->write_bytes),
		    (double)told->write_bytes);
	check_equal("bytes read by the container", container_value(home, CONTAINER_READ_BYTES),
		    (double)told->read_bytes);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_counts();
	if (test_pipeline) {
		test_filler();
		test_buffered();
	}
	return test_finish();
}
