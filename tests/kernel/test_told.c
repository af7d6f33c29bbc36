/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_told.c - a thread that sleeps is not told again, and whatever others do to it meanwhile is in the next sample: its name,
 * its parent, its cgroup, the memory, threads and signal handlers of its process, what an ended thread has used. The main thread
 * of the process sleeps in read; a second thread does what it is told.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "lib/kernel_test.h"
#include "sysscope/sample.h"

#define MEMORY (16 << 20)
/*
 * Before 6.2 a thread adds its pages to its process's at the first fault after 65 of them, before that one's own page
 * (mm/memory.c: check_sync_rss_stat compares `events++ > TASK_RSS_EVENTS_THRESH`, which is 64).
 */
#define KEPT_PAGES 66

static struct {
	int gate[2], order[2], done[2];
} pipes;

static void *thread_end(void *ctx)
{
	burn(0.01);
	return ctx;
}

static void *thread_stay(void *ctx)
{
	pause();
	return ctx;
}

static void caught(int signal)
{
	(void)signal;
}

static void order_do(char order)
{
	pthread_t thread;
	char path[64], *memory;

	switch (order) {
	case 'n': /* its main thread's name */
		snprintf(path, sizeof(path), "/proc/self/task/%d/comm", getpid());
		file_write(path, "another");
		break;
	case 'm':
		memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory != MAP_FAILED)
			memset(memory, 1, MEMORY);
		break;
	case 'e': /* a thread that ends */
		pthread_create(&thread, NULL, thread_end, NULL);
		pthread_join(thread, NULL);
		break;
	case 't': /* one that stays */
		pthread_create(&thread, NULL, thread_stay, NULL);
		break;
	case 's':
		signal(SIGSTKFLT, caught);
		signal(SIGURG, caught);
		signal(SIGIO, caught);
		break;
	}
}

static void *orders_take(void *ctx)
{
	char order;

	while (read(pipes.order[0], &order, 1) == 1) {
		order_do(order);
		if (write(pipes.done[1], &order, 1) != 1)
			break;
	}
	return ctx;
}

/* Its main thread wakes for a byte, drops a capability, and sleeps again. */
static void process_run(void)
{
	pthread_t thread;
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pthread_create(&thread, NULL, orders_take, NULL);
	while (read(pipes.gate[0], &c, 1) == 1)
		if (setuid(12345) < 0)
			_exit(1);
	_exit(0);
}

static void order(char what)
{
	char answer = 0;

	check(write(pipes.order[1], &what, 1) == 1 && read(pipes.done[0], &answer, 1) == 1, "done: %c", what);
}

/* In a new sample. */
static const struct sample_thread *told(pid_t tid)
{
	const struct sample *s;

	snapshot_take();
	s = pipeline_sample(test_pipeline);
	for (size_t i = 0; i < s->n_threads; i++)
		if (s->threads[i].tid == (uint32_t)tid)
			return &s->threads[i];
	return NULL;
}

/* Of a thread that only sleeps. Others may take its pages away at any time. */
static bool rests(pid_t tid)
{
	const struct sample_thread *t = told(tid);

	return t && t->same;
}

static struct ss_thread_record look(pid_t tid, const char *what)
{
	const struct sample_thread *t = told(tid);

	check(t && !t->same, "%s: told at the next sample", what);
	return t ? *t->told->record : (struct ss_thread_record){};
}

static void test_sleep(pid_t pid)
{
	const struct sample_thread *t;
	uint64_t before, n;

	check(poll_until(rests(pid)), "who sleeps is not told again");
	t = told(pid);
	if (!t || !t->told->waits) {
		printf("ok %d - # SKIP no scheduler hooks\n", ++test_number);
		return;
	}
	before = t->told->record->open_blocked_ns;
	n = t->told->record->used.voluntary_switches;
	usleep(20000);
	t = told(pid);
	check(t && t->told->record->open_blocked_ns >= before + 20000000, "it has slept for longer");
	check(t && t->told->record->used.voluntary_switches == n, "and did nothing else");
}

static void test_process_changes(pid_t pid)
{
	struct ss_thread_record before, r;
	const struct sample_thread *t;

	poll_until(rests(pid));
	order('n');
	r = look(pid, "name");
	check(strcmp(r.comm, "another") == 0, "name: %.16s", r.comm);
	check(r.charged.voluntary_switches == r.used.voluntary_switches, "what it did before is charged");

	check(poll_until(rests(pid)), "it sleeps on");
	before = r;
	order('m');
	r = look(pid, "memory");
	check(r.anonymous_units >= before.anonymous_units + (MEMORY - KEPT_PAGES * 4096) / SS_MEMORY_UNIT,
	      "memory: %u after %u units", r.anonymous_units, before.anonymous_units);

	check(poll_until(rests(pid)), "it sleeps on");
	before = r;
	order('e');
	/* The kernel releases the thread a moment after whoever joined it is woken. */
	poll_until((t = told(pid)) && t->told->record->threads == before.threads &&
		   t->told->record->dead_threads.exec_ns >= before.dead_threads.exec_ns + 10000000);
	check(t && t->told->record->dead_threads.exec_ns >= before.dead_threads.exec_ns + 10000000,
	      "an ended thread's time");
	check(t && (!t->told->waits || t->told->waits_dead), "and its waits");

	check(poll_until(rests(pid)), "it sleeps on");
	order('t');
	r = look(pid, "threads");
	check_equal("threads", r.threads, before.threads + 1);

	check(poll_until(rests(pid)), "it sleeps on");
	order('s');
	r = look(pid, "signals");
	check(r.flags & SS_THREAD_CATCHES, "signals");
}

static void test_cgroup(pid_t pid)
{
	const char *box = cgroup_make("told");
	const struct sample_thread *t;
	struct ss_thread_record before;
	uint32_t other = 0;
	const struct sample *s;

	poll_until(rests(pid));
	before = *told(pid)->told->record;
	s = pipeline_sample(test_pipeline);
	for (size_t i = 0; i < s->n_threads; i++)
		if (s->threads[i].told->record->tgid == (uint32_t)pid && s->threads[i].tid != (uint32_t)pid)
			other = s->threads[i].tid;
	cgroup_enter(box, pid);
	t = told(pid);
	check(t && !t->same && t->told->record->cgroup_id != before.cgroup_id, "its cgroup");
	s = pipeline_sample(test_pipeline);
	for (size_t i = 0; i < s->n_threads; i++)
		if (s->threads[i].tid == other)
			check(s->threads[i].told->record->cgroup_id == t->told->record->cgroup_id,
			      "that of its other thread");
}

static void test_own_changes(pid_t pid)
{
	struct ss_thread_record r;
	const struct sample_thread *t;

	poll_until(rests(pid));
	kill(pid, SIGSTOP);
	poll_until((t = told(pid)) && t->told->record->flags & SS_THREAD_STOPPED);
	check(t && t->told->record->state == 'T', "stopped");
	kill(pid, SIGCONT);
	poll_until((t = told(pid)) && t->told->record->state == 'S');
	check(t && !(t->told->record->flags & SS_THREAD_STOPPED), "goes on");
	check(poll_until(rests(pid)), "it sleeps on");
	check(write(pipes.gate[1], "x", 1) == 1, "it wakes");
	poll_until((t = told(pid)) && t->told->record->uid == 12345);
	r = t ? *t->told->record : (struct ss_thread_record){};
	check(r.uid == 12345 && !r.capabilities_effective, "its user and capabilities");
}

/* Its parent ends while it sleeps. */
static void test_parent(void)
{
	pid_t parent, child = 0;
	struct ss_thread_record r;
	int numbers[2], stay[2];

	if (pipe(numbers) < 0 || pipe(stay) < 0)
		exit(1);
	parent = fork();
	if (parent == 0) {
		child = fork();
		if (child == 0) {
			close(stay[1]);
			/* Ends with the test, however that ends. */
			_exit(read(stay[0], &child, sizeof(child)) > 0);
		}
		if (write(numbers[1], &child, sizeof(child)) != sizeof(child))
			_exit(1);
		pause();
		_exit(0);
	}
	if (read(numbers[0], &child, sizeof(child)) != sizeof(child))
		exit(1);
	check(poll_until(rests(child)), "a child sleeps");
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	r = look(child, "parent");
	check(r.ppid != (uint32_t)parent && r.ppid, "its parent: %u", r.ppid);
	/* Its number may be another's soon: it is not told any more, and nothing is kept of it. */
	close(stay[1]);
	check(poll_until(!told(child)), "it has ended");
}

/* Whoever let the latest sample go is told everything again. */
static void test_rest(pid_t pid)
{
	const struct snapshot_source *source = pipeline_source(test_pipeline);

	poll_until(rests(pid));
	source->rest(source->ctx);
	look(pid, "after a rest");
	check(poll_until(rests(pid)), "and then it sleeps again");
}

int main(void)
{
	pid_t pid;

	pipeline_start();
	if (pipe(pipes.gate) < 0 || pipe(pipes.order) < 0 || pipe(pipes.done) < 0)
		return 1;
	pid = fork();
	if (pid == 0)
		process_run();
	if (!task_state_is_on()) {
		printf("ok 1 - # SKIP this kernel tells everything each time\n");
		kill(pid, SIGKILL);
		return test_finish();
	}
	test_sleep(pid);
	test_process_changes(pid);
	test_rest(pid);
	test_cgroup(pid);
	test_parent();
	test_own_changes(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return test_finish();
}
