/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listen.h - a listening socket for an address HOST:PORT, [::1]:PORT or :PORT. Called by http.c.
 */
#ifndef SYSSCOPE_SERVE_LISTEN_H
#define SYSSCOPE_SERVE_LISTEN_H

#include <stdbool.h>

struct buf;

/*
 * Returns the socket (bound, listening, non-blocking), or negative errno with a one-line message in `error`. -EINVAL: not an
 * address. Port 0: any free one. :PORT: all addresses, IPv6 and IPv4.
 */
int listen_open(const char *address, struct buf *error);

/* Whether it is an address at all. 0, or -EINVAL with a one-line message in `error`. */
int listen_check(const char *address, struct buf *error);

/* The address as it was bound, "127.0.0.1:10435", "[::]:10435"; "" if unknown. */
void listen_address(int fd, struct buf *out);

/* Whether nobody outside of this machine can reach a bound socket. */
bool listen_is_loopback(int fd);

#endif
