/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * redact.h - arguments of programs without what looks like a secret. Used by `sysscope events --args`. Guesses by names, so
 * it hides too much rather than too little, and cannot know a secret that nothing gives away.
 */
#ifndef SYSSCOPE_REDACT_H
#define SYSSCOPE_REDACT_H

#include <stddef.h>

struct buf;
struct redactor;

#define REDACTED "***"

/* `patterns`: extended regular expressions, what matches is hidden too. -EINVAL, with what is wrong in `error`. */
int redactor_open(struct redactor **ret, const char *const *patterns, size_t n, struct buf *error);
void redactor_close(struct redactor *r);

/*
 * `arguments`: texts one behind the other, each with its NUL; the last may have been cut. Appends the same to `out`, with
 * REDACTED for the value of NAME=VALUE, "Name: value" and --name VALUE where the name says that it is secret, for passwords in
 * URLs, and for what matches a pattern.
 */
void redact(const struct redactor *r, const char *arguments, size_t bytes, struct buf *out);

#endif
