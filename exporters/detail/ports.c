/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ports.c - TCP in the detail of a container: its connections by port, what failed, and the queues of its listening sockets.
 */
#include <stdio.h>
#include <string.h>

#include "exporters/table/format.h"
#include "exporters/detail/detail.h"

#define PORTS_SHOWN 12

/* "5 min": how long a number has been the same needs no more. */
static void flat_text(struct buf *out, double seconds)
{
	if (seconds < 60)
		buf_printf(out, "%.0f s", seconds);
	else if (seconds < 7200)
		buf_printf(out, "%.0f min", floor(seconds / 60));
	else
		buf_printf(out, "%.0f h", floor(seconds / 3600));
}

/* "3 refused, 1 timed out": those that are not 0. `lead` stands before the first. Whether there was any. */
static bool counts_text(struct buf *out, const double *v, const int *metrics, const char *const *texts, size_t n,
			const char *lead)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		double count = v[metrics[i]];

		if (value_absent(count) || count <= 0)
			continue;
		buf_printf(out, "%s%.0f %s", any ? ", " : lead, count, texts[i]);
		any = true;
	}
	return any;
}

static void failure_lines(struct buf *out, const struct port_row *p)
{
	static const int connects[] = {PORT_REFUSED, PORT_TIMED_OUT, PORT_UNREACHABLE, PORT_GIVEN_UP, PORT_FAILED};
	static const char *const how[] = {"refused", "timed out", "unreachable", "given up", "failed otherwise"};
	static const int segments[] = {PORT_RETRANSMITS, PORT_RESETS_SENT, PORT_RESETS_RECEIVED};
	static const char *const what[] = {"segments sent again", "resets sent", "resets received"};

	if (counts_text(out, p->v, connects, how, ARRAY_SIZE(how), "               connects: "))
		buf_char(out, '\n');
	if (counts_text(out, p->v, segments, what, ARRAY_SIZE(what), "               "))
		buf_char(out, '\n');
}

static void state_lines(struct buf *out, const struct port_row *p)
{
	static const int states[] = {PORT_CONNECTING, PORT_UNANSWERED, PORT_CLOSE_WAIT, PORT_UNSENT, PORT_UNREAD};
	static const char *const texts[] = {"connecting", "not answered yet", "closed by the other side only",
					    "bytes unsent", "bytes unread"};

	if (counts_text(out, p->v, states, texts, ARRAY_SIZE(texts), "               "))
		buf_char(out, '\n');
}

/* Of a port that it serves. */
static void queue_line(struct buf *out, const struct port_row *p)
{
	bool listens = !value_absent(p->v[PORT_QUEUE]), full = p->v[PORT_OVERFLOWS] > 0;

	if (!listens && !full)
		return;
	buf_str(out, "               ");
	if (listens)
		buf_printf(out, "queue %.0f of %.0f%s", p->v[PORT_QUEUE], p->v[PORT_QUEUE_LIMIT], full ? ", " : "");
	if (full)
		buf_printf(out, "%.0f overflows", p->v[PORT_OVERFLOWS]);
	buf_char(out, '\n');
}

static void port_lines(struct buf *out, const struct port_row *p)
{
	char title[16];

	if (p->port)
		snprintf(title, sizeof(title), "%s :%u", p->direction, p->port);
	else
		snprintf(title, sizeof(title), "%s others", p->direction);
	buf_printf(out, "  %-13s", title);
	if (value_absent(p->v[PORT_ESTABLISHED]))
		buf_str(out, "connections unknown");
	else
		buf_printf(out, "%.0f established", p->v[PORT_ESTABLISHED]);
	if (p->v[PORT_ESTABLISHED] > 0 && p->v[PORT_FLAT] >= 1e9) {
		buf_str(out, ", flat for ");
		flat_text(out, p->v[PORT_FLAT] / 1e9);
	}
	if (!value_absent(p->v[PORT_RTT])) {
		buf_str(out, ", RTT ");
		format_metric(out, SCOPE_PORT, p->v, PORT_RTT);
		buf_str(out, " (largest ");
		format_metric(out, SCOPE_PORT, p->v, PORT_RTT_LARGEST);
		buf_char(out, ')');
	}
	buf_char(out, '\n');
	queue_line(out, p);
	failure_lines(out, p);
	state_lines(out, p);
}

void detail_tcp(struct buf *out, const struct container_row *c)
{
	if (!c->n_ports)
		return;
	buf_str(out, "tcp            connections that it made (to) and that it serves (from):\n");
	for (size_t i = 0; i < c->n_ports && i < PORTS_SHOWN; i++)
		port_lines(out, &c->ports[i]);
	if (c->n_ports > PORTS_SHOWN)
		buf_printf(out, "               and %zu more in `top --json`\n", c->n_ports - PORTS_SHOWN);
}
