/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel_test.c - see kernel_test.h. Linked into each test of tests/kernel; knows of no single test.
 */
#include "kernel_test.h"

#include <stdarg.h>
#include "kernel/collectors.h"

int test_failures, test_number;
struct pipeline *test_pipeline;

void check(bool ok, const char *format, ...)
{
	va_list args;

	printf("%sok %d - ", ok ? "" : "not ", ++test_number);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	test_failures += !ok;
}

void check_equal(const char *what, double seen, double truth)
{
	check(seen == truth, "%s: saw %.0f, true is %.0f", what, seen, truth);
}

void check_within(const char *what, double seen, double truth, double share, double slack)
{
	double allowed = truth * share > slack ? truth * share : slack;

	check(fabs(seen - truth) <= allowed, "%s: saw %.6f, true is %.6f (%+.2f %%)", what, seen, truth,
	      truth ? (seen / truth - 1) * 100 : 0);
}

/* ---- cgroups of the test's own ---- */

const char *const v1_mounts[4] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup/memory",
				  "/sys/fs/cgroup/pids"};
static char test_cgroups[16][160];
static double moved_seconds[16]; /* what was used before it was moved into the cgroup */
static int n_test_cgroups;
pid_t test_owner;
static double births_before;

unsigned int kernel_release(void)
{
	struct utsname name;
	unsigned int major = 0, minor = 0;

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return 0;
	return major * 100 + minor;
}

bool test_on_v2(void)
{
	return access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
}

bool cgroup_folder(const char *name, size_t i, char *path, size_t size)
{
	if (test_on_v2()) {
		snprintf(path, size, "/sys/fs/cgroup%s", name);
		return i == 0;
	}
	if (i >= ARRAY_SIZE(v1_mounts))
		return false;
	snprintf(path, size, "%s%s", v1_mounts[i], name);
	return true;
}

/* What is still in it can only be the test's own processes. */
static void cgroup_kill(const char *folder)
{
	char path[300], pids[4096], *at = pids;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, pids, sizeof(pids) - 1);
	close(fd);
	pids[n > 0 ? n : 0] = '\0';
	for (long pid; (pid = strtol(at, &at, 10)) > 0;)
		kill((pid_t)pid, SIGKILL);
}

static void cgroups_remove(void)
{
	char path[256];

	if (getpid() != test_owner)
		return;
	for (int c = n_test_cgroups; c-- > 0;)
		for (size_t i = 0; cgroup_folder(test_cgroups[c], i, path, sizeof(path)); i++) {
			cgroup_kill(path);
			for (int tries = 0; rmdir(path) < 0 && errno == EBUSY && tries < 100; tries++)
				usleep(20000);
		}
}

static void test_interrupted(int sig)
{
	cgroups_remove();
	_exit(128 + sig);
}

bool file_write(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

const char *cgroup_make(const char *tag)
{
	char *name = test_cgroups[n_test_cgroups++], path[256];

	if (!test_owner) {
		test_owner = getpid();
		atexit(cgroups_remove);
	}
	snprintf(name, sizeof(test_cgroups[0]), "/sysscope-test-%d-%s", getpid(), tag);
	if (test_on_v2())
		file_write("/sys/fs/cgroup/cgroup.subtree_control", "+cpu +memory +pids");
	for (size_t i = 0; cgroup_folder(name, i, path, sizeof(path)); i++)
		if (mkdir(path, 0755) < 0 && errno != ENOENT) {
			printf("Bail out! cannot make %s: %s\n", path, strerror(errno));
			exit(1);
		}
	return name;
}

void cgroup_enter(const char *name, pid_t pid)
{
	char path[256], text[16];

	for (int i = 0; i < n_test_cgroups; i++)
		if (strcmp(test_cgroups[i], name) == 0)
			moved_seconds[i] += process_cpu_seconds(pid);
	snprintf(text, sizeof(text), "%d", pid);
	for (size_t i = 0; cgroup_folder(name, i, path, sizeof(path)); i++) {
		strcat(path, "/cgroup.procs");
		if (!file_write(path, text) && errno != ENOENT && errno != ESRCH) {
			printf("Bail out! cannot write %s: %s\n", path, strerror(errno));
			_exit(1);
		}
	}
}

void cgroup_favour(const char *name)
{
	char path[256];

	cgroup_folder(name, 0, path, sizeof(path));
	strcat(path, test_on_v2() ? "/cpu.weight" : "/cpu.shares");
	if (!file_write(path, test_on_v2() ? "10000" : "262144"))
		printf("# %s: %s\n", path, strerror(errno));
}

double cgroup_cpu_seconds(const char *name)
{
	_cleanup_free_ char *text = NULL;
	char path[256];

	snprintf(path, sizeof(path),
		 test_on_v2() ? "/sys/fs/cgroup%s/cpu.stat" : "/sys/fs/cgroup/cpuacct%s/cpuacct.usage", name);
	if (read_file(path, 65536, &text, NULL) < 0)
		return -1;
	return test_on_v2() ? atof(text + strlen("usage_usec ")) / 1e6 : atof(text) / 1e9;
}

double cgroup_tasks_seconds(const char *name)
{
	double seconds = cgroup_cpu_seconds(name);

	for (int i = 0; i < n_test_cgroups && !task_state_is_on(); i++)
		if (strcmp(test_cgroups[i], name) == 0)
			seconds += moved_seconds[i];
	return seconds;
}

/* ---- snapshots ---- */

/* Bits of the collectors that this run is to do without. */
static uint32_t collectors_without(void)
{
	const char *names = getenv("SYSSCOPE_TEST_WITHOUT");
	uint32_t bits = 0;

	for (size_t i = 0; names && i < COLLECTORS; i++)
		if (strstr(names, collectors[i].name))
			bits |= 1U << i;
	return bits;
}

void pipeline_start_with(const struct pipeline_options *options)
{
	struct pipeline_options o = *options;
	_cleanup_buf_ struct buf error = {};
	int r;

	signal(SIGTERM, test_interrupted);
	signal(SIGINT, test_interrupted);
	signal(SIGHUP, test_interrupted);
	signal(SIGPIPE, test_interrupted); /* who read it has gone */
	births_before = births_on_machine();
	o.unneeded |= collectors_without();
	r = pipeline_open(&test_pipeline, &o, &error);
	if (r == 0)
		return;
	if (geteuid() != 0)
		printf("1..0 # SKIP needs root\n");
	else
		printf("1..1\nnot ok 1 - pipeline_open: %s\n", error.data ? error.data : strerror(-r));
	exit(geteuid() != 0 ? 0 : 1);
}

void hook_ask(struct pipeline_options *o, int argc, const char *load_best)
{
	if (argc > 1)
		o->break_collector = load_best;
}

void hook_check(int argc, char **argv, const char *collector)
{
	const char *hook = pipeline_hook(test_pipeline, collector);

	if (argc > 1)
		check(strcmp(hook, argv[1]) == 0, "%s is hooked by: saw %s, true is %s", collector, hook, argv[1]);
}

bool task_state_is_on(void)
{
	return !strstr(pipeline_hook_reason(test_pipeline, "tasks"), "no task-local state");
}

void pipeline_start(void)
{
	struct pipeline_options o;

	pipeline_options_init(&o);
	pipeline_start_with(&o);
}

const struct snapshot *snapshot_take(void)
{
	const struct snapshot_source *s = pipeline_source(test_pipeline);
	const struct snapshot *snapshot;
	int error;

	snapshot = s->next(s->ctx, &error);
	if (!snapshot) {
		printf("Bail out! no snapshot: %s\n", strerror(-error));
		exit(1);
	}
	return snapshot;
}

const struct container_row *row_find(const struct snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->n_containers; i++)
		if (strcmp(s->containers[i].cgroup, name) == 0)
			return &s->containers[i];
	return NULL;
}

const struct process_row *process_row_find(const struct snapshot *s, pid_t pid)
{
	for (size_t i = 0; i < s->n_processes; i++)
		if (s->processes[i].pid == (uint32_t)pid)
			return &s->processes[i];
	return NULL;
}

double container_value(const char *name, int metric)
{
	const struct container_row *row = row_find(snapshot_take(), name);

	return row && !value_absent(row->v[metric]) ? row->v[metric] : -1;
}

double container_value_until(const char *name, int metric, double at_least)
{
	double v;

	poll_until((v = container_value(name, metric)) >= at_least);
	return v;
}

double loss_count(const char *kind)
{
	const struct snapshot *s = snapshot_take();

	for (size_t i = 0; i < s->n_losses; i++)
		if (strcmp(s->losses[i].kind, kind) == 0)
			return (double)s->losses[i].count;
	return -1;
}

/* Processes and threads born on this machine since it booted. */
double births_on_machine(void)
{
	_cleanup_free_ char *text = NULL;
	const char *line;

	if (read_file("/proc/stat", 1 << 20, &text, NULL) < 0)
		return 0;
	line = strstr(text, "\nprocesses ");
	return line ? strtod(line + strlen("\nprocesses "), NULL) : 0;
}

void check_losses(const char *const kinds[], size_t n)
{
	double births = births_on_machine() - births_before;

	for (size_t i = 0; i < n; i++) {
		double lost = loss_count(kinds[i]);
		double allowed = births / 100 + (strcmp(kinds[i], "state_refused") == 0 ? STATES_REFUSED_OTHERS : 0);

		check(lost >= 0 && lost <= allowed, "losses on this machine, %s: saw %.0f, allowed are %.0f", kinds[i],
		      lost, floor(allowed));
	}
}

/* ---- workloads ---- */

double now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double thread_cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double process_cpu_seconds(pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	return read_file(path, 256, &text, NULL) < 0 ? 0 : atof(text) / 1e9;
}

void burn(double seconds)
{
	double end = thread_cpu_seconds() + seconds;

	while (thread_cpu_seconds() < end)
		;
}

bool asleep(pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	const char *end;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(path, 4096, &text, NULL) < 0)
		return true; /* it has ended */
	end = strrchr(text, ')');
	return end && strncmp(end, ") S", 3) == 0;
}

void asleep_wait(pid_t pid)
{
	double end = now_seconds() + PATIENCE_SECONDS;

	while (!asleep(pid) && now_seconds() < end)
		usleep(500);
}

pid_t run_in(const char *cgroup, void (*work)(void *ctx), void *ctx)
{
	int gate[2];
	pid_t pid;
	char c = 0;

	if (pipe(gate) < 0)
		exit(1);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(gate[1]);
		if (read(gate[0], &c, 1) == 1)
			work(ctx);
		_exit(0);
	}
	close(gate[0]);
	asleep_wait(pid);
	cgroup_enter(cgroup, pid);
	if (write(gate[1], &c, 1) != 1)
		exit(1);
	close(gate[1]);
	return pid;
}

int test_finish(void)
{
	pipeline_close(test_pipeline);
	printf("1..%d\n", test_number);
	return test_failures ? 1 : 0;
}
