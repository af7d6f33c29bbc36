/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_options_layers.c - command line over environment over file over default, and what is said of each fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "config/conf.h"
#include "options/options.h"

/* As `serve` has them: switches of both kinds, one with a value and a "no-", a name below another one. */
struct layered {
	const char *path, *hook, *level;
	uint64_t most;
	double idle;
	bool detail, no_findings, off_disk, off_epoll, check;
	struct option_list addresses;
	struct option_conf conf;
};

#define ROWS 12
static size_t rows_fill(struct layered *g, struct option_row *rows)
{
	const struct option_row all[ROWS] = {
		ROW_LIST("web.listen-address", 0, &g->addresses, "ADDRESS", "where"),
		ROW_STRING("web.path", 'p', &g->path, "PATH", "which"),
		ROW_U64("web.max-requests", 0, 0, 100, &g->most, "N", "how many"),
		ROW_FLAG("metrics.detail", 0, &g->detail, "all"),
		ROW_FLAG("no-findings", 0, &g->no_findings, "none"),
		ROW_UNSET("collector.disk", 0, &g->off_disk, "run it"),
		ROW_FLAG("no-collector.disk", 0, &g->off_disk, "do not"),
		ROW_CHOICE("collector.epoll", 0, "auto|sched", &g->hook, "HOOK", "which"),
		ROW_FLAG("no-collector.epoll", 0, &g->off_epoll, "do not"),
		ROW_SECONDS("collector.epoll.idle", 0, 0, 10, &g->idle, "SECONDS", "how long"),
		ROW_ASK("config.check", 0, &g->check, "only look"),
		ROW_CONF("config.file", &g->conf, "more"),
	};

	*g = (struct layered){
		.path = "/p", .hook = "auto", .most = 7, .idle = 5, .addresses = {{"default"}, 1, false, ""}};
	memcpy(rows, all, sizeof(all));
	return ROWS;
}

static const struct verb verb = {.name = "test", .about = "Tests."};
static char file_path[64];

/* One that only its owner can write; NULL: none. */
static void file_write(const char *text)
{
	FILE *f = fopen(file_path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(file_path, 0600);
}

static int fresh(void **state)
{
	static char folder[] = "/tmp/sysscope-layers-XXXXXX";

	(void)state;
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file_path, sizeof(file_path), "%s/a.yml", folder);
	return 0;
}

static int gone(void **state)
{
	(void)state;
	unlink(file_path);
	*strrchr(file_path, '/') = '\0';
	return rmdir(file_path);
}

/* Parses "a b c"; what is said without the folder of the file. */
static int parse(struct layered *g, const char *line, char *said, size_t size)
{
	static char copy[256], *argv[16] = {"test"}, *state = NULL;
	struct option_row rows[ROWS];
	size_t n = rows_fill(g, rows);
	int argc = 1, r, err = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	char *at;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " ", &state); word; word = strtok_r(NULL, " ", &state))
		argv[argc++] = strcmp(word, "FILE") == 0 ? file_path : word;
	argv[argc] = NULL;
	dup2(fileno(file), STDERR_FILENO);
	r = options_parse(&verb, rows, n, argc, argv, NULL);
	fflush(stderr);
	dup2(err, STDERR_FILENO);
	close(err);
	rewind(file);
	said[fread(said, 1, size - 1, file)] = '\0';
	fclose(file);
	for (size_t folder = (size_t)(strrchr(file_path, '/') + 1 - file_path); (at = strstr(said, file_path));)
		memmove(at, at + folder, strlen(at + folder) + 1);
	return r;
}

static void test_file(void **state)
{
	char said[4096];
	struct layered g;

	(void)state;
	file_write("\xef\xbb\xbf# all of it\n"
		   "web:\n"
		   "  listen-address: ['127.0.0.1:1', ':2']\n"
		   "  max-requests: 9\n"
		   "web.path: /file\n"
		   "metrics: {detail: true}\n"
		   "findings: false\n"
		   "collector:\n"
		   "  disk: false\n"
		   "  epoll: sched\n"
		   "  epoll.idle: 2.5\n"
		   "log: {level: error}\n");
	assert_int_equal(parse(&g, "--config.file FILE", said, sizeof(said)), 0);
	assert_string_equal(said, "");
	assert_int_equal(g.addresses.n, 2);
	assert_string_equal(g.addresses.values[1], ":2");
	assert_string_equal(g.path, "/file");
	assert_string_equal(g.hook, "sched");
	assert_string_equal(g.conf.log_level, "error");
	assert_int_equal(g.most, 9);
	assert_true(g.detail && g.no_findings && g.off_disk && !g.off_epoll && g.idle == 2.5);
	conf_free(g.conf.tree);
	/* A list of one is a text, too; what is on is on. */
	file_write("web.listen-address: ':3'\nfindings: on\ncollector: {disk: yes, epoll: off}\n");
	assert_int_equal(parse(&g, "--config.file=FILE --config.file FILE", said, sizeof(said)), 0);
	assert_int_equal(g.addresses.n, 1);
	assert_string_equal(g.addresses.values[0], ":3");
	assert_true(!g.no_findings && !g.off_disk && g.off_epoll);
	conf_free(g.conf.tree);
	file_write("");
	assert_int_equal(parse(&g, "--config.file FILE", said, sizeof(said)), 0);
	assert_int_equal(g.most, 7);
	conf_free(g.conf.tree);
}

static void test_precedence(void **state)
{
	char said[4096];
	struct layered g;

	(void)state;
	file_write("web: {listen-address: [f1, f2], path: /file, max-requests: 1}\n"
		   "collector: {disk: false, epoll: false}\nfindings: false\nmetrics.detail: true\n");
	setenv("SYSSCOPE_CONFIG_FILE", file_path, 1);
	setenv("SYSSCOPE_WEB_LISTEN_ADDRESS", "e1,e2,e3", 1);
	setenv("SYSSCOPE_WEB_PATH", "/environment", 1);
	setenv("SYSSCOPE_FINDINGS", "true", 1);
	setenv("SYSSCOPE_METRICS_DETAIL", "", 1); /* as if it were not there */
	assert_int_equal(parse(&g, "", said, sizeof(said)), 0);
	assert_string_equal(said, "");
	assert_int_equal(g.addresses.n, 3);
	assert_string_equal(g.addresses.values[2], "e3");
	assert_string_equal(g.path, "/environment");
	assert_int_equal(g.most, 1);
	assert_true(!g.no_findings && g.off_disk && g.off_epoll && g.detail);
	conf_free(g.conf.tree);
	/* Each option once: what says that it runs is about what says that it does not. */
	assert_int_equal(parse(&g,
			       "--web.listen-address c1 -p /line --collector.disk --collector.epoll auto --no-findings",
			       said, sizeof(said)),
			 0);
	assert_int_equal(g.addresses.n, 1);
	assert_string_equal(g.addresses.values[0], "c1");
	assert_string_equal(g.path, "/line");
	assert_true(g.no_findings && !g.off_disk && !g.off_epoll);
	conf_free(g.conf.tree);
	/* What another layer covers has to be right all the same. */
	file_write("web: {path: /file, max-requests: -1}\n");
	assert_true(parse(&g, "--web.max-requests 3", said, sizeof(said)) < 0);
	assert_string_equal(said, "a.yml:1: web.max-requests: '-1' is not a whole number from 0 to 100\n");
	conf_free(g.conf.tree);
	unsetenv("SYSSCOPE_CONFIG_FILE");
	unsetenv("SYSSCOPE_WEB_LISTEN_ADDRESS");
	unsetenv("SYSSCOPE_WEB_PATH");
	unsetenv("SYSSCOPE_FINDINGS");
	unsetenv("SYSSCOPE_METRICS_DETAIL");
}

static void test_file_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} table[] = {
		{"web:\n  listen-adress: x\n",
		 "a.yml:2: unknown key 'web.listen-adress'; did you mean 'web.listen-address'?"},
		{"surprise: 1\n", "a.yml:1: unknown key 'surprise'; the keys are the options of sysscope test --help"},
		{"no-findings: true\n", "a.yml:1: unknown key 'no-findings'; write 'findings: false'"},
		{"config.file: b.yml\n",
		 "a.yml:1: 'config.file' cannot be in a file: --config.file can only be given on the command line"},
		{"help: true\n", "a.yml:1: 'help' cannot be in a file: --help can only be given on the command line"},
		{"web: 1\n", "a.yml:1: web: expected keys of its own"},
		{"web:\n  - path\n", "a.yml:2: web: expected keys of its own"},
		{"log:\n  level: error\n  format:\n", "a.yml:3: log.format: the value is missing"},
		{"web:\n  path: {a: b}\n", "a.yml:2: web.path: expected a value, not keys of its own"},
		{"web:\n  path:\n    - a\n", "a.yml:3: web.path: expected one value, not a list"},
		{"web.listen-address:\n  - a\n  - {b: c}\n", "a.yml:3: web.listen-address: expected a list of texts"},
		{"web.listen-address: []\n", "a.yml:1: web.listen-address: the list is empty"},
		{"web.listen-address: [1, 2, 3, 4, 5, 6, 7, 8, 9]\n",
		 "a.yml:1: web.listen-address: '9' is one too many: at most 8 are allowed"},
		{"\nweb.max-requests: many\n", "a.yml:2: web.max-requests: 'many' is not a whole number from 0 to 100"},
		{"collector.epoll: kprobe\n", "a.yml:1: collector.epoll: 'kprobe' is not one of: auto sched"},
		{"collector.epoll.idle: 11\n",
		 "a.yml:1: collector.epoll.idle: '11' is not a number of seconds from 0 to 10"},
		{"metrics.detail: 1\n", "a.yml:1: metrics.detail: '1' is not true or false"},
		{"metrics.detail: 'true'\n", "a.yml:1: metrics.detail: 'true' is not true or false"},
		{"findings: [true]\n", "a.yml:1: findings: expected one value, not a list"},
		{"web: {path: a}\nweb.path: b\n", "a.yml:2: 'web.path' is there twice, first in line 1"},
		{"web: {path: a}\nweb: {}\n", "a.yml:2: the key 'web' is there twice, first in line 1"},
		{"a: &x 1\n", "a.yml:1: anchors (&name) are not supported here"},
		{"a: \x1b[31m\n", "a.yml: byte 3: control characters are not allowed"},
	};
	char said[4096], want[512];
	struct layered g;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		file_write(table[i].text);
		assert_true(parse(&g, "--config.file FILE", said, sizeof(said)) < 0);
		snprintf(want, sizeof(want), "%s\n", table[i].says);
		assert_string_equal(said, want);
		conf_free(g.conf.tree);
	}
	/* A file that others can write, a folder, none. */
	file_write("");
	chmod(file_path, 0666);
	assert_true(parse(&g, "--config.file FILE", said, sizeof(said)) < 0);
	assert_non_null(strstr(said, "a.yml: others can write it; it has to belong to root"));
	assert_true(parse(&g, "--config.file /tmp", said, sizeof(said)) < 0);
	assert_string_equal(said, "/tmp: not a regular file\n");
	assert_true(parse(&g, "--config.file /no/file", said, sizeof(said)) < 0);
	assert_string_equal(said, "/no/file: No such file or directory\n");
}

static void test_environment_refused(void **state)
{
	static const struct {
		const char *name, *value, *says;
	} table[] = {
		{"SYSSCOPE_WEB_MAX_REQUESTS", "1e2",
		 "sysscope test: SYSSCOPE_WEB_MAX_REQUESTS: '1e2' is not a whole number from 0 to 100\n"},
		{"SYSSCOPE_FINDINGS", "\x1b[2J", "sysscope test: SYSSCOPE_FINDINGS: '\\x1b[2J' is not true or false\n"},
		{"SYSSCOPE_WEB_LISTEN_ADDRESS", "1,2,3,4,5,6,7,8,9",
		 "sysscope test: SYSSCOPE_WEB_LISTEN_ADDRESS: "
		 "'1,2,3,4,5,6,7,8,9' is one too many: at most 8 are allowed\n"},
		{"SYSSCOPE_LOG_LEVEL", "loud",
		 "sysscope test: SYSSCOPE_LOG_LEVEL: 'loud' is not one of: error warning info debug\n"},
	};
	static const char *const unknown[] = {"SYSSCOPE_WEB_LISTEN_ADRESS", "SYSSCOPE_HELP", "SYSSCOPE_NO_FINDINGS",
					      "SYSSCOPE_SURPRISE"};
	char said[4096];
	struct layered g;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		setenv(table[i].name, table[i].value, 1);
		assert_true(parse(&g, "", said, sizeof(said)) < 0);
		assert_string_equal(said, table[i].says);
		unsetenv(table[i].name);
	}
	for (size_t i = 0; i < 3; i++) {
		static const char *const truths[] = {"1", "yes", "TRUE"};

		setenv("SYSSCOPE_METRICS_DETAIL", truths[i], 1);
		assert_int_equal(parse(&g, "", said, sizeof(said)), 0);
		assert_true(g.detail);
	}
	unsetenv("SYSSCOPE_METRICS_DETAIL");
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		setenv(unknown[i], "x", 1);
	setenv("SYSSCOPE_TEST_SOMETHING", "x", 1);
	setenv("SYSSCOPE_OPTIONS", "x", 1);
	assert_int_equal(parse(&g, "", said, sizeof(said)), 0);
	assert_non_null(strstr(said, "variables without effect: "));
	assert_non_null(strstr(said, "SYSSCOPE_WEB_LISTEN_ADRESS (did you mean SYSSCOPE_WEB_LISTEN_ADDRESS?)"));
	assert_non_null(strstr(said, " and 1 more; `sysscope test` has no such option\n"));
	assert_null(strstr(said, "SYSSCOPE_TEST"));
	assert_null(strstr(said, "SYSSCOPE_OPTIONS"));
	assert_ptr_equal(strchr(said, '\n') + 1, said + strlen(said));
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		unsetenv(unknown[i]);
	unsetenv("SYSSCOPE_TEST_SOMETHING");
	unsetenv("SYSSCOPE_OPTIONS");
}

/* Read again while it runs: what is wrong is told, and nothing is printed. */
static void test_again(void **state)
{
	char line[] = "--web.path=/line", *argv[] = {"test", line, "--config.file", file_path, NULL};
	_cleanup_buf_ struct buf error = {};
	struct option_row before[ROWS], after[ROWS];
	struct layered a, b;
	size_t n = rows_fill(&a, before);

	(void)state;
	rows_fill(&b, after);
	file_write("web: {path: /one, max-requests: 1}\n");
	assert_int_equal(options_again(&verb, before, n, 4, argv, &error), 0);
	file_write("web: {path: /two, max-requests: 2}\nlog: {level: debug}\n");
	if (options_again(&verb, after, n, 4, argv, &error) < 0)
		fail_msg("%s", error.data);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(option_value_same(&before[i], &after[i]),
				 strcmp(before[i].name, "web.max-requests") != 0);
	assert_string_equal(b.path, "/line");
	assert_string_equal(b.conf.log_level, "debug");
	conf_free(b.conf.tree);
	rows_fill(&b, after);
	file_write("web: {path: /two\n");
	assert_true(options_again(&verb, after, n, 4, argv, &error) < 0);
	assert_non_null(strstr(error.data, "a.yml:2: "));
	conf_free(a.conf.tree);
	conf_free(b.conf.tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),	     cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_file_refused), cmocka_unit_test(test_environment_refused),
		cmocka_unit_test(test_again),
	};

	return cmocka_run_group_tests(tests, fresh, gone);
}
