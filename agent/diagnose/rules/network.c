/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * network.c - rules about TCP: what has to be sent again, pools that are used up, and listening sockets whose queue is full.
 * Called by judge.c through the table in rules.def.
 */
#include <math.h>
#include <string.h>

#include "diagnose/case/advice_io.h"

static double port_rate(const struct judging *j, uint32_t row, int metric)
{
	double gained = window_gained(j->w, WINDOW_PORTS, row, metric);

	return value_absent(gained) ? 0 : judge_rate(j, gained);
}

static uint32_t port_first(const struct judging *j, const struct container_row *c)
{
	return c->n_ports ? (uint32_t)(c->ports - j->now->ports) : 0;
}

/* "to port 5432", "at its port 8080". */
static const char *port_text(struct judging *j, const struct port_row *p)
{
	bool to = strcmp(p->direction, "to") == 0;

	if (!p->port)
		return to ? "to several ports" : "at several ports of its own";
	return judge_text(j, to ? "to port %u" : "at its port %u", p->port);
}

/* How to run a command where the container's connections are. */
static const char *network_enter(struct judging *j, const struct container_row *c)
{
	return c->oldest_process ? judge_text(j, "nsenter -t %u -n ", j->now->processes[c->oldest_process - 1].pid)
				 : "";
}

/* ---- tcp_retransmits ---- */

/* The port with most of them; UINT32_MAX: there is none. */
static uint32_t retransmits_worst(const struct judging *j, const struct container_row *c, double *ret_rate)
{
	uint32_t worst = UINT32_MAX, first = port_first(j, c);

	*ret_rate = 0;
	for (uint32_t i = first; i < first + c->n_ports; i++) {
		double rate = port_rate(j, i, PORT_RETRANSMITS);

		if (rate > *ret_rate) {
			*ret_rate = rate;
			worst = i;
		}
	}
	return worst;
}

static void interface_drops_say(struct judging *j, struct finding *f, const struct container_row *c)
{
	for (size_t i = 0; i < c->n_interfaces; i++) {
		uint32_t row = (uint32_t)(&c->interfaces[i] - j->now->interfaces);
		double dropped = window_gained(j->w, WINDOW_INTERFACES, row, INTERFACE_RECEIVE_DROPPED) +
				 window_gained(j->w, WINDOW_INTERFACES, row, INTERFACE_TRANSMIT_DROPPED);

		if (dropped > 0)
			finding_evidence(j, f, "", judge_rate(j, dropped), "rate",
					 "its interface %s dropped %.0f packets meanwhile", c->interfaces[i].name,
					 dropped);
	}
}

/* The one container here whose queue at this port drops connects; NO_CONTAINER: none does, or several. */
static uint32_t retransmits_dropped_by(const struct judging *j, const struct port_row *to)
{
	uint32_t dropper = NO_CONTAINER;

	if (strcmp(to->direction, "to") != 0)
		return NO_CONTAINER;
	for (uint32_t i = 0; i < j->now->n_ports; i++) {
		const struct port_row *p = &j->now->ports[i];

		if (p->port != to->port || strcmp(p->direction, "from") != 0 || window_is_new(j->w, WINDOW_PORTS, i) ||
		    port_rate(j, i, PORT_OVERFLOWS) < judge_threshold(j, LISTEN_OVERFLOW_DROPS))
			continue;
		if (dropper != NO_CONTAINER)
			return NO_CONTAINER;
		dropper = p->container;
	}
	return dropper;
}

static void retransmits_find(struct judging *j, uint32_t i, double rate, double share)
{
	const struct container_row *c = &j->now->containers[i];
	bool known = !value_absent(share), unanswered;
	uint32_t dropper;
	const struct port_row *p;
	struct finding *f;
	double most;
	uint32_t worst = retransmits_worst(j, c, &most);

	if (worst == UINT32_MAX)
		return;
	p = &j->now->ports[worst];
	unanswered = p->v[PORT_CONNECTING] > 0 && !(port_rate(j, worst, PORT_CONNECTS) > 0);
	f = judge_find(j, i,
		       share >= judge_threshold(j, TCP_RETRANSMITS_CRITICAL) ? FINDING_CRITICAL : FINDING_WARNING);
	if (!f)
		return;
	f->confidence = known ? FINDING_HIGH : FINDING_MEDIUM;
	finding_headline(j, f, known ? share : 0, "%s sends %.*f TCP segments a second again%s, mostly %s", c->name,
			 rate < 10 ? 1 : 0, rate, known ? judge_text(j, ", %.1f %% of its packets", share * 100) : "",
			 port_text(j, p));
	finding_evidence(j, f, "retransmits_total", most, "rate", "%.1f of them a second are %s", most,
			 port_text(j, p));
	dropper = p->v[PORT_CONNECTING] > 0 ? retransmits_dropped_by(j, p) : NO_CONTAINER;
	if (dropper != NO_CONTAINER) {
		finding_culprit(j, f, dropper);
		finding_evidence(j, f, "connecting", p->v[PORT_CONNECTING], "count",
				 "%.0f connects wait for an answer, and %s drops connects to this port of its own",
				 p->v[PORT_CONNECTING], f->culprit_container);
	} else if (unanswered)
		finding_evidence(j, f, "connecting", p->v[PORT_CONNECTING], "count",
				 "%.0f connects wait there for an answer, and none was answered",
				 p->v[PORT_CONNECTING]);
	if (!value_absent(p->v[PORT_RTT]))
		finding_evidence(j, f, "rtt_seconds", p->v[PORT_RTT] / 1e9, "seconds",
				 "%.0f connections, a round trip takes %s (the largest %s)", p->v[PORT_ESTABLISHED],
				 advice_duration(j, p->v[PORT_RTT] / 1e9),
				 advice_duration(j, p->v[PORT_RTT_LARGEST] / 1e9));
	interface_drops_say(j, f, c);
	if (unanswered)
		finding_advice(j, f, "nobody answers there: is the address right, and does a firewall drop packets?");
	else
		finding_advice(j, f,
			       "packets are lost or late on the way: look for drops on every interface from here "
			       "to the other side: ip -s link, tc -s qdisc, and the switches between");
	if (p->port)
		finding_advice(j, f, "which connections: %sss -tieo '%s = :%u'", network_enter(j, c),
			       strcmp(p->direction, "to") == 0 ? "dport" : "sport", p->port);
}

/* From which share on, by how far the other side is. */
static double retransmits_allowed(const struct judging *j, const struct container_row *c)
{
	double most, rtt;
	uint32_t worst = retransmits_worst(j, c, &most);

	rtt = worst == UINT32_MAX ? VALUE_ABSENT : j->now->ports[worst].v[PORT_RTT] / 1e9;
	return judge_threshold(j, rtt <= judge_threshold(j, TCP_RETRANSMITS_RTT) ? TCP_RETRANSMITS_NEAR
										 : TCP_RETRANSMITS_FAR);
}

void judge_tcp_retransmits(struct judging *j)
{
	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		const struct container_row *c = &j->now->containers[i];
		double rate = judge_rate(j, window_gained(j->w, WINDOW_TCP, i, TCP_SUM_RETRANSMITS));
		double packets = judge_rate(j, window_container(j->w, i, CONTAINER_NETWORK_TRANSMIT_PACKETS));
		double share, reached;

		if (!(rate > 0) || !judge_is_own_home(c))
			continue;
		share = packets > 0 ? fmin(1, rate / packets) : VALUE_ABSENT;
		reached = value_absent(share) ? rate / judge_threshold(j, TCP_RETRANSMITS_UNMEASURED)
					      : share / retransmits_allowed(j, c);
		reached = fmin(reached, rate / judge_threshold(j, TCP_RETRANSMITS_RATE));
		if (reached >= 1)
			retransmits_find(j, i, rate, share);
		else
			judge_near(j, i, reached, 1, "it sent %.1f TCP segments a second again", rate);
	}
}

/* ---- pool_exhausted ---- */

/* How many clients wait for the container, accepted or not, at the last look; `before`: at the begin of the window. */
static double clients_waiting(const struct judging *j, const struct container_row *c, bool before)
{
	uint32_t first = port_first(j, c);
	double waiting = 0;

	for (uint32_t i = first; i < first + c->n_ports; i++) {
		const struct port_row *p = &j->now->ports[i];
		double asked, queue;

		if (strcmp(p->direction, "from") != 0)
			continue;
		asked = before ? window_before(j->w, WINDOW_PORTS, i, PORT_UNANSWERED) : p->v[PORT_UNANSWERED];
		queue = before ? window_before(j->w, WINDOW_PORTS, i, PORT_QUEUE) : p->v[PORT_QUEUE];
		waiting += (value_absent(asked) ? 0 : asked) + (value_absent(queue) ? 0 : queue);
	}
	return waiting;
}

static double pool_busy(double unanswered, double established)
{
	return established > 0 && unanswered > 0 ? unanswered / established : 0;
}

static void pool_find(struct judging *j, uint32_t row, double waiting)
{
	const struct port_row *p = &j->now->ports[row];
	const struct container_row *c = &j->now->containers[p->container];
	double size = p->v[PORT_ESTABLISHED], flat = p->v[PORT_FLAT] / 1e9,
	       network = judge_seconds(j, window_container(j->w, p->container, CONTAINER_BLOCKED_NETWORK) +
						  window_container(j->w, p->container, CONTAINER_BLOCKED_POLL)),
	       lock = judge_seconds(j, window_container(j->w, p->container, CONTAINER_BLOCKED_FUTEX));
	struct finding *f = judge_find(j, p->container, FINDING_WARNING);

	if (!f)
		return;
	f->confidence = FINDING_MEDIUM;
	finding_headline(j, f, fmin(1, 1 - size / waiting),
			 "%s has used up its %.0f connections to port %u: %.0f clients wait for it", c->name, size,
			 p->port, waiting);
	finding_evidence(j, f, "unanswered", p->v[PORT_UNANSWERED], "count",
			 "%.0f of the %.0f connections waited for an answer at the last look, as at the begin",
			 p->v[PORT_UNANSWERED], size);
	finding_evidence(j, f, "established_flat_seconds", flat, "seconds",
			 "there have been %.0f of them for at least %.0f s: that seems to be the limit of its pool",
			 size, flat);
	finding_evidence(j, f, "", waiting, "count",
			 "%.0f connections of its own clients waited for it, more than it can ask for", waiting);
	if (!value_absent(network + lock))
		finding_evidence(
			j, f, "blocked_seconds_total.network", network, "seconds_per_second",
			"its threads were blocked in network I/O and poll for %.1f s, waiting for locks for %.1f s "
			"in each second",
			network, lock);
	if (!value_absent(p->v[PORT_RTT]))
		finding_ruled_out(j, f, "the way to the other side: a round trip takes %s",
				  advice_duration(j, p->v[PORT_RTT] / 1e9));
	finding_advice(j, f,
		       "find out why the answers take so long, at whoever serves port %u: slow queries, locks, its CPU",
		       p->port);
	finding_advice(j, f,
		       "if it has room for more at a time, raise the limit of the pool above %.0f (pool_size, "
		       "maximumPoolSize, max_connections)",
		       size);
	finding_advice(j, f, "who they are: %sss -tnp 'dport = :%u'", network_enter(j, c), p->port);
}

void judge_pool_exhausted(struct judging *j)
{
	for (uint32_t i = 0; i < j->now->n_ports; i++) {
		const struct port_row *p = &j->now->ports[i];
		const struct container_row *c = &j->now->containers[p->container];
		double size = p->v[PORT_ESTABLISHED], waiting, busy, share;

		if (!p->port || c->dead || strcmp(p->direction, "to") != 0 || !judge_is_own_home(c) ||
		    !(size >= judge_threshold(j, POOL_EXHAUSTED_CONNECTIONS)) ||
		    window_before(j->w, WINDOW_PORTS, i, PORT_ESTABLISHED) != size)
			continue;
		busy = fmin(pool_busy(p->v[PORT_UNANSWERED], size),
			    pool_busy(window_before(j->w, WINDOW_PORTS, i, PORT_UNANSWERED), size));
		waiting = fmin(clients_waiting(j, c, false), clients_waiting(j, c, true));
		share = fmin(busy / judge_threshold(j, POOL_EXHAUSTED_BUSY),
			     waiting / size / judge_threshold(j, POOL_EXHAUSTED_WAITING));
		share = fmin(share, p->v[PORT_FLAT] / 1e9 / judge_threshold(j, POOL_EXHAUSTED_FLAT));
		if (share >= 1)
			pool_find(j, i, waiting);
		else
			judge_near(
				j, p->container, share, 1,
				"%.0f of its %.0f connections to port %u waited for an answer, and %.0f clients for it",
				p->v[PORT_UNANSWERED], size, p->port, waiting);
	}
}

/* ---- listen_overflow ---- */

static void overflow_advise(struct judging *j, struct finding *f, const struct container_row *c,
			    const struct port_row *p)
{
	finding_advice(j, f,
		       "let it accept faster: accept in a thread of its own, start more workers; with less work than "
		       "comes in, a longer queue only fills later");
	finding_advice(
		j, f,
		"for bursts, give listen() a longer queue than %.0f (backlog in the settings of most servers), up to "
		"net.core.somaxconn: %ssysctl -w net.core.somaxconn=4096, then start it again",
		p->v[PORT_QUEUE_LIMIT], network_enter(j, c));
	finding_advice(j, f, "watch it: %sss -ltn 'sport = :%u'", network_enter(j, c), p->port);
}

static void listener_name(struct judging *j, struct finding *f, const struct port_row *p)
{
	const struct process_row *listener = p->listener ? index_pid(j, p->listener) : NULL;

	if (!listener)
		return;
	f->pid = listener->pid;
	f->comm = listener->comm;
	finding_evidence(j, f, "", VALUE_ABSENT, "", "%s (pid %u) listens there", listener->comm, listener->pid);
}

static void overflow_find(struct judging *j, uint32_t row, double dropped, double share)
{
	const struct port_row *p = &j->now->ports[row];
	const struct container_row *c = &j->now->containers[p->container];
	struct finding *f =
		judge_find(j, p->container,
			   share >= judge_threshold(j, LISTEN_OVERFLOW_CRITICAL) ? FINDING_CRITICAL : FINDING_WARNING);

	if (!f)
		return;
	listener_name(j, f, p);
	finding_headline(j, f, share,
			 dropped > 0 ? "%s does not accept connections to its port %u fast enough: %.1f a second are "
				       "dropped"
				     : "%s does not accept connections to its port %u: its queue is full",
			 c->name, p->port, dropped);
	if (dropped > 0)
		finding_evidence(
			j, f, "overflows_total", dropped, "rate",
			"%.0f attempts were dropped while this watched: a client waits for 1 s, then 3 s, then "
			"7 s until its kernel tries again",
			dropped * j->w->seconds);
	finding_evidence(j, f, "queue", p->v[PORT_QUEUE], "count",
			 "%.0f connections waited to be accepted at the last look, and %.0f may", p->v[PORT_QUEUE],
			 p->v[PORT_QUEUE_LIMIT]);
	if (!value_absent(window_gained(j->w, WINDOW_PORTS, row, PORT_ACCEPTS)))
		finding_evidence(j, f, "accepts_total", port_rate(j, row, PORT_ACCEPTS), "rate",
				 "%.1f a second got into the queue", port_rate(j, row, PORT_ACCEPTS));
	finding_ruled_out(j, f, "the network: these connections had reached this machine");
	overflow_advise(j, f, c, p);
}

/* The kernel takes one more than the limit. */
static bool queue_full(double ratio)
{
	return ratio > 1;
}

void judge_listen_overflow(struct judging *j)
{
	for (uint32_t i = 0; i < j->now->n_ports; i++) {
		const struct port_row *p = &j->now->ports[i];
		double dropped, share = 0, threshold = judge_threshold(j, LISTEN_OVERFLOW_DROPS);
		bool full;

		/* What a socket that is new to us has dropped may have been long ago. */
		if (!(p->v[PORT_LISTENING] > 0) || !p->port || window_is_new(j->w, WINDOW_PORTS, i) ||
		    j->now->containers[p->container].dead)
			continue;
		dropped = port_rate(j, i, PORT_OVERFLOWS);
		full = queue_full(p->v[PORT_QUEUE_RATIO]) &&
		       queue_full(window_before(j->w, WINDOW_PORTS, i, PORT_QUEUE_RATIO));
		if (dropped > 0)
			share = dropped / (dropped + port_rate(j, i, PORT_ACCEPTS));
		if (dropped >= threshold || full)
			overflow_find(j, i, dropped, share);
		else
			judge_near(j, p->container, fmax(dropped / threshold, p->v[PORT_QUEUE_RATIO] / 2), 1,
				   "%.0f connections waited to be accepted at its port %u", p->v[PORT_QUEUE], p->port);
	}
}
