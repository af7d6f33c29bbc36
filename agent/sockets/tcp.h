/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp.h - the TCP sockets that a pass over open files found, summed by cgroup, direction and port. Called by socket_owners.c
 * only, which reads the pass.
 */
#ifndef SYSSCOPE_SOCKETS_TCP_H
#define SYSSCOPE_SOCKETS_TCP_H

#include "base/list.h"
#include "sysscope/abi/tcp.h"

struct sample;

/* Of a pass that is under way: a socket that several processes have open is there several times. */
struct tcp_sockets {
	LIST(struct ss_tcp_socket) found;
	uint64_t dropped; /* for which there was no room; summed over passes */
};

/* 0 or -ENOMEM. */
int tcp_sockets_add(struct tcp_sockets *t, const struct ss_tcp_socket *record);

/* At the end of a pass: replaces s->tcp_ports and frees the records. 0 or -ENOMEM. */
int tcp_sockets_sum(struct tcp_sockets *t, struct sample *s);

#endif
