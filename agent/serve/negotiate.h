/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * negotiate.h - what a client says that it accepts (RFC 9110, 12.4 and 12.5). Pure; called by http.c for each scrape.
 */
#ifndef SYSSCOPE_SERVE_NEGOTIATE_H
#define SYSSCOPE_SERVE_NEGOTIATE_H

#include <stdbool.h>

#define ACCEPT_UNMENTIONED (-1)

/*
 * Quality of `name` in the value of an Accept-Encoding header, in thousandths, 0: refused. The first element that names
 * it counts; `*` stands for what is not named. ACCEPT_UNMENTIONED when nothing speaks of it. An element whose
 * parameters cannot be read is passed over. NULL is an empty header.
 */
int accept_quality(const char *header, const char *name);

/* Whether to answer with gzip: accepted, and not less than the plain text. */
bool accept_gzip(const char *header);

#endif
