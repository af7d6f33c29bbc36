/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json_writer.h - writes JSON values to a buffer with jansson; every name from outside goes through text_utf8.
 * Used by all JSON outputs; writer_end reports a failure.
 */
#ifndef SYSSCOPE_JSON_WRITER_H
#define SYSSCOPE_JSON_WRITER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/util.h"
#include "sysscope/view.h"

struct writer {
	struct buf *out;
	struct buf text; /* of the name being sanitised */
	bool failed;
};

/* Keys are constants or sanitised. Takes ownership of `value`, even on failure; a NULL object or value is a failure. */
void writer_set(struct writer *w, json_t *object, const char *key, json_t *value);
void writer_set_text(struct writer *w, json_t *object, const char *key, const char *s); /* "": unknown, null */
void writer_append(struct writer *w, json_t *array, json_t *value);
json_t *writer_text(struct writer *w, const char *s);
json_t *writer_real(double v);	    /* null unless it is finite */
json_t *writer_bytes(double bytes); /* whole; null unless it is finite */
void writer_set_stall(struct writer *w, json_t *row, const struct stall *s);
void writer_set_oom(struct writer *w, json_t *row, const struct oom_row *kill); /* all but victim and container */
void writer_dump(struct writer *w, json_t *value);				/* writes it to `out` and frees it */

/* Frees the writer. -ENOMEM when anything failed: `out` is then as long as `before`. */
int writer_end(struct writer *w, size_t before);

#endif
