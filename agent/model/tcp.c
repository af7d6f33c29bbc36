/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp.c - see tcp.h. Events come with every sample, the pass over open files comes now and then: what it found stays until
 * the next one. Called by model_update.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/tcp.h"

/* Ports of a home that are kept apart, in each direction. */
#define PORTS_OF_HOME 64

/* ---- ports ---- */

static struct tcp_home *tcp_home_get(struct tcp *t, struct home *h, uint32_t direction)
{
	struct tcp_home *th, key;

	memset(&key, 0, sizeof(key));
	key.key.home = h;
	key.key.direction = direction;
	HASH_FIND(hh, t->homes, &key.key, sizeof(key.key), th);
	if (th)
		return th;
	th = calloc(1, sizeof(*th));
	if (!th)
		return NULL;
	th->key = key.key;
	HASH_ADD(hh, t->homes, key, sizeof(th->key), th);
	if (!th->hh.tbl) {
		free(th);
		return NULL;
	}
	return th;
}

static struct tcp_port *tcp_port_find(struct tcp *t, struct home *h, uint32_t port, uint32_t direction)
{
	struct tcp_port *p, key;

	memset(&key, 0, sizeof(key));
	key.key.home = h;
	key.key.port = port;
	key.key.direction = direction;
	HASH_FIND(hh, t->all, &key.key, sizeof(key.key), p);
	return p;
}

/* Made if there is none. `once`: what needs it does not come again, so a port without room is counted now. NULL: no memory. */
static struct tcp_port *tcp_port_get(struct tcp *t, struct home *h, uint32_t port, uint32_t direction, bool once)
{
	struct tcp_port *p = tcp_port_find(t, h, port, direction);
	struct tcp_home *th;

	if (p)
		return p;
	th = tcp_home_get(t, h, direction);
	if (!th)
		return NULL;
	if (port && th->ports >= PORTS_OF_HOME) {
		t->folded += once;
		return tcp_port_get(t, h, 0, direction, once);
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->key.home = h;
	p->key.port = port;
	p->key.direction = direction;
	HASH_ADD(hh, t->all, key, sizeof(p->key), p);
	if (!p->hh.tbl) {
		free(p);
		return NULL;
	}
	th->ports += port != 0;
	return p;
}

static void tcp_forgotten_drop(struct tcp *t)
{
	struct tcp_port *p, *next;
	struct tcp_home *th, *next_home;

	HASH_ITER (hh, t->all, p, next) {
		if (!p->key.home->forgotten)
			continue;
		HASH_DEL(t->all, p);
		free(p);
	}
	HASH_ITER (hh, t->homes, th, next_home) {
		if (!th->key.home->forgotten)
			continue;
		HASH_DEL(t->homes, th);
		free(th);
	}
}

/* ---- what the sample says ---- */

static int events_add(struct tcp *t, const struct homes *homes, const struct sample_tcp *list, size_t n, bool final)
{
	for (size_t i = 0; i < n; i++) {
		const struct ss_tcp_key *key = &list[i].key;
		struct tcp_port *p;

		if (key->direction >= SS_TCP_DIRECTIONS)
			continue;
		p = tcp_port_get(t, home_of_cgroup(homes, key->cgroup_id), key->port, key->direction, final);
		if (!p)
			return -ENOMEM;
		for (int e = 0; e < SS_TCP_EVENTS; e++) {
			p->now[e] += list[i].value.n[e];
			if (final)
				p->carried[e] += list[i].value.n[e];
		}
	}
	return 0;
}

static void found_add(struct sample_tcp_port *to, const struct sample_tcp_port *what)
{
	to->established += what->established;
	to->connecting += what->connecting;
	to->close_wait += what->close_wait;
	to->listening += what->listening;
	to->rtt_sockets += what->rtt_sockets;
	to->rtt_sum_us += what->rtt_sum_us;
	to->unsent_bytes += what->unsent_bytes;
	to->unread_bytes += what->unread_bytes;
	to->queue += what->queue;
	to->queue_limit += what->queue_limit;
	to->drops += what->drops;
	to->unanswered += what->unanswered;
	if (what->listener && (!to->listener || what->listener < to->listener))
		to->listener = what->listener;
	if (what->rtt_largest_us > to->rtt_largest_us)
		to->rtt_largest_us = what->rtt_largest_us;
	if (what->queue_fullest > to->queue_fullest)
		to->queue_fullest = what->queue_fullest;
}

/* A new pass: replaces what the one before found, and notes which numbers of connections have changed. */
static int pass_take(struct tcp *t, const struct homes *homes, const struct sample *s)
{
	for (struct tcp_port *p = t->all; p; p = p->hh.next) {
		p->established_before = p->found.established;
		memset(&p->found, 0, sizeof(p->found));
	}
	for (size_t i = 0; i < s->n_tcp_ports; i++) {
		const struct ss_tcp_key *key = &s->tcp_ports[i].key;
		struct tcp_port *p;

		if (key->direction >= SS_TCP_DIRECTIONS)
			continue;
		p = tcp_port_get(t, home_of_cgroup(homes, key->cgroup_id), key->port, key->direction, true);
		if (!p)
			return -ENOMEM;
		found_add(&p->found, &s->tcp_ports[i]);
	}
	for (struct tcp_port *p = t->all; p; p = p->hh.next) {
		if (!p->flat_since_ns || p->found.established != p->established_before)
			p->flat_since_ns = s->tcp_ports_ns;
		p->drops_closed = p->now[SS_TCP_DROPS];
	}
	t->pass_ns = s->tcp_ports_ns;
	return 0;
}

int tcp_take(struct tcp *t, const struct homes *homes, const struct sample *s)
{
	int r;

	tcp_forgotten_drop(t);
	for (struct tcp_port *p = t->all; p; p = p->hh.next)
		memcpy(p->now, p->carried, sizeof(p->now));
	r = events_add(t, homes, s->tcp_final, s->n_tcp_final, true);
	if (r >= 0)
		r = events_add(t, homes, s->tcp_open, s->n_tcp_open, false);
	t->pass_known = s->tcp_ports_ns != 0;
	if (r >= 0 && s->tcp_ports_ns && s->tcp_ports_ns != t->pass_ns)
		r = pass_take(t, homes, s);
	return r;
}

/* ---- rows ---- */

/* The metrics of the events, by direction. */
static const struct tcp_line {
	int event, port, sum;
	bool from, to; /* in rows of this direction it can happen */
} tcp_lines[] = {
	{SS_TCP_CONNECTED, PORT_CONNECTS, TCP_SUM_CONNECTS, .to = true},
	{SS_TCP_REFUSED, PORT_REFUSED, TCP_SUM_REFUSED, .to = true},
	{SS_TCP_TIMED_OUT, PORT_TIMED_OUT, TCP_SUM_TIMED_OUT, .to = true},
	{SS_TCP_UNREACHABLE, PORT_UNREACHABLE, TCP_SUM_UNREACHABLE, .to = true},
	{SS_TCP_GIVEN_UP, PORT_GIVEN_UP, TCP_SUM_GIVEN_UP, .to = true},
	{SS_TCP_FAILED, PORT_FAILED, TCP_SUM_FAILED, .to = true},
	{SS_TCP_ACCEPTED, PORT_ACCEPTS, TCP_SUM_ACCEPTS, .from = true},
	{SS_TCP_RETRANSMITS, PORT_RETRANSMITS, TCP_SUM_RETRANSMITS, true, true},
	{SS_TCP_RESETS_SENT, PORT_RESETS_SENT, TCP_SUM_RESETS_SENT, true, true},
	{SS_TCP_RESETS_RECEIVED, PORT_RESETS_RECEIVED, TCP_SUM_RESETS_RECEIVED, true, true},
};

/* The two tables change places while they are read, so a sum may be too small once. */
static void port_hold(struct tcp_port *p)
{
	/* A listening socket that was closed since the pass is in both. */
	uint64_t drops = p->now[SS_TCP_DROPS] + sub_sat(p->found.drops, p->now[SS_TCP_DROPS] - p->drops_closed);

	for (int e = 0; e < SS_TCP_EVENTS; e++)
		if (p->now[e] > p->held[e])
			p->held[e] = p->now[e];
	if (drops > p->drops_held)
		p->drops_held = drops;
}

static void listener_fill(const struct tcp_port *p, double *v)
{
	v[PORT_OVERFLOWS] = (double)p->drops_held;
	v[PORT_LISTENING] = p->found.listening;
	if (!p->found.listening)
		return;
	v[PORT_QUEUE] = (double)p->found.queue;
	v[PORT_QUEUE_LIMIT] = (double)p->found.queue_limit;
	v[PORT_QUEUE_RATIO] = p->found.queue_fullest;
}

static void found_fill(const struct tcp *t, const struct moment *now, const struct tcp_port *p, double *v)
{
	const struct sample_tcp_port *f = &p->found;

	if (!t->pass_known)
		return;
	v[PORT_ESTABLISHED] = f->established;
	v[PORT_UNANSWERED] = f->unanswered;
	if (p->key.port)
		v[PORT_FLAT] = (double)sub_sat(now->boot_ns, p->flat_since_ns ?: now->boot_ns);
	v[PORT_CLOSE_WAIT] = f->close_wait;
	if (p->key.direction == SS_TCP_TO)
		v[PORT_CONNECTING] = f->connecting;
	v[PORT_UNSENT] = (double)f->unsent_bytes;
	v[PORT_UNREAD] = (double)f->unread_bytes;
	if (f->rtt_sockets) {
		v[PORT_RTT] = (double)f->rtt_sum_us * 1e3 / f->rtt_sockets;
		v[PORT_RTT_LARGEST] = f->rtt_largest_us * 1e3;
	}
	if (p->key.direction == SS_TCP_FROM)
		listener_fill(p, v);
}

static void port_fill(const struct tcp *t, const struct moment *now, struct tcp_port *p, struct port_row *row)
{
	bool from = p->key.direction == SS_TCP_FROM;

	*row = (struct port_row){.container = p->key.home->row,
				 .port = (uint16_t)p->key.port,
				 .direction = from ? "from" : "to",
				 .listener = t->pass_known ? p->found.listener : 0};
	for (int i = 0; i < PORT_METRICS; i++)
		row->v[i] = VALUE_ABSENT;
	port_hold(p);
	for (size_t i = 0; i < ARRAY_SIZE(tcp_lines); i++)
		if (from ? tcp_lines[i].from : tcp_lines[i].to)
			row->v[tcp_lines[i].port] = (double)p->held[tcp_lines[i].event];
	found_fill(t, now, p, row->v);
}

/* Sums over the ports that have the value. */
static void tcp_sums_add(double *v, const struct port_row *row)
{
	static const int sums[][2] = {
		{PORT_ESTABLISHED, TCP_SUM_ESTABLISHED}, {PORT_CLOSE_WAIT, TCP_SUM_CLOSE_WAIT},
		{PORT_CONNECTING, TCP_SUM_CONNECTING},	 {PORT_UNSENT, TCP_SUM_UNSENT},
		{PORT_UNREAD, TCP_SUM_UNREAD},		 {PORT_OVERFLOWS, TCP_SUM_OVERFLOWS},
	};

	for (size_t i = 0; i < ARRAY_SIZE(tcp_lines); i++)
		if (!value_absent(row->v[tcp_lines[i].port]))
			v[tcp_lines[i].sum] += row->v[tcp_lines[i].port];
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++)
		if (!value_absent(row->v[sums[i][0]]))
			v[sums[i][1]] += row->v[sums[i][0]];
}

/* Without a connection the sums are known to be 0, if the collectors are on. */
static void tcp_sums_begin(const struct tcp *t, struct container_row *containers, size_t n, bool known)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t l = 0; l < ARRAY_SIZE(tcp_lines); l++)
			containers[i].tcp[tcp_lines[l].sum] = known ? 0 : VALUE_ABSENT;
		for (int m = TCP_SUM_ESTABLISHED; m <= TCP_SUM_OVERFLOWS; m++)
			containers[i].tcp[m] = known && t->pass_known ? 0 : VALUE_ABSENT;
	}
}

/* Of a container: connections that it made before those that it serves, the most first, `~other` last. */
static int port_row_compare(const void *a, const void *b)
{
	const struct port_row *x = a, *y = b;

	if (x->container != y->container)
		return x->container < y->container ? -1 : 1;
	if (x->direction[0] != y->direction[0])
		return x->direction[0] == 't' ? -1 : 1;
	if (!x->port != !y->port)
		return x->port ? -1 : 1;
	if (x->v[PORT_ESTABLISHED] > y->v[PORT_ESTABLISHED])
		return -1;
	if (x->v[PORT_ESTABLISHED] < y->v[PORT_ESTABLISHED])
		return 1;
	return (x->port > y->port) - (x->port < y->port);
}

int tcp_rows_fill(struct tcp *t, const struct moment *now, bool known, struct container_row *containers,
		  size_t n_containers, struct snapshot *snapshot)
{
	t->rows.n = 0;
	if (known && list_fit(&t->rows, HASH_COUNT(t->all)) < 0)
		return -ENOMEM;
	tcp_sums_begin(t, containers, n_containers, known);
	for (struct tcp_port *p = t->all; p && known; p = p->hh.next) {
		struct port_row *row = &t->rows.at[t->rows.n];

		if (p->key.home->row == HOME_NO_ROW)
			continue;
		port_fill(t, now, p, row);
		tcp_sums_add(containers[row->container].tcp, row);
		t->rows.n++;
	}
	if (t->rows.n)
		qsort(t->rows.at, t->rows.n, sizeof(*t->rows.at), port_row_compare);
	for (size_t i = 0; i < t->rows.n; i++) {
		struct container_row *c = &containers[t->rows.at[i].container];

		if (!c->n_ports++)
			c->ports = &t->rows.at[i];
	}
	snapshot->ports = t->rows.at;
	snapshot->n_ports = t->rows.n;
	snapshot->ports_folded = t->folded;
	return 0;
}

void tcp_free(struct tcp *t)
{
	struct tcp_port *p, *next;
	struct tcp_home *th, *next_home;

	HASH_ITER (hh, t->all, p, next) {
		HASH_DEL(t->all, p);
		free(p);
	}
	HASH_ITER (hh, t->homes, th, next_home) {
		HASH_DEL(t->homes, th);
		free(th);
	}
	list_free(&t->rows);
}
