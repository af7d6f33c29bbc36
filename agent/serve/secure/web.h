/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * web.h - what `--web.config.file` says, as it is now: read again when one of its files has changed, and kept as it was where the
 * new one is wrong. Called by agent/serve/, on one thread. Never logs.
 */
#ifndef SYSSCOPE_SERVE_WEB_H
#define SYSSCOPE_SERVE_WEB_H

#include <stdbool.h>

struct buf;
struct conf;
struct tls;
struct passwords;
struct web;

/* `path` must stay. 0 or negative errno with one line in `error`. */
int web_open(struct web **ret, const char *path, struct buf *error);
void web_close(struct web *w); /* NULL: does nothing; waits for the check of a password */

/* NULL, also of no web: everybody may ask; nothing is encrypted; there are no headers. */
struct passwords *web_passwords(const struct web *w);
struct tls *web_tls(const struct web *w);
const struct conf *web_headers(const struct web *w);

/* Whether the daemons speak TLS, which a change of the file does not change. */
bool web_is_tls(const struct web *w);
/* Whether a client has to prove who it is, by a password or a certificate. */
bool web_asks_who(const struct web *w);

/* Whether a version of the file is there that was wrong. */
bool web_is_refused(const struct web *w);

/*
 * Reads everything again if one of the files has changed, which is looked at once a second at most, or at once (`now`). The
 * users before are `*ret_before` then, for the caller to close; those who wait for them have to be asked again. 1: there is a
 * new configuration; 0: none; negative errno with one line in `error`: the new one is wrong, and the old one stays in force. A
 * wrong one is said once.
 */
int web_refresh(struct web *w, bool now, struct passwords **ret_before, struct buf *error);

#endif
