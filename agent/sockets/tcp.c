/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tcp.c - see tcp.h. One sort brings the records of a socket together, and the sockets of a port. */
#include <string.h>

#include "base/util.h"
#include "sockets/tcp.h"
#include "sysscope/sample.h"

/* Sockets of one pass: 16 MiB while it is read. */
#define SOCKETS_MAX 262144

int tcp_sockets_add(struct tcp_sockets *t, const struct ss_tcp_socket *record)
{
	if (t->found.n >= SOCKETS_MAX) {
		t->dropped++;
		return 0;
	}
	if (list_reserve(&t->found, t->found.n + 1) < 0)
		return -ENOMEM;
	t->found.at[t->found.n++] = *record;
	return 0;
}

static int tcp_socket_compare(const void *a, const void *b)
{
	const struct ss_tcp_socket *x = a, *y = b;
	int r = memcmp(&x->key, &y->key, sizeof(x->key));

	if (r)
		return r;
	return x->socket != y->socket ? (x->socket > y->socket) - (x->socket < y->socket)
				      : (x->tgid > y->tgid) - (x->tgid < y->tgid);
}

static void listener_add(struct sample_tcp_port *p, const struct ss_tcp_socket *r)
{
	double fullest = r->queue_limit ? (double)r->queue / r->queue_limit : 0;

	p->listening++;
	p->queue += r->queue;
	p->queue_limit += r->queue_limit;
	p->drops += r->drops;
	if (!p->listener || r->tgid < p->listener)
		p->listener = r->tgid;
	if (fullest > p->queue_fullest)
		p->queue_fullest = fullest;
}

static void socket_add(struct sample_tcp_port *p, const struct ss_tcp_socket *r)
{
	if (r->state == SS_TCP_LISTEN) {
		listener_add(p, r);
		return;
	}
	p->unsent_bytes += r->unsent_bytes;
	p->unread_bytes += r->unread_bytes;
	p->connecting += r->state == SS_TCP_SYN_SENT;
	p->close_wait += r->state == SS_TCP_CLOSE_WAIT;
	if (r->state != SS_TCP_ESTABLISHED)
		return;
	p->established++;
	/* Who called connect asks. */
	p->unanswered += r->spoke_last == (r->key.direction == SS_TCP_TO);
	if (!r->rtt_us)
		return;
	p->rtt_sockets++;
	p->rtt_sum_us += r->rtt_us;
	if (r->rtt_us > p->rtt_largest_us)
		p->rtt_largest_us = r->rtt_us;
}

int tcp_sockets_sum(struct tcp_sockets *t, struct sample *s)
{
	const struct ss_tcp_socket *r = t->found.at, *before = NULL;
	size_t ports = 0;

	if (t->found.n)
		qsort(t->found.at, t->found.n, sizeof(*t->found.at), tcp_socket_compare);
	for (size_t i = 0; i < t->found.n; i++)
		ports += !i || memcmp(&r[i].key, &r[i - 1].key, sizeof(r->key)) != 0;
	free(s->tcp_ports);
	s->n_tcp_ports = 0;
	s->tcp_ports = calloc(ports + 1, sizeof(*s->tcp_ports));
	for (size_t i = 0; i < t->found.n && s->tcp_ports; before = &r[i++]) {
		if (!before || memcmp(&r[i].key, &before->key, sizeof(r->key)) != 0)
			s->tcp_ports[s->n_tcp_ports++].key = r[i].key;
		else if (before->socket == r[i].socket)
			continue;
		socket_add(&s->tcp_ports[s->n_tcp_ports - 1], &r[i]);
	}
	list_free(&t->found);
	return s->tcp_ports ? 0 : -ENOMEM;
}
