/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peers.c - see peers.h. An interface of the host whose other end is in another network namespace has that namespace's number
 * and the index there (IFLA_LINK_NETNSID, IFLA_LINK). The numbers are the host's own: RTM_GETNSID asks for that of a process's
 * namespace, and a request with IFLA_TARGET_NETNSID (4.20) for the name of the interface with an index in there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "base/list.h"
#include "base/util.h"
#include "network/peers.h"

#define REPLY_BYTES 65536
#define LINKS_MAX   65536
/* The kernel answers at once; this is for a kernel that does not. */
#define PATIENCE_US 300000

struct host_link {
	uint32_t index, peer, master;
	int32_t namespace_; /* number of the peer's, -1: the host's own, or there is no peer */
	char name[SS_INTERFACE_NAME];
};

struct peers {
	int socket;
	uint32_t sequence;
	char *reply;
	LIST(struct host_link) links;
};

struct request {
	struct nlmsghdr head;
	union {
		struct ifinfomsg link;
		struct rtgenmsg any;
	};
	char attributes[32];
};

struct peers *peers_new(void)
{
	struct peers *p = calloc(1, sizeof(*p));
	struct timeval patience = {.tv_usec = PATIENCE_US};

	if (!p)
		return NULL;
	p->socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	p->reply = malloc(REPLY_BYTES);
	if (p->socket < 0 || !p->reply ||
	    setsockopt(p->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0) {
		peers_free(p);
		return NULL;
	}
	return p;
}

void peers_free(struct peers *p)
{
	if (!p)
		return;
	closep(&p->socket);
	list_free(&p->links);
	free(p->reply);
	free(p);
}

/* ---- requests ---- */

static void attribute_add(struct request *q, uint16_t type, uint32_t value)
{
	struct rtattr *a = (struct rtattr *)((char *)q + NLMSG_ALIGN(q->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(sizeof(value));
	memcpy(RTA_DATA(a), &value, sizeof(value));
	q->head.nlmsg_len = NLMSG_ALIGN(q->head.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

/* The messages of one reply. *ret_over: there are no more. 0, or what the kernel answered. */
static int reply_take(struct peers *p, size_t bytes, int (*use)(void *ctx, struct nlmsghdr *m), void *ctx,
		      bool *ret_over)
{
	int left = (int)bytes, r = 0;

	for (struct nlmsghdr *m = (void *)p->reply; NLMSG_OK(m, (unsigned int)left) && r == 0;
	     m = NLMSG_NEXT(m, left)) {
		if (m->nlmsg_seq != p->sequence)
			continue;
		*ret_over =
			m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR || !(m->nlmsg_flags & NLM_F_MULTI);
		if (m->nlmsg_type == NLMSG_ERROR)
			return m->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))
				       ? -EBADMSG
				       : ((struct nlmsgerr *)NLMSG_DATA(m))->error;
		if (m->nlmsg_type != NLMSG_DONE)
			r = use(ctx, m);
	}
	return r;
}

/* Sends the request and calls `use` for each message of the answer. 0 or negative errno. */
static int ask(struct peers *p, struct request *q, int (*use)(void *ctx, struct nlmsghdr *m), void *ctx)
{
	bool over = false;
	int r = 0;

	q->head.nlmsg_seq = ++p->sequence;
	if (send(p->socket, q, q->head.nlmsg_len, 0) < 0)
		return -errno;
	while (!over && r == 0) {
		ssize_t n = recv(p->socket, p->reply, REPLY_BYTES, 0);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			r = reply_take(p, (size_t)n, use, ctx, &over);
	}
	return r;
}

/* ---- links ---- */

/* A name of the kernel is shorter than IFNAMSIZ, which is SS_INTERFACE_NAME. */
static void link_name_take(char *to, const struct rtattr *a)
{
	size_t length = strnlen(RTA_DATA(a), RTA_PAYLOAD(a));

	if (length < SS_INTERFACE_NAME) {
		memcpy(to, RTA_DATA(a), length);
		to[length] = '\0';
	}
}

static uint32_t number_of(const struct rtattr *a)
{
	uint32_t value = 0;

	if (RTA_PAYLOAD(a) >= sizeof(value))
		memcpy(&value, RTA_DATA(a), sizeof(value));
	return value;
}

/* False: the message is no link's. */
static bool link_read(struct nlmsghdr *m, struct host_link *ret)
{
	struct ifinfomsg *info = NLMSG_DATA(m);
	int left;

	if (m->nlmsg_type != RTM_NEWLINK || m->nlmsg_len < NLMSG_LENGTH(sizeof(*info)))
		return false;
	*ret = (struct host_link){.index = (uint32_t)info->ifi_index, .namespace_ = -1};
	left = (int)IFLA_PAYLOAD(m);
	for (struct rtattr *a = IFLA_RTA(info); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == IFLA_IFNAME)
			link_name_take(ret->name, a);
		else if (a->rta_type == IFLA_LINK)
			ret->peer = number_of(a);
		else if (a->rta_type == IFLA_MASTER)
			ret->master = number_of(a);
		else if (a->rta_type == IFLA_LINK_NETNSID)
			ret->namespace_ = (int32_t)number_of(a);
	}
	return true;
}

static int link_add(void *ctx, struct nlmsghdr *m)
{
	struct peers *p = ctx;
	struct host_link link;

	if (!link_read(m, &link) || p->links.n >= LINKS_MAX)
		return 0;
	if (list_reserve(&p->links, p->links.n + 1) < 0)
		return -ENOMEM;
	p->links.at[p->links.n++] = link;
	return 0;
}

int peers_refresh(struct peers *p)
{
	struct request q = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(q.link)),
				     .nlmsg_type = RTM_GETLINK,
				     .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
			    .link = {.ifi_family = AF_UNSPEC}};

	p->links.n = 0;
	attribute_add(&q, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return ask(p, &q, link_add, p);
}

/* ---- one namespace ---- */

static int number_read(void *ctx, struct nlmsghdr *m)
{
	int left = (int)NLMSG_PAYLOAD(m, sizeof(struct rtgenmsg));

	if (m->nlmsg_type != RTM_NEWNSID || m->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtgenmsg)))
		return 0;
	for (struct rtattr *a = (void *)((char *)NLMSG_DATA(m) + NLMSG_ALIGN(sizeof(struct rtgenmsg))); RTA_OK(a, left);
	     a = RTA_NEXT(a, left))
		if (a->rta_type == NETNSA_NSID)
			*(int32_t *)ctx = (int32_t)number_of(a);
	return 0;
}

/* The host's number of the namespace; -1: it has none, so no interface of the host leads there. */
static int32_t namespace_number(struct peers *p, pid_t pid)
{
	struct request q = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(q.any)),
				     .nlmsg_type = RTM_GETNSID,
				     .nlmsg_flags = NLM_F_REQUEST},
			    .any = {.rtgen_family = AF_UNSPEC}};
	int32_t number = -1;

	attribute_add(&q, NETNSA_PID, (uint32_t)pid);
	return ask(p, &q, number_read, &number) < 0 ? -1 : number;
}

static int name_read(void *ctx, struct nlmsghdr *m)
{
	struct host_link *ret = ctx, link;

	if (link_read(m, &link))
		*ret = link;
	return 0;
}

/* The name in there of the interface with this index; "": not known. */
static void inner_name(struct peers *p, int32_t number, uint32_t index, char *ret)
{
	struct request q = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(q.link)),
				     .nlmsg_type = RTM_GETLINK,
				     .nlmsg_flags = NLM_F_REQUEST},
			    .link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index}};
	struct host_link link = {};

	attribute_add(&q, IFLA_TARGET_NETNSID, (uint32_t)number);
	attribute_add(&q, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	ask(p, &q, name_read, &link);
	memcpy(ret, link.name, sizeof(link.name));
}

static const char *link_name(const struct peers *p, uint32_t index)
{
	for (size_t i = 0; i < p->links.n && index; i++)
		if (p->links.at[i].index == index)
			return p->links.at[i].name;
	return "";
}

void peers_find(struct peers *p, pid_t pid, struct sample_interface *rows, size_t n)
{
	int32_t number = n ? namespace_number(p, pid) : -1;

	for (size_t i = 0; i < p->links.n && number >= 0; i++) {
		const struct host_link *link = &p->links.at[i];
		char name[SS_INTERFACE_NAME];

		if (link->namespace_ != number)
			continue;
		inner_name(p, number, link->peer, name);
		for (size_t row = 0; row < n && name[0]; row++) {
			if (strcmp(rows[row].name, name) != 0)
				continue;
			memcpy(rows[row].host_interface, link->name, sizeof(link->name));
			memcpy(rows[row].bridge, link_name(p, link->master), 1 + strlen(link_name(p, link->master)));
		}
	}
}
