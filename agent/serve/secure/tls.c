/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls.c - see tls.h. Credentials of GnuTLS, shared by all sessions that began with them. */
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "config/conf.h"
#include "config/web_config.h"
#include "serve/secure/tls.h"

#define NAME_BYTES 512

struct tls {
	unsigned refs;
	char *cert, *key, *ca, *priority_text; /* PEM; `ca` NULL: none */
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priorities;
	enum client_auth client_auth;
	LIST(char *) names; /* one of which a client's certificate has to have; none: any */
};

/* ---- reading ---- */

/* What is in the configuration itself, or the file that it names. */
static int pem_read(const char *inside, const char *path, char **ret, struct buf *error)
{
	_cleanup_close_ int fd = -1;
	char link[64];
	int r;

	if (inside || !path) {
		*ret = inside ? strdup(inside) : NULL;
		return inside && !*ret ? -ENOMEM : 0;
	}
	fd = conf_open(path, CONF_BYTES_MAX, error);
	if (fd < 0)
		return fd;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	r = read_file(link, CONF_BYTES_MAX, ret, NULL);
	if (r < 0)
		conf_refuse(path, 0, error, "%s", strerror(-r));
	return r;
}

static int tls_refuse(const char *path, const char *what, int gnutls, struct buf *error)
{
	if (gnutls == GNUTLS_E_MEMORY_ERROR)
		return -ENOMEM;
	return conf_refuse(path, 0, error, "%s: %s", what, gnutls_strerror(gnutls));
}

static gnutls_datum_t datum(char *pem)
{
	return (gnutls_datum_t){(unsigned char *)pem, (unsigned)strlen(pem)};
}

static int credentials_fill(struct tls *t, const struct web_config *w, struct buf *error)
{
	const char *wrong;
	gnutls_datum_t cert = datum(t->cert), key = datum(t->key);
	int r = gnutls_certificate_allocate_credentials(&t->credentials);

	if (r < 0)
		return -ENOMEM;
	r = gnutls_certificate_set_x509_key_mem(t->credentials, &cert, &key, GNUTLS_X509_FMT_PEM);
	if (r == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return conf_refuse(w->key_file ?: "key", 0, error, "this key does not belong to the certificate %s",
				   w->cert_file ?: "in the configuration");
	if (r < 0)
		return tls_refuse(w->cert_file ?: "cert", "this certificate and its key cannot be used", r, error);
	if (t->ca) {
		gnutls_datum_t ca = datum(t->ca);

		r = gnutls_certificate_set_x509_trust_mem(t->credentials, &ca, GNUTLS_X509_FMT_PEM);
		if (r == 0)
			return conf_refuse(w->client_ca_file ?: "client_ca", 0, error, "there is no certificate in it");
		if (r < 0)
			return tls_refuse(w->client_ca_file ?: "client_ca", "cannot be used", r, error);
	}
	r = gnutls_priority_init(&t->priorities, t->priority_text, &wrong);
	return r < 0 ? tls_refuse("tls_server_config", "GnuTLS does not take these suites, versions or curves", r,
				  error)
		     : 0;
}

static int names_take(struct tls *t, const struct conf *list)
{
	for (size_t i = 0; list && i < list->parts.n; i++) {
		char *name = strdup(list->parts.at[i].text);

		if (!name || list_reserve(&t->names, t->names.n + 1) < 0) {
			free(name);
			return -ENOMEM;
		}
		t->names.at[t->names.n++] = name;
	}
	return 0;
}

int tls_open(struct tls **ret, const struct web_config *w, struct buf *error)
{
	struct tls *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->refs = 1;
	t->client_auth = w->client_auth;
	t->priority_text = strdup(w->priorities);
	r = t->priority_text ? names_take(t, w->client_sans) : -ENOMEM;
	r = r ?: pem_read(w->cert, w->cert_file, &t->cert, error);
	r = r ?: pem_read(w->key, w->key_file, &t->key, error);
	r = r ?: pem_read(w->client_ca, w->client_ca_file, &t->ca, error);
	r = r ?: credentials_fill(t, w, error);
	if (r < 0) {
		tls_unref(t);
		return r;
	}
	*ret = t;
	return 0;
}

struct tls *tls_ref(struct tls *t)
{
	t->refs++;
	return t;
}

void tls_unref(struct tls *t)
{
	if (!t || --t->refs)
		return;
	if (t->credentials)
		gnutls_certificate_free_credentials(t->credentials);
	if (t->priorities)
		gnutls_priority_deinit(t->priorities);
	if (t->key)
		explicit_bzero(t->key, strlen(t->key));
	for (size_t i = 0; i < t->names.n; i++)
		free(t->names.at[i]);
	list_free(&t->names);
	free(t->cert);
	free(t->key);
	free(t->ca);
	free(t->priority_text);
	free(t);
}

const char *tls_cert_pem(const struct tls *t)
{
	return t->cert;
}

const char *tls_key_pem(const struct tls *t)
{
	return t->key;
}

const char *tls_priority_text(const struct tls *t)
{
	return t->priority_text;
}

/* ---- clients ---- */

static bool name_allowed(const struct tls *t, const char *name, size_t len)
{
	for (size_t i = 0; i < t->names.n; i++)
		if (strlen(t->names.at[i]) == len && memcmp(t->names.at[i], name, len) == 0)
			return true;
	return false;
}

/* An address is compared as its text, as it stands in the configuration. */
static bool address_allowed(const struct tls *t, const void *address, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	int family = len == 4 ? AF_INET : len == 16 ? AF_INET6 : AF_UNSPEC;

	return family != AF_UNSPEC && inet_ntop(family, address, text, sizeof(text)) &&
	       name_allowed(t, text, strlen(text));
}

static bool names_allowed(const struct tls *t, gnutls_x509_crt_t cert)
{
	for (unsigned i = 0; t->names.n; i++) {
		char name[NAME_BYTES];
		size_t len = sizeof(name);
		int type = gnutls_x509_crt_get_subject_alt_name(cert, i, name, &len, NULL);

		if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
			continue; /* longer than any that is allowed */
		if (type < 0)
			return false;
		if (type == GNUTLS_SAN_IPADDRESS ? address_allowed(t, name, len) : name_allowed(t, name, len))
			return true;
	}
	return true;
}

static bool client_allowed(const struct tls *t, const gnutls_datum_t *der)
{
	gnutls_x509_crt_t cert;
	bool allowed = false;

	if (gnutls_x509_crt_init(&cert) < 0)
		return false;
	if (gnutls_x509_crt_import(cert, der, GNUTLS_X509_FMT_DER) == 0)
		allowed = names_allowed(t, cert);
	gnutls_x509_crt_deinit(cert);
	return allowed;
}

/* Anything but 0 ends the handshake. That there is a certificate at all was demanded before. */
static int client_verify(gnutls_session_t session)
{
	const struct tls *t = gnutls_session_get_ptr(session);
	gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (void *)GNUTLS_KP_TLS_WWW_CLIENT};
	const gnutls_datum_t *chain;
	unsigned n = 0, status = 0;

	chain = gnutls_certificate_get_peers(session, &n);
	if (!chain || !n)
		return t->client_auth == CLIENT_AUTH_VERIFY_IF_GIVEN ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
	if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0 || status)
		return GNUTLS_E_CERTIFICATE_ERROR;
	return client_allowed(t, &chain[0]) ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

int tls_begin(struct tls *t, gnutls_session_t session)
{
	bool verifies = t->client_auth == CLIENT_AUTH_VERIFY_IF_GIVEN || t->client_auth == CLIENT_AUTH_REQUIRE_VERIFY;

	if (gnutls_priority_set(session, t->priorities) < 0 ||
	    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, t->credentials) < 0)
		return -EIO;
	gnutls_session_set_ptr(session, t);
	gnutls_certificate_server_set_request(session, t->client_auth == CLIENT_AUTH_NONE ? GNUTLS_CERT_IGNORE
						       : t->client_auth == CLIENT_AUTH_REQUIRE_ANY ||
								       t->client_auth == CLIENT_AUTH_REQUIRE_VERIFY
							       ? GNUTLS_CERT_REQUIRE
							       : GNUTLS_CERT_REQUEST);
	if (verifies)
		gnutls_session_set_verify_function(session, client_verify);
	return 0;
}
