/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * files.h - the cgroup files that are read, the field of struct cgroup_counters that each one fills, and the
 * parsers of their text. Pure: opens nothing. Used by cgroupfs.c and the unit tests.
 */
#ifndef SYSSCOPE_CGROUP_FILES_H
#define SYSSCOPE_CGROUP_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup/mounts.h"
#include "sysscope/sample.h"

/* One wanted key of a "key number" file. */
struct cgroup_key {
	const char *key;
	uint16_t length; /* of key */
	uint16_t offset; /* in struct cgroup_counters */
	uint32_t scale;	 /* the field is the number times this */
};

enum cgroup_file_kind {
	CGROUP_FILE_NUMBER,   /* "123" */
	CGROUP_FILE_LIMIT,    /* "123", "max"; SS_UNLIMITED from 2^62 on (v1's rounded LONG_MAX) */
	CGROUP_FILE_QUOTA,    /* "123", "-1" is SS_UNLIMITED */
	CGROUP_FILE_CPU_MAX,  /* "max 100000": quota and period */
	CGROUP_FILE_STAT,     /* lines of "key number" */
	CGROUP_FILE_CPUS,     /* "0-3,8": how many; "" is SS_UNKNOWN */
	CGROUP_FILE_PRESSURE, /* of "some" and, in the field behind it, of "full" */
	CGROUP_FILE_IO,	      /* io.stat, a line per device: io.h */
	CGROUP_FILE_IO_MAX,   /* io.max, a line per device: io_limits.h */
	CGROUP_FILE_IO_LIMIT, /* "8:16 1048576", a line per device; the offset is one in struct sample_io_limit */
};

/* What the kernel half may have noted in place of a file: values.h. */
enum cgroup_value {
	CGROUP_VALUE_NONE,
	CGROUP_VALUE_CPU_MAX, /* quota and period */
	CGROUP_VALUE_QUOTA,
	CGROUP_VALUE_PERIOD,
	CGROUP_VALUE_SHARES,
	CGROUP_VALUE_PERIODS, /* and throttling */
	CGROUP_VALUE_USAGE,
	CGROUP_VALUE_USER,
	CGROUP_VALUE_SYSTEM,
	CGROUP_VALUE_MEMORY,
	CGROUP_VALUE_MEMORY_PEAK,
	CGROUP_VALUE_MEMORY_MAX,
	CGROUP_VALUE_MEMORY_MIN,
	CGROUP_VALUE_MEMORY_LOW,
	CGROUP_VALUE_MEMORY_HIGH,
	CGROUP_VALUE_MEMORY_FAILED,
	CGROUP_VALUE_SWAP,
	CGROUP_VALUE_SWAP_MAX,
	CGROUP_VALUE_SWAP_HIGH,
	CGROUP_VALUE_EVENTS,
	CGROUP_VALUE_KERNEL_MEMORY,
	CGROUP_VALUE_SOFT_LIMIT,
	CGROUP_VALUE_OOM_CONTROL,
	CGROUP_VALUE_MEMORY_STAT, /* whether it has changed */
	CGROUP_VALUE_PIDS,
	CGROUP_VALUE_PIDS_MAX,
	CGROUP_VALUES
};

/* Which files are read of a cgroup that is only above a home's cgroup, besides its limits. */
enum cgroup_above {
	CGROUP_ABOVE_NEVER,
	CGROUP_ABOVE_QUOTA,  /* if it has a CPU quota */
	CGROUP_ABOVE_MEMORY, /* if it has a memory limit */
	CGROUP_ABOVE_PIDS,   /* if it has a limit of processes */
};

struct cgroup_file {
	const char *name;
	enum cgroup_slot slot;
	enum cgroup_file_kind kind;
	bool limit; /* not read each time: see CGROUPFS_LIMITS_NS */
	enum cgroup_above above;
	enum cgroup_value value; /* in place of which it need not be read */
	uint32_t huge_kib;	 /* only on machines with huge pages of this size */
	bool cpu_backup; /* read only while cpu_user_ns or cpu_system_ns is unknown; after the files that it replaces */
	bool never_root; /* costly and useless at the root */
	uint16_t offset; /* of the field, or of quota (CPU_MAX) */
	uint16_t n_keys; /* STAT */
	const struct cgroup_key *keys;
};

/* All of them, v2 then v1; in each slot limits come before counters. At most CGROUP_FILES_MAX. */
#define CGROUP_FILES_MAX 80
const struct cgroup_file *cgroup_files(size_t *ret_count);

/* Sets every field to SS_UNKNOWN. */
void cgroup_counters_clear(struct cgroup_counters *c);

/*
 * Parses the content of one such file into its fields. 0; -EINVAL or -ERANGE: a part is not in the kernel's format (the
 * fields of that part keep their values).
 */
int cgroup_file_parse(const struct cgroup_file *file, const char *text, size_t length, struct cgroup_counters *c);

/*
 * Lines of "key number\n": exact keys, whole numbers; other keys are skipped; the last of equal keys counts. A last
 * line without newline was cut and is not used. 0; -EINVAL: a wanted key has no valid number, or the text was cut;
 * -ERANGE: a number is too large. All other wanted keys are still used.
 */
int cgroup_parse_stat(const char *text, size_t length, const struct cgroup_key *keys, size_t n_keys,
		      struct cgroup_counters *c);

/* Single values, with or without the newline. *ret is untouched on failure. */
int cgroup_parse_number(const char *text, size_t length, uint64_t *ret);
int cgroup_parse_limit(const char *text, size_t length, uint64_t *ret);
int cgroup_parse_quota(const char *text, size_t length, uint64_t *ret);
int cgroup_parse_cpus(const char *text, size_t length, uint64_t *ret);
int cgroup_parse_cpu_max(const char *text, size_t length, uint64_t *ret_quota_us, uint64_t *ret_period_us);

#endif
