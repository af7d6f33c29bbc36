/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * abi/tcp.h - what the kernel half says of TCP: events counted by cgroup, direction and port (ss_tcp_key, ss_tcp), and one
 * record per socket of the pass over open files (ss_tcp_socket). abi/common.h has the rules.
 */
#ifndef SYSSCOPE_ABI_TCP_H
#define SYSSCOPE_ABI_TCP_H

#include "sysscope/abi/common.h"

/* Who began the connection, which says whose port names it. */
enum ss_tcp_direction {
	SS_TCP_TO,   /* this side called connect: the remote port */
	SS_TCP_FROM, /* this side listens or accepted it: the local port */
	SS_TCP_DIRECTIONS
};

/* What is counted as it happens. */
enum ss_tcp_event {
	SS_TCP_CONNECTED, /* connects that were answered */
	SS_TCP_REFUSED,	  /* connects that failed: a reset, and so on */
	SS_TCP_TIMED_OUT,
	SS_TCP_UNREACHABLE,
	SS_TCP_GIVEN_UP, /* the program closed the socket before there was an answer */
	SS_TCP_FAILED,	 /* anything else: no free local port, for one */
	SS_TCP_ACCEPTED, /* connections that reached the queue of a listening socket */
	SS_TCP_RETRANSMITS,
	SS_TCP_RESETS_SENT,
	SS_TCP_RESETS_RECEIVED,
	SS_TCP_DROPS, /* sk_drops of listening sockets that were closed */
	SS_TCP_EVENTS
};

/* States of a socket, as in include/net/tcp_states.h. */
enum ss_tcp_state { SS_TCP_ESTABLISHED = 1, SS_TCP_SYN_SENT = 2, SS_TCP_CLOSE_WAIT = 8, SS_TCP_LISTEN = 10 };

/* Port 0: events for whose port the table had no room. */
struct ss_tcp_key {
	__u64 cgroup_id;
	__u32 port; /* host byte order */
	__u32 direction;
};
_Static_assert(sizeof(struct ss_tcp_key) == 16, "ss_tcp_key: no padding");

struct ss_tcp {
	__u64 n[SS_TCP_EVENTS];
};

/* The first field of each record of the pass over open files. */
enum ss_socket_record { SS_SOCKET_OWNER = 1, SS_SOCKET_TCP = 2 };

/* A TCP socket, once for each descriptor by which the pass came to it. */
struct ss_tcp_socket {
	__u64 kind;   /* SS_SOCKET_TCP */
	__u64 socket; /* names it while it lives */
	struct ss_tcp_key key;
	__u32 state;	    /* enum ss_tcp_state */
	__u32 rtt_us;	    /* tcp_sock.srtt_us >> 3; 0: not measured yet */
	__u32 unsent_bytes; /* write_seq - snd_una: written and not acknowledged */
	__u32 unread_bytes; /* rcv_nxt - copied_seq: received and not read */
	__u32 queue;	    /* of a listening socket: sk_ack_backlog */
	__u32 queue_limit;  /* sk_max_ack_backlog */
	__u64 drops;	    /* sk_drops */
	__u32 tgid;	    /* of the process by whose descriptor the pass came to it */
	__u32 spoke_last;   /* the last data on the connection was sent by this side */
};
_Static_assert(sizeof(struct ss_tcp_socket) == 72, "ss_tcp_socket: no padding");

#endif
