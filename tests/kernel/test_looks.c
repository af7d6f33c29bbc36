/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_looks.c - what is made only while somebody looks: threads, against /proc/PID/task, and the latest events, of a workload of
 * known processes; before that, nothing.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "events/recent.h"
#include "lib/kernel_test.h"
#include "sysscope/abi/task.h"
#include "view/match.h"

#define RUNS 307 /* two facts each: more than are kept */
#define KEPT 500

static struct shared {
	pid_t tids[4]; /* main thread, burned, futex, pipe */
	pid_t last;    /* child */
	volatile int go;
} * shared;
static int never[2];
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void *burner(void *ctx)
{
	cpu_set_t one;

	(void)ctx;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	pthread_setname_np(pthread_self(), "burner");
	shared->tids[1] = gettid();
	burn(0.05);
	for (;;)
		sleep(1000);
	return NULL;
}

static void *locked(void *ctx)
{
	(void)ctx;
	shared->tids[2] = gettid();
	pthread_mutex_lock(&held);
	return NULL;
}

static void *reader(void *ctx)
{
	char byte;

	(void)ctx;
	shared->tids[3] = gettid();
	return read(never[0], &byte, 1) == 1 ? NULL : ctx;
}

static void subject(void *ctx)
{
	void *(*const work[])(void *) = {burner, locked, reader};
	pthread_t thread;

	(void)ctx;
	pthread_mutex_lock(&held);
	shared->tids[0] = getpid();
	for (size_t i = 0; i < ARRAY_SIZE(work); i++)
		pthread_create(&thread, NULL, work[i], NULL);
	while (!shared->go)
		pause();
	_exit(0);
}

static void breeder(void *ctx)
{
	(void)ctx;
	for (int i = 0; i < RUNS; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		shared->last = pid;
		waitpid(pid, NULL, 0);
		/* The reader of the ring comes every few ms. */
		if (i % 20 == 0)
			usleep(5000);
	}
}

static const struct thread_row *thread_find(const struct snapshot *s, pid_t tid)
{
	for (size_t i = 0; i < s->looked.n_threads; i++)
		if ((pid_t)s->looked.threads[i].tid == tid)
			return &s->looked.threads[i];
	return NULL;
}

/* The number behind the n-th blank after the name in /proc/PID/task/TID/stat; -1. */
static long stat_field(pid_t tid, int n)
{
	char path[64], *text = NULL, *at;
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", shared->tids[0], tid);
	if (read_file(path, 4096, &text, &length) < 0)
		return -1;
	at = strrchr(text, ')');
	for (int i = 2; at && i < n; i++)
		at = strchr(at + 1, ' ');
	n = at ? atoi(at + 1) : -1;
	free(text);
	return n;
}

static double status_value(pid_t tid, const char *key)
{
	char path[64], *text = NULL, *at;
	double value = -1;
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", shared->tids[0], tid);
	if (read_file(path, 65536, &text, &length) < 0)
		return -1;
	at = strstr(text, key);
	if (at)
		value = strtod(at + strlen(key), NULL);
	free(text);
	return value;
}

/* They all sleep, so that what /proc says stays. */
static void check_thread(const struct snapshot *s, int which, const char *waits_for)
{
	pid_t tid = shared->tids[which];
	const struct thread_row *t = thread_find(s, tid);

	if (!pipeline_hook(test_pipeline, "sched")[0])
		waits_for = "";
	check(t != NULL, "thread %d is there", which);
	if (!t)
		return;
	check(s->processes[t->process].pid == (uint32_t)shared->tids[0], "thread %d: its process", which);
	check(strcmp(t->waits_for, waits_for) == 0, "thread %d waits for '%s', true is '%s'", which, t->waits_for,
	      waits_for);
	check(t->state == 'S', "thread %d: state %c, true is S", which, t->state);
	check_equal("the CPU that it ran on last, by /proc", t->cpu, stat_field(tid, 39));
	check_equal("voluntary switches, by /proc", t->v[THREAD_VOLUNTARY_SWITCHES],
		    status_value(tid, "\nvoluntary_ctxt_switches:"));
	check_equal("involuntary switches, by /proc", t->v[THREAD_INVOLUNTARY_SWITCHES],
		    status_value(tid, "nonvoluntary_ctxt_switches:"));
}

static void check_threads(const struct snapshot_source *source)
{
	const struct snapshot *s;
	const struct thread_row *t;
	int error;

	source->look(source->ctx, LOOK_THREADS | LOOK_EVENTS);
	s = source->next(source->ctx, &error);
	check(s && s->looked.threads && !s->looked.threads_reason, "there are threads once somebody looks");
	if (!s)
		return;
	check_thread(s, 0, "other");
	check_thread(s, 1, "sleep");
	check_thread(s, 2, "futex");
	check_thread(s, 3, "pipe");
	t = thread_find(s, shared->tids[1]);
	check(t && t->cpu == 0, "the pinned one is on CPU 0");
	check(t && strcmp(t->comm, "burner") == 0, "its own name");
	check(t && t->v[THREAD_CPU_USAGE] >= 0.05e9, "it has burned 50 ms");
	check(t && value_absent(t->v[THREAD_CPU_CORES]), "at first no rate is known");
	s = source->next(source->ctx, &error);
	t = s ? thread_find(s, shared->tids[1]) : NULL;
	check(t && t->v[THREAD_CPU_CORES] == 0, "asleep it uses nothing");
}

static void check_events(const struct snapshot *s, const char *home)
{
	const struct looked_at *l = &s->looked;
	size_t starts = 0, exits = 0, order = 0, elsewhere = 0;
	bool last = false;

	for (size_t i = 0; i < l->n_events; i++) {
		const struct event_row *e = &l->events[i];

		starts += strcmp(e->type, "process_start") == 0;
		exits += strcmp(e->type, "exit") == 0;
		order += i && e->number >= l->events[i - 1].number;
		elsewhere += strcmp(e->cgroup, home) != 0;
		last |= strcmp(e->type, "exit") == 0 && (pid_t)e->pid == shared->last;
	}
	check(order == 0, "the latest come first");
	check(elsewhere == 0, "none of other containers: saw %zu", elsewhere);
	check(last, "the end of the last process is there");
	if (l->events_lost) {
		check(l->n_events > 0, "%llu were lost, and it says so", (unsigned long long)l->events_lost);
		return;
	}
	check_equal("starts and ends that are kept", (double)(starts + exits), KEPT);
	check(l->events_dropped >= 2 * RUNS - KEPT, "those that are no longer kept are counted: %llu of %d",
	      (unsigned long long)l->events_dropped, 2 * RUNS);
	check_equal("kept and no longer kept are all", (double)(l->n_events + l->events_dropped),
		    l->n_events ? (double)l->events[0].number : -1);
}

int main(void)
{
	struct pipeline_options options;
	struct recent_events *recent = NULL;
	const struct snapshot_source *source;
	const struct snapshot *s, *latest = NULL;
	struct match_choice choice;
	const char *home = cgroup_make("looks");
	int error, status;
	pid_t threads, pid;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(pipe(never) == 0, "a pipe");
	match_choice_init(&choice, &home, 1);
	pipeline_options_init(&options);
	check(recent_events_new(&recent, &choice, &options) == 0, "room for events");
	pipeline_start_with(&options);
	source = recent_events_source(recent, test_pipeline, pipeline_source(test_pipeline));
	threads = run_in(home, subject, NULL);
	for (int i = 0; i < 4; i++)
		check(poll_until(shared->tids[i] && stat_field(shared->tids[i], 39) >= 0 &&
				 (i != 1 || status_value(shared->tids[1], "\nvoluntary_ctxt_switches:") > 0)),
		      "thread %d is there", i);
	for (int i = 0; i < 4; i++)
		asleep_wait(shared->tids[i]);
	s = source->next(source->ctx, &error);
	check(s && !s->looked.threads && s->looked.threads_reason && !s->looked.events && s->looked.events_reason,
	      "nothing of it is there while nobody looks, and why");
	check_threads(source);
	pid = run_in(home, breeder, NULL);
	while (waitpid(pid, &status, WNOHANG) != pid) {
		usleep(2000);
		source->idle(source->ctx, &latest);
	}
	poll_until((source->idle(source->ctx, &latest), s = source->next(source->ctx, &error),
		    s && s->looked.n_events && s->looked.events[0].number >= 2 * RUNS));
	check(s && s->looked.events, "there are events");
	if (s)
		check_events(s, home);
	kill(threads, SIGKILL);
	waitpid(threads, NULL, 0);
	status = test_finish();
	recent_events_free(recent);
	match_choice_free(&choice);
	return status;
}
