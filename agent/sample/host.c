/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host.c - reads /proc/stat, /proc/meminfo, /proc/vmstat, /proc/pressure, /proc/loadavg and uname; computes nothing but the sum of
 * busy time. Called by the sampler once per sample.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/util.h"
#include "cgroup/pressure.h"
#include "sample/host.h"

static int proc_read(const char *root, const char *name, char **ret)
{
	_cleanup_buf_ struct buf path = {};

	buf_printf(&path, "%s/proc/%s", root, name);
	return path.failed ? -ENOMEM : read_file(path.data, 1 << 20, ret, NULL);
}

/* "cpu3 4705 ...": one CPU. False: it is not such a line, or has not all that has been there since Linux 2.6. */
static bool read_one_cpu(const char *line, uint64_t tick_ns, struct sample_cpu *ret)
{
	uint64_t user, nice, system, idle, iowait, irq, softirq, steal = 0;
	/* NOLINTNEXTLINE(cert-err34-c) */
	int n = sscanf(line,
		       "cpu%" SCNu32 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		       " %" SCNu64,
		       &ret->number, &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal);

	if (n < 8)
		return false;
	ret->busy_ns = (user + nice + system + irq + softirq) * tick_ns;
	ret->all_ns = ret->busy_ns + (idle + iowait + steal) * tick_ns;
	return true;
}

static void read_each_cpu(const char *text, uint64_t tick_ns, struct sample_host *ret)
{
	if (ret->cpus > SAMPLE_CPUS_MAX)
		return;
	for (const char *p = text; ret->n_each < SAMPLE_CPUS_MAX && (p = strstr(p, "\ncpu")); p++)
		ret->n_each += read_one_cpu(p + 1, tick_ns, &ret->each[ret->n_each]);
}

/* First line of /proc/stat, in USER_HZ: user nice system idle iowait irq softirq steal guest guest_nice; guest is in user. */
static int read_cpu(const char *root, struct sample_host *ret)
{
	uint64_t user, nice, system, idle, iowait = 0, irq = 0, softirq = 0, steal = 0;
	uint64_t tick_ns = 1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK);
	_cleanup_free_ char *text = NULL;
	unsigned int cpus = 0;
	int r = proc_read(root, "stat", &text);

	if (r < 0)
		return r;
	/* Here and below: the kernel writes these numbers, and they fit. NOLINTNEXTLINE(cert-err34-c) */
	r = sscanf(text,
		   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
		   &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal);
	if (r < 4)
		return -EBADMSG;
	for (const char *p = text; (p = strstr(p, "\ncpu")); p += 4)
		cpus++;
	ret->cpus = cpus;
	ret->cpu_busy_ns = (user + nice + system + irq + softirq) * tick_ns;
	ret->cpu_all_ns = ret->cpu_busy_ns + (idle + iowait + steal) * tick_ns;
	ret->steal_ns = r == 8 ? steal * tick_ns : SS_UNKNOWN;
	read_each_cpu(text, tick_ns, ret);
	return 0;
}

static uint64_t meminfo_bytes(const char *text, const char *key)
{
	const char *p = strstr(text, key);
	uint64_t kib;

	/* NOLINTNEXTLINE(cert-err34-c) */
	if (!p || sscanf(p + strlen(key), " %" SCNu64 " kB", &kib) != 1)
		return SS_UNKNOWN;
	return kib * 1024;
}

static int read_memory(const char *root, struct sample_host *ret)
{
	_cleanup_free_ char *text = NULL;
	int r = proc_read(root, "meminfo", &text);

	if (r < 0)
		return r;
	ret->memory_total = meminfo_bytes(text, "MemTotal:");
	ret->memory_available = meminfo_bytes(text, "MemAvailable:");
	ret->hugetlb = meminfo_bytes(text, "Hugetlb:");
	ret->swap_total = meminfo_bytes(text, "SwapTotal:");
	ret->swap_free = meminfo_bytes(text, "SwapFree:");
	return 0;
}

/* A line of /proc/vmstat: "pswpin 42". */
static uint64_t vmstat_count(const char *text, const char *line)
{
	const char *p = strstr(text, line);
	uint64_t count;

	/* NOLINTNEXTLINE(cert-err34-c) */
	return p && sscanf(p + strlen(line), "%" SCNu64, &count) == 1 ? count : SS_UNKNOWN;
}

static void read_swap(const char *root, struct sample_host *ret)
{
	_cleanup_free_ char *text = NULL;

	ret->swap_in = ret->swap_out = SS_UNKNOWN;
	if (proc_read(root, "vmstat", &text) < 0)
		return;
	ret->swap_in = vmstat_count(text, "\npswpin ");
	ret->swap_out = vmstat_count(text, "\npswpout ");
}

static void read_pressure(const char *root, const char *name, struct sample_pressure *ret)
{
	_cleanup_free_ char *text = NULL;

	ret->some_ns = ret->full_ns = SS_UNKNOWN;
	if (proc_read(root, name, &text) >= 0)
		pressure_parse(text, strlen(text), &ret->some_ns, &ret->full_ns);
}

int host_read(const char *root, struct sample_host *ret)
{
	_cleanup_free_ char *load = NULL;
	uint64_t boot_wall_ns = ret->boot_wall_ns;
	struct utsname u;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = read_cpu(root, ret);
	if (r < 0)
		return r;
	r = read_memory(root, ret);
	if (r < 0)
		return r;
	read_swap(root, ret);
	read_pressure(root, "pressure/cpu", &ret->pressure_cpu);
	read_pressure(root, "pressure/memory", &ret->pressure_memory);
	read_pressure(root, "pressure/io", &ret->pressure_io);
	read_pressure(root, "pressure/irq", &ret->pressure_irq);
	/* NOLINTNEXTLINE(cert-err34-c) */
	if (proc_read(root, "loadavg", &load) < 0 || sscanf(load, "%lf", &ret->load1) != 1)
		ret->load1 = -1;
	ret->boot_wall_ns = clock_wall_at_boot_ns(boot_wall_ns);
	if (uname(&u) == 0) {
		snprintf(ret->kernel, sizeof(ret->kernel), "%s", u.release);
		snprintf(ret->hostname, sizeof(ret->hostname), "%s", u.nodename);
	}
	return 0;
}
