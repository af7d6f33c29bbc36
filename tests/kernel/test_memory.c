/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_memory.c - each figure of a container's memory beside its cgroup file at the same moment, on v1 and v2: a workload of
 * known size, which then holds still. A figure counts only if its file says the same before and after the snapshot.
 */
#include <sys/mman.h>
#include <sys/vfs.h>

#include "lib/kernel_test.h"

#define MIB	 (1UL << 20)
#define ANON	 (11 * MIB)
#define SHARED	 (5 * MIB)
#define MAPPED	 (2 * MIB)
#define LIMIT	 "50331648"
#define FILE_MIB 71
#define TRIES	 40

#define TMPFS_MAGIC_NUMBER 0x01021994
#define RAMFS_MAGIC_NUMBER 0x858458f6

/* A metric, its file and key on v2, and on v1; without a key the file is one number; NULL: there is no such file. */
struct figure {
	int metric;
	const char *name, *file, *key, *v1_file, *v1_key;
	bool zero; /* no limit is written as 0 */
};

#define STAT(METRIC, KEY, V1_KEY)                                                                             \
	{                                                                                                     \
		CONTAINER_##METRIC, #METRIC, "memory.stat", KEY, V1_KEY ? "memory.stat" : NULL, V1_KEY, false \
	}
#define EVENT(METRIC, KEY)                                                           \
	{                                                                            \
		CONTAINER_##METRIC, #METRIC, "memory.events", KEY, NULL, NULL, false \
	}
#define PRESSURE(METRIC, FILE, KEY)                                       \
	{                                                                 \
		CONTAINER_##METRIC, #METRIC, FILE, KEY, NULL, NULL, false \
	}
#define NUMBER(METRIC, FILE, V1_FILE)                                         \
	{                                                                     \
		CONTAINER_##METRIC, #METRIC, FILE, NULL, V1_FILE, NULL, false \
	}

static const struct figure figures[] = {
	NUMBER(MEMORY_USAGE, "memory.current", "memory.usage_in_bytes"),
	NUMBER(MEMORY_PEAK, "memory.peak", "memory.max_usage_in_bytes"),
	{CONTAINER_MEMORY_SWAP, "MEMORY_SWAP", "memory.swap.current", NULL, "memory.stat", "total_swap", false},
	STAT(MEMORY_RSS, "anon", "total_rss"),
	STAT(MEMORY_CACHE, "file", "total_cache"),
	{CONTAINER_MEMORY_KERNEL, "MEMORY_KERNEL", "memory.stat", "kernel", "memory.kmem.usage_in_bytes", NULL, false},
	STAT(MEMORY_SHMEM, "shmem", "total_shmem"),
	STAT(MEMORY_MAPPED, "file_mapped", "total_mapped_file"),
	STAT(MEMORY_DIRTY, "file_dirty", "total_dirty"),
	STAT(MEMORY_WRITEBACK, "file_writeback", "total_writeback"),
	STAT(MEMORY_THP, "anon_thp", "total_rss_huge"),
	STAT(MEMORY_INACTIVE_FILE, "inactive_file", "total_inactive_file"),
	STAT(MEMORY_ACTIVE_FILE, "active_file", "total_active_file"),
	STAT(SLAB_RECLAIMABLE, "slab_reclaimable", NULL),
	STAT(SLAB_UNRECLAIMABLE, "slab_unreclaimable", NULL),
	STAT(REFAULTS_ANON, "workingset_refault_anon", "total_workingset_refault_anon"),
	STAT(REFAULTS_FILE, "workingset_refault_file", "total_workingset_refault_file"),
	STAT(PAGES_SCANNED, "pgscan", NULL),
	STAT(PAGES_RECLAIMED, "pgsteal", NULL),
	STAT(PGFAULT, "pgfault", "total_pgfault"),
	STAT(PGMAJFAULT, "pgmajfault", "total_pgmajfault"),
	EVENT(EVENTS_LOW, "low"),
	EVENT(EVENTS_HIGH, "high"),
	EVENT(EVENTS_MAX, "max"),
	EVENT(EVENTS_OOM, "oom"),
	EVENT(EVENTS_OOM_GROUP, "oom_group_kill"),
	{CONTAINER_EVENTS_OOM_KILL, "EVENTS_OOM_KILL", "memory.events", "oom_kill", "memory.oom_control", "oom_kill",
	 false},
	{CONTAINER_MEMORY_FAILCNT, "MEMORY_FAILCNT", "memory.events", "max", "memory.failcnt", NULL, false},
	{CONTAINER_UNDER_OOM, "UNDER_OOM", NULL, NULL, "memory.oom_control", "under_oom", false},
	{CONTAINER_OOM_KILL_DISABLED, "OOM_KILL_DISABLED", NULL, NULL, "memory.oom_control", "oom_kill_disable", false},
	PRESSURE(PRESSURE_CPU_SOME, "cpu.pressure", "some"),
	PRESSURE(PRESSURE_CPU_FULL, "cpu.pressure", "full"),
	PRESSURE(PRESSURE_MEMORY_SOME, "memory.pressure", "some"),
	PRESSURE(PRESSURE_MEMORY_FULL, "memory.pressure", "full"),
	PRESSURE(PRESSURE_IO_SOME, "io.pressure", "some"),
	PRESSURE(PRESSURE_IO_FULL, "io.pressure", "full"),
	NUMBER(MEMORY_LIMIT, "memory.max", "memory.limit_in_bytes"),
	NUMBER(MEMORY_MIN, "memory.min", NULL),
	NUMBER(MEMORY_LOW, "memory.low", NULL),
	NUMBER(MEMORY_HIGH, "memory.high", NULL),
	NUMBER(SWAP_LIMIT, "memory.swap.max", "memory.memsw.limit_in_bytes"),
	NUMBER(SWAP_HIGH, "memory.swap.high", NULL),
	{CONTAINER_SPEC_MEMORY_LIMIT, "SPEC_MEMORY_LIMIT", "memory.max", NULL, "memory.limit_in_bytes", NULL, true},
	{CONTAINER_SPEC_MEMORY_RESERVATION, "SPEC_MEMORY_RESERVATION", "memory.low", NULL, "memory.soft_limit_in_bytes",
	 NULL, true},
	{CONTAINER_SPEC_SWAP_LIMIT, "SPEC_SWAP_LIMIT", "memory.swap.max", NULL, "memory.memsw.limit_in_bytes", NULL,
	 true},
};

static const char *box;
static char file_path[64];
static int told[2];
static bool on_disk;

/* Of the cgroup's memory files. */
static void folder_file(const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s%s/%s", test_on_v2() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory", box, name);
}

static bool box_write(const char *name, const char *text)
{
	char path[300];

	folder_file(name, path, sizeof(path));
	if (file_write(path, text))
		return true;
	printf("# %s: %s\n", path, strerror(errno));
	return false;
}

/* ---- the workload ---- */

static void file_through_cache(void)
{
	static char block[MIB];
	int fd = open(file_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	const char *mapped;
	char sum = 0;

	/* More than the limit: pages are taken, and come back when it is read again. */
	for (int pass = 0; pass < 3; pass++) {
		lseek(fd, 0, SEEK_SET);
		for (int i = 0; i < FILE_MIB; i++)
			if ((pass ? read(fd, block, MIB) : write(fd, block, MIB)) != MIB)
				_exit(1);
		fsync(fd);
	}
	mapped = mmap(NULL, MAPPED, PROT_READ, MAP_SHARED, fd, 0);
	for (size_t i = 0; i < MAPPED; i += 4096)
		sum ^= mapped[i];
	if (sum)
		_exit(1);
}

static void work(void *ctx)
{
	char *anon = mmap(NULL, ANON, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = mmap(NULL, SHARED, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)ctx;
	memset(anon, 1, ANON);
	memset(shared, 1, SHARED);
	if (on_disk)
		file_through_cache();
	if (write(told[1], "y", 1) == 1)
		pause();
}

/* Pages that are the cgroup's stay its own, whoever writes to them. */
static void dirty_again(void)
{
	static char block[MIB];
	_cleanup_close_ int fd = open(file_path, O_WRONLY | O_CLOEXEC);

	if (on_disk && pwrite(fd, block, MIB, 0) != MIB)
		printf("# %s: %s\n", file_path, strerror(errno));
}

/* ---- beside the files ---- */

/* What the figure's file says; NaN: no such file, no such key, no limit. */
static double figure_read(const struct figure *f)
{
	const char *file = test_on_v2() ? f->file : f->v1_file, *key = test_on_v2() ? f->key : f->v1_key, *at;
	_cleanup_free_ char *text = NULL;
	char path[300], line[100];
	double v;

	if (!file)
		return NAN;
	folder_file(file, path, sizeof(path));
	if (read_file(path, 65536, &text, NULL) < 0)
		return NAN;
	at = text;
	if (key) {
		snprintf(line, sizeof(line), "\n%s ", key);
		at = strncmp(text, line + 1, strlen(line + 1)) == 0 ? text - 1 : strstr(text, line);
		if (!at)
			return NAN;
		at += strlen(line);
	}
	/* Of pressure the total, in microseconds. */
	if (strncmp(at, "avg10=", 6) == 0)
		return strtod((strstr(at, "total=") ?: "total=-1") + strlen("total="), NULL) * 1000;
	if (strncmp(at, "max", 3) == 0)
		return f->zero ? 0 : NAN;
	v = strtod(at, NULL);
	if (v > 9e18) /* v1's "no limit" */
		return f->zero ? 0 : NAN;
	return v;
}

static bool same(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

static const struct container_row *snapshot_row(void)
{
	return row_find(snapshot_take(), box);
}

/* Each figure with the files' own words before and after; what moved meanwhile is compared again. */
static void figures_check(void)
{
	double before[ARRAY_SIZE(figures)], seen[ARRAY_SIZE(figures)];
	bool done[ARRAY_SIZE(figures)] = {};
	size_t left = ARRAY_SIZE(figures);

	for (int try = 0; try < TRIES && left; try++) {
		const struct container_row *row;

		dirty_again();
		for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
			before[i] = figure_read(&figures[i]);
		row = snapshot_row();
		for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
			if (done[i])
				continue;
			seen[i] = row ? row->v[figures[i].metric] : -1;
			if (!same(before[i], figure_read(&figures[i])))
				continue;
			done[i] = true;
			left--;
			check(same(seen[i], before[i]), "%s: saw %.0f, its file says %.0f", figures[i].name, seen[i],
			      before[i]);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
		if (!done[i])
			check(false, "%s held still", figures[i].name);
}

/* The files could be misread in the same way: so the workload's own size is compared, too. */
static void sizes_check(void)
{
	const struct container_row *row;
	const double *v;

	dirty_again();
	row = snapshot_row();
	if (!row) {
		check(false, "the cgroup has a row");
		return;
	}
	v = row->v;
	/* Its block of the file is another MiB. */
	check_within("anonymous memory", v[CONTAINER_MEMORY_RSS], ANON, 0, 2 * MIB);
	check_within("shared memory", v[CONTAINER_MEMORY_SHMEM], SHARED, 0, MIB);
	check_equal("working set", v[CONTAINER_MEMORY_WORKING_SET],
		    v[CONTAINER_MEMORY_USAGE] - v[CONTAINER_MEMORY_INACTIVE_FILE]);
	check(strcmp(row->memory_limit_of ?: "", box) == 0, "the limit is its own");
	if (!on_disk) {
		printf("ok %d - page cache # SKIP no file system on a disk\n", ++test_number);
		return;
	}
	check(v[CONTAINER_MEMORY_CACHE] >= SHARED + MAPPED, "page cache: %.0f", v[CONTAINER_MEMORY_CACHE]);
	check(v[CONTAINER_MEMORY_MAPPED] >= MAPPED, "mapped: %.0f", v[CONTAINER_MEMORY_MAPPED]);
	check(v[CONTAINER_MEMORY_DIRTY] + v[CONTAINER_MEMORY_WRITEBACK] > 0, "dirty: %.0f",
	      v[CONTAINER_MEMORY_DIRTY] + v[CONTAINER_MEMORY_WRITEBACK]);
	check(v[CONTAINER_MEMORY_FAILCNT] > 0, "the limit was hit: %.0f", v[CONTAINER_MEMORY_FAILCNT]);
	check(value_absent(v[CONTAINER_REFAULTS_FILE]) || v[CONTAINER_REFAULTS_FILE] > 0, "refaults: %.0f",
	      v[CONTAINER_REFAULTS_FILE]);
	check(!test_on_v2() ||
		      (v[CONTAINER_PAGES_SCANNED] >= v[CONTAINER_PAGES_RECLAIMED] && v[CONTAINER_PAGES_RECLAIMED] > 0),
	      "scanned %.0f, reclaimed %.0f", v[CONTAINER_PAGES_SCANNED], v[CONTAINER_PAGES_RECLAIMED]);
}

/* Below memory.high of less than it has, its tasks are slowed down, and that is an event. */
static void grow(void *ctx)
{
	char *anon = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)ctx;
	memset(anon, 1, MIB);
	_exit(0);
}

static void high_check(void)
{
	double before = container_value(box, CONTAINER_EVENTS_HIGH), after;
	char text[32];

	if (!test_on_v2()) {
		check(value_absent(snapshot_row()->v[CONTAINER_EVENTS_HIGH]), "cgroup v1 has no memory.high");
		return;
	}
	snprintf(text, sizeof(text), "%lu", ANON + SHARED);
	box_write("memory.high", text);
	waitpid(run_in(box, grow, NULL), NULL, 0);
	after = container_value(box, CONTAINER_EVENTS_HIGH);
	check(after > before && before >= 0, "memory.high: %.0f events, %.0f before", after, before);
	check_equal("memory.high", container_value(box, CONTAINER_MEMORY_HIGH), ANON + SHARED);
	box_write("memory.high", "max");
	check(value_absent(snapshot_row()->v[CONTAINER_MEMORY_HIGH]), "without it there is none");
}

/* What slowed it down above is pressure. Turned off for a cgroup, it has none, and is not taken for one that was removed. */
static void pressure_check(void)
{
	const struct snapshot *s = snapshot_take();
	const struct container_row *row;

	if (s->pressure_reason) {
		printf("# no pressure: %s\n", s->pressure_reason);
		row = row_find(s, box);
		check(row && value_absent(row->v[CONTAINER_PRESSURE_MEMORY_SOME]), "pressure is absent");
		return;
	}
	check(container_value_until(box, CONTAINER_PRESSURE_MEMORY_SOME, 1) > 0, "it waited for memory");
	figures_check();
	if (!box_write("cgroup.pressure", "0")) {
		printf("ok %d - pressure turned off # SKIP this kernel has no cgroup.pressure\n", ++test_number);
		return;
	}
	/* It is read again when the cgroup has run. */
	waitpid(run_in(box, grow, NULL), NULL, 0);
	row = snapshot_row();
	check(row && !row->dead && value_absent(row->v[CONTAINER_PRESSURE_MEMORY_SOME_RATIO]),
	      "turned off: it has none");
	check(row && !value_absent(row->v[CONTAINER_MEMORY_RSS]), "and is not taken for removed");
	box_write("cgroup.pressure", "1");
}

static void limits_set(void)
{
	if (!test_on_v2()) {
		box_write("memory.limit_in_bytes", LIMIT);
		box_write("memory.soft_limit_in_bytes", "33554432");
		return;
	}
	box_write("memory.max", LIMIT);
	box_write("memory.min", "1048576");
	box_write("memory.low", "2097152");
	box_write("memory.swap.max", "8388608");
	box_write("memory.swap.high", "4194304");
}

int main(void)
{
	struct statfs fs;
	char answer;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(file_path, sizeof(file_path), "/var/tmp/sysscope-test-memory.%d", getpid());
	on_disk = statfs("/var/tmp", &fs) == 0 && fs.f_type != TMPFS_MAGIC_NUMBER && fs.f_type != RAMFS_MAGIC_NUMBER;
	if (pipe(told) < 0)
		return 1;
	box = cgroup_make("memory");
	limits_set();
	pipeline_start();
	pid = run_in(box, work, NULL);
	check(read(told[0], &answer, 1) == 1 && poll_until(asleep(pid)), "the workload is done");
	sizes_check();
	figures_check();
	high_check();
	pressure_check();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(file_path);
	return test_finish();
}
