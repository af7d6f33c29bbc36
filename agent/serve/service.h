/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * service.h - what systemd is told, and what it passes on: that the daemon serves, that it is alive, and sockets that it listens
 * on for it. Without systemd nothing happens. Called by http.c.
 */
#ifndef SYSSCOPE_SERVE_SERVICE_H
#define SYSSCOPE_SERVE_SERVICE_H

#include <stddef.h>
#include <stdint.h>

struct buf;

struct service {
	uint64_t alive_every_ns; /* 0: there is no watchdog */
	uint64_t alive_ns;	 /* when it was told last */
};

/* The daemon serves. From here on service_alive tells the watchdog. */
void service_ready(struct service *s);
/* Once in each turn of the loop. Returns when the next turn has to be (CLOCK_BOOTTIME); UINT64_MAX: whenever. */
uint64_t service_alive(struct service *s, uint64_t now_ns);
void service_stopping(void);

/*
 * The listening sockets of the unit's .socket file, up to `max`, non-blocking. Their number, or negative errno with one line in
 * `error`: there are none, too many, or one that is no listening stream socket.
 */
int service_sockets(int *fds, size_t max, struct buf *error);

#endif
