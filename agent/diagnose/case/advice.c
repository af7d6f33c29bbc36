/* SPDX-License-Identifier: GPL-2.0-or-later */
/* advice.c - see advice.h. Called by the rules. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "diagnose/case/advice.h"

/* Characters that no shell gives a meaning. */
#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@:+,%-"

void advice_word(struct buf *out, const char *name)
{
	if (*name && *name != '-' && strspn(name, PLAIN) == strlen(name)) {
		buf_str(out, name);
		return;
	}
	buf_char(out, '\'');
	for (; *name; name++) {
		if (*name == '\'')
			buf_str(out, "'\\''");
		else
			buf_char(out, *name);
	}
	buf_char(out, '\'');
}

static const char *taken(struct judging *j, struct buf *out)
{
	if (out->failed)
		j->failed = true;
	return judge_text(j, "%s", out->data ?: "");
}

const char *advice_name(struct judging *j, const char *name)
{
	_cleanup_buf_ struct buf out = {};

	advice_word(&out, name);
	return taken(j, &out);
}

/* Local time, in a form that is one word. */
static void add_time(struct buf *out, const char *option, double time)
{
	time_t seconds = (time_t)time;
	char text[64] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		buf_printf(out, " %s %s", option, text);
}

/* `command`, of what was recorded `from` (0: without), until the moment that is judged, and its options. */
static const char *look_make(struct judging *j, const char *command, double from, const char *to, const char *format,
			     va_list args)
{
	_cleanup_buf_ struct buf out = {};
	char options[1024];

	buf_printf(&out, "sysscope %s", command);
	if (j->o->recorded) {
		buf_str(&out, " --replay ");
		advice_word(&out, j->o->recording ?: "DIR");
		if (from > 0)
			add_time(&out, "--from", from);
		add_time(&out, to, j->now->time);
	}
	/* Cut, they would name something else. */
	if (vsnprintf(options, sizeof(options), format, args) < (int)sizeof(options))
		buf_printf(&out, " %s", options);
	return taken(j, &out);
}

#define LOOK_MAKE(j, command, from, to, format)                           \
	const char *text_;                                                \
	va_list args_;                                                    \
                                                                          \
	va_start(args_, format);                                          \
	text_ = look_make((j), (command), (from), (to), (format), args_); \
	va_end(args_);                                                    \
	return text_

const char *advice_top(struct judging *j, const char *format, ...)
{
	LOOK_MAKE(j, "top", 0, "--at", format);
}

const char *advice_events(struct judging *j, const char *format, ...)
{
	LOOK_MAKE(j, "events", j->w->began, "--to", format);
}

const char *advice_longer(struct judging *j, const char *format, ...)
{
	LOOK_MAKE(j, j->o->recorded ? "diagnose --last 1h" : "diagnose --for 300", 0, "--to", format);
}

/* The last part of a cgroup's path: the unit, for what systemd made. */
static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool name_is_unit(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (strcmp(dot, ".service") == 0 || strcmp(dot, ".slice") == 0 || strcmp(dot, ".scope") == 0);
}

/* A limit of a cgroup above, or of what no runtime made. */
static void cgroup_advice(struct buf *out, const char *path, const char *property, const char *value, const char *what)
{
	if (name_is_unit(last_part(path))) {
		buf_str(out, "systemctl set-property ");
		advice_word(out, last_part(path));
		buf_printf(out, " %s=%s", property, value);
		return;
	}
	buf_printf(out, "%s of cgroup ", what);
	advice_word(out, path);
}

static void pod_advice(struct buf *out, const struct container_row *c, const char *field, const char *value)
{
	buf_printf(out, "set resources.%s to %s for container ", field, value);
	advice_word(out, c->name);
	buf_str(out, " in the spec of pod ");
	advice_word(out, c->pod);
}

static bool own_limit(const struct container_row *c, const char *of)
{
	return !of || strcmp(of, c->cgroup) == 0;
}

static bool is_docker_or_podman(const struct container_row *c)
{
	return strcmp(c->runtime, "docker") == 0 || strcmp(c->runtime, "podman") == 0;
}

/* What ended cannot be given anything; the spec of a pod, and a cgroup above, outlive it. */
static bool gone(const struct container_row *c, const char *of)
{
	return c->dead && own_limit(c, of) && !c->pod[0];
}

/* ---- the CPU ---- */

/* cgroup v2 has weights, v1 has shares; both have what the row has. */
static bool has_weights(const struct container_row *c)
{
	return !value_absent(c->v[CONTAINER_CPU_WEIGHT]);
}

/* The quota of the container or of the cgroup above, as far as it is known. */
static double quota_now(const struct container_row *c, const char *of)
{
	double quota = c->v[CONTAINER_SPEC_QUOTA] / c->v[CONTAINER_SPEC_PERIOD];

	if (own_limit(c, of))
		return quota > 0 ? quota : VALUE_ABSENT;
	return c->cpu_limit_of && !c->cpu_limit_is_cpuset && strcmp(c->cpu_limit_of, of) == 0
		       ? c->v[CONTAINER_CPU_LIMIT]
		       : VALUE_ABSENT;
}

static void quota_advice(struct judging *j, struct buf *out, const struct container_row *c, const char *of,
			 double cores)
{
	double quota = quota_now(c, of), period = own_limit(c, of) ? c->v[CONTAINER_SPEC_PERIOD] : VALUE_ABSENT;
	const char *verb = quota > cores ? "lower" : value_absent(quota) && own_limit(c, of) ? "set" : "raise";
	char value[32];

	period = period > 0 ? period : 100000;
	snprintf(value, sizeof(value), "%.0f%%", cores * 100);
	cgroup_advice(out, of ?: c->cgroup, "CPUQuota", value,
		      has_weights(c) ? judge_text(j, "%s the CPU quota to %.1f CPUs: write '%.0f %.0f' into cpu.max",
						  verb, cores, cores * period, period)
				     : judge_text(j, "%s the CPU quota to %.1f CPUs: write %.0f into cpu.cfs_quota_us",
						  verb, cores, cores * period));
}

static const char *cpu_limit_command(struct judging *j, uint32_t container, const char *of, double cores)
{
	const struct container_row *c = &j->now->containers[container];
	_cleanup_buf_ struct buf out = {};
	char value[32];

	snprintf(value, sizeof(value), "%.1f", cores);
	if (gone(c, of)) {
		buf_printf(&out, "it has ended, so at its next start: %s CPUs", value);
	} else if (own_limit(c, of) && c->pod[0]) {
		pod_advice(&out, c, "limits.cpu", value);
	} else if (own_limit(c, of) && is_docker_or_podman(c)) {
		buf_printf(&out, "%s update --cpus %s ", c->runtime, value);
		advice_word(&out, c->name);
	} else if (c->pod[0] && strstr(last_part(of ?: c->cgroup), "pod")) {
		/* The kubelet would undo it: the quota of a pod is the sum of those of its containers. */
		buf_printf(&out, "raise resources.limits.cpu until the containers add up to %s in the spec of pod ",
			   value);
		advice_word(&out, c->pod);
	} else {
		quota_advice(j, &out, c, of, cores);
	}
	return taken(j, &out);
}

/* v1 refuses a quota that is larger than that of a cgroup above; on v2 the container would run into that one next. */
const char *advice_cpu_limit(struct judging *j, uint32_t container, const char *of, double cores)
{
	const struct container_row *c = &j->now->containers[container];
	const char *command = cpu_limit_command(j, container, of, cores), *above = c->quota_above_of;

	if (!own_limit(c, of) || gone(c, of) || c->pod[0] || !above || !(c->quota_above < cores))
		return command;
	return judge_text(j, "%s %s: %s; then %s",
			  has_weights(c) ? "first raise the quota above it, which holds as well"
					 : "first raise the quota above it, which the kernel lets none exceed",
			  advice_name(j, above), cpu_limit_command(j, container, above, cores), command);
}

/* The cgroup with `path` in it that stands beside one with the other path in it; NULL: one of them is in the other. */
static const char *path_beside(struct judging *j, const char *path, const char *other)
{
	size_t same = 0, at = 0;

	for (; path[at] && path[at] == other[at]; at++)
		same = path[at] == '/' ? at : same;
	if (!path[at] || (!other[at] && path[at] == '/'))
		return NULL;
	same += 1 + strcspn(path + same + 1, "/");
	return judge_text(j, "%.*s", (int)same, path);
}

/* A lower one than it has; 0: there is none. */
static double weight_lower(double now, double value, double least)
{
	now = now <= value ? floor(now / 8) : value;
	return now >= least ? now : 0;
}

const char *advice_cpu_weight(struct judging *j, uint32_t container, uint32_t other)
{
	const struct container_row *c = &j->now->containers[container];
	const char *path =
		other == NO_CONTAINER ? c->cgroup : path_beside(j, c->cgroup, j->now->containers[other].cgroup);
	bool own = path && strcmp(path, c->cgroup) == 0;
	double weight = weight_lower(own ? c->v[CONTAINER_CPU_WEIGHT] : VALUE_ABSENT, 10, 1),
	       shares = weight_lower(own ? c->v[CONTAINER_SPEC_SHARES] : VALUE_ABSENT, 128, 2);
	_cleanup_buf_ struct buf out = {};

	if (!path || weight <= 0 || shares <= 0)
		return NULL;
	if (gone(c, NULL)) {
		buf_str(&out, "it has ended, so at its next start: a lower CPU weight");
	} else if (c->pod[0]) {
		pod_advice(&out, c, "requests.cpu", "what it needs, no more,");
	} else if (own && is_docker_or_podman(c)) {
		buf_printf(&out, "%s update --cpu-shares %.0f ", c->runtime, shares);
		advice_word(&out, c->name);
	} else {
		cgroup_advice(&out, path, "CPUWeight", judge_text(j, "%.0f", weight),
			      has_weights(c) ? judge_text(j, "write %.0f into cpu.weight", weight)
					     : judge_text(j, "write %.0f into cpu.shares", shares));
		if (!own)
			buf_str(&out, " (for all that is in there)");
	}
	return taken(j, &out);
}

const char *advice_cpu_set(struct judging *j, uint32_t container)
{
	const struct container_row *c = &j->now->containers[container];
	const char *of = c->cpu_limit_of, *cpus = judge_text(j, "0-%.0f", j->now->v[HOST_CPUS] - 1);
	_cleanup_buf_ struct buf out = {};

	if (gone(c, of)) {
		buf_str(&out, "it has ended, so at its next start: a larger cpuset");
	} else if (c->pod[0]) {
		buf_printf(&out, "the kubelet's CPU manager pins it: ");
		pod_advice(&out, c, "limits.cpu", "more CPUs");
	} else if (own_limit(c, of) && is_docker_or_podman(c)) {
		buf_printf(&out, "%s update --cpuset-cpus %s ", c->runtime, cpus);
		advice_word(&out, c->name);
	} else {
		cgroup_advice(&out, of ?: c->cgroup, "AllowedCPUs", cpus,
			      judge_text(j, "write %s into cpuset.cpus", cpus));
	}
	return taken(j, &out);
}

/* ---- memory and processes ---- */

const char *advice_bytes(struct judging *j, double bytes)
{
	static const char units[] = "BKMGTP";
	size_t unit = 0;

	for (; bytes >= 1024 && unit + 2 < sizeof(units); unit++)
		bytes /= 1024;
	return judge_text(j, bytes < 10 && unit ? "%.1f%c" : "%.0f%c", bytes, units[unit]);
}

/* Of docker and podman, for memory and swap together: with this much memory it may swap as much as before. */
static const char *memory_swap(struct judging *j, const struct container_row *c, double bytes)
{
	double swap = c->v[CONTAINER_SWAP_LIMIT];

	if (value_absent(swap))
		return j->now->v[HOST_SWAP_TOTAL] > 0 ? "-1" : judge_text(j, "%.0fM", bytes / 1048576);
	/* cgroup v1 limits both together, too. */
	if (value_absent(c->v[CONTAINER_EVENTS_HIGH]))
		swap -= value_or_zero(c->v[CONTAINER_SPEC_MEMORY_LIMIT]);
	return judge_text(j, "%.0fM", (bytes + (swap > 0 ? swap : 0)) / 1048576);
}

const char *advice_memory_limit(struct judging *j, uint32_t container, const char *of, double bytes)
{
	const struct container_row *c = &j->now->containers[container];
	_cleanup_buf_ struct buf out = {}, what = {};
	char value[32];

	/* Whole mebibytes, which all of them understand. */
	snprintf(value, sizeof(value), "%.0fM", bytes / 1048576);
	if (gone(c, of)) {
		buf_printf(&out, "it has ended, so at its next start: %s", value);
	} else if (own_limit(c, of) && c->pod[0]) {
		snprintf(value, sizeof(value), "%.0fMi", bytes / 1048576);
		pod_advice(&out, c, "limits.memory", value);
	} else if (own_limit(c, of) && is_docker_or_podman(c)) {
		buf_printf(&out, "%s update --memory %s --memory-swap %s ", c->runtime, value,
			   memory_swap(j, c, bytes));
		advice_word(&out, c->name);
	} else {
		/* v1 refuses more memory than memory and swap together may have. */
		if (own_limit(c, of) && value_absent(c->v[CONTAINER_EVENTS_HIGH]) && c->v[CONTAINER_SWAP_LIMIT] < bytes)
			buf_printf(&what, "raise memory.memsw.limit_in_bytes to %s first, then ",
				   memory_swap(j, c, bytes));
		buf_printf(&what, "raise the memory limit to %s", value);
		cgroup_advice(&out, of ?: c->cgroup, "MemoryMax", value, what.data ?: "");
	}
	return taken(j, &out);
}

const char *advice_threads_limit(struct judging *j, uint32_t container, const char *of, double threads)
{
	const struct container_row *c = &j->now->containers[container];
	_cleanup_buf_ struct buf out = {}, what = {};
	char value[32];

	snprintf(value, sizeof(value), "%.0f", threads);
	if (gone(c, of)) {
		buf_printf(&out, "it has ended, so at its next start: %s", value);
	} else if (c->pod[0]) {
		/* A pod's own, which the kubelet sets; Kubernetes has no such limit for one container of it. */
		buf_printf(&out,
			   "set podPidsLimit to %s in the kubelet's configuration on %s (or pids_limit of its runtime)",
			   value, j->now->hostname);
	} else if (own_limit(c, of) && is_docker_or_podman(c)) {
		buf_printf(&out, "%s update --pids-limit %s ", c->runtime, value);
		advice_word(&out, c->name);
	} else {
		buf_printf(&what, "write %s into pids.max", value);
		cgroup_advice(&out, of ?: c->cgroup, "TasksMax", value, what.data ?: "");
	}
	return taken(j, &out);
}

const char *advice_pause(struct judging *j, uint32_t container)
{
	const struct container_row *c = &j->now->containers[container];
	_cleanup_buf_ struct buf out = {};

	if (c->dead || c->pod[0])
		return NULL;
	if (is_docker_or_podman(c)) {
		buf_printf(&out, "%s pause ", c->runtime);
		advice_word(&out, c->name);
	} else if (name_is_unit(last_part(c->cgroup))) {
		buf_str(&out, "systemctl freeze ");
		advice_word(&out, last_part(c->cgroup));
	} else {
		return NULL;
	}
	return taken(j, &out);
}
