/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listen.h - a listening socket from an address as people write it: HOST:PORT, [::1]:PORT, :PORT. Called by http.c.
 */
#ifndef SYSSCOPE_SERVE_LISTEN_H
#define SYSSCOPE_SERVE_LISTEN_H

struct buf;

/*
 * The socket (bound, listening, not blocking), or negative errno with one line for people in `error`. -EINVAL: that is
 * no address. Port 0: any free one; :PORT is all addresses, IPv6 and IPv4.
 */
int listen_open(const char *address, struct buf *error);

/* The address as it was bound, "127.0.0.1:10435", "[::]:10435"; "" when the kernel does not say. */
void listen_address(int fd, struct buf *out);

#endif
