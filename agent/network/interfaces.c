/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * interfaces.c - see interfaces.h. No file of a namespace is kept open, because that would keep the namespace alive, and with it
 * the interfaces of a container that is gone.
 */
#define HASH_NONFATAL_OOM 1

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#include "base/list.h"
#include "base/util.h"
#include "network/interfaces.h"
#include "network/netdev.h"
#include "network/peers.h"

/* Namespaces that are read; of further ones the interfaces are not known. */
#define NAMESPACES_MAX 8192
/* Some 200 bytes for an interface. */
#define FILE_BYTES (64 * 1024)
/* The other ends on the host are looked up again after this many readings: a bridge may have changed. */
#define PEERS_EVERY 60

struct network_namespace {
	uint32_t inode;
	uint64_t seen; /* number of the last reading in which a process was in it */
	pid_t pid;     /* of that process */
	struct sample_interface *rows;
	size_t n;
	UT_hash_handle hh;
};

struct interfaces {
	struct network_namespace *namespaces;
	struct peers *peers; /* NULL: the agent is not in the host's namespace */
	uint64_t number;     /* of readings */
	uint32_t own;	     /* the agent's own namespace: inode */
	char *text;
	LIST(struct sample_interface) rows;
};

struct interfaces *interfaces_new(void)
{
	struct interfaces *t = calloc(1, sizeof(*t));
	struct stat st;

	if (!t)
		return NULL;
	t->own = stat("/proc/self/ns/net", &st) == 0 ? (uint32_t)st.st_ino : 0;
	t->peers = peers_new();
	t->text = malloc(FILE_BYTES);
	if (!t->text) {
		interfaces_free(t);
		return NULL;
	}
	return t;
}

static void namespace_drop(struct interfaces *t, struct network_namespace *ns)
{
	HASH_DEL(t->namespaces, ns);
	free(ns->rows);
	free(ns);
}

void interfaces_free(struct interfaces *t)
{
	struct network_namespace *ns, *next;

	if (!t)
		return;
	HASH_ITER (hh, t->namespaces, ns, next)
		namespace_drop(t, ns);
	peers_free(t->peers);
	list_free(&t->rows);
	free(t->text);
	free(t);
}

/* ---- which namespaces there are ---- */

static int namespace_note(struct interfaces *t, uint32_t inode, pid_t pid)
{
	struct network_namespace *ns;

	HASH_FIND(hh, t->namespaces, &inode, sizeof(inode), ns);
	if (!ns) {
		if (HASH_COUNT(t->namespaces) >= NAMESPACES_MAX)
			return 0;
		ns = calloc(1, sizeof(*ns));
		if (!ns)
			return -ENOMEM;
		ns->inode = inode;
		HASH_ADD(hh, t->namespaces, inode, sizeof(inode), ns);
		if (!ns->hh.tbl) {
			free(ns);
			return -ENOMEM;
		}
	}
	if (ns->seen == t->number)
		return 0;
	ns->seen = t->number;
	ns->pid = pid;
	return 0;
}

/* The host's namespace is that of the machine's first process, or the agent's own if that one is not visible. */
static uint32_t host_inode(const struct interfaces *t, const struct sample_thread *threads, size_t n)
{
	const struct ss_thread_record *first = n ? threads[0].told->record : NULL;

	return first && first->tid == 1 && first->ns_net ? first->ns_net : t->own;
}

static int namespaces_find(struct interfaces *t, const struct sample_thread *threads, size_t n, uint32_t host)
{
	struct network_namespace *ns, *next;
	uint32_t last = host;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct ss_thread_record *p = threads[i].told->record;

		if (!(p->flags & SS_THREAD_LEADER) || p->flags & (SS_THREAD_KERNEL | SS_THREAD_ZOMBIE) || !p->ns_net ||
		    p->ns_net == host || p->ns_net == last)
			continue;
		last = p->ns_net;
		r = namespace_note(t, p->ns_net, (pid_t)p->tgid);
	}
	HASH_ITER (hh, t->namespaces, ns, next)
		if (ns->seen != t->number)
			namespace_drop(t, ns);
	return r;
}

/* ---- reading one ---- */

/* The file, through a descriptor of the process's folder: whoever has the same pid later is another process. */
static ssize_t netdev_read(struct interfaces *t, const struct network_namespace *ns)
{
	_cleanup_close_ int folder = -1, file = -1;
	char path[32];
	struct stat st;
	size_t length = 0;

	snprintf(path, sizeof(path), "/proc/%d", ns->pid);
	folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	file = folder < 0 ? -1 : openat(folder, "net/dev", O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	while (length < FILE_BYTES - 1) {
		ssize_t n = read(file, t->text + length, FILE_BYTES - 1 - length);

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	t->text[length] = '\0';
	/* It may have gone to another namespace. */
	if (fstatat(folder, "ns/net", &st, 0) < 0 || st.st_ino != ns->inode)
		return -ESRCH;
	return (ssize_t)length;
}

static bool names_same(const struct sample_interface *a, const struct sample_interface *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(a[i].name, b[i].name) != 0)
			return false;
	return true;
}

/* Whether its interfaces are others than before. */
static int namespace_update(struct interfaces *t, struct network_namespace *ns, bool *ret_changed)
{
	struct sample_interface rows[INTERFACES_EACH];
	size_t n;

	*ret_changed = false;
	if (netdev_read(t, ns) < 0)
		return 0;
	n = netdev_parse(t->text, rows, INTERFACES_EACH);
	*ret_changed = n != ns->n || !names_same(rows, ns->rows, n);
	if (*ret_changed) {
		struct sample_interface *more = reallocarray(ns->rows, n + 1, sizeof(*more));

		if (!more)
			return -ENOMEM;
		ns->rows = more;
		ns->n = n;
		memset(more, 0, n * sizeof(*more));
	}
	for (size_t i = 0; i < n; i++) {
		ns->rows[i].namespace_ = ns->inode;
		memcpy(ns->rows[i].name, rows[i].name, sizeof(rows[i].name));
		ns->rows[i].counters = rows[i].counters;
	}
	return 0;
}

static void peers_take(struct interfaces *t, struct network_namespace *ns, bool *refreshed)
{
	if (!*refreshed && peers_refresh(t->peers) < 0)
		return;
	*refreshed = true;
	for (size_t i = 0; i < ns->n; i++)
		ns->rows[i].host_interface[0] = ns->rows[i].bridge[0] = '\0';
	peers_find(t->peers, ns->pid, ns->rows, ns->n);
}

int interfaces_read(struct interfaces *t, const struct sample_thread *threads, size_t n,
		    const struct sample_interface **ret, size_t *ret_n)
{
	uint32_t host = host_inode(t, threads, n);
	bool refreshed = false, changed;
	int r;

	t->number++;
	t->rows.n = 0;
	r = namespaces_find(t, threads, n, host);
	for (struct network_namespace *ns = t->namespaces; ns && r == 0; ns = ns->hh.next) {
		r = namespace_update(t, ns, &changed);
		if (r == 0)
			r = list_reserve(&t->rows, t->rows.n + ns->n);
		if (r < 0)
			break;
		if (t->peers && t->own == host && ns->n && (changed || t->number % PEERS_EVERY == 0))
			peers_take(t, ns, &refreshed);
		if (ns->n)
			memcpy(&t->rows.at[t->rows.n], ns->rows, ns->n * sizeof(*ns->rows));
		t->rows.n += ns->n;
	}
	*ret = t->rows.at;
	*ret_n = r < 0 ? 0 : t->rows.n;
	return r;
}
