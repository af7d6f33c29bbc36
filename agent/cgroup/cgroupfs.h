/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroupfs.h - the cgroup file system: which hierarchy carries resources (v2, v1 or hybrid), which cgroups
 * exist, and their counters and limits. Used by the sampler, and by `doctor` for the layout. It knows nothing
 * about containers and keeps no totals.
 *
 * Paths are those of the carrying hierarchy, "/" for its root, raw bytes, of any depth and length that
 * the kernel allows. If only a part of the hierarchy is mounted (a container without a cgroup namespace),
 * paths begin with the root of that part, as in /proc/PID/cgroup. No cgroup is found by a path with a ".."
 * component.
 */
#ifndef SYSSCOPE_CGROUPFS_H
#define SYSSCOPE_CGROUPFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sysscope/sample.h"

/*
 * Limits that the kernel half notes are always those of the moment. Others are read at each read as long as there are few cgroups:
 * they are half as much again (6 us beside 12 us, on v1). With more cgroups those that are at least so old are read again; else
 * the last values are returned. A new limit is so shown at the next sample, or 4 to 8 s late.
 */
#define CGROUPFS_LIMITS_ALWAYS 64
#define CGROUPFS_LIMITS_NS     (4 * 1000000000ULL)
/*
 * Limits at block devices where a cgroup had none: 4 to 8 s late with few cgroups; with more up to this, and read more rarely, as
 * next to none has any.
 */
#define CGROUPFS_IO_LIMITS_NS (32 * 1000000000ULL)
/* A new v1 cgroup may exist in one hierarchy and not yet in another: which is retried at every 5th read. */
#define CGROUPFS_NO_DIR_EVERY 5
/*
 * A runtime creates a cgroup first and sets its controllers and limits later: this many first reads try every file.
 * Seen without this: a container of crun, sampled in between, had no memory and no limits for a minute.
 */
#define CGROUPFS_YOUNG_READS 3
/*
 * Pressure changes only while a cgroup's tasks run, or wait: its files are read again if the cgroup has used CPU time since they
 * were read, if they had changed when they were read last, and after this time. So an idle cgroup costs nothing, and what tasks
 * wait that were woken and have never got a CPU is shown up to a minute late.
 */
#define CGROUPFS_PRESSURE_NS (60 * 1000000000ULL)
/* A missing file is retried at every 60th read (a controller may be enabled late). */
#define CGROUPFS_RETRY_EVERY 60
/*
 * Kept descriptors: at most RLIMIT_NOFILE's hard value less 256, which are left to the rest of the process, and at
 * most 16384, because each costs some 6 KiB of kernel memory (measured); limit files get half of that. Beyond this a
 * file is opened, read and closed each time.
 */
#define CGROUPFS_RESERVED_FILES 256
#define CGROUPFS_KEPT_FILES_MAX 16384
/* Bounds of cgroupfs_walk(); the second one also bounds the cgroups that are kept open. */
#define CGROUPFS_DEPTH_MAX 96
#define CGROUPFS_COUNT_MAX 65536

enum cgroup_layout {
	CGROUP_V2,     /* all controllers that are read are on v2 */
	CGROUP_V1,     /* no v2 tree */
	CGROUP_HYBRID, /* v1 controllers and a v2 tree, mostly an empty one */
};
const char *cgroup_layout_name(enum cgroup_layout layout); /* "v2", "v1", "hybrid" */

/* Whether /proc/cmdline, which is `text`, turns the controller off: "cgroup_disable=memory,pids". */
bool cgroup_turned_off(const char *text, const char *controller);

struct cgroup_layout_info {
	enum cgroup_layout layout;
	bool carrying_v2;		 /* the v2 tree carries resources: ids and paths are v2's */
	const char *carrying_controller; /* "" on v2; the controller of its v1 hierarchy, mostly "cpu" */
	uint32_t hierarchy_id; /* of the carrying one, as in /proc/self/cgroup and cgroup_root.hierarchy_id; 0 on v2 */
	bool whole;	       /* false: only a part is visible (cgroup namespace, or only a part is mounted) */
	bool lacks_cpu, lacks_memory, lacks_pids; /* no hierarchy here has the controller */
	const char *v2_root;	     /* mount point of the v2 hierarchy's root, NULL: not mounted here; raw bytes */
	const char *carrying_root;   /* mount point of the carrying one, raw bytes */
	const char *pressure_reason; /* why no cgroup has pressure, static; NULL: they have it */
	const char *mounts;	     /* to be shown: one line each, "v1 cpu /sys/fs/cgroup/cpu"; raw bytes */
};

struct cgroupfs;

/*
 * Finds the hierarchies, chooses the one that tells most processes apart, and raises the soft limit of open files to the hard
 * one. `root` is "" for this machine; in tests a folder that holds proc/self/mountinfo, proc/self/cgroup (or proc/cgroups),
 * proc/PID/cgroup and the mount points.
 * 0; -ENODEV: no hierarchy that could carry resources is mounted; -ENOMEM; an error from reading mountinfo.
 * *ret is untouched on failure.
 */
int cgroupfs_open(struct cgroupfs **ret, const char *root);
void cgroupfs_close(struct cgroupfs *fs);   /* NULL is fine */
void cgroupfs_closep(struct cgroupfs **fs); /* for cleanup() */

/* Valid until cgroupfs_close(). */
const struct cgroup_layout_info *cgroupfs_layout(const struct cgroupfs *fs);

/*
 * Calls fn for every cgroup of the carrying hierarchy, parents first, with its kernfs id (st_ino of its directory) and
 * its parent's (0 for the topmost). `path` is valid until fn returns. A non-zero return of fn ends the
 * walk and is returned. Cgroups that are removed meanwhile are skipped. *ret_truncated (may be NULL; untouched unless 0 is
 * returned): some were left out, because of CGROUPFS_DEPTH_MAX or CGROUPFS_COUNT_MAX, or could not be opened.
 * 0, -ENOMEM, an error of stat(), or fn's.
 */
int cgroupfs_walk(struct cgroupfs *fs, int (*fn)(void *ctx, uint64_t id, uint64_t parent_id, const char *path),
		  void *ctx, bool *ret_truncated);

/* The id of the cgroup at `path` of the carrying hierarchy. -ENOENT: none; other errors of stat(). */
int cgroupfs_id(struct cgroupfs *fs, const char *path, uint64_t *ret_id);

/* Whether nobody but root may make cgroups in the one at the first `len` bytes of `path`; false if it is gone. */
bool cgroupfs_only_root(struct cgroupfs *fs, const char *path, size_t len);

/* The time of the reads that follow, of any clock that never goes back: says how old limits are. */
void cgroupfs_moment(struct cgroupfs *fs, uint64_t now_ns);

/*
 * Counters that the kernel half has noted at this moment (abi/values.h), hierarchy by hierarchy, in place of the files that
 * print them: after cgroupfs_moment(), _begin(), then for each `i` from 0 on what it has noted below _root(), an O_PATH
 * descriptor, -1 at the end. Of a cgroup that is not among them its files are read, and each file once, since that shows what
 * this kernel prints.
 */
struct ss_values;
void cgroupfs_values_begin(struct cgroupfs *fs);
int cgroupfs_values_root(const struct cgroupfs *fs, unsigned int i);
void cgroupfs_values_give(struct cgroupfs *fs, unsigned int i, const struct ss_values *values, size_t n);

/*
 * Reads the files of one cgroup; struct cgroup_counters has the source and unit of each field. A field without a
 * source here, or that could not be read, is SS_UNKNOWN. `id` is the key of the kept descriptors, `path` finds the
 * cgroup. -ENOENT: the cgroup at `path` is not (or no longer) `id`: it was removed or created again, which is no
 * failure; its descriptors are closed then. Else 0, -ENOMEM, -ENOSPC beyond CGROUPFS_COUNT_MAX, or an error of stat().
 * *ret is untouched on failure.
 * On v1 the same path in all hierarchies is one container; memory.stat of "/" is never read there.
 */
int cgroupfs_read(struct cgroupfs *fs, uint64_t id, const char *path, struct cgroup_counters *ret);

/*
 * The same for a cgroup that is only above others of interest: only limits, and of a CPU quota or a memory limit how far it
 * is used. All other fields are SS_UNKNOWN.
 */
int cgroupfs_read_above(struct cgroupfs *fs, uint64_t id, const char *path, struct cgroup_counters *ret);

/*
 * What io.stat said for the cgroups that were read since cgroupfs_moment(), each with its devices in a row; valid until then.
 * Some of its lines are missing where there was no memory.
 */
const struct sample_io *cgroupfs_ios(const struct cgroupfs *fs, size_t *ret_n);
/* The same of limits at block devices; those of one cgroup are adjacent. */
const struct sample_io_limit *cgroupfs_io_limits(const struct cgroupfs *fs, size_t *ret_n);
/* Those from this number on were read of a cgroup inside of this one, which holds all that it has. */
void cgroupfs_io_limits_lift(struct cgroupfs *fs, size_t from, uint64_t cgroup_id);

/*
 * The cgroup of the carrying hierarchy that has the path of this one of the hierarchy which has the io (blkio) controller, or
 * is the nearest above that path. Remembered, as ids are never used again. -ENOENT: it is gone, or its path cannot be found.
 */
int cgroupfs_io_id(struct cgroupfs *fs, uint64_t io_id, uint64_t *ret_id);

/* Closes the descriptors of a cgroup; unknown ids are fine. */
void cgroupfs_forget(struct cgroupfs *fs, uint64_t id);

struct cgroupfs_stats {
	uint64_t open_cgroups; /* with kept descriptors or limits */
	uint64_t open_files;   /* kept descriptors */
	uint64_t read_errors;  /* files that could not be opened, read or parsed; not those missing or removed */
};
void cgroupfs_stats(const struct cgroupfs *fs, struct cgroupfs_stats *ret);

#endif
