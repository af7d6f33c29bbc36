/* SPDX-License-Identifier: GPL-2.0-or-later */
/* top_replay.c - see top_replay.h. */
#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/top_replay.h"
#include "diagnose/watch.h"
#include "record/when.h"

static void outside_warn(uint64_t at_ns, uint64_t first_ns, uint64_t last_ns)
{
	_cleanup_buf_ struct buf first = {}, last = {};

	if (at_ns >= first_ns && at_ns <= last_ns)
		return;
	when_text(&first, first_ns);
	when_text(&last, last_ns);
	log_warning("the recording is from %s to %s: this is its %s sample", first.data ?: "", last.data ?: "",
		    at_ns < first_ns ? "first" : "last");
}

/* When to begin, of a recording of that time. EXIT_USAGE with a line on stderr. */
static int at_parse(const struct top_replay *t, uint64_t first_ns, uint64_t last_ns, uint64_t *ret)
{
	_cleanup_buf_ struct buf safe = {};

	if (when_parse(t->at, first_ns, last_ns, ret) == 0)
		return RUN_CONTINUE;
	option_printable(&safe, t->at);
	log_usage("sysscope top: --at: '%s' is no time such as %s", safe.data ?: "", WHEN_FORMS);
	return EXIT_USAGE;
}

static int replay_refuse(const struct buf *error)
{
	log_error("cannot replay %s", error->data ?: "it");
	return EXIT_FAILED;
}

int top_replay_plain(struct top_replay *t, struct run *run, struct top_batch *plain)
{
	_cleanup_buf_ struct buf error = {};
	uint64_t first_ns, last_ns, at_ns;
	struct replay_place place;
	int r;

	/* curses does not know the terminal: one sample, as text. */
	if (t->past) {
		past_free(t->past);
		t->past = NULL;
		plain->iterations = plain->iterations ?: 1;
	}
	if (replay_open(&t->replay, t->path, &error) < 0)
		return replay_refuse(&error);
	run->source = replay_source(t->replay);
	replay_times(t->replay, &first_ns, &last_ns);
	if (!t->at)
		return RUN_CONTINUE;
	r = at_parse(t, first_ns, last_ns, &at_ns);
	if (r != RUN_CONTINUE)
		return r;
	outside_warn(at_ns, first_ns, last_ns);
	r = replay_seek(t->replay, at_ns);
	/* What is wrong shows in what was before. */
	if (r == 0 && plain->choice->view->findings) {
		place = *replay_place(t->replay);
		plain->from_ns = place.time_ns;
		replay_lead(t->replay, &place, 2 * WATCH_COURSE, (uint64_t)(2 * WATCH_LONG * 1e9));
	}
	return r < 0 ? EXIT_FAILED : RUN_CONTINUE;
}

/* The header of the screen says what is outside. */
int top_replay_screen(struct top_replay *t)
{
	_cleanup_buf_ struct buf error = {};
	struct past_place place;
	uint64_t at_ns;
	int r;

	if (past_new(&t->past, t->path ?: t->beside) < 0)
		return EXIT_FAILED;
	if (!t->path)
		return RUN_CONTINUE;
	if (past_open(t->past, &error) < 0)
		return replay_refuse(&error);
	past_place(t->past, &place);
	if (!t->at)
		return RUN_CONTINUE;
	r = at_parse(t, place.first_ns, place.last_ns, &at_ns);
	if (r != RUN_CONTINUE)
		return r;
	return past_go(t->past, at_ns) < 0 ? EXIT_FAILED : RUN_CONTINUE;
}

int top_replay_end(struct top_replay *t, int code)
{
	_cleanup_buf_ struct buf said = {}, holes = {};
	bool found = t->replay ? replay_found(t->replay) : !t->past || !t->path || past_shown(t->past);

	if (t->replay ? replay_damage_text(t->replay, &said) : t->past && past_damage_text(t->past, &said))
		log_warning("%s", said.data);
	/* The live screen says it where it is. */
	if (t->replay && replay_holes_text(t->replay, &holes))
		log_warning("%s", holes.data);
	if (code == EXIT_SUCCESS && t->path && !found) {
		log_error("the recording has no sample that can be read");
		code = EXIT_FAILED;
	}
	replay_close(t->replay);
	past_free(t->past);
	return code;
}

const char *top_replay_host(const struct top_replay *t)
{
	if (t->replay)
		return replay_host(t->replay);
	return t->path && t->past ? past_host(t->past) : NULL;
}
