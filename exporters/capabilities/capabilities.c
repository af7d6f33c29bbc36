/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capabilities.c - see capabilities.h: what a report adds up to, and the settings to copy into a runtime's
 * configuration.
 */
#include "exporters/capabilities/capabilities.h"
#include "sysscope/view.h"

uint64_t capability_report_used(const struct capability_report *r)
{
	uint64_t used = 0;

	for (unsigned int i = 0; i < CAPABILITY_BITS; i++)
		if (r->used[i])
			used |= 1ULL << i;
	return used;
}

void capability_names_add(struct buf *out, uint64_t set, const char *before, const char *between, const char *after)
{
	bool first = true;

	for (unsigned int i = 0; i < CAPABILITY_BITS; i++) {
		if (!(set >> i & 1))
			continue;
		if (!first)
			buf_str(out, between);
		first = false;
		buf_str(out, before);
		capability_name(out, i);
		buf_str(out, after);
	}
}

void capability_docker(struct buf *out, uint64_t needed)
{
	buf_str(out, "--cap-drop ALL");
	capability_names_add(out, needed, " --cap-add ", "", "");
}

void capability_kubernetes(struct buf *out, uint64_t needed, const char *indent)
{
	buf_printf(out, "securityContext:\n%s  capabilities:\n%s    drop: [\"ALL\"]", indent, indent);
	if (!needed)
		return;
	buf_printf(out, "\n%s    add: [", indent);
	capability_names_add(out, needed, "\"", ", ", "\"");
	buf_char(out, ']');
}

void capability_systemd(struct buf *out, uint64_t needed)
{
	buf_str(out, "CapabilityBoundingSet=");
	capability_names_add(out, needed, "CAP_", " ", "");
}
