/* SPDX-License-Identifier: GPL-2.0-or-later */
/* access.c - see access.h. Suspends and resumes connections of libmicrohttpd, on the loop's thread only. */
#include <string.h>

#include "serve/access.h"
#include "serve/secure/tls.h"
#include "serve/secure/passwords.h"

bool access_begin(struct http *h, struct client *c, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info;

	access_refresh(h, false);
	if (!web_tls(h->web))
		return true;
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (!info || !info->tls_session || tls_begin(web_tls(h->web), info->tls_session) < 0)
		return false;
	c->tls = tls_ref(web_tls(h->web));
	return true;
}

void access_end(struct client *c)
{
	tls_unref(c->tls);
	c->tls = NULL;
}

static enum access access_ask(struct http *h, struct client *c, struct MHD_Connection *connection)
{
	char *password = NULL, *name = MHD_basic_auth_get_username_password(connection, &password);
	enum password_answer answer =
		name && password ? passwords_check(web_passwords(h->web), name, password, c) : PASSWORD_WRONG;

	if (password)
		explicit_bzero(password, strlen(password));
	MHD_free(password);
	MHD_free(name);
	switch (answer) {
	case PASSWORD_RIGHT:
		c->access = CLIENT_RIGHT;
		return ACCESS_GO;
	case PASSWORD_WAITS:
		c->access = CLIENT_WAITS;
		c->waits = connection;
		MHD_suspend_connection(connection);
		return ACCESS_WAIT;
	case PASSWORD_BUSY:
		return ACCESS_BUSY;
	case PASSWORD_WRONG:
		break;
	}
	c->access = CLIENT_WRONG;
	return ACCESS_DENIED;
}

enum access access_check(struct http *h, struct client *c, struct MHD_Connection *connection)
{
	if (!web_passwords(h->web))
		return ACCESS_GO;
	if (c->access == CLIENT_UNASKED)
		return access_ask(h, c, connection);
	if (c->access == CLIENT_WAITS)
		return ACCESS_WAIT;
	return c->access == CLIENT_RIGHT ? ACCESS_GO : ACCESS_DENIED;
}

static void client_resume(struct client *c, enum client_access access)
{
	struct MHD_Connection *connection = c->waits;

	c->access = access;
	c->waits = NULL;
	MHD_resume_connection(connection);
}

void access_turn(struct http *h)
{
	struct client *c;
	bool right = false;

	if (!web_passwords(h->web))
		return;
	while ((c = passwords_done(web_passwords(h->web), &right)))
		client_resume(c, right ? CLIENT_RIGHT : CLIENT_WRONG);
}

/* They are asked again, by those who know now. */
static void passwords_retire(struct passwords *u)
{
	struct client *c;

	if (!u)
		return;
	passwords_end(u);
	while ((c = passwords_drop(u)))
		client_resume(c, CLIENT_UNASKED);
	passwords_leave(u);
}

void access_refresh(struct http *h, bool now)
{
	_cleanup_buf_ struct buf error = {};
	struct passwords *before = NULL;
	int r;

	r = h->web ? web_refresh(h->web, now, &before, &error) : 0;
	passwords_retire(before);
	if ((r || now) && h->o.web_looked)
		h->o.web_looked(h->o.ctx, r, r < 0 ? error.data ?: "no memory" : NULL);
}

void access_stop(struct http *h)
{
	struct passwords *u = web_passwords(h->web);
	struct client *c;

	if (!u)
		return;
	passwords_stop(u);
	while ((c = passwords_drop(u)))
		client_resume(c, CLIENT_WRONG);
}
