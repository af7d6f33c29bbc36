/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_names.c - see tls_names.h. Tables only. */
#include <errno.h>
#include <string.h>

#include "config/conf.h"
#include "config/tls_names.h"

/* Names in Go, and the parts of GnuTLS's priority strings. Suites with RC4, 3DES or without forward secrecy are not offered. */
static const struct tls_suite {
	const char *name, *exchange, *cipher, *mac;
} tls_suites[] = {
	{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA", "AES-128-GCM", "AEAD"},
	{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA", "AES-256-GCM", "AEAD"},
	{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "ECDHE-ECDSA", "CHACHA20-POLY1305", "AEAD"},
	{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA", "CHACHA20-POLY1305", "AEAD"},
	{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA", "AES-128-GCM", "AEAD"},
	{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA", "AES-256-GCM", "AEAD"},
	{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "ECDHE-RSA", "CHACHA20-POLY1305", "AEAD"},
	{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA", "CHACHA20-POLY1305", "AEAD"},
	/* Of TLS 1.3, of which Go lets nobody choose: named in files all the same. */
	{"TLS_AES_128_GCM_SHA256", NULL, NULL, NULL},
	{"TLS_AES_256_GCM_SHA384", NULL, NULL, NULL},
	{"TLS_CHACHA20_POLY1305_SHA256", NULL, NULL, NULL},
};

static const struct {
	const char *name, *group;
} tls_curves[] = {
	{"CurveP256", "SECP256R1"},
	{"CurveP384", "SECP384R1"},
	{"CurveP521", "SECP521R1"},
	{"X25519", "X25519"},
};

static const struct tls_suite *suite_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(tls_suites); i++)
		if (strcmp(tls_suites[i].name, name) == 0)
			return &tls_suites[i];
	return NULL;
}

static bool suite_listed(const struct conf *list, const char *exchange, const char *cipher)
{
	for (size_t i = 0; i < list->parts.n; i++) {
		const struct tls_suite *s = suite_named(list->parts.at[i].text);

		if (s && s->exchange && strcmp(s->exchange, exchange) == 0 && strcmp(s->cipher, cipher) == 0)
			return true;
	}
	return false;
}

/* 12 or 13; 0: `error` is set. */
static unsigned version_number(const struct conf *c, unsigned otherwise, const char *path, struct buf *error)
{
	if (!c || strcmp(c->text, "TLS13") == 0)
		return c ? 13 : otherwise;
	if (strcmp(c->text, "TLS12") == 0)
		return 12;
	if (strcmp(c->text, "TLS10") == 0 || strcmp(c->text, "TLS11") == 0)
		conf_refuse(path, c->line, error, "%s: %s is not safe any more; TLS12 or TLS13", c->key, c->text);
	else
		conf_refuse(path, c->line, error, "%s: '%s' is neither TLS12 nor TLS13", c->key, c->text);
	return 0;
}

static int versions_add(struct buf *out, const struct tls_names *names, const char *path, struct buf *error)
{
	unsigned min = version_number(names->min_version, 12, path, error);
	unsigned max = min ? version_number(names->max_version, 13, path, error) : 0;

	if (!min || !max)
		return -EINVAL;
	if (min > max)
		return conf_refuse(path, names->max_version->line, error, "max_version is below min_version");
	buf_str(out, ":-VERS-ALL");
	if (max >= 13)
		buf_str(out, ":+VERS-TLS1.3");
	if (min <= 12)
		buf_str(out, ":+VERS-TLS1.2");
	return 0;
}

/* Each of the list once, in its order, behind what is taken away. */
static int suites_add(struct buf *out, const struct conf *list, const char *path, struct buf *error)
{
	bool any = false;

	for (size_t i = 0; i < list->parts.n; i++) {
		const struct conf *c = &list->parts.at[i];
		const struct tls_suite *s = suite_named(c->text);

		if (!s)
			return conf_refuse(
				path, c->line, error,
				"cipher_suites: '%s' is not offered; known are those of ECDHE with AES-GCM or "
				"CHACHA20-POLY1305",
				c->text);
		any |= s->exchange != NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(tls_suites); i++)
		for (size_t j = 0; any && tls_suites[i].exchange && j < ARRAY_SIZE(tls_suites); j++) {
			const char *exchange = tls_suites[i].exchange, *cipher = tls_suites[j].cipher;
			bool both = cipher && suite_listed(list, exchange, cipher), row = false, column = false;

			for (size_t k = 0; cipher && k < ARRAY_SIZE(tls_suites); k++) {
				const struct tls_suite *s = &tls_suites[k];

				row |= s->cipher && suite_listed(list, exchange, s->cipher);
				column |= s->exchange && suite_listed(list, s->exchange, cipher);
			}
			if (row && column && !both)
				return conf_refuse(
					path, list->line, error,
					"cipher_suites: %s with %s would be possible, too, and is not in the "
					"list; add it, or leave out what has one of them",
					exchange, cipher);
		}
	if (!any)
		return 0;
	/* TLS 1.3 takes its ciphers from the same list, so these are the only ones that it offers, too. */
	buf_str(out, ":-KX-ALL:-CIPHER-ALL:-MAC-ALL:+AEAD");
	for (size_t i = 0; i < list->parts.n; i++) {
		const struct tls_suite *s = suite_named(list->parts.at[i].text);

		if (s && s->exchange)
			buf_printf(out, ":+%s:+%s", s->exchange, s->cipher);
	}
	return 0;
}

static int curves_add(struct buf *out, const struct conf *list, const char *path, struct buf *error)
{
	buf_str(out, ":-GROUP-ALL");
	for (size_t i = 0; i < list->parts.n; i++) {
		const struct conf *c = &list->parts.at[i];
		size_t k = 0;

		while (k < ARRAY_SIZE(tls_curves) && strcmp(tls_curves[k].name, c->text) != 0)
			k++;
		if (k == ARRAY_SIZE(tls_curves))
			return conf_refuse(path, c->line, error,
					   "curve_preferences: '%s' is none of CurveP256, CurveP384, CurveP521, X25519",
					   c->text);
		buf_printf(out, ":+GROUP-%s", tls_curves[k].group);
	}
	return 0;
}

int tls_priorities(const struct tls_names *names, const char *path, char **ret, struct buf *error)
{
	_cleanup_buf_ struct buf out = {};
	int r;

	buf_str(&out, "NORMAL:%SERVER_PRECEDENCE:-RSA:-DHE-RSA");
	r = versions_add(&out, names, path, error);
	if (!r && names->cipher_suites && names->cipher_suites->parts.n)
		r = suites_add(&out, names->cipher_suites, path, error);
	if (!r && names->curves && names->curves->parts.n)
		r = curves_add(&out, names->curves, path, error);
	if (r)
		return r;
	if (out.failed)
		return -ENOMEM;
	*ret = strdup(out.data);
	return *ret ? 0 : -ENOMEM;
}
