/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chosen.h - the options that choose a recording and a span of it: --replay, --from, --to, --last. Shared by the verbs that look
 * back; each says on standard error what is wrong.
 */
#ifndef SYSSCOPE_CLI_CHOSEN_H
#define SYSSCOPE_CLI_CHOSEN_H

#include "options/options.h"
#include "record/replay.h"

struct past_choice {
	const char *path;      /* NULL: that of the sysscope that records on this machine */
	const char *from, *to; /* NULL: not given */
	double last;	       /* seconds; 0: not given */
	bool running_only;     /* one that nobody writes any more is not looked for */
	double usual;	       /* without --from and --last: so many seconds; 0: all that there is */
};

#define PAST_ROW_REPLAY(choice) \
	ROW_STRING("replay", 0, &(choice)->path, "DIR", "of this recording (`sysscope record`): needs no root")
#define PAST_ROW_LAST(choice) \
	ROW_SPAN("last", 1, 366.0 * 86400, &(choice)->last, "the latest part of the recording: 90s, 15m, 6h")

bool chosen_given(const struct past_choice *c);
/*
 * Opens the recording, whose folder is in `ret_path`, if that is not NULL; *ret_from and *ret_to are the span, in seconds since
 * 1970. RUN_CONTINUE or the exit code. -ENODATA: none was named, and nobody records; nothing has been said then.
 */
int chosen_open(const char *verb, const struct past_choice *c, struct buf *ret_path, struct replay **ret,
		double *ret_from, double *ret_to);

#endif
