/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web.c - see web.h. Reads files when they change. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "config/conf.h"
#include "config/web_config.h"
#include "serve/secure/tls.h"
#include "serve/secure/passwords.h"
#include "serve/secure/web.h"

#define LOOK_EVERY_NS 1000000000ULL
#define FILES_MAX     4 /* the configuration, certificate, key, certificates that clients are signed by */

/* Another one of these is another version of a file. A file that is not there has none of them. */
struct web_file {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

struct web_files {
	struct web_file at[FILES_MAX];
};

struct web {
	const char *path;
	struct web_config *config;
	struct tls *tls;
	struct passwords *passwords;
	struct web_files files;
	/* What was refused last, and the versions of the files that it names. */
	bool is_refused;
	struct web_config *refused; /* NULL: it could not be read at all */
	struct web_files refused_files;
	uint64_t looked_ns;
};

static void files_look(const char *path, const struct web_config *c, struct web_files *ret)
{
	const char *paths[FILES_MAX] = {path, c ? c->cert_file : NULL, c ? c->key_file : NULL,
					c ? c->client_ca_file : NULL};
	struct stat st;

	memset(ret, 0, sizeof(*ret)); /* with its padding: these are compared as bytes */
	for (size_t i = 0; i < FILES_MAX; i++)
		if (paths[i] && stat(paths[i], &st) == 0) {
			ret->at[i].device = st.st_dev;
			ret->at[i].inode = st.st_ino;
			ret->at[i].size = st.st_size;
			ret->at[i].modified = st.st_mtim;
			ret->at[i].changed = st.st_ctim;
		}
}

static bool files_same(const struct web_files *a, const struct web_files *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/*
 * Everything that a file says, but the users. The versions are those from before each file was read: a change meanwhile is seen the
 * next time. They are there also if it fails.
 */
static int web_fill(struct web *w, struct buf *error)
{
	struct web_files before;
	int r;

	files_look(w->path, NULL, &before);
	w->files = before;
	r = web_config_read(&w->config, w->path, error);
	if (r < 0)
		return r;
	files_look(w->path, w->config, &w->files);
	w->files.at[0] = before.at[0];
	return w->config->tls ? tls_open(&w->tls, w->config, error) : 0;
}

static int users_fill(struct web *w)
{
	const struct conf *users = w->config->users;

	return users && users->parts.n ? passwords_open(&w->passwords, users) : 0;
}

static void web_empty(struct web *w)
{
	passwords_close(w->passwords);
	tls_unref(w->tls);
	web_config_free(w->config);
	w->passwords = NULL;
	w->tls = NULL;
	w->config = NULL;
}

int web_open(struct web **ret, const char *path, struct buf *error)
{
	struct web *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->path = path;
	r = web_fill(w, error);
	if (!r)
		r = users_fill(w);
	if (r < 0) {
		web_close(w);
		return r;
	}
	w->looked_ns = clock_boot_ns();
	*ret = w;
	return 0;
}

void web_close(struct web *w)
{
	if (!w)
		return;
	web_empty(w);
	web_config_free(w->refused);
	free(w);
}

struct passwords *web_passwords(const struct web *w)
{
	return w ? w->passwords : NULL;
}

struct tls *web_tls(const struct web *w)
{
	return w ? w->tls : NULL;
}

const struct conf *web_headers(const struct web *w)
{
	return w ? w->config->headers : NULL;
}

bool web_is_tls(const struct web *w)
{
	return w && w->config->tls;
}

bool web_asks_who(const struct web *w)
{
	return w && (w->passwords || w->config->client_auth == CLIENT_AUTH_REQUIRE_VERIFY);
}

bool web_is_refused(const struct web *w)
{
	return w->is_refused;
}

static void refused_set(struct web *w, bool is, struct web_config *config, const struct web_files *files)
{
	web_config_free(w->refused);
	w->is_refused = is;
	w->refused = config;
	w->refused_files = *files;
}

/* Whether one of the files is another one than when they were read last. */
static bool web_changed(struct web *w, bool now)
{
	struct web_files files;

	files_look(w->path, w->config, &files);
	if (files_same(&files, &w->files)) {
		if (w->is_refused)
			refused_set(w, false, NULL, &files);
		return false;
	}
	/* Asked for by a person, a file that is as wrong as before is said to be wrong again. */
	if (now || !w->is_refused)
		return true;
	files_look(w->path, w->refused, &files);
	return !files_same(&files, &w->refused_files);
}

int web_refresh(struct web *w, bool now, struct passwords **ret_before, struct buf *error)
{
	struct web next = {.path = w->path};
	bool same_users;
	int r;

	if (!now && clock_boot_ns() - w->looked_ns < LOOK_EVERY_NS)
		return 0;
	w->looked_ns = clock_boot_ns();
	if (!web_changed(w, now))
		return 0;
	r = web_fill(&next, error);
	if (r >= 0 && next.config->tls != w->config->tls)
		r = conf_refuse(w->path, 0, error, "TLS can only be switched on or off by a restart");
	/* Those who are known stay known if only a certificate was renewed. */
	same_users = r >= 0 && passwords_same(w->passwords, next.config->users);
	if (r >= 0 && !same_users)
		r = users_fill(&next);
	if (r < 0) {
		refused_set(w, true, next.config, &next.files);
		next.config = NULL;
		web_empty(&next);
		return r;
	}
	if (!same_users) {
		*ret_before = w->passwords;
		w->passwords = next.passwords;
	}
	tls_unref(w->tls);
	web_config_free(w->config);
	w->config = next.config;
	w->tls = next.tls;
	w->files = next.files;
	refused_set(w, false, NULL, &next.files);
	return 1;
}
