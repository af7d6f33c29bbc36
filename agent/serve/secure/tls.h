/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls.h - certificates of the server and of its clients, for GnuTLS sessions that libmicrohttpd makes: each session gets those
 * that are in force when it begins, so that a certificate that was replaced is served at once, and nobody is cut off. Called by
 * web.c and http.c. Never logs.
 */
#ifndef SYSSCOPE_SERVE_TLS_H
#define SYSSCOPE_SERVE_TLS_H

#include <gnutls/gnutls.h>

struct buf;
struct tls;
struct web_config;

/*
 * Reads and checks what the configuration names: certificate and key belong together, and whom clients have to be signed by. 0 or
 * negative errno with one line in `error`.
 */
int tls_open(struct tls **ret, const struct web_config *w, struct buf *error);
struct tls *tls_ref(struct tls *t);
void tls_unref(struct tls *t); /* NULL: does nothing */

/* For a session whose handshake has not begun, and which has to be over before `t` is given back. 0 or negative errno. */
int tls_begin(struct tls *t, gnutls_session_t session);

/* What libmicrohttpd wants to have before any session: PEM, and a priority string. */
const char *tls_cert_pem(const struct tls *t);
const char *tls_key_pem(const struct tls *t);
const char *tls_priority_text(const struct tls *t);

#endif
