/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * redact.h - removes secrets from arguments of programs. Used by `sysscope events --args`. It goes by names, so it hides too
 * much rather than too little, and cannot find a secret that has no telling name.
 */
#ifndef SYSSCOPE_REDACT_H
#define SYSSCOPE_REDACT_H

#include <stddef.h>

struct buf;
struct redactor;

#define REDACTED "***"

/* `patterns`: extended regular expressions; matches are hidden, too. -EINVAL with a message in `error`. */
int redactor_open(struct redactor **ret, const char *const *patterns, size_t n, struct buf *error);
void redactor_close(struct redactor *r);

/*
 * `arguments`: strings in a row, each with its NUL; the last may have been cut. Appends them to `out`, with REDACTED in
 * place of the value of NAME=VALUE, "Name: value" and --name VALUE if the name is that of a secret, of passwords in URLs,
 * and of matches of a pattern.
 */
void redact(const struct redactor *r, const char *arguments, size_t bytes, struct buf *out);

#endif
