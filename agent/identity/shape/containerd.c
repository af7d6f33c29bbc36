/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * containerd.c - containers of containerd's CRI plugin, of nerdctl and of ctr. Called by path.c; reads no file. What stands in
 * containerd's own namespaces (/NAMESPACE/ID, any text as id) looks like any other cgroup: whether it is a container is
 * asked.
 */
#include <string.h>

#include "identity/shape/family.h"

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Letters and digits, with single . _ - between them: never a name that leads elsewhere in a file system. */
bool part_identifier(struct path_part p)
{
	for (size_t i = 0; i < p.len; i++) {
		if (is_letter_or_digit(p.s[i]))
			continue;
		if (!strchr("._-", p.s[i]) || !i || i + 1 == p.len || !is_letter_or_digit(p.s[i - 1]))
			return false;
	}
	return p.len > 0 && p.len < IDENTITY_SPACE_MAX;
}

static bool is_task(const struct path_walk *w)
{
	char space[IDENTITY_SPACE_MAX], id[IDENTITY_SPACE_MAX];

	if (w->place != PLACE_TOP || w->index != 1 || !w->facts || !w->facts->is_task || !part_identifier(w->prev) ||
	    !part_identifier(w->part) || part_ends(w->prev, ".slice"))
		return false;
	part_copy(w->prev, space, sizeof(space));
	part_copy(w->part, id, sizeof(id));
	return w->facts->is_task(w->facts->task_ctx, space, id);
}

bool containerd_match(struct path_walk *w)
{
	struct path_part id;
	bool task = is_task(w);

	if (task)
		id = w->part;
	else if (!walk_scope(w, "cri-containerd", &id) && !walk_scope(w, "nerdctl", &id) &&
		 !(w->in_pod && part_between(w->part, "cri-containerd-", "", &id) && part_hex(id, 64)))
		return false;
	walk_container(w, "containerd", id, STORE_CONTAINERD | (w->pod_uid[0] ? STORE_KUBELET : 0));
	if (task)
		part_copy(w->prev, w->m->space, sizeof(w->m->space));
	return true;
}
