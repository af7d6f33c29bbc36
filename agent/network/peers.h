/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peers.h - which interface of the host is the other end of a container's interface, and the bridge that it is in. Asks the
 * kernel by netlink, from the host's network namespace, and enters no other. Called by interfaces.c when something is new.
 */
#ifndef SYSSCOPE_NETWORK_PEERS_H
#define SYSSCOPE_NETWORK_PEERS_H

#include <stddef.h>
#include <sys/types.h>

#include "sysscope/sample.h"

struct peers;

/* NULL: out of memory, or no netlink. */
struct peers *peers_new(void);
void peers_free(struct peers *p); /* NULL is fine */

/* Asks for all interfaces of the host again: before the peers_find of one sample. 0 or negative errno. */
int peers_refresh(struct peers *p);

/* Fills host_interface and bridge of the `n` interfaces of the network namespace that the process is in; "": not known. */
void peers_find(struct peers *p, pid_t pid, struct sample_interface *rows, size_t n);

#endif
