/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listen.c - see listen.h. Parses an address and binds it. Called by http.c at start. Never retries, never logs.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "base/util.h"
#include "serve/listen.h"

#define HOST_BYTES_MAX 256
#define PORT_MAX       65535

/* "[::1]:80" -> "::1", "80". -EINVAL also for an IPv6 address without brackets, which would be ambiguous. */
static int address_split(const char *address, char host[HOST_BYTES_MAX], const char **ret_port)
{
	const char *colon = strrchr(address, ':'), *begin = address;
	uint64_t port;
	size_t len;

	if (!colon || parse_u64(colon + 1, 0, PORT_MAX, &port) < 0)
		return -EINVAL;
	len = (size_t)(colon - begin);
	if (len && *begin == '[') {
		if (len < 3 || begin[len - 1] != ']')
			return -EINVAL;
		begin++;
		len -= 2;
	} else if (memchr(begin, ':', len)) {
		return -EINVAL;
	}
	if (len >= HOST_BYTES_MAX)
		return -EINVAL;
	memcpy(host, begin, len);
	host[len] = '\0';
	*ret_port = colon + 1;
	return 0;
}

static int socket_listen(const struct addrinfo *a)
{
	_cleanup_close_ int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	int on = 1, off = 0;

	if (fd < 0)
		return -errno;
	/* Without it a restart fails while old connections are in TIME_WAIT. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	/* :PORT accepts IPv4, whatever net.ipv6.bindv6only is. */
	if (a->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
		return -errno;
	if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
		return -errno;
	return fd_take(&fd);
}

/* Listens on the first address of the family that can be bound. */
static int family_listen(const struct addrinfo *list, int family, int before)
{
	int r = before;

	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		if (a->ai_family != family)
			continue;
		r = socket_listen(a);
		if (r >= 0 || r == -EADDRINUSE)
			return r;
	}
	return r;
}

static int address_refuse(const char *address, struct buf *error)
{
	buf_str(error, "not an address to listen on: '");
	text_terminal(error, address, strlen(address));
	buf_str(error, "'; expected HOST:PORT, :PORT or [IPV6]:PORT");
	return -EINVAL;
}

int listen_check(const char *address, struct buf *error)
{
	char host[HOST_BYTES_MAX];
	const char *port;

	return address_split(address, host, &port) < 0 ? address_refuse(address, error) : 0;
}

int listen_open(const char *address, struct buf *error)
{
	const struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	char host[HOST_BYTES_MAX];
	const char *port;
	int r = address_split(address, host, &port);

	if (r < 0)
		return address_refuse(address, error);
	r = getaddrinfo(host[0] ? host : NULL, port, &hints, &list);
	if (r) {
		buf_str(error, "cannot listen on ");
		text_terminal(error, address, strlen(address));
		buf_printf(error, ": %s", gai_strerror(r));
		return -EADDRNOTAVAIL;
	}
	/* With a host IPv4 first, as most clients do. Without one the IPv6 socket that accepts both, if there is IPv6. */
	r = family_listen(list, host[0] ? AF_INET : AF_INET6, -EADDRNOTAVAIL);
	if (r < 0 && r != -EADDRINUSE)
		r = family_listen(list, host[0] ? AF_INET6 : AF_INET, r);
	freeaddrinfo(list);
	if (r < 0) {
		buf_str(error, "cannot listen on ");
		text_terminal(error, address, strlen(address));
		buf_printf(error, ": %s", strerror(-r));
		return r == -EINVAL ? -EADDRNOTAVAIL : r;
	}
	return r;
}

void listen_address(int fd, struct buf *out)
{
	struct sockaddr_storage a = {};
	socklen_t len = sizeof(a);
	char host[HOST_BYTES_MAX], port[16];

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0 ||
	    getnameinfo((struct sockaddr *)&a, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	buf_printf(out, a.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

bool listen_is_loopback(int fd)
{
	struct sockaddr_storage a = {};
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a;
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return false;
	if (a.ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (a.ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	return a.ss_family == AF_UNIX;
}
