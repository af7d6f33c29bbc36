/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.h - the sanitisers, one per output: every name from outside (comm, cgroup, label, path) passes one before it is shown.
 */
#ifndef SYSSCOPE_TEXT_H
#define SYSSCOPE_TEXT_H

#include <stddef.h>

#include "base/util.h"

/*
 * Each takes `len` arbitrary bytes and writes valid UTF-8. An ill-formed byte becomes U+FFFD; C0, DEL and C1 become the text
 * \xNN. text_terminal and text_csv also write invisible characters, bidirectional controls, combining marks without a base
 * character, and characters unknown to the C library as \uNNNN.
 */

/* For the screen, logs and plain tables. */
void text_terminal(struct buf *out, const char *s, size_t len);
/* Between the quotes of a Prometheus label: also escapes backslash, quote and newline. At most 256 bytes, then a hash. */
void text_label(struct buf *out, const char *s, size_t len);
/* One field of RFC 4180, quoted if necessary. */
void text_csv(struct buf *out, const char *s, size_t len);
/* For a JSON writer, which escapes C0 itself: C0 stays, except NUL. */
void text_utf8(struct buf *out, const char *s, size_t len);

/*
 * Appends `clean`, which has passed text_terminal, on lines of at most `width` columns, the first of which has `column` columns in
 * front already: words that do not fit begin the next line, indented by `indent` blanks. Without a line feed at its end.
 */
void text_wrap(struct buf *out, const char *clean, int column, int indent, int width);

/* The noun for a number that is printed without decimals: 1 process, 2 processes. */
static inline const char *text_noun(double n, const char *one, const char *several)
{
	return n >= 0.5 && n < 1.5 ? one : several;
}

#endif
