/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_sched_classes.c - threads that sleep in one known system call each: their sleep is found in that class, for as long
 * as they measured themselves (wall time of the calls, less what they ran and waited for a CPU in them).
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/vfs.h>

#include "lib/sched_test.h"

#define ROUNDS	 30
#define ROUND_US 100000

static bool go; /* the first sample was taken */

struct blocker {
	const char *name;
	enum ss_wait_class class;
	void (*call)(struct blocker *b);
	uint32_t tid;
	int fd, other_fd; /* read here; written there */
	int word;
	double truth;
	bool failed, done;
	struct thread_times before;
	pthread_t thread;
};

/* What the kernel itself says this thread waited for a CPU, seconds. */
static double own_run_delay(void)
{
	_cleanup_free_ char *text = NULL;
	unsigned long run = 0, wait = 0;

	if (read_file("/proc/thread-self/schedstat", 256, &text, NULL) == 0 &&
	    sscanf(text, "%lu %lu", &run, &wait) == 2)
		return (double)wait / 1e9;
	return 0;
}

/* Wall time less what the thread ran and waited for a CPU; read again if it was preempted between the three. */
static double own_asleep(void)
{
	double delay = own_run_delay(), again, wall, cpu;

	for (int tries = 0; tries < 20; tries++) {
		wall = now_seconds();
		cpu = thread_cpu_seconds();
		again = own_run_delay();
		if (again == delay)
			break;
		delay = again;
	}
	return wall - cpu - delay;
}

static void call_sleep(struct blocker *b)
{
	(void)b;
	usleep(ROUND_US);
}

static void call_futex(struct blocker *b)
{
	int seen = __atomic_load_n(&b->word, __ATOMIC_SEQ_CST);

	while (__atomic_load_n(&b->word, __ATOMIC_SEQ_CST) == seen)
		futex(&b->word, FUTEX_WAIT_PRIVATE, seen);
}

static void call_read(struct blocker *b)
{
	char c;

	if (read(b->fd, &c, 1) != 1)
		b->failed = true;
}

static void call_recv(struct blocker *b)
{
	char c;

	if (recv(b->fd, &c, 1, 0) != 1)
		b->failed = true;
}

static void call_epoll(struct blocker *b)
{
	struct epoll_event event;

	epoll_wait(b->fd, &event, 1, ROUND_US / 1000);
}

static void call_poll(struct blocker *b)
{
	(void)b;
	poll(NULL, 0, ROUND_US / 1000);
}

static void call_wait4(struct blocker *b)
{
	pid_t pid = fork();

	if (pid == 0) {
		usleep(ROUND_US);
		_exit(0);
	}
	b->failed = waitpid(pid, NULL, 0) != pid;
}

/*
 * Filled before: a write to it here would be a page fault after each fork of call_wait4, which waits for the lock that the
 * fork holds, and that is another class.
 */
static char block[8 << 20] __attribute__((aligned(4096)));

static void call_fsync(struct blocker *b)
{
	if (pwrite(b->fd, block, sizeof(block), 0) != sizeof(block) || fsync(b->fd) < 0)
		b->failed = true;
}

static void *blocker_run(void *ctx)
{
	struct blocker *b = ctx;
	sigset_t none;

	__atomic_store_n(&b->tid, my_tid(), __ATOMIC_SEQ_CST);
	/* In a class of its own until the first sample was taken. */
	sigemptyset(&none);
	while (!__atomic_load_n(&go, __ATOMIC_SEQ_CST))
		sigtimedwait(&none, NULL, &(struct timespec){.tv_nsec = 50000000});
	for (int i = 0; i < ROUNDS && !b->failed; i++) {
		double before = own_asleep();

		b->call(b);
		b->truth += own_asleep() - before;
	}
	__atomic_store_n(&b->done, true, __ATOMIC_SEQ_CST);
	pause();
	return NULL;
}

static struct blocker blockers[] = {
	{.name = "nanosleep", .class = SS_WAIT_SLEEP, .call = call_sleep},
	{.name = "futex wait", .class = SS_WAIT_FUTEX, .call = call_futex},
	{.name = "read of a pipe", .class = SS_WAIT_PIPE, .call = call_read},
	{.name = "read of a socket", .class = SS_WAIT_NETWORK, .call = call_read},
	{.name = "recv", .class = SS_WAIT_NETWORK, .call = call_recv},
	{.name = "epoll_wait", .class = SS_WAIT_EPOLL, .call = call_epoll},
	{.name = "poll", .class = SS_WAIT_POLL, .call = call_poll},
	{.name = "wait4", .class = SS_WAIT_CHILD, .call = call_wait4},
	{.name = "fsync", .class = SS_WAIT_FILE, .call = call_fsync},
};

static void blocker_prepare(struct blocker *b)
{
	int fds[2] = {-1, -1};
	char path[] = "/var/tmp/sysscope-test-XXXXXX";

	b->other_fd = -1;
	if (b->class == SS_WAIT_PIPE && pipe(fds) < 0)
		exit(1);
	if (b->class == SS_WAIT_NETWORK && socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		exit(1);
	if (b->class == SS_WAIT_EPOLL)
		fds[0] = epoll_create1(EPOLL_CLOEXEC);
	if (b->class == SS_WAIT_FILE) {
		memset(block, 1, sizeof(block));
		fds[0] = mkostemp(path, O_DIRECT); /* less CPU, more to wait for */
		if (fds[0] < 0) {
			strcpy(path, "/var/tmp/sysscope-test-XXXXXX");
			fds[0] = mkstemp(path);
		}
		unlink(path);
	}
	b->fd = fds[0];
	b->other_fd = fds[1];
}

/* Wakes those that wait for somebody, every round. */
static void wake_all(void)
{
	double end = now_seconds() + 120;
	bool all = false;

	/* Until each has had its rounds, however slow the machine is: a call under way would be seen, and not in its truth. */
	while (!all && now_seconds() < end) {
		usleep(ROUND_US);
		all = true;
		for (size_t i = 0; i < ARRAY_SIZE(blockers); i++)
			all &= __atomic_load_n(&blockers[i].done, __ATOMIC_SEQ_CST);
		for (size_t i = 0; i < ARRAY_SIZE(blockers); i++) {
			struct blocker *b = &blockers[i];

			if (b->other_fd >= 0 && write(b->other_fd, "x", 1) != 1)
				exit(1);
			if (b->class == SS_WAIT_FUTEX) {
				__atomic_add_fetch(&b->word, 1, __ATOMIC_SEQ_CST);
				futex(&b->word, FUTEX_WAKE_PRIVATE, 1);
			}
		}
	}
}

static void blocker_check(const struct blocker *b)
{
	struct thread_times t = thread_times(b->tid);
	double seen = t.classes[b->class] - b->before.classes[b->class], others = 0;
	char what[64];

	/*
	 * Before and after the rounds they wait for signals. And between the calls a page fault of any of them waits while
	 * the fork of call_wait4 holds their common memory map.
	 */
	for (int c = 0; c < SS_WAIT_CLASSES; c++) {
		double slept = t.classes[c] - b->before.classes[c];

		if (c != (int)b->class && slept > 0.001)
			printf("# %s: %.4f s in class %d\n", b->name, slept, c);
		if (c != (int)b->class && c != SS_WAIT_OTHER && c != SS_WAIT_FAULT)
			others += slept;
	}
	if (b->class == SS_WAIT_FILE && b->truth < 0.05) {
		printf("ok %d - %s # SKIP there is no disk to wait for: %.4f s in %d calls\n", ++test_number, b->name,
		       b->truth, ROUNDS);
		return;
	}
	snprintf(what, sizeof(what), "%s: its class", b->name);
	check_time_within(what, seen, b->truth, 0.02, 0.01);
	check(!b->failed, "%s: its calls did what they had to", b->name);
	check(others < 0.02 * b->truth + 0.01, "%s: in no other class: saw %.4f s", b->name, others);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	pipeline_start();
	if (!sched_is_on())
		return test_finish();
	for (size_t i = 0; i < ARRAY_SIZE(blockers); i++) {
		blocker_prepare(&blockers[i]);
		pthread_create(&blockers[i].thread, NULL, blocker_run, &blockers[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(blockers); i++)
		while (!__atomic_load_n(&blockers[i].tid, __ATOMIC_SEQ_CST))
			usleep(1000);
	snapshot_take();
	for (size_t i = 0; i < ARRAY_SIZE(blockers); i++)
		blockers[i].before = thread_times(blockers[i].tid);
	__atomic_store_n(&go, true, __ATOMIC_SEQ_CST);
	wake_all();
	snapshot_take();
	for (size_t i = 0; i < ARRAY_SIZE(blockers); i++)
		blocker_check(&blockers[i]);
	return test_finish();
}
