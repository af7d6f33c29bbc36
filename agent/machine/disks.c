/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disks.c - what the machine's block devices have done (/proc/diskstats), and what they are called (/sys/dev/block). Called by
 * sampler.c once per sample. Devices that have done nothing, and partitions, are left out.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "machine/disks.h"

#define DISKSTATS_MAX (4U << 20)
#define SECTOR	      512
/* A device mapper's name may change; which disk a loop device stands on, too. */
#define ASK_AGAIN_NS (30 * 1000000000ULL)

int diskstats_line_parse(const char *line, struct sample_device *ret, char *kernel_name)
{
	uint64_t major, minor, reads, read_sectors, read_ms, writes, write_sectors, write_ms, in_flight, busy_ms;

	/* The kernel writes these numbers, and they fit. NOLINTNEXTLINE(cert-err34-c) */
	if (sscanf(line,
		   "%" SCNu64 " %" SCNu64 " %31s %" SCNu64 " %*u %" SCNu64 " %" SCNu64 " %" SCNu64 " %*u %" SCNu64
		   " %" SCNu64 " %" SCNu64 " %" SCNu64,
		   &major, &minor, kernel_name, &reads, &read_sectors, &read_ms, &writes, &write_sectors, &write_ms,
		   &in_flight, &busy_ms) != 11)
		return -EINVAL;
	if (major >= 1u << (32 - SS_DISK_MINOR_BITS) || minor >= 1u << SS_DISK_MINOR_BITS)
		return -EINVAL;
	*ret = (struct sample_device){
		.device = (uint32_t)(major << SS_DISK_MINOR_BITS | minor),
		.reads = reads,
		.read_bytes = read_sectors * SECTOR,
		.read_ns = read_ms * 1000000,
		.writes = writes,
		.write_bytes = write_sectors * SECTOR,
		.write_ns = write_ms * 1000000,
		.in_flight = in_flight,
		.busy_ns = busy_ms * 1000000,
	};
	return 0;
}

/* ---- what /sys says ---- */

/* In the device's folder of /sys: whether the file or folder is there. */
static bool device_has(const char *root, uint32_t device, const char *name)
{
	_cleanup_buf_ struct buf path = {};

	buf_printf(&path, "%s/sys/dev/block/%u:%u/%s", root, device >> SS_DISK_MINOR_BITS,
		   device & ((1u << SS_DISK_MINOR_BITS) - 1), name);
	return !path.failed && access(path.data, F_OK) == 0;
}

static bool device_has_slaves(const char *root, uint32_t device)
{
	_cleanup_buf_ struct buf path = {};
	const struct dirent *entry;
	bool any = false;
	DIR *dir;

	buf_printf(&path, "%s/sys/dev/block/%u:%u/slaves", root, device >> SS_DISK_MINOR_BITS,
		   device & ((1u << SS_DISK_MINOR_BITS) - 1));
	dir = path.failed ? NULL : opendir(path.data);
	while (dir && !any && (entry = readdir(dir)))
		any = entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return any;
}

/* What the driver says of the medium: 0, it does not turn. A disk of a virtual machine mostly says 1, whatever it is. */
static bool device_is_flash(const char *root, uint32_t device)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_buf_ struct buf path = {};

	buf_printf(&path, "%s/sys/dev/block/%u:%u/queue/rotational", root, device >> SS_DISK_MINOR_BITS,
		   device & ((1u << SS_DISK_MINOR_BITS) - 1));
	return !path.failed && read_file(path.data, 16, &text, NULL) == 0 && text[0] == '0';
}

/* As lsblk: the device mapper's name instead of dm-0; '!' in a kernel name stands for '/'. */
static void device_name(const char *root, struct device_known *k)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_buf_ struct buf path = {};

	buf_printf(&path, "%s/sys/dev/block/%u:%u/dm/name", root, k->device >> SS_DISK_MINOR_BITS,
		   k->device & ((1u << SS_DISK_MINOR_BITS) - 1));
	if (!path.failed && read_file(path.data, 4096, &text, NULL) == 0 && text[0] && text[0] != '\n') {
		text[strcspn(text, "\n")] = '\0';
		snprintf(k->name, sizeof(k->name), "%s", text);
		return;
	}
	snprintf(k->name, sizeof(k->name), "%s", k->kernel_name);
	for (char *p = k->name; (p = strchr(p, '!'));)
		*p = '/';
}

static void device_ask(const char *root, struct device_known *k, uint64_t now_ns)
{
	k->asked_ns = now_ns;
	k->partition = device_has(root, k->device, "partition");
	if (k->partition)
		return;
	k->upon_others = device_has(root, k->device, "loop") || device_has_slaves(root, k->device);
	k->flash = device_is_flash(root, k->device);
	device_name(root, k);
}

/* NULL: no memory. */
static const struct device_known *device_know(struct devices *d, const char *root, uint32_t device,
					      const char *kernel_name, uint64_t now_ns)
{
	struct device_known *k;

	HASH_FIND(hh, d->known, &device, sizeof(device), k);
	if (k && strcmp(k->kernel_name, kernel_name) == 0 && now_ns - k->asked_ns < ASK_AGAIN_NS)
		return k;
	if (!k) {
		k = calloc(1, sizeof(*k));
		if (!k)
			return NULL;
		k->device = device;
		HASH_ADD(hh, d->known, device, sizeof(k->device), k);
		if (!k->hh.tbl) {
			free(k);
			return NULL;
		}
	}
	snprintf(k->kernel_name, sizeof(k->kernel_name), "%s", kernel_name);
	device_ask(root, k, now_ns);
	return k;
}

/* ---- reading ---- */

static int device_add(struct devices *d, const char *root, const char *line, uint64_t now_ns)
{
	const struct device_known *k;
	struct sample_device device;
	char kernel_name[32];

	if (diskstats_line_parse(line, &device, kernel_name) < 0 || (!device.reads && !device.writes))
		return 0;
	k = device_know(d, root, device.device, kernel_name, now_ns);
	if (!k)
		return -ENOMEM;
	if (k->partition)
		return 0;
	memcpy(device.name, k->name, sizeof(device.name));
	device.upon_others = k->upon_others;
	device.flash = k->flash;
	if (list_reserve(&d->list, d->list.n + 1) < 0)
		return -ENOMEM;
	d->list.at[d->list.n++] = device;
	return 0;
}

int devices_read(struct devices *d, const char *root, uint64_t now_ns)
{
	_cleanup_buf_ struct buf path = {};
	_cleanup_free_ char *text = NULL;
	char *next, *line;
	int r;

	d->list.n = 0;
	buf_printf(&path, "%s/proc/diskstats", root);
	r = path.failed ? -ENOMEM : read_file(path.data, DISKSTATS_MAX, &text, NULL);
	if (r < 0)
		return r;
	/* Beyond the bound all are forgotten: devices come and go. */
	if (HASH_COUNT(d->known) > 4 * DEVICES_MAX)
		devices_free(d);
	for (next = text; r >= 0 && d->list.n < DEVICES_MAX && (line = strsep(&next, "\n"));)
		r = device_add(d, root, line, now_ns);
	return r;
}

void devices_free(struct devices *d)
{
	struct device_known *k, *next;

	HASH_ITER (hh, d->known, k, next) {
		HASH_DEL(d->known, k);
		free(k);
	}
	list_free(&d->list);
}
