/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_config.c - see web_config.h. Reads one file; keeps no state. */
#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/conf.h"
#include "config/tls_names.h"
#include "config/web_config.h"

/* What the toolkit allows, as anything else could break the answers. */
static const char *const headers_allowed[] = {"Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options",
					      "X-XSS-Protection", "Content-Security-Policy"};

static const struct {
	const char *name;
	enum client_auth auth;
} client_auths[] = {
	{"NoClientCert", CLIENT_AUTH_NONE},
	{"RequestClientCert", CLIENT_AUTH_REQUEST},
	{"RequireClientCert", CLIENT_AUTH_REQUIRE_ANY}, /* the old name */
	{"RequireAnyClientCert", CLIENT_AUTH_REQUIRE_ANY},
	{"VerifyClientCertIfGiven", CLIENT_AUTH_VERIFY_IF_GIVEN},
	{"RequireAndVerifyClientCert", CLIENT_AUTH_REQUIRE_VERIFY},
};

struct web_reader {
	struct web_config *w;
	const char *path;
	struct buf *error;
};

static const char *text_of(const struct conf *c)
{
	return c ? c->text : NULL;
}

/* A relative path is below the folder of the file that names it. */
static int path_take(const struct web_reader *r, const struct conf *c, char **ret)
{
	const char *slash = strrchr(r->path, '/');
	int n;

	if (!c)
		return 0;
	if (!c->text[0])
		return conf_refuse(r->path, c->line, r->error, "%s: expected the path of a file", c->key);
	if (c->text[0] == '/' || !slash)
		n = asprintf(ret, "%s", c->text);
	else
		n = asprintf(ret, "%.*s/%s", (int)(slash - r->path), r->path, c->text);
	if (n < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int client_auth_take(const struct web_reader *r, const struct conf *c)
{
	for (size_t i = 0; c && i < ARRAY_SIZE(client_auths); i++)
		if (strcmp(c->text, client_auths[i].name) == 0) {
			r->w->client_auth = client_auths[i].auth;
			return 0;
		}
	return c ? conf_refuse(
			   r->path, c->line, r->error,
			   "client_auth_type: '%s' is none of NoClientCert, RequestClientCert, RequireAnyClientCert, "
			   "VerifyClientCertIfGiven, RequireAndVerifyClientCert",
			   c->text)
		 : 0;
}

/* One of two that say the same, and not both. */
static int either(const struct web_reader *r, const struct conf *tls, const char *what, bool inside, bool file,
		  bool needed)
{
	if (inside && file)
		return conf_refuse(r->path, tls->line, r->error, "%s and %s_file are both given", what, what);
	if (needed && !inside && !file)
		return conf_refuse(r->path, tls->line, r->error, "tls_server_config needs %s_file", what);
	return 0;
}

static int clients_check_conf(const struct web_reader *r, const struct conf *tls)
{
	struct web_config *w = r->w;
	bool verifies = w->client_auth == CLIENT_AUTH_VERIFY_IF_GIVEN || w->client_auth == CLIENT_AUTH_REQUIRE_VERIFY;
	bool ca = w->client_ca || w->client_ca_file;

	if (verifies && !ca)
		return conf_refuse(r->path, tls->line, r->error,
				   "client_auth_type: certificates cannot be verified without "
				   "client_ca_file");
	if (ca && w->client_auth == CLIENT_AUTH_NONE)
		return conf_refuse(r->path, tls->line, r->error,
				   "client_ca_file has no effect without client_auth_type: RequireAndVerifyClientCert");
	if (w->client_sans && w->client_auth != CLIENT_AUTH_REQUIRE_VERIFY)
		return conf_refuse(r->path, w->client_sans->line, r->error,
				   "client_allowed_sans needs client_auth_type: RequireAndVerifyClientCert");
	return 0;
}

static int tls_take(const struct web_reader *r, const struct conf *tls)
{
	const struct conf *cert = NULL, *key = NULL, *ca = NULL, *cert_file = NULL, *key_file = NULL, *ca_file = NULL,
			  *auth = NULL;
	struct tls_names names = {};
	bool ignored;
	struct web_config *w = r->w;
	const struct conf_field fields[] = {
		{"cert_file", CONF_FIELD_TEXT, &cert_file},
		{"key_file", CONF_FIELD_TEXT, &key_file},
		{"cert", CONF_FIELD_TEXT, &cert},
		{"key", CONF_FIELD_TEXT, &key},
		{"client_ca_file", CONF_FIELD_TEXT, &ca_file},
		{"client_ca", CONF_FIELD_TEXT, &ca},
		{"client_auth_type", CONF_FIELD_TEXT, &auth},
		{"client_allowed_sans", CONF_FIELD_TEXTS, &w->client_sans},
		{"min_version", CONF_FIELD_TEXT, &names.min_version},
		{"max_version", CONF_FIELD_TEXT, &names.max_version},
		{"cipher_suites", CONF_FIELD_TEXTS, &names.cipher_suites},
		{"curve_preferences", CONF_FIELD_TEXTS, &names.curves},
		/* The server's order is always the one that counts. */
		{"prefer_server_cipher_suites", CONF_FIELD_TRUTH, &ignored},
	};
	int e = conf_fields(tls, r->path, fields, ARRAY_SIZE(fields), r->error);

	w->tls = true;
	w->cert = text_of(cert);
	w->key = text_of(key);
	w->client_ca = text_of(ca);
	e = e ?: either(r, tls, "cert", cert, cert_file, true);
	e = e ?: either(r, tls, "key", key, key_file, true);
	e = e ?: either(r, tls, "client_ca", ca, ca_file, false);
	e = e ?: path_take(r, cert_file, &w->cert_file);
	e = e ?: path_take(r, key_file, &w->key_file);
	e = e ?: path_take(r, ca_file, &w->client_ca_file);
	e = e ?: client_auth_take(r, auth);
	e = e ?: clients_check_conf(r, tls);
	return e ?: tls_priorities(&names, r->path, &w->priorities, r->error);
}

static int header_check(const struct web_reader *r, const struct conf *h)
{
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(headers_allowed); i++)
		known |= strcasecmp(h->key, headers_allowed[i]) == 0;
	if (!known)
		return conf_refuse(r->path, h->line, r->error,
				   "the header '%s' cannot be set; known are Strict-Transport-Security, "
				   "X-Content-Type-Options, X-Frame-Options, X-XSS-Protection, Content-Security-Policy",
				   h->key);
	if (strcasecmp(h->key, "X-Frame-Options") == 0 && h->text[0] && strcasecmp(h->text, "deny") != 0 &&
	    strcasecmp(h->text, "sameorigin") != 0)
		return conf_refuse(r->path, h->line, r->error, "X-Frame-Options: expected deny or sameorigin");
	if (strcasecmp(h->key, "X-Content-Type-Options") == 0 && h->text[0] && strcasecmp(h->text, "nosniff") != 0)
		return conf_refuse(r->path, h->line, r->error, "X-Content-Type-Options: expected nosniff");
	/* One line of printable characters: more would be another header. */
	for (const char *c = h->text; *c; c++)
		if (*c < ' ' || *c > '~')
			return conf_refuse(r->path, h->line, r->error, "%s: only printable ASCII can be in a header",
					   h->key);
	return 0;
}

static int http_take(const struct web_reader *r, const struct conf *http)
{
	bool http2; /* this server speaks HTTP/1.1 only, which every client does as well */
	const struct conf_field fields[] = {
		{"http2", CONF_FIELD_TRUTH, &http2},
		{"headers", CONF_FIELD_NAMED, &r->w->headers},
	};
	int e = conf_fields(http, r->path, fields, ARRAY_SIZE(fields), r->error);

	for (size_t i = 0; !e && r->w->headers && i < r->w->headers->parts.n; i++) {
		const struct conf *h = &r->w->headers->parts.at[i];

		e = header_check(r, h);
		for (size_t k = 0; !e && k < i; k++)
			if (strcasecmp(r->w->headers->parts.at[k].key, h->key) == 0)
				e = conf_refuse(r->path, h->line, r->error, "the header '%s' is there twice", h->key);
	}
	return e;
}

unsigned bcrypt_cost(const char *hash)
{
	if (strlen(hash) != 60 || hash[0] != '$' || hash[1] != '2' || !strchr("aby", hash[2]) || hash[3] != '$' ||
	    hash[4] < '0' || hash[4] > '3' || hash[5] < '0' || hash[5] > '9' || hash[6] != '$' ||
	    crypt_checksalt(hash) != CRYPT_SALT_OK)
		return 0;
	return (unsigned)(hash[4] - '0') * 10 + (unsigned)(hash[5] - '0');
}

/* The hash itself is in no message: logs are read by more people than the file. */
static int users_check_conf(const struct web_reader *r)
{
	for (size_t i = 0; r->w->users && i < r->w->users->parts.n; i++) {
		const struct conf *u = &r->w->users->parts.at[i];
		unsigned cost = bcrypt_cost(u->text);

		if (!u->key[0] || strchr(u->key, ':'))
			return conf_refuse(r->path, u->line, r->error, "the name of a user is empty or has a colon");
		if (!cost)
			return conf_refuse(r->path, u->line, r->error,
					   "the password of '%s' is no bcrypt hash; `htpasswd -nBC 10 %s` makes one",
					   u->key, u->key);
		if (cost > BCRYPT_COST_MAX)
			return conf_refuse(
				r->path, u->line, r->error,
				"the hash of '%s' has cost %u, of which each check takes longer than a scrape "
				"may; at most %d",
				u->key, cost, BCRYPT_COST_MAX);
	}
	return 0;
}

static int web_config_fill(const struct web_reader *r)
{
	const struct conf *tls = NULL, *http = NULL;
	const struct conf_field fields[] = {
		{"tls_server_config", CONF_FIELD_MAP, &tls},
		{"http_server_config", CONF_FIELD_MAP, &http},
		{"basic_auth_users", CONF_FIELD_NAMED, &r->w->users},
	};
	int e = conf_read(&r->w->tree, r->path, r->error);

	e = e ?: conf_fields(r->w->tree, r->path, fields, ARRAY_SIZE(fields), r->error);
	e = e ?: tls ? tls_take(r, tls) : 0;
	e = e ?: http ? http_take(r, http) : 0;
	return e ?: users_check_conf(r);
}

int web_config_read(struct web_config **ret, const char *path, struct buf *error)
{
	struct web_reader r = {calloc(1, sizeof(struct web_config)), path, error};
	int e = r.w ? web_config_fill(&r) : -ENOMEM;

	if (e < 0) {
		web_config_free(r.w);
		return e;
	}
	*ret = r.w;
	return 0;
}

void web_config_free(struct web_config *w)
{
	if (!w)
		return;
	conf_free(w->tree);
	free(w->cert_file);
	free(w->key_file);
	free(w->client_ca_file);
	free(w->priorities);
	free(w);
}
