/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * passwords.c - see passwords.h. One thread checks with the C library's crypt_rn; the lock is held for copying only. What is
 * remembered of a password is a keyed digest, which is worth nothing outside of this process.
 */
#include <crypt.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/util.h"
#include "config/conf.h"
#include "confine/confine.h"
#include "serve/secure/passwords.h"

#define DIGEST_BYTES   32
#define WAITING_MAX    16 /* at 50 ms each the last one waits for 0.8 s */
#define WRONG_KEPT     64
#define PASSWORD_BYTES 512 /* CRYPT_MAX_PASSPHRASE_SIZE */

struct password_user {
	char *name, *hash;
	bool known; /* `digest` is that of its password */
	unsigned char digest[DIGEST_BYTES];
};

struct password_check {
	void *who;
	struct password_user *user; /* NULL: there is nobody of that name */
	size_t stand_in;	    /* then: a number that is its own */
	unsigned char digest[DIGEST_BYTES];
	char password[PASSWORD_BYTES];
	bool right;
};

/* First in, first out. */
struct check_list {
	struct password_check at[WAITING_MAX];
	size_t n;
};

struct passwords {
	LIST(struct password_user) list;
	unsigned char key[DIGEST_BYTES];
	unsigned char wrong[WRONG_KEPT][DIGEST_BYTES];
	size_t n_wrong; /* ever; the latest WRONG_KEPT are there */
	struct crypt_data scratch;

	pthread_t thread;
	bool threaded;
	int fd;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t more;
	struct check_list waiting, done;
	bool checking, ends; /* one more is between the two lists */
	void *checked;	     /* who that is about; NULL: also if he was given back */
	bool left;	     /* the thread frees it */
};

static void passwords_free(struct passwords *u);

/* ---- the thread ---- */

static void list_take(struct check_list *list, struct password_check *ret)
{
	*ret = list->at[0];
	list->n--;
	memmove(list->at, list->at + 1, list->n * sizeof(list->at[0]));
	explicit_bzero(&list->at[list->n], sizeof(list->at[0]));
}

static bool same_text(const char *a, const char *b)
{
	size_t n = strlen(a);

	return n == strlen(b) && gnutls_memcmp(a, b, n) == 0;
}

/*
 * Of a user that there is not, another one's hash is worked through, for the same time: always the same one for a name, so that
 * hashes of several costs tell nothing either.
 */
static bool password_right(struct passwords *u, const struct password_check *c)
{
	const char *hash = c->user ? c->user->hash : u->list.at[c->stand_in % u->list.n].hash;
	const char *made = crypt_rn(c->password, hash, &u->scratch, (int)sizeof(u->scratch));

	return made && same_text(made, hash) && c->user;
}

static void *passwords_thread(void *arg)
{
	struct passwords *u = arg;
	struct password_check c;
	const uint64_t one = 1;
	bool left;

	/* It computes, and that is all. */
	confine_rights(0);
	pthread_mutex_lock(&u->lock);
	while (!u->ends) {
		if (!u->waiting.n) {
			pthread_cond_wait(&u->more, &u->lock);
			continue;
		}
		list_take(&u->waiting, &c);
		u->checking = true;
		u->checked = c.who;
		pthread_mutex_unlock(&u->lock);
		c.right = password_right(u, &c);
		explicit_bzero(c.password, sizeof(c.password));
		pthread_mutex_lock(&u->lock);
		u->checking = false;
		if (!u->checked)
			continue;
		u->checked = NULL;
		u->done.at[u->done.n++] = c; /* there is room: passwords_check counts all three */
		if (write(u->fd, &one, sizeof(one)) < 0)
			continue; /* it is readable anyway */
	}
	left = u->left;
	pthread_mutex_unlock(&u->lock);
	if (left)
		passwords_free(u);
	return NULL;
}

/* ---- open and close ---- */

static int user_add(struct passwords *u, const struct conf *c)
{
	struct password_user *user;

	if (list_reserve(&u->list, u->list.n + 1) < 0)
		return -ENOMEM;
	user = &u->list.at[u->list.n++];
	*user = (struct password_user){.name = strdup(c->key), .hash = strdup(c->text)};
	return user->name && user->hash ? 0 : -ENOMEM;
}

int passwords_open(struct passwords **ret, const struct conf *list)
{
	struct passwords *u = calloc(1, sizeof(*u));
	int r = 0;

	if (!u)
		return -ENOMEM;
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->more, NULL);
	for (size_t i = 0; !r && i < list->parts.n; i++)
		r = user_add(u, &list->parts.at[i]);
	u->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!r && u->fd < 0)
		r = -errno;
	if (!r && gnutls_rnd(GNUTLS_RND_KEY, u->key, sizeof(u->key)) < 0)
		r = -EIO;
	if (!r)
		r = -pthread_create(&u->thread, NULL, passwords_thread, u);
	u->threaded = !r;
	if (!r)
		pthread_setname_np(u->thread, "passwords");
	if (r < 0) {
		passwords_close(u);
		return r;
	}
	*ret = u;
	return 0;
}

void passwords_end(struct passwords *u)
{
	pthread_mutex_lock(&u->lock);
	u->ends = true;
	pthread_cond_signal(&u->more);
	pthread_mutex_unlock(&u->lock);
}

void passwords_stop(struct passwords *u)
{
	passwords_end(u);
	if (u->threaded)
		pthread_join(u->thread, NULL);
	u->threaded = false;
}

static void passwords_free(struct passwords *u)
{
	closep(&u->fd);
	for (size_t i = 0; i < u->list.n; i++) {
		free(u->list.at[i].name);
		free(u->list.at[i].hash);
	}
	list_free(&u->list);
	pthread_cond_destroy(&u->more);
	pthread_mutex_destroy(&u->lock);
	explicit_bzero(u, sizeof(*u));
	free(u);
}

void passwords_close(struct passwords *u)
{
	if (!u)
		return;
	passwords_stop(u);
	passwords_free(u);
}

void passwords_leave(struct passwords *u)
{
	pthread_t thread = u->thread;
	bool checking;

	pthread_mutex_lock(&u->lock);
	checking = u->checking;
	u->left = checking;
	pthread_mutex_unlock(&u->lock);
	if (checking)
		pthread_detach(thread);
	else
		passwords_close(u);
}

bool passwords_same(const struct passwords *u, const struct conf *list)
{
	if (!u || !list || u->list.n != list->parts.n)
		return !u && (!list || !list->parts.n);
	for (size_t i = 0; i < u->list.n; i++)
		if (strcmp(u->list.at[i].name, list->parts.at[i].key) != 0 ||
		    strcmp(u->list.at[i].hash, list->parts.at[i].text) != 0)
			return false;
	return true;
}

int passwords_fd(const struct passwords *u)
{
	return u->fd;
}

/* ---- asking ---- */

/* With their lengths, so that no two pairs have the same text. False: no memory. */
static bool pair_digest(const struct passwords *u, const char *name, const char *password, unsigned char *ret)
{
	_cleanup_buf_ struct buf text = {};
	bool made;

	buf_printf(&text, "%zu:%s:%zu:%s", strlen(name), name, strlen(password), password);
	made = !text.failed &&
	       gnutls_hmac_fast(GNUTLS_MAC_SHA256, u->key, sizeof(u->key), text.data, text.len, ret) == 0;
	if (text.data)
		explicit_bzero(text.data, text.len);
	return made;
}

static bool wrong_before(const struct passwords *u, const unsigned char *digest)
{
	size_t n = u->n_wrong < WRONG_KEPT ? u->n_wrong : WRONG_KEPT;

	for (size_t i = 0; i < n; i++)
		if (memcmp(u->wrong[i], digest, DIGEST_BYTES) == 0)
			return true;
	return false;
}

enum password_answer passwords_check(struct passwords *u, const char *name, const char *password, void *who)
{
	struct password_check c = {.who = who};
	unsigned char of_name[DIGEST_BYTES];
	bool room;

	if (strlen(password) >= sizeof(c.password))
		return PASSWORD_WRONG;
	if (!pair_digest(u, name, password, c.digest))
		return PASSWORD_BUSY;
	for (size_t i = 0; i < u->list.n; i++)
		if (strcmp(u->list.at[i].name, name) == 0)
			c.user = &u->list.at[i];
	if (!c.user && gnutls_hmac_fast(GNUTLS_MAC_SHA256, u->key, sizeof(u->key), name, strlen(name), of_name) == 0)
		memcpy(&c.stand_in, of_name, sizeof(c.stand_in));
	if (c.user && c.user->known && memcmp(c.user->digest, c.digest, DIGEST_BYTES) == 0)
		return PASSWORD_RIGHT;
	if (wrong_before(u, c.digest))
		return PASSWORD_WRONG;
	memcpy(c.password, password, strlen(password) + 1);
	pthread_mutex_lock(&u->lock);
	room = !u->ends && u->waiting.n + u->done.n + u->checking < WAITING_MAX;
	if (room)
		u->waiting.at[u->waiting.n++] = c;
	pthread_cond_signal(&u->more);
	pthread_mutex_unlock(&u->lock);
	explicit_bzero(c.password, sizeof(c.password));
	return room ? PASSWORD_WAITS : PASSWORD_BUSY;
}

void *passwords_done(struct passwords *u, bool *ret_right)
{
	struct password_check c = {};
	uint64_t some;
	bool any;

	pthread_mutex_lock(&u->lock);
	any = u->done.n > 0;
	if (any)
		list_take(&u->done, &c);
	if (!u->done.n && read(u->fd, &some, sizeof(some)) < 0)
		some = 0; /* it was not readable */
	pthread_mutex_unlock(&u->lock);
	if (!any)
		return NULL;
	if (c.right) {
		memcpy(c.user->digest, c.digest, DIGEST_BYTES);
		c.user->known = true;
	} else {
		memcpy(u->wrong[u->n_wrong++ % WRONG_KEPT], c.digest, DIGEST_BYTES);
	}
	*ret_right = c.right;
	return c.who;
}

void *passwords_drop(struct passwords *u)
{
	struct password_check c = {};
	bool right;

	pthread_mutex_lock(&u->lock);
	if (u->waiting.n) {
		list_take(&u->waiting, &c);
	} else if (u->checked) {
		c.who = u->checked;
		u->checked = NULL;
	}
	pthread_mutex_unlock(&u->lock);
	explicit_bzero(c.password, sizeof(c.password));
	return c.who ?: passwords_done(u, &right);
}
