/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.h - the sanitisers, one per output: every name from outside passes through one of them before it is shown.
 */
#ifndef SYSSCOPE_TEXT_H
#define SYSSCOPE_TEXT_H

#include <stddef.h>

#include "base/util.h"

/*
 * Input: `len` bytes of anything. All four write valid UTF-8 without control characters: an ill-formed
 * byte becomes U+FFFD, and C0, DEL and C1 become the text \xNN (JSON: C0 as \u00NN escapes by the writer,
 * so text_utf8 leaves C0 alone). For people (text_terminal, text_csv) also what a screen does not show or what turns its
 * line round, combining marks that stand on nothing, and characters that the C library does not know become \\uNNNN.
 */
void text_terminal(struct buf *out, const char *s, size_t len); /* screen, logs, plain tables */
void text_label(struct buf *out, const char *s,
		size_t len); /* inside the quotes of a Prometheus label: also \\ \" \n; at most 256 bytes of input */
void text_csv(struct buf *out, const char *s, size_t len); /* one RFC 4180 field, quoted when needed */
void text_utf8(struct buf *out, const char *s,
	       size_t len); /* for a JSON writer: C0 stays, DEL and C1 become \xNN text, NUL becomes \x00 text */

#endif
