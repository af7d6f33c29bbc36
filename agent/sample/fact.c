/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fact.c - see facts.h.
 */
#include <errno.h>
#include <string.h>

#include "sample/fact.h"

#define END_OF(member) (offsetof(struct ss_fact, member) + sizeof(((struct ss_fact *)0)->member))
#define EXEC_SHORT     (offsetof(struct ss_fact, exec.path) + SS_EXEC_PATH_MOST)

_Static_assert(offsetof(struct ss_fact, cgroup) == SS_FACT_HEAD, "the head is what lies before the union");

/* What a fact of this kind has at least; 0: the kind is not known. */
static size_t kind_size(__u32 kind)
{
	switch (kind) {
	case SS_FACT_CGROUP_CREATE:
	case SS_FACT_CGROUP_REMOVE:
		return END_OF(cgroup);
	case SS_FACT_CGROUP_ENTER:
		return END_OF(cgroup.parent_id);
	case SS_FACT_LOOP_STALL:
		return END_OF(stall);
	case SS_FACT_NAMESPACE:
		return END_OF(namespaces);
	case SS_FACT_PROCESS_START:
	case SS_FACT_THREAD_START:
		return END_OF(birth);
	case SS_FACT_EXEC:
		return EXEC_SHORT;
	case SS_FACT_EXIT:
		return END_OF(exit);
	case SS_FACT_OOM_KILL:
		return END_OF(oom);
	case SS_FACT_CAPABILITY_DENIED:
		return END_OF(denial);
	default:
		return 0;
	}
}

static bool is_about_a_task(const struct ss_fact *f)
{
	return f->tid && f->tgid;
}

/* The kernel half says how many bytes there are; none is read that did not come. */
static int exec_check(struct ss_fact *f)
{
	size_t room = f->size < END_OF(exec.path) ? SS_EXEC_PATH_MOST : SS_EXEC_PATH_LEN;

	if (f->exec.path_bytes > room || f->exec.arguments_bytes > SS_ARGUMENTS_LEN ||
	    (f->exec.arguments_bytes && f->size < END_OF(exec.arguments)) ||
	    f->exec.arguments_bytes > f->exec.arguments_size)
		return -EBADMSG;
	memset(f->exec.path + f->exec.path_bytes, 0, sizeof(f->exec.path) - f->exec.path_bytes);
	f->exec.path[SS_EXEC_PATH_LEN - 1] = '\0';
	memset(f->exec.arguments + f->exec.arguments_bytes, 0, SS_ARGUMENTS_LEN - f->exec.arguments_bytes);
	return is_about_a_task(f) ? 0 : -EBADMSG;
}

static bool namespaces_check(const struct ss_fact *f)
{
	return f->namespaces.how < SS_NS_HOWS && f->namespaces.kinds && !(f->namespaces.kinds >> SS_NAMESPACES);
}

static int kind_check(struct ss_fact *f)
{
	switch (f->kind) {
	case SS_FACT_CGROUP_CREATE:
	case SS_FACT_CGROUP_REMOVE:
		return memchr(f->cgroup.name, '\0', sizeof(f->cgroup.name)) ? 0 : -EBADMSG;
	case SS_FACT_LOOP_STALL:
		return f->stall.cause < SS_STALL_CAUSES && is_about_a_task(f) ? 0 : -EBADMSG;
	case SS_FACT_EXEC:
		return exec_check(f);
	case SS_FACT_NAMESPACE:
		return namespaces_check(f) && is_about_a_task(f) ? 0 : -EBADMSG;
	case SS_FACT_OOM_KILL:
		return f->tid ? 0 : -EBADMSG;
	default:
		return is_about_a_task(f) ? 0 : -EBADMSG;
	}
}

int fact_decode(const void *data, size_t size, struct ss_fact *ret)
{
	struct ss_fact f;
	size_t least;
	int r;

	if (size < SS_FACT_HEAD)
		return -EBADMSG;
	memcpy(&f, data, SS_FACT_HEAD);
	least = kind_size(f.kind);
	if (!least)
		return -ENOTSUP;
	/* The ring pads records; what they say of their own size is not more than what is there. */
	if (f.size > size || f.size < least)
		return -EBADMSG;
	if (f.kind == SS_FACT_EXEC)
		least = f.size < sizeof(f) ? f.size : sizeof(f);
	memcpy(&f, data, least);
	memset((char *)&f + least, 0, sizeof(f) - least);
	f.comm[SS_COMM_LEN - 1] = '\0';
	r = kind_check(&f);
	if (r == 0)
		*ret = f;
	return r;
}

const char *fact_kind_name(enum ss_fact_kind kind)
{
	static const char *const names[SS_FACT_KINDS] = {
		[SS_FACT_CGROUP_CREATE] = "cgroup_create",
		[SS_FACT_CGROUP_REMOVE] = "cgroup_remove",
		[SS_FACT_LOOP_STALL] = "loop_stall",
		[SS_FACT_NAMESPACE] = "namespace",
		[SS_FACT_CAPABILITY_DENIED] = "capability_denied",
		[SS_FACT_PROCESS_START] = "process_start",
		[SS_FACT_THREAD_START] = "thread_start",
		[SS_FACT_EXEC] = "exec",
		[SS_FACT_EXIT] = "exit",
		[SS_FACT_OOM_KILL] = "oom_kill",
		[SS_FACT_CGROUP_ENTER] = "container_start",
	};

	return kind > 0 && kind < SS_FACT_KINDS && names[kind] ? names[kind] : "unknown";
}
