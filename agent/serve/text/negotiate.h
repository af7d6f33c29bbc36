/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * negotiate.h - what encodings and formats a client accepts (RFC 9110, 12.4 and 12.5). Pure; called by pages.c for each scrape.
 */
#ifndef SYSSCOPE_SERVE_NEGOTIATE_H
#define SYSSCOPE_SERVE_NEGOTIATE_H

#include <stdbool.h>

#define ACCEPT_UNMENTIONED (-1)

/*
 * The quality of `name` in an Accept-Encoding header, in thousandths; 0: refused. The first element with that name counts;
 * `*` matches names that are not listed. ACCEPT_UNMENTIONED: neither is there. Elements with invalid parameters are
 * skipped. NULL is an empty header.
 */
int accept_quality(const char *header, const char *name);

/* Whether to send gzip: accepted, and preferred at least as much as the plain text. */
bool accept_gzip(const char *header);

/*
 * Whether an Accept header prefers OpenMetrics 1.0.0 to text 0.0.4. Without one, or with neither in it, it does not.
 * *ret_escaping: it said how names are to be escaped, which the answer then has to say, too.
 */
bool accept_openmetrics(const char *header, bool *ret_escaping);

#endif
