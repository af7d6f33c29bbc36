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
static const char *path_unit(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');

	return dot && (strcmp(dot, ".service") == 0 || strcmp(dot, ".slice") == 0 || strcmp(dot, ".scope") == 0) ? name
														 : NULL;
}

static const char *unit_of(const struct container_row *c)
{
	return path_unit(c->cgroup);
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
	if (strcmp(c->runtime, "podman") == 0 && !c->dead)
		return judge_text(j, "podman update --device-%s-bps /dev/%s:%.0fmb %s", writes ? "write" : "read",
				  device, mebibytes, advice_name(j, c->name));
	if (runtime_updates(c) && (c->dead || !unit_of(c)))
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

/* ---- limits that are there ---- */

static const struct {
	const char *property, *option, *v2, *v1;
	bool bytes;
} disk_limits[DISK_LIMITS] = {
	[DISK_LIMIT_READ_BYTES] = {"IOReadBandwidthMax", "--device-read-bps", "rbps", "read_bps_device", true},
	[DISK_LIMIT_WRITE_BYTES] = {"IOWriteBandwidthMax", "--device-write-bps", "wbps", "write_bps_device", true},
	[DISK_LIMIT_READS] = {"IOReadIOPSMax", "--device-read-iops", "riops", "read_iops_device", false},
	[DISK_LIMIT_WRITES] = {"IOWriteIOPSMax", "--device-write-iops", "wiops", "write_iops_device", false},
};

/* systemd and runtimes read K and M as the other ones, so all get whole numbers. */
static const char *limit_write(struct judging *j, const struct disk_row *d, enum disk_limit which, double value)
{
	const struct container_row *c = &j->now->containers[d->container];
	const char *path = d->limit_of ?: c->cgroup;

	if (path_unit(path))
		return judge_text(j, "systemctl set-property %s '%s=/dev/%s %.0f'", advice_name(j, path_unit(path)),
				  disk_limits[which].property, d->device, value);
	if (value_absent(c->v[CONTAINER_CPU_WEIGHT]))
		return judge_text(j, "write '%u:%u %.0f' into blkio.throttle.%s of cgroup %s", d->major, d->minor,
				  value, disk_limits[which].v1, advice_name(j, path));
	return judge_text(j, "write '%u:%u %s=%.0f' into io.max of cgroup %s", d->major, d->minor,
			  disk_limits[which].v2, value, advice_name(j, path));
}

const char *advice_disk_limit_raise(struct judging *j, uint32_t row, enum disk_limit which, double value)
{
	const struct disk_row *d = &j->now->disks[row];
	const struct container_row *c = &j->now->containers[d->container];
	const char *option = disk_limits[which].option;

	if (!d->limit_of && c->pod[0])
		return judge_text(j, "change the blockio class that its runtime gives to pod %s",
				  advice_name(j, c->pod));
	if (!d->limit_of && strcmp(c->runtime, "podman") == 0)
		return judge_text(j, "podman update %s /dev/%s:%.0f %s", option, d->device, value,
				  advice_name(j, c->name));
	/* docker update knows no I/O limits. */
	if (!d->limit_of && strcmp(c->runtime, "docker") == 0)
		return judge_text(j, "until its next start, %s; then docker run with %s /dev/%s:%.0f",
				  limit_write(j, d, which, value), option, d->device, value);
	return limit_write(j, d, which, value);
}
