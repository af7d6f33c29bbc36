/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_record_store.c - a recording is read as it was written, stays within its bounds, and says what is damaged. The bytes of
 * a state are opaque here: each is made from its number, so that a wrong one is seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "record/archive.h"
#include "record/folder.h"
#include "record/store.h"

#define SECOND	  1000000000ULL
#define BEGIN_NS  (1796014800ULL * SECOND)
#define STATE_MAX 1024

static char top[64], folder[96];

static int folder_make(void **state)
{
	(void)state;
	strcpy(top, "/tmp/sysscope-record.XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(folder, sizeof(folder), "%s/recording", top);
	return 0;
}

static int folder_remove(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command);
}

/* ---- states ---- */

/* Looks like what is recorded: mostly the same from state to state. */
static size_t state_make(uint64_t number, char *out)
{
	size_t n = (size_t)snprintf(out, STATE_MAX, "state %llu;", (unsigned long long)number);

	for (size_t i = 0; i < 20 + number % 7; i++)
		n += (size_t)snprintf(out + n, STATE_MAX - n, "row%zu=%llu,", i,
				      (unsigned long long)(number / (i + 1)));
	return n;
}

static uint64_t state_number(const void *bytes, size_t n)
{
	char expected[STATE_MAX];
	unsigned long long number;

	assert_true(n > 8 && n < STATE_MAX);
	assert_int_equal(sscanf(bytes, "state %llu;", &number), 1);
	assert_int_equal(state_make(number, expected), n);
	assert_memory_equal(bytes, expected, n);
	return number;
}

static struct store *store_begin(struct store_options o)
{
	_cleanup_buf_ struct buf error = {};
	struct store *s = NULL;

	o.path = folder;
	o.host = "host-1";
	o.kernel = "6.1";
	o.interval = o.interval > 0 ? o.interval : 5;
	assert_int_equal(store_open(&s, &o, &error), 0);
	return s;
}

/* The state of this number, five seconds after the one before; `every`: how many follow a whole one. */
static int state_write(struct store *s, uint64_t number, uint64_t every)
{
	uint64_t time_ns = BEGIN_NS + number * 5 * SECOND;
	bool whole = store_wants_whole(s, time_ns) || (every && number % every == 0);
	char bytes[STATE_MAX];

	return store_state(s, time_ns, whole, bytes, state_make(number, bytes));
}

static void states_write(struct store *s, uint64_t from, uint64_t to, uint64_t every)
{
	for (uint64_t i = from; i < to; i++)
		assert_int_equal(state_write(s, i, every), 0);
}

static struct archive *archive_begin(void)
{
	_cleanup_buf_ struct buf error = {};
	struct archive *a = NULL;

	if (archive_open(&a, folder, &error) < 0)
		print_error("%s\n", error.data ?: "");
	assert_non_null(a);
	return a;
}

/* Each state that is read is the next one or, where `gaps`, a later one. Returns how many there were. */
static uint64_t states_read(struct archive *a, uint64_t from, bool gaps)
{
	struct archive_block b;
	uint64_t n = 0;
	int r;

	while ((r = archive_next(a, false, &b)) == 1) {
		uint64_t number;

		assert_int_equal(b.kind, BLOCK_STATE);
		number = state_number(b.bytes, b.n);
		assert_true(gaps ? number >= from : number == from);
		assert_true(b.time_ns == BEGIN_NS + number * 5 * SECOND);
		from = number + 1;
		n++;
	}
	assert_int_equal(r, 0);
	return n;
}

static bool damage_said(const struct archive *a)
{
	const struct archive_damage *d = archive_damage(a);

	return d->samples || d->frames || d->segments || d->unended || d->torn || d->scarred;
}

/* ---- written and read ---- */

static void test_round(void **state)
{
	struct store *s = store_begin((struct store_options){});
	struct archive *a;
	struct stat st;

	(void)state;
	states_write(s, 0, 150, 0);
	assert_int_equal(store_counts(s)->samples, 150);
	assert_int_equal(store_counts(s)->lost, 0);
	store_close(s);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(stat("00000001-20261130T050000Z.ssrec", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(chdir("/"), 0);

	a = archive_begin();
	assert_false(archive_growing(a));
	assert_int_equal(archive_frames(a), 3);
	assert_int_equal(archive_frame(a, 1)->samples, FRAME_SAMPLES);
	assert_int_equal(archive_frame(a, 2)->samples, 30);
	assert_string_equal(archive_header(a, 0)->host, "host-1");
	assert_string_equal(archive_header(a, 0)->sysscope, SYSSCOPE_VERSION);
	assert_int_equal(states_read(a, 0, false), 150);
	assert_false(damage_said(a));
	/* Any frame again, without those before. */
	archive_rewind(a, archive_frame_at(a, BEGIN_NS + 60 * 5 * SECOND));
	assert_int_equal(states_read(a, 60, false), 90);
	archive_close(a);
}

static void test_pause_begins_frame(void **state)
{
	struct store *s = store_begin((struct store_options){});
	struct archive *a;

	(void)state;
	states_write(s, 0, 3, 0);
	states_write(s, 6, 8, 0); /* 20 seconds: more than three intervals */
	states_write(s, 1, 2, 0); /* the clock was set back */
	store_close(s);
	a = archive_begin();
	assert_int_equal(archive_frames(a), 3);
	archive_close(a);
}

static void test_facts(void **state)
{
	struct store *s = store_begin((struct store_options){});
	struct archive_block b;
	struct archive *a;

	(void)state;
	assert_int_equal(store_facts(s, BEGIN_NS, "fact", 4), -EAGAIN);
	states_write(s, 0, 2, 0);
	assert_int_equal(store_facts(s, BEGIN_NS + 6 * SECOND, "fact", 4), 0);
	states_write(s, 2, 3, 0);
	store_close(s);
	a = archive_begin();
	for (uint64_t i = 0; i < 4; i++) {
		assert_int_equal(archive_next(a, false, &b), 1);
		assert_int_equal(b.kind, i == 2 ? BLOCK_FACTS : BLOCK_STATE);
	}
	assert_int_equal(archive_next(a, false, &b), 0);
	assert_false(damage_said(a));
	archive_close(a);
}

/* Behind each state, also the last one of a frame; a damaged block of them costs no state. */
static void test_facts_everywhere(void **state)
{
	struct store *s = store_begin((struct store_options){.fact_kinds = 1u << 9});
	uint64_t facts = 0, states = 0;
	struct archive_block b;
	struct archive *a;
	char path[200];
	int fd, only;

	(void)state;
	for (uint64_t i = 0; i < 150; i++) {
		states_write(s, i, i + 1, 0);
		assert_int_equal(store_facts(s, BEGIN_NS + i * 5 * SECOND, &i, sizeof(i)), 0);
	}
	store_close(s);
	for (only = 0; only < 2; only++) {
		a = archive_begin();
		assert_int_equal(archive_header(a, 0)->fact_kinds, 1u << 9);
		if (only)
			archive_only_facts(a);
		for (facts = states = 0; archive_next(a, false, &b) == 1;) {
			if (b.kind == BLOCK_FACTS) {
				assert_int_equal(b.n, sizeof(facts));
				assert_memory_equal(b.bytes, &facts, sizeof(facts));
				facts++;
			} else {
				assert_int_equal(state_number(b.bytes, b.n), states++);
			}
		}
		assert_int_equal(facts, 150);
		assert_int_equal(states, only ? 0 : 150);
		assert_false(damage_said(a));
		archive_close(a);
	}
	/* The last byte of the last block of facts, which the index follows. */
	snprintf(path, sizeof(path), "%s/00000001-20261130T050000Z.ssrec", folder);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(
		pwrite(fd, "\xaa", 1,
		       lseek(fd, 0, SEEK_END) - SEGMENT_TRAILER_BYTES - 3 * FRAME_ENTRY_BYTES - BLOCK_HEADER_BYTES - 1),
		1);
	close(fd);
	a = archive_begin();
	for (facts = states = 0; archive_next(a, false, &b) == 1;)
		*(b.kind == BLOCK_FACTS ? &facts : &states) += 1;
	assert_int_equal(facts, 149);
	assert_int_equal(states, 150);
	assert_int_equal(archive_damage(a)->facts, 1);
	assert_int_equal(archive_damage(a)->samples, 0);
	archive_close(a);
}

static void test_follow(void **state)
{
	struct store *s = store_begin((struct store_options){.segment_bytes = 4096});
	struct archive *a;

	(void)state;
	states_write(s, 0, 2, 0);
	a = archive_begin();
	assert_true(archive_growing(a));
	assert_int_equal(states_read(a, 0, false), 2);
	for (uint64_t n = 2; n < 200; n += 33) {
		states_write(s, n, n + 33, 0);
		assert_int_equal(archive_refresh(a), 0);
		assert_int_equal(states_read(a, n, false), 33);
	}
	assert_false(damage_said(a));
	store_close(s);
	assert_int_equal(archive_refresh(a), 0);
	assert_false(archive_growing(a));
	assert_false(damage_said(a));
	archive_close(a);
}

/* ---- bounds ---- */

static uint64_t files_bytes(size_t *ret_n)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY);
	struct folder_segments found = {};
	uint64_t bytes = 0;

	assert_int_equal(folder_segments_list(fd, &found), 0);
	for (size_t i = 0; i < found.list.n; i++)
		bytes += found.list.at[i].bytes;
	*ret_n = found.list.n;
	folder_segments_free(&found);
	close(fd);
	return bytes;
}

static void file_make(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	close(open(path, O_CREAT | O_WRONLY, 0600));
}

static bool file_there(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

static void test_kept_bytes(void **state)
{
	struct store *s = store_begin((struct store_options){.keep_bytes = 16384, .segment_bytes = 2048});
	struct archive *a;
	uint64_t first;
	size_t n;

	(void)state;
	file_make("notes.txt");
	file_make("00000001-20261130T050000Z.ssrec.old");
	for (uint64_t i = 0; i < 3000; i++) {
		assert_int_equal(state_write(s, i, 0), 0);
		if (i % 50 == 0)
			assert_true(files_bytes(&n) <= 16384);
	}
	assert_true(store_counts(s)->bytes > 3 * 16384);
	assert_int_equal(store_counts(s)->kept_bytes, files_bytes(&n));
	assert_true(store_counts(s)->kept_bytes > 16384 / 2);
	store_close(s);
	assert_true(file_there("notes.txt") && file_there("00000001-20261130T050000Z.ssrec.old"));
	a = archive_begin();
	first = (archive_frame(a, 0)->first_ns - BEGIN_NS) / (5 * SECOND);
	assert_int_equal(states_read(a, first, false), 3000 - first);
	assert_false(damage_said(a));
	archive_close(a);
}

static void test_kept_seconds(void **state)
{
	struct store *s = store_begin((struct store_options){.keep_seconds = 3600, .segment_seconds = 600});
	struct archive *a;
	uint64_t first;

	(void)state;
	states_write(s, 0, 3000, 0);
	store_close(s);
	a = archive_begin();
	first = (archive_frame(a, 0)->first_ns - BEGIN_NS) / SECOND;
	/* An hour, and at most one segment more. */
	assert_in_range(2999 * 5 - first, 3600, 3600 + 600 + 300);
	archive_close(a);
}

static void test_refused(void **state)
{
	struct store_options o = {.path = folder, .interval = 5};
	_cleanup_buf_ struct buf error = {}, busy = {}, none = {};
	struct store *s = NULL, *first;
	struct archive *a = NULL;

	(void)state;
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(archive_open(&a, folder, &none), -ENODATA);
	assert_non_null(strstr(none.data, "is no recording"));
	file_make("thesis.tex");
	assert_int_equal(store_open(&s, &o, &error), -ENOTEMPTY);
	assert_non_null(strstr(error.data, "is no recording; choose an empty or a new folder"));
	assert_true(file_there("thesis.tex"));
	assert_false(file_there(RECORDING_MARK));
	snprintf(folder, sizeof(folder), "%s/other", top);
	first = store_begin((struct store_options){});
	assert_int_equal(store_open(&s, &o, &busy), -EBUSY);
	assert_non_null(strstr(busy.data, "another sysscope records into it"));
	store_close(first);
	store_close(store_begin((struct store_options){}));
}

/* Without room nothing torn is left behind, each sample that is missing is counted, and it goes on by itself. */
static void test_full(void **state)
{
	struct store *s = store_begin((struct store_options){});
	struct rlimit before, limit;
	struct archive *a;
	uint64_t lost = 0;
	size_t n;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	states_write(s, 0, 70, 0);
	limit.rlim_cur = files_bytes(&n) + 45;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (uint64_t i = 70; i < 75; i++)
		lost += state_write(s, i, 0) == -EFBIG;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(lost, 5);
	assert_int_equal(store_counts(s)->lost, 5);
	states_write(s, 75, 100, 0);
	store_close(s);
	a = archive_begin();
	assert_int_equal(states_read(a, 0, true), 95);
	assert_false(damage_said(a));
	archive_close(a);
}

/* ---- damage ---- */

static void crash_after(uint64_t from, uint64_t to)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		states_write(store_begin((struct store_options){}), from, to, 0);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_crash(void **state)
{
	struct archive *a;
	size_t n;

	(void)state;
	crash_after(0, 100);
	crash_after(100, 130);
	files_bytes(&n);
	assert_int_equal(n, 2);
	a = archive_begin();
	assert_int_equal(states_read(a, 0, false), 130);
	assert_int_equal(archive_damage(a)->unended, 2);
	assert_int_equal(archive_damage(a)->torn, 0);
	assert_int_equal(archive_damage(a)->samples, 0);
	archive_close(a);
}

#define DAMAGE_SAMPLES 12
#define DAMAGE_EVERY   4

/* A small recording, whose only segment is *ret_fd, and its bytes. */
static void damage_begin(int *ret_fd, char **ret, size_t *ret_n)
{
	struct store *s = store_begin((struct store_options){});
	char path[200];

	states_write(s, 0, DAMAGE_SAMPLES, DAMAGE_EVERY);
	store_close(s);
	snprintf(path, sizeof(path), "%s/00000001-20261130T050000Z.ssrec", folder);
	assert_int_equal(read_file(path, 1 << 20, ret, ret_n), 0);
	*ret_fd = open(path, O_RDWR);
	assert_true(*ret_fd >= 0);
}

/* What is read is right, and what is missing is said. Returns how many samples were read. */
static uint64_t damage_read(void)
{
	_cleanup_buf_ struct buf error = {};
	struct archive *a = NULL;
	uint64_t n = 0;

	if (archive_open(&a, folder, &error) < 0) {
		assert_true(error.len);
		return 0;
	}
	n = states_read(a, 0, true);
	if (n < DAMAGE_SAMPLES)
		assert_true(damage_said(a));
	archive_close(a);
	return n;
}

static void test_truncated(void **state)
{
	_cleanup_free_ char *bytes = NULL;
	_cleanup_close_ int fd = -1;
	uint64_t before = DAMAGE_SAMPLES;
	size_t n;

	(void)state;
	damage_begin(&fd, &bytes, &n);
	for (size_t cut = n; cut-- > 0;) {
		uint64_t samples;

		assert_int_equal(ftruncate(fd, (off_t)cut), 0);
		samples = damage_read();
		assert_true(samples <= before);
		before = samples;
	}
	assert_int_equal(before, 0);
}

static void test_flipped(void **state)
{
	_cleanup_free_ char *bytes = NULL;
	_cleanup_close_ int fd = -1;
	uint64_t worst = DAMAGE_SAMPLES;
	size_t n;

	(void)state;
	damage_begin(&fd, &bytes, &n);
	srand(7);
	for (size_t i = 0; i < 10000; i++) {
		size_t at = i < n ? i : (size_t)rand() % n;
		char wrong = (char)(bytes[at] ^ (i < n ? 1 << i % 8 : 1 + rand() % 255));
		uint64_t samples;

		assert_int_equal(pwrite(fd, &wrong, 1, (off_t)at), 1);
		samples = damage_read();
		if (samples < worst)
			worst = samples;
		assert_int_equal(pwrite(fd, &bytes[at], 1, (off_t)at), 1);
	}
	/* One frame at most. */
	assert_int_equal(worst, DAMAGE_SAMPLES - DAMAGE_EVERY);
	assert_int_equal(damage_read(), DAMAGE_SAMPLES);
}

/* Without an index, too. */
static void test_flipped_unended(void **state)
{
	_cleanup_free_ char *bytes = NULL;
	_cleanup_close_ int fd = -1;
	uint64_t worst = DAMAGE_SAMPLES, index_at;
	size_t n;

	(void)state;
	damage_begin(&fd, &bytes, &n);
	assert_int_equal(segment_trailer_read((const uint8_t *)bytes + n - SEGMENT_TRAILER_BYTES, &index_at), 0);
	assert_int_equal(ftruncate(fd, (off_t)index_at), 0);
	for (size_t at = 0; at < index_at; at++) {
		char wrong = (char)(bytes[at] ^ 1 << at % 8);
		uint64_t samples;

		assert_int_equal(pwrite(fd, &wrong, 1, (off_t)at), 1);
		samples = damage_read();
		if (samples < worst)
			worst = samples;
		assert_int_equal(pwrite(fd, &bytes[at], 1, (off_t)at), 1);
	}
	assert_int_equal(worst, DAMAGE_SAMPLES - DAMAGE_EVERY);
}

/* ---- hostile files ---- */

/* A length that the file does not have is refused before anything is allocated; so is one beyond the cap. */
static void test_lengths(void **state)
{
	struct block_header h = {.kind = BLOCK_STATE, .flags = BLOCK_BEGINS_FRAME, .number = 1};
	_cleanup_free_ char *bytes = NULL;
	_cleanup_close_ int fd = -1;
	uint8_t header[BLOCK_HEADER_BYTES];
	size_t n;

	(void)state;
	damage_begin(&fd, &bytes, &n);
	assert_int_equal(ftruncate(fd, SEGMENT_HEADER_BYTES), 0);
	for (uint64_t size = 1; size <= UINT32_MAX; size *= 8) {
		h.size = (uint32_t)size;
		for (uint64_t length = 1; length <= UINT32_MAX; length *= 8) {
			h.length = (uint32_t)length;
			block_header_write(&h, header);
			assert_int_equal(pwrite(fd, header, sizeof(header), SEGMENT_HEADER_BYTES), sizeof(header));
			assert_int_equal(damage_read(), 0);
		}
	}
}

static void test_other_files(void **state)
{
	struct store *s = store_begin((struct store_options){});
	char path[200];
	struct archive *a;

	(void)state;
	states_write(s, 0, 3, 0);
	store_close(s);
	snprintf(path, sizeof(path), "%s/00000002-20261130T060000Z.ssrec", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/00000003-20261130T070000Z.ssrec", folder);
	assert_int_equal(symlink("/dev/zero", path), 0);
	snprintf(path, sizeof(path), "%s/00000004-20261130T080000Z.ssrec", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	a = archive_begin();
	assert_int_equal(states_read(a, 0, false), 3);
	assert_false(damage_said(a));
	archive_close(a);
}

static void test_later_version(void **state)
{
	struct segment_header later = {.version = RECORDING_VERSION + 1};
	_cleanup_buf_ struct buf error = {};
	_cleanup_free_ char *bytes = NULL;
	_cleanup_close_ int fd = -1;
	uint8_t header[SEGMENT_HEADER_BYTES];
	struct archive *a = NULL;
	size_t n;

	(void)state;
	damage_begin(&fd, &bytes, &n);
	segment_header_write(&later, header);
	assert_int_equal(pwrite(fd, header, sizeof(header), 0), sizeof(header));
	assert_int_equal(archive_open(&a, folder, &error), -EPROTONOSUPPORT);
	assert_non_null(strstr(error.data, "was recorded by a later version of sysscope"));
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_round),
		STORE_TEST(test_pause_begins_frame),
		STORE_TEST(test_facts),
		STORE_TEST(test_follow),
		STORE_TEST(test_facts_everywhere),
		STORE_TEST(test_kept_bytes),
		STORE_TEST(test_kept_seconds),
		STORE_TEST(test_refused),
		STORE_TEST(test_full),
		STORE_TEST(test_crash),
		STORE_TEST(test_truncated),
		STORE_TEST(test_flipped),
		STORE_TEST(test_flipped_unended),
		STORE_TEST(test_lengths),
		STORE_TEST(test_other_files),
		STORE_TEST(test_later_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
