/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chosen.c - see chosen.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/past/chosen.h"
#include "cli/run.h"
#include "past/running.h"
#include "record/when.h"

bool chosen_given(const struct past_choice *c)
{
	return c->path || c->from || c->to || c->last > 0;
}

/* The folder, in `path`; which one it is that nobody named is said. RUN_CONTINUE, an exit code, or -ENODATA. */
static int folder_choose(const struct past_choice *c, struct buf *path)
{
	uint32_t pid = 0;
	int r;

	if (c->path) {
		buf_str(path, c->path);
		return RUN_CONTINUE;
	}
	r = running_recording(path, &pid);
	if (r == 0) {
		log_info("the recording of process %u in %s", pid, path->data);
		return RUN_CONTINUE;
	}
	if (r == -ENOTUNIQ) {
		log_error("several record on this machine: choose one with --replay: %s", path->data);
		return EXIT_FAILED;
	}
	if (c->running_only || access(PAST_FOLDER "/" RECORDING_MARK, F_OK) < 0)
		return -ENODATA;
	log_warning("nobody seems to record on this machine now: what there is in %s", PAST_FOLDER);
	buf_str(path, PAST_FOLDER);
	return RUN_CONTINUE;
}

static int chosen_refuse(const char *verb, const char *option, const char *text)
{
	_cleanup_buf_ struct buf safe = {};

	option_printable(&safe, text);
	log_usage("sysscope %s: --%s: '%s' is no time such as %s", verb, option, safe.data ?: "", WHEN_FORMS);
	return EXIT_USAGE;
}

static int span_choose(const char *verb, const struct past_choice *c, const struct replay *r, double *ret_from,
		       double *ret_to)
{
	_cleanup_buf_ struct buf first = {}, last = {};
	uint64_t first_ns, last_ns, from_ns, to_ns;
	double seconds = c->last > 0 ? c->last : c->usual;

	replay_times(r, &first_ns, &last_ns);
	to_ns = last_ns;
	from_ns = 0;
	if (c->from && when_parse(c->from, first_ns, last_ns, &from_ns) < 0)
		return chosen_refuse(verb, "from", c->from);
	if (c->to && when_parse_end(c->to, from_ns, first_ns, last_ns, &to_ns) < 0)
		return chosen_refuse(verb, "to", c->to);
	if (!c->from)
		from_ns =
			seconds > 0 ? sub_sat(to_ns < last_ns ? to_ns : last_ns, (uint64_t)(seconds * 1e9)) : first_ns;
	when_text(&first, first_ns);
	when_text(&last, last_ns);
	if (from_ns > last_ns || to_ns < first_ns) {
		log_error("the recording is from %s to %s", first.data ?: "", last.data ?: "");
		return EXIT_FAILED;
	}
	if (from_ns >= to_ns && first_ns < last_ns) {
		log_usage("sysscope %s: --from has to be before --to", verb);
		return EXIT_USAGE;
	}
	/* What was asked for by a time is asked for on purpose. */
	if ((c->from && from_ns < first_ns) || (c->to && to_ns > last_ns))
		log_warning("the recording is from %s to %s only", first.data ?: "", last.data ?: "");
	*ret_from = (double)from_ns / 1e9;
	/* A time is written in whole nanoseconds, and a sample's is a double. */
	*ret_to = (double)to_ns / 1e9 + 1e-6;
	return RUN_CONTINUE;
}

int chosen_open(const char *verb, const struct past_choice *c, struct buf *ret_path, struct replay **ret,
		double *ret_from, double *ret_to)
{
	_cleanup_buf_ struct buf path = {}, error = {};
	int r;

	if (c->from && c->last > 0) {
		log_usage("sysscope %s: --from and --last cannot be combined", verb);
		return EXIT_USAGE;
	}
	r = folder_choose(c, &path);
	if (r != RUN_CONTINUE)
		return r;
	if (replay_open(ret, path.data ?: "", &error) < 0) {
		log_error("cannot read %s", error.data ?: "it");
		return EXIT_FAILED;
	}
	if (ret_path)
		buf_str(ret_path, path.data ?: "");
	return span_choose(verb, c, *ret, ret_from, ret_to);
}
