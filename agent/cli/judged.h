/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * judged.h - a source of snapshots that have findings while somebody asks for them. Used by the bodies of `top` and `serve`.
 */
#ifndef SYSSCOPE_CLI_JUDGED_H
#define SYSSCOPE_CLI_JUDGED_H

#include "diagnose/watch.h"
#include "sysscope/source.h"

struct judged_source {
	const struct snapshot_source *inner;
	struct snapshot_source outer;
	struct finding_watch watch;
	bool wanted;
	bool idle_too; /* snapshots that idle() takes are shown, and judged for that */
	uint64_t asked_ns;
	struct snapshot latest; /* of `inner`, with findings */
};

/*
 * Does as `inner` does, which has no findings of its own; `j` must stay. Its judge() begins and ends the watch. Without being asked
 * for a quarter of an hour it ends at the next rest(). judged_source_close also without open.
 */
const struct snapshot_source *judged_source_open(struct judged_source *j, const struct snapshot_source *inner,
						 bool idle_too);
void judged_source_close(struct judged_source *j);

#endif
