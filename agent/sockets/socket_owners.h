/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * socket_owners.h - the pass over the open files of all processes that finds which process owns which listening socket,
 * and when that pass is worth its cost. Called by sampler.c only.
 */
#ifndef SYSSCOPE_SOCKET_OWNERS_H
#define SYSSCOPE_SOCKET_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sockets/tcp.h"

struct sample;

struct socket_owners {
	uint64_t read_ns; /* when the last pass began, 0: none yet */
	uint64_t cost_ns; /* its duration */
	size_t cap;
	struct tcp_sockets tcp; /* of the pass that is under way */
};

/* Whether a pass is due; `s` has the threads of this sample and the socket owners of the last pass. */
bool socket_owners_due(const struct socket_owners *o, const struct sample *s, uint64_t now_ns);

/* The pass: replaces s->socket_owners. `link_fd`: of the iterator. 0 or negative errno. */
int socket_owners_read(struct socket_owners *o, int link_fd, struct sample *s);

#endif
