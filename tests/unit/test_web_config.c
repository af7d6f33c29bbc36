/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_web_config.c - the file of --web.config.file: what it may say, and how what it may not say is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <unistd.h>

#include "config/conf.h"
#include "config/web_config.h"

/* bcrypt of "right", cost 4. */
#define HASH "$2y$04$abcdefghijklmnopqrstuuFmEfrkTQnczNzw475xE2VhDrK1uwJiC"

static char folder[] = "/tmp/sysscope-web-XXXXXX", path[64];

static int folder_make(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/web.yml", mkdtemp(folder) ? folder : "");
	return 0;
}

static int folder_remove(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static int web_config_of(struct web_config **ret, const char *text, struct buf *error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
	close(fd);
	return web_config_read(ret, path, error);
}

static struct web_config *accepted(const char *text)
{
	_cleanup_buf_ struct buf error = {};
	struct web_config *w = NULL;

	if (web_config_of(&w, text, &error) < 0)
		fail_msg("%s", error.data);
	return w;
}

static void test_whole(void **state)
{
	struct web_config *w = accepted("tls_server_config:\n"
					"  cert_file: server.crt\n"
					"  key_file: /etc/keys/server.key\n"
					"  client_auth_type: RequireAndVerifyClientCert\n"
					"  client_ca_file: ca/clients.crt\n"
					"  client_allowed_sans: [prometheus.example]\n"
					"  min_version: TLS13\n"
					"  prefer_server_cipher_suites: true\n"
					"http_server_config:\n"
					"  http2: true\n"
					"  headers:\n"
					"    X-Frame-Options: deny\n"
					"    Strict-Transport-Security: max-age=31536000; includeSubDomains\n"
					"basic_auth_users:\n"
					"  alice: " HASH "\n");
	char want[128];

	(void)state;
	assert_true(w->tls);
	snprintf(want, sizeof(want), "%s/server.crt", folder);
	assert_string_equal(w->cert_file, want);
	assert_string_equal(w->key_file, "/etc/keys/server.key");
	snprintf(want, sizeof(want), "%s/ca/clients.crt", folder);
	assert_string_equal(w->client_ca_file, want);
	assert_int_equal(w->client_auth, CLIENT_AUTH_REQUIRE_VERIFY);
	assert_int_equal(w->client_sans->parts.n, 1);
	assert_int_equal(w->headers->parts.n, 2);
	assert_string_equal(conf_get(w->users, "alice")->text, HASH);
	assert_non_null(strstr(w->priorities, "+VERS-TLS1.3"));
	assert_null(strstr(w->priorities, "+VERS-TLS1.2"));
	web_config_free(w);
}

static void test_empty(void **state)
{
	struct web_config *w = accepted("");

	(void)state;
	assert_false(w->tls);
	assert_null(w->users);
	assert_null(w->headers);
	web_config_free(w);
}

#define TLS "tls_server_config:\n  cert_file: a\n  key_file: b\n"

/* GnuTLS takes each string that can come out. */
static void test_priorities(void **state)
{
	static const struct {
		const char *text, *has, *has_not;
	} rows[] = {
		{TLS, "+VERS-TLS1.3:+VERS-TLS1.2", "+VERS-TLS1.1"},
		{TLS "  max_version: TLS12\n", "+VERS-TLS1.2", "+VERS-TLS1.3"},
		{TLS "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n", "+ECDHE-RSA:+AES-128-GCM", "ECDSA"},
		{TLS "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n", "NORMAL", "+AES"},
		{TLS "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "
		     "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]\n",
		 "+CHACHA20-POLY1305", "AES-128"},
		{TLS "  curve_preferences: [X25519, CurveP256]\n", "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1", "P384"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct web_config *w = accepted(rows[i].text);
		gnutls_priority_t p;
		const char *wrong;

		assert_non_null(strstr(w->priorities, rows[i].has));
		assert_null(strstr(w->priorities, rows[i].has_not));
		if (gnutls_priority_init(&p, w->priorities, &wrong) < 0)
			fail_msg("%s: from here on: %s", w->priorities, wrong);
		gnutls_priority_deinit(p);
		web_config_free(w);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *want; /* behind the path */
	} rows[] = {
		{"tls_config: {}\n",
		 ":1: unknown key 'tls_config'; known here: tls_server_config, http_server_config, basic_auth_users"},
		{"rate_limit: {interval: 1s}\n", ":1: unknown key 'rate_limit'"},
		{"tls_server_config:\n  key_file: b\n", ":2: tls_server_config needs cert_file"},
		{"tls_server_config:\n  cert_file: a\n", ":2: tls_server_config needs key_file"},
		{TLS "  cert: x\n", ":2: cert and cert_file are both given"},
		{TLS "  min_version: TLS10\n", ":4: min_version: TLS10 is not safe any more; TLS12 or TLS13"},
		{TLS "  min_version: '1.2'\n", ":4: min_version: '1.2' is neither TLS12 nor TLS13"},
		{TLS "  min_version: TLS13\n  max_version: TLS12\n", ":5: max_version is below min_version"},
		{TLS "  client_auth_type: yes please\n", ":4: client_auth_type: 'yes please' is none of"},
		{TLS "  client_auth_type: RequireAndVerifyClientCert\n",
		 ":2: client_auth_type: certificates cannot be verified without client_ca_file"},
		{TLS "  client_ca_file: ca\n", ":2: client_ca_file has no effect without client_auth_type"},
		{TLS "  client_allowed_sans: [a]\n", ":4: client_allowed_sans needs client_auth_type"},
		{TLS "  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n",
		 ":4: cipher_suites: 'TLS_RSA_WITH_RC4_128_SHA' is not offered"},
		{TLS "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "
		     "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n",
		 ":4: cipher_suites: ECDHE-ECDSA with AES-128-GCM would be possible, too"},
		{TLS "  curve_preferences: [CurveP224]\n", ":4: curve_preferences: 'CurveP224' is none of"},
		{"http_server_config:\n  headers:\n    Set-Cookie: a\n", ":3: the header 'Set-Cookie' cannot be set"},
		{"http_server_config:\n  headers:\n    X-Frame-Options: maybe\n", ":3: X-Frame-Options: expected deny"},
		{"http_server_config:\n  headers:\n    X-XSS-Protection: \"a\\r\\nb: c\"\n",
		 ":3: X-XSS-Protection: only"},
		{"http_server_config:\n  headers:\n    X-Frame-Options: deny\n    x-frame-options: sameorigin\n",
		 ":4: the header 'x-frame-options' is there twice"},
		{"basic_auth_users:\n  alice: secret\n", ":2: the password of 'alice' is no bcrypt hash"},
		{"basic_auth_users:\n  'a:b': " HASH "\n", ":2: the name of a user is empty or has a colon"},
		{"basic_auth_users:\n  a: $2y$20$abcdefghijklmnopqrstuumOHFVgXsFWjVWzIeZqjqnsE.YqvCCJ2\n",
		 ":2: the hash of 'a' has cost 20"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf error = {};
		struct web_config *w = NULL;

		assert_int_equal(web_config_of(&w, rows[i].text, &error), -EINVAL);
		assert_null(w);
		if (strncmp(error.data, path, strlen(path)) != 0 ||
		    strncmp(error.data + strlen(path), rows[i].want, strlen(rows[i].want)) != 0)
			fail_msg("saw '%s', expected '...%s'", error.data, rows[i].want);
		assert_null(strstr(error.data, HASH));
		assert_null(strstr(error.data, "secret"));
	}
}

static void test_bcrypt(void **state)
{
	(void)state;
	assert_int_equal(bcrypt_cost(HASH), 4);
	assert_int_equal(bcrypt_cost(""), 0);
	assert_int_equal(bcrypt_cost("$2y$10$tooshort"), 0);
	assert_int_equal(bcrypt_cost("$1$abcdefgh$0123456789012345678901234567890123456789012345678"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	cmocka_unit_test(test_empty),  cmocka_unit_test(test_priorities),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_bcrypt),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
