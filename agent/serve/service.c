/* SPDX-License-Identifier: GPL-2.0-or-later */
/* service.c - see service.h. libsystemd's protocol of notifications and socket activation. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "base/util.h"
#include "serve/service.h"

void service_ready(struct service *s)
{
	uint64_t usec = 0;

	sd_notify(0, "READY=1\nSTATUS=serving metrics");
	/* systemd advises half of the time at most. */
	if (sd_watchdog_enabled(0, &usec) > 0 && usec)
		s->alive_every_ns = usec * 1000 / 3;
}

uint64_t service_alive(struct service *s, uint64_t now_ns)
{
	if (!s->alive_every_ns)
		return UINT64_MAX;
	if (now_ns - s->alive_ns >= s->alive_every_ns) {
		sd_notify(0, "WATCHDOG=1");
		s->alive_ns = now_ns;
	}
	return s->alive_ns + s->alive_every_ns;
}

void service_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

int service_sockets(int *fds, size_t max, struct buf *error)
{
	int n = sd_listen_fds(1);

	if (n < 0)
		return n;
	if (!n) {
		buf_str(error, "systemd has passed no socket: --web.systemd-socket needs a .socket unit, as in "
			       "deploy/systemd/");
		return -EINVAL;
	}
	if ((size_t)n > max) {
		buf_printf(error, "systemd has passed %d sockets; at most %zu", n, max);
		return -EINVAL;
	}
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i, flags = fcntl(fd, F_GETFL);

		if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
			buf_printf(error, "descriptor %d of systemd is no listening stream socket", fd);
			return -EINVAL;
		}
		if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
			return -errno;
		fds[i] = fd;
	}
	return n;
}
