/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp.bpf.c - owner of inet_sock_set_state and of TCP's own tracepoints: counts what happens to connections, by cgroup,
 * direction and port. Nothing here runs for a packet that arrives in order. How many connections there are is not counted:
 * the pass over open files reads that (socket.bpf.c). Sends no fact.
 */
#include <bpf/bpf_endian.h>
#include "tcp.bpf.h"
#include "start.bpf.h"

#define TCP_ENTRIES 4096
/* Entries with a port: the rest is for those without, so that who connects to thousands of ports takes no room from others. */
#define TCP_PORTS 3072

struct tcp_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TCP_ENTRIES);
	__type(key, struct ss_tcp_key);
	__type(value, struct ss_tcp);
};
/* Used in turn, as the gone tables are. */
struct tcp_map tcp_a SEC(".maps");
struct tcp_map tcp_b SEC(".maps");

/* How many entries each of them has got since it was emptied; the agent resets it. */
__u32 tcp_made[2];

/* The entry, made if there is none. NULL: there is no room. */
static __always_inline struct ss_tcp *tcp_entry(const struct ss_tcp_key *key)
{
	__u32 in_use = gone_in_use & 1;
	void *table = in_use ? (void *)&tcp_b : (void *)&tcp_a;
	struct ss_tcp *entry = bpf_map_lookup_elem(table, key);

	if (entry || (key->port && tcp_made[in_use] >= TCP_PORTS))
		return entry;
	if (!bpf_map_update_elem(table, key, (const void *)&tcp_zero, BPF_NOEXIST))
		__sync_fetch_and_add(&tcp_made[in_use], 1);
	return bpf_map_lookup_elem(table, key);
}

/* As tcp_port, without helpers: this is a pointer that the verifier knows. The local port is 0 once the socket has given it up. */
static __always_inline __u32 tcp_port_known(const struct sock *sk, __u32 direction)
{
	__u16 local = sk->__sk_common.skc_num;

	if (direction == SS_TCP_TO)
		return bpf_ntohs(sk->__sk_common.skc_dport);
	return local ? local : tcp_port(sk, direction);
}

static __always_inline void tcp_count(const struct sock *sk, __u32 direction, enum ss_tcp_event event, __u64 n)
{
	struct ss_tcp_key key = {.cgroup_id = tcp_owner(sk), .direction = direction};
	struct ss_tcp *entry;

	if (key.cgroup_id == SS_CGROUP_NONE) {
		loss_count(SS_LOSS_TCP_UNOWNED);
		return;
	}
	key.port = tcp_port_known(sk, direction);
	entry = tcp_entry(&key);
	if (!entry) {
		loss_count(SS_LOSS_TCP_FOLDED);
		key.port = 0;
		entry = tcp_entry(&key);
	}
	if (entry)
		__sync_fetch_and_add(&entry->n[event], n);
	else
		loss_count(SS_LOSS_TCP_LOST);
}

/* connect() and listen() run in the task that called them. Where network.bpf.c is loaded, the owner is known already. */
static __always_inline void tcp_own(const struct sock *sk)
{
	if (cfg_socket_state)
		network_owner_find((void *)sk, (void *)bpf_get_current_task());
}

/* The error that the program will be told, or has been. */
static __always_inline enum ss_tcp_event tcp_failure(const struct sock *sk)
{
	switch (BPF_CORE_READ(sk, sk_err)) {
	case ECONNREFUSED:
	case ECONNRESET:
		return SS_TCP_REFUSED;
	case ETIMEDOUT:
		return SS_TCP_TIMED_OUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
		return SS_TCP_UNREACHABLE;
	case 0:
		return BPF_CORE_READ_BITFIELD_PROBED(sk, sk_shutdown) == SHUTDOWN_MASK ? SS_TCP_GIVEN_UP
										       : SS_TCP_FAILED;
	}
	return SS_TCP_FAILED;
}

/* Of the ten changes in the lives of both ends of a connection, three come here. */
static __always_inline void tcp_changed(const struct sock *sk, int before, int now)
{
	__u32 direction, drops;

	if (sk->sk_protocol != IPPROTO_TCP)
		return;
	if (now == TCP_ESTABLISHED) {
		direction = before == TCP_SYN_SENT   ? SS_TCP_TO
			    : sk->sk_max_ack_backlog ? SS_TCP_FROM
						     : tcp_direction(sk);
		tcp_count(sk, direction, direction == SS_TCP_TO ? SS_TCP_CONNECTED : SS_TCP_ACCEPTED, 1);
	} else if (now != TCP_CLOSE) {
		tcp_own(sk);
	} else if (before == TCP_SYN_SENT) {
		tcp_count(sk, SS_TCP_TO, tcp_failure(sk), 1);
	} else {
		drops = BPF_CORE_READ(sk, sk_drops.counter);
		if (drops)
			tcp_count(sk, SS_TCP_FROM, SS_TCP_DROPS, drops);
	}
}

/* The others are those of connections that end, and an accepted one's first. */
static __always_inline bool tcp_change_matters(int before, int now)
{
	return now == TCP_ESTABLISHED || now == TCP_SYN_SENT || now == TCP_LISTEN ||
	       (now == TCP_CLOSE && (before == TCP_SYN_SENT || before == TCP_LISTEN));
}

/* Called a few times per connection of the machine. */
SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state, const struct sock *sk, int before, int now)
{
	if (tcp_change_matters(before, now))
		tcp_changed(sk, before, now);
	if (cfg_births && now == TCP_LISTEN)
		start_listened();
	return 0;
}

/* The same where starts of containers are not followed: 5.10 refuses an instruction of theirs, even if it is not reached. */
SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state_plain, const struct sock *sk, int before, int now)
{
	if (tcp_change_matters(before, now))
		tcp_changed(sk, before, now);
	return 0;
}

SEC("?tp_btf/tcp_retransmit_skb")
int BPF_PROG(tcp_retransmit, const struct sock *sk, const struct sk_buff *skb)
{
	struct tcp_skb_cb *control = (void *)skb + bpf_core_field_offset(struct sk_buff, cb);
	__u16 segments = BPF_CORE_READ(control, tcp_gso_segs);

	tcp_count(sk, tcp_direction(sk), SS_TCP_RETRANSMITS, segments ?: 1);
	return 0;
}

/* The answer to a SYN: `sk` listens. */
SEC("?tp_btf/tcp_retransmit_synack")
int BPF_PROG(tcp_retransmit_answer, const struct sock *sk)
{
	if (tcp_is_whole(sk))
		tcp_count(sk, SS_TCP_FROM, SS_TCP_RETRANSMITS, 1);
	return 0;
}

/* A reset for a packet of no connection has no socket, or one of which only the first fields are there. */
SEC("?tp_btf/tcp_send_reset")
int BPF_PROG(tcp_reset_sent, const struct sock *sk)
{
	if (sk && tcp_is_whole(sk))
		tcp_count(sk, tcp_direction(sk), SS_TCP_RESETS_SENT, 1);
	return 0;
}

SEC("?tp_btf/tcp_receive_reset")
int BPF_PROG(tcp_reset_received, struct sock *sk)
{
	if (tcp_is_whole(sk))
		tcp_count(sk, tcp_direction(sk), SS_TCP_RESETS_RECEIVED, 1);
	return 0;
}
