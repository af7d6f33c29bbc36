/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * web_config.h - the file of `--web.config.file`, in the format of the Prometheus exporters' toolkit: TLS, client certificates,
 * users with bcrypt hashes, headers. What the toolkit knows and this does not is refused by name, never passed over. Used by
 * agent/serve/secure/.
 */
#ifndef SYSSCOPE_CONFIG_WEB_CONFIG_H
#define SYSSCOPE_CONFIG_WEB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/util.h"

struct conf;

enum client_auth {
	CLIENT_AUTH_NONE,
	CLIENT_AUTH_REQUEST,	 /* asked for, and not looked at */
	CLIENT_AUTH_REQUIRE_ANY, /* has to be there, whoever signed it */
	CLIENT_AUTH_VERIFY_IF_GIVEN,
	CLIENT_AUTH_REQUIRE_VERIFY, /* has to be there, signed by one of client_ca */
};

struct web_config {
	struct conf *tree; /* owns all texts but those that are made here */
	bool tls;
	/* PEM in the file itself, or a path, relative ones already below the file's folder. NULL: not given. */
	const char *cert, *key, *client_ca;
	char *cert_file, *key_file, *client_ca_file;
	enum client_auth client_auth;
	const struct conf *client_sans; /* list of texts; NULL: any */
	char *priorities;		/* of GnuTLS; with TLS only */
	const struct conf *headers;	/* map of texts; NULL: none */
	const struct conf *users;	/* map of bcrypt hashes; NULL: everybody may ask */
};

/* 0 or negative errno, with one line in `error`: "web.yml:3: ...". Certificates and keys are not read yet. */
int web_config_read(struct web_config **ret, const char *path, struct buf *error);
void web_config_free(struct web_config *w); /* NULL: does nothing */

/* The cost of a bcrypt hash; 0: it is none that this C library can check. */
unsigned bcrypt_cost(const char *hash);
/* One check takes 50 ms at cost 10, and twice as long at each further one. */
#define BCRYPT_COST_MAX 15

#endif
