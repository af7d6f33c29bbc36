/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts.c - see facts.h.
 */
#include <errno.h>
#include <string.h>

#include "facts.h"

/* What a fact of this kind has at least; 0: the kind is not known. */
static size_t kind_size(__u32 kind)
{
	switch (kind) {
	case SS_FACT_CGROUP_CREATE:
	case SS_FACT_CGROUP_REMOVE:
		return offsetof(struct ss_fact, cgroup) + sizeof(((struct ss_fact *)0)->cgroup);
	case SS_FACT_LOOP_STALL:
		return offsetof(struct ss_fact, stall) + sizeof(((struct ss_fact *)0)->stall);
	case SS_FACT_NAMESPACE:
		return offsetof(struct ss_fact, namespaces) + sizeof(((struct ss_fact *)0)->namespaces);
	default:
		return 0;
	}
}

static int cgroup_check(const struct ss_fact *f)
{
	return memchr(f->cgroup.name, '\0', sizeof(f->cgroup.name)) ? 0 : -EBADMSG;
}

static int stall_check(struct ss_fact *f)
{
	f->stall.comm[SS_COMM_LEN - 1] = '\0';
	return f->stall.cause < SS_STALL_CAUSES && f->stall.tid && f->stall.tgid ? 0 : -EBADMSG;
}

static int namespaces_check(struct ss_fact *f)
{
	f->namespaces.comm[SS_COMM_LEN - 1] = '\0';
	return f->namespaces.how < SS_NS_HOWS && f->namespaces.kinds && !(f->namespaces.kinds >> SS_NAMESPACES) &&
			       f->namespaces.tid && f->namespaces.tgid
		       ? 0
		       : -EBADMSG;
}

int fact_decode(const void *data, size_t size, struct ss_fact *ret)
{
	struct ss_fact f = {.kind = 0};
	size_t least;
	int r;

	if (size < offsetof(struct ss_fact, cgroup))
		return -EBADMSG;
	memcpy(&f, data, offsetof(struct ss_fact, cgroup));
	least = kind_size(f.kind);
	if (!least)
		return -ENOTSUP;
	/* The ring pads records; what they say of their own size is not more than what is there. */
	if (f.size > size || f.size < least)
		return -EBADMSG;
	memcpy(&f, data, least);
	r = f.kind == SS_FACT_LOOP_STALL  ? stall_check(&f)
	    : f.kind == SS_FACT_NAMESPACE ? namespaces_check(&f)
					  : cgroup_check(&f);
	if (r == 0)
		*ret = f;
	return r;
}
