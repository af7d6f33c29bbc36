/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel_test.h - what every test in tests/kernel uses: results as TAP lines, cgroups of the test's own (removed at the
 * end, however the test ends), snapshots of a pipeline, and simple workloads. Tests run side by side on a busy machine,
 * so a test compares only its own threads and cgroups, and polls instead of sleeping before it asserts something.
 */
#ifndef KERNEL_TEST_H
#define KERNEL_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pipeline.h"
#include "base/util.h"
#include "sysscope/view.h"

/* One tick of 250 Hz: sum_exec_runtime of a running task is at most that old, on each CPU. */
#define TICK_SECONDS 0.004
/* How long a test polls for what must happen. Only a test that fails waits that long, so it costs nothing to be generous. */
#define PATIENCE_SECONDS 90.0

/* True as soon as the condition is; false if it is not within PATIENCE_SECONDS. */
#define poll_until(condition)                                                  \
	({                                                                     \
		double poll_end = now_seconds() + PATIENCE_SECONDS;            \
		bool poll_true;                                                \
		while (!(poll_true = (condition)) && now_seconds() < poll_end) \
			usleep(5000);                                          \
		poll_true;                                                     \
	})

extern int test_failures, test_number;
extern struct pipeline *test_pipeline;

/* ---- results ---- */

__attribute__((format(printf, 2, 3))) void check(bool ok, const char *format, ...);
void check_equal(const char *what, double seen, double truth);
/* Within `share` of the truth or within `slack` of it, whichever is more. */
void check_within(const char *what, double seen, double truth, double share, double slack);
/* Closes the pipeline. Returns the exit status of the test. */
int test_finish(void);

/* ---- cgroups of the test's own ---- */

extern const char *const v1_mounts[4]; /* cpu, cpuacct, memory, pids */
extern pid_t test_owner;	       /* the process that removes the cgroups */

bool test_on_v2(void);
unsigned int kernel_release(void); /* major * 100 + minor */
/* The folder of the cgroup, on v1 in the i-th hierarchy. False past the last one. */
bool cgroup_folder(const char *name, size_t i, char *path, size_t size);
bool file_write(const char *path, const char *text);
/* Makes "/sysscope-test-PID-TAG" and returns that path. */
const char *cgroup_make(const char *tag);
void cgroup_enter(const char *name, pid_t pid);
/* Gives the cgroup the highest weight: its equals get as much of a CPU, and the rest of the machine nearly nothing. */
void cgroup_favour(const char *name);
/* The cgroup's own CPU counter: cpu.stat on v2, cpuacct.usage on v1. */
double cgroup_cpu_seconds(const char *name);
/*
 * The same for what its tasks have used by sysscope. Where moves between cgroups are not seen, that includes what they had used
 * before they were moved into it (cgroup_enter).
 */
double cgroup_tasks_seconds(const char *name);

/* ---- snapshots ---- */

/* SYSSCOPE_TEST_WITHOUT= names collectors that are left out: on an emulated CPU the verifier takes seconds for all of them. */
void pipeline_start_with(const struct pipeline_options *options);
void pipeline_start(void);
/*
 * With an argument, a test uses the second best hook of its collector, which must be the one named: guests whose kernels
 * offer a better one run the other hooks this way, too.
 */
void hook_ask(struct pipeline_options *o, int argc, const char *load_best);
void hook_check(int argc, char **argv, const char *collector);
/* False on kernels without task storage (5.10): moves between cgroups are not seen, and a task is charged when it is freed. */
bool task_state_is_on(void);
const struct snapshot *snapshot_take(void);
const struct container_row *row_find(const struct snapshot *s, const char *name);
const struct process_row *process_row_find(const struct snapshot *s, pid_t pid);
/* A value of the container in a new snapshot; -1 if there is no such row or the value is absent. */
double container_value(const char *name, int metric);
/* As container_value, in new snapshots until it is `at_least` that: the dead are freed after an RCU grace period. */
double container_value_until(const char *name, int metric, double at_least);
double loss_count(const char *kind);
/* States that the kernel may refuse to threads of others while a test runs, however few are born: one was seen beside dockerd. */
#define STATES_REFUSED_OTHERS 3
/*
 * Losses are counted for the whole machine, where the kernel may refuse state to a thread of somebody else now and then. So
 * a test whose own counts are exact allows one loss of a kind for each 100 processes that were born since it began, and
 * STATES_REFUSED_OTHERS of that kind.
 */
void check_losses(const char *const kinds[], size_t n);

/* ---- workloads ---- */

double now_seconds(void);
double thread_cpu_seconds(void);
double births_on_machine(void); /* of processes and threads, since it started */
/* What the main thread of a process has used, by /proc/PID/schedstat: exact while it sleeps. */
double process_cpu_seconds(pid_t pid);
/* Uses this much CPU in the calling thread. */
void burn(double seconds);
/*
 * Returns when the process sleeps. The kernel charges what a task has used since its last switch or tick to the cgroup
 * that the task is in when that time is added up, so moving a running task moves some of its past along with it.
 */
void asleep_wait(pid_t pid);
bool asleep(pid_t pid);
/* Runs `work` in a child, which is in the cgroup before it begins and dies with the test. Returns its pid; wait for it. */
pid_t run_in(const char *cgroup, void (*work)(void *ctx), void *ctx);

#endif
