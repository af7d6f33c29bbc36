/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events.h - what happened, as a line of text or as a JSON object on a line. Called by `sysscope events`. Every line has the
 * time, the container, the process and its name; keys are stable.
 */
#ifndef SYSSCOPE_EVENTS_H
#define SYSSCOPE_EVENTS_H

#include "sysscope/view.h"

struct buf;

/* The loop's last stall, with a line feed. 0 or -ENOMEM. */
int event_stall_text(struct buf *out, const struct snapshot *s, const struct loop_row *l);
int event_stall_json(struct buf *out, const struct snapshot *s, const struct loop_row *l); /* json.c */

#endif
