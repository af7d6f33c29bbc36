/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_passwords.c - checks of passwords: who is right, who is wrong, who is unknown, and how many may wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "config/conf.h"
#include "serve/secure/passwords.h"

/* bcrypt of "right", cost 4. */
#define TEXT                                                                         \
	"alice: $2y$04$abcdefghijklmnopqrstuuFmEfrkTQnczNzw475xE2VhDrK1uwJiC\nbob: " \
	"$2y$04$abcdefghijklmnopqrstuuFmEfrkTQnczNzw475xE2VhDrK1uwJiC\n"

struct fixture {
	struct conf *conf;
	struct passwords *passwords;
};

static int setup(void **state)
{
	static struct fixture f;
	_cleanup_buf_ struct buf error = {};

	if (conf_parse(&f.conf, TEXT, strlen(TEXT), "a.yml", &error) < 0 || passwords_open(&f.passwords, f.conf) < 0)
		return -1;
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	passwords_close(f->passwords);
	conf_free(f->conf);
	return 0;
}

/* Waits for one that is done. */
static void *done_next(struct passwords *p, bool *ret_right)
{
	struct pollfd fd = {.fd = passwords_fd(p), .events = POLLIN};
	void *who;

	while (!(who = passwords_done(p, ret_right)))
		assert_int_equal(poll(&fd, 1, 60000), 1);
	return who;
}

static void assert_checked(struct passwords *p, const char *name, const char *password, bool want)
{
	bool right = !want;
	int who;

	assert_int_equal(passwords_check(p, name, password, &who), PASSWORD_WAITS);
	assert_ptr_equal(done_next(p, &right), &who);
	assert_int_equal(right, want);
	/* From now on it is known. */
	assert_int_equal(passwords_check(p, name, password, &who), want ? PASSWORD_RIGHT : PASSWORD_WRONG);
}

static void test_checks(void **state)
{
	const struct fixture *f = *state;
	char longest[2000] = {};

	assert_checked(f->passwords, "alice", "right", true);
	assert_checked(f->passwords, "alice", "wrong", false);
	assert_checked(f->passwords, "alice", "", false);
	/* What is right for one says nothing of another, nor is it known. */
	assert_checked(f->passwords, "bob", "right", true);
	/* Who is unknown is not told apart from who is wrong. */
	assert_checked(f->passwords, "carol", "right", false);
	assert_checked(f->passwords, "", "right", false);
	memset(longest, 'x', sizeof(longest) - 1);
	assert_int_equal(passwords_check(f->passwords, "alice", longest, NULL), PASSWORD_WRONG);
	/* And alice still is who she was. */
	assert_int_equal(passwords_check(f->passwords, "alice", "right", NULL), PASSWORD_RIGHT);
}

/* A flood fills the queue; who is known passes it, and all who wait get their answer. */
static void test_flood(void **state)
{
	const struct fixture *f = *state;
	size_t waiting = 0, busy = 0;
	char password[32];
	bool right;

	assert_checked(f->passwords, "alice", "right", true);
	for (size_t i = 0; i < 200; i++) {
		enum password_answer a;

		snprintf(password, sizeof(password), "guess %zu", i);
		a = passwords_check(f->passwords, "alice", password, password);
		waiting += a == PASSWORD_WAITS;
		busy += a == PASSWORD_BUSY;
		assert_int_equal(passwords_check(f->passwords, "alice", "right", NULL), PASSWORD_RIGHT);
	}
	/* Nothing was taken out meanwhile: what is done counts as well. */
	assert_int_equal(waiting, 16);
	assert_int_equal(busy, 184);
	while (waiting--) {
		assert_ptr_equal(done_next(f->passwords, &right), password);
		assert_false(right);
	}
	assert_null(passwords_done(f->passwords, &right));
}

/* At the end each of those who wait is given back, once. */
static void test_stop(void **state)
{
	const struct fixture *f = *state;
	int who[16];
	size_t back = 0;
	char password[32];

	for (size_t i = 0; i < ARRAY_SIZE(who); i++) {
		snprintf(password, sizeof(password), "guess %zu", i);
		assert_int_equal(passwords_check(f->passwords, "alice", password, &who[i]), PASSWORD_WAITS);
	}
	passwords_stop(f->passwords);
	while (passwords_drop(f->passwords))
		back++;
	assert_int_equal(back, ARRAY_SIZE(who));
}

/* The threads of this process. */
static size_t threads_count(void)
{
	DIR *d = opendir("/proc/self/task");
	size_t n = 0;

	assert_non_null(d);
	for (const struct dirent *e = readdir(d); e; e = readdir(d))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* Milliseconds that others than this one have computed. */
static long others_ms(void)
{
	struct timespec all, mine;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &all);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &mine);
	return (all.tv_sec - mine.tv_sec) * 1000 + (all.tv_nsec - mine.tv_nsec) / 1000000;
}

/*
 * Users that are replaced while a password is being checked: who waits is given back at once, the rest goes away by itself. At cost
 * 22 a check takes minutes; it ends with the process.
 */
static void test_leaves(void **state)
{
	static const char slow[] = "alice: $2y$22$abcdefghijklmnopqrstuuFmEfrkTQnczNzw475xE2VhDrK1uwJiC\n";
	_cleanup_buf_ struct buf error = {};
	size_t threads = threads_count();
	struct passwords *p;
	struct conf *conf;
	int first, second;
	long before_ms;

	(void)state;
	assert_int_equal(conf_parse(&conf, TEXT, strlen(TEXT), "a.yml", &error), 0);
	for (size_t i = 0; i < 50; i++) {
		assert_int_equal(passwords_open(&p, conf), 0);
		assert_int_equal(passwords_check(p, "alice", "right", &first), PASSWORD_WAITS);
		passwords_end(p);
		assert_ptr_equal(passwords_drop(p), &first);
		assert_null(passwords_drop(p));
		passwords_leave(p);
	}
	conf_free(conf);
	while (threads_count() > threads)
		poll(NULL, 0, 1);
	assert_int_equal(conf_parse(&conf, slow, strlen(slow), "a.yml", &error), 0);
	assert_int_equal(passwords_open(&p, conf), 0);
	conf_free(conf);
	before_ms = others_ms();
	assert_int_equal(passwords_check(p, "alice", "right", &first), PASSWORD_WAITS);
	/* Then it is in the midst of it. */
	while (others_ms() < before_ms + 20)
		poll(NULL, 0, 1);
	assert_int_equal(passwords_check(p, "alice", "left", &second), PASSWORD_WAITS);
	passwords_end(p);
	assert_ptr_equal(passwords_drop(p), &second);
	assert_ptr_equal(passwords_drop(p), &first);
	assert_null(passwords_drop(p));
	passwords_leave(p);
	assert_int_equal(threads_count(), threads + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_checks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
		cmocka_unit_test(test_leaves), /* the last one: it leaves a thread that computes */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
