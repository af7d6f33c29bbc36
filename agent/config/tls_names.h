/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls_names.h - versions, cipher suites and curves under the names that the exporters' toolkit has from Go, as GnuTLS writes
 * them. Called by web_config.c.
 */
#ifndef SYSSCOPE_CONFIG_TLS_NAMES_H
#define SYSSCOPE_CONFIG_TLS_NAMES_H

struct buf;
struct conf;

/* As in the file; NULL: not given. */
struct tls_names {
	const struct conf *min_version, *max_version; /* texts; TLS12 and TLS13 */
	const struct conf *cipher_suites, *curves;    /* lists of texts */
};

/*
 * The priority string of GnuTLS, malloc'ed. GnuTLS combines what it is given, so a list of suites has to be all combinations of
 * its key exchanges, ciphers and codes; the error names one that is missing. As in Go it is for TLS 1.2 only. 0, -EINVAL with
 * `error`, or -ENOMEM.
 */
int tls_priorities(const struct tls_names *names, const char *path, char **ret, struct buf *error);

#endif
