/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_starts.c - starts containers as runtimes do, step by step, with a look at the clock before and after each step, and
 * holds what sysscope says of their phases against that. The runtime, its copies in memory and its helpers are this program;
 * the application is a copy of it in a file of its own.
 */
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <netinet/in.h>

#include "lib/kernel_test.h"

enum { STEP_MADE, STEP_ENTERED, STEP_ISOLATED, STEP_EXECUTED, STEP_READY, STEPS };

/* Between which two moments (CLOCK_BOOTTIME) it was; in a memfd, since it has to survive an exec. */
struct story {
	uint64_t before[STEPS], after[STEPS];
	double cpu_seconds;   /* of the cgroup by its own counter, when it was ready */
	double ready_seconds; /* of that, what becoming ready and reading the counter took */
	volatile int stage;   /* 1: it is ready, or waits for good */
};

#define CHURN	  40
#define SELF	  "/proc/self/exe"
#define SLACK_NS  50000 /* the kernel's fast clock and the one of clock_gettime */
#define SETUP_CPU 0.02
#define INIT_CPU  0.03
#define START_CPU 0.025

static char application[64];

/* ---- in the container ---- */

static void hook_run(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

static void self_again(const char *path, const char *stage, char *const argv[])
{
	char *args[] = {argv[0], (char *)stage, argv[2], argv[3], argv[4], argv[5], NULL};

	execv(path, args);
	_exit(100);
}

static int memory_copy(void)
{
	int from = open(SELF, O_RDONLY | O_CLOEXEC), to = memfd_create("runtime", MFD_CLOEXEC);
	struct stat st;

	if (from < 0 || to < 0 || fstat(from, &st) < 0 || sendfile(to, from, NULL, (size_t)st.st_size) != st.st_size)
		_exit(101);
	close(from);
	return to;
}

static void woken(int sig)
{
	(void)sig;
}

static void sleep_in_accept(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX}; /* a name of the kernel's choice */
	struct itimerval soon = {.it_value.tv_usec = 100000};
	struct sigaction action = {.sa_handler = woken};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	sigaction(SIGALRM, &action, NULL);
	if (bind(s, (struct sockaddr *)&name, sizeof(name.sun_family)) < 0 || listen(s, 1) < 0)
		_exit(102);
	setitimer(ITIMER_REAL, &soon, NULL);
	accept(s, NULL, NULL);
}

/* `story->before` is taken by who calls it. */
static void become_ready(const char *mode)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int s;

	if (strcmp(mode, "epoll") == 0) {
		struct epoll_event e;

		epoll_wait(epoll_create1(0), &e, 1, 50);
	} else if (strcmp(mode, "accept") == 0) {
		sleep_in_accept();
	} else if (strcmp(mode, "never") != 0) {
		s = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(s, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(s, 5) < 0)
			_exit(103);
	}
}

/* What the program does that it was executed as: argv is stage, descriptor of the story, cgroup, mode, application. */
static int stage_run(int argc, char **argv)
{
	uint64_t now = clock_boot_ns();
	struct story *s;
	int fd;

	if (argc != 6)
		return 1;
	fd = atoi(argv[2]);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED)
		return 1;
	if (strcmp(argv[1], "again") == 0) {
		char path[64];

		burn(INIT_CPU);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", memory_copy());
		self_again(path, "memory", argv);
	}
	if (strcmp(argv[1], "memory") == 0) {
		s->before[STEP_EXECUTED] = clock_boot_ns();
		self_again(argv[5], "application", argv);
	}
	s->after[STEP_EXECUTED] = now;
	burn(START_CPU);
	s->ready_seconds = -thread_cpu_seconds();
	s->before[STEP_READY] = clock_boot_ns();
	become_ready(argv[4]);
	s->after[STEP_READY] = clock_boot_ns();
	s->cpu_seconds = cgroup_cpu_seconds(argv[3]);
	s->ready_seconds += thread_cpu_seconds();
	s->stage = 1;
	for (;;)
		pause();
}

/* The runtime, from the moment that it is in the cgroup. */
static void runtime_run(struct story *s, char *const argv[], bool isolate)
{
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	burn(SETUP_CPU);
	hook_run();
	if (!isolate)
		self_again(SELF, "again", argv);
	s->before[STEP_ISOLATED] = clock_boot_ns();
	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
		_exit(104);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		hook_run();
		self_again(SELF, "again", argv);
	}
	s->after[STEP_ISOLATED] = clock_boot_ns();
	waitpid(pid, NULL, 0);
	_exit(0);
}

/* ---- the test ---- */

struct container {
	char id[65], cgroup[96];
	struct story *story;
	pid_t pid;
};

static void folders_make(const char *cgroup)
{
	char path[256];

	for (size_t i = 0; cgroup_folder(cgroup, i, path, sizeof(path)); i++)
		if (mkdir(path, 0755) < 0 && errno != ENOENT)
			exit(1);
}

static void folders_remove(const char *cgroup)
{
	char path[256];

	for (size_t i = 0; cgroup_folder(cgroup, i, path, sizeof(path)); i++)
		for (int tries = 0; rmdir(path) < 0 && errno == EBUSY && tries < 200; tries++)
			usleep(5000);
}

static struct container *live[4];

static void container_stop(struct container *c)
{
	if (c->pid > 0) {
		kill(c->pid, SIGKILL); /* its first process dies with it */
		waitpid(c->pid, NULL, 0);
		c->pid = 0;
	}
	folders_remove(c->cgroup);
}

static void clean_up(void)
{
	if (getpid() != test_owner)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(live); i++)
		if (live[i])
			container_stop(live[i]);
	unlink(application);
}

static void container_name(struct container *c)
{
	static unsigned int number;

	/* The shape by which a container is recognised; nobody's id. */
	snprintf(c->id, sizeof(c->id), "%08x%08x%048x", (unsigned int)getpid(), ++number, 0);
	snprintf(c->cgroup, sizeof(c->cgroup), "/docker-%s.scope", c->id);
}

static void container_start(struct container *c, const char *mode, bool isolate, int slot)
{
	int fd = memfd_create("story", 0), gate[2];
	char number[16], go = 0;
	char *argv[] = {"test_starts", "", number, c->cgroup, (char *)mode, application, NULL};

	container_name(c);
	snprintf(number, sizeof(number), "%d", fd);
	if (fd < 0 || ftruncate(fd, sizeof(*c->story)) < 0 || pipe2(gate, O_CLOEXEC) < 0)
		exit(1);
	c->story = mmap(NULL, sizeof(*c->story), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	live[slot] = c;
	c->story->before[STEP_MADE] = clock_boot_ns();
	folders_make(c->cgroup);
	c->story->after[STEP_MADE] = clock_boot_ns();
	fflush(stdout);
	c->pid = fork();
	if (c->pid == 0) {
		close(gate[1]);
		if (read(gate[0], &go, 1) == 1)
			runtime_run(c->story, argv, isolate);
		_exit(0);
	}
	close(gate[0]);
	close(fd);
	c->story->before[STEP_ENTERED] = clock_boot_ns();
	cgroup_enter(c->cgroup, c->pid);
	c->story->after[STEP_ENTERED] = clock_boot_ns();
	if (write(gate[1], &go, 1) != 1)
		exit(1);
	close(gate[1]);
	for (int i = 0; i < 3000 && !c->story->stage; i++)
		usleep(10000);
	if (!c->story->stage) {
		printf("Bail out! the container does not come up\n");
		exit(1);
	}
}

static const struct start_row *start_find(const struct snapshot *s, const struct container *c)
{
	for (size_t i = 0; i < s->n_births; i++)
		if (strcmp(s->births[i].id, c->id) == 0)
			return &s->births[i];
	return NULL;
}

static bool collector_is_on(const char *name)
{
	const struct snapshot *s = snapshot_take();

	for (size_t i = 0; i < s->n_collectors; i++)
		if (strcmp(s->collectors[i].name, name) == 0)
			return s->collectors[i].ok;
	return false;
}

/* From the end of step `from` to the end of step `to`. */
static void check_between(const char *mode, const char *what, double seen, const struct story *s, int from, int to)
{
	double least = ((double)s->before[to] - (double)s->after[from] - SLACK_NS) / 1e9;
	double most = ((double)s->after[to] - (double)s->before[from] + SLACK_NS) / 1e9;

	check(seen >= 0 && seen >= least && seen <= most, "%s: %s: saw %.6f, true is %.6f to %.6f", mode, what, seen,
	      least > 0 ? least : 0, most);
}

static void check_cpu(const char *mode, const struct start_row *b, const struct story *s)
{
	static const double least[BIRTH_PHASES] = {0, SETUP_CPU, INIT_CPU, START_CPU};
	double sum = 0;

	for (int i = 0; i < BIRTH_PHASES; i++) {
		/* Up to a tick of what somebody else's CPU has not switched yet may count for the next phase. */
		check(b->cpu_seconds[i] >= least[i] - TICK_SECONDS, "%s: CPU of %s: saw %.6f, at least %.6f is true",
		      mode, start_phase_names[i], b->cpu_seconds[i], least[i]);
		sum += b->cpu_seconds[i];
	}
	check(fabs(sum - b->total_cpu_seconds) < 1e-6, "%s: CPU of the phases adds up: saw %.6f, true is %.6f", mode,
	      sum, b->total_cpu_seconds);
	/* It is ready somewhere in what the counter has of becoming ready and being read, which takes long on an emulated CPU. */
	check_within("CPU in all, by the cgroup's own counter", b->total_cpu_seconds, s->cpu_seconds, 0,
		     0.03 * s->cpu_seconds + 5 * TICK_SECONDS + s->ready_seconds);
}

static void check_phases(const char *mode, const struct start_row *b, const struct story *s)
{
	double sum = 0;

	check_between(mode, "create", b->seconds[0], s, STEP_MADE, STEP_ENTERED);
	check_between(mode, "setup", b->seconds[1], s, STEP_ENTERED, STEP_ISOLATED);
	check_between(mode, "init", b->seconds[2], s, STEP_ISOLATED, STEP_EXECUTED);
	check_between(mode, "start", b->seconds[3], s, STEP_EXECUTED, STEP_READY);
	check_between(mode, "in all", b->total_seconds, s, STEP_MADE, STEP_READY);
	for (int i = 0; i < BIRTH_PHASES; i++)
		sum += b->seconds[i];
	check(fabs(sum - b->total_seconds) < 1e-6, "%s: the phases add up: saw %.6f, true is %.6f", mode, sum,
	      b->total_seconds);
}

static void test_mode(const char *mode)
{
	struct container c = {};
	const struct start_row *b;

	container_start(&c, mode, true, 0);
	b = start_find(snapshot_take(), &c);
	check(b != NULL, "%s: the container's start is there", mode);
	if (b) {
		check(strcmp(b->ready_by, mode) == 0, "%s: ready by: saw %s, true is %s", mode, b->ready_by, mode);
		check(strcmp(b->state, "ready") == 0, "%s: state: saw %s, true is ready", mode, b->state);
		check_phases(mode, b, c.story);
		check_cpu(mode, b, c.story);
	}
	container_stop(&c);
}

/* As with --pid=host: no namespace tells the application from the rest, and the exec alone does. */
static void test_shared(void)
{
	struct container c = {};
	const struct start_row *b;

	container_start(&c, "listen", false, 0);
	b = start_find(snapshot_take(), &c);
	check(b && value_absent(b->seconds[1]), "no namespaces of its own: setup: saw %f, true is that there is none",
	      b ? b->seconds[1] : -1);
	/* The hook is the first that executes something else, and nothing tells it from the application. */
	if (b)
		check_between("no namespaces", "create", b->seconds[0], c.story, STEP_MADE, STEP_ENTERED);
	container_stop(&c);
}

static void test_never(void)
{
	struct container c = {};
	const struct start_row *b;

	container_start(&c, "never", true, 0);
	b = start_find(snapshot_take(), &c);
	check(b && strcmp(b->state, "starting") == 0, "never ready: state: saw %s, true is starting",
	      b ? b->state : "nothing");
	check(b && value_absent(b->total_seconds) && value_absent(b->seconds[3]) && !*b->ready_by,
	      "never ready: saw %s, true is that there is no total", b ? b->ready_by : "nothing");
	if (b)
		check_between("never ready", "init", b->seconds[2], c.story, STEP_ISOLATED, STEP_EXECUTED);
	container_stop(&c);
	b = start_find(snapshot_take(), &c);
	check(b && strcmp(b->state, "ended") == 0, "removed: state: saw %s, true is ended", b ? b->state : "nothing");
}

/* Starts of containers of this test; the others of this machine in *ret_others. */
static size_t births_own(const struct snapshot *s, size_t *ret_others)
{
	char own[16];
	size_t n = 0;

	snprintf(own, sizeof(own), "%08x", (unsigned int)getpid());
	for (size_t i = 0; i < s->n_births; i++)
		n += strncmp(s->births[i].id, own, strlen(own)) == 0;
	*ret_others = s->n_births - n;
	return n;
}

static double phase_count(const struct snapshot *s, int last_bucket)
{
	return s->v[last_bucket];
}

/* Counts of the host include the starts of others: each of theirs is a row at most once. */
static void check_counted(const char *what, double seen, double truth, size_t others)
{
	check(seen >= truth && seen <= truth + (double)others,
	      "%s: saw %.0f, true is %.0f, with up to %zu starts of others", what, seen, truth, others);
}

/* None of them lives through a sample. */
static void test_churn(void)
{
	const struct snapshot *s = snapshot_take();
	double create = phase_count(s, HOST_START_CREATE_COUNT), init = phase_count(s, HOST_START_INIT_COUNT);
	double total = phase_count(s, HOST_START_TOTAL_COUNT), sum = s->v[HOST_START_INIT_SUM];
	size_t others, before = births_own(s, &others), own;

	for (int i = 0; i < CHURN; i++) {
		struct container c = {};
		int gate[2];
		char go = 0;

		container_name(&c);
		live[0] = &c;
		if (pipe2(gate, O_CLOEXEC) < 0)
			exit(1);
		folders_make(c.cgroup);
		c.pid = fork();
		if (c.pid == 0) {
			close(gate[1]);
			if (read(gate[0], &go, 1) == 1)
				execl("/bin/true", "true", NULL);
			_exit(1);
		}
		close(gate[0]);
		cgroup_enter(c.cgroup, c.pid);
		if (write(gate[1], &go, 1) != 1)
			exit(1);
		close(gate[1]);
		waitpid(c.pid, NULL, 0);
		c.pid = 0;
		folders_remove(c.cgroup);
		live[0] = NULL;
	}
	s = snapshot_take();
	own = births_own(s, &others);
	check_counted("create, of containers between two samples", phase_count(s, HOST_START_CREATE_COUNT) - create,
		      CHURN, others);
	check_counted("init, of the same", phase_count(s, HOST_START_INIT_COUNT) - init, CHURN, others);
	check(s->v[HOST_START_INIT_SUM] > sum, "init: the sum grows: saw %.0f ns", s->v[HOST_START_INIT_SUM] - sum);
	check_counted("none of them was ready", phase_count(s, HOST_START_TOTAL_COUNT) - total, 0, others);
	check(own - before == CHURN || s->n_births == 100, "starts that are kept: saw %zu, true is %d", own - before,
	      CHURN);
	check(s->n_births <= 100, "no more than 100 are kept: saw %zu", s->n_births);
	s = snapshot_take();
	births_own(s, &others);
	check_counted("nothing is counted twice", phase_count(s, HOST_START_CREATE_COUNT) - create, CHURN, others);
}

static void application_make(void)
{
	int from = open(SELF, O_RDONLY | O_CLOEXEC), to;
	struct stat st;

	snprintf(application, sizeof(application), "/tmp/sysscope-test-births-%d", getpid());
	to = open(application, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (from < 0 || to < 0 || fstat(from, &st) < 0 || sendfile(to, from, NULL, (size_t)st.st_size) != st.st_size) {
		printf("Bail out! cannot copy this program: %s\n", strerror(errno));
		exit(1);
	}
	close(from);
	close(to);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return stage_run(argc, argv);
	pipeline_start();
	test_owner = getpid();
	application_make();
	atexit(clean_up);
	if (!collector_is_on("births")) {
		printf("ok %d - births # SKIP the collector is not available here\n", ++test_number);
		return test_finish();
	}
	test_mode("listen");
	test_mode("epoll");
	test_mode("accept");
	test_shared();
	test_never();
	test_churn();
	return test_finish();
}
