/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * situation_hostile.c - every situation of the unit tests once more with hostile names, and as a recording, and once more with all
 * containers ended: what holds for the advice of every rule. See situation.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "situation.h"

/* Whatever a shell does not take as a word, and what it looks like as one word. */
#define HOSTILE "a b;rm -rf $(x)'"
#define QUOTED	"a b;rm -rf $(x)'\\''"
#define MARK	"rm -rf"
#define NAMES	(4 * SITUATION_ROWS)

/* What is put in the place of the names, and what was there. */
static char names[NAMES][64], kept_paths[SITUATION_ROWS][64];
static size_t n_names;
static struct container_row kept_containers[2][SITUATION_ROWS];
static struct process_row kept_processes[2][SITUATION_ROWS];
static struct group_row kept_groups[2][SITUATION_ROWS];
static struct oom_row ooms[SITUATION_ROWS];

static const char *hostile_name(const char *kind)
{
	assert_true(n_names < NAMES);
	snprintf(names[n_names], sizeof(names[n_names]), HOSTILE "%s%zu", kind, n_names);
	return names[n_names++];
}

/* Rows of both snapshots are about the same container, and a process of that name has children of that name. */
static void names_replace(struct situation *s)
{
	n_names = 0;
	for (size_t i = 0; i < s->now.n_containers; i++) {
		const char *name = hostile_name("container"),
			   *pod = *s->containers[1][i].pod ? hostile_name("pod") : "";

		snprintf(s->paths[i], sizeof(s->paths[i]), "/" HOSTILE "path%zu", i);
		for (int k = 0; k < 2; k++) {
			s->containers[k][i].name = name;
			s->containers[k][i].pod = pod;
		}
	}
	for (size_t i = 0; i < s->now.n_processes; i++)
		for (int k = 0; k < 2; k++)
			s->processes[k][i].comm = s->processes[k][i].thread = HOSTILE "comm";
	for (size_t i = 0; i < s->now.n_groups; i++)
		s->groups[0][i].comm = s->groups[1][i].comm = HOSTILE "comm";
	assert_true(s->now.n_oom_kills <= SITUATION_ROWS);
	for (size_t i = 0; i < s->now.n_oom_kills; i++) {
		ooms[i] = s->now.oom_kills[i];
		ooms[i].comm = ooms[i].thread = HOSTILE "comm";
		ooms[i].container_name = HOSTILE "killed";
	}
}

/* Without what stands in quotes as one word, no hostile name may be left. */
static void advice_check_quotes(const struct finding *f, const char *advice)
{
	for (const char *mark = strstr(advice, MARK); mark; mark = strstr(mark + 1, MARK)) {
		const char *word = mark - strlen("a b;");
		bool path = word > advice && word[-1] == '/';
		const char *quote = word - 1 - path;

		if (quote >= advice && *quote == '\'' && strncmp(word, QUOTED, strlen(QUOTED)) == 0)
			continue;
		fail_msg("rule %s: an advice has a name that is no word: %s", f->rule, advice);
	}
}

static void ended_check(const struct finding *f)
{
	bool said = false;

	for (size_t i = 0; i < f->n_evidence; i++)
		said |= strstr(f->evidence[i].text, "has ended") != NULL;
	for (size_t i = 0; i < f->n_advice; i++)
		if (strstr(f->advice[i], "'" QUOTED "container"))
			for (size_t k = 0; k < 5; k++)
				if (strstr(f->advice[i], ((const char *const[]){"docker ", "podman ", "sysscope ",
										"systemctl ", "kubectl "})[k]))
					fail_msg("rule %s: a command for a container that is gone: %s", f->rule,
						 f->advice[i]);
	if (*f->container_cgroup && !said)
		fail_msg("rule %s does not say that the container has ended: %s", f->rule, f->headline);
}

/* Of a recording, what looks at something looks at that, and says when. */
static void recorded_check(const struct finding *f, const char *advice)
{
	static const char *const commands[] = {"sysscope top ", "sysscope events ", "sysscope diagnose "};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const char *at = strstr(advice, commands[i]);

		if (at &&
		    (!strstr(at, " --replay '" QUOTED "recording' ") || !strstr(at, i == 0 ? " --at " : " --to ")))
			fail_msg("rule %s: an advice looks at the present: %s", f->rule, advice);
	}
}

static void run_again(struct situation *s, bool ended)
{
	const struct findings *found = &s->diagnosis.findings;

	diagnosis_free(&s->diagnosis);
	s->diagnosis = (struct diagnosis){};
	situation_watch(s);
	assert_int_equal(diagnosis_run(&s->diagnosis, &s->window, &s->options, NULL), 0);
	for (size_t i = 0; i < found->n; i++) {
		for (size_t k = 0; k < found->all[i].n_advice; k++)
			advice_check_quotes(&found->all[i], found->all[i].advice[k]);
		for (size_t k = 0; s->options.recording && k < found->all[i].n_advice; k++)
			recorded_check(&found->all[i], found->all[i].advice[k]);
		if (ended)
			ended_check(&found->all[i]);
	}
}

void situation_hostile(struct situation *s)
{
	const struct oom_row *kept_ooms = s->now.oom_kills;
	const struct diagnosis_options kept_options = s->options;

	memcpy(kept_containers, s->containers, sizeof(kept_containers));
	memcpy(kept_processes, s->processes, sizeof(kept_processes));
	memcpy(kept_groups, s->groups, sizeof(kept_groups));
	memcpy(kept_paths, s->paths, sizeof(kept_paths));
	names_replace(s);
	s->now.oom_kills = ooms;
	run_again(s, false);
	s->options.recorded = true;
	s->options.recording = HOSTILE "recording";
	run_again(s, false);
	s->options = kept_options;
	for (size_t i = 0; i < s->now.n_containers; i++) {
		s->containers[1][i].dead = true;
		s->containers[1][i].state = "dead";
	}
	run_again(s, true);
	memcpy(s->containers, kept_containers, sizeof(kept_containers));
	memcpy(s->processes, kept_processes, sizeof(kept_processes));
	memcpy(s->groups, kept_groups, sizeof(kept_groups));
	memcpy(s->paths, kept_paths, sizeof(kept_paths));
	s->now.oom_kills = kept_ooms;
}
