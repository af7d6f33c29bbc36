/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fact.c - see fact.h. One row per kind: sysscope/abi/facts.def.
 */
#include <errno.h>
#include <string.h>

#include "sample/fact.h"

#define END_OF(member) (offsetof(struct ss_fact, member) + sizeof(((struct ss_fact *)0)->member))
#define EXEC_SHORT     (offsetof(struct ss_fact, exec.path) + SS_EXEC_PATH_MOST)

_Static_assert(offsetof(struct ss_fact, cgroup) == SS_FACT_HEAD, "the union follows the head");

/* ---- whether what follows the head makes sense ---- */

static bool task_check(struct ss_fact *f)
{
	return f->tid && f->tgid;
}

/* In a pid namespace of the agent's own, the first task of a container has no number there. */
static bool enter_check(struct ss_fact *f)
{
	return f->cgroup.id;
}

static bool name_check(struct ss_fact *f)
{
	return memchr(f->cgroup.name, '\0', sizeof(f->cgroup.name));
}

static bool stall_check(struct ss_fact *f)
{
	return f->stall.cause < SS_STALL_CAUSES && task_check(f);
}

/* Clears what the kernel half did not fill. */
static bool exec_check(struct ss_fact *f)
{
	size_t room = f->size < END_OF(exec.path) ? SS_EXEC_PATH_MOST : SS_EXEC_PATH_LEN;

	if (f->exec.path_bytes > room || f->exec.arguments_bytes > SS_ARGUMENTS_LEN ||
	    (f->exec.arguments_bytes && f->size < END_OF(exec.arguments)) ||
	    f->exec.arguments_bytes > f->exec.arguments_size)
		return false;
	memset(f->exec.path + f->exec.path_bytes, 0, sizeof(f->exec.path) - f->exec.path_bytes);
	f->exec.path[SS_EXEC_PATH_LEN - 1] = '\0';
	memset(f->exec.arguments + f->exec.arguments_bytes, 0, SS_ARGUMENTS_LEN - f->exec.arguments_bytes);
	return task_check(f);
}

static bool namespaces_check(struct ss_fact *f)
{
	return f->namespaces.how < SS_NS_HOWS && f->namespaces.kinds && !(f->namespaces.kinds >> SS_NAMESPACES) &&
	       task_check(f);
}

/* Before 6.8 the tracepoint has nothing but the pid of the victim. Clears what the kernel half did not fill. */
static bool oom_check(struct ss_fact *f)
{
	__u32 levels = f->oom.levels > SS_OOM_LEVELS ? 0 : f->oom.levels;

	if (f->oom.exhausted >= SS_OOM_KINDS || f->oom.levels > SS_OOM_LEVELS + 1)
		return false;
	for (__u32 i = 0; i < levels; i++)
		if (!memchr(f->oom.path[i], '\0', SS_CGROUP_NAME_LEN))
			return false;
	memset(f->oom.path[levels], 0, (SS_OOM_LEVELS - levels) * SS_CGROUP_NAME_LEN);
	f->oom.asker[SS_COMM_LEN - 1] = '\0';
	return f->tid;
}

/* ---- kinds ---- */

static const struct fact_desc {
	const char *name;
	size_t size; /* its least bytes */
	bool (*check)(struct ss_fact *f);
} fact_descs[SS_FACT_KINDS] = {
#define FACT(kind, number, type, name, size, check, ...) [SS_FACT_##kind] = {name, size, check##_check},
#define EVENT(...)
#include "sysscope/abi/facts.def"
#undef FACT
#undef EVENT
};

static const struct fact_desc *fact_desc(__u32 kind)
{
	return kind < SS_FACT_KINDS && fact_descs[kind].name ? &fact_descs[kind] : NULL;
}

int fact_decode(const void *data, size_t size, struct ss_fact *ret)
{
	const struct fact_desc *desc;
	struct ss_fact f;
	size_t bytes;

	if (size < SS_FACT_HEAD)
		return -EBADMSG;
	memcpy(&f, data, SS_FACT_HEAD);
	desc = fact_desc(f.kind);
	if (!desc)
		return -ENOTSUP;
	/* The ring pads records, so `size` may be more than f.size, but never less. */
	if (f.size > size || f.size < desc->size)
		return -EBADMSG;
	bytes = desc->size;
	if (f.kind == SS_FACT_EXEC)
		bytes = f.size < sizeof(f) ? f.size : sizeof(f);
	memcpy(&f, data, bytes);
	memset((char *)&f + bytes, 0, sizeof(f) - bytes);
	f.comm[SS_COMM_LEN - 1] = f.process[SS_COMM_LEN - 1] = '\0';
	if (!desc->check(&f))
		return -EBADMSG;
	*ret = f;
	return 0;
}

const char *fact_kind_name(enum ss_fact_kind kind)
{
	const struct fact_desc *desc = fact_desc(kind);

	return desc ? desc->name : "unknown";
}
