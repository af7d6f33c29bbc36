/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network.c - the lines on a container's network in its detail: its sockets, and the interfaces of its own namespace. */
#include "base/util.h"
#include "exporters/table/format.h"
#include "exporters/detail/detail.h"

/* "-" or a value of the interface. */
static void interface_value(struct buf *out, const struct interface_row *one, const char *before, int metric)
{
	buf_str(out, before);
	format_metric(out, SCOPE_INTERFACE, one->v, metric);
}

/* What went wrong, if anything did. */
static void interface_faults(struct buf *out, const struct interface_row *one)
{
	static const struct {
		int metric;
		const char *name;
	} faults[] = {{INTERFACE_RECEIVE_DROPPED, "received and dropped"},
		      {INTERFACE_TRANSMIT_DROPPED, "not transmitted but dropped"},
		      {INTERFACE_RECEIVE_ERRORS, "receive errors"},
		      {INTERFACE_TRANSMIT_ERRORS, "transmit errors"}};

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		if (!(one->v[faults[i].metric] > 0))
			continue;
		interface_value(out, one, "\n                 ", faults[i].metric);
		buf_printf(out, " %s", faults[i].name);
	}
}

#define INTERFACES_SHOWN 10

static void interface_line(struct buf *out, const struct interface_row *one)
{
	buf_str(out, "  ");
	format_name(out, one->name);
	interface_value(out, one, "  rx ", INTERFACE_RECEIVE_RATE);
	interface_value(out, one, "/s, ", INTERFACE_RECEIVE_PACKET_RATE);
	interface_value(out, one, " packets/s; tx ", INTERFACE_TRANSMIT_RATE);
	interface_value(out, one, "/s, ", INTERFACE_TRANSMIT_PACKET_RATE);
	buf_str(out, " packets/s");
	if (one->host_interface[0]) {
		buf_str(out, "\n                 on the host ");
		format_name(out, one->host_interface);
	}
	if (one->bridge[0]) {
		buf_str(out, " in ");
		format_name(out, one->bridge);
	}
	interface_faults(out, one);
	buf_char(out, '\n');
}

void detail_network(struct buf *out, const struct container_row *c)
{
	if (value_absent(c->v[CONTAINER_NETWORK_RECEIVE_BYTES]) && !c->n_interfaces)
		return;
	buf_str(out, "network        sockets rx ");
	format_metric(out, SCOPE_CONTAINER, c->v, CONTAINER_NETWORK_RECEIVE_RATE);
	buf_str(out, "/s, tx ");
	format_metric(out, SCOPE_CONTAINER, c->v, CONTAINER_NETWORK_TRANSMIT_RATE);
	buf_str(out, "/s; total rx ");
	format_metric(out, SCOPE_CONTAINER, c->v, CONTAINER_NETWORK_RECEIVE_BYTES);
	buf_str(out, ", tx ");
	format_metric(out, SCOPE_CONTAINER, c->v, CONTAINER_NETWORK_TRANSMIT_BYTES);
	buf_char(out, '\n');
	for (size_t i = 0; i < c->n_interfaces && i < INTERFACES_SHOWN; i++) {
		buf_str(out, "             ");
		interface_line(out, &c->interfaces[i]);
	}
	if (c->n_interfaces > INTERFACES_SHOWN)
		buf_printf(out, "               and %zu more in `top --json`\n", c->n_interfaces - INTERFACES_SHOWN);
}
