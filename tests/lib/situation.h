/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * situation.h - two snapshots, ten seconds apart, of a machine of 4 CPUs and 16 GiB on which nothing happens until a test says
 * so; and what the rules of agent/diagnose/ find in them. For the unit tests of the rules.
 */
#ifndef SYSSCOPE_TESTS_SITUATION_H
#define SYSSCOPE_TESTS_SITUATION_H

#include "diagnose/judge.h"

#define SITUATION_SECONDS 10
#define SITUATION_ROWS	  16

/* How a value went: one at the begin and after each second. */
struct situation_course {
	bool process; /* else of a container */
	uint32_t row;
	int metric;
	double values[SITUATION_SECONDS + 1];
};

struct situation {
	struct snapshot before, now;
	struct container_row containers[2][SITUATION_ROWS]; /* of before, of now */
	struct process_row processes[2][SITUATION_ROWS];
	struct loop_row loops[2][SITUATION_ROWS];
	struct neighbour_row neighbours[2][SITUATION_ROWS];
	struct disk_row disks[2][SITUATION_ROWS];
	struct disk_neighbour_row disk_neighbours[2][SITUATION_ROWS];
	struct device_row devices[2][SITUATION_ROWS];
	struct port_row ports[2][SITUATION_ROWS];
	struct group_row groups[2][SITUATION_ROWS];
	struct outsider_row outside[SITUATION_ROWS];
	struct collector_row collectors[SITUATION_ROWS];
	char paths[SITUATION_ROWS][64];
	struct situation_course courses[SITUATION_ROWS];
	size_t n_courses;
	struct diagnosis_options options;
	struct window window;
	struct diagnosis diagnosis;
};

/* That of the running test. */
extern struct situation situation;

/* Every value of every row is 0 but for limits, which are absent. */
int situation_setup(void **state);
int situation_teardown(void **state);
#define situation_test(f) cmocka_unit_test_setup_teardown(f, situation_setup, situation_teardown)

/* Indexes into the snapshots. */
uint32_t situation_container(struct situation *s, const char *name, const char *runtime);
/*
 * One of Docker's that used `cores`, and waited `wait` s in each second for a CPU, `throttled` s of it for its quota of `limit`
 * CPUs (0: none).
 */
uint32_t situation_worker(struct situation *s, const char *name, double cores, double wait, double throttled,
			  double limit);
uint32_t situation_process(struct situation *s, uint32_t container, const char *comm, uint32_t pid);
uint32_t situation_loop(struct situation *s, uint32_t process, uint32_t tid);
void situation_neighbour(struct situation *s, uint32_t waiter, uint32_t runner, double wait_per_second);
void situation_group(struct situation *s, uint32_t container, const char *comm, int metric, double value);

/* Those of one container must be made one after the other. The machine gets the device with the first row of it. */
uint32_t situation_disk(struct situation *s, uint32_t container, const char *device);
/* Requests of an operation, DISK_READ_COUNT, ..., in each second, of so many bytes, with this latency. */
void situation_requests(struct situation *s, uint32_t disk, int count, double per_second, double bytes, double latency);
/* Requests of the waiter at the device waited for the filler's, summed up. */
void situation_disk_neighbour(struct situation *s, uint32_t waiter, uint32_t filler, const char *device,
			      double wait_per_second);
uint32_t situation_port(struct situation *s, uint32_t container, const char *direction, uint16_t port);
/* The process is in these namespaces of the container, from outside, in both snapshots. */
void situation_outside(struct situation *s, uint32_t container, uint32_t process, uint32_t kinds);

/* A counter gains that much in each second: nanoseconds are given as seconds. */
void situation_gain(struct situation *s, uint32_t container, int metric, double per_second);
void situation_process_gain(struct situation *s, uint32_t process, int metric, double per_second);
void situation_loop_gain(struct situation *s, uint32_t loop, int metric, double per_second);
void situation_port_gain(struct situation *s, uint32_t row, int metric, double per_second);
void situation_group_gain(struct situation *s, uint32_t container, const char *comm, int metric, double per_second);
void situation_host_gain(struct situation *s, int metric, double per_second);

/*
 * A gauge, such as memory, goes through these values, one for the begin and one for each second. All others go straight from their
 * first to their last value.
 */
void situation_course(struct situation *s, bool process, uint32_t row, int metric,
		      const double values[SITUATION_SECONDS + 1]);

void situation_collector_off(struct situation *s, const char *name);

/* Feeds the window with all snapshots. */
void situation_watch(struct situation *s);
/*
 * Runs the rules; the result is valid until the next call. Prints the findings as text when SHOW_FINDINGS= is set. Runs them
 * with hostile names as well, and with the containers ended: situation_hostile.c.
 */
const struct findings *situation_judge(struct situation *s);

/*
 * Fails if any advice for this situation has a name from outside that a shell would not take as one word, if all names were
 * hostile; or a command for a container that has ended, if all had. The situation is the same afterwards.
 */
void situation_hostile(struct situation *s);

/* Fails unless the last run says that this rule could not judge. */
void expect_unjudged(const struct situation *s, const char *rule);
/* Fails unless the rules find nothing. */
void expect_nothing(struct situation *s);
/* Fails unless the first finding is of this rule, about this container ("" for the machine), done by this one ("": nobody else). */
const struct finding *expect_first(struct situation *s, const char *rule, const char *container, const char *culprit);
/* Fails unless one of the finding's texts has these words. */
void expect_words(const struct finding *f, const char *words);

#endif
