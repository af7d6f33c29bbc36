/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recording.h - a file of tests/scenarios/recorded/: the first and the last snapshot of a real scenario, those between them that a
 * trend needs, and what the rules of `diagnose` are to find. tests/scenarios/recording.py writes it. For tests that replay it.
 */
#ifndef SYSSCOPE_TESTS_RECORDING_H
#define SYSSCOPE_TESTS_RECORDING_H

#include "diagnose/judge.h"
#include "snapshot_read.h"

struct recording {
	json_t *root;
	const json_t *expect;
	struct snapshot_copy *snapshots;
	size_t n_snapshots;
	const struct snapshot *last;
	struct diagnosis_options options;
	struct window window;
	struct diagnosis diagnosis;
};

/* The scenario's name by that of its file; freed by the caller. */
char *recording_name(const char *path);
/* Fails the running test if it is no recording. */
void recording_read(struct recording *r, const char *path);
/* Runs all rules; may be called again after the snapshots were changed. */
void recording_judge(struct recording *r);
/* Adds a line for each way in which the findings are not as expected. */
void recording_check(const struct recording *r, struct buf *wrong);
void recording_free(struct recording *r);

/*
 * Reads it with the containers of another recording beside its own: on a machine that is larger by the CPUs of the other one.
 * What waits for whom does not change.
 */
void recording_read_beside(struct recording *r, const char *path, const char *other);

/* Makes the snapshots what an agent makes without these collectors (separated by blanks): recording_blind.c. */
void recording_blind(struct recording *r, const char *collectors);
bool recording_collector_off(const char *collectors, const char *name, size_t length);

#endif
