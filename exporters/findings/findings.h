/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * findings.h - findings as text for people, 80 columns wide, and as one JSON object on a line. Called by `sysscope diagnose`;
 * keys are stable.
 */
#ifndef SYSSCOPE_EXPORTERS_FINDINGS_H
#define SYSSCOPE_EXPORTERS_FINDINGS_H

#include <stdbool.h>

#include "sysscope/findings.h"
#include "sysscope/view.h"

struct buf;

/*
 * 0 or -ENOMEM. `s` is the latest snapshot that the findings are about. As text, only the worst of many that are alike are shown,
 * and the names of the next, unless `all` are wanted.
 */
int findings_text(struct buf *out, const struct findings *f, const struct snapshot *s, bool all);
int findings_json(struct buf *out, const struct findings *f, const struct snapshot *s);

/* One of them, as findings_text writes it, on lines of at most `width` columns. */
void findings_text_one(struct buf *out, const struct finding *f, int width);

/*
 * What stands below a list of them of which `shown` are shown: how long was watched, what was looked at and, if nothing was found,
 * what was closest. `f` NULL: the watch has not begun.
 */
void findings_text_below(struct buf *out, const struct findings *f, size_t shown, int width);

/*
 * Appends `text`, raw, as lines of at most 80 columns; words that do not fit begin the next line, which is indented by `indent`
 * blanks. The first line has `first` in front, padded to the indentation.
 */
void findings_wrap(struct buf *out, const char *first, int indent, const char *text);

#endif
