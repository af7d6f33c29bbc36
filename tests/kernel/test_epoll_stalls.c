/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_epoll_stalls.c - how busy an event loop is and why it was long, beside what the loop itself has measured over the
 * same time: utilisation, a loop that never sleeps, stalls and their causes. Other load on the machine changes both.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/loop_test.h"

#define STALL_NS 100000000ULL
#define SPIN	 0.12
#define TRIES	 8
/* Of one stall: what interrupts and a hypervisor take around the loop's own readings of the clock. */
#define OWN_SLACK 0.005
/* The FIFO, while it has no name any more: it is open, and a process may open it again by this. */
#define FIFO_AGAIN "/proc/self/fd/%d"

struct spent {
	double wall, cpu, runqueue; /* seconds */
};

/* What the loop says of itself, in memory that it shares with the test; `turn` is odd while it writes. */
struct own {
	uint64_t turn, enough;
	uint64_t waited_ns, waiting_since_ns; /* polls are no waits */
	uint64_t returned_ns, outer_ns;	      /* when the iteration began, by clocks read inside and outside of it */
	uint64_t stalls_sure, stalls_at_most;
	struct spent entered, returned; /* when it last began a wait, and when it last came back from one */
	struct spent stall;		/* in the last one */
	struct spent around;	/* that and the two waits around it; of its CPU and run queue nothing lies outside */
	bool stall_before_wait; /* the wait under way is the second of these */
};

static struct own *own;
static int fifo, schedstat, last_cpu;

/* ---- the loop ---- */

static struct spent spent_now(uint64_t now_ns)
{
	struct spent s = {.wall = seconds(now_ns), .cpu = thread_cpu_seconds()};
	char text[64] = "";
	unsigned long ran, waited = 0;

	if (pread(schedstat, text, sizeof(text) - 1, 0) > 0 && sscanf(text, "%lu %lu", &ran, &waited) == 2)
		s.runqueue = seconds(waited);
	return s;
}

static int wait_counted(int epoll, struct epoll_event *ready, int timeout_ms)
{
	struct spent spent = spent_now(clock_boot_ns());
	uint64_t began = clock_boot_ns(), ended;
	int r;

	if (own->returned_ns && began - own->returned_ns >= STALL_NS) {
		own->stalls_sure++;
		own->stall.wall = spent.wall - own->returned.wall;
		own->stall.cpu = spent.cpu - own->returned.cpu;
		own->stall.runqueue = spent.runqueue - own->returned.runqueue;
		own->around = own->entered;
		own->stall_before_wait = true;
	}
	own->entered = spent;
	if (timeout_ms && own->outer_ns && began - own->outer_ns >= STALL_NS * 99 / 100)
		own->stalls_at_most++;
	__atomic_add_fetch(&own->turn, 1, __ATOMIC_SEQ_CST);
	own->waiting_since_ns = timeout_ms ? began : 0;
	__atomic_add_fetch(&own->turn, 1, __ATOMIC_SEQ_CST);
	r = epoll_wait(epoll, ready, 1, timeout_ms);
	ended = clock_boot_ns();
	__atomic_add_fetch(&own->turn, 1, __ATOMIC_SEQ_CST);
	own->waited_ns += timeout_ms ? ended - began : 0;
	own->waiting_since_ns = 0;
	__atomic_add_fetch(&own->turn, 1, __ATOMIC_SEQ_CST);
	/* A poll is short, unless it was preempted: with the polls at both ends the iteration cannot have been longer. */
	if (!timeout_ms && own->outer_ns && ended - own->outer_ns >= STALL_NS * 99 / 100)
		own->stalls_at_most++;
	own->outer_ns = timeout_ms ? ended : began;
	own->returned_ns = ended;
	own->returned = spent_now(ended);
	if (own->stall_before_wait) {
		own->around.cpu = own->returned.cpu - own->around.cpu;
		own->around.runqueue = own->returned.runqueue - own->around.runqueue;
		own->stall_before_wait = false;
	}
	return r;
}

/*
 * What a byte asks for: 'h' spins half of each 20 ms and 'p' polls until it is enough; 's' spins once; 'f' reads a FIFO;
 * any other does nothing.
 */
static void obedient(void *ctx)
{
	struct epoll_event event = {.events = EPOLLIN}, ready;
	int epoll = epoll_create1(EPOLL_CLOEXEC), fd;
	char c = 0, path[32];

	(void)ctx;
	schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	pin(last_cpu);
	epoll_ctl(epoll, EPOLL_CTL_ADD, to_child[0], &event);
	snprintf(path, sizeof(path), FIFO_AGAIN, fifo);
	for (;;) {
		if (wait_counted(epoll, &ready, 1000) != 1)
			continue;
		if (read(to_child[0], &c, 1) != 1)
			_exit(0);
		switch (c) {
		case 'h':
			while (!__atomic_load_n(&own->enough, __ATOMIC_SEQ_CST)) {
				double until = now_seconds() + 0.02, left;

				burn(0.01);
				left = until - now_seconds();
				/* A starved one has none left. */
				wait_counted(epoll, &ready, left > 0 ? (int)(left * 1000) + 1 : 1);
			}
			break;
		case 's':
			burn(SPIN);
			break;
		case 'f':
			fd = open(path, O_RDONLY | O_CLOEXEC);
			if (fd < 0 || read(fd, &c, 1) != 1)
				_exit(1);
			close(fd);
			break;
		case 'p':
			while (!__atomic_load_n(&own->enough, __ATOMIC_SEQ_CST))
				wait_counted(epoll, &ready, 0);
			break;
		}
		tell(from_child[1]);
	}
}

/* ---- the test ---- */

static const char *cgroup_first(const char *tag)
{
	const char *name = cgroup_make(tag);

	cgroup_favour(name);
	return name;
}

static void ask(char what)
{
	own->enough = 0;
	if (write(to_child[1], &what, 1) != 1)
		exit(1);
}

static void done(void)
{
	__atomic_store_n(&own->enough, 1, __ATOMIC_SEQ_CST);
	hear(from_child[0]);
}

/* For how long it has been in waits, and when that was read. */
static uint64_t own_waited_ns(uint64_t *ret_now)
{
	uint64_t before, since, waited;

	do {
		before = __atomic_load_n(&own->turn, __ATOMIC_SEQ_CST);
		since = __atomic_load_n(&own->waiting_since_ns, __ATOMIC_SEQ_CST);
		waited = __atomic_load_n(&own->waited_ns, __ATOMIC_SEQ_CST);
		*ret_now = clock_boot_ns();
	} while (before & 1 || before != __atomic_load_n(&own->turn, __ATOMIC_SEQ_CST));
	return waited + (since && *ret_now > since ? *ret_now - since : 0);
}

/* A snapshot, and what the loop had waited in the middle of it. */
struct moment {
	const struct snapshot *s;
	double at, took, waited;
};

static struct moment moment_take(void)
{
	uint64_t began, ended, before, after;
	struct moment m;

	before = own_waited_ns(&began);
	m.s = snapshot_take();
	after = own_waited_ns(&ended);
	m.took = seconds(ended - began);
	m.at = seconds(began) + m.took / 2;
	m.waited = (seconds(before) + seconds(after)) / 2;
	return m;
}

static void check_stalls(const struct loop_row *l, const char *what)
{
	double saw = l ? l->v[LOOP_STALLS] : -1;

	check(saw >= (double)own->stalls_sure && saw <= (double)own->stalls_at_most,
	      "%s: stalls: saw %.0f, the loop counts %lu to %lu", what, saw, own->stalls_sure, own->stalls_at_most);
}

static void utilisation(pid_t pid)
{
	struct moment a, b;
	const struct loop_row *l;
	double saw, truth, slack = 1;

	ask('h');
	usleep(300000);
	/* When in the snapshot its row was read is not known, so those are better that take no time. */
	for (int i = 0; i < TRIES && slack > 0.03; i++) {
		a = moment_take();
		sleep(2);
		b = moment_take();
		slack = 0.01 + (a.took + b.took) / 2 / (b.at - a.at);
	}
	l = loop_find(b.s, pid);
	saw = l ? l->v[LOOP_UTILIZATION] : -1;
	truth = 1 - (b.waited - a.waited) / (b.at - a.at);
	check(fabs(saw - truth) <= slack,
	      "utilisation is the share in which it was not in epoll: saw %.4f, by its own clock %.4f (+-%.4f)", saw,
	      truth, slack);
	done();

	ask('p');
	usleep(300000);
	snapshot_take();
	sleep(2);
	l = loop_find(snapshot_take(), pid);
	check_within("a loop that never sleeps is busy all the time", l ? l->v[LOOP_UTILIZATION] : -1, 1, 0, 0.001);
	check(l && l->v[LOOP_ITERATION_RATE] > 100, "and turns: %.0f iterations a second",
	      l ? l->v[LOOP_ITERATION_RATE] : -1);
	done();
	usleep(100000);
	check_stalls(loop_find(snapshot_take(), pid), "and has only iterations as long as it measures itself");
}

/* The loop's row when it has had that many stalls: it tells that it is done before it waits again. */
static const struct loop_row *stalled(pid_t pid, double stalls)
{
	const struct loop_row *l = NULL;

	for (int i = 0; i < 50 && !(l && l->v[LOOP_STALLS] >= stalls); i++) {
		usleep(50000);
		l = loop_find(snapshot_take(), pid);
	}
	return l;
}

static double stalled_ns(const struct loop_row *l)
{
	double sum = 0;

	for (int i = 0; i < SS_STALL_CAUSES; i++)
		sum += l->v[LOOP_STALLED_ONCPU + i];
	return sum;
}

/*
 * The iteration is longer than what lies between the loop's own readings by the steps from the end of a wait to the
 * reading after it, and from the reading before the next one to its beginning. On a slow machine these take
 * milliseconds of CPU, and as any others they may have to wait for it.
 */
static double own_slack(void)
{
	return OWN_SLACK + own->around.cpu - own->stall.cpu + own->around.runqueue - own->stall.runqueue;
}

/* What most of it went to, by far; "nothing" when two were close. */
static const char *own_cause(void)
{
	const struct spent *s = &own->stall;
	double blocked = s->wall - s->cpu - s->runqueue, margin = 2 * OWN_SLACK;

	if (s->cpu > s->runqueue + margin && s->cpu > blocked + margin)
		return "oncpu";
	if (s->runqueue > s->cpu + margin && s->runqueue > blocked + margin)
		return "runqueue";
	return blocked > s->cpu + margin && blocked > s->runqueue + margin ? "blocked" : "nothing";
}

/*
 * Has the loop do it until the loop itself says that this was the cause, and its only stall in more than a second (facts
 * about one loop come once a second). False: there was too much other load, which was said.
 */
static bool stall_made(pid_t pid, char what, const char *cause, const char *name, struct stall *ret)
{
	for (int i = 0; i < TRIES; i++) {
		const struct loop_row *l = loop_find(snapshot_take(), pid);
		double before = l ? l->v[LOOP_STALLS] : 0, stood = l ? stalled_ns(l) : 0, slack;
		uint64_t own_before = own->stalls_at_most;

		usleep(1100000);
		ask(what);
		if (what == 'f') {
			_cleanup_close_ int fd = -1;
			char path[32];

			usleep(180000);
			snprintf(path, sizeof(path), FIFO_AGAIN, fifo);
			fd = open(path, O_WRONLY | O_CLOEXEC);
			usleep(1000);
			tell(fd);
		}
		hear(from_child[0]);
		l = stalled(pid, before + 1);
		/* Ends the wait after it. */
		ask(0);
		hear(from_child[0]);
		if (own->stalls_at_most != own_before + 1 || strcmp(own_cause(), cause) != 0)
			continue;
		check_stalls(l, name);
		*ret = l ? l->last_stall : (struct stall){};
		slack = own_slack();
		check(ret->seconds >= own->stall.wall && ret->seconds <= own->stall.wall + slack,
		      "its length: saw %.6f, true is %.6f to %.6f", ret->seconds, own->stall.wall,
		      own->stall.wall + slack);
		check_within("and that is what the time in stalls has gained", l ? (stalled_ns(l) - stood) / 1e9 : -1,
			     ret->seconds, 0, 1e-6);
		/* What a hypervisor or an interrupt took from it meanwhile is not in its CPU time. */
		check(ret->oncpu > own->stall.cpu - OWN_SLACK &&
			      ret->oncpu < own->stall.wall - own->stall.runqueue + slack,
		      "its time on a CPU: saw %.6f, its CPU time is %.6f", ret->oncpu, own->stall.cpu);
		check_within("its time in a run queue", ret->runqueue, own->stall.runqueue, 0, slack);
		check(ret->cause && strcmp(ret->cause, cause) == 0, "its cause: saw %s, true is %s",
		      ret->cause ? ret->cause : "none", cause);
		return true;
	}
	printf("ok %d - %s # SKIP the machine is too busy: last it had %.3f of %.3f s on a CPU, waited %.3f s for "
	       "one\n",
	       ++test_number, name, own->stall.cpu, own->stall.wall, own->stall.runqueue);
	return false;
}

static void spin_for_ever(void *ctx)
{
	(void)ctx;
	pin(last_cpu);
	for (;;)
		;
}

static void stalls(pid_t pid)
{
	struct stall st;
	pid_t spinners[2];

	stall_made(pid, 's', "oncpu", "spinning for 120 ms", &st);
	if (stall_made(pid, 'f', "blocked", "opening a FIFO without a writer", &st))
		check(st.blocked[SS_WAIT_FILE] + st.blocked[SS_WAIT_PIPE] > 0.15, "in file or pipe: saw %.4f s",
		      st.blocked[SS_WAIT_FILE] + st.blocked[SS_WAIT_PIPE]);
	/* Cgroups share a CPU evenly, so two spinners have two, and the loop gets a third. */
	spinners[0] = run_in(cgroup_first("spinner"), spin_for_ever, NULL);
	spinners[1] = run_in(cgroup_first("spinners"), spin_for_ever, NULL);
	usleep(200000);
	stall_made(pid, 's', "runqueue", "starved by two spinners", &st);
	for (int i = 0; i < 2; i++) {
		kill(spinners[i], SIGKILL);
		waitpid(spinners[i], NULL, 0);
	}
}

/* Without a name from the beginning, so that nothing can stay behind. 0 or negative errno. */
static int fifo_make(void)
{
	char path[] = "/tmp/sysscope-test-XXXXXX/fifo", *slash = strrchr(path, '/');
	int r = 0;

	*slash = '\0';
	if (!mkdtemp(path))
		return -errno;
	*slash = '/';
	fifo = mkfifo(path, 0600) < 0 ? -1 : open(path, O_PATH);
	if (fifo < 0)
		r = -errno;
	unlink(path);
	*slash = '\0';
	rmdir(path);
	return r;
}

int main(void)
{
	pid_t pid;

	last_cpu = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	own = mmap(NULL, sizeof(*own), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (own == MAP_FAILED || fifo_make() < 0)
		return 1;
	if (loops_start(NULL)) {
		pid = loop_start(cgroup_first("loop"), obedient, NULL);
		utilisation(pid);
		stalls(pid);
		loop_end(pid);
	}
	return test_finish();
}
