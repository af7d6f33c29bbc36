/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_identity_hostile.c - files that were made to hurt who reads them: each must be refused at once, counted, and
 * leave the container with its short id. Both ways to open are tried: openat2 and component by component.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/identity_root.h"

#include "identity/store/hostile_file.h"
#include "identity/identity.h"
#include "base/util.h"

#define CONFIG	 DOCKER_FOLDER A "/config.v2.json"
#define RELATIVE "containers/" A "/config.v2.json"
#define GOOD	 "{\"ID\":\"" A "\",\"Name\":\"/web\",\"Config\":{\"Image\":\"i\"}}"

/* ---- what is no file of the expected owner ---- */

static int open_one(const char *path, uid_t owner, unsigned int flags)
{
	_cleanup_close_ int root = open(root_dir, O_PATH | O_DIRECTORY), folder = -1, fd = -1;
	struct stat st;
	int r = trusted_folder_open(root, "/var/lib/docker", &folder);

	assert_int_equal(r, 0);
	r = hostile_open(folder, path, owner, HOSTILE_FILE_MAX, flags, &fd, &st);
	assert_true((r == 0) == (fd >= 0));
	return r;
}

static void open_check(const char *path, uid_t owner, int want)
{
	for (unsigned int flags = 0; flags < 4; flags++) {
		int r = open_one(path, owner, flags);

		if (r != want)
			fail_msg("%s, flags %u: %d, not %d", path, flags, r, want);
	}
}

static void name_check(bool named, bool refused)
{
	struct identities *ids = identities_new(root_dir);
	struct identity_stats stats;
	const struct identity *who;

	assert_non_null(ids);
	who = identities_get(ids, 1, "/docker/" A, 1);
	identities_stats(ids, &stats);
	assert_string_equal(who->name, named ? "web" : "4f2b0c9d8e7a");
	assert_int_equal(who->resolved, named);
	assert_int_equal(stats.refused, refused);
	assert_int_equal(stats.failures, !named);
	identities_free(ids);
}

static void good(void **state)
{
	(void)state;
	root_write(CONFIG, GOOD);
	open_check(RELATIVE, getuid(), 0);
	name_check(true, false);
}

static void missing(void **state)
{
	(void)state;
	root_folders(CONFIG);
	open_check(RELATIVE, getuid(), -ENOENT);
	open_check("containers/none/config.v2.json", getuid(), -ENOENT);
	name_check(false, false);
}

/* With nobody at the other end an open that waits would never return. */
static void fifo(void **state)
{
	(void)state;
	root_folders(CONFIG);
	assert_int_equal(mkfifo(root_path(CONFIG), 0600), 0);
	open_check(RELATIVE, getuid(), -ENOTSUP);
	name_check(false, true);
}

static void socket_file(void **state)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX, .sun_path = "s"};
	_cleanup_close_ int s = socket(AF_UNIX, SOCK_STREAM, 0), back = open(".", O_PATH | O_DIRECTORY);

	(void)state;
	root_folders(CONFIG);
	assert_int_equal(chdir(root_path(DOCKER_FOLDER A)), 0);
	assert_int_equal(bind(s, (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(rename("s", "config.v2.json"), 0);
	assert_int_equal(fchdir(back), 0);
	open_check(RELATIVE, getuid(), -ENOTSUP);
	name_check(false, true);
}

/* Opening one can already do something, and /dev/zero has no end. */
static void device(void **state)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY), folder = -1, fd = -1;
	struct stat st;

	(void)state;
	assert_int_equal(trusted_folder_open(root, "/dev", &folder), 0);
	assert_int_equal(hostile_open(folder, "zero", 0, HOSTILE_FILE_MAX, 0, &fd, &st), -ENOTSUP);
	assert_int_equal(hostile_open(folder, "zero", 0, HOSTILE_FILE_MAX, HOSTILE_NO_OPENAT2, &fd, &st), -ENOTSUP);
}

static void directory(void **state)
{
	(void)state;
	root_folders(CONFIG "/");
	open_check(RELATIVE, getuid(), -EISDIR);
	name_check(false, true);
}

static void links(void **state)
{
	char inside[2 * PATH_MAX];

	(void)state;
	/* Outside of the folder, as /etc/shadow would be. */
	root_write("/etc/secret", GOOD);
	root_folders(CONFIG);
	snprintf(inside, sizeof(inside), "%s", root_path("/etc/secret"));
	assert_int_equal(symlink(inside, root_path(CONFIG)), 0);
	open_check(RELATIVE, getuid(), -ELOOP);
	name_check(false, true);
	/* Inside of it, next to it. */
	root_delete(CONFIG);
	root_write(DOCKER_FOLDER A "/other", GOOD);
	assert_int_equal(symlink("other", root_path(CONFIG)), 0);
	open_check(RELATIVE, getuid(), -ELOOP);
	/* In the middle of the path. */
	assert_int_equal(rename(root_path(DOCKER_FOLDER A), root_path("/var/real")), 0);
	root_write("/var/real/config.v2.json", GOOD);
	assert_int_equal(symlink("../../../real", root_path(DOCKER_FOLDER A)), 0);
	open_check(RELATIVE, getuid(), -ELOOP);
	name_check(false, true);
	/* Magic ones, and a way out by name. */
	open_check("../docker/" RELATIVE, getuid(), -EXDEV);
}

static void too_large(void **state)
{
	_cleanup_buf_ struct buf text = {};

	(void)state;
	buf_str(&text, GOOD);
	while (text.len < 5 << 20)
		buf_str(&text, "                ");
	root_write(CONFIG, text.data);
	open_check(RELATIVE, getuid(), -EFBIG);
	name_check(false, true);
	/* A hole costs its maker nothing. */
	root_write(CONFIG, GOOD);
	assert_int_equal(truncate(root_path(CONFIG), 1 << 30), 0);
	open_check(RELATIVE, getuid(), -EFBIG);
	/* To the byte. */
	text.data[HOSTILE_FILE_MAX] = '\0';
	root_write(CONFIG, text.data);
	open_check(RELATIVE, getuid(), 0);
	name_check(true, false);
	text.data[HOSTILE_FILE_MAX] = ' ';
	text.data[HOSTILE_FILE_MAX + 1] = '\0';
	root_write(CONFIG, text.data);
	open_check(RELATIVE, getuid(), -EFBIG);
}

/* Small when it was looked at, large when it is read. */
static void grows(void **state)
{
	_cleanup_close_ int root = open(root_dir, O_PATH | O_DIRECTORY), fd = -1;
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t len;

	(void)state;
	root_write("/f", "1234");
	assert_int_equal(hostile_open(root, "f", getuid(), 100, 0, &fd, &st), 0);
	assert_int_equal(truncate(root_path("/f"), 101), 0);
	assert_int_equal(hostile_read(fd, 100, &text, &len), -EFBIG);
	assert_int_equal(truncate(root_path("/f"), 4), 0);
	assert_int_equal(hostile_read(fd, 100, &text, &len), 0);
	assert_string_equal(text, "1234");
}

static void owners(void **state)
{
	(void)state;
	root_write(CONFIG, GOOD);
	open_check(RELATIVE, getuid() + 1, -EPERM);
	if (getuid() == 0) {
		assert_int_equal(chown(root_path(CONFIG), 1000, 1000), 0);
		open_check(RELATIVE, 0, -EPERM);
		open_check(RELATIVE, 1000, 0);
		name_check(false, true);
		assert_int_equal(chown(root_path(CONFIG), 0, 0), 0);
	}
	assert_int_equal(chmod(root_path(CONFIG), 0602), 0);
	open_check(RELATIVE, getuid(), -EPERM);
	name_check(false, true);
	assert_int_equal(chmod(root_path(CONFIG), 0620), 0);
	open_check(RELATIVE, getuid(), -EPERM);
	assert_int_equal(chmod(root_path(CONFIG), 0644), 0);
	open_check(RELATIVE, getuid(), 0);
}

/* Nothing but 64 hex digits becomes part of a path; nothing but the container's own file is about it. */
static void other_ids(void **state)
{
	(void)state;
	root_write(CONFIG, "{\"ID\":\"" B "\",\"Name\":\"/web\"}");
	name_check(false, true);
	root_write(CONFIG, "{\"ID\":7,\"Name\":\"/web\"}");
	name_check(false, true);
	root_write(CONFIG, GOOD);
	name_check(true, false);
}

/* ---- JSON ---- */

static void nest(struct buf *to, const char *open, const char *close, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_str(to, open);
	buf_str(to, "1");
	for (int i = 0; i < depth; i++)
		buf_str(to, close);
}

static void json_depth(void **state)
{
	static const struct {
		int depth, result;
	} cases[] = {{1, 0}, {HOSTILE_JSON_DEPTH, 0}, {HOSTILE_JSON_DEPTH + 1, -EBADMSG}, {100000, -EBADMSG}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf lists = {}, objects = {};
		_cleanup_json_ json_t *a = NULL, *b = NULL;

		nest(&lists, "[", "]", cases[i].depth);
		nest(&objects, "{\"a\":", "}", cases[i].depth);
		assert_int_equal(hostile_json(lists.data, lists.len, &a), cases[i].result);
		assert_int_equal(hostile_json(objects.data, objects.len, &b), cases[i].result);
	}
}

static void json_parts(void **state)
{
	_cleanup_buf_ struct buf text = {};
	_cleanup_json_ json_t *j = NULL;

	(void)state;
	buf_char(&text, '{');
	for (int i = 0; i < 1000000; i++)
		buf_printf(&text, "\"%x\":0,", i);
	buf_str(&text, "\"z\":0}");
	assert_int_equal(hostile_json(text.data, text.len, &j), -EBADMSG);
	/* Brackets and commas within a string are text. */
	buf_reset(&text);
	buf_str(&text, "[\"\\\"");
	for (int i = 0; i < 1000000; i++)
		buf_str(&text, "[{,:");
	buf_str(&text, "\\\\\"]");
	assert_int_equal(hostile_json(text.data, text.len, &j), 0);
}

static void json_bad(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"[1,",
		"nul",
		"{\"a\":1",
		"{\"a\"}",
		"{\"a\":1,\"a\":2}",
		"[1e999]",
		"[-1e999]",
		"[99999999999999999999999]",
		"[\"\xff\"]",
		"[\"\xc0\xaf\"]",
		"[\"\xed\xa0\x80\"]",
		"[\"\\ud800\"]",
		"[\"\\u0000\"]",
		"[\"a\nb\"]",
		"[1] x",
		"]",
		"<html>",
		"{\"a\":01}",
		"\xef\xbb\xbf{}",
		"[\"",
		"[\"\\",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		/* Exactly as large as it is, so that ASan sees a read past the end. */
		_cleanup_free_ char *copy = malloc(strlen(bad[i]) ?: 1);
		_cleanup_json_ json_t *j = NULL;

		memcpy(copy, bad[i], strlen(bad[i]));
		if (hostile_json(copy, strlen(bad[i]), &j) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
		root_write(CONFIG, bad[i]);
		name_check(false, true);
	}
	root_write_bytes(CONFIG, GOOD "\0", sizeof(GOOD));
	name_check(false, true);
}

/* Valid, and nothing like what it should be: what is not understood is not known. */
static void json_wrong_types(void **state)
{
	static const char *const lists[] = {"containers.json", "volatile-containers.json"};
	static const struct {
		const char *text;
		bool named;
	} cases[] = {
		{"5", false},
		{"[]", false},
		{"null", false},
		{"{}", false},
		{"{\"ID\":\"" A "\"}", false},
		{"{\"ID\":\"" A "\",\"Name\":5}", false},
		{"{\"ID\":\"" A "\",\"Name\":\"\"}", false},
		{"{\"ID\":\"" A "\",\"Name\":\"/\"}", false},
		{"{\"ID\":\"" A "\",\"Name\":[\"/web\"]}", false},
		{"{\"ID\":\"" A "\",\"Name\":\"/web\"}", true},
		{"{\"ID\":\"" A "\",\"Name\":\"/web\",\"Config\":5}", true},
		{"{\"ID\":\"" A "\",\"Name\":\"/web\",\"Config\":{\"Image\":{},\"Labels\":5}}", true},
		{"{\"ID\":\"" A "\",\"Name\":\"/web\",\"Config\":{\"Image\":7,\"Labels\":[\"a\"]}}", true},
		{"{\"ID\":\"" A "\",\"Name\":\"/web\",\"Config\":{\"Labels\":{\"io.kubernetes.container.name\":5}}}",
		 true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		root_write(CONFIG, cases[i].text);
		name_check(cases[i].named, !cases[i].named);
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct identities *ids;

		for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
			char path[256];

			snprintf(path, sizeof(path), PODMAN_LIST "%s", lists[k]);
			root_write(path, k ? cases[i].text : "[[],{},{\"id\":\"" A "\",\"names\":5},{\"names\":[7]}]");
		}
		root_write("/etc/docker/daemon.json", cases[i].text);
		root_write("/etc/passwd", cases[i].text);
		ids = identities_new(root_dir);
		assert_non_null(ids);
		assert_false(identities_get(ids, 1, "/machine.slice/libpod-" A ".scope", 1)->resolved);
		assert_false(identities_get(ids, 2, "/user.slice/user-77.slice/docker-" A ".scope", 1)->resolved);
		identities_free(ids);
	}
}

/* Every cut of a good file: a name or none, never half of one. */
static void json_truncated(void **state)
{
	(void)state;
	for (size_t len = 0; len < strlen(GOOD); len++) {
		root_write_bytes(CONFIG, GOOD, len);
		name_check(false, true);
	}
}

/* Podman's list is one file for all containers: a broken version costs one look, then one stat each. */
static void podman_list_broken(void **state)
{
	struct identities *ids;
	struct identity_stats stats;

	(void)state;
	root_folders(PODMAN_LIST);
	assert_int_equal(mkfifo(root_path(PODMAN_LIST "containers.json"), 0600), 0);
	root_write(PODMAN_LIST "volatile-containers.json", "[{\"id\":\"" A "\",\"names\":[\"web\"]},]");
	ids = identities_new(root_dir);
	assert_non_null(ids);
	assert_false(identities_get(ids, 1, "/machine.slice/libpod-" A ".scope", 1)->resolved);
	identities_stats(ids, &stats);
	assert_int_equal(stats.refused, 2);
	assert_int_equal(stats.failures, 1);
	root_write(PODMAN_LIST "volatile-containers.json", "[{\"id\":\"" A "\",\"names\":[\"web\"]}]");
	assert_int_equal(identities_refresh(ids, 1000000001), 1);
	assert_string_equal(identities_get(ids, 1, "/machine.slice/libpod-" A ".scope", 1)->name, "web");
	identities_free(ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		root_test(good),
		root_test(missing),
		root_test(fifo),
		root_test(socket_file),
		root_test(device),
		root_test(directory),
		root_test(links),
		root_test(too_large),
		root_test(grows),
		root_test(owners),
		root_test(other_ids),
		root_test(json_depth),
		root_test(json_parts),
		root_test(json_bad),
		root_test(json_wrong_types),
		root_test(json_truncated),
		root_test(podman_list_broken),
	};

	return cmocka_run_group_tests_name("identity_hostile", tests, NULL, NULL);
}
