/* SPDX-License-Identifier: GPL-2.0-or-later */
/* advice_io.c - see advice_io.h. Called by the rules. */
#include <stdio.h>
#include <string.h>

#include "diagnose/case/advice_io.h"

const char *advice_duration(struct judging *j, double seconds)
{
	if (seconds < 0.001)
		return judge_text(j, "%.0f us", seconds * 1e6);
	if (seconds < 1)
		return judge_text(j, seconds < 0.01 ? "%.1f ms" : "%.0f ms", seconds * 1e3);
	return judge_text(j, "%.1f s", seconds);
}

static bool runtime_updates(const struct container_row *c)
{
	return strcmp(c->runtime, "docker") == 0 || strcmp(c->runtime, "podman") == 0;
}

/* NULL: the cgroup is no unit of systemd. */
static const char *unit_of(const struct container_row *c)
{
	const char *slash = strrchr(c->cgroup, '/'), *name = slash ? slash + 1 : c->cgroup, *dot = strrchr(name, '.');

	return dot && (strcmp(dot, ".service") == 0 || strcmp(dot, ".slice") == 0 || strcmp(dot, ".scope") == 0) ? name
														 : NULL;
}

const char *advice_disk_weight(struct judging *j, uint32_t container)
{
	const struct container_row *c = &j->now->containers[container];

	if (c->dead && !c->pod[0])
		return judge_text(j, "it has ended, so at its next start: a lower I/O weight");
	if (!c->pod[0] && runtime_updates(c))
		return judge_text(j, "%s update --blkio-weight 10 %s", c->runtime, advice_name(j, c->name));
	if (!c->pod[0] && unit_of(c))
		return judge_text(j, "systemctl set-property %s IOWeight=10", advice_name(j, unit_of(c)));
	return judge_text(j, "lower the I/O weight of cgroup %s", advice_name(j, c->cgroup));
}

const char *advice_disk_limit(struct judging *j, uint32_t container, const char *device, double bytes, bool writes)
{
	const struct container_row *c = &j->now->containers[container];
	double mebibytes = bytes < 1048576 ? 1 : bytes / 1048576;

	if (c->pod[0])
		return judge_text(j, "a pod cannot be limited at a disk: give its volume a disk of its own");
	if (runtime_updates(c))
		return judge_text(j, "%s run with --device-%s-bps /dev/%s:%.0fmb", c->runtime,
				  writes ? "write" : "read", device, mebibytes);
	if (c->dead)
		return judge_text(j, "it has ended, so at its next start: no more than %.0fM a second", mebibytes);
	if (unit_of(c))
		return judge_text(j, "systemctl set-property %s 'IO%sBandwidthMax=/dev/%s %.0fM'",
				  advice_name(j, unit_of(c)), writes ? "Write" : "Read", device, mebibytes);
	return judge_text(j, "let cgroup %s %s no more than %.0fM a second at /dev/%s", advice_name(j, c->cgroup),
			  writes ? "write" : "read", mebibytes, device);
}
